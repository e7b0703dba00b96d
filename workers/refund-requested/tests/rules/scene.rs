//! An order paid at 12:10, wishes at 13:00, and reports on them.

use contracts::OrderId;
use contracts::events::{DisputeReason, DisputeStage, RefundReason};
use domain::dispute::{Dispute, DisputePosition, DisputeStatus};
use domain::ledger::Account;
use domain::message::Body;
use domain::operations::{OwnRefund, refund_own};
use domain::order::Order;
use domain::payment::Classification;
use domain::policy::RefundPatience;
use domain::refund::{Refund, RefundStatus};
use domain::settlement::put_dispute;
use domain::{Money, Outcome, OutcomeCode, Policies};
use refund_requested::RefundRules;
use testkit::shop::{
    ShopEvent, at, attempt_id, dispute_id, order_id, refund_requested, refund_updated,
};
use testkit::world::World;

pub(crate) fn order() -> OrderId {
    order_id(1)
}

pub(crate) fn rules() -> RefundRules {
    RefundRules::new(Policies::default())
}

pub(crate) fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap()).unwrap()
}

/// An order paid by these captures, of attempts 1, 2, ...; it is 13:00.
pub(crate) fn paid(captures: &[i64]) -> World {
    let mut world = World::paid_order(captures);
    world.clock("13:00:00").sent.clear();
    world
}

pub(crate) fn tell(world: &mut World, event: &ShopEvent) -> Outcome {
    world.handle(&rules(), event).outcome
}

/// Asks for so much back under this key.
pub(crate) fn ask(world: &mut World, key: &str, amount_minor: i64) -> Outcome {
    tell(world, &refund_requested(order(), key, amount_minor))
}

/// A wish for all that is left.
pub(crate) fn everything(key: &str) -> ShopEvent {
    refund_requested(order(), key, 1).with("amount", serde_json::Value::Null).with("full", true)
}

/// A wish for so much of one attempt's money.
pub(crate) fn of_attempt(key: &str, amount_minor: i64, attempt: u32) -> ShopEvent {
    refund_requested(order(), key, amount_minor).with("attempt_id", attempt_id(attempt).to_string())
}

/// The provider says this of the refund with this key, at this time or before.
pub(crate) fn hear(world: &mut World, key: &str, status: &str, time: &str) -> Outcome {
    world.now = world.now.max(at(time));
    let event = report(&one(world, key), status, time);
    tell(world, &event)
}

pub(crate) fn report(refund: &Refund, status: &str, time: &str) -> ShopEvent {
    refund_updated(order(), refund.id, status).with("occurred_at", at(time).to_string())
}

/// The rows with this key, by part.
pub(crate) fn parts(world: &World, key: &str) -> Vec<Refund> {
    let refunds = world.state.refunds.iter();
    refunds.filter(|refund| refund.request_key.as_str() == key).cloned().collect()
}

/// The only row with this key.
pub(crate) fn one(world: &World, key: &str) -> Refund {
    let parts = parts(world, key);
    assert_eq!(parts.len(), 1, "{key}");
    parts[0].clone()
}

pub(crate) fn status(world: &World, key: &str) -> RefundStatus {
    one(world, key).status
}

pub(crate) fn check_refused(outcome: &Outcome, world: &World, key: &str, code: OutcomeCode) {
    assert_eq!(*outcome, Outcome::Rejected(code), "{key}");
    assert_eq!(status(world, key), RefundStatus::Rejected, "{key}");
    assert_eq!(one(world, key).code, Some(code), "{key}");
    let last = world.sent.last().map(|message| &message.body);
    assert!(matches!(last, Some(Body::RefundRejected { code: said, .. }) if *said == code));
}

/// The codes of the cases opened for a person so far.
pub(crate) fn cases(world: &World) -> Vec<OutcomeCode> {
    let cases = world.sent.iter().filter_map(|message| match &message.body {
        Body::OpsCaseOpened { code, .. } => Some(*code),
        _ => None,
    });
    cases.collect()
}

/// What is in an account for somebody else: credits beyond debits.
pub(crate) fn owed(world: &World, account: Account) -> i64 {
    -world.balance(account)
}

pub(crate) fn row(world: &World) -> Order {
    world.state.order.clone().unwrap()
}

/// The dispute with this number over this attempt is now here.
pub(crate) fn dispute(
    world: &mut World,
    number: u32,
    attempt: u32,
    amount_minor: i64,
    (stage, status): (DisputeStage, DisputeStatus),
) {
    let order = row(world);
    let position = DisputePosition { stage, status };
    let known = world.state.dispute(dispute_id(number)).cloned();
    let dispute = known.unwrap_or_else(|| new_dispute(number, attempt, amount_minor, position));
    world.write(|draft| {
        put_dispute(draft, &order, Dispute { position, ..dispute }, None).unwrap();
    });
}

fn new_dispute(number: u32, attempt: u32, amount: i64, position: DisputePosition) -> Dispute {
    Dispute {
        id: dispute_id(number),
        provider: "acme".parse().unwrap(),
        provider_ref: format!("dp-{number}").parse().unwrap(),
        attempt_id: attempt_id(attempt),
        amount: eur(amount),
        fee: eur(0),
        loss: eur(0),
        position,
        reason: DisputeReason::General,
        network_reason_code: None,
        evidence_due_at: None,
        evidence_submitted_at: None,
        mediated_for: None,
        original: None,
        deadline_missed: false,
        opened_at: at("13:00:00"),
        closed_at: None,
        last_event_at: at("13:00:00"),
    }
}

/// Adds a duplicate payment of 100.00 by an attempt, and its automatic refund.
pub(crate) fn refund_duplicate(world: &mut World, attempt: u32) {
    send_duplicate_back(world, attempt, RefundPatience::default());
    world.sent.clear();
}

/// As [`refund_duplicate`], with the shop's patience; what was sent stays to be looked at.
pub(crate) fn send_duplicate_back(world: &mut World, attempt: u32, patience: RefundPatience) {
    world.capture(attempt, 10_000, Classification::Duplicate);
    let (order, attempt) = (row(world), world.state.attempt(attempt_id(attempt)).cloned().unwrap());
    world.write(|draft| {
        *draft = draft.clone().waiting(patience);
        let wanted = OwnRefund {
            attempt: &attempt,
            amount: eur(10_000),
            request_key: "duplicate".to_owned(),
            reason: RefundReason::Duplicate,
            funded_from: Account::Suspense,
            code: OutcomeCode::DuplicatePayment,
        };
        refund_own(draft, &order, &wanted).unwrap();
    });
}
