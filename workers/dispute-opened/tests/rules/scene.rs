//! An order paid at 12:10, disputed from 14:00 on.

use contracts::events::RefundReason;
use dispute_opened::DisputeRules;
use domain::dispute::Dispute;
use domain::history::position_name;
use domain::ledger::Account;
use domain::message::Body;
use domain::operations::{OwnRefund, refund_own};
use domain::order::Order;
use domain::refund::{Refund, RefundStatus};
use domain::settlement::put_refund;
use domain::timer::{TimerKind, TimerOwner, TimerStatus};
use domain::{Money, OrderId, Outcome, OutcomeCode, Policies, Timestamp};
use serde_json::{Value, json};
use testkit::shop::{
    ShopEvent, at, attempt_id, dispute_deadline, dispute_id, dispute_opened, dispute_updated,
    order_id,
};
use testkit::world::World;

pub(crate) fn order() -> OrderId {
    order_id(1)
}

pub(crate) fn rules() -> DisputeRules {
    DisputeRules::new(Policies::default())
}

pub(crate) fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap()).unwrap()
}

pub(crate) fn money(minor: i64) -> Value {
    json!({"amount_minor": minor, "currency": "EUR"})
}

/// When evidence is due for a dispute of these tests: a week after its opening.
pub(crate) fn due() -> Timestamp {
    "2026-03-08T14:00:00Z".parse().unwrap()
}

/// An order paid by these captures, of attempts 1, 2, ...; it is 14:00.
pub(crate) fn paid(captures: &[i64]) -> World {
    let mut world = World::paid_order(captures);
    world.clock("14:00:00").sent.clear();
    world
}

pub(crate) fn tell(world: &mut World, event: &ShopEvent) -> Outcome {
    world.handle(&rules(), event).outcome
}

/// A chargeback over so much of attempt 1, opened at 14:00.
pub(crate) fn chargeback(number: u32, amount_minor: i64) -> ShopEvent {
    dispute_opened(order(), dispute_id(number), attempt_id(1), amount_minor)
}

pub(crate) fn inquiry(number: u32, amount_minor: i64) -> ShopEvent {
    chargeback(number, amount_minor).with("stage", "inquiry")
}

/// The provider's word on a dispute, at this time, with a deadline if evidence is wanted.
pub(crate) fn update(number: u32, stage: &str, status: &str, time: &str) -> ShopEvent {
    let event = dispute_updated(order(), dispute_id(number), stage, status)
        .with("occurred_at", at(time).to_string());
    let wanted = status == "needs_response";
    if wanted { event.with("evidence_due_at", due().to_string()) } else { event }
}

/// As [`update`], with all that opens a dispute not seen before.
pub(crate) fn full_update(number: u32, stage: &str, status: &str, time: &str) -> ShopEvent {
    update(number, stage, status, time)
        .with("payment_ref", format!("pay-{}", attempt_id(1)))
        .with("amount", money(10_000))
}

/// The provider says so at this time, or before.
pub(crate) fn hear(
    world: &mut World,
    number: u32,
    stage: &str,
    status: &str,
    time: &str,
) -> Outcome {
    world.now = world.now.max(at(time));
    tell(world, &update(number, stage, status, time))
}

/// The deadline's timer comes back, of this generation and at this moment.
pub(crate) fn fall_due(world: &mut World, number: u32, generation: i32, now: Timestamp) -> Outcome {
    world.now = now;
    tell(world, &dispute_deadline(order(), dispute_id(number), generation, now))
}

pub(crate) fn one(world: &World, number: u32) -> Dispute {
    world.state.dispute(dispute_id(number)).cloned().unwrap()
}

/// Stage and status, such as `chargeback:won`.
pub(crate) fn position(world: &World, number: u32) -> &'static str {
    position_name(one(world, number).position)
}

/// When a dispute's timer fires next and as which generation, if it is armed.
pub(crate) fn armed(world: &World, number: u32) -> Option<(Timestamp, i32)> {
    let owner = TimerOwner::Dispute(dispute_id(number));
    let timer = world.state.timer(TimerKind::DisputeEvidenceDue, owner)?;
    (timer.status == TimerStatus::Armed).then_some((timer.due_at, timer.generation))
}

/// The reasons that history gives for a dispute's changes.
pub(crate) fn codes(decision: &domain::Decision) -> Vec<Option<OutcomeCode>> {
    decision.changes.history.iter().map(|line| line.reason).collect()
}

/// The codes of the cases opened for a person so far.
pub(crate) fn cases(world: &World) -> Vec<OutcomeCode> {
    let cases = world.sent.iter().filter_map(|message| match &message.body {
        Body::OpsCaseOpened { code, .. } => Some(*code),
        _ => None,
    });
    cases.collect()
}

/// Net debits of the accounts that disputes move: provider, at stake, losses, and funds owed.
pub(crate) fn books(world: &World) -> [i64; 4] {
    world.check_books();
    [
        world.balance(Account::PspReceivable),
        world.balance(Account::DisputesReceivable),
        world.balance(Account::DisputeLosses),
        -world.balance(Account::CustomerFunds),
    ]
}

pub(crate) fn row(world: &World) -> Order {
    world.state.order.clone().unwrap()
}

/// So much of attempt 1 is under way back to the buyer, under this key.
pub(crate) fn refund(world: &mut World, key: &str, amount_minor: i64) {
    let (order, attempt) = (row(world), world.state.attempt(attempt_id(1)).cloned().unwrap());
    world.write(|draft| {
        let wanted = OwnRefund {
            attempt: &attempt,
            amount: eur(amount_minor),
            request_key: key.to_owned(),
            reason: RefundReason::Goodwill,
            funded_from: Account::CustomerFunds,
            code: OutcomeCode::WithinLimits,
        };
        refund_own(draft, &order, &wanted).unwrap();
    });
    world.sent.clear();
}

/// A refund's provider says how it ended.
pub(crate) fn end_refund(world: &mut World, key: &str, status: RefundStatus) {
    let order = row(world);
    let known = world.state.refunds.iter().find(|r| r.request_key.as_str() == key).cloned();
    let refund = Refund { status, ..known.unwrap() };
    world.write(|draft| put_refund(draft, &order, refund, None).unwrap());
}
