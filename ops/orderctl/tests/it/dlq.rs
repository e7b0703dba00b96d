//! `orderctl dlq`: finding and understanding.

use testkit::TestDatabase;

use crate::letters::{QUEUE, login, park, run};
use crate::program::{Program, orderctl};

async fn with_letters() -> TestDatabase {
    let database = TestDatabase::migrated().await;
    park(&database, "invalid-amount", 12).await;
    park(&database, "invalid-time", 1).await;
    database
}

#[tokio::test]
async fn what_is_broken_is_counted_by_queue_and_by_group() {
    let database = with_letters().await;
    let ran = run(&database, ["dlq", "stats"]).run().exits_with(0);
    assert!(ran.stdout.contains("invalid-amount  12"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("13 parked, 0 being replayed\n"), "{}", ran.stdout);
    let ran = run(&database, ["dlq", "groups"]).run().exits_with(0);
    assert!(ran.stdout.ends_with("13 dead letters in 2 groups\n"), "{}", ran.stdout);
    let groups = run(&database, ["dlq", "groups", "-o", "json"]).run().versioned_json();
    assert_eq!((&groups["count"], &groups["groups"][0]["matching"]), (&2.into(), &12.into()));
    assert_eq!(groups["groups"][0]["first_build"], "1.0.0");
}

#[tokio::test]
async fn one_filter_selects_for_every_command() {
    let database = with_letters().await;
    for (filter, count) in [
        ("code=invalid-time", 1),
        ("code=invalid-*", 13),
        ("code!=invalid-time", 12),
        ("code!=invalid-time queue!=elsewhere", 12),
        ("code=invalid-amount queue=orderflow.refund-requested attempts<2", 12),
        ("age>1h replays=0 class=contract", 13),
        ("first-age<1h", 0),
        ("text~\"MUST BE\" text!~time", 12),
        ("status=archived", 0),
        ("type=*.refund.* and order=00000007-*", 13),
        ("2 3 99", 2),
    ] {
        let list = run(&database, ["dlq", "list", "-o", "json"]).arg(filter);
        let document = list.run().exits_with(0).versioned_json();
        assert_eq!(document["count"], count, "{filter}");
        let groups = run(&database, ["dlq", "groups", "-o", "json", "--filter"]).arg(filter);
        let groups = groups.run().exits_with(0).versioned_json();
        let matching = groups["groups"].as_array().unwrap().iter();
        let matching: i64 = matching.map(|it| it["matching"].as_i64().unwrap()).sum();
        assert_eq!(matching, count, "{filter}");
    }
}

#[tokio::test]
async fn lists_come_in_pages_and_in_every_form() {
    let database = with_letters().await;
    let page = run(&database, ["dlq", "list", "--limit", "5", "-o", "json"]);
    let first = page.run().exits_with(0).versioned_json();
    assert_eq!((&first["count"], &first["total"]), (&5.into(), &13.into()));
    let before = first["next_before"].to_string();
    let next = run(&database, ["dlq", "list", "--limit", "50", "-o", "json", "--before", &before]);
    let next = next.run().exits_with(0).versioned_json();
    assert_eq!((&next["count"], next.get("next_before")), (&8.into(), None));

    let columns = ["dlq", "list", "--columns", "id,code,detail", "-o", "csv"];
    let csv = run(&database, columns).run().exits_with(0).stdout;
    assert!(csv.starts_with("id,code,detail\r\n13,invalid-time,must be an integer\r\n"), "{csv}");
    assert_eq!(csv.lines().count(), 14);
    let lines = run(&database, ["dlq", "list", "-o", "ndjson"]).run().exits_with(0).stdout;
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 13);
    assert_eq!(lines[0]["source_queue"], QUEUE);
    let none = run(&database, ["dlq", "list", "code=none", "--fail-if-empty"]).run();
    assert!(none.exits_with(4).stdout.contains("no dead letter matches"));
    run(&database, ["dlq", "list", "--columns", "id,colour"])
        .run()
        .fails(2, &["column `colour`", "choose among id,status"]);
}

