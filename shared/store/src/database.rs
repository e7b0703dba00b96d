//! One connection, and transactions that end explicitly.

use std::time::{Duration, Instant};

use contracts::Timestamp;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};

use crate::config::DatabaseConfig;
use crate::error::Error;
use crate::line::Line;
use crate::listener::Channel;
use crate::vault::KeyRing;

/// For transactions that read whole tables: the planner settings of a lane are wrong for them.
macro_rules! wide_settings {
    () => {
        "SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = on; \
         SET LOCAL enable_mergejoin = on; SET LOCAL plan_cache_mode = force_custom_plan; \
         SET LOCAL statement_timeout = '10min'; SET LOCAL work_mem = '64MB'"
    };
}

/// One connection to the database; lanes, relay, scheduler and parker hold one each.
///
/// There is no pool: a lane needs the same connection all its life, and a pool would hand a
/// connection with a cancelled transaction to somebody else.
#[derive(Debug)]
pub struct Database {
    connection: Line,
    open: Option<&'static str>,
    /// For all of a transaction.
    answer_timeout: Duration,
    /// For each statement of it.
    statement_answer: Duration,
    keys: KeyRing,
}

impl Database {
    /// Opens a connection with the limits of `config`.
    ///
    /// # Errors
    /// When the server is not reached or refuses.
    pub async fn connect(config: &DatabaseConfig) -> Result<Self, Error> {
        let connection = open(&config.options()).await?;
        let (answer_timeout, statement_answer) = (config.answer_timeout, config.statement_answer());
        let connection = Line::new(connection, statement_answer);
        Ok(Self {
            connection,
            open: None,
            answer_timeout,
            statement_answer,
            keys: config.keys.clone(),
        })
    }

    /// Whether a transaction may begin: none was left in the middle, and no answer is missing.
    pub fn is_usable(&self) -> bool {
        self.open.is_none() && !self.connection.is_silent()
    }

    /// Asks the server whether it lives, and takes what is to be written.
    ///
    /// # Errors
    /// When no answer comes, it only reads, or a transaction was left in the middle.
    pub async fn ping(&mut self) -> Result<(), Error> {
        let step = "ping the database";
        let ask = async {
            let setting = sqlx::query_scalar::<_, String>("SHOW transaction_read_only");
            setting.fetch_one(self.connection()?).await.map_err(Error::during(step))
        };
        match answered(step, GREETING_WITHIN, ask).await?.as_str() {
            "on" => Err(Error::ReadOnly),
            _ => Ok(()),
        }
    }

    /// Waits for several statements that are transactions of their own, but not for ever.
    ///
    /// # Errors
    /// The work's own, or that no answer came; the connection is of no more use then.
    pub async fn answered<T, E: From<Error>>(
        &mut self,
        step: &'static str,
        work: impl AsyncFnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        answered(step, self.answer_timeout, work(self)).await
    }

    /// Waits less for each statement of this work than is usual.
    pub(crate) async fn hurried<T>(
        &mut self,
        within: Duration,
        work: impl AsyncFnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.connection.set_limit(within);
        let done = work(self).await;
        self.connection.set_limit(self.statement_answer);
        done
    }

