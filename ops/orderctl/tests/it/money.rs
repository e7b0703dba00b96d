//! `orderctl money`.

use testkit::TestDatabase;

use crate::program::{Program, orderctl};

const ORPHAN: &str = "0000000a-0006-7000-8000-000000000000";

fn money<const N: usize>(database: &TestDatabase, args: [&str; N]) -> Program {
    let program = orderctl(["money"]).database(database).env("ORDERFLOW_ACTOR", "ops-7");
    args.into_iter().fold(program, Program::arg)
}

/// A database with EUR 25.00 whose order never came, looked at again on 2 March.
async fn with_orphan() -> TestDatabase {
    let database = TestDatabase::migrated().await;
    database
        .run(
            "INSERT INTO unapplied_money (
                 id, provider, capture_ref, claimed_order, attempt_id, provider_ref, currency,
                 amount_minor, cause, occurred_at, recorded_at, ledger_len
             ) VALUES (
                 '0000000a-0006-7000-8000-000000000000', 'acme', 'ch_7',
                 '00000009-0001-7000-8000-000000000000', '00000009-0002-7000-8000-000000000000',
                 'pay_7', 'EUR', 2500, 'orphan', '2026-03-01T12:05:00Z', '2026-03-01T12:36:00Z', 1
             );
             INSERT INTO timers (order_id, kind, owner_id, generation, due_at, status)
             SELECT claimed_order, 'unapplied_money_due', id, 1, '2026-03-02T12:36:00Z', 'armed'
             FROM unapplied_money",
        )
        .await;
    database
}

#[tokio::test]
async fn money_that_waits_is_listed_and_shown() {
    let database = with_orphan().await;
    let ran = money(&database, ["list"]).run().exits_with(0);
    let row = format!("{ORPHAN}  EUR 25.00  orphan  open, looked at again");
    assert!(ran.stdout.contains(&row), "{}", ran.stdout);
    assert!(ran.stdout.contains("2026-03-02T12:36:00Z"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("\n1 sum of money\n"), "{}", ran.stdout);
    let ran = money(&database, ["show", ORPHAN]).run().exits_with(0);
    assert!(ran.stdout.contains("EUR 25.00 of acme, capture ch_7"), "{}", ran.stdout);
    money(&database, ["show", "0000000b-0006-7000-8000-000000000000"])
        .run()
        .fails(4, &["failed to find money", "money list --all"]);
}

#[tokio::test]
async fn a_decision_is_recorded_with_who_and_why_and_the_money_is_looked_at_now() {
    let database = with_orphan().await;
    let why = "the provider confirmed it";
    let ran = money(&database, ["refund", ORPHAN, "--reason", why]).run().exits_with(0);
    assert!(ran.stdout.contains("ops-7 decided refund"), "{}", ran.stdout);
    assert!(ran.stdout.contains(why), "{}", ran.stdout);
    assert!(ran.stderr.contains("payment-attempted"), "{}", ran.stderr);
    let armed = database
        .texts(
            "SELECT generation || ' ' || status || ' ' || (due_at <= now()) FROM timers
             WHERE kind = 'unapplied_money_due'",
        )
        .await;
    assert_eq!(armed, ["2 armed true"]);

    // A person may think better of it until it is carried out.
    money(&database, ["write-off", ORPHAN, "--reason", "told twice"]).run().exits_with(0);
    let noted = database.texts("SELECT action || ' ' || object FROM audit ORDER BY id").await;
    let expected = ["money.refund", "money.write-off"].map(|it| format!("{it} money:{ORPHAN}"));
    assert_eq!(noted, expected);
    let shown = money(&database, ["show", ORPHAN, "-o", "json"]).run().versioned_json();
    assert_eq!((&shown["decision"], &shown["decided_by"]), (&"write_off".into(), &"ops-7".into()));
}

#[tokio::test]
async fn what_is_settled_is_not_decided_on_again() {
    let database = with_orphan().await;
    database.run("UPDATE unapplied_money SET resolved_at = now(), resolution = 'applied'").await;
    money(&database, ["refund", ORPHAN, "--reason", "why not"])
        .run()
        .fails(1, &["it is settled already: applied"]);
    let ran = money(&database, ["list"]).run().exits_with(0);
    assert_eq!(ran.stdout, "no money without an order waits for anybody\n");
    let all = money(&database, ["list", "--all", "-o", "json"]).run().versioned_json();
    assert_eq!(all["count"], 1);
}

#[test]
fn a_decision_has_somebody_who_makes_it_and_a_reason() {
    orderctl(["money", "refund", ORPHAN, "--reason", "why"]).run().exits_with(2);
    orderctl(["money", "refund", ORPHAN, "--actor", "ops-7"]).run().exits_with(2);
    orderctl(["money", "refund", ORPHAN, "--actor", "o p s", "--reason", "why"])
        .run()
        .exits_with(2);
    orderctl(["money", "write-off", ORPHAN, "--actor", "ops-7", "--reason", " "])
        .run()
        .exits_with(2);
}
