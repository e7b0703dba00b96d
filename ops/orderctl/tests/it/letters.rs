//! Dead letters for tests: what the parker would have written.

use testkit::TestDatabase;

use crate::program::{Program, orderctl};

/// The queue of the letters.
pub(crate) const QUEUE: &str = "orderflow.refund-requested";

/// A command on the database, as somebody whom the audit knows.
pub(crate) fn run<const N: usize>(database: &TestDatabase, args: [&str; N]) -> Program {
    orderctl(args).database(database).env("ORDERFLOW_ACTOR", "ops-7").env("COLUMNS", "140")
}

/// Parks so many letters of one code, all failed at noon on 1 March, with the next free ids.
pub(crate) async fn park(database: &TestDatabase, code: &str, count: u32) {
    let body = concat!(
        r#"{"specversion":"1.0","id":"e-'||n||'","source":"/shop","#,
        r#""type":"shop.refund.requested.v1","data":{"request_key":"r-'||n||'","#,
        r#""order_id":"00000007-0001-7000-8000-000000000000","reason_code":"defective","#,
        r#""requested_by":"ops","requested_at":"2026-03-01T11:00:00Z","#,
        r#""amount":{"amount_minor":"58.5","currency":"EUR"},"email":"ann@example.com"}}"#,
    );
    let properties = r#"{"message_id": "m-1", "content_type": "application/cloudevents+json"}"#;
    let headers = concat!(
        r#"{"x-big": {"type": "i64", "value": 9007199254740993},"#,
        r#""secret": {"type": "text", "value": "ann"}}"#,
    );
    database
        .run(&format!(
            "INSERT INTO failure_groups (
                 fingerprint, source_queue, event_type, error_class, error_code, detail_pattern,
                 first_build, first_seen_at, last_seen_at
             ) VALUES (
                 sha256('{code}'), '{QUEUE}', 'shop.refund.requested.v1', 'contract', '{code}',
                 'must be an integer', '1.0.0', '2026-03-01T12:00:00Z', '2026-03-01T12:00:00Z'
             ) ON CONFLICT DO NOTHING;
             WITH made AS (
                 INSERT INTO dead_letters (
                     source_queue, message_key, key_source, event_type, order_id, error_class,
                     error_code, error_detail, fingerprint, attempts, first_failed_at,
                     last_failed_at, worker_version, exchange, routing_key, properties, headers,
                     body, digest
                 )
                 SELECT
                     '{QUEUE}', '/shop {code}-' || n, 'ce', 'shop.refund.requested.v1',
                     '00000007-0001-7000-8000-000000000000', 'contract', '{code}',
                     'must be an integer', sha256('{code}'), 1, '2026-03-01T12:00:00Z',
                     '2026-03-01T12:00:00Z', '1.0.0', 'shop.events', 'refund.requested',
                     '{properties}', '{headers}',
                     convert_to(row.body, 'UTF8'), sha256(convert_to(row.body, 'UTF8'))
                 FROM generate_series(1, {count}) AS n
                 CROSS JOIN LATERAL (SELECT '{body}' AS body) AS row
                 ORDER BY n
                 RETURNING id
             )
             INSERT INTO dead_letter_attempts (
                 letter_id, failed_at, error_class, error_code, error_detail, attempts,
                 worker_version
             )
             SELECT
                 id, '2026-03-01T12:00:00Z', 'contract', '{code}', 'must be an integer', 1, '1.0.0'
             FROM made"
        ))
        .await;
}

/// A login with one of the roles; the address to connect with.
pub(crate) async fn login(database: &TestDatabase, role: &str) -> String {
    let name = format!("t_{}_{role}", std::process::id());
    database
        .run(&format!(
            "DO $$ BEGIN
                 PERFORM pg_advisory_xact_lock(hashtext('test logins'), 0);
                 IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') THEN
                     CREATE ROLE {name} LOGIN PASSWORD 'open' IN ROLE orderflow_{role};
                 END IF;
             END $$"
        ))
        .await;
    let (scheme, rest) = database.url().split_once("://").unwrap();
    let (_, host) = rest.split_once('@').unwrap();
    format!("{scheme}://{name}:open@{host}")
}
