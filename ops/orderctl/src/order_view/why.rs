//! Why an order is where it is, in sentences: which event, which rule, which policy, on what.

mod words;

use std::collections::BTreeMap;
use std::time::Duration;

use contracts::Timestamp;
use domain::judgement::PolicyKind;
use domain::order::OrderStatus;
use domain::unapplied::UnappliedCause;
use domain::{OutcomeCode, Status as _};
use serde::Serialize;
use store::timeline::{
    EventRow, HistoryRow, JudgementRow, OrderRow, ParkedRow, RefundRow, Timeline, UnappliedRow,
};

use super::amount;
use super::labels::Labels;
use crate::render::Style;

/// What stands before a sentence.
const MARGIN: usize = 2;

/// Why the order, and each part of it, is where it is.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Why {
    reasons: Vec<Reason>,
    decisions: Vec<Ruling>,
}

/// Why something is as it is: a sentence, and the facts it was made of.
#[derive(Clone, Debug, Serialize)]
struct Reason {
    /// What it is about, such as `order` or `refund 1`.
    subject: String,
    sentence: String,
    /// The rule, by the code of its outcome.
    code: Option<String>,
    /// The rule in words.
    rule: Option<&'static str>,
    /// When it was recorded.
    at: Option<Timestamp>,
    event: Option<Cause>,
}

/// The event that brought something about.
#[derive(Clone, Debug, Serialize)]
struct Cause {
    kind: String,
    source: String,
    id: String,
    /// When it happened, by the sender's clock.
    occurred_at: Option<Timestamp>,
}

/// What a policy decided last.
#[derive(Clone, Debug, Serialize)]
struct Ruling {
    policy: String,
    sentence: String,
    verdict: String,
    rule: Option<&'static str>,
    policy_version: String,
    inputs: serde_json::Value,
    at: Timestamp,
}

impl Why {
    pub(super) fn of(timeline: &Timeline) -> Self {
        let labels = Labels::of(timeline);
        let mut reasons = vec![match &timeline.order {
            Some(order) => of_order(order, timeline),
            None => Reason::plain(
                "order",
                "It is not known because no `order.created` for it was accepted: nothing that \
                 names it can be decided before."
                    .to_owned(),
            ),
        }];
        reasons.extend(payments(timeline));
        reasons.extend(timeline.refunds.iter().map(|it| of_refund(it, timeline, &labels)));
        reasons.extend(of_disputes(timeline, &labels));
        reasons.extend(timeline.unapplied.iter().filter_map(of_unapplied));
        reasons.extend(timeline.parked.iter().map(of_parked));
        reasons.extend(timeline.events.iter().filter_map(of_refused));
        Self { reasons, decisions: decisions(&timeline.judgements) }
    }

    pub(super) fn text(&self, style: Style) -> String {
        let reasons = self.reasons.iter().map(|it| &it.sentence);
        let sentences = reasons.chain(self.decisions.iter().map(|it| &it.sentence));
        sentences.map(|it| style.paragraph(MARGIN, it)).collect::<Vec<_>>().join("\n")
    }
}

impl Reason {
    fn plain(subject: &str, sentence: String) -> Self {
        let subject = subject.to_owned();
        Self { subject, sentence, code: None, rule: None, at: None, event: None }
    }

    /// From the line of history that made it so; the sentence begins with `what` and goes on with
    /// when, why and by which event.
    fn of_line(subject: &str, what: &str, line: &HistoryRow, timeline: &Timeline) -> Self {
        let at = line.recorded_at.into();
        let because = line.reason.as_deref().map(because).unwrap_or_default();
        let event = Cause::of(line, timeline);
        let by = event.as_ref().map(Cause::words).unwrap_or_default();
        Self {
            subject: subject.to_owned(),
            sentence: format!("{what} at {at}{because}.{by}"),
            code: line.reason.clone(),
            rule: line.reason.as_deref().and_then(rule),
            at: Some(at),
            event,
        }
    }

    fn and(mut self, words: &str) -> Self {
        self.sentence.push(' ');
        self.sentence.push_str(words);
        self
    }
}

