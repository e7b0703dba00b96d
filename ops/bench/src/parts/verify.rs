//! How long the check of the invariants takes, each by itself and all of them.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde::Serialize;
use sqlx::PgConnection;
use store::violations::Check;
use store::{Database, DatabaseConfig};
use tokio::time::Instant;

use crate::cli::Settings;
use crate::progress::Progress;
use crate::results::{Figures, number};
use crate::seed;
use crate::site::Site;
use crate::stats::{float, median};

/// No invariant is given up before this.
const LIMIT: Duration = Duration::from_hours(1);
/// Bytes in the unit of temporary files.
const MEBIBYTE: f64 = 1_048_576.0;

/// How long a check takes.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    /// Orders that are checked.
    pub(crate) orders: usize,
    /// Seconds of each whole check.
    pub(crate) seconds: Vec<f64>,
    /// Seconds of each invariant in each check.
    pub(crate) by_invariant: BTreeMap<String, Vec<f64>>,
    /// What one check wrote to disk because it did not fit into memory.
    pub(crate) temporary_mib: f64,
}

/// Measures; the first round finds the tables in the state that their writing left.
pub(crate) async fn run(settings: &Settings) -> Result<Figure> {
    let orders: i64 = settings.choose(1_000_000, 50_000);
    let site = Site::new().await?;
    let mut looker = site.connect().await?;
    seed::lived_orders(&mut looker, orders).await?;
    seed::analyze(&mut looker).await?;
    let numbers = numbers(&mut looker).await?;
    let config = DatabaseConfig::new(site.database_url().parse()?, "orderflow/bench");
    let mut database = Database::connect(&config).await?;
    let before = seed::temporary_bytes(&mut looker).await?;
    let mut figure = Figure {
        orders: usize::try_from(orders)?,
        seconds: Vec::new(),
        by_invariant: BTreeMap::new(),
        temporary_mib: 0.0,
    };
    for _ in 0..settings.rounds {
        round(&mut database, &numbers, &mut figure).await?;
    }
    // The server counts a connection's temporary files when it is idle or gone.
    database.close().await?;
    let written = seed::temporary_bytes(&mut looker).await? - before;
    figure.temporary_mib = float(usize::try_from(written)?) / MEBIBYTE / float(settings.rounds);
    site.close().await?;
    Ok(figure)
}

async fn round(database: &mut Database, numbers: &[String], figure: &mut Figure) -> Result<()> {
    let progress = Progress::begin("Checking the invariants", numbers.len());
    let began = Instant::now();
    let mut check = Check::begin(database, LIMIT).await?;
    for (done, number) in (1..).zip(numbers) {
        let began = Instant::now();
        let found = check.of(number).await?;
        ensure!(found == Some(Vec::new()), "{number} is violated by what was written: {found:?}");
        let seconds = began.elapsed().as_secs_f64();
        figure.by_invariant.entry(number.clone()).or_default().push(seconds);
        progress.set(done);
    }
    check.end().await?;
    figure.seconds.push(began.elapsed().as_secs_f64());
    Ok(())
}

/// The numbers of all invariants, as the view has them.
async fn numbers(database: &mut PgConnection) -> Result<Vec<String>> {
    let sql = "/* bench */ SELECT DISTINCT found[1]
        FROM regexp_matches(
            pg_get_viewdef('violations'::regclass), '''(I[0-9]{2}) ', 'g'
        ) AS found
        ORDER BY 1";
    Ok(sqlx::query_scalar(sql).fetch_all(database).await?)
}

impl Figures for Figure {
    const PART: &'static str = "verify";

    fn rows(&self) -> (Vec<&'static str>, Vec<Vec<String>>) {
        let row = |name: String, seconds: &[f64]| {
            let each: Vec<_> = seconds.iter().map(|it| number(*it)).collect();
            vec![name, number(median(seconds)), each.join(" ")]
        };
        let mut rows: Vec<_> =
            self.by_invariant.iter().map(|(name, seconds)| row(name.clone(), seconds)).collect();
        rows.push(row("all".to_owned(), &self.seconds));
        (vec!["invariant", "seconds, median", "rounds"], rows)
    }

    fn notes(&self) -> Vec<String> {
        let orders = number(float(self.orders));
        vec![format!("{orders} orders; {} MiB of temporary files", number(self.temporary_mib))]
    }
}
