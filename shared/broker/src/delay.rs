//! Delivers a message later: by the ladder, or by the broker's delay plugin.
//!
//! The ladder is always there and holds retries, which exist nowhere else: it is replicated. The
//! plugin is for timers only; Postgres heals what it loses.

mod probe;

use std::{fmt, str::FromStr, time::Duration};

use crate::{HeaderValue, Names, Properties, Publication};

pub use probe::{knows_exchange_type, probe};

/// Levels of the ladder; level n waits 2^n seconds.
pub(crate) const LEVELS: u8 = 12;

/// Longest delay of the ladder, in seconds; for more, hand the message over again when it is back.
pub const LONGEST_LADDER_DELAY: Duration = Duration::from_secs((1 << LEVELS) - 1);

/// The exchange type of the plugin.
pub(crate) const PLUGIN_TYPE: &str = "x-delayed-message";

/// The plugin delivers at once what is to wait longer, so that is cut to this many milliseconds.
const LONGEST_PLUGIN_DELAY: u128 = u32::MAX as u128;

/// What delays timers in a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DelayProvider {
    /// Quorum queues with a time to live, on every broker from 3.10 on; whole seconds.
    Ladder,
    /// Exchange type `x-delayed-message`; milliseconds, one copy, archived upstream.
    Plugin,
}

/// What was asked for with `--delay`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DelayChoice {
    /// The plugin where the broker has it, else the ladder.
    #[default]
    Auto,
    /// The ladder, whatever the broker has.
    Ladder,
    /// The plugin, or an error.
    Plugin,
}

impl DelayProvider {
    /// The name in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ladder => "ladder",
            Self::Plugin => "plugin",
        }
    }
}

