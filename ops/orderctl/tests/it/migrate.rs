//! `orderctl migrate`.

use testkit::TestDatabase;

use crate::program::orderctl;

#[tokio::test]
async fn an_empty_database_is_brought_up_to_date_once() {
    let database = TestDatabase::empty().await;
    let status = || orderctl(["migrate", "status", "-o", "json"]).database(&database).run();
    let before = status().exits_with(3).versioned_json();
    assert_eq!((before["version"].as_i64(), &before["current"]), (Some(0), &false.into()));

    let up = || orderctl(["migrate", "up"]).database(&database).run().exits_with(0).stdout;
    assert!(up().contains("migrations applied"));
    assert!(up().contains("nothing to apply"));
    let after = status().exits_with(0).versioned_json();
    assert_eq!(after["version"], after["known"]);
}

#[tokio::test]
async fn a_database_without_the_schema_is_told_from_one_that_is_down() {
    let database = TestDatabase::empty().await;
    let ran = orderctl(["verify"]).database(&database).run();
    let ran = ran.fails(1, &["failed to check the invariants", "orderctl migrate status"]);
    assert_eq!(ran.stderr.matches("does not exist").count(), 1, "{}", ran.stderr);
}