    /// Takes a step in a transaction of its own: committed if it succeeds, else rolled back.
    ///
    /// Dropped half-way, it spoils the connection like any [`Transaction`] that never ended.
    ///
    /// # Errors
    /// The step's own. If the transaction cannot be ended, that error instead: whatever the step
    /// said, the connection is lost then.
    pub async fn within<T, E: From<Error>>(
        &mut self,
        name: &'static str,
        step: impl AsyncFnOnce(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let limit = self.answer_timeout;
        let all = async { self.begin(name).await?.finish(step).await };
        answered(name, limit, all).await
    }

    /// As [`within`](Self::within), for a step that reads whole tables.
    pub(crate) async fn within_wide<T, E: From<Error>>(
        &mut self,
        name: &'static str,
        step: impl AsyncFnOnce(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let statement = concat!("BEGIN; ", wide_settings!());
        self.begin_with(statement, name, WIDE_ANSWER_WITHIN).await?.finish(step).await
    }

    /// Begins a transaction; its name appears in errors and traces.
    ///
    /// # Errors
    /// When the connection is lost, or an earlier transaction was left in the middle.
    pub async fn begin(&mut self, name: &'static str) -> Result<Transaction<'_>, Error> {
        self.begin_with("BEGIN", name, self.statement_answer).await
    }

    /// Begins a transaction that sees one moment of the whole database and writes nothing.
    ///
    /// It may read whole tables, for which the planner settings of a lane are wrong.
    pub(crate) async fn begin_snapshot(
        &mut self,
        name: &'static str,
    ) -> Result<Transaction<'_>, Error> {
        let statement =
            concat!("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; ", wide_settings!());
        self.begin_with(statement, name, WIDE_ANSWER_WITHIN).await
    }

    async fn begin_with(
        &mut self,
        statement: &'static str,
        name: &'static str,
        answer_within: Duration,
    ) -> Result<Transaction<'_>, Error> {
        // Marked before the statement is sent: a future dropped half-way leaves the mark behind.
        sqlx::raw_sql(statement)
            .execute(self.connection_for(name)?)
            .await
            .map_err(Error::during("begin a transaction"))?;
        // What follows may take as long as the transaction's own settings allow.
        self.connection.set_limit(answer_within);
        let began = Instant::now();
        let (locked_at, marked, hints) = (None, Vec::new(), Hints::default());
        Ok(Transaction { database: self, began, locked_at, marked, hints })
    }

    /// The master keys of this process.
    pub(crate) fn keys(&self) -> KeyRing {
        self.keys.clone()
    }

    /// Closes the connection in an orderly way.
    ///
    /// # Errors
    /// When the server did not take the farewell; the connection is gone all the same.
    pub async fn close(self) -> Result<(), Error> {
        self.connection.close(GREETING_WITHIN).await.map_err(Error::during("close the connection"))
    }

    /// The connection, for a statement that is a transaction of its own.
    pub(crate) fn connection(&mut self) -> Result<&mut Line, Error> {
        match self.open {
            None => Ok(&mut self.connection),
            Some(transaction) => Err(Error::Abandoned { transaction }),
        }
    }

    fn connection_for(&mut self, transaction: &'static str) -> Result<&mut Line, Error> {
        self.connection()?;
        self.open = Some(transaction);
        Ok(&mut self.connection)
    }
}

/// Longest that a server may take to greet, or to say that it lives.
pub(crate) const GREETING_WITHIN: Duration = Duration::from_secs(10);
/// Longest that one statement may take that reads whole tables; the server ends it after ten
/// minutes.
const WIDE_ANSWER_WITHIN: Duration = Duration::from_mins(11);

/// Opens a connection.
pub(crate) async fn open(options: &PgConnectOptions) -> Result<PgConnection, Error> {
    let step = "connect to the database";
    let address = || format!("{}:{}", options.get_host(), options.get_port());
    let connect = async {
        let connection = PgConnection::connect_with(options).await;
        connection.map_err(|source| Error::connecting(address(), source))
    };
    answered(step, GREETING_WITHIN, connect).await
}

/// The driver itself waits for an answer as long as the system keeps the connection.
pub(crate) async fn answered<T, E: From<Error>>(
    step: &'static str,
    within: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match tokio::time::timeout(within, work).await {
        Ok(done) => done,
        Err(_elapsed) => Err(Error::NoAnswer { step, within }.into()),
    }
}

/// What is worth telling listeners once the transaction is committed.
#[derive(Clone, Copy, Debug, Default)]
struct Hints {
    outbox: bool,
    timers: bool,
}

/// An open transaction; ends with [`commit`](Self::commit) or [`rollback`](Self::rollback).
///
/// One that is dropped instead, by a panic or a cancelled future, spoils its [`Database`]: the
/// connection refuses every further use, because its locks and rows are still in the air. Drop
/// that too and connect anew; the server then rolls back.
#[derive(Debug)]
pub struct Transaction<'c> {
    database: &'c mut Database,
    began: Instant,
    locked_at: Option<Timestamp>,
    marked: Vec<String>,
    hints: Hints,
}

