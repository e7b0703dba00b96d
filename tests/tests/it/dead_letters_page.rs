//! The commands of `ops/docs/dead-letters.md`, typed into a real incident.

use std::path::{Path, PathBuf};
use std::process::Command;

use broker::{Properties, Publication};
use contracts::{EventKind, STRUCTURED_CONTENT_TYPE};
use system_tests::{Stage, StageOptions, build_folder, open_order};

/// A command of the page with what the page says it prints.
#[derive(Debug)]
struct Step {
    command: String,
    printed: Vec<String>,
}

fn page() -> (PathBuf, Vec<Step>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/docs/dead-letters.md");
    let text = std::fs::read_to_string(&path).expect("the page is there");
    let mut steps: Vec<Step> = Vec::new();
    let mut in_block = false;
    for line in text.lines() {
        if line.starts_with("```") {
            in_block = line == "```text";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| in_block) {
            steps.push(Step { command: command.to_owned(), printed: Vec::new() });
        } else if let Some(step) = steps.last_mut().filter(|_| in_block) {
            step.printed.push(line.to_owned());
        }
    }
    (path, steps)
}

/// Text without what differs from run to run: times, ages, hashes, prefixes and widths.
fn normalised(text: &str, prefix: &str) -> String {
    let text = text.replace(prefix, "orderflow");
    let words = text.split_whitespace().map(|word| {
        let core = word.trim_matches(['.', ',', ':', ';', '"']);
        let kind = match core {
            _ if is_time(core) => "TIME",
            _ if is_age(core) => "AGE",
            _ if is_hash(core) => "HASH",
            _ if core.split_once(':').is_some_and(|(_, hash)| is_hash(hash)) => "HASH",
            _ => return word.to_owned(),
        };
        word.replace(core, kind)
    });
    words.collect::<Vec<_>>().join(" ")
}

fn is_time(word: &str) -> bool {
    word.len() >= 20 && word.ends_with('Z') && word.as_bytes()[10] == b'T'
}

fn is_age(word: &str) -> bool {
    let units = word.chars().filter(char::is_ascii_alphabetic).count();
    let known = word.chars().all(|c| c.is_ascii_digit() || "smhd".contains(c));
    let begins = word.starts_with(|c: char| c.is_ascii_digit());
    known && begins && (1..=2).contains(&units) && word.ends_with(|c: char| "smhd".contains(c))
}

fn is_hash(word: &str) -> bool {
    let hex = word.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
    hex && word.len() >= 12
}

/// An order that a rule panics over, and one whose amount is no integer.
async fn incident(stage: &Stage) {
    let total = serde_json::json!({"amount_minor": 58.5, "currency": "EUR"});
    let bad = open_order(2).with("total", total);
    let properties = Properties {
        message_id: Some("m-2".to_owned()),
        content_type: Some(STRUCTURED_CONTENT_TYPE.to_owned()),
        ..Properties::default()
    };
    let key = EventKind::OrderCreated.name();
    let bad = Publication::new(stage.names.inbound(), key, properties, bad.body());
    stage.publish(&[open_order(1).id("bad-apple")]).await;
    stage.until("the first is parked", "SELECT count(*) FROM dead_letters", 1).await;
    stage.publish_raw(vec![bad]).await;
    stage.until("both are parked", "SELECT count(*) FROM dead_letters", 2).await;
}

/// Runs a command as the page's reader does, in a shell; standard error belongs to what is read.
fn typed(stage: &Stage, command: &str, folder: &Path) -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", build_folder().display());
    let output = Command::new("sh")
        .args(["-c", &format!("{command} 2>&1")])
        .current_dir(folder)
        .env("PATH", path)
        .env("COLUMNS", "180")
        .env("ORDERFLOW_ACTOR", "ann")
        .envs(stage.fleet.env())
        .output()
        .expect("there is a shell");
    String::from_utf8(output.stdout).expect("results are text")
}

#[tokio::test]
async fn a_new_user_finds_explains_mends_and_proves_with_the_commands_of_the_page() {
    let (path, steps) = page();
    assert!(steps.len() >= 8, "the page has only {} commands", steps.len());
    let options = StageOptions::everyone().with("ORDERFLOW_FAILPOINTS", "panic:bad-apple");
    let mut stage = Stage::start(options).await;
    incident(&stage).await;
    // Mended workers are rolled out before anybody replays.
    stage.mend(StageOptions::everyone()).await;
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let prefix = stage.names.prefix().to_owned();
    let mut printed = Vec::new();
    for step in &steps {
        let text = typed(&stage, &step.command, folder.path());
        let (found, told) =
            (normalised(&text, &prefix), normalised(&step.printed.join("\n"), &prefix));
        printed.push((step, text, found == told));
    }
    stage.finish().await;
    for (step, text, same) in printed {
        assert!(same, "{}: $ {}\n{text}", path.display(), step.command);
    }
}
