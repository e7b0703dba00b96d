//! How many rows our workers write for an event of each kind, so that references write as many.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::incoming::Kind;

/// Rows per event of one kind, beside its row in the inbox and the one row that it is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rates {
    pub(crate) captures: f64,
    pub(crate) history: f64,
    pub(crate) transfers: f64,
    pub(crate) timers: f64,
    pub(crate) outbox: f64,
}

/// Rows per event, by kind, and how long a message of ours is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Recipe {
    rates: BTreeMap<String, Rates>,
    /// Bytes of the body of an average message of ours.
    pub(crate) outbox_body: usize,
}

impl Recipe {
    /// Reads off what our workers wrote to a database whose backlog is worked off.
    ///
    /// A message of ours does not name its event; all kinds get the average.
    pub(crate) async fn read(database: &mut PgConnection) -> Result<Self> {
        let sql = "/* bench */ SELECT
                inbox.kind::text, count(*)::float8,
                (count(captures.recorded) FILTER (WHERE kind = 'payment.attempted'))::float8
            FROM inbox
            LEFT JOIN captures USING (order_id)
            GROUP BY 1";
        let kinds: Vec<(String, f64, f64)> = sqlx::query_as(sql).fetch_all(&mut *database).await?;
        let all: f64 = kinds.iter().map(|(_, events, _)| events).sum();
        let (sent, body) = outbox(database).await?;
        let (history, transfers) = (history(database).await?, transfers(database).await?);
        let timers = timers(database).await?;
        let rates = kinds.into_iter().map(|(kind, events, captures)| {
            let per_event = |rows: &BTreeMap<String, f64>| {
                rows.get(&kind).copied().unwrap_or_default() / events
            };
            let rates = Rates {
                captures: captures / events,
                history: per_event(&history),
                transfers: per_event(&transfers),
                timers: per_event(&timers),
                outbox: sent / all,
            };
            (kind, rates)
        });
        Ok(Self { rates: rates.collect(), outbox_body: usize::try_from(body)? })
    }

    /// Rows for one event of a kind.
    pub(super) fn of(&self, kind: Kind) -> Rates {
        self.rates.get(kind.name()).copied().unwrap_or_default()
    }
}

async fn history(database: &mut PgConnection) -> Result<BTreeMap<String, f64>> {
    by_kind(
        database,
        "/* bench */ SELECT kind::text, count(*)::float8
        FROM history INNER JOIN inbox USING (inbox_id) GROUP BY 1",
    )
    .await
}

async fn transfers(database: &mut PgConnection) -> Result<BTreeMap<String, f64>> {
    by_kind(
        database,
        "/* bench */ SELECT kind::text, count(*)::float8
        FROM transfers INNER JOIN inbox USING (inbox_id) GROUP BY 1",
    )
    .await
}

async fn timers(database: &mut PgConnection) -> Result<BTreeMap<String, f64>> {
    by_kind(
        database,
        "/* bench */ SELECT
            CASE kind WHEN 'dispute_evidence_due' THEN 'dispute.opened' ELSE 'order.created' END,
            count(*)::float8
        FROM timers GROUP BY 1",
    )
    .await
}

async fn by_kind(database: &mut PgConnection, sql: &'static str) -> Result<BTreeMap<String, f64>> {
    let rows: Vec<(String, f64)> = sqlx::query_as(sql).fetch_all(database).await?;
    Ok(rows.into_iter().collect())
}

async fn outbox(database: &mut PgConnection) -> Result<(f64, i64)> {
    let sql = "/* bench */ SELECT
            count(*)::float8, coalesce(avg(octet_length(body)), 0)::bigint
        FROM outbox WHERE exchange = 'events'";
    Ok(sqlx::query_as(sql).fetch_one(database).await?)
}

/// Gives whole rows to each event so that their average is a rate.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Share {
    rate: f64,
    owed: f64,
}

impl Share {
    pub(super) fn new(rate: f64) -> Self {
        Self { rate, owed: 0.0 }
    }

    /// Rows of the next event.
    pub(super) fn next(&mut self) -> i32 {
        self.owed += self.rate;
        // A rate such as 0.1 is not exact in binary.
        let mut whole = 0;
        while self.owed >= 1.0 - 1e-9 {
            (self.owed, whole) = (self.owed - 1.0, whole + 1);
        }
        whole
    }
}

/// The rows of the next event in each table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shares {
    pub(super) captures: Share,
    pub(super) history: Share,
    pub(super) transfers: Share,
    pub(super) timers: Share,
    pub(super) outbox: Share,
}

impl From<Rates> for Shares {
    fn from(rates: Rates) -> Self {
        Self {
            captures: Share::new(rates.captures),
            history: Share::new(rates.history),
            transfers: Share::new(rates.transfers),
            timers: Share::new(rates.timers),
            outbox: Share::new(rates.outbox),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(rate: f64, events: usize) -> i32 {
        let mut share = Share::new(rate);
        (0..events).map(|_| share.next()).sum()
    }

    #[test]
    fn shares_add_up_to_their_rate() {
        assert_eq!(sum(0.1, 1_000), 100);
        assert_eq!(sum(2.0, 7), 14);
        assert_eq!(sum(1.25, 8), 10);
        assert_eq!(sum(0.0, 100), 0);
    }
}
