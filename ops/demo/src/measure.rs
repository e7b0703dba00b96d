//! Figures of a run: how long things took.

use std::time::Duration;

use contracts::Timestamp;
use domain::timer::TimerKind;
use serde::Serialize;
use serde_json::Value;

use crate::evidence::Evidence;

/// How measurements are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spread {
    /// How many there are.
    pub(crate) count: usize,
    /// Half of them are at most this.
    pub(crate) p50: Duration,
    /// All but one in a hundred are at most this.
    pub(crate) p99: Duration,
    /// The largest one.
    pub(crate) max: Duration,
}

impl Spread {
    /// The spread of these measurements; zeros for none.
    pub(crate) fn of(mut measured: Vec<Duration>) -> Self {
        measured.sort_unstable();
        let at = |percent: usize| {
            let rank = (measured.len() * percent).div_ceil(100).max(1);
            measured.get(rank - 1).copied().unwrap_or_default()
        };
        let max = measured.last().copied().unwrap_or_default();
        Self { count: measured.len(), p50: at(50), p99: at(99), max }
    }
}

/// Timers of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Punctuality {
    /// Which kind.
    pub(crate) kind: TimerKind,
    /// How late they were.
    pub(crate) lateness: Spread,
    /// How many fired before their time; must be none.
    pub(crate) early: usize,
}

/// Events over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Throughput {
    /// All events that were accepted.
    pub(crate) events: usize,
    /// Seconds from the first to the last of them.
    pub(crate) seconds: f64,
    /// How many that is in a second.
    pub(crate) per_second: f64,
    /// The most in one second.
    pub(crate) busiest_second: usize,
}

/// The tries of a message whose worker panicked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Retried {
    /// Its id.
    pub(crate) message_id: String,
    /// The time from each failure to the next.
    pub(crate) delays: Vec<Duration>,
}

/// From publishing a message to the start of the transaction that accepted it first.
pub(crate) fn to_transaction(evidence: &Evidence) -> Spread {
    let took = evidence.accepted.iter().filter_map(|event| {
        let left = evidence.departures.get(&event.event_id)?;
        Some(event.received_at.since(left.first))
    });
    Spread::of(took.collect())
}

/// How late timers fired, by kind.
pub(crate) fn punctuality(evidence: &Evidence) -> Vec<Punctuality> {
    let kinds =
        [TimerKind::PaymentTimeout, TimerKind::PaymentReminder, TimerKind::DisputeEvidenceDue];
    let of_kind = |kind| {
        let timers = evidence.timers.iter().filter(move |timer| timer.kind == kind);
        let early = timers.clone().filter(|timer| timer.fired_at < timer.due_at).count();
        let late = timers.map(|timer| timer.fired_at.since(timer.due_at)).collect();
        Punctuality { kind, lateness: Spread::of(late), early }
    };
    kinds.into_iter().map(of_kind).filter(|found| found.lateness.count > 0).collect()
}

/// How many events were accepted, and how densely.
pub(crate) fn throughput(evidence: &Evidence) -> Throughput {
    let Some((first, last)) = evidence.busy() else { return Throughput::default() };
    let second = |at: Timestamp| at.since(first).as_secs();
    let by_second =
        evidence.accepted.chunk_by(|a, b| second(a.received_at) == second(b.received_at));
    let (events, seconds) = (evidence.accepted.len(), last.since(first).as_secs_f64());
    Throughput {
        events,
        seconds,
        per_second: f64::from(u32::try_from(events).unwrap_or(u32::MAX)) / seconds.max(1.0),
        busiest_second: by_second.map(<[_]>::len).max().unwrap_or(0),
    }
}

/// The delays between the failures of a message, by its worker's log.
pub(crate) fn retried(log: &str, message_id: &str) -> Retried {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let failures: Vec<Timestamp> = lines
        .filter(|line| line["message"] == "message failed" && line["event_id"] == message_id)
        .filter_map(|line| line["timestamp"].as_str()?.parse().ok())
        .collect();
    let delays = failures.windows(2).map(|pair| pair[1].since(pair[0])).collect();
    Retried { message_id: message_id.to_owned(), delays }
}

