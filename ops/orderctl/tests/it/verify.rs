//! `orderctl verify`.

use testkit::TestDatabase;

use crate::program::{Program, orderctl};
use crate::story::{make_story_timely, store_story};

fn verify(database: &TestDatabase) -> Program {
    orderctl(["verify"]).database(database)
}

#[tokio::test]
async fn where_all_invariants_hold_it_exits_with_0() {
    let database = TestDatabase::migrated().await;
    store_story(&database).await;
    make_story_timely(&database).await;
    let ran = verify(&database).run().exits_with(0);
    insta::assert_snapshot!("clean", ran.stdout);
    assert_eq!(ran.stderr, "");
}

#[tokio::test]
async fn what_is_violated_is_named_with_its_keys_and_it_exits_with_3() {
    let database = TestDatabase::migrated().await;
    store_story(&database).await;
    database.run("UPDATE orders SET status = 'pending_payment', paid_at = NULL").await;
    let ran = verify(&database).run().exits_with(3);
    insta::assert_snapshot!("violated_of_100_columns", ran.stdout);
    assert!(ran.stderr.contains("orderctl order show"), "{}", ran.stderr);
    let narrow = verify(&database).env("COLUMNS", "60").run().exits_with(3);
    insta::assert_snapshot!("violated_of_60_columns", narrow.stdout);
}

#[tokio::test]
async fn programs_get_every_invariant_and_every_key() {
    let database = TestDatabase::migrated().await;
    store_story(&database).await;
    make_story_timely(&database).await;
    database.run("UPDATE payment_attempts SET status = 'review' WHERE status = 'captured'").await;
    let report = verify(&database).arg("-o").arg("json").run().exits_with(3).versioned_json();
    assert_eq!(report["violations"], 2);
    let violated: Vec<_> = report["invariants"].as_array().unwrap().iter().collect();
    let violated: Vec<_> =
        violated.into_iter().filter(|it| it["violated_by"] != serde_json::json!([])).collect();
    assert_eq!(violated.len(), 1);
    assert_eq!(violated[0]["number"], "I08");
    assert_eq!(violated[0]["violated_by"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn only_what_is_asked_for_is_looked_for() {
    let database = TestDatabase::migrated().await;
    store_story(&database).await;
    database.run("UPDATE orders SET status = 'pending_payment', paid_at = NULL").await;
    let ran = verify(&database).arg("--only").arg("I05,I09").run().exits_with(3);
    assert!(ran.stdout.ends_with("\n2 invariants checked: 1 violation\n"), "{}", ran.stdout);
    verify(&database).arg("--only").arg("I09").run().exits_with(0);
    let ran = verify(&database).arg("--only").arg("I99").run().exits_with(2);
    assert!(ran.stderr.contains("must be one of I01, I02"), "{}", ran.stderr);
}

#[tokio::test]
async fn an_invariant_that_takes_too_long_hides_no_other() {
    let database = TestDatabase::migrated().await;
    store_story(&database).await;
    make_story_timely(&database).await;
    database
        .run(
            "CREATE FUNCTION slow() RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
             $$ BEGIN PERFORM pg_sleep(60); RETURN false; END $$;
             CREATE OR REPLACE VIEW stranded_events AS
             SELECT source, event_id, park_key, parked_at FROM parked_events WHERE slow()",
        )
        .await;
    let ran = verify(&database).arg("--limit").arg("5s").arg("-o").arg("json").run();
    let report = ran.exits_with(1).versioned_json();
    assert_eq!((report["unchecked"].as_u64(), report["violations"].as_u64()), (Some(1), Some(0)));
    let invariants = report["invariants"].as_array().unwrap();
    let unchecked: Vec<_> = invariants.iter().filter(|it| it["checked"] == false).collect();
    assert_eq!(unchecked.len(), 1);
    assert_eq!(unchecked[0]["number"], "I27");
    assert_eq!(invariants.last().unwrap()["checked"], true);
}

#[tokio::test]
async fn a_file_of_gauges_has_every_invariant_and_is_replaced_as_a_whole() {
    let database = TestDatabase::migrated().await;
    store_story(&database).await;
    make_story_timely(&database).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orderflow.prom");
    let gauges = || std::fs::read_to_string(&path).unwrap();
    let written = |code| {
        verify(&database).arg("--textfile").arg(&path).run().exits_with(code);
        gauges()
    };
    let clean = written(0);
    assert_eq!(clean.matches("orderflow_invariant_violations{").count(), 29);
    assert_eq!(clean.matches("orderflow_invariant_checked{").count(), 29);
    assert_eq!(clean.matches("orderflow_invariant_check_duration_seconds{").count(), 29);
    assert!(clean.contains("\norderflow_invariant_violations{invariant=\"I06\"} 0\n"), "{clean}");
    assert!(clean.contains("\norderflow_verify_last_run_timestamp_seconds 1"), "{clean}");

    database.run("UPDATE payment_attempts SET status = 'review' WHERE status = 'captured'").await;
    let violated = written(3);
    assert!(violated.contains("{invariant=\"I08\"} 2\n"), "{violated}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft stays behind");

    let nowhere = folder.path().join("missing/orderflow.prom");
    verify(&database)
        .arg("--textfile")
        .arg(nowhere)
        .run()
        .fails(1, &["failed to write", "check that the folder"]);
    let ran = verify(&database).arg("--textfile").arg("gauges.txt").run().exits_with(2);
    assert!(ran.stderr.contains("must end in .prom"), "{}", ran.stderr);
}

#[tokio::test]
async fn every_invariant_of_the_database_is_explained_and_no_other() {
    let database = TestDatabase::migrated().await;
    let report = verify(&database).arg("-o").arg("json").run().exits_with(0).versioned_json();
    let explained = report["invariants"].as_array().unwrap().iter();
    let explained: Vec<_> = explained.map(|it| it["number"].as_str().unwrap()).collect();
    let checked = database
        .texts(
            "SELECT DISTINCT found[1] FROM regexp_matches( \
             pg_get_viewdef('violations'::regclass), '''(I[0-9]{2}) ', 'g') AS found ORDER BY 1",
        )
        .await;
    assert_eq!(explained, checked);
}
