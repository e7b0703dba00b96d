//! Random lives of one order through the rules of all workers: wherever its payments, refunds and
//! disputes cross, no money is stranded and none is given away twice unnoticed.

use std::collections::BTreeSet;
use std::time::Duration;

use contracts::events::PaymentOutcome::{self, CaptureFailed, Captured};
use contracts::{AttemptId, EventKind};
use dispute_opened::DisputeRules;
use domain::history::Change;
use domain::policy::{CancellationPolicy, PaidCancellation};
use domain::refund::{Refund, RefundStatus};
use domain::timer::{TimerKind, TimerOwner, TimerStatus};
use domain::{Decision, DisputeId, Moment, OutcomeCode, Policies, Status};
use order_created::OrderRules;
use payment_attempted::PaymentRules;
use payment_timeout::TimeoutRules;
use proptest::prelude::*;
use refund_requested::RefundRules;
use serde_json::{Value, json};
use testkit::shop::{
    ShopEvent, attempt_id, cancel_requested, dispute_id, dispute_opened, dispute_updated,
    order_created, order_id, payment, refund_requested, refund_updated, timeout,
};
use testkit::world::World;

const AMOUNTS: [i64; 5] = [1_000, 3_000, 4_000, 10_000, 15_000];
const WORDS: [&str; 6] =
    ["submitted", "requires_action", "cancelled", "failed", "succeeded", "reversed"];
const VERDICTS: [&str; 6] =
    ["needs_response", "under_review", "won", "lost", "accepted", "withdrawn"];
const STAGES: [&str; 3] = ["inquiry", "chargeback", "arbitration"];

/// Something that happens to the order; amounts, words and stages by their place in the lists.
#[derive(Clone, Debug)]
enum Step {
    Pay {
        attempt: u32,
        outcome: PaymentOutcome,
        capture: u8,
        amount: usize,
    },
    Cancel,
    /// The payment window ends.
    Expire,
    Ask {
        key: u8,
        amount: Option<usize>,
        attempt: Option<u32>,
    },
    /// The provider reports on one of the refunds there are.
    Refund {
        refund: usize,
        word: usize,
    },
    Dispute {
        number: u32,
        attempt: u32,
        amount: usize,
        stage: usize,
    },
    Verdict {
        number: u32,
        stage: usize,
        verdict: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let amount = || 0..AMOUNTS.len();
    let outcome = prop_oneof![8 => Just(Captured), 1 => Just(CaptureFailed)];
    prop_oneof![
        6 => (1..=2_u32, outcome, 0..3_u8, amount()).prop_map(
            |(attempt, outcome, capture, amount)| Step::Pay { attempt, outcome, capture, amount }
        ),
        1 => Just(Step::Cancel),
        2 => Just(Step::Expire),
        3 => (0..6_u8, prop::option::of(amount()), prop::option::of(1..=2_u32))
            .prop_map(|(key, amount, attempt)| Step::Ask { key, amount, attempt }),
        5 => (0..8_usize, 0..WORDS.len()).prop_map(|(refund, word)| Step::Refund { refund, word }),
        4 => (1..=3_u32, 1..=2_u32, amount(), 0..STAGES.len()).prop_map(
            |(number, attempt, amount, stage)| Step::Dispute { number, attempt, amount, stage }
        ),
        5 => (1..=3_u32, 0..STAGES.len(), 0..VERDICTS.len())
            .prop_map(|(number, stage, verdict)| Step::Verdict { number, stage, verdict }),
    ]
}

fn money(amount: usize) -> Value {
    json!({"amount_minor": AMOUNTS[amount], "currency": "EUR"})
}

/// An order's life, and what its history says of disputes over money that was refunded already.
struct Life {
    world: World,
    noticed: BTreeSet<DisputeId>,
    messages: u32,
    policies: Policies,
}

impl Life {
    fn new(policies: Policies) -> Self {
        let (world, noticed) = (World::default(), BTreeSet::new());
        let mut life = Self { world, noticed, messages: 0, policies };
        life.hear(&order_created(order_id(1)));
        life
    }

    fn take(&mut self, step: &Step) {
        self.world.now = self.world.now.plus(Duration::from_mins(1));
        if let Step::Expire = step {
            self.come_due();
        }
        if let Some(event) = self.event(step) {
            self.messages += 1;
            self.hear(&event.id(&format!("m-{}", self.messages)));
        }
    }

    /// Lets the clock reach the end of the payment window.
    fn come_due(&mut self) {
        let owner = TimerOwner::Order(order_id(1));
        let timer = self.world.state.timer(TimerKind::PaymentTimeout, owner);
        let armed = timer.filter(|timer| timer.status == TimerStatus::Armed);
        self.world.now = armed.map_or(self.world.now, |timer| self.world.now.max(timer.due_at));
    }