impl fmt::Display for DelayProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A `--delay` that is none of `auto`, `ladder` and `plugin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("failed to read the delay provider: expected auto, ladder or plugin")]
pub struct UnknownDelayChoice;

impl FromStr for DelayChoice {
    type Err = UnknownDelayChoice;

    fn from_str(text: &str) -> Result<Self, UnknownDelayChoice> {
        match text {
            "auto" => Ok(Self::Auto),
            "ladder" => Ok(Self::Ladder),
            "plugin" => Ok(Self::Plugin),
            _ => Err(UnknownDelayChoice),
        }
    }
}

/// The publication that reaches `queue` after `delay`, and never earlier.
///
/// Retries always take [`DelayProvider::Ladder`]. It rounds up to whole seconds and cuts at
/// [`LONGEST_LADDER_DELAY`], the plugin at 2^32 - 1 ms: what is to wait longer arrives early and is
/// handed over again. No delay at all is the way straight to the queue.
pub fn delayed(
    names: &Names,
    provider: DelayProvider,
    queue: &str,
    delay: Duration,
    properties: Properties,
    body: Vec<u8>,
) -> Publication {
    if delay.is_zero() {
        return Publication::new(names.return_exchange(), queue, properties, body);
    }
    match provider {
        DelayProvider::Ladder => {
            let (exchange, key) = ladder_address(names, queue, delay);
            Publication::new(exchange, key, properties, body)
        }
        DelayProvider::Plugin => by_plugin(names, queue, delay, properties, body),
    }
}

/// Where a message enters the ladder: the level of the highest bit, and the bits as routing key.
fn ladder_address(names: &Names, queue: &str, delay: Duration) -> (String, String) {
    let seconds = whole_seconds(delay.min(LONGEST_LADDER_DELAY));
    let top = (0..LEVELS).rev().find(|level| bit(seconds, *level)).unwrap_or(0);
    let mut key = String::with_capacity(usize::from(LEVELS) * 2 + queue.len());
    for level in (0..LEVELS).rev() {
        key.push_str(if bit(seconds, level) { "1." } else { "0." });
    }
    key.push_str(queue);
    (names.ladder_level(top), key)
}

fn whole_seconds(delay: Duration) -> u64 {
    delay.as_secs() + u64::from(delay.subsec_nanos() > 0)
}

fn bit(seconds: u64, level: u8) -> bool {
    seconds >> level & 1 == 1
}

fn by_plugin(
    names: &Names,
    queue: &str,
    delay: Duration,
    mut properties: Properties,
    body: Vec<u8>,
) -> Publication {
    let milliseconds = delay.as_nanos().div_ceil(1_000_000).clamp(1, LONGEST_PLUGIN_DELAY);
    let milliseconds = u32::try_from(milliseconds).unwrap_or(u32::MAX);
    properties.headers.insert("x-delay", HeaderValue::I64(milliseconds.into()));
    let mut publication = Publication::new(names.delayed_exchange(), queue, properties, body);
    // The plugin returns every mandatory message: at the time of publishing it has no route.
    publication.mandatory = false;
    publication
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUEUE: &str = "orderflow.refund-requested";

    fn publication(provider: DelayProvider, delay: Duration) -> Publication {
        delayed(&Names::default(), provider, QUEUE, delay, Properties::default(), vec![7])
    }

    fn check_ladder(delay: Duration, exchange: &str, bits: &str) {
        let publication = publication(DelayProvider::Ladder, delay);
        assert_eq!(publication.exchange, exchange, "{delay:?}");
        assert_eq!(publication.routing_key, format!("{bits}.{QUEUE}"), "{delay:?}");
        assert!(publication.mandatory);
    }

    #[test]
    fn the_ladders_key_is_the_delay_in_bits_and_enters_at_the_highest() {
        let s = Duration::from_secs;
        check_ladder(s(1), "orderflow.delay.0", "0.0.0.0.0.0.0.0.0.0.0.1");
        check_ladder(s(5), "orderflow.delay.2", "0.0.0.0.0.0.0.0.0.1.0.1");
        check_ladder(s(2048), "orderflow.delay.11", "1.0.0.0.0.0.0.0.0.0.0.0");
        check_ladder(s(4095), "orderflow.delay.11", "1.1.1.1.1.1.1.1.1.1.1.1");
    }

    #[test]
    fn the_ladder_rounds_up_and_cuts_what_is_too_long() {
        check_ladder(Duration::from_nanos(1), "orderflow.delay.0", "0.0.0.0.0.0.0.0.0.0.0.1");
        check_ladder(Duration::from_millis(1001), "orderflow.delay.1", "0.0.0.0.0.0.0.0.0.0.1.0");
        check_ladder(
            Duration::from_millis(4_094_001),
            "orderflow.delay.11",
            &"1.".repeat(12)[..23],
        );
        check_ladder(Duration::MAX, "orderflow.delay.11", &"1.".repeat(12)[..23]);
    }

    #[test]
    fn the_bits_of_every_delay_add_up_to_it() {
        for seconds in 1..=4095_u64 {
            let key = publication(DelayProvider::Ladder, Duration::from_secs(seconds)).routing_key;
            let bits = key.strip_suffix(QUEUE).unwrap().replace('.', "");
            assert_eq!(u64::from_str_radix(&bits, 2), Ok(seconds));
        }
    }

    #[test]
    fn no_delay_is_the_way_straight_to_the_queue() {
        for provider in [DelayProvider::Ladder, DelayProvider::Plugin] {
            let publication = publication(provider, Duration::ZERO);
            assert_eq!(publication.exchange, "orderflow.return");
            assert_eq!(publication.routing_key, QUEUE);
            assert!(publication.mandatory);
        }
    }

    fn check_plugin(delay: Duration, milliseconds: i64) {
        let publication = publication(DelayProvider::Plugin, delay);
        assert_eq!(publication.exchange, "orderflow.delayed");
        assert_eq!(publication.routing_key, QUEUE);
        let header = publication.properties.headers.get("x-delay");
        assert_eq!(header, Some(&HeaderValue::I64(milliseconds)));
        assert!(!publication.mandatory);
    }

    #[test]
    fn the_plugin_takes_milliseconds_rounded_up_and_cut() {
        check_plugin(Duration::from_micros(1), 1);
        check_plugin(Duration::from_micros(1_500_001), 1501);
        check_plugin(Duration::from_hours(24 * 50), 4_294_967_295);
        check_plugin(Duration::MAX, 4_294_967_295);
    }

    #[test]
    fn a_choice_is_read_by_name() {
        assert_eq!("auto".parse(), Ok(DelayChoice::Auto));
        assert_eq!("ladder".parse(), Ok(DelayChoice::Ladder));
        assert_eq!("plugin".parse(), Ok(DelayChoice::Plugin));
        assert_eq!("Plugin".parse::<DelayChoice>(), Err(UnknownDelayChoice));
    }
}
