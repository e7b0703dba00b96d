//! What cannot be done is told by its exit code and with a command that can be typed next.

use clap::Command;
use testkit::{TestBroker, TestDatabase};

use crate::letters::{park, run};
use crate::program::{Program, Ran, orderctl};

/// The commands between backticks behind `next:`; there is at least one.
#[track_caller]
fn next(ran: &Ran) -> Vec<String> {
    let line = ran.stderr.lines().find_map(|line| line.trim().strip_prefix("next: "));
    let line = line.unwrap_or_else(|| panic!("nothing is next:\n{}", ran.stderr));
    let quoted = line.split('`').skip(1).step_by(2);
    let commands: Vec<_> =
        quoted.filter(|it| it.starts_with("orderctl ")).map(str::to_owned).collect();
    assert!(!commands.is_empty(), "no command is next: {line}");
    commands
}

/// Whether the words of a command name one that there is, with flags that it takes.
#[track_caller]
fn exists(typed: &str) {
    let mut command: Command = orderctl::command();
    command.build();
    let mut here = &command;
    for word in typed.split_whitespace().skip(1) {
        if let Some(flag) = word.strip_prefix("--") {
            let long = |it: &&clap::Arg| it.get_long() == Some(flag);
            assert!(flag == "help" || here.get_arguments().any(|it| long(&it)), "{typed}: {word}");
        } else if here.has_subcommands() {
            let sub = here.find_subcommand(word);
            here = sub.unwrap_or_else(|| panic!("{typed}: there is no {word}"));
        }
    }
    assert!(!here.has_subcommands(), "{typed} is not whole");
}

/// Letters of which the first is part of a replay, and the second was replayed three times.
async fn with_letters() -> TestDatabase {
    let database = TestDatabase::migrated().await;
    park(&database, "invalid-amount", 4).await;
    database.run("UPDATE dead_letters SET replays = 3 WHERE id = 2").await;
    replay(&database, &["1"]).run().exits_with(0);
    database
}

fn replay(database: &TestDatabase, args: &[&str]) -> Program {
    let words = ["dlq", "replay", "--reason", "it is mended", "--yes", "--detach"];
    args.iter().fold(run(database, words), Program::arg)
}

#[tokio::test]
async fn each_mistake_has_its_exit_code_and_the_next_command() {
    let (database, broker) = (with_letters().await, TestBroker::unique());
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.json").display().to_string();
    run(&database, ["dlq", "plan", "3", "4", "--out", &plan]).run().exits_with(0);
    database.run("UPDATE dead_letters SET last_failed_at = now() WHERE id = 4").await;

    let mistakes = [
        ("an unknown key", 2, replay(&database, &["qeue=orderflow.order-created"])),
        ("a word that is no term", 2, replay(&database, &["broken"])),
        ("an empty filter", 2, replay(&database, &[])),
        ("a plan that is not there", 2, replay(&database, &["--plan", "/nowhere/plan.json"])),
        ("a stale plan", 5, replay(&database, &["--plan", &plan])),
        ("letters that somebody else replays", 5, replay(&database, &["1"])),
        ("letters that were replayed too often", 8, replay(&database, &["2"])),
        ("nothing that matches", 4, replay(&database, &["code=none"])),
        ("a queue that is gone", 3, replay(&database, &["3"]).broker(&broker)),
        ("a letter that is not there", 4, run(&database, ["dlq", "show", "99"])),
        ("a replay that is not there", 4, run(&database, ["replay", "watch", "99"])),
        ("a group that is not there", 4, run(&database, ["dlq", "note", "ffffffff", "x"])),
        ("a replay that is not paused", 5, {
            run(&database, ["replay", "resume", "1", "--reason", "go on"])
        }),
        ("a letter that is held", 5, {
            let why = ["--reason-code", "other", "--reason", "no", "--yes"];
            why.iter().fold(run(&database, ["dlq", "archive", "1"]), Program::arg)
        }),
        ("a database that is down", 6, {
            let nowhere = "postgres://me@127.0.0.1:9/orders";
            orderctl(["dlq", "list"]).env("ORDERFLOW_DATABASE_URL", nowhere)
        }),
    ];
    for (mistake, code, program) in mistakes {
        let ran = program.run();
        assert_eq!(ran.code, code, "{mistake}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{mistake}");
        assert!(ran.stderr.starts_with("error: "), "{mistake}: {}", ran.stderr);
        for command in next(&ran) {
            exists(&command);
        }
    }
    let changed = "SELECT count(*) FROM audit WHERE action NOT IN ('dlq.plan', 'replay.start')";
    assert_eq!(database.number(changed).await, 0);
    assert_eq!(database.number("SELECT count(*) FROM replay_batches").await, 1);
}
