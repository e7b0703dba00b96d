//! What the database and the workers say about themselves.
//!
//! Every statement here carries a mark, so that the costs of looking are not counted.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use contracts::Timestamp;
use fleet::Fleet;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

/// Rows written to one table, per event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Writes {
    /// Rows inserted.
    pub(crate) inserted: f64,
    /// Rows updated.
    pub(crate) updated: f64,
    /// Rows deleted.
    pub(crate) deleted: f64,
}

/// First and last commit of the events in the inbox, of some kinds or of all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Commits {
    /// The first one.
    pub(crate) first: Timestamp,
    /// The last one.
    pub(crate) last: Timestamp,
}

impl Commits {
    /// Seconds from the first to the last.
    pub(crate) fn seconds(&self) -> f64 {
        self.last.since(self.first).as_secs_f64()
    }

    /// When events of these kinds were committed, or of all; what a seed wrote does not count.
    pub(crate) async fn of_inbox(database: &mut PgConnection, kinds: &[&str]) -> Result<Self> {
        let sql = "/* bench */ SELECT
                (extract(epoch FROM min(pg_xact_commit_timestamp(xmin))) * 1e6)::bigint,
                (extract(epoch FROM max(pg_xact_commit_timestamp(xmin))) * 1e6)::bigint
            FROM inbox
            WHERE
                source <> '/seed'
                AND (cardinality($1::text[]) = 0 OR kind::text = ANY($1))";
        let found: (Option<i64>, Option<i64>) =
            sqlx::query_as(sql).bind(kinds).fetch_one(database).await?;
        Self::known(found)
    }

    /// When messages were marked as sent.
    pub(crate) async fn of_sending(database: &mut PgConnection) -> Result<Self> {
        let sql = "/* bench */ SELECT
                (extract(epoch FROM min(at)) * 1e6)::bigint,
                (extract(epoch FROM max(at)) * 1e6)::bigint
            FROM (
                SELECT pg_xact_commit_timestamp(xmin) AS at FROM outbox
                WHERE sent_at IS NOT NULL
            ) AS sent";
        Self::known(sqlx::query_as(sql).fetch_one(database).await?)
    }

    fn known((first, last): (Option<i64>, Option<i64>)) -> Result<Self> {
        let at = |micros: Option<i64>| micros.map(Timestamp::from_micros).context("no commit");
        Ok(Self { first: at(first)?, last: at(last)? })
    }
}

/// Fails unless the server keeps what is measured with.
pub(crate) async fn require_settings(database: &mut PgConnection) -> Result<()> {
    let sql = "/* bench */ SELECT current_setting('track_commit_timestamp') = 'on'";
    let kept: bool = sqlx::query_scalar(sql).fetch_one(&mut *database).await?;
    ensure!(
        kept,
        "Postgres runs without `track_commit_timestamp = on`, so commits cannot be timed: set it; \
         a private Postgres learns it by `cargo xtask services down` and `up`"
    );
    Ok(())
}

/// Events whose fate is decided: not parked, and not unknown.
pub(crate) async fn decided(database: &mut PgConnection) -> Result<usize> {
    let sql = "/* bench */ SELECT count(*) FROM inbox WHERE outcome <> 'parked'";
    let count: i64 = sqlx::query_scalar(sql).fetch_one(database).await?;
    Ok(usize::try_from(count)?)
}

/// Whether a message of ours waits to be published.
pub(crate) async fn unsent(database: &mut PgConnection) -> Result<bool> {
    let sql = "/* bench */ SELECT EXISTS (SELECT FROM outbox WHERE sent_at IS NULL)";
    Ok(sqlx::query_scalar(sql).fetch_one(database).await?)
}

/// Whether every connection of a worker is gone, and so all of its counts are known.
pub(crate) async fn workers_gone(database: &mut PgConnection) -> Result<bool> {
    let sql = "/* bench */ SELECT NOT EXISTS (
        SELECT FROM pg_stat_activity
        WHERE
            datname = current_database() AND pid <> pg_backend_pid()
            AND backend_type = 'client backend')";
    Ok(sqlx::query_scalar(sql).fetch_one(database).await?)
}

/// Rows written so far, by table; partitions count as their table.
pub(crate) async fn writes(
    database: &mut PgConnection,
    events: usize,
) -> Result<BTreeMap<String, Writes>> {
    let sql = "/* bench */ SELECT
            regexp_replace(relname, '_(default|[0-9]{8})$', ''),
            sum(n_tup_ins)::bigint, sum(n_tup_upd)::bigint, sum(n_tup_del)::bigint
        FROM pg_stat_user_tables
        WHERE relname NOT IN ('currencies', 'transitions_allowed', '_sqlx_migrations')
        GROUP BY 1 HAVING sum(n_tup_ins + n_tup_upd + n_tup_del) > 0";
    let rows: Vec<(String, i64, i64, i64)> = sqlx::query_as(sql).fetch_all(database).await?;
    let per_event = |rows: i64| crate::stats::signed(rows) / crate::stats::float(events.max(1));
    let writes = rows.into_iter().map(|(table, inserted, updated, deleted)| {
        let (inserted, updated) = (per_event(inserted), per_event(updated));
        (table, Writes { inserted, updated, deleted: per_event(deleted) })
    });
    Ok(writes.collect())
}

/// Messages that workers hold and have not settled; none when one does not say.
pub(crate) async fn in_flight(fleet: &mut Fleet) -> Option<f64> {
    let mut all = 0.0;
    for member in fleet.members() {
        all += member.metric("orderflow_messages_in_flight", &[]).await.ok()?;
    }
    Some(all)
}
