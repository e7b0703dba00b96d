//! The commands of `ops/docs/dead-letters.md`, typed as they stand into an incident.

use std::path::Path;
use std::process::Command;

use testkit::TestDatabase;

use crate::letters::park;

/// The commands of the page in their order.
fn commands() -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/dead-letters.md");
    let text = std::fs::read_to_string(page).unwrap();
    text.lines().filter_map(|line| line.strip_prefix("$ ")).map(str::to_owned).collect()
}

#[tokio::test]
async fn every_command_of_the_page_does_what_it_says() {
    let database = TestDatabase::migrated().await;
    park(&database, "invalid-amount", 12).await;
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_orderctl")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let commands = commands();
    assert!(commands.len() > 12, "{commands:?}");
    for command in commands {
        let output = Command::new("sh")
            .args(["-c", &command])
            .current_dir(folder.path())
            .env_clear()
            .env("PATH", &path)
            .env("ORDERFLOW_ACTOR", "ann")
            .env("ORDERFLOW_DATABASE_URL", database.url())
            .output()
            .unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(0), "$ {command}\n{said}");
    }
    let running = "SELECT count(*) FROM replay_batches WHERE state = 'running' AND selected = 12";
    assert_eq!(database.number(running).await, 1);
    let archived = "SELECT count(*) FROM audit WHERE action IN ('dlq.archive', 'dlq.restore')";
    assert_eq!(database.number(archived).await, 2);
}
