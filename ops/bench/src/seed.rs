//! Rows as they would be after a long time, written by the database itself.

mod lives;

use anyhow::Result;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::progress::Progress;

/// Orders written by one statement.
const CHUNK: i64 = 100_000;

/// Ids that no event of a mix has: the fields of a test's id, with a kind of its own.
const ID: &str = "(lpad(to_hex(n), 8, '0') || '000970008000000000000000')::uuid";
/// The source of events that are there already.
pub(crate) const SOURCE: &str = "/seed";

/// Runs a statement over numbers from `from` to `to`, both included; `{ID}` stands for the order.
async fn fill(database: &mut PgConnection, sql: &str, from: i64, to: i64) -> Result<()> {
    let numbers = format!("generate_series({from}, {to}) AS numbers (n)");
    let sql = sql.replace("{ID}", ID).replace("{NUMBERS}", &numbers).replace("{SOURCE}", SOURCE);
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(database).await?;
    Ok(())
}

async fn in_chunks(
    database: &mut PgConnection,
    what: &str,
    statements: &[&str],
    count: i64,
) -> Result<()> {
    let progress = Progress::begin(what, usize::try_from(count)?);
    let mut from = 1;
    while from <= count {
        let to = (from + CHUNK - 1).min(count);
        for sql in statements {
            fill(database, sql, from, to).await?;
        }
        progress.set(usize::try_from(to)?);
        from = to + 1;
    }
    Ok(())
}

/// Makes the planner know the tables, and leaves no writing of them for later.
pub(crate) async fn analyze(database: &mut PgConnection) -> Result<()> {
    let progress = Progress::begin("Analysing the tables", 1);
    // Vacuumed as well: what autovacuum would do while the run is measured.
    sqlx::raw_sql("VACUUM ANALYZE").execute(&mut *database).await?;
    sqlx::raw_sql("CHECKPOINT").execute(database).await?;
    progress.set(1);
    Ok(())
}

const PENDING_ORDERS: &str = "
    INSERT INTO orders (
        id, merchant_id, customer_ref, currency, placed_at, total_minor, revision, expires_at,
        method, reservation_id, status, amount_changed, history_len, ledger_len, version,
        policy_version
    )
    SELECT {ID}, 'm-1', 'c-' || n / {ORDERS_EACH}, 'EUR', now() - interval '1 hour', 10000, 1,
        {DUE}, 'card', 'r-' || n, 'pending_payment', false, 1, 0, 1, 'defaults-1'
    FROM {NUMBERS}";

const BEGINNINGS: &str = "
    INSERT INTO history (
        order_id, seq, inbox_id, entity, entity_id, from_status, to_status, recorded_at
    )
    SELECT {ID}, 1, n, 'order', {ID}, 'none', 'pending_payment', now() - interval '1 hour'
    FROM {NUMBERS}";

const TIMEOUTS: &str = "
    INSERT INTO timers (order_id, kind, owner_id, generation, due_at, status)
    SELECT orders.id, 'payment_timeout', orders.id, 1, orders.expires_at, 'armed'
    FROM {NUMBERS} INNER JOIN orders ON orders.id = {ID}";

/// Orders that wait for their money for hours or weeks.
pub(crate) async fn resting_timers(database: &mut PgConnection, count: i64) -> Result<()> {
    let due = "now() + interval '2 hours' + random() * interval '30 days'";
    let orders = pending_orders(due, 4);
    in_chunks(database, "Writing resting timers", &[&orders, BEGINNINGS, TIMEOUTS], count).await
}

/// Orders whose windows end soon.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DueOrders {
    /// The number before the first one's.
    pub(crate) after: i64,
    /// How many.
    pub(crate) count: i64,
    /// When the first one is due, in seconds from now.
    pub(crate) first_in_s: i64,
    /// How many fall due in a second.
    pub(crate) per_second: i64,
    /// How many of them each customer has.
    pub(crate) orders_each: i64,
}

