//! One order's story played in memory: the workers' own rules, a clock that jumps, no I/O.
//!
//! Every delivery takes a random time, so that each rehearsal has another order of arrival.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::time::Duration;

use contracts::events::{DisputeEvent, OrderEvent, PaymentEvent, RefundEvent, TimerEvent};
use contracts::{
    Envelope, Event, EventKind, Limits, OrderRef, Outgoing, Timestamp, WireMessage, decode,
};
use demo::choices::POLICIES;
use demo::director::Director;
use demo::provider::Heard;
use demo::scenario::{DeadLetter, Fact, Facts, Story, Wire};
use demo::timing;
use dispute_opened::DisputeRules;
use domain::policy::{Overrides, PolicyFile};
use domain::refund::RefundStatus;
use domain::timer::{Timer, TimerOwner, TimerStatus};
use domain::unapplied::UnappliedCause;
use domain::{Decision, Moment, OrderState, Outcome, ParkKey, PolicyBook, Rules, Status as _};
use order_created::OrderRules;
use payment_attempted::PaymentRules;
use payment_timeout::TimeoutRules;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use refund_requested::RefundRules;
use serde_json::json;

/// Longest time that a delivery takes.
const SLOWEST: u64 = 400;

/// How a story ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) facts: Facts,
    pub(crate) dead_letters: BTreeSet<DeadLetter>,
    /// Steps whose cue never came.
    pub(crate) unheard: Vec<&'static str>,
}

/// Plays a story to its end.
pub(crate) fn play(story: &Story, seed: u64) -> End {
    let mut stage = Stage::new(story, seed);
    while let Some(next) = stage.next() {
        stage.now = next;
        for wire in stage.director.due(next, usize::MAX, false) {
            stage.deliver_later(wire, None);
        }
        while let Some(due) = stage.take_due() {
            stage.happen(due);
        }
    }
    stage.end()
}

/// Something that happens at its time.
enum Due {
    Deliver(Wire, Option<Timestamp>),
    GiveUp(ParkKey, String),
    Fire(Timer),
}

struct Stage<'a> {
    story: &'a Story,
    policies: PolicyBook,
    rng: ChaCha8Rng,
    now: Timestamp,
    agenda: BinaryHeap<Reverse<(Timestamp, u64)>>,
    due: BTreeMap<u64, Due>,
    turns: u64,
    state: OrderState,
    known: HashMap<(String, String), [u8; 32]>,
    settled: BTreeSet<(String, String)>,
    parked: Vec<(ParkKey, Wire, Timestamp)>,
    unapplied: BTreeSet<(String, UnappliedCause)>,
    director: Director,
    facts: Facts,
    dead_letters: BTreeSet<DeadLetter>,
}

impl<'a> Stage<'a> {
    fn new(story: &'a Story, seed: u64) -> Self {
        let begun = Timestamp::from_micros(1_780_000_000_000_000);
        let overrides = Overrides {
            park_ttl: Some(timing::PARK_TTL),
            max_hold: Some(timing::MAX_HOLD),
            hold_interval: Some(timing::HOLD_INTERVAL),
            reminder_min_gap: Some(timing::REMINDER_MIN_GAP),
            ..Overrides::default()
        };
        let policies = PolicyFile { text: POLICIES.to_owned(), overrides }.read();
        let policies = policies.expect("the shop's choices can be used");
        Self {
            story,
            policies,
            rng: ChaCha8Rng::seed_from_u64(seed),
            now: begun,
            agenda: BinaryHeap::new(),
            due: BTreeMap::new(),
            turns: 0,
            state: OrderState::default(),
            known: HashMap::new(),
            settled: BTreeSet::new(),
            parked: Vec::new(),
            unapplied: BTreeSet::new(),
            director: Director::new(vec![story.clone()], begun),
            facts: Facts::default(),
            dead_letters: BTreeSet::new(),
        }
    }

    fn schedule(&mut self, at: Timestamp, due: Due) {
        self.turns += 1;
        self.agenda.push(Reverse((at, self.turns)));
        self.due.insert(self.turns, due);
    }

    fn next(&self) -> Option<Timestamp> {
        let due = self.agenda.peek().map(|Reverse((at, _))| *at);
        self.director.next().into_iter().chain(due).min()
    }

    fn take_due(&mut self) -> Option<Due> {
        let Reverse((_, turn)) = self.agenda.peek().filter(|due| due.0.0 <= self.now)?;
        let due = self.due.remove(turn);
        self.agenda.pop();
        due
    }

