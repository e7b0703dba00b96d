//! `orderctl dlq` and `orderctl replay`: planning, replaying, putting aside; `orderctl audit`.

use testkit::{TestBroker, TestDatabase};

use crate::letters::{login, park, run};
use crate::program::Program;

const WHY: [&str; 2] = ["--reason", "the workers were mended"];

async fn with_letters(count: u32) -> TestDatabase {
    let database = TestDatabase::migrated().await;
    park(&database, "invalid-amount", count).await;
    database
}

/// Replays letters and does not wait: no replayer runs.
fn replay(database: &TestDatabase, args: &[&str]) -> crate::program::Program {
    let program = run(database, ["dlq", "replay", WHY[0], WHY[1], "--yes", "--detach"]);
    args.iter().fold(program, Program::arg)
}

#[tokio::test]
async fn letters_are_put_aside_and_taken_back_with_who_and_why() {
    let database = with_letters(3).await;
    let archive =
        ["dlq", "archive", "1", "2", "--reason-code", "test-data", WHY[0], WHY[1], "--yes"];
    let ran = run(&database, archive).run().exits_with(0);
    assert_eq!(ran.stdout, "2 dead letters archived\n");
    let aside = ["dlq", "list", "status=archived", "--columns", "id,archived-code", "-o", "csv"];
    let aside = run(&database, aside).run().exits_with(0).stdout;
    assert_eq!(aside, "id,archived-code\r\n2,test-data\r\n1,test-data\r\n");
    run(&database, archive).run().fails(4, &["nothing matches", "orderctl dlq list"]);
    let restore = ["dlq", "restore", "--all", WHY[0], WHY[1], "--yes", "-o", "json"];
    let restored = run(&database, restore).run().exits_with(0).versioned_json();
    assert_eq!(restored["changed"], 2);
    let audit = run(&database, ["audit", "list", "--action", "dlq.", "-o", "csv"]);
    let audit = audit.run().exits_with(0).stdout;
    for (window, expected) in [("--until", false), ("--since", true)] {
        let year = "2020-01-01T00:00:00Z";
        let within = run(&database, ["audit", "list", window, year]).run().exits_with(0).stdout;
        assert_eq!(within.contains("dlq."), expected, "{window}");
    }
    for told in ["dlq.restore,filter:all,the workers were mended", "dlq.archive,"] {
        assert!(audit.contains(told), "{audit}");
    }
}

#[tokio::test]
async fn nothing_is_changed_without_consent_where_nobody_can_be_asked() {
    let database = with_letters(12).await;
    for deed in
        [&["dlq", "archive", "--all", "--reason-code", "other"][..], &["dlq", "replay", "--all"]]
    {
        let program = deed.iter().fold(run(&database, []), Program::arg);
        let program = program.arg(WHY[0]).arg(WHY[1]).input("12\n");
        program.run().fails(2, &["12 dead letters: nothing was changed", "--yes"]);
    }
    assert_eq!(database.number("SELECT count(*) FROM audit").await, 0);
}

#[tokio::test]
async fn a_plan_counts_checks_and_is_held_to() {
    let database = with_letters(12).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    let plan = || run(&database, ["dlq", "plan", "code=invalid-amount", "--out"]).arg(&file);
    let ran = plan().run().exits_with(0);
    for told in [
        "A replay would send 12 dead letters",
        "12       orderflow.refund-requested  not asked: ORDERFLOW_AMQP_URL is not set",
        "0 of 12 bodies that were checked keep the contract",
        "12 break invalid-type, such as 1",
    ] {
        assert!(ran.stdout.contains(told), "{told:?} is not in:\n{}", ran.stdout);
    }
    assert!(ran.stderr.contains("orderctl dlq replay --plan"), "{}", ran.stderr);

    // One more that matches, and the plan is not what it was.
    park(&database, "invalid-amount-too", 1).await;
    database.run("UPDATE dead_letters SET error_code = 'invalid-amount' WHERE id = 13").await;
    let by_plan = || replay(&database, &["--plan"]).arg(&file);
    let words = ["the plan is stale", "selected 12 dead letters", "orderctl dlq plan --filter"];
    by_plan().run().fails(5, &words);
    assert_eq!(database.number("SELECT count(*) FROM replay_batches").await, 0);

    plan().run().exits_with(0);
    let ran = by_plan().run().exits_with(0);
    assert!(ran.stderr.contains(" has 13 dead letters\n"), "{}", ran.stderr);
    assert!(ran.stderr.contains("orderctl replay watch "), "{}", ran.stderr);
    replay(&database, &["--plan", "/nowhere"]).run().fails(2, &["/nowhere", "orderctl dlq plan"]);
}

