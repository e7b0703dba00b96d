//! The incident of `ops/docs/dead-letters.md`: its commands, typed as they stand, print what the
//! page says they print. With `UPDATE_PAGE=1` the page is written anew where they do not.

mod alike;
mod page;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fleet::Fleet;
use system_tests::{
    Server, Servers, Stage, StageOptions, Surroundings, open_order, surroundings, typed,
};
use testkit::eventually;
use testkit::shop::ShopEvent;

use alike::alike;
use page::{Command, Piece};

const BOUND: Duration = Duration::from_mins(1);

/// The names of a deployment, as the page shows them.
const PREFIX: &str = "orderflow";

/// Orders that come as they should.
const GOOD: [u32; 3] = [1, 2, 3];
/// Orders whose total the shop's new checkout writes with decimals.
const DECIMAL: [u32; 3] = [4, 5, 6];
/// Orders over which the rules of the build that runs panic; the last comes later.
const PANIC: std::ops::Range<u32> = 10..23;
/// The order with decimals that comes when Postgres is about to go down.
const LATE: u32 = 7;

/// What happens on the page between two commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meanwhile {
    SentAnew,
    OneMorePanics,
    Mended,
    DatabaseDown,
}

impl Meanwhile {
    fn of(comment: &str) -> Self {
        match comment {
            "the shop sends the three orders anew" => Self::SentAnew,
            "one more order comes to the old build" => Self::OneMorePanics,
            "the mended build is rolled out" => Self::Mended,
            "Postgres goes down" => Self::DatabaseDown,
            other => panic!("nothing is known to happen when {other}"),
        }
    }
}

/// The system that the page is about.
struct Incident {
    stage: Stage,
    servers: Servers,
    /// The worker that runs: the build with the error, then the mended one.
    workers: Fleet,
    folder: tempfile::TempDir,
}

fn decimal(number: u32) -> ShopEvent {
    open_order(number).with("total", serde_json::json!({"amount_minor": 99.5, "currency": "EUR"}))
}

fn settings(options: StageOptions) -> StageOptions {
    options.with("ORDERFLOW_KEY_FILE", testkit::key_file().display().to_string())
}

impl Incident {
    async fn begin() -> Self {
        let servers = Servers::alone().await;
        let options = StageOptions::of(&["dead-letter-parker", "outbox-relay"]);
        let stage = Stage::start(settings(options).on(&servers).named(PREFIX)).await;
        let ids = PANIC.map(|number| open_order(number).json()["id"].clone());
        let faults = ids.map(|id| format!("panic:{}", id.as_str().unwrap_or_default()));
        let faults = faults.collect::<Vec<_>>().join(",");
        let workers = Self::deploy(&stage, &faults).await;
        let folder = tempfile::tempdir().expect("a folder can be made");
        let incident = Self { stage, servers, workers, folder };
        incident.publish(GOOD.map(open_order)).await;
        incident.publish(DECIMAL.map(decimal)).await;
        incident.until_parked(3).await;
        incident.publish(PANIC.take(12).map(open_order)).await;
        incident.until_parked(15).await;
        incident
    }

    async fn deploy(stage: &Stage, faults: &str) -> Fleet {
        let options = settings(StageOptions::of(&[])).with("ORDERFLOW_FAILPOINTS", faults);
        let mut fleet = stage.other_fleet(&options);
        fleet.spawn("order-created").expect("the binary is built");
        fleet.wait_until_ready(BOUND).await.expect("the worker becomes ready");
        fleet
    }

    async fn publish(&self, events: impl IntoIterator<Item = ShopEvent>) {
        self.stage.publish(&events.into_iter().collect::<Vec<_>>()).await;
    }

    async fn until_parked(&self, letters: i64) {
        let parked = "SELECT count(*) FROM dead_letters";
        self.stage.until("they are parked", parked, letters).await;
    }

    async fn happen(&mut self, what: Meanwhile) {
        match what {
            Meanwhile::SentAnew => {
                self.publish(DECIMAL.map(open_order)).await;
                let orders = "SELECT count(*) FROM orders";
                self.stage.until("they are opened", orders, 6).await;
            }
            Meanwhile::OneMorePanics => {
                self.publish(PANIC.last().map(open_order)).await;
                self.until_parked(16).await;
            }
            Meanwhile::Mended => {
                let mended = Self::deploy(&self.stage, "").await;
                let old = std::mem::replace(&mut self.workers, mended);
                old.stop(BOUND).await.expect("it stops in order");
            }
            Meanwhile::DatabaseDown => self.database_down().await,
        }
    }

    /// With a dead letter in its queue that nobody parked.
    async fn database_down(&mut self) {
        let mut parker = self.stage.fleet.take("dead-letter-parker").expect("it runs");
        parker.terminate();
        parker.wait_until_gone(BOUND).await.expect("it stops in order");
        self.publish([decimal(LATE)]).await;
        let queue = self.stage.names.dead_queue("order-created");
        eventually(BOUND, "it is in the dead queue", async || {
            let ready = self.stage.ready(&queue).await;
            if ready == 1 { Ok(()) } else { Err(ready) }
        })
        .await;
        self.servers.kill(Server::Database);
    }

    fn around(&self) -> Surroundings {
        let broker = self.servers.endpoints().amqp_url;
        let mut around = surroundings(&broker, PREFIX, self.stage.database.url());
        around.push(("ORDERFLOW_KEY_FILE", testkit::key_file().display().to_string()));
        around.push(("COLUMNS", "120".to_owned()));
        around
    }

    async fn end(mut self) {
        self.servers.start_again().await;
        self.stage.fleet.wait_until_ready(BOUND).await.expect("the relay comes back");
        self.workers.wait_until_ready(BOUND).await.expect("the worker comes back");
        self.workers.stop(BOUND).await.expect("it stops in order");
        self.stage.finish().await;
    }

    /// Types a command; what it printed, without spaces at the ends of lines.
    fn types(&self, command: &Command) -> String {
        let (exit, said) = typed(&command.typed, &self.around(), self.folder.path());
        assert_eq!(exit, Some(command.exit), "$ {}\n{said}", command.typed);
        let lines: Vec<_> = said.lines().map(str::trim_end).collect();
        lines.join("\n").trim_end().to_owned()
    }
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/docs/dead-letters.md")
}

#[tokio::test]
async fn every_command_of_the_page_prints_what_the_page_says() {
    let text = fs::read_to_string(path()).expect("the page can be read");
    let mut pieces = page::read(&text);
    let mut incident = Incident::begin().await;
    let mut others = Vec::new();
    for piece in &mut pieces {
        match piece {
            Piece::Line(_) => {}
            Piece::Meanwhile(comment) => incident.happen(Meanwhile::of(comment)).await,
            Piece::Command(command) => {
                let printed = incident.types(command);
                if alike(&printed) != alike(&command.prints) {
                    others.push(format!("$ {}\n{printed}", command.typed));
                    command.prints = printed;
                }
            }
        }
    }
    incident.end().await;
    if std::env::var_os("UPDATE_PAGE").is_some() {
        fs::write(path(), page::write(&pieces)).expect("the page can be written");
        return;
    }
    assert!(others.is_empty(), "the page says something else of:\n{}", others.join("\n\n"));
    assert_eq!(page::write(&pieces), text, "the page is not in the form that is written");
}
