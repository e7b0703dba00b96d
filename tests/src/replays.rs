//! The replay run: dead letters by the thousand, from the dead queue to resolved.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;
use broker::{HeaderValue, Publication};
use runtime::headers;

use crate::exactness::{difference, odd_dead_letter};
use crate::operator::{Surroundings, surroundings_of, typed};
use crate::orders::open_order;
use crate::stage::{Stage, StageOptions};
use crate::tap::Tap;

/// Parks, groups, plans, replays and resolves dead letters, and prints how long each took.
///
/// Every replayed message is compared with its original, byte for byte and type for type. Build
/// with `cargo build --release --workspace --bins` and run
/// `cargo run --release -p system-tests --bin replay-run`.
#[derive(Clone, Debug, clap::Parser)]
pub struct Options {
    /// Dead letters.
    #[arg(long, default_value_t = 100_000)]
    pub letters: u32,
    /// Replays per second.
    #[arg(long, default_value_t = 500)]
    pub rate: u32,
    /// Replays whose outcome is awaited.
    #[arg(long, default_value_t = 500)]
    pub in_flight: u32,
}

/// Letters published at once.
const CHUNK: usize = 5_000;

/// What panicked; each makes a group of its own.
const CAUSES: [&str; 10] =
    ["tax", "rounding", "address", "basket", "coupon", "consent", "locale", "stock", "risk", "fee"];

/// What an operator types to find their way, before anything is replayed.
const LOOKS: [&str; 6] = [
    "orderctl dlq stats",
    "orderctl dlq groups",
    "orderctl dlq list --limit 50",
    "orderctl dlq search rounding",
    "orderctl dlq show 1",
    "orderctl dlq plan --all --out plan.json",
];

/// Runs and prints.
///
/// # Errors
/// When a command fails, a message differs, or the rate is missed by more than a tenth.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let Options { letters, rate, in_flight } = options;
    let cores = std::thread::available_parallelism()?;
    println!("{letters} letters, {rate}/s asked for, {in_flight} in flight, {cores} cores");
    let keys = testkit::key_file().display().to_string();
    let stage_options = StageOptions::of(&["order-created", "dead-letter-parker", "outbox-relay"])
        .with("ORDERFLOW_KEY_FILE", keys);
    let mut stage = Stage::prepare(&stage_options).await;
    let publications: Vec<_> = (0..letters).map(|number| letter(&stage, number)).collect();
    for chunk in publications.chunks(CHUNK) {
        stage.publish_raw(chunk.to_vec()).await;
    }
    let bound = Duration::from_mins(2) + Duration::from_millis(20) * letters;
    let queue = stage.names.work_queue("order-created");
    let tap = Tap::on(&stage, &stage.names.return_exchange(), &queue).await;
    let comparing = tokio::spawn(compare(tap, publications));

    let started = Instant::now();
    stage.start_workers(&stage_options).await;
    let parked = "SELECT count(*) FROM dead_letters WHERE status = 'parked'";
    stage.until_within(bound, "all are parked", parked, i64::from(letters)).await;
    tell("parked", letters, started.elapsed());

    let (around, folder) = (surroundings_of(&stage), tempfile::tempdir()?);
    for look in LOOKS {
        timed(look, &around, folder.path()).await?;
    }
    let replay = format!(
        "orderctl dlq replay --plan plan.json --rate {rate}/s --max-in-flight {in_flight} \
         --max-backlog 100000 --reason 'the bug is fixed' --yes --detach"
    );
    timed(&replay, &around, folder.path()).await?;
    let started = Instant::now();
    timed("orderctl replay watch 1", &around, folder.path()).await?;
    tell("replayed and resolved", letters, started.elapsed());
    timed("orderctl audit verify", &around, folder.path()).await?;

    let resolved = "SELECT count(*) FROM dead_letters WHERE status = 'resolved'";
    let found = stage.database.number(resolved).await;
    ensure!(found == i64::from(letters), "{found} of {letters} letters are resolved");
    let exact = tokio::time::timeout(bound, comparing).await???;
    println!("exact: {exact} of {letters} messages are as they were first sent, each sent once");
    let sent = pace(&stage).await;
    stage.finish().await;
    let wanted = i64::from(rate);
    ensure!((sent - wanted).abs() * 10 <= wanted, "{sent}/s is not {wanted}/s");
    Ok(())
}

fn letter(stage: &Stage, number: u32) -> Publication {
    let mut letter = odd_dead_letter(&stage.names, "order-created", &open_order(number));
    let cause = CAUSES[usize::try_from(number).unwrap_or_default() % CAUSES.len()];
    let said = format!("a rule panicked over the {cause} of message {number}");
    letter.properties.headers.insert(headers::ERROR_MESSAGE, HeaderValue::from(said));
    letter
}

/// Compares every replayed message with its original; how many there were.
async fn compare(mut tap: Tap, letters: Vec<Publication>) -> anyhow::Result<usize> {
    let all = letters.len();
    let id = |letter: &Publication| letter.properties.message_id.clone().unwrap_or_default();
    let mut left: HashMap<_, _> = letters.into_iter().map(|letter| (id(&letter), letter)).collect();
    ensure!(left.len() == all, "two letters have one id");
    while !left.is_empty() {
        let replayed = tap.next().await;
        let id = replayed.properties.message_id.clone().unwrap_or_default();
        let letter = left.remove(&id).ok_or_else(|| anyhow::anyhow!("{id} was sent twice"))?;
        if let Some(difference) = difference(&replayed, &letter) {
            anyhow::bail!("{id} differs in {difference}");
        }
    }
    Ok(all)
}

/// How many were sent per second, after telling it.
async fn pace(stage: &Stage) -> i64 {
    let per_hour =
        "SELECT (3600 * count(*) / extract(EPOCH FROM max(sent_at) - min(sent_at)))::bigint
                    FROM replay_items";
    let sent = stage.database.number(per_hour).await / 3600;
    let peak = "SELECT max(sent) FROM (
            SELECT count(*) AS sent FROM replay_items GROUP BY date_trunc('second', sent_at)
        ) AS seconds";
    let peak = stage.database.number(peak).await;
    println!("sent at {sent}/s, at most {peak} in a second");
    sent
}

/// Types a command that has to work, and tells how long it took.
async fn timed(command: &str, around: &Surroundings, folder: &Path) -> anyhow::Result<()> {
    let (typed_in, folder) = (folder.display().to_string(), folder.to_owned());
    let (wanted, around) = (command.to_owned(), around.clone());
    let started = Instant::now();
    let work = tokio::task::spawn_blocking(move || typed(&wanted, &around, &folder));
    let (exit, said) = work.await?;
    println!("{:.2?}: {command}", started.elapsed());
    ensure!(exit == Some(0), "{command} in {typed_in} exited with {exit:?}: {said}");
    Ok(())
}

fn tell(what: &str, letters: u32, took: Duration) {
    println!("{what}: {letters} in {took:.2?}, {:.0}/s", f64::from(letters) / took.as_secs_f64());
}