#[tokio::test]
async fn what_somebody_else_replays_is_left_to_them() {
    let database = with_letters(3).await;
    replay(&database, &["1", "2"]).run().exits_with(0);
    let ran = replay(&database, &["1", "2"]).run();
    ran.fails(5, &["held by another replay", "orderctl replay list --open"]);
    let ran = replay(&database, &["code=invalid-amount"]).run().exits_with(0);
    assert!(ran.stderr.contains(" has 1 dead letter\n"), "{}", ran.stderr);
    assert!(ran.stderr.contains("2 dead letters are part of another replay"), "{}", ran.stderr);
    let archive = ["dlq", "archive", "1", "--reason-code", "other", WHY[0], WHY[1], "--yes"];
    run(&database, archive).run().fails(5, &["held by a replay", "orderctl replay list"]);
}

#[tokio::test]
async fn what_was_replayed_too_often_stays_unless_it_is_forced() {
    let database = with_letters(2).await;
    database.run("UPDATE dead_letters SET replays = 3 WHERE id = 1").await;
    let ran = replay(&database, &["1"]).run();
    ran.fails(8, &["replayed 3 times", "--force", "orderctl dlq list"]);
    let plan = run(&database, ["dlq", "plan", "--all", "-o", "json"]).run().exits_with(0);
    let plan = plan.versioned_json();
    assert_eq!((&plan["selected"], &plan["guarded"]), (&1.into(), &1.into()));
    let ran = replay(&database, &["1", "--force"]).run().exits_with(0);
    assert!(ran.stderr.contains(" has 1 dead letter\n"), "{}", ran.stderr);
}

#[tokio::test]
async fn a_queue_that_is_gone_stops_a_replay_before_it_begins() {
    let (database, broker) = (with_letters(2).await, TestBroker::unique());
    let lost = || replay(&database, &["1"]).broker(&broker);
    lost().run().fails(3, &["no queue orderflow.refund-requested", "orderctl topology apply"]);
    let plan = run(&database, ["dlq", "plan", "1"]).broker(&broker).run().exits_with(0);
    assert!(plan.stdout.contains("MISSING: orderctl topology apply"), "{}", plan.stdout);
    assert_eq!(database.number("SELECT count(*) FROM replay_batches").await, 0);
}

#[tokio::test]
async fn a_replay_is_followed_paused_resumed_and_cancelled() {
    let database = with_letters(3).await;
    replay(&database, &["--all", "--rate", "0.5/s", "--stop-if-reparked", "10%/5"])
        .run()
        .exits_with(0);
    let list = run(&database, ["replay", "list", "--open", "-o", "json"]).run().versioned_json();
    assert_eq!((&list["count"], &list["replays"][0]["filter_text"]), (&1.into(), &"all".into()));
    let steer = |verb| run(&database, ["replay", verb, "1", WHY[0], WHY[1]]);
    let paused = steer("pause").run().exits_with(0).stdout;
    assert!(paused.contains("Replay 1: paused"), "{paused}");
    assert!(paused.contains("at 0.5/s, at most 50 in flight, 10 first, stops over 10% of 5"));
    steer("pause").run().fails(5, &["orderctl replay list"]);
    assert!(steer("resume").run().exits_with(0).stdout.contains("Replay 1: running"));
    let cancelled = steer("cancel").run().exits_with(0);
    assert!(cancelled.stderr.contains("3 dead letters parked again"), "{}", cancelled.stderr);
    run(&database, ["replay", "watch", "1"]).run().exits_with(3);
    run(&database, ["replay", "show", "9"]).run().fails(4, &["replay 9", "orderctl replay list"]);
}

