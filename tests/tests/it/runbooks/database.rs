//! A worker whose keys, database, locks, files or sessions are not as they should be.

use std::process::Command;

use system_tests::{Collector, Stage, StageOptions, open_order, surroundings_of};
use tempfile::TempDir;
use testkit::eventually;
use testkit::shop::{attempt_id, captured, order_id};

use super::script::{Typed, in_place};
use super::surroundings::Scene;
use super::table::Incident;
use super::{BOUND, closed_port, until_counted};

/// The worker that all of it happens to.
const WORKER: &str = "payment-attempted";

/// The files of keys, by what is the matter with them.
const KEY_FILES: [(&str, &str); 4] = [
    (
        "whole",
        "fleet dGhpcyBrZXkgZ3VhcmRzIG9ubHkgbWFkZS11cCBkYXQ=\n\
         older dGhhdCBrZXkgb3BlbnMgbm90aGluZyBidXQgdGVzdHM=\n",
    ),
    (
        "turned",
        "older dGhhdCBrZXkgb3BlbnMgbm90aGluZyBidXQgdGVzdHM=\n\
         fleet dGhpcyBrZXkgZ3VhcmRzIG9ubHkgbWFkZS11cCBkYXQ=\n",
    ),
    ("lacking", "fleet dGhpcyBrZXkgZ3VhcmRzIG9ubHkgbWFkZS11cCBkYXQ=\n"),
    (
        "different",
        "fleet dGhhdCBrZXkgb3BlbnMgbm90aGluZyBidXQgdGVzdHM=\n\
         older dGhhdCBrZXkgb3BlbnMgbm90aGluZyBidXQgdGVzdHM=\n",
    ),
];

/// A running worker that is always found at the same place.
struct Ward {
    stage: Stage,
    typed: Typed,
    address: String,
    keys: TempDir,
}

impl Ward {
    /// Some orders wait for payment.
    async fn new() -> Self {
        let keys = tempfile::tempdir().expect("a folder can be made");
        for (name, text) in KEY_FILES {
            std::fs::write(keys.path().join(name), text).expect("a file can be written");
        }
        let options = StageOptions::of(&["order-created", WORKER, "outbox-relay"])
            .by_lines()
            .with("ORDERFLOW_KEY_FILE", keys.path().join("whole").display().to_string())
            .with("ORDERFLOW_DRAIN_GRACE", "1s");
        let mut stage = Stage::prepare(&options).await;
        let address = format!("127.0.0.1:{}", closed_port());
        stage.fleet.set_for(WORKER, "ORDERFLOW_HTTP_LISTEN", &address);
        stage.start_workers(&options).await;
        let orders: Vec<_> = (0..8).map(open_order).collect();
        stage.publish(&orders).await;
        stage.until("they are open", "SELECT count(*) FROM orders", 8).await;
        Self { stage, typed: Typed::new(), address, keys }
    }

    fn scene(&mut self, incident: Incident) -> Scene {
        let worker = self.stage.fleet.member(WORKER);
        let log = worker.map(|worker| worker.log().display().to_string());
        let address = Some(self.address.clone());
        Scene { worker: address, log, ..in_place(incident, surroundings_of(&self.stage)) }
    }

    async fn confirm(&mut self, incident: Incident) {
        let scene = self.scene(incident);
        self.typed.confirm(&scene, &self.stage.database).await;
    }

    async fn mended(&mut self, incident: Incident) {
        let scene = self.scene(incident);
        self.typed.mend(&scene, &self.stage.database).await;
    }

    async fn stop(&mut self) {
        let mut worker = self.stage.fleet.take(WORKER).expect("it runs");
        worker.terminate();
        worker.wait_until_gone(BOUND).await.expect("it stops in order");
    }

    /// Starts the worker anew with this file of keys.
    async fn restart_with(&mut self, keys: &str) {
        self.stop().await;
        let keys = self.keys.path().join(keys).display().to_string();
        self.stage.fleet.set_for(WORKER, "ORDERFLOW_KEY_FILE", keys);
        self.start();
    }

    fn start(&mut self) {
        self.stage.fleet.spawn(WORKER).expect("the binary is built");
    }

    async fn is_ready(&mut self) {
        self.stage.fleet.wait_until_ready(BOUND).await.expect("the workers become ready");
    }

