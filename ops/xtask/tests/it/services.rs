//! Private services from the first start to the last stop.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// A second start only asks both servers whether they answer.
const AT_ONCE: Duration = Duration::from_secs(5);

/// A checkout with nothing but what the services need; nothing of it outlives the test.
struct Scratch {
    folder: TempDir,
}

impl Scratch {
    fn new() -> Self {
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let folder = tempfile::tempdir().unwrap();
        for file in [
            "Cargo.toml",
            "ops/xtask/Cargo.toml",
            "ops/postgres/postgresql.conf",
            "ops/rabbitmq/rabbitmq.conf",
            "ops/rabbitmq/advanced.config",
            "ops/rabbitmq/enabled_plugins",
        ] {
            let copy = folder.path().join(file);
            fs::create_dir_all(copy.parent().unwrap()).unwrap();
            fs::copy(ours.join(file), copy).unwrap();
        }
        Self { folder }
    }

    fn xtask(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        for variable in ["AMQP_URL", "DATABASE_URL", "MANAGEMENT_URL"] {
            command.env_remove(format!("ORDERFLOW_{variable}"));
        }
        command.args(arguments).current_dir(self.folder.path()).output().unwrap()
    }

    /// Runs a task that has to succeed and returns what it printed.
    fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.xtask(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn up(&self) -> Value {
        serde_json::from_str(&self.succeed(&["services", "up", "--output", "json"])).unwrap()
    }

    /// How many processes belong to this checkout, by the mark in their environment.
    fn processes(&self) -> usize {
        let root = fs::canonicalize(self.folder.path()).unwrap();
        let mark = format!("ORDERFLOW_PRIVATE_INSTANCE={}", root.display());
        let environments = fs::read_dir("/proc").unwrap().flatten();
        let environments = environments.filter_map(|it| fs::read(it.path().join("environ")).ok());
        let marked = |environment: &Vec<u8>| {
            environment.windows(mark.len()).any(|window| window == mark.as_bytes())
        };
        environments.filter(marked).count()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let output = self.xtask(&["services", "down", "--purge"]);
        if !output.status.success() {
            eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

fn statement(report: &Value, sql: &str) -> String {
    let url = report["database_url"].as_str().unwrap();
    let output = Command::new("psql").args(["-Atqc", sql, url]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn pids(report: &Value) -> Vec<u64> {
    let services = report["services"].as_array().unwrap();
    let pids = services.iter().flat_map(|service| service["pids"].as_array().unwrap());
    pids.map(|pid| pid.as_u64().unwrap()).collect()
}

fn kill(report: &Value) {
    let pids: Vec<String> = pids(report).iter().map(u64::to_string).collect();
    assert!(Command::new("kill").arg("-9").args(&pids).status().unwrap().success());
}

#[test]
fn services_start_survive_kill_and_stop_without_a_trace() {
    let scratch = Scratch::new();
    assert_eq!(scratch.xtask(&["services", "status"]).status.code(), Some(3));

    let first = scratch.up();
    statement(&first, "CREATE TABLE kept (id int)");
    let started = Instant::now();
    assert_eq!(scratch.up(), first, "a second start changes nothing");
    assert!(started.elapsed() < AT_ONCE, "a second start took {:?}", started.elapsed());

    kill(&first);
    assert_eq!(scratch.xtask(&["services", "status"]).status.code(), Some(3));
    let repaired = scratch.up();
    assert_eq!(repaired["database_url"], first["database_url"], "the ports are kept");
    assert_eq!(repaired["amqp_url"], first["amqp_url"]);
    assert_ne!(pids(&repaired), pids(&first));
    assert_eq!(statement(&repaired, "SELECT count(*) FROM kept"), "0", "and the data");

    for password in ["postgres.password", "rabbitmq.password"] {
        fs::remove_file(scratch.folder.path().join(".local").join(password)).unwrap();
    }
    let renewed = scratch.up();
    assert_ne!(renewed["database_url"], first["database_url"], "a lost password is replaced");
    assert_eq!(statement(&renewed, "SELECT count(*) FROM kept"), "0");

    fs::remove_file(scratch.folder.path().join(".local/services.json")).unwrap();
    scratch.succeed(&["services", "down"]);
    assert_eq!(scratch.processes(), 0, "servers are found without any record of them");
    assert_eq!(scratch.xtask(&["services", "status"]).status.code(), Some(3));
}

#[test]
fn an_unfinished_data_directory_is_made_anew() {
    let scratch = Scratch::new();
    let first = scratch.up();
    let data = first["services"][0]["data_dir"].as_str().unwrap();
    scratch.succeed(&["services", "down"]);
    fs::remove_file(Path::new(data).join("global/pg_control")).unwrap();
    fs::remove_file(scratch.folder.path().join(".local/rabbitmq/data/completed")).unwrap();
    let again = scratch.up();
    assert_eq!(statement(&again, "SELECT 1"), "1");
}

#[test]
fn help_is_complete_and_wrong_usage_is_told_apart() {
    let scratch = Scratch::new();
    for task in ["demo", "services", "test", "sqlx", "tidy", "ci"] {
        let help = scratch.succeed(&[task, "--help"]);
        assert!(help.contains("Usage: cargo xtask"), "{help}");
        assert!(scratch.succeed(&["--help"]).contains(task));
    }
    assert_eq!(scratch.xtask(&["services", "sideways"]).status.code(), Some(2));
    let plain = scratch.xtask(&["--help"]).stdout;
    assert!(!plain.contains(&b'\x1b'), "no colours unless on a terminal");
}
