//! The events of a measurement: the mix of a shop's day, the same for the same seed.

use std::time::Duration;

use contracts::events::PaymentOutcome;
use contracts::{EventKind, Timestamp};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha12Rng;
use testkit::shop::{
    ShopEvent, attempt_id, captured, dispute_id, dispute_opened, order_created, order_id, payment,
    refund_requested,
};

/// Payments that capture money; all others are declined.
const PAID: f64 = 0.85;
/// Orders that are refunded in part.
const REFUNDED: f64 = 0.05;
/// Orders that are disputed.
const DISPUTED: f64 = 0.01;
/// Messages that come a second time.
const REPEATED: f64 = 0.02;
/// A repeated message follows within so many others.
const REPEATED_WITHIN: usize = 200;
/// Orders of one customer.
const ORDERS_PER_CUSTOMER: u32 = 4;
/// What each order costs.
const TOTAL: i64 = 10_000;

/// Every message of a backlog, in the order of publishing.
#[derive(Debug)]
pub(crate) struct Backlog {
    /// The messages, exact copies included.
    pub(crate) messages: Vec<ShopEvent>,
    /// How many of them are different events.
    pub(crate) events: usize,
}

impl Backlog {
    /// About a day's mix of at least `events` messages; no timer falls due for hours after `now`.
    pub(crate) fn new(seed: u64, events: usize, now: Timestamp) -> Self {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        let mut messages = Vec::with_capacity(events + 4);
        let mut different = 0;
        for number in 0.. {
            if messages.len() >= events {
                break;
            }
            let story = story(&mut rng, number, now);
            different += story.len();
            for event in story {
                let again = rng.random_bool(REPEATED).then(|| event.clone());
                messages.push(event);
                if let Some(copy) = again {
                    let back = rng.random_range(0..REPEATED_WITHIN).min(messages.len() - 1);
                    messages.insert(messages.len() - back, copy);
                }
            }
        }
        Self { messages, events: different }
    }

    /// The messages of one kind.
    #[cfg(test)]
    pub(crate) fn of(&self, kind: EventKind) -> usize {
        self.messages.iter().filter(|event| event.kind() == kind).count()
    }
}

/// What happens to one order.
pub(crate) fn story(rng: &mut ChaCha12Rng, number: u32, now: Timestamp) -> Vec<ShopEvent> {
    let mut story = vec![order(number, now)];
    let paid = rng.random_bool(PAID);
    story.push(pay(number, paid, now));
    // Shares are of all orders, and only a paid one has money to give back. Never both: which of
    // the two comes first would decide whether the refund is granted.
    let share = rng.random_range(0.0..PAID);
    if paid && share < REFUNDED {
        story.push(refund(number, now));
    } else if paid && share < REFUNDED + DISPUTED {
        story.push(dispute(number, now));
    }
    story
}

/// An order placed a minute ago that waits for its money for half a day.
pub(crate) fn order(number: u32, now: Timestamp) -> ShopEvent {
    let placed = now.minus(Duration::from_mins(1));
    order_created(order_id(number))
        .with("placed_at", text(placed))
        .with("expires_at", text(placed.plus(Duration::from_hours(12))))
        .with("customer_ref", format!("c-{}", number / ORDERS_PER_CUSTOMER))
        .with("reservation_id", format!("r-{number}"))
}

/// Its payment in full, or the refusal of it.
pub(crate) fn pay(number: u32, paid: bool, now: Timestamp) -> ShopEvent {
    let (order, attempt) = (order_id(number), attempt_id(number));
    let event = if paid {
        captured(order, attempt, TOTAL)
    } else {
        payment(order, attempt, PaymentOutcome::Declined, TOTAL)
    };
    event.with("occurred_at", text(now.minus(Duration::from_secs(30))))
}

/// A wish for a fifth of its money back.
pub(crate) fn refund(number: u32, now: Timestamp) -> ShopEvent {
    refund_requested(order_id(number), &format!("rr-{number}"), TOTAL / 5)
        .with("requested_at", text(now.minus(Duration::from_secs(10))))
}

/// A dispute of a third of its money, answerable for two weeks.
pub(crate) fn dispute(number: u32, now: Timestamp) -> ShopEvent {
    dispute_opened(order_id(number), dispute_id(number), attempt_id(number), TOTAL / 3)
        .with("opened_at", text(now.minus(Duration::from_secs(5))))
        .with("evidence_due_at", text(now.plus(Duration::from_hours(14 * 24))))
}

/// The worker that takes a shop's events of this kind.
pub(crate) fn worker(kind: EventKind) -> &'static str {
    match kind {
        EventKind::OrderCreated | EventKind::OrderCancelRequested | EventKind::ConsentWithdrawn => {
            "order-created"
        }
        EventKind::PaymentAttempted
        | EventKind::UnappliedDue
        | EventKind::ReserveReplied
        | EventKind::ReserveAnswerDue => "payment-attempted",
        EventKind::PaymentTimeout | EventKind::PaymentReminder => "payment-timeout",
        EventKind::RefundRequested
        | EventKind::RefundUpdated
        | EventKind::RefundReviewed
        | EventKind::RefundReviewDue => "refund-requested",
        EventKind::DisputeOpened
        | EventKind::DisputeUpdated
        | EventKind::EvidenceSubmitted
        | EventKind::DisputeMediated
        | EventKind::DisputeDeadline => "dispute-opened",
    }
}

fn text(at: Timestamp) -> String {
    at.to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn backlog(seed: u64) -> Backlog {
        Backlog::new(seed, 20_000, testkit::shop::at("12:00:00"))
    }

    fn bodies(backlog: &Backlog) -> Vec<Vec<u8>> {
        backlog.messages.iter().map(ShopEvent::body).collect()
    }

    #[test]
    fn a_seed_gives_the_same_backlog_and_another_seed_another_one() {
        let (one, same, other) = (bodies(&backlog(1)), bodies(&backlog(1)), bodies(&backlog(2)));
        assert!(one == same && one != other);
    }

    #[test]
    fn the_shares_are_those_of_the_mix() {
        let backlog = backlog(7);
        let copies = backlog.messages.len() - backlog.events;
        let orders = backlog.of(EventKind::OrderCreated);
        let percent = |part: usize, whole: usize| (part * 1_000).div_euclid(whole);
        assert!((15..=25).contains(&percent(copies, backlog.messages.len())));
        assert!((40..=60).contains(&percent(backlog.of(EventKind::RefundRequested), orders)));
        assert!((6..=14).contains(&percent(backlog.of(EventKind::DisputeOpened), orders)));
        let declined = |event: &&ShopEvent| event.json()["data"]["outcome"] == "declined";
        let declined = backlog.messages.iter().filter(declined).count();
        assert!((130..=170).contains(&percent(declined, orders)));
    }

    #[test]
    fn copies_are_exact_and_everything_else_differs() {
        let backlog = backlog(3);
        let different: BTreeSet<Vec<u8>> = bodies(&backlog).into_iter().collect();
        assert_eq!(different.len(), backlog.events);
    }
}
