//! Everything that is known at the end of the day, from the database and from what was heard.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use contracts::{OrderId, Timestamp};
use domain::Status;
use domain::dispute::DisputeStatus;
use domain::history::position_name;
use store::Database;
use store::report::{self, AcceptedEvent, Count, FiredTimer, OutgoingMessage, ParkedLetter};
use store::violations::{self, Violation};

use crate::departures::{Departure, missing};
use crate::scenario::{Fact, Facts};

/// What is known at the end of the day.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Each order as the database has it.
    pub orders: HashMap<OrderId, Facts>,
    /// Every dead letter.
    pub dead_letters: Vec<ParkedLetter>,
    /// Every message of ours, by the outbox.
    pub messages: Vec<OutgoingMessage>,
    /// Every message of ours, by the subscriber: how often it came.
    pub heard: HashMap<String, u32>,
    /// Every event that was accepted.
    pub accepted: Vec<AcceptedEvent>,
    /// How each message of the day was published.
    pub departures: HashMap<String, Departure>,
    /// Every timer that fired.
    pub timers: Vec<FiredTimer>,
    /// Every invariant that does not hold.
    pub violations: Vec<Violation>,
}

impl Evidence {
    /// Reads the database.
    ///
    /// # Errors
    /// When it is not reached, or holds what nobody knows.
    pub async fn gather(
        database: &mut Database,
        heard: HashMap<String, u32>,
        departures: HashMap<String, Departure>,
    ) -> Result<Self> {
        let mut orders: HashMap<OrderId, Facts> = HashMap::new();
        for found in report::by_order(database).await? {
            let fact = fact(&found.counted).with_context(|| format!("{:?}", found.counted))?;
            orders.entry(found.order).or_default().add(fact, found.counted.count);
        }
        Ok(Self {
            orders,
            dead_letters: report::dead_letters(database).await?,
            messages: report::messages(database).await?,
            heard,
            accepted: report::accepted_events(database).await?,
            departures,
            timers: report::fired_timers(database).await?,
            violations: violations::all(database).await?,
        })
    }

    /// Messages of the day that are not where they should be.
    pub fn unaccounted(&self) -> Vec<&str> {
        missing(&self.departures, &self.accepted, &self.dead_letters)
    }

    /// From when on the workers were busy, and until when.
    pub fn busy(&self) -> Option<(Timestamp, Timestamp)> {
        let (first, last) = (self.accepted.first()?, self.accepted.last()?);
        Some((first.received_at, last.received_at))
    }
}

/// The fact that a row of the report counts; none for what the demo does not know.
fn fact(counted: &Count) -> Option<Fact> {
    let name = counted.name.as_str();
    Some(match counted.what.as_str() {
        "order" => Fact::Order(status(name)?),
        "attempt" => Fact::Attempt(status(name)?),
        "capture" => Fact::Capture(status(name)?),
        "refund" => Fact::Refund(status(name)?),
        "dispute" => position(name)?,
        "deadline missed" => Fact::DeadlineMissed,
        "stock release" => Fact::StockReleased,
        "unapplied" => Fact::Unapplied(status(name)?),
        "balance" => Fact::Balance(status(name)?),
        _ => return None,
    })
}

fn status<S: Status>(name: &str) -> Option<S> {
    S::parse(name).ok()
}

fn position(name: &str) -> Option<Fact> {
    use contracts::events::DisputeStage::{Arbitration, Chargeback, Inquiry, PreArbitration};
    let stages = [Inquiry, Chargeback, PreArbitration, Arbitration].into_iter();
    let mut positions = stages.flat_map(|stage| {
        let at = move |status| domain::dispute::DisputePosition { stage, status };
        DisputeStatus::ALL.iter().map(move |status| at(*status))
    });
    let position = positions.find(|position| position_name(*position) == name)?;
    Some(Fact::Dispute(position.stage, position.status))
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::events::DisputeStage;
    use domain::ledger::Account;
    use domain::order::OrderStatus;

    fn read(what: &str, name: &str) -> Option<Fact> {
        fact(&Count { what: what.to_owned(), name: name.to_owned(), count: 1 })
    }

    #[test]
    fn rows_of_the_report_are_facts_and_what_is_unknown_is_not_passed_over() {
        assert_eq!(read("order", "paid"), Some(Fact::Order(OrderStatus::Paid)));
        let won = Fact::Dispute(DisputeStage::Chargeback, DisputeStatus::Won);
        assert_eq!(read("dispute", "chargeback:won"), Some(won));
        assert_eq!(read("balance", "suspense"), Some(Fact::Balance(Account::Suspense)));
        assert_eq!(read("order", "lost"), None);
        assert_eq!(read("parcel", "sent"), None);
    }
}