#[tokio::test]
async fn a_wide_list_has_every_column_and_one_that_does_not_fit_is_written_in_blocks() {
    let database = with_letters().await;
    let wide = |width| {
        let list = run(&database, ["dlq", "list", "13", "-o", "wide"]).env("COLUMNS", width);
        list.run().exits_with(0).stdout
    };
    let (table, blocks) = (wide("500"), wide("100"));
    let titles = table.lines().next().unwrap();
    for column in ["ID", "DETAIL", "ROUTING-KEY", "SEALED", "DIGEST"] {
        assert!(titles.contains(column), "{column} is not in {titles}");
        let block = blocks.lines().any(|line| line.starts_with(&format!(" {column} ")));
        assert!(block, "{column} has no line in:\n{blocks}");
    }
    assert_eq!(table.lines().count(), 2, "{table}");
    let groups = run(&database, ["dlq", "groups", "-o", "wide"]).run().exits_with(0).stdout;
    assert!(groups.contains("FIRST-BUILD") && groups.contains("REPLAYING"), "{groups}");
}

#[tokio::test]
async fn a_cell_with_commas_quotes_and_lines_is_one_cell() {
    let database = with_letters().await;
    let odd = "a, \"b\"\nc";
    database.run(&format!("UPDATE dead_letters SET error_detail = '{odd}' WHERE id = 13")).await;
    let csv = run(&database, ["dlq", "list", "13", "--columns", "detail,id", "-o", "csv"]);
    let csv = csv.run().exits_with(0).stdout;
    assert_eq!(csv, "detail,id\r\n\"a, \"\"b\"\"\nc\",13\r\n");
}

#[tokio::test]
async fn words_are_searched_for_wherever_a_letter_is_described() {
    let database = with_letters().await;
    let found = run(&database, ["dlq", "search", "invalid-time", "integer", "-o", "json"]);
    assert_eq!(found.run().exits_with(0).versioned_json()["count"], 1);
    let none = run(&database, ["dlq", "search", "nowhere", "--fail-if-empty"]);
    none.run().exits_with(4);
}

#[tokio::test]
async fn a_letter_is_explained_and_its_body_redacted() {
    let database = with_letters().await;
    let ran = run(&database, ["dlq", "show", "1"]).run().exits_with(0);
    for told in [
        "Dead letter 1: invalid-amount, parked",
        "gave up on shop.refund.requested.v1 of order",
        "it breaks the contract for publishers",
        "orderctl dlq archive 1 --reason-code publisher-fixed --reason TEXT",
        "Runbook: ops/runbooks/invalid-amount.md",
        "\"request_key\": \"r-1\"",
        "\"email\": \"[redacted: 15 characters]\"",
        "secret: [redacted]",
        "The contract now: invalid-type",
    ] {
        assert!(ran.stdout.contains(told), "{told:?} is not in:\n{}", ran.stdout);
    }
    assert!(!ran.stdout.contains("ann"), "{}", ran.stdout);
    let looked = "SELECT action || ' ' || object || ' ' || actor FROM audit";
    assert_eq!(database.texts(looked).await, ["dlq.show letter:1 ops-7"]);

    let why = "the shop asks which field it is";
    let unmask = run(&database, ["dlq", "show", "1", "--unmask", "--reason", why]).run();
    assert!(unmask.exits_with(0).stdout.contains("ann@example.com"));
    let noted = database.texts("SELECT action || ': ' || reason FROM audit ORDER BY id").await;
    assert_eq!(noted[1], format!("dlq.unmask: {why}"));
    run(&database, ["dlq", "show", "1", "--unmask"]).run().exits_with(2);
    run(&database, ["dlq", "show", "99"]).run().fails(4, &["dead letter 99", "orderctl dlq list"]);
}

