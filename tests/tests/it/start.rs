//! Starting: with settings that cannot be used, and with dependencies that are not there.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

use fleet::{Fleet, FleetSpec, WORKERS};
use system_tests::{Stage, StageOptions, build_folder};
use testkit::eventually;

use crate::runbooks::closed_port;

#[test]
fn every_binary_names_all_settings_that_it_cannot_use_and_exits_with_64() {
    for binary in WORKERS {
        let output = Command::new(build_folder().join(binary))
            .env_clear()
            .env("ORDERFLOW_AMQP_URL", "amqp://user:hunter2@127.0.0.1:99999")
            .env("ORDERFLOW_LANES", "none")
            .env("ORDERFLOW_DELAY", "sundial")
            .output()
            .expect("the binary is built");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{binary}: {said}");
        let variables =
            ["ORDERFLOW_AMQP_URL", "ORDERFLOW_DATABASE_URL", "ORDERFLOW_LANES", "ORDERFLOW_DELAY"];
        for variable in variables {
            assert!(said.contains(variable), "{binary} does not name {variable}: {said}");
        }
        assert!(!said.contains("hunter2"), "{binary} repeats a secret: {said}");
    }
}

#[test]
fn a_worker_does_not_start_with_policies_or_texts_that_cannot_be_used_and_names_all_of_it() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let policies = folder.path().join("policies.toml");
    let wrong = "[window]\ncard = \"400d\"\nsnail_mail = \"1h\"\n[refunds]\nhard_age = \"1h\"";
    std::fs::write(&policies, wrong).expect("the folder is there");
    std::fs::create_dir_all(folder.path().join("texts/en")).expect("the folder is there");
    let output = Command::new(build_folder().join("payment-timeout"))
        .env_clear()
        .env("ORDERFLOW_AMQP_URL", "amqp://guest:guest@127.0.0.1:1")
        .env("ORDERFLOW_DATABASE_URL", "postgres://me@127.0.0.1:1/x")
        .env("ORDERFLOW_POLICIES", &policies)
        .env("ORDERFLOW_TEMPLATES", folder.path().join("texts"))
        .output()
        .expect("the binary is built");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{said}");
    let problems = ["window.card", "window.snail_mail", "refunds.hard_age", "payment-reminder"];
    for problem in problems {
        assert!(said.contains(problem), "{problem} is not named: {said}");
    }
}

#[test]
fn every_binary_explains_itself() {
    for binary in WORKERS {
        let output = Command::new(build_folder().join(binary)).env_clear().arg("--help").output();
        let output = output.expect("the binary is built");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("ORDERFLOW_DATABASE_URL"), "{said}");
    }
}

#[tokio::test]
async fn an_absent_broker_and_database_are_waited_for_and_named() {
    let log_dir = build_folder().join("system-tests-logs").join("absent");
    let nowhere = FleetSpec { bin_dir: build_folder(), log_dir, env: Vec::new() }
        .with("ORDERFLOW_AMQP_URL", format!("amqp://guest:guest@127.0.0.1:{}", closed_port()))
        .with("ORDERFLOW_DATABASE_URL", format!("postgres://me@127.0.0.1:{}/x", closed_port()));
    let mut fleet = Fleet::new(nowhere);
    for binary in WORKERS {
        fleet.spawn(binary).expect("the binary is built");
    }
    for member in fleet.members() {
        let binary = member.binary();
        eventually(Duration::from_secs(30), "readiness is red and says why", async || match member
            .page("readyz")
            .await
        {
            Ok((503, text)) if text.contains("broker") => Ok(()),
            other => Err(format!("{binary}: {other:?}")),
        })
        .await;
        let (alive, _) = member.page("livez").await.expect("liveness is served");
        assert_eq!(alive, 200, "{binary}");
    }
    fleet.stop(Duration::from_secs(20)).await.expect("waiting ends when asked to stop");
}

#[tokio::test]
async fn a_database_without_its_schema_is_named_until_it_has_one() {
    let (database, broker) = (testkit::TestDatabase::empty().await, testkit::TestBroker::unique());
    let log_dir = build_folder().join("system-tests-logs").join(broker.prefix());
    let spec = FleetSpec { bin_dir: build_folder(), log_dir, env: Vec::new() }
        .with("ORDERFLOW_AMQP_URL", broker.amqp_url())
        .with("ORDERFLOW_DATABASE_URL", database.url())
        .with("ORDERFLOW_PREFIX", broker.prefix());
    let mut fleet = Fleet::new(spec);
    let member = fleet.spawn("order-created").expect("the binary is built");
    eventually(Duration::from_secs(30), "readiness names the schema", async || {
        match member.page("readyz").await {
            Ok((503, text)) if text.contains("schema is at 0") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    let url = database.url().parse().expect("testkit makes valid addresses");
    let config = store::DatabaseConfig::new(url, "system-tests");
    store::migrate(&config).await.expect("the migrations apply");
    member.wait_until_ready(Duration::from_secs(30)).await.expect("it goes on by itself");
    fleet.stop(Duration::from_secs(20)).await.expect("it stops in order");
    broker.delete().await;
}

/// What systemd hears next.
fn heard(systemd: &UnixDatagram) -> String {
    let mut buffer = [0; 4096];
    let length = systemd.recv(&mut buffer).expect("a worker says something in time");
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[tokio::test]
async fn systemd_is_told_of_the_start_of_the_work_of_life_and_of_the_stop() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("notify");
    let systemd = UnixDatagram::bind(&path).expect("the socket can be made");
    systemd.set_read_timeout(Some(Duration::from_secs(30))).expect("it can be set");
    let options = StageOptions::of(&["outbox-relay"])
        .with("NOTIFY_SOCKET", path.display().to_string())
        .with("WATCHDOG_USEC", "30000000");
    let mut stage = Stage::start(options).await;
    assert_eq!(heard(&systemd), "READY=1", "it has started before it reaches anybody");
    // Signs of life come from the start on, however long the work takes to begin.
    let mut words = std::iter::repeat_with(|| heard(&systemd));
    assert!(words.any(|word| word == "STATUS=ready"));
    assert!(words.any(|word| word == "WATCHDOG=1"));
    let mut relay = stage.fleet.take("outbox-relay").expect("it runs");
    relay.terminate();
    relay.wait_until_gone(Duration::from_secs(30)).await.expect("it stops in order");
    let mut words = std::iter::repeat_with(|| heard(&systemd));
    assert!(words.any(|word| word == "STOPPING=1"));
    assert_eq!(
        words.find(|word| word.starts_with("STATUS")).as_deref(),
        Some("STATUS=not ready: stopped")
    );
    stage.finish().await;
}
