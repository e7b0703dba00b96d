//! The database's counts while the day goes on, and what is left to do.

use std::collections::BTreeMap;

use store::report::Count;

use crate::broker_admin::Depth;
use crate::director::Standing;

/// Counts by status at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers(BTreeMap<String, BTreeMap<String, i64>>);

impl Numbers {
    /// The counts as the store reports them.
    pub fn new(counts: Vec<Count>) -> Self {
        let mut numbers: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
        for Count { what, name, count } in counts {
            *numbers.entry(what).or_default().entry(name).or_default() += count;
        }
        Self(numbers)
    }

    /// How many there are of one kind and status.
    pub fn count(&self, what: &str, name: &str) -> i64 {
        self.0.get(what).and_then(|names| names.get(name)).copied().unwrap_or(0)
    }

    /// How many there are of one kind.
    pub fn sum(&self, what: &str) -> i64 {
        self.by_name(what).map(|(_, count)| count).sum()
    }

    /// The counts of one kind, by status.
    pub fn by_name(&self, what: &str) -> impl Iterator<Item = (&str, i64)> {
        let names = self.0.get(what).into_iter().flatten();
        names.map(|(name, count)| (name.as_str(), *count))
    }

    /// The counts of one kind as a short text.
    pub fn line(&self, what: &str) -> String {
        let parts: Vec<_> =
            self.by_name(what).map(|(name, count)| format!("{name} {count}")).collect();
        if parts.is_empty() { "none yet".to_owned() } else { parts.join(", ") }
    }

    /// Different messages of the day that workers have handled.
    pub fn handled(&self) -> usize {
        // Quarantined events are dead letters as well; a message with another's id is not counted.
        let events = self.sum("event") - self.count("event", "quarantined");
        let refused = self.sum("dead letter") - self.count("dead letter", "id-reuse");
        usize::try_from(events + refused).unwrap_or(0)
    }
}

/// Everything that a look sees.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// How far the day has come.
    pub standing: Standing,
    /// Different messages published.
    pub published: usize,
    /// The database's counts.
    pub numbers: Numbers,
    /// What the run's queues hold.
    pub depths: Vec<Depth>,
    /// How many different messages of ours the subscriber heard.
    pub heard: usize,
}

/// Statuses of a refund whose provider has not spoken its last word.
const UNDECIDED: [&str; 3] = ["approved", "submitted", "requires_action"];

impl Look {
    /// What is left before the day is over, in words; nothing means that all is quiet.
    pub fn left(&self, dead_letters: usize) -> Vec<String> {
        let (standing, numbers) = (&self.standing, &self.numbers);
        let mut left = Vec::new();
        let mut add = |count: i64, what: &str| {
            if count > 0 {
                left.push(format!("{count} {what}"));
            }
        };
        let signed = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        add(i64::from(standing.stories == 0), "day to begin");
        add(signed(standing.stories - standing.begun), "stories to begin");
        add(signed(standing.scheduled), "messages to publish");
        for (name, count) in &standing.unheard {
            add(signed(*count), &format!("steps that wait for {name}"));
        }
        add(numbers.count("event", "parked"), "events that wait for their parent");
        add(numbers.count("timer", "armed"), "timers armed");
        add(numbers.count("message", "waiting"), "messages of ours not sent");
        add(UNDECIDED.iter().map(|name| numbers.count("refund", name)).sum(), "refunds under way");
        add(signed(dead_letters) - numbers.sum("dead letter"), "dead letters to come");
        for depth in self.depths.iter().filter(|depth| depth.messages > 0) {
            left.push(format!("{} in queue {}", depth.messages, depth.name));
        }
        left
    }

    /// Whether the workers are so far behind that no further story may begin.
    pub fn is_behind(&self) -> bool {
        self.published.saturating_sub(self.numbers.handled()) > MOST_UNHANDLED
    }
}

/// Messages published and not handled from which on no further story begins.
const MOST_UNHANDLED: usize = 3_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn count(what: &str, name: &str, count: i64) -> Count {
        Count { what: what.to_owned(), name: name.to_owned(), count }
    }

    /// A day whose only story has begun.
    fn begun(counts: Vec<Count>) -> Look {
        let mut look = Look { numbers: Numbers::new(counts), ..Look::default() };
        (look.standing.stories, look.standing.begun) = (1, 1);
        look
    }

    #[test]
    fn before_the_day_has_begun_it_is_not_over() {
        assert_eq!(Look::default().left(0), ["1 day to begin"]);
    }

    #[test]
    fn nothing_is_left_when_all_is_quiet() {
        let counts = vec![count("order", "paid", 3), count("dead letter", "panic", 2)];
        let look = begun(counts);
        assert!(look.left(2).is_empty());
        assert_eq!(look.left(3), ["1 dead letters to come"]);
    }

    #[test]
    fn workers_are_behind_when_too_many_messages_wait_for_them() {
        let mut look = begun(vec![count("event", "applied", 10), count("dead letter", "panic", 1)]);
        look.published = MOST_UNHANDLED + 11;
        assert!(!look.is_behind());
        look.published += 1;
        assert!(look.is_behind());
    }

    #[test]
    fn everything_that_is_left_is_named() {
        let counts = vec![
            count("event", "parked", 1),
            count("timer", "armed", 2),
            count("message", "waiting", 3),
            count("refund", "submitted", 4),
            count("refund", "succeeded", 9),
        ];
        let mut look = begun(counts);
        look.standing.unheard.insert("order.expired", 5);
        look.depths.push(Depth { name: "demo1.refund-requested".to_owned(), messages: 6 });
        look.depths.push(Depth { name: "demo1.order-created".to_owned(), messages: 0 });
        assert_eq!(
            look.left(0),
            [
                "5 steps that wait for order.expired",
                "1 events that wait for their parent",
                "2 timers armed",
                "3 messages of ours not sent",
                "4 refunds under way",
                "6 in queue demo1.refund-requested",
            ]
        );
    }
}
