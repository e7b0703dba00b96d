//! What should have been done by now: messages to send, timers to fire, dead letters to look at.

use std::time::Duration;

use contracts::Timestamp;
use store::{Database, LetterBacklog, letter_backlog, outbox, timers};

use super::{Finding, Health};
use crate::exit::Failure;

/// From which age on somebody should look; those of the alerts.
const OUTBOX_LATE: Duration = Duration::from_mins(2);
const TIMER_LATE: Duration = Duration::from_mins(1);
const LETTER_OLD: Duration = Duration::from_hours(24);

/// Looks at the tables that the workers empty.
pub(super) async fn examine(database: &mut Database, findings: &mut Vec<Finding>) {
    findings.push(match outbox::backlog(database).await {
        Ok(backlog) => of_outbox(&backlog),
        Err(error) => Finding::failed("outbox", &Failure::from(error)),
    });
    findings.push(match timers::counts(database).await {
        Ok(counts) => of_timers(&counts),
        Err(error) => Finding::failed("timers", &Failure::from(error)),
    });
    findings.push(match letter_backlog(database).await {
        Ok(backlog) => of_letters(&backlog, runtime::now()),
        Err(error) => Finding::failed("dead-letters", &Failure::from(error)),
    });
}

fn of_outbox(backlog: &outbox::Backlog) -> Finding {
    let (check, count, oldest) = ("outbox", backlog.count, backlog.oldest);
    if count > 0 && oldest > OUTBOX_LATE {
        let found = format!("{count} messages wait to be sent, the oldest for {}", shown(oldest));
        let fix = "start outbox-relay, free the broker, or bind the queue of the command: \
                   ops/runbooks/outbox-stuck.md";
        return Finding::bad(Health::Warning, check, found, fix);
    }
    Finding::good(check, format!("{count} messages wait to be sent, none for long"))
}

fn of_timers(counts: &timers::Counts) -> Finding {
    let (check, late) = ("timers", counts.most_overdue);
    if late > TIMER_LATE {
        let found = format!("a timer is due since {} and was not handled", shown(late));
        let fix = "start timer-scheduler and the worker of the timer: ops/runbooks/timers-late.md";
        return Finding::bad(Health::Warning, check, found, fix);
    }
    let armed = counts.resting + counts.handed_over;
    Finding::good(check, format!("{armed} timers are armed, none is late"))
}

fn of_letters(backlog: &[LetterBacklog], now: Timestamp) -> Finding {
    let check = "dead-letters";
    let count: i64 = backlog.iter().map(|queue| queue.letters).sum();
    let ages = backlog.iter().map(|queue| now.since(queue.oldest));
    let oldest = ages.max().unwrap_or_default();
    if oldest > LETTER_OLD {
        let found = format!("{count} are parked, the oldest for {}", shown(oldest));
        let fix = "orderctl dlq groups, then replay or archive them: ops/runbooks/parked-old.md";
        return Finding::bad(Health::Warning, check, found, fix);
    }
    Finding::good(check, format!("{count} are parked, none for a day"))
}

/// To the second: nobody needs more of something that is late.
fn shown(age: Duration) -> String {
    humantime::format_duration(Duration::from_secs(age.as_secs())).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_long_is_told_with_its_age() {
        let backlog = |seconds| outbox::Backlog { count: 3, oldest: Duration::from_secs(seconds) };
        assert_eq!(of_outbox(&backlog(120)).health, Health::Good);
        let late = of_outbox(&backlog(125));
        assert_eq!(late.health, Health::Warning);
        assert!(late.found.contains("3 messages") && late.found.contains("2m 5s"), "{late:?}");

        let counts = |seconds| timers::Counts {
            resting: 1,
            handed_over: 2,
            most_overdue: Duration::from_secs(seconds),
            first_due: None,
        };
        assert_eq!(of_timers(&counts(60)).health, Health::Good);
        assert!(of_timers(&counts(60)).found.starts_with("3 timers"));
        assert_eq!(of_timers(&counts(61)).health, Health::Warning);
    }

    #[test]
    fn the_oldest_letter_of_any_queue_counts() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let queue = |oldest: &str| LetterBacklog {
            queue: "orderflow.order-created".to_owned(),
            letters: 2,
            groups: 1,
            oldest: at(oldest),
        };
        let now = at("2026-03-03T12:00:00Z");
        let young = queue("2026-03-03T00:00:00Z");
        assert_eq!(of_letters(std::slice::from_ref(&young), now).health, Health::Good);
        let old = of_letters(&[young, queue("2026-03-01T12:00:00Z")], now);
        assert_eq!(old.health, Health::Warning);
        assert!(old.found.contains("4 are parked") && old.found.contains("2days"), "{old:?}");
        assert_eq!(of_letters(&[], now).health, Health::Good);
    }
}
