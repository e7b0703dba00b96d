//! Money that fits no order, looked at again.

use contracts::events::{PaymentAttempted, PaymentOutcome, UnappliedDue};
use domain::judgement::PolicyKind;
use domain::operations::open_case;
use domain::order::Order;
use domain::policy::written;
use domain::settlement::{apply_unapplied, refund_unapplied, write_unapplied_off};
use domain::timer::{TimerKind, TimerOwner};
use domain::unapplied::{MoneyDecision, Resolution, UnappliedCause, UnappliedMoney};
use domain::{Changes, Decision, Draft, OrderState, OutcomeCode};

use super::PaymentRules;
use super::capture;
use super::contradiction::{self, Contradiction};
use super::report::{Report, capture_ref};

impl PaymentRules {
    /// Does what a person decided, gives the money to its order, or sends it back (case 25).
    ///
    /// The message is a hint only: the timer's row and the money's decide.
    pub(super) fn look_again(&self, mut draft: Draft, due: &UnappliedDue) -> Decision {
        let (kind, owner) = (TimerKind::UnappliedMoneyDue, TimerOwner::Money(due.money_id));
        let now = draft.now();
        if let Err(code) = draft.state().check_due(kind, owner, due.generation, now) {
            return Decision::noop(code);
        }
        draft.fire(kind, owner);
        let waiting =
            draft.state().unapplied(due.money_id).filter(|money| money.resolved.is_none());
        let Some(money) = waiting.cloned() else {
            return Decision::noop_with(OutcomeCode::Stale, draft.finish());
        };
        match money.decision {
            Some(MoneyDecision::Refund) if money.is_disputed_unseen() => {
                self.ask_again(&mut draft, &money, OutcomeCode::Disputed);
            }
            Some(MoneyDecision::Refund) => {
                refund_unapplied(&mut draft, &money, &self.book.everyone().unapplied);
            }
            Some(MoneyDecision::WriteOff) => write_unapplied_off(&mut draft, &money),
            None => return self.without_decision(draft, &money),
        }
        Decision::apply(draft.finish())
    }

    /// Only money whose order never came needs nobody's decision, unless its buyer disputes it or
    /// its provider refused to send it back before.
    fn without_decision(&self, mut draft: Draft, money: &UnappliedMoney) -> Decision {
        let policy = &self.book.everyone().unapplied;
        match (money.cause, draft.state().order.clone()) {
            (UnappliedCause::Orphan, Some(order)) => return self.apply(draft, &order, money),
            // The buyer may have it back by a chargeback: a refund would be the second time.
            (UnappliedCause::Orphan, None) if money.is_disputed_unseen() => {
                self.ask_again(&mut draft, money, OutcomeCode::Disputed);
            }
            (UnappliedCause::Orphan, None) if money.refund.is_none() => {
                self.judge(&mut draft, money, OutcomeCode::Orphaned);
                refund_unapplied(&mut draft, money, policy);
            }
            (
                UnappliedCause::Orphan
                | UnappliedCause::CurrencyMismatch
                | UnappliedCause::MerchantMismatch
                | UnappliedCause::FactConflict,
                _,
            ) => self.ask_again(&mut draft, money, OutcomeCode::UnappliedOverdue),
        }
        Decision::apply(draft.finish())
    }

    /// Lays the money before a person, and again when they take too long.
    fn ask_again(&self, draft: &mut Draft, money: &UnappliedMoney, code: OutcomeCode) {
        let again = draft.now().plus(self.book.everyone().unapplied.sla);
        draft.arm(TimerKind::UnappliedMoneyDue, TimerOwner::Money(money.id), again);
        self.judge(draft, money, code);
        ask(draft, money, code);
    }

    /// Records why the money goes back, or why a person has to decide (case 25).
    fn judge(&self, draft: &mut Draft, money: &UnappliedMoney, verdict: OutcomeCode) {
        let policy = &self.book.everyone().unapplied;
        let decided = money.decision.map(|decision| decision.to_string());
        let refund = money.refund.as_ref().map(|refund| refund.status.to_string());
        let inputs = vec![
            ("money", money.id.to_string()),
            ("amount", money.amount.to_string()),
            ("cause", money.cause.to_string()),
            ("recorded_at", money.recorded_at.to_string()),
            ("refund_after", written(policy.refund_after)),
            ("decide_within", written(policy.sla)),
            ("decision", decided.unwrap_or_default()),
            ("refund", refund.unwrap_or_default()),
            ("disputed_since", money.disputed_since.map(|at| at.to_string()).unwrap_or_default()),
        ];
        draft.judge(PolicyKind::UnappliedMoney, verdict, &self.book, inputs);
    }

