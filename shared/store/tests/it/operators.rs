//! Who may do what, and that all of it is written down where nobody can change it.

use store::edits::{self, EditError, Edited, Who};
use store::{Database, DatabaseConfig};
use testkit::shop::at;
use uuid::Uuid;

use crate::home::{Home, Sql};
use crate::letters::{letter, park};

const ROLES: [&str; 4] = ["reader", "operator", "editor", "admin"];

/// What operators do, with the least role that may.
const ACTIONS: [(&str, &str); 20] = [
    ("reader", "SELECT count(*) FROM dead_letters_listed"),
    ("reader", "SELECT count(*) FROM failure_groups_listed"),
    ("reader", "SELECT count(*) FROM replay_batches_listed"),
    ("reader", "SELECT count(*) FROM audit"),
    ("reader", "SELECT * FROM audit_verify()"),
    ("reader", r#"SELECT * FROM replay_plan('{"all": true}', NULL, false)"#),
    ("reader", "SELECT audit_append('ann', 'reader', 'a', 'b', 'c', '{}')"),
    ("operator", "SELECT audit_append('ann', 'operator', 'a', 'b', 'c', '{}')"),
    (
        "operator",
        r#"SELECT * FROM replay_start('ann', 'r', '{"id": [1]}', 'x', NULL, 1, 1, 0, 1, 1, 1,
           NULL, false, NULL)"#,
    ),
    ("operator", "SELECT replay_pause('ann', 'r', 1)"),
    ("operator", "SELECT replay_resume('ann', 'r', 1)"),
    ("operator", "SELECT replay_cancel('ann', 'r', 1, false)"),
    ("operator", r#"SELECT dlq_archive('ann', 'r', 'other', '{"id": [1]}', 'x', NULL)"#),
    ("operator", r#"SELECT dlq_restore('ann', 'r', '{"id": [1]}', 'x', NULL)"#),
    ("operator", "SELECT dlq_note('ann', decode(repeat('07', 32), 'hex'), 'n')"),
    ("operator", "SELECT * FROM dlq_content('ann', 'r', 'show', ARRAY[1::bigint])"),
    ("editor", "SELECT audit_append('ann', 'editor', 'a', 'b', 'c', '{}')"),
    (
        "editor",
        "SELECT dlq_edit_propose('ann', 'r', 1, (SELECT decode(digest, 'hex')
         FROM dead_letters_listed WHERE id = 1), NULL, '')",
    ),
    ("admin", "SELECT allow_edits('ann', 'r', true)"),
    ("admin", "SELECT audit_append('ann', 'admin', 'a', 'b', 'c', '{}')"),
];

/// What nobody does but the owner.
const FORBIDDEN: [&str; 8] = [
    "UPDATE audit SET actor = 'bob'",
    "DELETE FROM audit",
    "INSERT INTO audit SELECT * FROM audit",
    "DELETE FROM dead_letters",
    "UPDATE replay_items SET state = 'resolved'",
    "UPDATE replay_batches SET state = 'done'",
    "UPDATE operator_settings SET edits_allowed = true",
    "SELECT audit_append('ann', 'system', 'a', 'b', 'c', '{}')",
];

/// Runs statements as somebody of a role, and undoes them.
async fn as_role(sql: &mut Sql, role: &str, statement: &str) -> Result<(), sqlx::Error> {
    sql.run("BEGIN").await;
    sql.run(&format!("SET LOCAL SESSION AUTHORIZATION orderflow_{role}")).await;
    let done = sql.try_run(statement).await;
    sql.run("ROLLBACK").await;
    done
}

fn denied(done: &Result<(), sqlx::Error>) -> bool {
    let error = done.as_ref().err().and_then(sqlx::Error::as_database_error);
    error.and_then(sqlx::error::DatabaseError::code).as_deref() == Some("42501")
}

#[tokio::test]
async fn each_role_may_what_it_is_for_and_the_database_says_so() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect_in_clear().await, home.sql().await);
    park(&mut database, &[letter("a", "panic", at("12:00:00"))]).await.unwrap();
    sql.run("SELECT allow_edits('root', 'for the test', true)").await;
    for (place, role) in ROLES.iter().enumerate() {
        for (least, action) in ACTIONS {
            let may = ROLES.iter().position(|role| *role == least).unwrap() <= place;
            let done = as_role(&mut sql, role, action).await;
            // What is refused for another reason was permitted.
            assert_eq!(denied(&done), !may, "{role}: {action}: {done:?}");
        }
        for action in FORBIDDEN {
            let done = as_role(&mut sql, role, action).await;
            assert!(denied(&done), "{role}: {action}: {done:?}");
        }
    }
}

#[tokio::test]
async fn nobody_reads_bodies_without_a_line_in_the_audit() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect_in_clear().await, home.sql().await);
    park(&mut database, &[letter("a", "panic", at("12:00:00"))]).await.unwrap();
    for role in ["reader", "operator", "editor"] {
        for column in ["body", "headers"] {
            let read = format!("SELECT {column} FROM dead_letters");
            assert!(denied(&as_role(&mut sql, role, &read).await), "{role}: {column}");
        }
    }
    sql.run("SELECT * FROM dlq_content('ann', 'a complaint', 'unmask', ARRAY[1::bigint])").await;
    let lines = "SELECT concat_ws(' ', actor, action, object, reason) FROM audit";
    assert_eq!(sql.texts(lines).await, ["ann dlq.unmask letter:1 a complaint"]);
}

