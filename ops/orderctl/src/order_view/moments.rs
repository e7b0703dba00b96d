//! Everything that happened to an order, in one line of time.

use std::collections::HashMap;
use std::time::Duration;

use contracts::Timestamp;
use domain::history::BEGINNING;
use store::timeline::{
    EventRow, HistoryRow, JudgementRow, MessageRow, ParkedRow, Timeline, TimerRow, TransferRow,
    UnappliedRow,
};

use super::amount;
use super::labels::Labels;
use crate::render::{Style, Tone};

/// An event whose transaction began at most this long before it is told with what it did.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Something that happened, or will; those of one moment are told in the order of [`Subject`].
#[derive(Debug)]
struct Moment {
    at: Timestamp,
    subject: Subject,
    name: String,
    words: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Event,
    Judgement,
    Transition,
    Money,
    Timer,
    Message,
}

/// Width of the column that says what a line is about: `attempt 10` and a space.
const NAME_WIDTH: usize = 11;

/// What stands before that column.
const MARGIN: &str = "  ";

pub(super) fn text(timeline: &Timeline, labels: &Labels, style: Style) -> String {
    let mut lines = Vec::new();
    let mut last = None;
    for moment in moments(timeline, labels) {
        if last != Some(moment.at) {
            lines.push(style.tint(Tone::Faint, &moment.at.to_string()));
            last = Some(moment.at);
        }
        let words = style.paragraph(MARGIN.len() + NAME_WIDTH, &moment.words);
        lines.push(format!("{MARGIN}{:<NAME_WIDTH$}{}", moment.name, words.trim_start()));
    }
    lines.join("\n")
}

fn moments(timeline: &Timeline, labels: &Labels) -> Vec<Moment> {
    let clock = Clock::of(timeline);
    let waiting: HashMap<_, _> =
        timeline.parked.iter().map(|it| ((&*it.source, &*it.event_id), it)).collect();
    let event = |it| of_event(it, waiting.get(&key(it)).copied(), &clock);
    let mut moments: Vec<_> = timeline.events.iter().map(event).collect();
    moments.extend(timeline.history.iter().map(|it| of_transition(it, labels, &clock)));
    moments.extend(timeline.judgements.iter().map(of_judgement));
    moments.extend(timeline.transfers.iter().map(|it| of_transfer(it, labels)));
    moments.extend(timeline.unapplied.iter().flat_map(of_unapplied));
    moments.extend(timeline.timers.iter().flat_map(|it| of_timer(it, labels)));
    moments.extend(timeline.messages.iter().map(|it| of_message(it, &clock)));
    // Stable: parts of one moment and subject stay in the sequence they were recorded.
    moments.sort_by_key(|moment| (moment.at, moment.subject));
    moments
}

fn key(event: &EventRow) -> (&str, &str) {
    (&event.source, &event.event_id)
}

/// When things are told: events and messages carry the begin of the transaction, which is a little
/// earlier than the decision made in it.
///
/// A message and an event that carry the same begin are of one transaction, so the message is told
/// with what that transaction decided. Which of several events of the transaction it speaks of is
/// not recorded, and not guessed at.
struct Clock<'a> {
    /// When a transaction decided, by when it began.
    decided: HashMap<Timestamp, Timestamp>,
    /// Decisions on events that came more than once, with when they first came. Such a decision
    /// may be of a later transaction, which received no event for the first time.
    again: Vec<(Timestamp, Timestamp)>,
    events: HashMap<(&'a str, &'a str), Timestamp>,
}

impl<'a> Clock<'a> {
    fn of(timeline: &'a Timeline) -> Self {
        let mut decided: HashMap<_, Timestamp> = HashMap::new();
        for line in &timeline.history {
            if let Some(event) = cause(line) {
                decided.entry(event).or_insert(line.recorded_at.into());
            }
        }
        let mut clock = Self { decided: HashMap::new(), again: Vec::new(), events: HashMap::new() };
        for event in &timeline.events {
            let received: Timestamp = event.received_at.into();
            let at = decided.get(&key(event)).copied();
            let at_once = at.filter(|at| at.since(received) <= AT_ONCE);
            clock.events.insert(key(event), at_once.unwrap_or(received));
            if let Some(at) = at_once {
                let first = clock.decided.entry(received).or_insert(at);
                *first = at.min(*first);
            }
            if let (Some(at), true) = (at, event.deliveries > 1) {
                clock.again.push((received, at));
            }
        }
        clock.again.sort_unstable_by_key(|(_, decided)| *decided);
        clock
    }

    fn of_event(&self, event: &EventRow) -> Timestamp {
        self.events.get(&key(event)).copied().unwrap_or(event.received_at.into())
    }

    /// Whether a change is told right after its cause.
    fn follows_cause(&self, line: &HistoryRow) -> bool {
        let told = cause(line).and_then(|event| self.events.get(&event));
        told == Some(&line.recorded_at.into())
    }

    fn of_message(&self, created: Timestamp) -> Timestamp {
        let later =
            |(received, at): &&(Timestamp, Timestamp)| *received < created && *at >= created;
        let again = || self.again.iter().find(later).map(|(_, at)| *at);
        let decided = self.decided.get(&created).copied().or_else(again);
        decided.filter(|at| at.since(created) <= AT_ONCE).unwrap_or(created)
    }
}

