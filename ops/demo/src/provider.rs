//! A small payment provider: what it answers to our commands.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use contracts::{AttemptId, EventKind, OrderId, RefundId};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::scenario::{
    Content, Cue, Event, Form, Message, Moment, PROVIDER, RefundAnswer, Step, Story,
};

/// A message of ours.
#[derive(Clone, Debug, Deserialize)]
pub struct Heard {
    /// Its id.
    pub id: String,
    /// Its CloudEvents type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The order it is about.
    pub subject: OrderId,
    /// What it says.
    pub data: Value,
}

impl Heard {
    /// Its name, such as `order.paid`.
    pub fn name(&self) -> &str {
        let name = self.type_name.strip_prefix("orderflow.").unwrap_or(&self.type_name);
        name.rsplit_once(".v").map_or(name, |(name, _major)| name)
    }
}

/// A provider that knows each order's story; it answers each command once.
#[derive(Debug, Default)]
pub struct Provider {
    /// Refunds ordered so far, in turn.
    refunds: HashMap<OrderId, Vec<RefundId>>,
    /// Authorisations given back so far.
    voided: HashSet<AttemptId>,
}

impl Provider {
    /// What the provider publishes on a command of ours.
    ///
    /// Silence is an answer too: payments that hang are found paid only where their story says so.
    pub fn answer(&mut self, story: &Story, heard: &Heard) -> Vec<Step> {
        let id = |field: &str| heard.data[field].as_str().and_then(|text| text.parse().ok());
        match heard.name() {
            "refund.execute" => id("refund_id")
                .map(|refund: uuid::Uuid| self.refund(story, refund.into(), heard))
                .unwrap_or_default(),
            "payment.void_requested" => id("attempt_id")
                .and_then(|attempt: uuid::Uuid| self.void(story, attempt.into(), heard))
                .into_iter()
                .collect(),
            _ => Vec::new(),
        }
    }

    fn refund(&mut self, story: &Story, refund: RefundId, heard: &Heard) -> Vec<Step> {
        let known = self.refunds.entry(story.order).or_default();
        if known.contains(&refund) {
            return Vec::new();
        }
        let answer = story.refunds.get(known.len()).or(story.refunds.last());
        known.push(refund);
        let reports: &[(&str, u64)] = match answer {
            Some(RefundAnswer::Succeeds) | None => &[("submitted", 20), ("succeeded", 150)],
            Some(RefundAnswer::Fails) => &[("submitted", 20), ("failed", 150)],
            Some(RefundAnswer::IsReversed) => {
                &[("submitted", 20), ("succeeded", 150), ("reversed", 1_200)]
            }
        };
        reports.iter().map(|(status, pause)| report(refund, heard, status, *pause)).collect()
    }

    fn void(&mut self, story: &Story, attempt: AttemptId, heard: &Heard) -> Option<Step> {
        if !self.voided.insert(attempt) {
            return None;
        }
        let mut data = copied(heard, &["order_id", "attempt_id", "provider", "provider_ref"]);
        data.insert("outcome".to_owned(), json!("voided"));
        data.insert("amount".to_owned(), json!(story.total));
        data.insert("livemode".to_owned(), json!(true));
        Some(step(format!("{attempt}:voided"), EventKind::PaymentAttempted, heard, data, 60))
    }
}

/// What the provider says of a refund; now and then it says so twice.
fn report(refund: RefundId, heard: &Heard, status: &str, pause: u64) -> Step {
    let mut data = copied(heard, &["order_id", "refund_id", "amount"]);
    data.insert("provider_ref".to_owned(), json!(format!("re-{refund}")));
    data.insert("status".to_owned(), json!(status));
    let mut step = step(format!("{refund}:{status}"), EventKind::RefundUpdated, heard, data, pause);
    if uuid::Uuid::from(refund).as_bytes()[15] < 16 {
        step.copies.push(Duration::from_millis(40));
    }
    step
}

fn copied(heard: &Heard, fields: &[&str]) -> Map<String, Value> {
    fields.iter().map(|field| ((*field).to_owned(), heard.data[*field].clone())).collect()
}

fn step(id: String, kind: EventKind, heard: &Heard, data: Map<String, Value>, pause: u64) -> Step {
    let event = Event {
        kind,
        source: PROVIDER,
        subject: Some(heard.subject),
        data,
        times: vec![("occurred_at", Moment::Now)],
        form: Form::Structured,
    };
    Step {
        when: Cue::At(Duration::from_millis(pause)),
        message: Message { id, content: Content::Event(event) },
        copies: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Day;

    fn story(scenario: &str) -> Story {
        let stories = Day::new(1, 100).stories;
        stories.into_iter().find(|story| story.scenario == scenario).unwrap()
    }

    fn command(story: &Story, name: &str, id: &str) -> Heard {
        Heard {
            id: format!("command-{id}"),
            type_name: format!("orderflow.{name}.v1"),
            subject: story.order,
            data: json!({
                "order_id": story.order, "refund_id": id, "attempt_id": id,
                "provider": "examplepay", "provider_ref": "pay-1", "amount": story.total,
            }),
        }
    }

    fn refund_id(last: u8) -> String {
        uuid::Uuid::from_bytes([last; 16]).to_string()
    }

    /// What the provider says in answer: each report's status, in turn.
    fn statuses(steps: &[Step]) -> Vec<&str> {
        let ids = steps.iter().map(|step| step.message.id.as_str());
        ids.filter_map(|id| Some(id.rsplit_once(':')?.1)).collect()
    }

    #[test]
    fn refunds_are_answered_in_turn_as_their_story_says() {
        let story = story("refund fails, the next one works");
        let mut provider = Provider::default();
        let mut answer = |id: &str| {
            let steps = provider.answer(&story, &command(&story, "refund.execute", id));
            statuses(&steps).join(" ")
        };
        assert_eq!(answer(&refund_id(100)), "submitted failed");
        assert_eq!(answer(&refund_id(101)), "submitted succeeded");
        assert_eq!(answer(&refund_id(102)), "submitted succeeded");
    }

    #[test]
    fn a_command_that_comes_twice_is_answered_once() {
        let story = story("refund comes back");
        let mut provider = Provider::default();
        for (name, expected) in [("refund.execute", 3), ("payment.void_requested", 1)] {
            let command = command(&story, name, &refund_id(7));
            assert_eq!(provider.answer(&story, &command).len(), expected, "{name}");
            assert!(provider.answer(&story, &command).is_empty(), "{name}");
        }
    }

    #[test]
    fn what_is_no_command_to_a_provider_is_left_unanswered() {
        let story = story("paid at once");
        let mut provider = Provider::default();
        for name in ["order.paid", "payment.status_check_requested", "inventory.release_requested"]
        {
            assert!(provider.answer(&story, &command(&story, name, &refund_id(1))).is_empty());
        }
        assert!(provider.answer(&story, &command(&story, "refund.execute", "no id")).is_empty());
    }

    #[test]
    fn some_answers_come_twice() {
        let story = story("refunded in full");
        let mut provider = Provider::default();
        let command = command(&story, "refund.execute", &refund_id(1));
        let steps = provider.answer(&story, &command);
        assert!(steps.iter().all(|step| step.copies.len() == 1));
    }
}
