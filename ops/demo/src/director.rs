//! Decides what is published when; knows every story, and no clock but the one it is given.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use contracts::{OrderId, Timestamp};

use crate::provider::{Heard, Provider};
use crate::scenario::{Clock, Cue, Message, Step, Story, Wire};

/// How long a story waits that may not begin yet.
const HELD_BACK: Duration = Duration::from_millis(100);

/// Directs the stories of a day.
#[derive(Debug)]
pub struct Director {
    acts: Vec<Act>,
    by_order: HashMap<OrderId, usize>,
    provider: Provider,
    agenda: BinaryHeap<Reverse<(Timestamp, u64)>>,
    entries: HashMap<u64, Entry>,
    turns: u64,
}

/// A story with how far it has come.
#[derive(Debug)]
struct Act {
    story: Story,
    begun: Option<Timestamp>,
    /// Which steps were scheduled.
    scheduled: Vec<bool>,
}

/// Something to do at its time.
#[derive(Debug)]
enum Entry {
    Begin(usize),
    Publish(Planned),
}

/// A message with its story, waiting for its time.
#[derive(Debug)]
struct Planned {
    act: usize,
    message: Arc<Message>,
    /// When it is published for the first time; a copy knows that of its original.
    first: Timestamp,
}

/// How far the day has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Stories that have begun.
    pub begun: usize,
    /// All stories.
    pub stories: usize,
    /// What is scheduled and not published: beginnings and messages.
    pub scheduled: usize,
    /// What begun stories still wait to hear, and how many of them.
    pub unheard: BTreeMap<&'static str, usize>,
}

impl Director {
    /// Schedules the beginning of every story of a day that begins at `start`.
    pub fn new(stories: Vec<Story>, start: Timestamp) -> Self {
        let by_order = stories.iter().enumerate().map(|(act, story)| (story.order, act)).collect();
        let mut director = Self {
            acts: Vec::with_capacity(stories.len()),
            by_order,
            provider: Provider::default(),
            agenda: BinaryHeap::new(),
            entries: HashMap::new(),
            turns: 0,
        };
        for (act, story) in stories.into_iter().enumerate() {
            director.schedule(start.plus(story.begins), Entry::Begin(act));
            let scheduled = vec![false; story.steps.len()];
            director.acts.push(Act { story, begun: None, scheduled });
        }
        director
    }

    /// When there is something to do next.
    pub fn next(&self) -> Option<Timestamp> {
        self.agenda.peek().map(|Reverse((at, _))| *at)
    }

    /// At most so many messages whose time has come; no story begins while it is held back.
    pub fn due(&mut self, now: Timestamp, most: usize, hold_back: bool) -> Vec<Wire> {
        let mut wires = Vec::new();
        while wires.len() < most && self.next().is_some_and(|at| at <= now) {
            let Some(Reverse((_, turn))) = self.agenda.pop() else { break };
            match self.entries.remove(&turn) {
                Some(Entry::Begin(act)) if hold_back => {
                    self.schedule(now.plus(HELD_BACK), Entry::Begin(act));
                }
                Some(Entry::Begin(act)) => self.begin(act, now),
                Some(Entry::Publish(planned)) => wires.push(self.render(&planned, now)),
                None => {}
            }
        }
        wires
    }

    /// Takes note of a message of ours: steps may wait for it, and the provider may answer.
    pub fn hear(&mut self, heard: &Heard, now: Timestamp) {
        let Some(&act) = self.by_order.get(&heard.subject) else { return };
        let cued = |when: Cue| match when {
            Cue::Heard(name, pause) if name == heard.name() => Some(pause),
            Cue::Heard(..) | Cue::At(_) => None,
        };
        self.schedule_steps(act, now, cued);
        for step in self.provider.answer(&self.acts[act].story, heard) {
            let pause = match step.when {
                Cue::At(pause) | Cue::Heard(_, pause) => pause,
            };
            self.plan(act, &step, now.plus(pause));
        }
    }