/// A histogram as a worker exposes it: upper bounds in seconds, with how many are below each.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Histogram(Vec<(f64, f64)>);

impl Histogram {
    /// Adds the buckets of a metric on a page of metrics.
    pub(crate) fn add(&mut self, page: &str, metric: &str) {
        let prefix = format!("{metric}_bucket{{");
        let buckets = page.lines().filter_map(|line| line.strip_prefix(&prefix)).filter_map(bucket);
        for (bound, count) in buckets {
            match self.0.iter_mut().find(|(known, _)| known.total_cmp(&bound).is_eq()) {
                Some((_, sum)) => *sum += count,
                None => self.0.push((bound, count)),
            }
        }
        self.0.sort_by(|a, b| a.0.total_cmp(&b.0));
    }

    /// The value that this share of all is below, linear within its bucket as Prometheus has it.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let wanted = share * self.0.last().map_or(0.0, |(_, all)| *all);
        let (mut lower, mut below) = (0.0, 0.0);
        for (bound, count) in &self.0 {
            if *count >= wanted && *count > below {
                let upper = if bound.is_finite() { *bound } else { lower };
                let seconds = lower + (upper - lower) * (wanted - below) / (count - below);
                return Duration::from_secs_f64(seconds.max(0.0));
            }
            (lower, below) = (*bound, *count);
        }
        Duration::ZERO
    }
}

/// Upper bound and count of a line such as `worker="x",le="0.5"} 12`.
fn bucket(line: &str) -> Option<(f64, f64)> {
    let (labels, count) = line.rsplit_once("} ")?;
    let bound = labels.rsplit_once("le=\"")?.1.trim_end_matches('"');
    let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().ok()? };
    Some((bound, count.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_spread_is_made_of_measurements_that_were_taken() {
        let spread = Spread::of((1..=200).rev().map(ms).collect());
        assert_eq!((spread.p50, spread.p99, spread.max), (ms(100), ms(198), ms(200)));
        let one = Spread::of(vec![ms(7)]);
        assert_eq!((one.count, one.p50, one.p99), (1, ms(7), ms(7)));
        assert_eq!(Spread::of(Vec::new()), Spread::default());
    }

    #[test]
    fn histograms_of_several_workers_add_up() {
        let page = |worker: &str, half: u32, all: u32| {
            format!(
                "# TYPE took histogram\n\
                 took_bucket{{worker=\"{worker}\",le=\"0.1\"}} {half}\n\
                 took_bucket{{worker=\"{worker}\",le=\"0.2\"}} {all}\n\
                 took_bucket{{worker=\"{worker}\",le=\"+Inf\"}} {all}\n\
                 took_sum{{worker=\"{worker}\"}} 1.5\n"
            )
        };
        let mut histogram = Histogram::default();
        histogram.add(&page("a", 40, 50), "took");
        histogram.add(&page("b", 10, 50), "took");
        assert_eq!(histogram.quantile(0.5), ms(100));
        assert_eq!(histogram.quantile(0.75), ms(150));
        assert_eq!(Histogram::default().quantile(0.5), Duration::ZERO);
    }

    #[test]
    fn delays_are_read_from_the_log_of_one_message() {
        let line = |id: &str, second: u32| {
            format!(
                "{{\"timestamp\":\"2026-03-01T12:00:0{second}.5Z\",\"message\":\"message failed\",\
                 \"event_id\":\"{id}\"}}\n"
            )
        };
        let log = [line("a", 1), line("b", 2), "not json\n".to_owned(), line("a", 3), line("a", 7)];
        let retried = retried(&log.concat(), "a");
        assert_eq!(retried.delays, [ms(2_000), ms(4_000)]);
    }
}