impl Cause {
    fn of(line: &HistoryRow, timeline: &Timeline) -> Option<Self> {
        let (source, id) = (line.event_source.clone()?, line.event_id.clone()?);
        let event = timeline.events.iter().find(|it| it.source == source && it.event_id == id);
        let kind = line.event_kind.clone()?;
        Some(Self { kind, source, id, occurred_at: event.map(|it| it.occurred_at.into()) })
    }

    fn words(&self) -> String {
        let Self { kind, source, id, occurred_at } = self;
        let of = occurred_at.map(|at| format!(", which happened at {at}")).unwrap_or_default();
        format!(" It followed from {kind} {id} of {source}{of}.")
    }
}

/// A code of the rules in words; nothing for one of a newer program.
fn rule(code: &str) -> Option<&'static str> {
    OutcomeCode::parse(code).ok().map(words::reason)
}

/// The code and what it means, as the end of a sentence.
fn because(code: &str) -> String {
    match rule(code) {
        Some(words) => format!(" because {words} ({code})"),
        None => format!(" because of {code}"),
    }
}

/// The last line about a row.
fn last<'a>(timeline: &'a Timeline, entity: &str, id: uuid::Uuid) -> Option<&'a HistoryRow> {
    let mut lines = timeline.history.iter().rev();
    lines.find(|line| line.entity == entity && line.entity_id == id)
}

fn of_order(order: &OrderRow, timeline: &Timeline) -> Reason {
    let status = OrderStatus::parse(&order.status).ok();
    let what = match status {
        Some(OrderStatus::PendingPayment) => "It began to wait for its money",
        Some(OrderStatus::Paid) => "It was covered",
        Some(OrderStatus::Expired) => "It expired",
        Some(OrderStatus::Cancelled) => "It was called off",
        None => "It got where it is",
    };
    let reason = match last(timeline, "order", order.id) {
        Some(line) => Reason::of_line("order", what, line, timeline),
        None => Reason::plain("order", format!("{what}; its history is not kept.")),
    };
    reason.and(&window(order))
}

/// The time there was to pay, and who set it.
fn window(order: &OrderRow) -> String {
    let expires_at = Timestamp::from(order.expires_at);
    let length = expires_at.since(order.placed_at.into());
    // Windows are chosen in whole seconds.
    let length = humantime::format_duration(Duration::from_secs(length.as_secs()));
    let method = order.method.as_deref().unwrap_or("method not named");
    format!(
        "Its payment window of {length} ({method}) ends at {expires_at}, by the policies {} \
         unless the shop named its end.",
        order.policy_version
    )
}

/// How the payments went, in numbers.
fn payments(timeline: &Timeline) -> Option<Reason> {
    timeline.order.as_ref()?;
    let mut counted: BTreeMap<String, usize> = BTreeMap::new();
    for attempt in &timeline.attempts {
        let code = attempt.decline_code.as_deref().map(|code| format!(" ({code})"));
        *counted.entry(attempt.status.clone() + &code.unwrap_or_default()).or_default() += 1;
    }
    let counted: Vec<_> = counted.iter().map(|(how, many)| format!("{many} {how}")).collect();
    let sentence = match counted.join(", ") {
        none if none.is_empty() => "No payment was tried.".to_owned(),
        some => format!("Payments tried: {some}."),
    };
    Some(Reason::plain("payments", sentence))
}

fn of_refund(refund: &RefundRow, timeline: &Timeline, labels: &Labels) -> Reason {
    let subject = labels.label(refund.id, "refund");
    let money = amount(refund.amount_minor, &refund.currency);
    let what = format!("{} of {money} became {}", capitalised(subject), refund.status);
    let reason = match last(timeline, "refund", refund.id) {
        Some(line) => Reason::of_line(subject, &what, line, timeline),
        None => Reason::plain(subject, format!("{what}.")),
    };
    let reason = match &refund.decided_by {
        Some(by) => reason.and(&format!("It was decided by {by}.")),
        None => reason,
    };
    match refund.held_until {
        Some(at) => reason.and(&format!("Its provider is told at {at}, unless a person stops it.")),
        None => reason,
    }
}