    /// Pays an order in full.
    async fn pay(&self, number: u32) {
        self.stage.publish(&[captured(order_id(number), attempt_id(number), 10_000)]).await;
    }

    async fn until_paid(&self, orders: i64) {
        let paid = "SELECT count(*) FROM orders WHERE status = 'paid'";
        self.stage.until("they are paid", paid, orders).await;
    }

    /// Waits until the worker's log has these words.
    async fn until_logged(&mut self, words: &str) {
        let worker = self.stage.fleet.member(WORKER).expect("it runs");
        let log = worker.log().to_owned();
        eventually(BOUND, &format!("{words} is logged"), async || {
            let log = std::fs::read_to_string(&log).expect("a worker has a log");
            if log.contains(words) { Ok(()) } else { Err(()) }
        })
        .await;
    }

    /// Waits until a metric of the worker is at least this.
    async fn until_counted(&mut self, metric: &str, label: &str, least: f64) {
        let worker = self.stage.fleet.member(WORKER).expect("it runs");
        until_counted(worker, metric, label, least).await;
    }

    async fn end(self) {
        self.typed.end();
        self.stage.finish().await;
    }
}

#[tokio::test]
async fn keys_and_schemas_that_do_not_fit_are_mended_as_their_pages_say() {
    let mut ward = Ward::new().await;
    keys(&mut ward, Incident::KeyDiffers, "different", "key-differs").await;
    // From now on the older key is in use too.
    ward.restart_with("turned").await;
    ward.is_ready().await;
    keys(&mut ward, Incident::KeyMissing, "lacking", "key-missing").await;
    schema_changed(&mut ward).await;
    session_spoilt(&mut ward).await;
    sessions_flap(&mut ward).await;
    files_run_out(&mut ward).await;
    spans_lost(&mut ward).await;
    ward.end().await;
}

#[tokio::test]
async fn rows_and_tables_that_are_held_are_mended_as_their_pages_say() {
    let mut ward = Ward::new().await;
    stalled(&mut ward).await;
    row_held(&mut ward).await;
    stopped_early(&mut ward).await;
    table_locked(&mut ward).await;
    ward.end().await;
}

/// The worker has a file of keys that does not do, and then the right one.
async fn keys(ward: &mut Ward, incident: Incident, file: &str, code: &str) {
    ward.restart_with(file).await;
    ward.until_logged(code).await;
    ward.confirm(incident).await;
    ward.restart_with("whole").await;
    ward.is_ready().await;
    ward.mended(incident).await;
}

/// Somebody renames a column.
async fn schema_changed(ward: &mut Ward) {
    ward.stage.database.run("ALTER TABLE orders RENAME COLUMN locale TO language").await;
    ward.pay(0).await;
    ward.until_logged("schema-mismatch").await;
    ward.confirm(Incident::SchemaChanged).await;
    ward.stage.database.run("ALTER TABLE orders RENAME COLUMN language TO locale").await;
    let paid = "SELECT count(*) FROM orders WHERE status = 'paid' AND id = ";
    let paid = format!("{paid}'{}'", order_id(0));
    ward.stage.until("it is paid", &paid, 1).await;
    ward.mended(Incident::SchemaChanged).await;
}

/// Prepared statements go in the middle of a transaction, as behind a pooler.
async fn session_spoilt(ward: &mut Ward) {
    let forget = "
        CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            EXECUTE 'DEALLOCATE ALL';
            RETURN NEW;
        END $$;
        CREATE TRIGGER forget BEFORE INSERT ON inbox FOR EACH ROW EXECUTE FUNCTION forget()";
    ward.stage.database.run(forget).await;
    ward.pay(1).await;
    ward.until_logged("connection-spoilt").await;
    ward.confirm(Incident::SessionSpoilt).await;
    ward.stage.database.run("DROP TRIGGER forget ON inbox").await;
    let paid = "SELECT count(*) FROM orders WHERE status = 'paid' AND id = ";
    let paid = format!("{paid}'{}'", order_id(1));
    ward.stage.until("it is paid", &paid, 1).await;
    ward.mended(Incident::SessionSpoilt).await;
}

/// The way to the broker breaks again and again.
async fn sessions_flap(ward: &mut Ward) {
    for end in [1.0, 2.0, 3.0] {
        ward.is_ready().await;
        ward.stage.lines.as_ref().expect("there are lines").broker.reset();
        ward.until_counted("orderflow_sessions_ended_total", "", end).await;
    }
    ward.is_ready().await;
    ward.confirm(Incident::SessionsFlap).await;
    ward.mended(Incident::SessionsFlap).await;
}

