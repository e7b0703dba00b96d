//! Authorisations that an order no longer needs.

use crate::changes::Draft;
use crate::message::Body;
use crate::order::Order;
use crate::payment::Attempt;

/// Asks the provider to give an authorisation back, if there is one (cases 5 and 84).
pub fn void_if_authorized(draft: &mut Draft, order: &Order, attempt: &Attempt) {
    if attempt.status.holds_authorization() {
        request_void(draft, order, attempt);
    }
}

/// Asks the provider to end an attempt that may still become money: its order is closed.
///
/// A payment still being made could otherwise be finished, and had to go back (Sylius #8928).
pub(super) fn call_off(draft: &mut Draft, order: &Order, attempt: &Attempt) {
    if attempt.status.can_be_called_off() {
        request_void(draft, order, attempt);
    }
}

/// Asks the provider to give an authorisation, or what is left of one, back.
pub fn request_void(draft: &mut Draft, order: &Order, attempt: &Attempt) {
    let order_id = order.id;
    let (provider, provider_ref) = (attempt.provider.clone(), attempt.provider_ref.clone());
    let attempt_id = attempt.id;
    draft.send(
        order_id,
        Body::PaymentVoidRequested { order_id, attempt_id, provider, provider_ref },
    );
}
