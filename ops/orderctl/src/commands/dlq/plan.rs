//! `orderctl dlq plan`: what a replay would do.

use std::collections::BTreeMap;
use std::fs;

use broker::Session;
use store::Database;
use store::letters::{self, Compiled, Filter, GroupRow, Page, Purpose};

use super::connect;
use crate::cli::{PlanArgs, WayArgs};
use crate::exit::{Exit, Failure};
use crate::letters::plan::{Basis, Broken, Contract, GroupShare, Plan, Target};
use crate::letters::plan_check::Judge;
use crate::progress::Bar;
use crate::render::Console;
use crate::settings::{BrokerAddress, Settings};

/// Bodies read at once.
const PAGE: i64 = 1000;
/// Most groups of a plan.
const GROUPS: i64 = 500;

pub(super) async fn run(
    args: &PlanArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let filter = args.on.read()?;
    let mut read = settings.read();
    let limits = read.limits();
    let broker = read.broker_if_set();
    let Some(limits) = limits else { return Err(read.refusal().into()) };
    read.checked()?;
    let now = runtime::now();
    let compiled = filter.compile(now);
    let mut database = connect(settings).await?;
    let WayArgs { to, force } = args.way.clone();
    let selection = letters::select(&mut database, &compiled, args.on.limit, force).await?;
    let wanted = replayable(&filter, force)?.compile(now);
    let groups = letters::groups(&mut database, &wanted, GROUPS).await?;
    let targets = targets(&groups, to.as_deref(), broker.as_ref()).await?;
    let mut check = Check { judge: Judge { limits }, actor: args.looker.name(), console };
    let contract = check.run(&mut database, &wanted, args.check.min(selection.selected)).await?;
    database.close().await?;
    let made_at = now.to_string();
    let (limit, selection) = (args.on.limit, &selection);
    let basis = Basis { made_at, filter: &compiled, limit, to, force, selection };
    let plan = Plan::new(basis, groups.iter().map(share).collect(), targets, contract);
    console.show(&plan)?;
    if let Some(file) = &args.out {
        let text = serde_json::to_string_pretty(&plan).expect("a plan has text keys");
        fs::write(file, text + "\n").map_err(|error| {
            let what = format!("failed to write the plan to {}", file.display());
            let next = "name a file that can be written";
            Failure::new(Exit::Failed, what, next).because(error.to_string())
        })?;
        let file = file.display();
        console.remark(&format!("written to {file}"));
        console.next(&format!("orderctl dlq replay --plan {file} --reason TEXT"));
    }
    Ok(if plan.selected == 0 { Exit::NothingFound } else { Exit::Done })
}

/// What of a filter may be replayed.
pub(super) fn replayable(filter: &Filter, force: bool) -> Result<Filter, Failure> {
    let parked = filter.clone().or_status(&["parked"]);
    if force {
        return Ok(parked);
    }
    let fresh: Filter = "replays<3".parse().expect("a constant that is a filter");
    parked.and(fresh).map_err(|error| {
        let next = "see how filters are written: `orderctl dlq list --help`";
        Failure::new(Exit::Usage, "failed to read the filter", next).because(error.to_string())
    })
}

fn share(group: &GroupRow) -> GroupShare {
    GroupShare {
        group: group.fingerprint.clone(),
        letters: group.matching,
        event_type: group.event_type.clone(),
        code: group.error_code.clone(),
    }
}

/// Where letters go, and whether that is there.
pub(super) async fn targets(
    groups: &[GroupRow],
    to: Option<&str>,
    broker: Option<&BrokerAddress>,
) -> Result<Vec<Target>, Failure> {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for group in groups {
        *counts.entry(to.unwrap_or(&group.source_queue)).or_default() += group.matching;
    }
    let session = match broker {
        Some(broker) => Some(Session::open(&broker.config).await?),
        None => None,
    };
    let mut targets = Vec::new();
    for (queue, letters) in counts {
        let there = match &session {
            Some(session) => Some(session.has_queue(queue).await?),
            None => None,
        };
        targets.push(Target { queue: queue.to_owned(), letters, there });
    }
    if let Some(session) = session {
        session.close().await;
    }
    Ok(targets)
}

/// A check of bodies against the contract.
struct Check {
    judge: Judge,
    actor: String,
    console: Console,
}

impl Check {
    async fn run(
        &mut self,
        database: &mut Database,
        filter: &Compiled,
        most: i64,
    ) -> Result<Contract, Failure> {
        let mut contract = Contract::default();
        let mut broken: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        let bar = Bar::begin(most, 0, self.console.is_quiet());
        let mut before = None;
        while contract.checked + contract.unreadable < most {
            let left = most - contract.checked - contract.unreadable;
            let page = Page { before, limit: left.min(PAGE) };
            let rows = letters::list(database, filter, page).await?;
            before = rows.last().map(|row| row.id);
            if before.is_none() {
                break;
            }
            let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
            let purpose = Purpose::Plan;
            let read = letters::content(database, &self.actor, "a plan", purpose, &ids).await?;
            contract.unreadable += i64::try_from(ids.len() - read.len()).unwrap_or(i64::MAX);
            for letter in read {
                let Ok(content) = letter.content else {
                    contract.unreadable += 1;
                    continue;
                };
                contract.checked += 1;
                match self.judge.judge(&letter.properties, &content).problems.into_iter().next() {
                    None => contract.valid += 1,
                    Some(problem) => {
                        broken.entry(problem.code).or_insert((0, letter.id)).0 += 1;
                    }
                }
            }
            bar.at(contract.checked + contract.unreadable, "bodies checked");
        }
        drop(bar);
        let broken = broken.into_iter();
        contract.broken = broken
            .map(|(code, (letters, one_of_them))| Broken { code, letters, one_of_them })
            .collect();
        Ok(contract)
    }
}