    fn deliver_later(&mut self, wire: Wire, parked_until: Option<Timestamp>) {
        let latency = Duration::from_millis(self.rng.random_range(1..SLOWEST));
        self.schedule(self.now.plus(latency), Due::Deliver(wire, parked_until));
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Deliver(wire, parked_until) => self.deliver(wire, parked_until),
            Due::GiveUp(key, id) => {
                self.send_home(|parked, wire| *parked == key && wire.message_id == id);
            }
            Due::Fire(timer) => self.fire(&timer),
        }
    }

    /// Gives a message to the worker that its routing key leads to.
    fn deliver(&mut self, wire: Wire, parked_until: Option<Timestamp>) {
        let policies = self.policies.clone();
        match wire.routing_key {
            "order.created" | "order.cancel_requested" | "customer.consent_withdrawn" => {
                self.handle::<OrderEvent, _>(&OrderRules::new(policies), wire, parked_until);
            }
            "payment.attempted" | "inventory.reserve_replied" | "inventory.reserve_due" => {
                self.handle::<PaymentEvent, _>(&PaymentRules::new(policies), wire, parked_until);
            }
            "payment.timeout" | "payment.reminder" => {
                self.handle::<TimerEvent, _>(&TimeoutRules::new(policies), wire, parked_until);
            }
            "refund.requested" | "refund.updated" => {
                self.handle::<RefundEvent, _>(&RefundRules::new(policies), wire, parked_until);
            }
            "dispute.opened"
            | "dispute.updated"
            | "dispute.evidence_submitted"
            | "dispute.mediated"
            | "dispute.deadline" => {
                self.handle::<DisputeEvent, _>(&DisputeRules::new(policies), wire, parked_until);
            }
            _ => self.dead_letter(&wire.message_id, "unroutable"),
        }
    }

    fn handle<E: Event, R: Rules<Event = E>>(
        &mut self,
        rules: &R,
        wire: Wire,
        parked_until: Option<Timestamp>,
    ) {
        let envelope = match read::<E>(&wire) {
            Ok(envelope) => envelope,
            Err(code) => return self.dead_letter(&wire.message_id, code),
        };
        if self.story.panics.contains(&wire.message_id) {
            return self.dead_letter(&wire.message_id, "panic");
        }
        let key = (envelope.source.to_string(), envelope.id.to_string());
        let digest = *self.known.entry(key.clone()).or_insert(envelope.digest);
        if digest != envelope.digest {
            return self.dead_letter(&wire.message_id, "id-reuse");
        }
        if self.settled.contains(&key) {
            return;
        }
        let moment = Moment { now: self.now, parked_until };
        let decision = rules.decide(&self.resolved(&envelope), &envelope, moment);
        self.record(&decision);
        match decision.outcome {
            Outcome::Applied | Outcome::Noop(_) | Outcome::Orphaned(_) => {
                self.settled.insert(key);
            }
            Outcome::Parked { key, until } => {
                let id = wire.message_id.clone();
                self.parked.retain(|(_, known, _)| known.message_id != id);
                self.parked.push((key.clone(), wire, until));
                self.schedule(until, Due::GiveUp(key, id));
            }
            Outcome::Rejected(_) => {}
            Outcome::Quarantined(code) => {
                self.settled.insert(key);
                self.dead_letter(&wire.message_id, code.name());
            }
        }
    }

    /// The order that an event names, which may be by a payment or a dispute it does not have yet.
    fn resolved<E: Event>(&self, envelope: &Envelope<E>) -> OrderState {
        let found = match envelope.event.order_ref() {
            OrderRef::Order(order) => order == self.story.order,
            OrderRef::Payment { provider, payment_ref } => {
                self.state.attempt_by_ref(&provider, &payment_ref).is_some()
            }
            OrderRef::Dispute { provider, dispute_ref } => self
                .state
                .disputes
                .iter()
                .any(|d| d.provider == provider && d.provider_ref == dispute_ref),
        };
        if found { self.state.clone() } else { OrderState::default() }
    }

    fn record(&mut self, decision: &Decision) {
        let changes = &decision.changes;
        self.state.apply(changes);
        for line in &changes.history {
            assert!(line.change.is_legal(), "illegal change {:?}", line.change);
        }
        for transfer in &changes.transfers {
            let minor = transfer.amount.minor();
            self.facts.add(Fact::Balance(transfer.debit), minor);
            self.facts.add(Fact::Balance(transfer.credit), -minor);
        }
        for money in &changes.unapplied {
            // A report that comes twice books its money once.
            if self.unapplied.insert((money.capture_ref.to_string(), money.cause)) {
                self.facts.add(Fact::Unapplied(money.cause), 1);
            }
        }
        // A day is over long before money without an order falls due.
        let soon = |timer: &&Timer| !timer.kind.waits_for_others();
        let armed = changes.timers.iter().filter(|timer| timer.status == TimerStatus::Armed);
        for timer in armed.filter(soon) {
            // Whole seconds, as on the ladder.
            let late = Duration::from_millis(self.rng.random_range(0..1_000));
            self.schedule(timer.due_at.plus(late), Due::Fire(timer.clone()));
        }
        for arrived in &changes.arrived {
            self.send_home(|key, _| key == arrived);
        }
        for message in &changes.messages {
            let body = &message.body;
            let id = message.id.to_string();
            let (type_name, order) = (body.type_name(), message.order_id);
            let sent = Outgoing::new(&id, "/orderflow", type_name, order, message.at, body);
            let heard = serde_json::from_slice(&sent.to_body());
            self.hear(&heard.expect("our own messages can be read"));
        }
    }

    /// Sends parked messages back to their worker.
    fn send_home(&mut self, chosen: impl Fn(&ParkKey, &Wire) -> bool) {
        let (home, parked) = std::mem::take(&mut self.parked)
            .into_iter()
            .partition(|(key, wire, _)| chosen(key, wire));
        self.parked = parked;
        for (_, wire, until) in home {
            self.deliver_later(wire, Some(until));
        }
    }

    fn hear(&mut self, heard: &Heard) {
        if heard.name() == "inventory.release_requested" {
            self.facts.add(Fact::StockReleased, 1);
        }
        self.director.hear(heard, self.now);
    }

    fn fire(&mut self, timer: &Timer) {
        let kind = timer.kind.event();
        let mut data = json!({
            "order_id": self.story.order, "generation": timer.generation, "due_at": timer.due_at,
        });
        if let TimerOwner::Dispute(dispute) = timer.owner {
            data["dispute_id"] = json!(dispute);
        }
        let id = format!("{}-{}", kind.name(), timer.generation);
        let source = "/orderflow/timers";
        let body =
            Outgoing::new(&id, source, kind.type_name(), self.story.order, timer.due_at, data);
        self.deliver(structured(kind, &id, body.to_body()), None);
    }

    fn dead_letter(&mut self, message_id: &str, code: &'static str) {
        self.dead_letters.insert(DeadLetter { message_id: message_id.to_owned(), code });
    }

    fn end(mut self) -> End {
        let state = std::mem::take(&mut self.state);
        if let Some(order) = &state.order {
            self.facts.add(Fact::Order(order.status), 1);
        }
        for attempt in &state.attempts {
            self.facts.add(Fact::Attempt(attempt.status), 1);
        }
        for capture in state.captures.iter().filter(|capture| capture.is_live()) {
            self.facts.add(Fact::Capture(capture.classification), 1);
        }
        for refund in &state.refunds {
            assert_ne!(refund.status, RefundStatus::Submitted, "a refund without an end");
            self.facts.add(Fact::Refund(refund.status), 1);
        }
        for dispute in &state.disputes {
            let position = dispute.position;
            self.facts.add(Fact::Dispute(position.stage, position.status), 1);
            self.facts.add(Fact::DeadlineMissed, i64::from(dispute.deadline_missed));
        }
        let armed = state.timers.iter().filter(|timer| timer.status == TimerStatus::Armed);
        // People are waited for longer than a story lasts.
        let left = armed.filter(|timer| !timer.kind.waits_for_others());
        assert_eq!(left.count(), 0, "a timer is left");
        assert!(self.parked.is_empty(), "an event is left parked");
        End {
            unheard: self.director.standing().unheard.into_keys().collect(),
            facts: self.facts,
            dead_letters: self.dead_letters,
        }
    }
}

fn read<E: Event>(wire: &Wire) -> Result<Envelope<E>, &'static str> {
    let headers: Vec<(&str, &str)> =
        wire.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let message =
        WireMessage { content_type: wire.content_type, headers: &headers, body: &wire.body };
    decode(message, &Limits::default()).map_err(|error| error.code.as_str())
}

fn structured(kind: EventKind, id: &str, body: Vec<u8>) -> Wire {
    Wire {
        message_id: id.to_owned(),
        routing_key: kind.name(),
        content_type: Some(contracts::STRUCTURED_CONTENT_TYPE),
        headers: Vec::new(),
        body,
    }
}
