//! Migrations go up, down and up, and hold the same vocabulary as the code.

use std::collections::BTreeSet;

use contracts::{Currency, EventKind};
use domain::Status;
use domain::customer::{RestrictionLevel, RiskRule};
use domain::dispute::DisputeStatus;
use domain::judgement::PolicyKind;
use domain::ledger::{Account, JournalCode};
use domain::order::{CloseReason, OrderStatus};
use domain::payment::{AttemptStatus, Classification};
use domain::refund::RefundStatus;
use domain::timer::{TimerKind, TimerStatus};
use domain::unapplied::{MoneyDecision, Resolution, UnappliedCause};
use sqlx::Row;
use store::{migrate, schema_version, undo_migrations};

use crate::home::{Home, Sql};

/// Everything of ours in the database, by kind and name.
async fn objects(sql: &mut Sql) -> Vec<String> {
    sql.texts(
        "SELECT 'relation ' || relname FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE '_sqlx_migrations%'
         UNION ALL
         SELECT 'type ' || typname FROM pg_type
         WHERE typnamespace = 'public'::regnamespace AND typname NOT LIKE '%_sqlx_migrations'
         UNION ALL
         SELECT 'function ' || proname FROM pg_proc
         WHERE pronamespace = 'public'::regnamespace
         ORDER BY 1",
    )
    .await
}

#[tokio::test]
async fn migrations_go_up_and_down_and_up_and_down_leaves_nothing() {
    let home = Home::empty().await;
    let mut sql = home.sql().await;
    assert_eq!(schema_version(&home.config()).await.unwrap().applied, 0);

    let up = migrate(&home.config()).await.unwrap();
    assert!(up.is_current() && up.applied > 0);
    let all = objects(&mut sql).await;
    assert!(all.iter().any(|name| name == "relation orders"), "{all:?}");

    let down = undo_migrations(&home.config(), 0).await.unwrap();
    assert!(down.applied == 0 && !down.is_current());
    assert_eq!(objects(&mut sql).await, Vec::<String>::new());

    assert!(migrate(&home.config()).await.unwrap().is_current());
    assert_eq!(objects(&mut sql).await, all);
}

#[tokio::test]
async fn migrating_twice_at_once_is_migrating_once() {
    let home = Home::empty().await;
    let config = home.config();
    let (one, other) = tokio::join!(migrate(&config), migrate(&config));
    assert_eq!(one.unwrap(), other.unwrap());
}

#[tokio::test]
async fn every_enum_of_the_database_has_the_names_of_its_type() {
    fn names<S: Status>() -> Vec<&'static str> {
        S::ALL.iter().map(|status| status.name()).collect()
    }
    let home = Home::new().await;
    let mut sql = home.sql().await;
    let expected = [
        ("currency_code", Currency::all().map(Currency::code).collect()),
        ("order_status", names::<OrderStatus>()),
        ("close_reason", names::<CloseReason>()),
        ("attempt_status", names::<AttemptStatus>()),
        ("capture_class", names::<Classification>()),
        ("refund_status", names::<RefundStatus>()),
        ("dispute_status", names::<DisputeStatus>()),
        ("timer_kind", names::<TimerKind>()),
        ("timer_status", names::<TimerStatus>()),
        ("account", names::<Account>()),
        ("journal_code", names::<JournalCode>()),
        ("unapplied_cause", names::<UnappliedCause>()),
        ("unapplied_resolution", names::<Resolution>()),
        ("unapplied_decision", names::<MoneyDecision>()),
        ("policy_kind", names::<PolicyKind>()),
        ("risk_rule", names::<RiskRule>()),
        ("restriction_level", names::<RestrictionLevel>()),
        ("event_kind", EventKind::ALL.iter().map(|kind| kind.name()).collect()),
    ];
    for (name, expected) in expected {
        let found = format!("SELECT unnest(enum_range(NULL::{name}))::text");
        let found: BTreeSet<String> = sql.texts(&found).await.into_iter().collect();
        let expected: BTreeSet<String> = expected.into_iter().map(str::to_owned).collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[tokio::test]
async fn the_allowed_transitions_are_the_legal_edges_of_the_state_machines() {
    let home = Home::new().await;
    let mut sql = home.sql().await;
    let rows = sqlx::query("SELECT entity::text, from_status, to_status FROM transitions_allowed");
    let rows = rows.fetch_all(&mut sql.0).await.unwrap();
    let found: BTreeSet<[String; 3]> =
        rows.iter().map(|row| [row.get(0), row.get(1), row.get(2)]).collect();
    let legal: BTreeSet<[String; 3]> = domain::history::legal_edges()
        .into_iter()
        .map(|(entity, from, to)| [entity, from, to].map(str::to_owned))
        .collect();
    let missing: Vec<_> = legal.difference(&found).collect();
    let surplus: Vec<_> = found.difference(&legal).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing {missing:?}, surplus {surplus:?}");
}

#[tokio::test]
async fn currencies_have_the_decimals_of_iso_4217() {
    let home = Home::new().await;
    let mut sql = home.sql().await;
    let rows = sqlx::query("SELECT code::text, exponent FROM currencies");
    let rows = rows.fetch_all(&mut sql.0).await.unwrap();
    assert_eq!(rows.len(), Currency::all().count());
    for row in rows {
        let currency: Currency = row.get::<String, _>(0).parse().unwrap();
        assert_eq!(row.get::<i16, _>(1), i16::from(currency.exponent()), "{currency}");
    }
}
