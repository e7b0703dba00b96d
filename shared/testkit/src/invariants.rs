//! The invariants of one order: what the view `violations` checks, over rows in memory.
//!
//! Each function bears the number of its invariant and says which row violates it, if one does.
//! Left out is what one order's rows do not show: whether timers fire, messages leave and parked
//! events come home (I12 to I14, I26, I27), and what the inbox and the outbox hold (I22, I23).

mod ledger;
mod lives;
mod money;
mod sums;

use contracts::EventKind;
use domain::order::Order;
use domain::{Decision, Outcome};

use crate::Record;
use sums::Sums;

/// What an invariant looks at: a known order, its record, and the sums of its money.
struct View<'a> {
    order: &'a Order,
    record: &'a Record,
    sums: &'a Sums,
}

/// An invariant: its name as in the view `violations`, and the row that violates it.
type Invariant = (&'static str, fn(&View<'_>) -> Option<String>);

const ALL: [Invariant; 20] = [
    ("I01 transfer from an account to itself", ledger::i01_transfer_to_itself),
    ("I02 refunded and reserved exceed captured", money::i02_refunded_exceeds_captured),
    ("I03 captured exceeds authorised", money::i03_captured_exceeds_authorised),
    ("I04 paid but never covered", money::i04_paid_but_never_covered),
    ("I05 covered but not paid", money::i05_covered_but_not_paid),
    ("I06 stranded money on closed order", money::i06_stranded_money),
    ("I07 applied exceeds total", money::i07_applied_exceeds_total),
    ("I08 status differs from history", lives::i08_status_differs_from_history),
    ("I09 history chain broken", lives::i09_history_chain_broken),
    ("I10 pending order without armed timeout", lives::i10_pending_without_timeout),
    ("I11 paid or closed order with armed timer", lives::i11_timer_without_need),
    ("I15 closed order holds stock", lives::i15_closed_order_holds_stock),
    ("I16 stock released for live order", lives::i16_live_order_without_stock),
    ("I17 receivable differs from facts", ledger::i17_receivable_differs_from_facts),
    ("I18 open dispute without deadline timer", lives::i18_dispute_without_timer),
    ("I19 double loss unnoticed", money::i19_double_loss_unnoticed),
    ("I20 liability overdrawn", ledger::i20_liability_overdrawn),
    ("I25 refund differs from ledger", ledger::i25_refund_differs_from_ledger),
    ("I28 row without its order or attempt", lives::i28_row_without_its_parent),
    ("I29 ledger differs from its count", ledger::i29_ledger_differs_from_its_count),
];

/// Every invariant of one order that does not hold, with the row that violates it.
pub fn violations(record: &Record) -> Vec<String> {
    let Some(order) = &record.state.order else {
        let empty = record.history.is_empty() && record.transfers.is_empty();
        return if empty { Vec::new() } else { vec!["I28 rows without their order".to_owned()] };
    };
    let sums = Sums::of(&record.state);
    let view = View { order, record, sums: &sums };
    let found =
        |(name, invariant): &Invariant| invariant(&view).map(|row| format!("{name}: {row}"));
    ALL.iter().filter_map(found).collect()
}

/// I21: an event that was applied left a trace, if it is of a kind that always does.
pub fn i21_applied_without_trace(kind: EventKind, decision: &Decision) -> Option<String> {
    let always = match kind {
        EventKind::OrderCancelRequested | EventKind::RefundRequested | EventKind::DisputeOpened => {
            true
        }
        EventKind::OrderCreated
        | EventKind::ConsentWithdrawn
        | EventKind::PaymentAttempted
        | EventKind::PaymentTimeout
        | EventKind::PaymentReminder
        | EventKind::RefundUpdated
        | EventKind::RefundReviewed
        | EventKind::RefundReviewDue
        | EventKind::UnappliedDue
        | EventKind::ReserveReplied
        | EventKind::ReserveAnswerDue
        | EventKind::DisputeUpdated
        | EventKind::EvidenceSubmitted
        | EventKind::DisputeMediated
        | EventKind::DisputeDeadline => false,
    };
    let untraced = decision.outcome == Outcome::Applied && decision.changes.history.is_empty();
    (always && untraced).then(|| format!("I21 applied event without trace: {kind}"))
}