#[tokio::test]
async fn whoever_may_only_read_sees_no_body_and_changes_nothing() {
    let database = with_letters().await;
    let url = login(&database, "reader").await;
    let reader = |program: crate::program::Program| program.env("ORDERFLOW_DATABASE_URL", &url);
    let list = reader(run(&database, ["dlq", "list", "-o", "json"])).run().exits_with(0);
    assert_eq!(list.versioned_json()["count"], 13);
    let shown = reader(run(&database, ["dlq", "show", "1"])).run().exits_with(0).stdout;
    assert!(shown.contains("this login lacks the role") && !shown.contains("r-1"), "{shown}");
    let archive = ["dlq", "archive", "1", "--reason-code", "other", "--reason", "no", "--yes"];
    reader(run(&database, archive)).run().fails(7, &["role"]);
    let replay = ["dlq", "replay", "1", "--reason", "no", "--yes", "--detach"];
    reader(run(&database, replay)).run().fails(7, &["role"]);
    let export = ["dlq", "export", "--reason", "no"];
    reader(run(&database, export)).run().fails(7, &["role"]);
    let parked = "SELECT count(*) FROM dead_letters WHERE status = 'parked'";
    assert_eq!(database.number(parked).await, 13);
}

#[tokio::test]
async fn letters_are_followed_as_things_happen_to_them() {
    let database = with_letters().await;
    database
        .run("UPDATE dead_letters SET status_changed_at = '2026-03-01T12:00:00Z' WHERE id > 2")
        .await;
    let tail = ["dlq", "tail", "--since", "1h", "--count", "2", "-o", "ndjson"];
    let lines = run(&database, tail).run().exits_with(0).stdout;
    assert_eq!(lines.lines().count(), 2, "{lines}");
    let none = ["dlq", "tail", "code=none", "--since", "1h", "--for", "1ms"];
    assert_eq!(run(&database, none).run().exits_with(0).stdout, "");
}

#[tokio::test]
async fn a_group_carries_what_was_found_out_about_it() {
    let database = with_letters().await;
    let groups = run(&database, ["dlq", "groups", "-o", "json"]).run().versioned_json();
    let group = groups["groups"][0]["fingerprint"].as_str().unwrap().to_owned();
    let note = run(&database, ["dlq", "note", &group[..12], "the shop sends decimals"]);
    assert!(note.run().exits_with(0).stdout.contains("ops-7:\n  the shop sends decimals"));
    let groups = run(&database, ["dlq", "groups"]).run().exits_with(0).stdout;
    assert!(groups.contains("must be an integer (1 note)"), "{groups}");
    run(&database, ["dlq", "note", "ffffffff", "x"]).run().fails(4, &["orderctl dlq groups"]);
}

#[test]
fn a_filter_with_a_mistake_is_told_with_the_next_command() {
    for (filter, words) in [
        ("qeue=x", ["did you mean `queue`?", "write `queue=..`; all keys: `orderctl dlq list"]),
        ("refund", ["`refund` is no term", "orderctl dlq search refund"]),
        ("status=open", ["parked, claimed", "orderctl dlq list --help"]),
        ("code=a or code=b", ["joined by `and` only", "orderctl dlq list --help"]),
    ] {
        orderctl(["dlq", "list", filter]).run().fails(2, &words);
    }
}

#[test]
fn an_empty_filter_changes_nothing() {
    for deed in [
        &["dlq", "archive", "--reason-code", "other", "--reason", "why"][..],
        &["dlq", "restore", "--reason", "why"],
        &["dlq", "replay", "--reason", "why"],
        &["dlq", "plan"],
    ] {
        let program = deed.iter().fold(orderctl([]), Program::arg);
        let program = program.env("ORDERFLOW_ACTOR", "ops-7");
        program.run().fails(2, &["the filter is empty", "--all", "orderctl dlq groups"]);
    }
    let every = ["dlq", "archive", "--reason-code", "other", "--actor", "ops-7", "1"];
    orderctl(every).run().exits_with(2);
}

#[test]
fn a_database_that_is_down_is_told_with_the_way_around_it() {
    orderctl(["dlq", "list"])
        .env("ORDERFLOW_DATABASE_URL", "postgres://me:hunter2@127.0.0.1:9/orders")
        .run()
        .fails(6, &["failed to connect to the database", "dlq list --broker-only"]);
}