impl DueOrders {
    /// Writes them, with their timers.
    pub(crate) async fn write(&self, database: &mut PgConnection) -> Result<()> {
        let Self { after, count, first_in_s, per_second, orders_each } = self;
        let first = after + 1;
        let due = format!(
            "now() + make_interval(secs => {first_in_s} + (n - {first})::float8 / {per_second})"
        );
        let orders = pending_orders(&due, *orders_each);
        for sql in [orders.as_str(), BEGINNINGS, TIMEOUTS] {
            fill(database, sql, first, after + count).await?;
        }
        Ok(())
    }

    /// How many of them have expired.
    pub(crate) async fn expired(&self, database: &mut PgConnection) -> Result<usize> {
        let sql = self.of_expired("count(*)");
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(database).await?;
        Ok(usize::try_from(count)?)
    }

    /// Microseconds from the end of each one's window to the commit of its expiry.
    pub(crate) async fn lateness(&self, database: &mut PgConnection) -> Result<Vec<i64>> {
        let sql = self.of_expired(
            "(extract(epoch FROM pg_xact_commit_timestamp(xmin) - expires_at) * 1e6)::bigint",
        );
        Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(database).await?)
    }

    fn of_expired(&self, what: &str) -> String {
        let id = |n: i64| ID.replace("to_hex(n)", &format!("to_hex({n})"));
        let (first, last) = (id(self.after + 1), id(self.after + self.count));
        format!(
            "/* bench */ SELECT {what} FROM orders
            WHERE status = 'expired' AND id BETWEEN {first} AND {last}"
        )
    }
}

fn pending_orders(due: &str, orders_each: i64) -> String {
    PENDING_ORDERS.replace("{DUE}", due).replace("{ORDERS_EACH}", &orders_each.to_string())
}

/// Announcements that wait to be published, four of each order.
pub(crate) async fn outbox(database: &mut PgConnection, count: i64) -> Result<()> {
    let sql = "
        INSERT INTO outbox (
            order_id, message_id, exchange, must_route, routing_key, type_name, content_type, body
        )
        SELECT
            (lpad(to_hex(n / 4), 8, '0') || '000970008000000000000000')::uuid,
            gen_random_uuid()::text, 'events', false, 'order.paid', 'com.orderflow.order.paid.v1',
            'application/cloudevents+json',
            convert_to(json_build_object('data', repeat('x', 500))::text, 'UTF8')
        FROM {NUMBERS}";
    in_chunks(database, "Filling the outbox", &[sql], count).await?;
    analyze(database).await
}

/// How many messages wait to be published.
pub(crate) async fn unsent(database: &mut PgConnection) -> Result<usize> {
    let sql = "/* bench */ SELECT count(*) FROM outbox WHERE sent_at IS NULL";
    let count: i64 = sqlx::query_scalar(sql).fetch_one(database).await?;
    Ok(usize::try_from(count)?)
}

/// Orders placed and paid, with every row that belongs to them; returns the rows of the inbox.
pub(crate) async fn finished_orders(database: &mut PgConnection, count: i64) -> Result<usize> {
    in_chunks(database, "Writing finished orders", &FINISHED, count).await?;
    let next = "SELECT setval(pg_get_serial_sequence('inbox', 'inbox_id'), max(inbox_id) + 1000)
        FROM inbox";
    sqlx::raw_sql(next).execute(database).await?;
    Ok(usize::try_from(2 * count)?)
}

/// Orders of every kind of life, for a check of the invariants.
pub(crate) async fn lived_orders(database: &mut PgConnection, count: i64) -> Result<()> {
    let statements = lives::statements();
    let statements = statements.iter().map(String::as_str).chain([lives::BESIDE]);
    let statements: Vec<&str> = statements.collect();
    in_chunks(database, "Writing orders of every kind", &statements, count).await
}

