//! `orderctl dlq edit`: bodies changed by two people.

use testkit::TestDatabase;

use crate::letters::{login, park, run};

const PATCH: &str = r#"[{"op": "replace", "path": "/data/amount/amount_minor", "value": 5850},
    {"op": "replace", "path": "/data/requested_by", "value": {"type": "agent", "id": "ops"}},
    {"op": "remove", "path": "/data/email"}]"#;

#[tokio::test]
async fn a_body_is_changed_by_two_people_with_two_logins_once_that_is_allowed() {
    let database = TestDatabase::migrated().await;
    park(&database, "invalid-amount", 1).await;
    let why = ["--reason", "the shop sent decimals"];
    let propose = || {
        let program = run(&database, ["dlq", "edit", "propose", "1", "--patch", "-"]);
        program.arg(why[0]).arg(why[1]).input(PATCH)
    };
    propose().run().fails(8, &["orderctl dlq edit allow"]);
    run(&database, ["dlq", "edit", "allow", why[0], why[1]]).run().exits_with(0);
    let proposed = propose().run().exits_with(0);
    assert!(proposed.stdout.contains("/data/amount/amount_minor"), "{}", proposed.stdout);
    let decide = |verb| run(&database, ["dlq", "edit", verb, "1", why[0], why[1], "--yes"]);
    decide("approve").run().fails(8, &["somebody else"]);
    let other = login(&database, "editor").await;
    let other = |program: crate::program::Program| {
        program.env("ORDERFLOW_DATABASE_URL", &other).env("ORDERFLOW_ACTOR", "ops-8")
    };
    let list = run(&database, ["dlq", "edit", "list"]).run().exits_with(0).stdout;
    assert!(list.contains("waits for somebody else"), "{list}");
    other(run(&database, ["dlq", "edit", "show", "1"])).run().exits_with(0);
    let made = other(decide("approve")).run().exits_with(0);
    assert!(made.stdout.contains("is dead letter 2 now"), "{}", made.stdout);
    let shown = run(&database, ["dlq", "show", "2"]).run().exits_with(0).stdout;
    assert!(shown.contains("It was made of dead letter 1 by an edit."), "{shown}");
    assert!(shown.contains("\"amount_minor\": 5850"), "{shown}");
}
