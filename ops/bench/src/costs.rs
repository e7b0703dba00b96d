//! What a run costs: processor time, memory, statements, write-ahead log.

use std::fmt;

use anyhow::Result;
use fleet::Fleet;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::processes::{self, Servers};
use crate::results::number;
use crate::stats::{float, median, signed};

/// What a run cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Costs {
    /// Messages that were worked off.
    pub(crate) messages: usize,
    /// Processor seconds of our processes.
    pub(crate) workers_cpu_s: f64,
    /// Processor seconds of the broker; none when it runs elsewhere.
    pub(crate) broker_cpu_s: Option<f64>,
    /// Processor seconds of Postgres, all of its processes; none when it runs elsewhere.
    pub(crate) postgres_cpu_s: Option<f64>,
    /// Largest memory of each of our processes, MiB.
    pub(crate) peak_rss_mib: Vec<(String, f64)>,
    /// Statements per message; none without `pg_stat_statements`.
    pub(crate) statements_per_message: Option<f64>,
    /// Transactions per message.
    pub(crate) transactions_per_message: f64,
    /// Bytes of write-ahead log per message.
    pub(crate) wal_bytes_per_message: f64,
}

impl Costs {
    /// Processor time by whom it was spent; none when a server runs elsewhere.
    pub(crate) fn cpu(&self, messages: usize) -> Option<Cpu> {
        let each = |seconds: f64| seconds * 1e6 / float(messages.max(1));
        Some(Cpu {
            worker: each(self.workers_cpu_s),
            broker: each(self.broker_cpu_s?),
            postgres: each(self.postgres_cpu_s?),
        })
    }
}

/// Processor microseconds per message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Cpu {
    /// Of those who consume.
    pub(crate) worker: f64,
    /// Of the broker.
    pub(crate) broker: f64,
    /// Of all processes of Postgres.
    pub(crate) postgres: f64,
}

impl Cpu {
    /// Of all three.
    pub(crate) fn sum(&self) -> f64 {
        self.worker + self.broker + self.postgres
    }

    /// The median of each part.
    pub(crate) fn median(of: &[Self]) -> Option<Self> {
        let part = |part: fn(&Self) -> f64| median(&of.iter().map(part).collect::<Vec<_>>());
        (!of.is_empty()).then(|| Self {
            worker: part(|cpu| cpu.worker),
            broker: part(|cpu| cpu.broker),
            postgres: part(|cpu| cpu.postgres),
        })
    }
}

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [self.worker, self.broker, self.postgres].map(number);
        write!(f, "{} = {}", number(self.sum()), parts.join(" + "))
    }
}

/// The counters at the start of a run.
#[derive(Debug)]
pub(crate) struct Meter {
    servers: Servers,
    broker: Option<f64>,
    postgres: Option<f64>,
    counters: Counters,
}

/// The counters of Postgres.
#[derive(Clone, Copy, Debug)]
struct Counters {
    statements: Option<i64>,
    transactions: i64,
    wal: i64,
}

impl Meter {
    /// Reads the counters.
    pub(crate) async fn start(database: &mut PgConnection) -> Result<Self> {
        let servers = Servers::find();
        let (broker, postgres) = (servers.broker_cpu(), servers.postgres_cpu());
        let counters = Counters::read(database).await?;
        Ok(Self { servers, broker, postgres, counters })
    }

    /// Reads what is known of processes only while they run.
    pub(crate) fn read_processes(self, fleet: &mut Fleet) -> Result<Measured> {
        let mut costs = self.read_servers();
        for member in fleet.members() {
            let Some(pid) = member.pid() else { continue };
            costs.workers_cpu_s += processes::cpu(pid)?;
            let name = member.binary().to_owned();
            costs.peak_rss_mib.push((name, processes::peak_rss_mib(pid)?));
        }
        Ok(Measured { costs, before: self.counters })
    }

    /// Processor time of the servers since the start.
    pub(crate) fn read_servers(&self) -> Costs {
        let spent = |now: Option<f64>, then: Option<f64>| Some(now? - then?);
        Costs {
            broker_cpu_s: spent(self.servers.broker_cpu(), self.broker),
            postgres_cpu_s: spent(self.servers.postgres_cpu(), self.postgres),
            ..Costs::default()
        }
    }
}

/// The processes are read; Postgres knows its own counts once their connections are gone.
#[derive(Debug)]
pub(crate) struct Measured {
    costs: Costs,
    before: Counters,
}

impl Measured {
    /// Reads the rest.
    pub(crate) async fn finish(
        mut self,
        database: &mut PgConnection,
        messages: usize,
    ) -> Result<Costs> {
        let after = Counters::read(database).await?;
        let each = |now: i64, then: i64| signed(now - then) / float(messages.max(1));
        let costs = &mut self.costs;
        costs.messages = messages;
        costs.statements_per_message =
            after.statements.zip(self.before.statements).map(|(now, then)| each(now, then));
        costs.transactions_per_message = each(after.transactions, self.before.transactions);
        costs.wal_bytes_per_message = each(after.wal, self.before.wal);
        Ok(self.costs)
    }
}

impl Counters {
    async fn read(database: &mut PgConnection) -> Result<Self> {
        let sql = "/* bench */ SELECT
                xact_commit, pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint
            FROM pg_stat_database WHERE datname = current_database()";
        let (transactions, wal) = sqlx::query_as(sql).fetch_one(&mut *database).await?;
        Ok(Self { statements: statements(database).await?, transactions, wal })
    }
}

/// Statements so far that are not our own looks; none where the server does not count them.
async fn statements(database: &mut PgConnection) -> Result<Option<i64>> {
    let loaded = "/* bench */ SELECT
        current_setting('shared_preload_libraries') LIKE '%pg_stat_statements%'";
    if !sqlx::query_scalar::<_, bool>(loaded).fetch_one(&mut *database).await? {
        return Ok(None);
    }
    let create = "CREATE EXTENSION IF NOT EXISTS pg_stat_statements /* bench */";
    sqlx::raw_sql(create).execute(&mut *database).await?;
    let sql = "/* bench */ SELECT coalesce(sum(calls), 0)::bigint
        FROM pg_stat_statements
        WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND query NOT LIKE '%/* bench */%'";
    Ok(Some(sqlx::query_scalar(sql).fetch_one(database).await?))
}