    /// Judges the money like any capture, now that its order is there (cases 3, 4 and 22).
    fn apply(&self, mut draft: Draft, order: &Order, money: &UnappliedMoney) -> Decision {
        let event = &capture_of(money);
        let report = Report { event, order, at: money.occurred_at, clock_ahead: false };
        let untouched = draft.clone();
        apply_unapplied(&mut draft, money);
        let state = draft.state();
        let known = state.capture(money.attempt_id, &money.capture_ref);
        let same_fact = known.is_some_and(|known| known.amount == money.amount);
        let checked = contradiction::check(state, &report);
        let decision = match checked {
            // A later report of it came first: the order has the money already.
            Ok(()) if same_fact => Ok(Decision::apply(draft.finish())),
            Ok(()) => capture::record(draft, &report, &self.book),
            Err(contradiction) => Err(contradiction),
        };
        decision.unwrap_or_else(|contradiction| {
            let mut draft = untouched;
            let (now, sla) = (draft.now(), self.book.everyone().unapplied.sla);
            let sla_ends = money.recorded_at.plus(sla);
            let again = if sla_ends > now { sla_ends } else { now.plus(sla) };
            draft.arm(TimerKind::UnappliedMoneyDue, TimerOwner::Money(money.id), again);
            ask(&mut draft, money, contradiction.code());
            Decision::apply(draft.finish())
        })
    }
}

/// Whether a capture is money that was orphaned, and goes to its order or back without it.
///
/// # Errors
/// When the same capture was reported with another amount then.
pub(super) fn is_known(
    state: &OrderState,
    event: &PaymentAttempted,
) -> Result<bool, Contradiction> {
    if event.outcome != PaymentOutcome::Captured {
        return Ok(false);
    }
    let Some(money) = orphan(state, event) else { return Ok(false) };
    match money.resolution() {
        // The order has it, or the provider did not have it then: this report counts.
        Some(Resolution::Applied | Resolution::WrittenOff) => Ok(false),
        Some(Resolution::Refunded) | None if money.amount == event.amount => Ok(true),
        Some(Resolution::Refunded) | None => Err(Contradiction::Fact),
    }
}

/// Takes a capture that failed after all out of the books, if it was kept without an order.
pub(super) fn lose(mut draft: Draft, event: &PaymentAttempted) -> Decision {
    let Some(money) = orphan(draft.state(), event).cloned() else {
        return Decision::orphan(Changes::default());
    };
    take_out(&mut draft, &money);
    Decision::orphan(draft.finish())
}

/// The same for money that was kept beside its order, because it contradicts it (case 50).
pub(super) fn lose_kept(mut draft: Draft, money: &UnappliedMoney) -> Decision {
    take_out(&mut draft, money);
    Decision::noop_with(OutcomeCode::CaptureFailed, draft.finish())
}

fn take_out(draft: &mut Draft, money: &UnappliedMoney) {
    match money.resolution() {
        None => write_unapplied_off(draft, money),
        Some(Resolution::Refunded) => ask(draft, money, OutcomeCode::CaptureFailed),
        Some(Resolution::Applied | Resolution::WrittenOff) => {}
    }
}

/// The money that was kept when the order of this capture did not come.
fn orphan<'a>(state: &'a OrderState, event: &PaymentAttempted) -> Option<&'a UnappliedMoney> {
    let orphans = state.unapplied.iter().filter(|money| money.cause == UnappliedCause::Orphan);
    let mut same = orphans.filter(|it| it.is_capture(&event.provider, capture_ref(event)));
    same.next()
}

/// Lays the money before a person.
fn ask(draft: &mut Draft, money: &UnappliedMoney, code: OutcomeCode) {
    open_case(draft, money.claimed_order, code, money.id.to_string());
}

/// The report that brought the money, as far as it is remembered.
fn capture_of(money: &UnappliedMoney) -> PaymentAttempted {
    PaymentAttempted {
        order_id: money.claimed_order,
        attempt_id: money.attempt_id,
        provider: money.provider.clone(),
        provider_ref: money.provider_ref.clone(),
        outcome: PaymentOutcome::Captured,
        amount: money.amount,
        occurred_at: money.occurred_at,
        livemode: true,
        merchant_id: money.merchant_id.clone(),
        capture_ref: Some(money.capture_ref.clone()),
        final_capture: None,
        authorized: None,
        order_revision: None,
        decline: None,
        method: None,
        three_ds: None,
        fee: None,
    }
}