#[tokio::test]
async fn an_action_that_is_undone_leaves_no_line_and_no_gap() {
    let home = Home::new().await;
    let mut sql = home.sql().await;
    for end in ["COMMIT", "ROLLBACK", "COMMIT"] {
        sql.run("BEGIN; SELECT audit_append('ann', 'admin', 'a', 'b', 'c', '{}')").await;
        sql.run(end).await;
    }
    assert_eq!(sql.texts("SELECT id::text FROM audit ORDER BY id").await, ["1", "2"]);
}

#[tokio::test]
async fn one_login_does_not_approve_a_refund_under_two_names() {
    let home = Home::new().await;
    let mut sql = home.sql().await;
    let note = |actor: &str, action: &str, refund: u32| {
        let object = format!("refund:{refund}");
        format!(
            "SELECT audit_append('{actor}', 'operator', 'refund.{action}', '{object}', 'r', '{{}}')"
        )
    };
    // Somebody may have to approve again, say no, or look after another refund.
    let own = [("ann", "approve", 1), ("ann", "approve", 1), ("bob", "reject", 1)];
    for (actor, action, refund) in own.into_iter().chain([("bob", "approve", 2)]) {
        sql.run(&note(actor, action, refund)).await;
    }
    let refused = sql.try_run(&note("bob", "approve", 1)).await.unwrap_err();
    let refused = refused.as_database_error().unwrap();
    assert_eq!(refused.code().as_deref(), Some("OF006"));
    assert!(refused.message().ends_with("approved refund:1 before, as ann"), "{refused}");
    sql.run("SET SESSION AUTHORIZATION orderflow_operator").await;
    sql.run(&note("bob", "approve", 1)).await;
    sql.run("RESET SESSION AUTHORIZATION").await;
    let approved = "SELECT count(DISTINCT login) FROM audit
        WHERE action = 'refund.approve' AND object = 'refund:1'";
    assert_eq!(sql.count(approved).await, 2);
    assert_eq!(verified(&mut sql).await, "5 5 -");
}

#[tokio::test]
async fn many_at_once_make_one_chain() {
    let home = Home::new().await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..4 {
        let mut sql = home.sql().await;
        writers.spawn(async move {
            for line in 0..25 {
                let detail = format!(r#"{{"line": {line}, "writer": {writer}}}"#);
                let call = format!("SELECT audit_append('w', 'admin', 'a', 'b', 'c', '{detail}')");
                sql.run(&call).await;
            }
        });
    }
    writers.join_all().await;
    let mut sql = home.sql().await;
    assert_eq!(verified(&mut sql).await, "100 100 -");
}

async fn verified(sql: &mut Sql) -> String {
    let verify = "SELECT concat_ws(' ', lines, last_id, coalesce(broken_id || ' ' || problem, '-'))
         FROM audit_verify()";
    sql.texts(verify).await.remove(0)
}

#[tokio::test]
async fn what_was_changed_or_removed_shows() {
    let home = Home::new().await;
    let mut sql = home.sql().await;
    assert_eq!(verified(&mut sql).await, "0 -");
    for _ in 0..5 {
        sql.run("SELECT audit_append('ann', 'admin', 'a', 'b', 'c', '{\"n\": 1}')").await;
    }
    sql.refused("audit_append_only", "UPDATE audit SET actor = 'bob'").await;
    sql.refused("audit_append_only", "TRUNCATE audit").await;
    // Whoever owns the table can switch the trigger off; the chain tells.
    sql.run("ALTER TABLE audit DISABLE TRIGGER audit_append_only").await;
    let tampering = [
        ("UPDATE audit SET detail = '{\"n\": 2}' WHERE id = 3", "5 5 3 it was changed"),
        (
            "UPDATE audit SET recorded_at = recorded_at + '1 us' WHERE id = 2",
            "5 5 2 it was changed",
        ),
        ("DELETE FROM audit WHERE id = 4", "4 5 5 rows are missing"),
        (
            "WITH gone AS (DELETE FROM audit WHERE id = 5) UPDATE audit SET hash = sha256('x')
             WHERE id = 1",
            "4 4 1 it was changed",
        ),
    ];
    for (statement, expected) in tampering {
        sql.run(&format!("BEGIN; {statement}")).await;
        assert_eq!(verified(&mut sql).await, expected, "{statement}");
        sql.run("ROLLBACK").await;
    }
}

/// A person with a login of their own, dropped at the end.
struct Person {
    login: String,
    database: Database,
}

impl Person {
    async fn of(home: &Home, sql: &mut Sql, name: &str, role: &str) -> Self {
        // Roles belong to the whole server, and its databases have names of their own.
        let login = sql.texts(&format!("SELECT '{name}_' || current_database()")).await.remove(0);
        sql.run(&format!("CREATE ROLE {login} LOGIN PASSWORD 'p' IN ROLE orderflow_{role}")).await;
        let address = home.url().split_once('@').unwrap().1;
        let url = format!("postgres://{login}:p@{address}").parse().unwrap();
        let config = DatabaseConfig { url, ..home.config() };
        let database = Database::connect(&config).await.unwrap();
        Self { login, database }
    }

    async fn leave(self, sql: &mut Sql) {
        self.database.close().await.unwrap();
        sql.run(&format!("DROP ROLE {}", self.login)).await;
    }
}

fn who(actor: &str) -> Who<'_> {
    Who { actor, reason: "the shop sent it wrongly" }
}

