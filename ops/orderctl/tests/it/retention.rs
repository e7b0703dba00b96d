//! `orderctl retention`.

use testkit::TestDatabase;

use crate::program::{Program, orderctl};
use crate::story::store_story;

fn retention(database: &TestDatabase) -> Program {
    orderctl(["retention", "run"]).database(database)
}

#[tokio::test]
async fn a_dry_run_shows_what_the_next_run_lets_go() {
    let database = TestDatabase::migrated().await;
    store_story(&database).await;
    database
        .run(
            "UPDATE inbox SET received_at = now() - INTERVAL '401 days'; \
             UPDATE outbox SET sent_at = now()",
        )
        .await;
    let dry = retention(&database).arg("--dry-run");
    let dry = dry.arg("-o").arg("json").run().exits_with(0).versioned_json();
    assert_eq!(dry["dry_run"], true);
    let events = &dry["shares"][1];
    assert_eq!((&events["kind"], &events["kept"]), (&"accepted_events".into(), &1.into()));
    assert_eq!(database.number("SELECT count(*) FROM inbox").await, 6);

    let ran = retention(&database).run().exits_with(0);
    assert!(ran.stdout.contains(" accepted events           5 "), "{}", ran.stdout);
    assert_eq!(database.number("SELECT count(*) FROM inbox").await, 1);
}

#[tokio::test]
async fn periods_that_are_too_short_are_refused() {
    let database = TestDatabase::migrated().await;
    let short = retention(&database).arg("--inbox").arg("30d").run().exits_with(2);
    assert!(short.stderr.contains("at least 400d"), "{}", short.stderr);
    let variable = retention(&database).env("ORDERFLOW_RETENTION_OUTBOX", "soon").run();
    assert!(variable.exits_with(2).stderr.contains("at least 1d"));
}
