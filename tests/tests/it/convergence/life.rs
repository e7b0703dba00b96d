//! One order's life in memory, as the workers and their store live it: inbox, parked events and
//! their way home, timers, and a provider that answers to what it is told to refund.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use contracts::{OrderRef, RefundId, Timestamp};
use domain::message::Body;
use domain::policy::{AmountLimits, LateMoneyChoice, PaidCancellation};
use domain::timer::{Timer, TimerKind, TimerStatus};
use domain::{Changes, Decision, Moment, OrderState, Outcome, ParkKey, Policies};
use proptest::test_runner::TestCaseError;
use testkit::{Record, invariants};

use super::event::{Books, Event};
use super::fact::{Cause, Fact, Scene};
use super::history::{Arrival, Timers};
use super::picture::{Announced, Picture};

/// When the order of every life in memory begins.
const BEGAN: &str = "2026-03-01T12:00:00Z";

/// How long after its beginning the first message comes.
const FIRST_MESSAGE: Duration = Duration::from_mins(10);

/// How much less than its total pays an order of a lenient shop, in minor units.
pub(crate) const LENIENCY: i64 = 1_000;

/// After so many timers and given-up events an order must have come to rest.
const TURNS: usize = 200;

/// What the inbox knows of a message.
#[derive(Clone, Copy, Debug)]
enum Past {
    Final,
    Rejected,
    Parked(Timestamp),
}

#[derive(Debug)]
struct Parked {
    key: ParkKey,
    until: Timestamp,
    event: Rc<Event>,
}

/// What a provider was told to refund, and what it does about it.
#[derive(Debug, Default)]
struct Provider {
    told: Vec<(Cause, RefundId)>,
    /// What it reports on the refunds of a cause, and the id of that message.
    reports: Vec<(Cause, Fact, String)>,
    /// What the shop says of the order's stock, and the id of that message.
    stock: Vec<(Fact, String)>,
}

/// An order, everything that waits for it, and the clock.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) scene: Scene,
    books: Rc<Books>,
    pub(crate) record: Record,
    pub(crate) announced: Announced,
    now: Timestamp,
    inbox: HashMap<String, Past>,
    parked: Vec<Parked>,
    on_its_way: VecDeque<Rc<Event>>,
    coming_home: VecDeque<Rc<Event>>,
    provider: Provider,
    /// How many messages of timers there were.
    handed_over: u32,
}