    /// How far the day has come.
    pub fn standing(&self) -> Standing {
        let mut standing = Standing {
            stories: self.acts.len(),
            scheduled: self.entries.len(),
            ..Standing::default()
        };
        for act in self.acts.iter().filter(|act| act.begun.is_some()) {
            standing.begun += 1;
            for (step, _) in act.story.steps.iter().zip(&act.scheduled).filter(|(_, s)| !**s) {
                if let Cue::Heard(name, _) = step.when {
                    *standing.unheard.entry(name).or_default() += 1;
                }
            }
        }
        standing
    }

    fn begin(&mut self, act: usize, now: Timestamp) {
        self.acts[act].begun = Some(now);
        self.schedule_steps(act, now, |when| match when {
            Cue::At(time) => Some(time),
            Cue::Heard(..) => None,
        });
    }

    /// Schedules the steps for which there is a pause, each once.
    fn schedule_steps(
        &mut self,
        act: usize,
        now: Timestamp,
        pause: impl Fn(Cue) -> Option<Duration>,
    ) {
        let Act { story, scheduled, .. } = &self.acts[act];
        let waiting = story.steps.iter().enumerate().filter(|(number, _)| !scheduled[*number]);
        let ready: Vec<(usize, Step, Duration)> = waiting
            .filter_map(|(number, step)| Some((number, step.clone(), pause(step.when)?)))
            .collect();
        for (number, step, pause) in ready {
            self.acts[act].scheduled[number] = true;
            self.plan(act, &step, now.plus(pause));
        }
    }

    fn plan(&mut self, act: usize, step: &Step, first: Timestamp) {
        let message = Arc::new(step.message.clone());
        for pause in std::iter::once(Duration::ZERO).chain(step.copies.iter().copied()) {
            let planned = Planned { act, message: Arc::clone(&message), first };
            self.schedule(first.plus(pause), Entry::Publish(planned));
        }
    }

    fn schedule(&mut self, at: Timestamp, entry: Entry) {
        self.turns += 1;
        self.agenda.push(Reverse((at, self.turns)));
        self.entries.insert(self.turns, entry);
    }

    fn render(&self, planned: &Planned, now: Timestamp) -> Wire {
        let begun = self.acts[planned.act].begun.unwrap_or(now);
        planned.message.render(Clock { begun, first: planned.first, now })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Day;
    use serde_json::json;

    const START: Timestamp = Timestamp::EPOCH;

    fn story(scenario: &str) -> Story {
        let stories = Day::new(1, 100).stories;
        stories.into_iter().find(|story| story.scenario == scenario).unwrap()
    }

    fn heard(story: &Story, name: &str) -> Heard {
        let (id, type_name) = ("m-1".to_owned(), format!("orderflow.{name}.v1"));
        Heard { id, type_name, subject: story.order, data: json!({}) }
    }

    #[test]
    fn a_story_that_is_held_back_begins_later_with_later_times() {
        let story = story("paid at once");
        let mut director = Director::new(vec![story.clone()], START);
        let begins = director.next().unwrap();
        assert!(director.due(begins, 10, true).is_empty());
        let later = director.next().unwrap();
        assert_eq!(later, begins.plus(HELD_BACK));
        let placed = director.due(later, 10, false).remove(0);
        let body = String::from_utf8(placed.body).unwrap();
        assert!(body.contains(&later.to_string()), "{body}");
    }

    #[test]
    fn a_step_waits_for_its_cue_and_happens_once() {
        let story = story("late payment");
        let mut director = Director::new(vec![story.clone()], START);
        let begun = director.next().unwrap();
        director.due(begun.plus(Duration::from_hours(1)), 99, false);
        assert_eq!(director.standing().unheard, BTreeMap::from([("order.expired", 1)]));
        let expired = begun.plus(Duration::from_hours(2));
        for _ in 0..2 {
            director.hear(&heard(&story, "order.expired"), expired);
        }
        assert!(director.standing().unheard.is_empty());
        let wires = director.due(expired.plus(Duration::from_hours(1)), 99, false);
        let ids: std::collections::BTreeSet<_> = wires.iter().map(|w| &w.message_id).collect();
        assert_eq!(ids.len(), 1);
        assert_eq!(director.next(), None);
    }
}