/// Lets a process have few files more than it has open, or as many as usual.
fn limit_files(pid: u32, files: u64) {
    let limit = format!("--nofile={files}:");
    let limited = Command::new("prlimit").args(["--pid", &pid.to_string(), &limit]).status();
    assert!(limited.expect("there is prlimit").success(), "files can be limited");
}

async fn files_run_out(ward: &mut Ward) {
    let worker = ward.stage.fleet.member(WORKER).expect("it runs");
    let pid = worker.pid().expect("it runs");
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("it is ours").count();
    limit_files(pid, u64::try_from(open).expect("they are few") + 3);
    ward.confirm(Incident::FilesRunOut).await;
    limit_files(pid, 1024);
    ward.mended(Incident::FilesRunOut).await;
}

/// Spans go to where nobody listens, until somebody does.
async fn spans_lost(ward: &mut Ward) {
    let nowhere = format!("http://127.0.0.1:{}", closed_port());
    export_to(ward, &nowhere).await;
    pay_traced(ward, 6).await;
    ward.until_counted("orderflow_spans_total", "failed", 1.0).await;
    ward.confirm(Incident::CollectorAway).await;
    let collector = Collector::start().await;
    export_to(ward, &collector.url()).await;
    pay_traced(ward, 7).await;
    ward.until_counted("orderflow_spans_total", "exported", 1.0).await;
    ward.mended(Incident::CollectorAway).await;
}

async fn export_to(ward: &mut Ward, endpoint: &str) {
    ward.stop().await;
    for (name, value) in
        [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint), ("OTEL_BSP_SCHEDULE_DELAY", "100")]
    {
        ward.stage.fleet.set_for(WORKER, name, value);
    }
    ward.stage.fleet.spawn(WORKER).expect("the binary is built");
    ward.is_ready().await;
}

async fn pay_traced(ward: &Ward, number: u32) {
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let paid = captured(order_id(number), attempt_id(number), 10_000);
    ward.stage.publish(&[paid.attribute("traceparent", trace.into())]).await;
}

/// Somebody changes an order by hand and does not come to an end.
async fn hold(ward: &Ward, number: u32) -> testkit::Held {
    let row = format!("SELECT FROM orders WHERE id = '{}' FOR UPDATE", order_id(number));
    ward.stage.database.hold(&row).await
}

async fn stalled(ward: &mut Ward) {
    let held = hold(ward, 2).await;
    ward.pay(2).await;
    ward.until_counted("orderflow_messages_in_flight", "", 1.0).await;
    ward.confirm(Incident::Stalled).await;
    held.release().await;
    ward.until_paid(1).await;
    ward.mended(Incident::Stalled).await;
}

async fn row_held(ward: &mut Ward) {
    let held = hold(ward, 3).await;
    ward.pay(3).await;
    ward.until_counted("orderflow_message_failures_total", "db-busy", 1.0).await;
    ward.confirm(Incident::RowHeld).await;
    held.release().await;
    ward.mended(Incident::RowHeld).await;
}

/// A worker is stopped while it waits for a row, and gives its message back.
async fn stopped_early(ward: &mut Ward) {
    let held = hold(ward, 4).await;
    ward.pay(4).await;
    ward.until_counted("orderflow_messages_in_flight", "", 1.0).await;
    let scene = ward.scene(Incident::StoppedEarly);
    ward.stop().await;
    ward.typed.confirm(&scene, &ward.stage.database).await;
    held.release().await;
    ward.start();
    ward.is_ready().await;
    let paid =
        format!("SELECT count(*) FROM orders WHERE status = 'paid' AND id = '{}'", order_id(4));
    ward.stage.until("it is handled once more", &paid, 1).await;
    ward.typed.mend(&scene, &ward.stage.database).await;
}

/// Somebody holds a table, so that a check of it does not come to an end.
async fn table_locked(ward: &mut Ward) {
    let held =
        ward.stage.database.hold("LOCK TABLE unapplied_money IN ACCESS EXCLUSIVE MODE").await;
    ward.confirm(Incident::CheckTooLong).await;
    held.release().await;
    ward.mended(Incident::CheckTooLong).await;
}