impl Life {
    /// Lives a history to its end.
    ///
    /// # Errors
    /// The first invariant that does not hold, at the first step after which it does not.
    pub(crate) fn of(books: &Rc<Books>, arrivals: &[Arrival<'_>]) -> Result<Self, TestCaseError> {
        let mut life = Self::new(books);
        for arrival in arrivals {
            life.now = life.now.plus(arrival.after);
            if arrival.home_first {
                life.come_home()?;
            }
            life.tell(arrival.fact, &arrival.id);
            life.work_off()?;
            life.hand_over(arrival.timers);
            life.work_off()?;
        }
        life.come_to_rest()?;
        Ok(life)
    }

    /// What is compared of it.
    pub(crate) fn picture(&self, called_off: bool) -> Picture {
        let balance = |account| self.record.balance(account);
        Picture::new(self.scene, &self.record.state, balance, self.announced, called_off)
    }

    fn new(books: &Rc<Books>) -> Self {
        let began: Timestamp = BEGAN.parse().unwrap();
        Self {
            scene: Scene { order: 1, began },
            books: Rc::clone(books),
            record: Record::default(),
            announced: Announced::default(),
            now: began.plus(FIRST_MESSAGE),
            inbox: HashMap::new(),
            parked: Vec::new(),
            on_its_way: VecDeque::new(),
            coming_home: VecDeque::new(),
            provider: Provider::default(),
            handed_over: 0,
        }
    }

    /// Sends a message; one about refunds is for each refund that the provider was told to make.
    fn tell(&mut self, fact: &Fact, id: &str) {
        if let Fact::Stock(_) = fact {
            self.provider.stock.push((fact.clone(), id.to_owned()));
        }
        let Fact::Refunded { cause, .. } = fact else {
            self.on_its_way.push_back(Rc::new(message(self.scene, fact).named(id)));
            return;
        };
        self.provider.reports.push((*cause, fact.clone(), id.to_owned()));
        for (told, refund) in self.provider.told.clone() {
            if told == *cause {
                self.report(refund, fact, id);
            }
        }
    }

    fn report(&mut self, refund: RefundId, fact: &Fact, id: &str) {
        let Fact::Refunded { result, minute, .. } = fact else { return };
        let place = self.provider.told.iter().position(|(_, told)| *told == refund);
        let event = Event::of_refund(self.scene.order(), refund, *result, self.scene.at(*minute));
        let id = format!("{id}-{}", place.unwrap_or_default());
        self.on_its_way.push_back(Rc::new(event.named(&id)));
    }

    /// A command reaches the provider, an announcement somebody who counts it.
    fn hear(&mut self, body: &Body) {
        self.announced.hear(body.name());
        if let Body::InventoryReserveRequested { .. } = body {
            for (fact, id) in &self.provider.stock {
                let answer = message(self.scene, fact).named(&format!("{id}-asked"));
                self.on_its_way.push_back(Rc::new(answer));
            }
        }
        let Body::RefundExecute { refund_id, .. } = body else { return };
        let refund = self.record.state.refund(*refund_id).expect("what is ordered is recorded");
        let cause = Cause::of(refund);
        self.provider.told.push((cause, *refund_id));
        for (about, fact, id) in self.provider.reports.clone() {
            if about == cause {
                self.report(*refund_id, &fact, &id);
            }
        }
    }

    fn work_off(&mut self) -> Result<(), TestCaseError> {
        while let Some(event) = self.on_its_way.pop_front() {
            self.deliver(&event)?;
        }
        Ok(())
    }

    /// Delivers what was released from waiting.
    fn come_home(&mut self) -> Result<(), TestCaseError> {
        while let Some(event) = self.coming_home.pop_front() {
            self.deliver(&event)?;
            self.work_off()?;
        }
        Ok(())
    }

    /// Brings the messages of timers, whether their time has come or not.
    fn hand_over(&mut self, timers: Timers) {
        let armed = self.record.state.timers.iter().filter(|timer| is_armed(timer)).cloned();
        let off = match timers {
            Timers::Silent => return,
            Timers::Now => 0,
            Timers::OfAnotherGeneration => 1,
        };
        for timer in armed.collect::<Vec<_>>() {
            self.hand_over_one(&timer, timer.generation + off);
        }
    }

    fn hand_over_one(&mut self, timer: &Timer, generation: i32) {
        self.handed_over += 1;
        let event = Event::of_timer(self.scene.order(), timer, generation);
        let id = format!("timer-{}", self.handed_over);
        self.on_its_way.push_back(Rc::new(event.named(&id)));
    }

    /// Nothing more is told: timers fire, each twice, and who waits in vain gives up.
    fn come_to_rest(&mut self) -> Result<(), TestCaseError> {
        for _ in 0..TURNS {
            self.come_home()?;
            // Who never answers is asked for ever: a provider not at all here, a person twice.
            let ends = |timer: &&Timer| match timer.kind {
                TimerKind::RefundAnswerDue => false,
                TimerKind::UnappliedMoneyDue => timer.generation <= 2,
                TimerKind::PaymentTimeout
                | TimerKind::PaymentReminder
                | TimerKind::CustomerRestrictionEnds
                | TimerKind::DisputeEvidenceDue
                | TimerKind::RefundReviewDue
                | TimerKind::ReserveAnswerDue => true,
            };
            let armed = self.record.state.timers.iter().filter(|timer| is_armed(timer));
            let timer = armed.filter(ends).min_by_key(|timer| timer.due_at).cloned();
            let waits = self.parked.iter().map(|parked| parked.until).min();
            match (timer, waits) {
                (None, None) => return Ok(()),
                (Some(timer), waits) if waits.is_none_or(|until| timer.due_at <= until) => {
                    self.now = self.now.max(timer.due_at);
                    self.hand_over_one(&timer, timer.generation);
                    self.hand_over_one(&timer, timer.generation);
                    self.work_off()?;
                }
                (_, Some(until)) => {
                    self.now = self.now.max(until);
                    self.release(|parked| parked.until <= until);
                }
                (Some(_), None) => unreachable!("a timer is due before nothing"),
            }
        }
        Err(TestCaseError::fail(format!("the order never rests: {:#?}", self.record.state)))
    }

    /// What a worker does with a delivery.
    fn deliver(&mut self, event: &Rc<Event>) -> Result<(), TestCaseError> {
        let parked_until = match self.inbox.get(event.id()) {
            None | Some(Past::Rejected) => None,
            Some(Past::Parked(until)) => Some(*until),
            Some(Past::Final) => return Ok(()),
        };
        self.parked.retain(|parked| parked.event.id() != event.id());
        let nowhere = OrderState::default();
        let found = self.finds_its_order(&event.order_ref());
        let state = if found { &self.record.state } else { &nowhere };
        let moment = Moment { now: self.now, parked_until };
        let decision = self.books.decide(state, event, moment);
        self.take(event, &decision);
        self.check(event, &decision)
    }

    /// Whether an event that names its order by a payment or a dispute leads to it.
    fn finds_its_order(&self, order: &OrderRef) -> bool {
        let state = &self.record.state;
        match order {
            OrderRef::Order(_) => true,
            OrderRef::Payment { provider, payment_ref } => {
                state.attempt_by_ref(provider, payment_ref).is_some()
            }
            OrderRef::Dispute { provider, dispute_ref } => state.disputes.iter().any(|dispute| {
                dispute.provider == *provider && dispute.provider_ref == *dispute_ref
            }),
        }
    }

    /// Writes what was decided, lets go of what waited for it, and sends its messages.
    fn take(&mut self, event: &Rc<Event>, decision: &Decision) {
        self.record.apply(&decision.changes);
        let past = match &decision.outcome {
            Outcome::Applied
            | Outcome::Noop(_)
            | Outcome::Orphaned(_)
            | Outcome::Quarantined(_) => Past::Final,
            Outcome::Rejected(_) => Past::Rejected,
            Outcome::Parked { key, until } => {
                let (key, until, event) = (key.clone(), *until, Rc::clone(event));
                self.parked.push(Parked { key, until, event });
                Past::Parked(until)
            }
        };
        self.inbox.insert(event.id().to_owned(), past);
        for arrived in &decision.changes.arrived {
            self.release(|parked| parked.key == *arrived);
        }
        for message in &decision.changes.messages {
            self.hear(&message.body);
        }
    }

    fn release(&mut self, is_released: impl Fn(&Parked) -> bool) {
        let (released, parked): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.parked).into_iter().partition(is_released);
        self.parked = parked;
        self.coming_home.extend(released.into_iter().map(|parked| parked.event));
    }