#[tokio::test]
async fn a_replay_that_ended_is_told_by_its_exit_code() {
    let database = with_letters(2).await;
    replay(&database, &["--all"]).run().exits_with(0);
    let watch = || run(&database, ["replay", "watch", "1"]);
    database.run("UPDATE replay_batches SET state = 'stopped', stopped_because = 'reparked'").await;
    let stopped = watch().run().exits_with(8);
    assert!(stopped.stderr.contains("orderctl replay resume 1"), "{}", stopped.stderr);
    assert!(stopped.stderr.contains("orderctl dlq list batch=1"), "{}", stopped.stderr);
    database.run("UPDATE replay_batches SET stopped_because = 'target-gone'").await;
    let gone = watch().run().exits_with(8);
    assert!(gone.stderr.contains("declare its queue: orderctl topology apply"), "{}", gone.stderr);
    database
        .run(
            "UPDATE replay_batches SET state = 'done', stopped_because = NULL;
             UPDATE replay_items SET state = 'resolved';
             UPDATE dead_letters SET status = 'resolved'",
        )
        .await;
    watch().run().exits_with(0);
    database
        .run("UPDATE replay_items SET state = 'reparked', code = 'invalid-amount' WHERE id = 1")
        .await;
    let partial = watch().run().exits_with(3);
    assert!(partial.stderr.contains("1 of 2 did not succeed"), "{}", partial.stderr);
    assert!(partial.stdout.contains("reparked  1        invalid-amount"), "{}", partial.stdout);
}

#[tokio::test]
async fn the_audit_shows_what_was_changed_in_it() {
    let database = with_letters(2).await;
    let empty = run(&database, ["audit", "verify"]).run().exits_with(0).stdout;
    assert_eq!(empty, "whole: 0 rows\n");
    replay(&database, &["1"]).run().exits_with(0);
    replay(&database, &["2"]).run().exits_with(0);
    let whole = run(&database, ["audit", "verify", "-o", "json"]).run().versioned_json();
    assert_eq!((&whole["whole"], &whole["lines"]), (&true.into(), &2.into()));
    let end = format!("2:{}", whole["last_hash"].as_str().unwrap());
    let expect = || run(&database, ["audit", "verify", "--expect", &end]);
    expect().run().exits_with(0);
    let meddle = "ALTER TABLE audit DISABLE TRIGGER USER";
    database.run(&format!("{meddle}; DELETE FROM audit WHERE id = 2")).await;
    assert!(expect().run().exits_with(3).stdout.contains("the end was cut off"));
    database.run("UPDATE audit SET reason = 'another'").await;
    let broken = run(&database, ["audit", "verify"]).run().exits_with(3).stdout;
    assert!(broken.contains("BROKEN at row 1 of 1: it was changed"), "{broken}");
}

#[tokio::test]
async fn an_operator_may_do_what_operators_do() {
    let database = with_letters(2).await;
    let url = login(&database, "operator").await;
    let ran = replay(&database, &["1"]).env("ORDERFLOW_DATABASE_URL", &url).run().exits_with(0);
    assert!(ran.stderr.contains("replay 1 has 1 dead letter"), "{}", ran.stderr);
    let row = run(&database, ["audit", "list", "-o", "json"]).run().versioned_json();
    let row = &row["rows"][0];
    assert_eq!((&row["actor"], &row["role"]), (&"ops-7".into(), &"operator".into()));
    assert!(row["login"].as_str().unwrap().ends_with("_operator"), "{row}");
    let import = run(&database, ["dlq", "import", "-", WHY[0], WHY[1], "--yes"]);
    let export = ["dlq", "export", "2", "--reason", "to try"];
    let lines = run(&database, export).run().exits_with(0).stdout;
    let import = import.env("ORDERFLOW_DATABASE_URL", &url).input(lines);
    import.run().fails(7, &["role"]);
}