/// Bytes that sorts and hashes have written to disk so far.
pub(crate) async fn temporary_bytes(database: &mut PgConnection) -> Result<i64> {
    let sql = "/* bench */ SELECT temp_bytes FROM pg_stat_database
        WHERE datname = current_database()";
    Ok(sqlx::query_scalar(sql).fetch_one(database).await?)
}

const FINISHED: [&str; 8] = [
    "INSERT INTO inbox (
        inbox_id, source, event_id, kind, digest, occurred_at, received_at, order_id
    )
    OVERRIDING SYSTEM VALUE
    SELECT 2 * n + part, '{SOURCE}', gen_random_uuid()::text,
        (ARRAY['order.created', 'payment.attempted']::event_kind[])[part + 1],
        sha256(convert_to(n || '/' || part, 'UTF8')), now() - interval '1 year',
        now() - interval '1 year', {ID}
    FROM {NUMBERS} CROSS JOIN generate_series(0, 1) AS parts (part)",
    "INSERT INTO orders (
        id, merchant_id, customer_ref, currency, placed_at, total_minor, revision, expires_at,
        method, reservation_id, status, amount_changed, paid_at, history_len, ledger_len, version,
        policy_version
    )
    SELECT {ID}, 'm-1', 's-' || n / 4, 'EUR', now() - interval '1 year', 10000, 1,
        now() - interval '364 days', 'card', 'r-' || n, 'paid', false,
        now() - interval '1 year', 3, 1, 2, 'defaults-1'
    FROM {NUMBERS}",
    "INSERT INTO payment_attempts (
        order_id, id, provider, provider_ref, status, currency, amount_minor, authorized_minor,
        occurred_at, last_event_at
    )
    SELECT {ID}, {ID}, 'acme', 'seed-' || n, 'captured', 'EUR', 10000, 10000,
        now() - interval '1 year', now() - interval '1 year'
    FROM {NUMBERS}",
    "INSERT INTO captures (
        order_id, attempt_id, capture_ref, currency, amount_minor, occurred_at, applied_minor,
        classification
    )
    SELECT {ID}, {ID}, 'seed-' || n, 'EUR', 10000, now() - interval '1 year', 10000, 'normal'
    FROM {NUMBERS}",
    "INSERT INTO history (
        order_id, seq, inbox_id, entity, entity_id, from_status, to_status, recorded_at
    )
    SELECT {ID}, seq, 2 * n + (seq > 1)::integer, entity::history_entity, {ID}, before, after,
        now() - interval '1 year'
    FROM {NUMBERS}
    CROSS JOIN (
        VALUES
            (1, 'order', 'none', 'pending_payment'), (2, 'payment', 'none', 'captured'),
            (3, 'order', 'pending_payment', 'paid')
    ) AS steps (seq, entity, before, after)",
    "INSERT INTO transfers (
        subject_id, seq, journal, inbox_id, code, debit, credit, currency, amount_minor,
        reference, recorded_at
    )
    SELECT {ID}, 1, 1, 2 * n + 1, 'capture', 'psp_receivable', 'customer_funds', 'EUR', 10000,
        'seed-' || n, now() - interval '1 year'
    FROM {NUMBERS}",
    "INSERT INTO timers (order_id, kind, owner_id, generation, due_at, status, resolved_at)
    SELECT {ID}, kind::timer_kind, {ID}, 1, now() - interval '364 days', 'cancelled',
        now() - interval '1 year'
    FROM {NUMBERS}
    CROSS JOIN (VALUES ('payment_timeout'), ('payment_reminder')) AS kinds (kind)",
    "INSERT INTO outbox (
        order_id, message_id, exchange, must_route, routing_key, type_name, content_type, body,
        sent_at
    )
    SELECT {ID}, gen_random_uuid()::text, 'events', false, 'order.paid',
        'com.orderflow.order.paid.v1', 'application/cloudevents+json',
        convert_to(json_build_object('data', repeat('x', 400))::text, 'UTF8'), now()
    FROM {NUMBERS}",
];