#[expect(clippy::unnecessary_wraps, reason = "a check may refuse; this one does not")]
fn accepted(_: &Edited) -> Result<(), String> {
    Ok(())
}

const BODY: &[u8] = br#"{"data":{"amount":1,"order_id":"o-1"},"id":"e-1","source":"/shop"}"#;
const PATCH: &str = r#"[{"op":"replace","path":"/data/amount","value":2}]"#;

fn code(error: &EditError) -> String {
    let EditError::Store(store::Error::Statement { source, .. }) = error else {
        return error.to_string();
    };
    let code = source.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.map(std::borrow::Cow::into_owned).unwrap_or_default()
}

#[tokio::test]
async fn an_edit_takes_two_people_and_makes_another_letter() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    store::vault::introduce(&mut database).await.unwrap();
    let wrong = store::dead_letters::DeadLetter {
        body: BODY,
        headers_json: "{}",
        ..letter("/shop e-1", "invalid-amount", at("12:00:00"))
    };
    park(&mut database, &[wrong]).await.unwrap();
    let mut ann = Person::of(&home, &mut sql, "ann", "editor").await;
    let mut bob = Person::of(&home, &mut sql, "bob", "editor").await;

    let off = edits::propose(&mut ann.database, who("ann"), 1, PATCH, &accepted).await;
    assert_eq!(code(&off.unwrap_err()), "OF006", "it is off until somebody allows it");
    sql.run("SELECT allow_edits('root', 'for the test', true)").await;
    let invalid = |_: &Edited| Err("no currency".to_owned());
    let refused = edits::propose(&mut ann.database, who("ann"), 1, PATCH, &invalid).await;
    assert!(matches!(refused, Err(EditError::Invalid(_))), "{refused:?}");
    let proposed = edits::propose(&mut ann.database, who("ann"), 1, PATCH, &accepted).await;
    let (edit, edited) = proposed.unwrap();
    assert_eq!(edited.differences[0].pointer, "/data/amount");
    let twice = edits::propose(&mut bob.database, who("bob"), 1, PATCH, &accepted).await;
    assert_eq!(code(&twice.unwrap_err()), "OF004", "one is open already");

    let id = Uuid::from_u128(7);
    for name in ["ann", "someone else"] {
        let own = edits::approve(&mut ann.database, who(name), edit, id, &accepted).await;
        assert_eq!(code(&own.unwrap_err()), "OF006", "the same login is the same person");
    }
    let shown = edits::differences(&mut bob.database, "bob", edit).await.unwrap();
    assert_eq!(shown, edited.differences);
    let made = edits::approve(&mut bob.database, who("bob"), edit, id, &accepted).await.unwrap();
    let again = edits::approve(&mut bob.database, who("bob"), edit, id, &accepted).await;
    assert_eq!(code(&again.unwrap_err()), "OF005");

    let letters = "SELECT concat_ws(' ', id, status, archived_code, edited_from, message_key)
         FROM dead_letters ORDER BY id";
    let expected = format!("{made} parked 1 /shop {id}");
    assert_eq!(sql.texts(letters).await, ["1 archived edited /shop e-1", expected.as_str()]);
    sql.run(
        "SELECT replay_start('ann', 'edited', '{\"status\": [\"parked\"]}', 'x', NULL, 100,
             10, 0, 20, 5, 100, NULL, false, NULL);
             UPDATE replay_batches SET paced_at = now() - interval '10 s'",
    )
    .await;
    let minute = std::time::Duration::from_mins(1);
    let taken = store::replays::take(&mut database, &[], minute, 10).await.unwrap();
    let body = taken[0].content.as_ref().unwrap().body.clone();
    let expected =
        format!(r#"{{"data":{{"amount":2,"order_id":"o-1"}},"id":"{id}","source":"/shop"}}"#);
    assert_eq!(String::from_utf8(body).unwrap(), expected);
    assert_eq!(home.tables_with("/data/amount").await, Vec::<String>::new(), "edits are sealed");
    let actions =
        "SELECT action || ' ' || actor FROM audit WHERE action LIKE 'dlq.edit.%' ORDER BY id";
    let expected =
        ["dlq.edit.propose ann", "dlq.edit.show bob", "dlq.edit.show bob", "dlq.edit.approve bob"];
    assert_eq!(sql.texts(actions).await, expected);
    ann.leave(&mut sql).await;
    bob.leave(&mut sql).await;
}
