//! `orderctl dlq export` and `import`: nothing is lost on the way there and back.

use testkit::{TestDatabase, key_file};

use crate::letters::{park, run};

/// Everything about a letter that has to come back.
const LETTERS: &str = "SELECT concat_ws('|', source_queue, message_key, key_source, event_type,
    order_id, error_class, error_code, error_detail, encode(fingerprint, 'hex'), attempts,
    first_failed_at, last_failed_at, worker_version, exchange, routing_key, properties,
    headers::jsonb, encode(body, 'hex'), encode(digest, 'hex'))
    FROM dead_letters ORDER BY source_queue, message_key";

fn export(database: &TestDatabase) -> String {
    let export = run(database, ["dlq", "export", "--reason", "to be mended elsewhere"]);
    export.run().exits_with(0).stdout
}

#[tokio::test]
async fn letters_come_back_with_every_type_and_byte() {
    let database = TestDatabase::migrated().await;
    park(&database, "invalid-amount", 3).await;
    database
        .run(
            "UPDATE dead_letters SET body = '\\xff00fe', digest = sha256('\\xff00fe'),
             key_source = 'digest', message_key = '-', order_id = NULL WHERE id = 2",
        )
        .await;
    let lines = export(&database);
    assert_eq!(lines.lines().count(), 3);
    let before = database.texts(LETTERS).await;

    let other = TestDatabase::migrated().await;
    let import = || run(&other, ["dlq", "import", "-", "--reason", "from the other site"]);
    let dry = import().arg("--dry-run").input(lines.clone()).run().exits_with(0);
    assert_eq!(dry.stdout, "3 dead letters can be imported; nothing was changed, 0 left out\n");
    assert_eq!(other.number("SELECT count(*) FROM dead_letters").await, 0);
    import().input(lines.clone()).run().fails(2, &["--yes"]);
    import().arg("--yes").input(lines.clone()).run().exits_with(0);
    assert_eq!(other.texts(LETTERS).await, before);
    assert_eq!(sorted(&export(&other)), sorted(&lines));

    // What is there already stays as it is.
    import().arg("--yes").input(lines).run().exits_with(0);
    assert_eq!(other.texts(LETTERS).await, before);
    let noted = "SELECT count(*) FROM audit WHERE action = 'dlq.import'";
    assert_eq!(other.number(noted).await, 2);
}

/// Lines without what belongs to one database.
fn sorted(lines: &str) -> Vec<String> {
    let line = |line: &str| {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["id"] = 0.into();
        line.to_string()
    };
    let mut lines: Vec<_> = lines.lines().map(line).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn a_group_that_is_new_where_letters_are_imported_keeps_what_they_have_in_common() {
    let database = TestDatabase::migrated().await;
    park(&database, "invalid-amount", 2).await;
    database
        .run("UPDATE dead_letters SET error_detail = 'must be an integer, not ' || id || '.5'")
        .await;
    let other = TestDatabase::migrated().await;
    let import = run(&other, ["dlq", "import", "-", "--reason", "to look at", "--yes"]);
    import.input(export(&database)).run().exits_with(0);
    let pattern = "SELECT detail_pattern FROM failure_groups";
    assert_eq!(other.texts(pattern).await, ["must be an integer"]);
}

#[tokio::test]
async fn sealed_letters_are_exported_by_whoever_has_the_key_only() {
    let (open, sealed) = (TestDatabase::migrated().await, TestDatabase::migrated().await);
    park(&open, "invalid-amount", 2).await;
    let lines = export(&open);
    let keys = key_file();
    let import = run(&sealed, ["dlq", "import", "-", "--reason", "to seal them", "--yes"]);
    import
        .env("ORDERFLOW_KEY_FILE", keys.to_str().unwrap())
        .input(lines.clone())
        .run()
        .exits_with(0);
    let in_clear = "SELECT count(*) FROM dead_letters WHERE key_id IS NULL";
    assert_eq!(sealed.number(in_clear).await, 0);

    let export = || run(&sealed, ["dlq", "export", "--reason", "to take them back"]);
    let with_keys = export().env("ORDERFLOW_KEY_FILE", keys.to_str().unwrap()).run();
    assert_eq!(sorted(&with_keys.exits_with(0).stdout), sorted(&lines));

    let without = export().run().exits_with(3);
    assert!(without.stderr.contains("ORDERFLOW_KEY_FILE"), "{}", without.stderr);
    assert!(without.stdout.lines().all(|it| it.contains("\"missing\":\"key-missing\"")));
    let refused = run(&open, ["dlq", "import", "-", "--reason", "no", "--yes"]);
    let refused = refused.input(without.stdout).run().exits_with(3);
    assert!(refused.stdout.contains("line 1: it has no headers and body: key-missing"));
    let shown = run(&sealed, ["dlq", "show", "1"]).run().exits_with(0).stdout;
    assert!(shown.contains("are sealed: set ORDERFLOW_KEY_FILE"), "{shown}");
}

#[tokio::test]
async fn a_redacted_export_is_for_looking_at() {
    let database = TestDatabase::migrated().await;
    park(&database, "invalid-amount", 1).await;
    let redacted = run(&database, ["dlq", "export", "--redact", "--reason", "for a ticket"]);
    let line = redacted.run().exits_with(0).stdout;
    assert!(line.contains("\"request_key\":\"r-1\"") && !line.contains("ann"), "{line}");
    let import = run(&database, ["dlq", "import", "-", "--reason", "no", "--yes"]);
    import.input(line).run().exits_with(3);
}

#[tokio::test]
async fn a_damaged_file_changes_nothing() {
    let database = TestDatabase::migrated().await;
    park(&database, "invalid-amount", 2).await;
    let lines = export(&database).replacen("\"body_base64\":\"", "\"body_base64\":\"%", 1);
    let other = TestDatabase::migrated().await;
    let import = run(&other, ["dlq", "import", "-", "--reason", "no", "--yes"]).input(lines);
    let ran = import.run().exits_with(1);
    assert!(ran.stdout.contains("line 1: its body_base64 cannot be read"), "{}", ran.stdout);
    assert!(ran.stderr.contains("nothing was changed"), "{}", ran.stderr);
    assert_eq!(other.number("SELECT count(*) FROM dead_letters").await, 0);
    let other_file = run(&other, ["dlq", "import", "-", "--reason", "no", "--yes"]);
    other_file.input("{}\n").run().exits_with(1);
}