fn of_disputes(timeline: &Timeline, labels: &Labels) -> Vec<Reason> {
    let of_one = |dispute: &store::timeline::DisputeRow| {
        let subject = labels.label(dispute.id, "dispute");
        let money = amount(dispute.amount_minor, &dispute.currency);
        let (stage, status) = (&dispute.stage, &dispute.status);
        let what = format!("{} over {money} became {stage}:{status}", capitalised(subject));
        let line = last(timeline, "dispute", dispute.id)?;
        let reason = Reason::of_line(subject, &what, line, timeline);
        Some(match (dispute.evidence_due_at, dispute.closed_at) {
            (Some(due), None) => reason.and(&format!("Evidence is due by {due}.")),
            _ => reason,
        })
    };
    timeline.disputes.iter().filter_map(of_one).collect()
}

/// Money beside the order that nobody has settled yet.
fn of_unapplied(money: &UnappliedRow) -> Option<Reason> {
    let cause = UnappliedCause::parse(&money.cause).ok().filter(|_| money.resolved_at.is_none())?;
    let UnappliedRow { provider, capture_ref, .. } = money;
    let sum = amount(money.amount_minor, &money.currency);
    let words = words::kept_apart(cause);
    let sentence = format!("{sum} of {provider} {capture_ref} is kept apart because {words}.");
    Some(Reason { code: Some(money.cause.clone()), ..Reason::plain("money", sentence) })
}

fn of_parked(event: &ParkedRow) -> Reason {
    let ParkedRow { kind, source, event_id, park_key, park_until, .. } = event;
    let words = words::reason(OutcomeCode::AwaitingParent);
    let sentence = format!(
        "{kind} {event_id} of {source} waits until {park_until} because {words}: {park_key}."
    );
    let code = Some(OutcomeCode::AwaitingParent.name().to_owned());
    Reason { code, rule: Some(words), ..Reason::plain("event", sentence) }
}

/// An event that was refused, or needs a person.
fn of_refused(event: &EventRow) -> Option<Reason> {
    let EventRow { kind, source, event_id, outcome, outcome_code, .. } = event;
    let refused = matches!(outcome.as_str(), "orphaned" | "rejected" | "quarantined");
    let code = outcome_code.as_deref().filter(|_| refused)?;
    let sentence = format!("{kind} {event_id} of {source} was {outcome}{}.", because(code));
    let at = Some(event.received_at.into());
    let code = Some(code.to_owned());
    Some(Reason {
        rule: code.as_deref().and_then(rule),
        code,
        at,
        ..Reason::plain("event", sentence)
    })
}

/// What each policy decided last.
fn decisions(judgements: &[JudgementRow]) -> Vec<Ruling> {
    let mut latest: BTreeMap<&str, &JudgementRow> = BTreeMap::new();
    for judgement in judgements {
        latest.insert(&judgement.policy, judgement);
    }
    latest.into_values().map(Ruling::of).collect()
}

impl Ruling {
    fn of(row: &JudgementRow) -> Self {
        let JudgementRow { policy, verdict, policy_version, inputs, .. } = row;
        let at = row.recorded_at.into();
        let question = PolicyKind::parse(policy).map_or("What a policy decided:", words::question);
        let given = inputs.as_object().into_iter().flatten();
        let given = given.filter_map(|(name, value)| Some((name, value.as_str()?)));
        let given = given.filter(|(_, value)| !value.is_empty());
        let given: Vec<_> = given.map(|(name, value)| format!("{name} {value}")).collect();
        let answer = match rule(verdict) {
            Some(words) => format!("{} ({verdict})", capitalised(words)),
            None => verdict.clone(),
        };
        let sentence = format!(
            "{question} {answer}. So decided {policy} of the policies {policy_version} at {at}, \
             by {}.",
            given.join(", ")
        );
        Self {
            policy: policy.clone(),
            sentence,
            verdict: verdict.clone(),
            rule: rule(verdict),
            policy_version: policy_version.clone(),
            inputs: inputs.clone(),
            at,
        }
    }
}

fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
