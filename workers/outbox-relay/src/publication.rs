//! From a row of the outbox to a publication, and from the broker's answer to the row's fate.

use std::time::Duration;

use broker::{Headers, Names, Outcome, Properties, Publication};
use store::outbox::{Exchange, PendingMessage};

/// Longest pause between two tries of a message that reaches no queue.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// The message of a row; its id is stable over every re-send.
pub(crate) fn publication(names: &Names, row: &PendingMessage) -> Publication {
    let exchange = match row.exchange {
        Exchange::Events => names.outbound(),
        Exchange::Return => names.return_exchange(),
    };
    let properties = Properties {
        message_id: Some(row.message_id.clone()),
        content_type: row.content_type.clone(),
        type_name: Some(row.type_name.clone()),
        app_id: Some("orderflow".to_owned()),
        correlation_id: row.order().map(|order| order.to_string()),
        headers: headers(row),
        ..Properties::default()
    };
    Publication::new(exchange, row.routing_key.clone(), properties, row.body.clone())
}

/// The headers of a returning message; they were written by us as typed JSON.
fn headers(row: &PendingMessage) -> Headers {
    let Some(json) = &row.headers_json else { return Headers::default() };
    serde_json::from_str(json).unwrap_or_else(|error| {
        tracing::error!(%error, message_id = row.message_id, "headers cannot be read back");
        Headers::default()
    })
}

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Done with.
    Sent,
    /// Done with, and nobody listens to this announcement.
    Unheard,
    /// It must reach a queue and did not: again after this pause.
    Postponed(Duration),
    /// The broker did not answer or refused: again at once, on a new session.
    Unconfirmed,
}

impl Fate {
    /// The fate of a row that was tried `attempts` times before.
    pub(crate) fn of(outcome: &Outcome, must_route: bool, attempts: i32) -> Self {
        match outcome {
            Outcome::Confirmed => Self::Sent,
            Outcome::Returned { .. } if !must_route => Self::Unheard,
            // A message that can never be published must not hold up those behind it.
            Outcome::Returned { .. } | Outcome::Invalid(_) => Self::Postponed(pause(attempts)),
            Outcome::Nacked | Outcome::TimedOut => Self::Unconfirmed,
        }
    }

    /// The label value.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sent => "confirmed",
            Self::Unheard => "unheard",
            Self::Postponed(_) => "returned",
            Self::Unconfirmed => "unconfirmed",
        }
    }
}

fn pause(attempts: i32) -> Duration {
    Duration::from_secs(1 << attempts.clamp(0, 16)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_reach_no_queue_stay_and_announcements_do_not() {
        let returned = Outcome::Returned { code: 312, text: "NO_ROUTE".to_owned() };
        let seconds = |s| Fate::Postponed(Duration::from_secs(s));
        let table = [
            (Outcome::Confirmed, true, 0, Fate::Sent),
            (Outcome::Confirmed, false, 9, Fate::Sent),
            (returned.clone(), false, 0, Fate::Unheard),
            (returned.clone(), true, 0, seconds(1)),
            (returned.clone(), true, 3, seconds(8)),
            (returned, true, 40, seconds(300)),
            (Outcome::Nacked, true, 0, Fate::Unconfirmed),
            (Outcome::TimedOut, false, 0, Fate::Unconfirmed),
        ];
        for (outcome, must_route, attempts, expected) in table {
            assert_eq!(Fate::of(&outcome, must_route, attempts), expected, "{outcome:?}");
        }
    }
}
