//! What each worker's role may do in the database, tried statement by statement.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use testkit::TestDatabase;

/// Every role that a worker logs in as.
const ROLES: [&str; 8] = [
    "orderflow_order_created",
    "orderflow_payment_attempted",
    "orderflow_payment_timeout",
    "orderflow_refund_requested",
    "orderflow_dispute_opened",
    "orderflow_outbox_relay",
    "orderflow_timer_scheduler",
    "orderflow_dead_letter_parker",
];

/// All that the roles may do; whatever is not in here was tried and refused.
const ALLOWED: &str = include_str!("../../../../ops/postgres/roles.txt");

/// The columns a statement could set, by table; none of a view.
type Tables = BTreeMap<String, Vec<String>>;

async fn tables(url: &str) -> Tables {
    let mut owner = PgConnection::connect(url).await.unwrap();
    let sql = "SELECT relname::text AS name,
        CASE relkind WHEN 'v' THEN NULL ELSE attname::text END AS column_name FROM pg_class
        INNER JOIN pg_attribute ON attrelid = pg_class.oid
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')
        AND relname !~ '^outbox_[0-9]' AND attnum > 0 AND NOT attisdropped
        AND attgenerated = '' AND attidentity = ''
        ORDER BY 1, attnum";
    let mut tables = Tables::new();
    for row in sqlx::query(sql).fetch_all(&mut owner).await.unwrap() {
        let column: Option<String> = row.get("column_name");
        tables.entry(row.get("name")).or_default().extend(column);
    }
    tables
}

/// Whether the role may do it; what else may be wrong with the statement does not matter.
async fn may(connection: &mut PgConnection, statement: String) -> bool {
    let mut transaction = connection.begin().await.unwrap();
    let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *transaction).await;
    transaction.rollback().await.unwrap();
    let refusal = done.as_ref().err().and_then(sqlx::Error::as_database_error);
    refusal.is_none_or(|error| error.code().as_deref() != Some("42501"))
}

/// What a role may do with a table, in words.
async fn allowed(connection: &mut PgConnection, table: &str, columns: &[String]) -> String {
    let mut words = Vec::new();
    if may(connection, format!("SELECT FROM {table} LIMIT 0")).await {
        words.push("select".to_owned());
    }
    if columns.is_empty() {
        return words.concat();
    }
    for (word, statement) in [
        ("insert", format!("INSERT INTO {table} DEFAULT VALUES")),
        ("delete", format!("DELETE FROM {table}")),
        ("truncate", format!("TRUNCATE {table}")),
    ] {
        if may(connection, statement).await {
            words.push(word.to_owned());
        }
    }
    let mut updatable = Vec::new();
    for column in columns {
        if may(connection, format!("UPDATE {table} SET {column} = DEFAULT")).await {
            updatable.push(column.as_str());
        }
    }
    if updatable.len() == columns.len() {
        words.push("update".to_owned());
    } else if !updatable.is_empty() {
        words.push(format!("update ({})", updatable.join(", ")));
    }
    words.join(", ")
}

#[tokio::test]
async fn each_role_may_do_what_its_worker_needs_and_is_refused_everything_else() {
    let database = TestDatabase::migrated().await;
    let tables = tables(database.url()).await;
    let mut found = String::new();
    for role in ROLES {
        writeln!(found, "{role}").unwrap();
        let mut connection = PgConnection::connect(&database.url_as(role).await).await.unwrap();
        for (table, columns) in &tables {
            let words = allowed(&mut connection, table, columns).await;
            if !words.is_empty() {
                writeln!(found, "    {table}: {words}").unwrap();
            }
        }
    }
    assert_eq!(found, ALLOWED, "the roles may do something else:\n{found}");
}

#[tokio::test]
async fn no_role_may_change_the_schema_or_become_another() {
    let database = TestDatabase::migrated().await;
    for role in ROLES {
        let mut connection = PgConnection::connect(&database.url_as(role).await).await.unwrap();
        for statement in [
            "CREATE TABLE own (id int)",
            "ALTER TABLE orders ADD COLUMN own int",
            "DROP TABLE orders",
            "DROP VIEW violations",
            "CREATE FUNCTION own() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE ROLE other",
            "SET ROLE pg_read_all_data",
            "COPY orders TO PROGRAM 'true'",
            "SELECT pg_read_file('/etc/passwd')",
            "ALTER TABLE history DISABLE TRIGGER ALL",
        ] {
            let may = may(&mut connection, statement.to_owned()).await;
            assert!(!may, "{role} may {statement}");
        }
    }
}

#[tokio::test]
async fn partitions_are_made_by_the_scheduler_and_nobody_else() {
    let database = TestDatabase::migrated().await;
    let mut makers = BTreeSet::new();
    for role in ROLES {
        let mut connection = PgConnection::connect(&database.url_as(role).await).await.unwrap();
        if may(&mut connection, "SELECT ensure_outbox_partitions(7)".to_owned()).await {
            makers.insert(role);
        }
        assert!(!may(&mut connection, "SELECT drop_outbox_partitions(now())".to_owned()).await);
    }
    assert_eq!(makers, BTreeSet::from(["orderflow_timer_scheduler"]));
}