impl Transaction<'_> {
    /// Takes a step and ends: committed if it succeeds, else rolled back.
    async fn finish<T, E: From<Error>>(
        mut self,
        step: impl AsyncFnOnce(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        match step(&mut self).await {
            Ok(done) => {
                self.commit().await?;
                Ok(done)
            }
            Err(error) => {
                self.rollback().await?;
                Err(error)
            }
        }
    }

    /// The master keys of this process.
    pub(crate) fn keys(&self) -> KeyRing {
        self.database.keys()
    }

    /// Makes everything written durable, then wakes whoever listens for it.
    ///
    /// # Errors
    /// When the outcome is failure or unknown; the connection is spoilt if it is unknown.
    pub async fn commit(mut self) -> Result<(), Error> {
        self.end("COMMIT", "commit a transaction").await?;
        self.send_hints().await;
        Ok(())
    }

    /// Undoes everything written.
    ///
    /// # Errors
    /// When the connection is lost; the server then undoes it by itself.
    pub async fn rollback(mut self) -> Result<(), Error> {
        self.end("ROLLBACK", "roll a transaction back").await
    }

    async fn end(&mut self, statement: &'static str, step: &'static str) -> Result<(), Error> {
        let ended = sqlx::raw_sql(statement).execute(&mut self.database.connection).await;
        ended.map_err(Error::during(step))?;
        let name = self.database.open.take();
        self.database.connection.set_limit(self.database.statement_answer);
        let seconds = self.began.elapsed().as_secs_f64();
        tracing::trace!(transaction = name, statement, seconds, "transaction ended");
        Ok(())
    }

    /// Notifies in a transaction of its own: a notifying transaction holds a lock of the whole
    /// server until its commit is on disk, so all lanes would wait for each other's disk writes.
    async fn send_hints(&mut self) {
        let statement = match (self.hints.outbox, self.hints.timers) {
            (false, false) => return,
            (true, false) => Channel::OUTBOX_HINT,
            (false, true) => Channel::TIMERS_HINT,
            (true, true) => Channel::BOTH_HINTS,
        };
        // Listeners poll as well, so a hint that is lost costs time only; a connection that is
        // lost shows at its next use.
        if let Err(error) = sqlx::raw_sql(statement).execute(&mut self.database.connection).await {
            tracing::debug!(%error, "failed to wake listeners");
        }
    }

    /// The connection, for statements of this transaction.
    pub(crate) fn connection(&mut self) -> &mut Line {
        &mut self.database.connection
    }

    /// Wakes the relay after the commit.
    pub(crate) fn hint_outbox(&mut self) {
        self.hints.outbox = true;
    }

    /// Wakes the scheduler after the commit.
    pub(crate) fn hint_timers(&mut self) {
        self.hints.timers = true;
    }

    /// Remembers the database's clock after the locks were taken.
    pub(crate) fn set_locked_at(&mut self, now: Timestamp) {
        self.locked_at = Some(now);
    }

    /// Remembers customers who have a mark: what they pay is noted there.
    pub(crate) fn remember_marked(&mut self, customers: Vec<String>) {
        self.marked.extend(customers);
    }

    /// The customers found so far who have a mark.
    pub(crate) fn marked(&self) -> &[String] {
        &self.marked
    }

    /// The database's clock after the locks were taken, if any were.
    pub(crate) fn locked_at(&self) -> Option<Timestamp> {
        self.locked_at
    }
}
