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
