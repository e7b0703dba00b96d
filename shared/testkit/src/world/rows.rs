//! Rows as other workers write them.

use contracts::ProviderRef;
use contracts::events::OrderEvent;
use domain::order::{Order, OrderStatus};
use domain::payment::{Attempt, AttemptStatus, Capture, Classification};
use domain::{Money, Policies};

use crate::shop::{self, at};

/// An order as [`shop::order_created`] describes it, over this amount.
pub(super) fn pending_order(total_minor: i64) -> Order {
    let event = shop::order_created(shop::order_id(1)).decoded::<OrderEvent>().event;
    let OrderEvent::Created(created) = event else { unreachable!("it is an order.created") };
    let window = Policies::default().windows.of(created.payment_method_hint);
    Order {
        id: created.order_id,
        merchant_id: created.merchant_id,
        customer_ref: created.customer_ref,
        total: eur(total_minor),
        status: OrderStatus::PendingPayment,
        revision: created.revision,
        amount_changed: false,
        placed_at: created.placed_at,
        expires_at: created.placed_at.plus(window),
        method: created.payment_method_hint,
        policy_version: domain::PolicyBook::default().version().clone(),
        locale: None,
        reservation_id: created.reservation_id,
        lines: created.lines,
        consent: None,
        paid_at: None,
        closed_at: None,
        close_reason: None,
        held_since: None,
        shortfall: None,
        stock_released_at: None,
        history_len: 0,
        ledger_len: 0,
        version: 0,
    }
}

/// An attempt as [`shop::payment`] describes it.
pub(super) fn attempt(number: u32, amount_minor: i64, status: AttemptStatus) -> Attempt {
    let occurred_at = at(&format!("12:{number:02}:00"));
    Attempt {
        id: shop::attempt_id(number),
        provider: "acme".parse().expect("it is short and printable"),
        provider_ref: provider_ref(number),
        status,
        amount: eur(amount_minor),
        authorized: eur(0),
        decline_code: None,
        decline: domain::payment::DeclineDetails::default(),
        paid_with: None,
        revision: None,
        occurred_at,
        last_event_at: occurred_at,
    }
}

/// The only capture of an attempt, all of it paying the order or none.
pub(super) fn capture(number: u32, amount_minor: i64, classification: Classification) -> Capture {
    let pays = classification == Classification::Normal;
    Capture {
        attempt_id: shop::attempt_id(number),
        capture_ref: provider_ref(number),
        amount: eur(amount_minor),
        applied: eur(if pays { amount_minor } else { 0 }),
        classification,
        occurred_at: at(&format!("12:{number:02}:00")),
        reversed_at: None,
    }
}

fn provider_ref(number: u32) -> ProviderRef {
    let text = format!("pay-{}", shop::attempt_id(number));
    text.parse().expect("an id is short and printable")
}

fn eur(minor: i64) -> Money {
    let currency = "EUR".parse().expect("it is a currency");
    Money::new(minor, currency).expect("tests use amounts in range")
}
