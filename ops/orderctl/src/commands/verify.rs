//! `orderctl verify`: the invariants, proven on the live database.

use std::path::Path;

use store::Database;
use store::violations::Check;
use telemetry::{Exposition, catalogue};
use tokio::time::Instant;

use crate::cli::VerifyArgs;
use crate::exit::{Exit, Failure};
use crate::invariants::{Findings, NUMBERS};
use crate::progress::Progress;
use crate::render::Console;
use crate::settings::Settings;
use crate::textfile;

/// Checks invariants one by one, as of one moment of the database.
pub(crate) async fn run(
    args: VerifyArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let mut read = settings.read();
    let Some(config) = read.database() else { return Err(read.refusal().into()) };
    let mut database = Database::connect(&config).await?;
    let moment = runtime::now();
    let mut check = Check::begin(&mut database, args.limit).await?;
    let findings = look(&mut check, &args.only, console).await?;
    check.end().await?;
    database.close().await?;
    if let Some(path) = &args.textfile {
        write_gauges(path, &findings, moment)?;
    }
    console.show(&findings)?;
    Ok(verdict(&findings, console))
}

/// Looks for each invariant that is wanted; for all of them, when none is named.
async fn look(
    check: &mut Check<'_>,
    only: &[String],
    console: Console,
) -> Result<Findings, Failure> {
    let wanted = |number: &&&str| only.is_empty() || only.iter().any(|it| it == **number);
    let numbers: Vec<&str> = NUMBERS.iter().filter(wanted).copied().collect();
    let mut progress = Progress::begin(numbers.len(), console.is_quiet());
    let mut findings = Findings::default();
    for number in numbers {
        let began = Instant::now();
        let found = progress.step(number, check.of(number)).await?;
        findings.add(number, found, began.elapsed());
    }
    if only.is_empty() {
        let known: Vec<String> = NUMBERS.iter().map(|number| (*number).to_owned()).collect();
        findings.add_further(check.of_none(&known).await?);
    }
    Ok(findings)
}

fn verdict(findings: &Findings, console: Console) -> Exit {
    if findings.any_violated() {
        console.remark("what happened to an order is told by `orderctl order show ID`");
        return Exit::Drift;
    }
    if findings.any_unchecked() {
        console.remark("give it more time with `--limit`, or look for it alone with `--only`");
        return Exit::Failed;
    }
    Exit::Done
}

fn write_gauges(
    path: &Path,
    findings: &Findings,
    moment: domain::Timestamp,
) -> Result<(), Failure> {
    let mut gauges = Exposition::default();
    gauges.add(catalogue::INVARIANT_VIOLATIONS, findings.counts());
    gauges.add(catalogue::INVARIANT_CHECKED, findings.checked());
    gauges.add(catalogue::INVARIANT_CHECK_DURATION, findings.durations());
    let seconds = moment.since(domain::Timestamp::EPOCH).as_secs_f64();
    gauges.add(catalogue::VERIFY_TIMESTAMP, [([], seconds)]);
    textfile::replace(path, &gauges)
}
