//! The connection under a [`Database`](crate::Database): it answers within a limit, or is given up.

use std::io;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{BoxStream, StreamExt as _};
use sqlx::postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{
    Connection as _, Describe, Either, Error, Execute, Executor, PgConnection, Postgres, SqlStr,
};
use tokio::time::{Instant, timeout, timeout_at};

/// A connection that no statement waits for without an end.
///
/// The driver waits for an answer as long as the system keeps the connection, which is for ever
/// when the line passes nothing and never ends. Here every statement has the same limit, whoever
/// sends it; a line that exceeded it is silent from then on and refuses every further use, because
/// a late answer would be taken for that to another question.
#[derive(Debug)]
pub(crate) struct Line {
    connection: PgConnection,
    limit: Duration,
    silent: bool,
}

impl Line {
    /// Each statement on the connection is answered within `limit`.
    pub(crate) fn new(connection: PgConnection, limit: Duration) -> Self {
        Self { connection, limit, silent: false }
    }

    /// Whether an answer did not come.
    pub(crate) fn is_silent(&self) -> bool {
        self.silent
    }

    /// Changes how long a statement may take from now on.
    pub(crate) fn set_limit(&mut self, limit: Duration) {
        self.limit = limit;
    }

    /// Says goodbye, if the other side listens.
    pub(crate) async fn close(self, within: Duration) -> Result<(), Error> {
        if self.silent {
            return Err(no_answer());
        }
        timeout(within, self.connection.close()).await.unwrap_or_else(|_late| Err(no_answer()))
    }

    /// Waits for an answer, and gives the line up when none comes.
    async fn answered<'c, T>(
        &'c mut self,
        ask: impl FnOnce(&'c mut PgConnection) -> BoxFuture<'c, Result<T, Error>>,
    ) -> Result<T, Error> {
        let Self { connection, limit, silent } = self;
        if *silent {
            return Err(no_answer());
        }
        match timeout(*limit, ask(connection)).await {
            Ok(answer) => answer,
            Err(_late) => {
                *silent = true;
                Err(no_answer())
            }
        }
    }
}

/// What the driver would say if it had a limit.
fn no_answer() -> Error {
    Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the database did not answer in time"))
}

impl<'c> Executor<'c> for &'c mut Line {
    type Database = Postgres;

    fn execute<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<PgQueryResult, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        self.answered(|connection| connection.execute(query)).boxed()
    }

    fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Vec<PgRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        self.answered(|connection| connection.fetch_all(query)).boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        self.answered(|connection| connection.fetch_optional(query)).boxed()
    }

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<PgQueryResult, PgRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let Line { connection, limit, silent } = self;
        let deadline = Instant::now() + if *silent { Duration::ZERO } else { *limit };
        let steps = (!*silent).then(|| connection.fetch_many(query));
        futures_util::stream::unfold((steps, silent), move |(steps, silent)| async move {
            let mut steps = steps?;
            match timeout_at(deadline, steps.next()).await {
                Ok(step) => step.map(|step| (step, (Some(steps), silent))),
                Err(_late) => {
                    *silent = true;
                    Some((Err(no_answer()), (None, silent)))
                }
            }
        })
        .boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement, Error>>
    where
        'c: 'e,
    {
        self.answered(|connection| connection.prepare_with(sql, parameters)).boxed()
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Postgres>, Error>>
    where
        'c: 'e,
    {
        self.answered(|connection| connection.describe(sql)).boxed()
    }
}