/// The event that caused a change.
fn cause(line: &HistoryRow) -> Option<(&str, &str)> {
    Some((line.event_source.as_deref()?, line.event_id.as_deref()?))
}

fn of_event(event: &EventRow, waiting: Option<&ParkedRow>, clock: &Clock<'_>) -> Moment {
    let EventRow { kind, source, event_id, outcome, deliveries, .. } = event;
    let code = bracketed(event.outcome_code.as_deref());
    let waits = waiting.map(|it| format!(", waits for {} until {}", it.park_key, it.park_until));
    let waits = waits.unwrap_or_default();
    let again =
        if *deliveries > 1 { format!(", delivered {deliveries} times") } else { String::new() };
    let words = format!("{kind} {event_id} of {source}: {outcome}{code}{waits}{again}");
    Moment { at: clock.of_event(event), subject: Subject::Event, name: "event".to_owned(), words }
}

fn bracketed(code: Option<&str>) -> String {
    code.map(|code| format!(" ({code})")).unwrap_or_default()
}

fn of_transition(line: &HistoryRow, labels: &Labels, clock: &Clock<'_>) -> Moment {
    let HistoryRow { from_status, to_status, .. } = line;
    let step = match from_status.as_str() {
        BEGINNING => format!("begins as {to_status}"),
        from => format!("{from} -> {to_status}"),
    };
    let reason = bracketed(line.reason.as_deref());
    let elsewhere = line.event_kind.as_deref().filter(|_| !clock.follows_cause(line));
    let cause = elsewhere.map(|kind| format!(", by {kind}")).unwrap_or_default();
    let words = format!("{step}{reason}{cause}");
    let name = labels.label(line.entity_id, &line.entity).to_owned();
    Moment { at: line.recorded_at.into(), subject: Subject::Transition, name, words }
}

fn of_judgement(judgement: &JudgementRow) -> Moment {
    let JudgementRow { policy, verdict, policy_version, inputs, .. } = judgement;
    let inputs = inputs.as_object().into_iter().flatten();
    let inputs = inputs.map(|(name, value)| format!("{name} {}", value.as_str().unwrap_or("?")));
    let inputs: Vec<_> = inputs.collect();
    let words = format!("{policy}: {verdict} by {policy_version}; {}", inputs.join(", "));
    let at = judgement.recorded_at.into();
    Moment { at, subject: Subject::Judgement, name: "policy".to_owned(), words }
}

fn of_transfer(transfer: &TransferRow, labels: &Labels) -> Moment {
    let TransferRow { code, debit, credit, reference, .. } = transfer;
    let amount = amount(transfer.amount_minor, &transfer.currency);
    let reference = labels.reference(reference);
    let words = format!("{code} {amount}: debit {debit}, credit {credit}; {reference}");
    let at = transfer.recorded_at.into();
    Moment { at, subject: Subject::Money, name: "money".to_owned(), words }
}

fn of_unapplied(money: &UnappliedRow) -> Vec<Moment> {
    let UnappliedRow { provider, capture_ref, cause, .. } = money;
    let amount = amount(money.amount_minor, &money.currency);
    let line = |at, words| Moment { at, subject: Subject::Money, name: "money".to_owned(), words };
    let kept = format!("{amount} of {provider} {capture_ref} kept apart ({cause})");
    let mut moments = vec![line(money.recorded_at.into(), kept)];
    if let (Some(at), Some(how)) = (money.resolved_at, &money.resolution) {
        let words = format!("{amount} of {provider} {capture_ref}: {how}");
        moments.push(line(at.into(), words));
    }
    moments
}

fn of_timer(timer: &TimerRow, labels: &Labels) -> Vec<Moment> {
    let TimerRow { kind, status, due_at, generation, handovers, .. } = timer;
    let of = match labels.label(timer.owner_id, "") {
        "" => String::new(),
        owner => format!(" of {owner}"),
    };
    let line = |at, words| Moment { at, subject: Subject::Timer, name: "timer".to_owned(), words };
    let mut moments = Vec::new();
    if let Some(at) = timer.handed_over_at {
        let again = if *handovers > 1 { format!(", time {handovers}") } else { String::new() };
        let words = format!("{kind}{of} handed to the delayed exchange{again}");
        moments.push(line(at.into(), words));
    }
    moments.push(match timer.resolved_at {
        Some(at) => line(at.into(), format!("{kind}{of} {status}; was due {due_at}")),
        None => {
            line((*due_at).into(), format!("{kind}{of} is due ({status}, generation {generation})"))
        }
    });
    moments
}

fn of_message(message: &MessageRow, clock: &Clock<'_>) -> Moment {
    let MessageRow { routing_key, exchange, attempts, .. } = message;
    let state = match (message.sent_at, message.must_route) {
        (Some(at), _) if message.suppressed_at.is_some() => {
            format!("not sent, it held no longer {at}")
        }
        (Some(at), _) => format!("sent {at}"),
        (None, _) if *attempts > 0 => {
            format!("not sent after {attempts} attempts, next {}", message.publish_after)
        }
        (None, true) => "not sent yet; must reach a queue".to_owned(),
        (None, false) => "not sent yet".to_owned(),
    };
    let way = match exchange.as_str() {
        "return" => format!("back to {routing_key}"),
        _ => routing_key.clone(),
    };
    Moment {
        at: clock.of_message(message.created_at.into()),
        subject: Subject::Message,
        name: "message".to_owned(),
        words: format!("{way}: {state}"),
    }
}
