//! Which messages left for the workers, when and how often; and which of them never arrived.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use contracts::Timestamp;
use store::report::{AcceptedEvent, ParkedLetter};

/// Every message published so far; cheap to clone, all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Departures(Arc<Mutex<HashMap<String, Departure>>>);

/// How a message left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure {
    /// When it left for the first time.
    pub first: Timestamp,
    /// How often it left, copies included.
    pub times: usize,
}

impl Departures {
    /// Takes note that these messages leave now.
    pub fn leave<'a>(&self, ids: impl Iterator<Item = &'a String>, now: Timestamp) {
        let mut departures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for id in ids {
            departures.entry(id.clone()).or_insert(Departure { first: now, times: 0 }).times += 1;
        }
    }

    /// How many different messages left.
    pub fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Every message by its id.
    pub fn all(&self) -> HashMap<String, Departure> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Messages that did not arrive as often as they left: as events, their copies, or dead letters.
#[expect(clippy::implicit_hasher, reason = "departures are made here, with the usual one")]
pub fn missing<'a>(
    departures: &'a HashMap<String, Departure>,
    accepted: &[AcceptedEvent],
    dead_letters: &[ParkedLetter],
) -> Vec<&'a str> {
    let mut arrived: HashMap<&str, usize> = HashMap::with_capacity(departures.len());
    for event in accepted {
        let deliveries = usize::try_from(event.deliveries).unwrap_or(0);
        *arrived.entry(&event.event_id).or_default() += deliveries;
    }
    for id in dead_letters.iter().filter_map(|letter| letter.message_id.as_deref()) {
        *arrived.entry(id).or_default() += 1;
    }
    let came = |id: &str| arrived.get(id).copied().unwrap_or(0);
    let missing = departures.iter().filter(|(id, departure)| came(id) < departure.times);
    missing.map(|(id, _)| id.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::EPOCH;

    fn accepted(id: &str, deliveries: i32) -> AcceptedEvent {
        let (source, event_id) = ("/demo".to_owned(), id.to_owned());
        AcceptedEvent { source, event_id, received_at: AT, deliveries }
    }

    fn letter(id: &str) -> ParkedLetter {
        ParkedLetter {
            message_id: Some(id.to_owned()),
            source_queue: String::new(),
            code: String::new(),
            attempts: 1,
            first_failed_at: AT,
            last_failed_at: AT,
        }
    }

    #[test]
    fn what_arrived_less_often_than_it_left_is_missing() {
        let departures = Departures::default();
        let ids = ["once", "twice", "copied", "refused", "lost"].map(str::to_owned);
        departures.leave(ids.iter(), AT);
        departures.leave(ids[1..3].iter(), AT.plus(std::time::Duration::from_secs(1)));
        assert_eq!(departures.count(), 5);
        let departures = departures.all();
        assert_eq!(departures["twice"], Departure { first: AT, times: 2 });
        let accepted = [accepted("once", 1), accepted("twice", 2), accepted("copied", 1)];
        let mut missing = missing(&departures, &accepted, &[letter("refused")]);
        missing.sort_unstable();
        assert_eq!(missing, ["copied", "lost"]);
    }
}