    /// Every invariant, after every step that wrote something.
    fn check(&self, event: &Event, decision: &Decision) -> Result<(), TestCaseError> {
        if decision.changes == Changes::default() {
            return Ok(());
        }
        let mut violations = invariants::violations(&self.record);
        violations.extend(invariants::i21_applied_without_trace(event.kind(), decision));
        violations.extend(self.stranded());
        if violations.is_empty() {
            return Ok(());
        }
        let state = &self.record.state;
        let story = format!("{violations:#?}\nafter {event:#?}\ndecided {decision:#?}\n{state:#?}");
        Err(TestCaseError::fail(story))
    }

    /// I27: nobody waits for what is there; more money is awaited, not the first.
    fn stranded(&self) -> Option<String> {
        let is_there = |parked: &&Parked| match &parked.key {
            ParkKey::Order(_) => self.record.state.order.is_some(),
            ParkKey::Capture(_) => false,
            ParkKey::Payment { provider, payment_ref } => {
                self.record.state.attempt_by_ref(provider, payment_ref).is_some()
            }
            ParkKey::Dispute { provider, dispute_ref } => {
                let (provider, dispute_ref) = (provider.clone(), dispute_ref.clone());
                self.finds_its_order(&OrderRef::Dispute { provider, dispute_ref })
            }
        };
        let stranded = self.parked.iter().find(is_there);
        stranded.map(|parked| format!("I27 parked although its parent is there: {}", parked.key))
    }
}

fn is_armed(timer: &Timer) -> bool {
    timer.status == TimerStatus::Armed
}

/// The decoded message of a fact; decoded once, however many histories tell it.
fn message(scene: Scene, fact: &Fact) -> Event {
    thread_local! {
        static KNOWN: RefCell<HashMap<Fact, Event>> = RefCell::default();
    }
    KNOWN.with_borrow_mut(|known| {
        if let Some(event) = known.get(fact) {
            return event.clone();
        }
        let told = scene.event(fact).expect("reports on refunds are made when their ids are known");
        let event = Event::new(&told);
        known.insert(fact.clone(), event.clone());
        event
    })
}

/// The shop's default choices, but so many refunds and disputes per customer as come: which of
/// them come after the limit depends on the order of arrival by its nature.
pub(crate) fn policies() -> Policies {
    let mut policies = Policies::default();
    policies.refunds.max_per_customer = 1_000;
    policies.flags.refunds.count = 0;
    policies.flags.refund_ratio.percent = 0;
    policies.flags.disputes.count = 0;
    policies.flags.low_value_disputes.count = 0;
    policies
}

/// The five rule books.
pub(crate) fn books() -> Rc<Books> {
    Rc::new(Books::new(&policies()))
}

/// The same for a shop whose buyers may call paid orders off.
pub(crate) fn obliging_books() -> Rc<Books> {
    let mut policies = policies();
    policies.cancellation.paid_orders = PaidCancellation::Anybody;
    Rc::new(Books::new(&policies))
}

/// The same for a shop that has orders paid by late money, or by a little less than their total.
pub(crate) fn lenient_books() -> Rc<Books> {
    let mut policies = policies();
    policies.late_money.choice = LateMoneyChoice::Reinstate;
    policies.late_money.reinstate_grace = Duration::from_hours(1);
    policies.late_money.tolerance = AmountLimits::everywhere(LENIENCY);
    Rc::new(Books::new(&policies))
}
