//! Money that fits no order, and when it is looked at again.

use crate::Policies;
use crate::changes::Draft;
use crate::timer::{TimerKind, TimerOwner};
use crate::unapplied::{UnappliedCause, UnappliedMoney};

/// Keeps money beside the order, once, and has it looked at again (cases 25, 29, 42 and 51).
pub fn keep_unapplied(draft: &mut Draft, policies: &Policies, money: UnappliedMoney) {
    let same = |known: &UnappliedMoney| {
        known.is_capture(&money.provider, &money.capture_ref) && known.cause == money.cause
    };
    if draft.state().unapplied.iter().any(same) {
        return;
    }
    let wait = match money.cause {
        UnappliedCause::Orphan => policies.unapplied.refund_after,
        // A person decides, and is reminded when that takes too long.
        UnappliedCause::CurrencyMismatch
        | UnappliedCause::MerchantMismatch
        | UnappliedCause::FactConflict => policies.unapplied.sla,
    };
    let due_at = money.recorded_at.plus(wait);
    draft.arm(TimerKind::UnappliedMoneyDue, TimerOwner::Money(money.id), due_at);
    draft.keep_unapplied(money);
}

/// Has orphaned money looked at now: its order has come after all.
pub fn look_at_unapplied(draft: &mut Draft) {
    let waits =
        |money: &&UnappliedMoney| money.cause == UnappliedCause::Orphan && money.resolved.is_none();
    let waiting: Vec<_> = draft.state().unapplied.iter().filter(waits).map(|it| it.id).collect();
    for id in waiting {
        let now = draft.now();
        draft.arm(TimerKind::UnappliedMoneyDue, TimerOwner::Money(id), now);
    }
}
