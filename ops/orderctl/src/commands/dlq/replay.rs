//! `orderctl dlq replay`: letters sent home.

use std::fs;
use std::path::Path;

use store::letters::{self, Compiled, Filter, GroupRow, Refusal, Terms};

use super::connect;
use super::plan::{replayable, targets};
use crate::cli::ReplayArgs;
use crate::commands::replay::{detached, follow, interrupts};
use crate::exit::{Exit, Failure};
use crate::letters::confirm::{Question, confirm};
use crate::letters::letters as counted;
use crate::letters::plan::Plan;
use crate::render::Console;
use crate::settings::Settings;

/// Most groups that are looked at before a replay.
const GROUPS: i64 = 500;

/// What somebody named.
enum Source {
    Filter(Filter),
    Plan(Box<Plan>),
}

/// What is replayed: a filter's letters, or those of a plan.
struct Wanted {
    compiled: Compiled,
    expected: Option<Vec<u8>>,
    limit: Option<i64>,
    to: Option<String>,
    force: bool,
    count: i64,
    groups: Vec<GroupRow>,
}

pub(super) async fn run(
    args: &ReplayArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let source = match args.plan.as_deref() {
        Some(file) => Source::Plan(Box::new(read_plan(file)?)),
        None => Source::Filter(args.on.read()?),
    };
    let mut read = settings.read();
    let broker = read.broker_if_set();
    read.checked()?;
    let mut database = connect(settings).await?;
    let mut wanted = match &source {
        Source::Filter(filter) => {
            let force = args.way.force;
            let (limit, now) = (args.on.limit, runtime::now());
            let matching = replayable(filter, force)?.compile(now);
            let groups = letters::groups(&mut database, &matching, GROUPS).await?;
            let (compiled, to) = (filter.compile(now), args.way.to.clone());
            let selection = letters::select(&mut database, &compiled, limit, force).await?;
            let count = selection.selected;
            Wanted { compiled, expected: None, limit, to, force, count, groups }
        }
        Source::Plan(plan) => Wanted {
            compiled: Compiled::from_json(plan.compiled.clone(), plan.filter.clone()),
            expected: Some(plan.digest()),
            limit: plan.limit,
            to: plan.to.clone(),
            force: plan.force,
            count: plan.selected,
            groups: Vec::new(),
        },
    };
    if let Source::Plan(plan) = &source {
        let selection =
            letters::select(&mut database, &wanted.compiled, wanted.limit, wanted.force).await?;
        if Some(&selection.digest) != wanted.expected.as_ref() {
            return Err(drifted(plan, selection.selected, args.plan.as_deref()));
        }
        wanted.groups = letters::groups(&mut database, &wanted.compiled, GROUPS).await?;
    }
    let ways = targets(&wanted.groups, wanted.to.as_deref(), broker.as_ref()).await?;
    if let Some(gone) = ways.iter().find(|target| target.there == Some(false)) {
        return Err(no_target(&gone.queue));
    }
    if wanted.count > 0 {
        let (count, groups) = (wanted.count, &*wanted.groups);
        confirm(Question { deed: "replay", count, groups }, args.sure.yes, console)?;
    }
    // From here on something goes on without this program, and Ctrl-C has to tell so.
    let interrupts = interrupts()?;
    let terms = terms(args, &wanted);
    let expected = wanted.expected.as_deref();
    let started =
        letters::start(&mut database, args.said.said(), &wanted.compiled, &terms, expected).await;
    let started = started.map_err(|error| not_started(error, args))?;
    let batch = started.batch_id;
    console.remark(&format!("replay {batch} has {}", counted(started.claimed)));
    if started.held > 0 {
        console.remark(&format!("{} are part of another replay and stay", counted(started.held)));
    }
    if started.guarded > 0 {
        console.remark(&format!("{} were replayed 3 times and stay", counted(started.guarded)));
    }
    if args.detach {
        return detached(&mut database, batch, console).await;
    }
    follow(&mut database, batch, interrupts, console).await
}

fn read_plan(file: &Path) -> Result<Plan, Failure> {
    let shown = file.display().to_string();
    let text = fs::read_to_string(file).map_err(|error| {
        let next = "write one: `orderctl dlq plan FILTER --out FILE`";
        let what = format!("failed to read a plan from {shown}");
        Failure::new(Exit::Usage, what, next).because(error.to_string())
    })?;
    Plan::read(&text, &shown)
}

fn terms(args: &ReplayArgs, wanted: &Wanted) -> Terms {
    let pace = args.pace;
    Terms {
        target: wanted.to.clone(),
        rate_per_second: pace.rate,
        max_in_flight: pace.max_in_flight,
        canary: pace.canary,
        stop_percent: pace.stop_if_reparked.percent,
        stop_after: pace.stop_if_reparked.after,
        max_backlog: pace.max_backlog,
        most: wanted.limit,
        forced: wanted.force,
    }
}

fn drifted(plan: &Plan, selected: i64, file: Option<&Path>) -> Failure {
    let file = file.map(|file| file.display().to_string()).unwrap_or_default();
    let what = "failed to replay: the plan is stale, and nothing was changed";
    let why = format!(
        "it selected {} at {}, and now {selected} others, or the same after another failure, match",
        counted(plan.selected),
        plan.made_at
    );
    let next = format!("plan anew: `orderctl dlq plan --filter '{}' --out {file}`", plan.filter);
    Failure::new(Exit::Conflict, what, next).because(why)
}

fn no_target(queue: &str) -> Failure {
    let what = format!("failed to replay: there is no queue {queue}, and nothing was changed");
    let next = "declare it: `orderctl topology apply`; or name another one: `--to QUEUE`";
    Failure::new(Exit::Drift, what, next).because("its messages would come back at once")
}

/// The database's refusal with what to type next for this very command.
fn not_started(error: store::Error, args: &ReplayArgs) -> Failure {
    let refusal = Refusal::of(&error).map(|(refusal, _)| refusal);
    let failure = Failure::from(error);
    let next = match refusal {
        Some(Refusal::Held) => "see who has them: `orderctl replay list --open`".to_owned(),
        Some(Refusal::OtherSelection) => {
            let file = args.plan.as_ref().map(|file| file.display().to_string());
            format!("plan anew: `orderctl dlq plan .. --out {}`", file.unwrap_or_default())
        }
        Some(Refusal::Guarded) => {
            "see what failed: `orderctl dlq list 'replays>=3'`; `--force` replays them all the same"
                .to_owned()
        }
        _ => failure.next.clone(),
    };
    Failure { next, ..failure }
}