    fn event(&self, step: &Step) -> Option<ShopEvent> {
        let (order, now) = (order_id(1), self.world.now.to_string());
        Some(match step {
            Step::Pay { attempt, outcome, capture, amount } => {
                payment(order, attempt_id(*attempt), *outcome, AMOUNTS[*amount])
                    .with("capture_ref", format!("c-{capture}"))
                    .with("final_capture", false)
                    .with("occurred_at", now)
            }
            Step::Cancel => cancel_requested(order).with("occurred_at", now),
            Step::Expire => timeout(order, 1, self.world.now),
            Step::Ask { key, amount, attempt } => {
                let asked = refund_requested(order, &format!("r-{key}"), 1)
                    .with("amount", amount.map_or(Value::Null, money))
                    .with("full", amount.is_none())
                    .with("requested_at", now);
                let attempt = attempt.map(|attempt| attempt_id(attempt).to_string());
                asked.with("attempt_id", attempt)
            }
            Step::Refund { refund, word } => {
                let refund = self.world.state.refunds.get(*refund)?;
                refund_updated(order, refund.id, WORDS[*word]).with("occurred_at", now)
            }
            Step::Dispute { number, attempt, amount, stage } => {
                let (dispute, attempt) = (dispute_id(*number), attempt_id(*attempt));
                dispute_opened(order, dispute, attempt, AMOUNTS[*amount])
                    .with("stage", STAGES[*stage])
                    .with("opened_at", now)
            }
            Step::Verdict { number, stage, verdict } => {
                dispute_updated(order, dispute_id(*number), STAGES[*stage], VERDICTS[*verdict])
                    .with("occurred_at", now)
            }
        })
    }

    fn hear(&mut self, event: &ShopEvent) {
        let moment = Moment { now: self.world.now, parked_until: None };
        let policies = self.policies.clone();
        let decision = decide(&mut self.world, event, moment, policies);
        let over_refunded = decision.changes.history.iter().filter_map(|line| match line.change {
            Change::Dispute(id, ..) if line.reason == Some(OutcomeCode::AlreadyRefunded) => {
                Some(id)
            }
            Change::Dispute(..) | Change::Order(..) | Change::Payment(..) | Change::Refund(..) => {
                None
            }
        });
        self.noticed.extend(over_refunded);
    }

    /// Refunds of an attempt, or of all, in minor units.
    fn refunds(&self, attempt: AttemptId, counts: impl Fn(&Refund) -> bool) -> i64 {
        let refunds = self.world.state.refunds.iter();
        let counted = refunds.filter(|r| r.attempt_id == Some(attempt) && counts(r));
        counted.map(|refund| refund.amount.minor()).sum()
    }

    fn captured(&self, attempt: AttemptId, live_only: bool) -> i64 {
        let captures = self.world.state.captures.iter().filter(|c| c.attempt_id == attempt);
        captures.filter(|c| c.is_live() || !live_only).map(|c| c.amount.minor()).sum()
    }

    fn disputed(&self, attempt: AttemptId) -> i64 {
        let disputes = self.world.state.disputes.iter().filter(|d| d.attempt_id == attempt);
        disputes.filter(|d| d.position.holds_money()).map(|d| d.amount.minor()).sum()
    }

    /// What the view `violations` says of I02, I06 and I19.
    fn violations(&self) -> Vec<&'static str> {
        let mut found = Vec::new();
        let state = &self.world.state;
        let (mut kept, mut promised) = (0, 0);
        for attempt in &state.attempts {
            let id = attempt.id;
            let refunded = self.refunds(id, |refund| refund.status.holds_money());
            let (disputed, ever) = (self.disputed(id), self.captured(id, false));
            let excess_known = state.refunds.iter().any(|refund| {
                let known = refund.code == Some(OutcomeCode::ExceedsRefundable);
                refund.attempt_id == Some(id) && known && refund.status != RefundStatus::Rejected
            });
            let mut over_this = state.disputes.iter().filter(|d| d.attempt_id == id);
            let noticed = over_this.any(|dispute| self.noticed.contains(&dispute.id));
            if refunded > ever && !excess_known {
                found.push("I02");
            }
            let twice = refunded > 0 && disputed > 0 && refunded + disputed > ever;
            if twice && !excess_known && !noticed {
                found.push("I19");
            }
            kept += self.captured(id, true);
            promised += disputed + self.refunds(id, |r| r.status != RefundStatus::Rejected);
        }
        let closed = state.order.as_ref().is_some_and(|order| order.status.is_closed());
        if closed && kept > promised {
            found.push("I06");
        }
        found
    }
}

/// Lets the worker that an event belongs to decide it.
fn decide(world: &mut World, event: &ShopEvent, moment: Moment, policies: Policies) -> Decision {
    match event.kind() {
        EventKind::OrderCreated | EventKind::OrderCancelRequested | EventKind::ConsentWithdrawn => {
            world.handle_at(&OrderRules::new(policies), event, moment)
        }
        EventKind::PaymentAttempted
        | EventKind::UnappliedDue
        | EventKind::ReserveReplied
        | EventKind::ReserveAnswerDue => {
            world.handle_at(&PaymentRules::new(policies), event, moment)
        }
        EventKind::PaymentTimeout | EventKind::PaymentReminder => {
            world.handle_at(&TimeoutRules::new(policies), event, moment)
        }
        EventKind::RefundRequested
        | EventKind::RefundUpdated
        | EventKind::RefundReviewed
        | EventKind::RefundReviewDue => world.handle_at(&RefundRules::new(policies), event, moment),
        EventKind::DisputeOpened
        | EventKind::DisputeUpdated
        | EventKind::EvidenceSubmitted
        | EventKind::DisputeMediated
        | EventKind::DisputeDeadline => {
            world.handle_at(&DisputeRules::new(policies), event, moment)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_life_strands_money_or_loses_it_twice_unnoticed(
        steps in prop::collection::vec(step(), 1..30),
        paid_orders in prop::sample::select(PaidCancellation::ALL),
        on_full_refund in any::<bool>(),
    ) {
        let cancellation = CancellationPolicy { paid_orders, on_full_refund };
        let mut life = Life::new(Policies { cancellation, ..Policies::default() });
        for step in &steps {
            life.take(step);
            prop_assert_eq!(life.violations(), Vec::<&str>::new(), "after {:?}", step);
        }
    }
}
