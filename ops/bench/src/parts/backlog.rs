//! The main figure: a day's mix waits in the queues, all workers start, and work it off.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use fleet::Fleet;
use serde::Serialize;

use crate::cli::Settings;
use crate::costs::Costs;
use crate::drain::{ALL, Drained, Goal, drain};
use crate::looks::Writes;
use crate::mix::Backlog;
use crate::reference::Recipe;
use crate::results::{Figures, number};
use crate::site::Site;
use crate::stats::{float, median, rate};

/// One backlog worked off.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Round {
    /// Messages in the queues, copies included.
    pub(crate) messages: usize,
    /// Different events among them.
    pub(crate) events: usize,
    /// Seconds from the first commit to the last.
    pub(crate) commit_seconds: f64,
    /// Seconds from the first commit until all was acknowledged and every message of ours sent.
    pub(crate) settled_seconds: f64,
    /// Messages in a second, by the commits.
    pub(crate) committed_per_second: f64,
    /// Messages in a second until everything was settled.
    pub(crate) settled_per_second: f64,
    /// The share of messages that came before their order and were parked.
    pub(crate) parked: f64,
}

/// All rounds, with what a message costs.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    /// Each round.
    pub(crate) rounds: Vec<Round>,
    /// The median of the rounds.
    pub(crate) committed_per_second: f64,
    /// The median of the rounds.
    pub(crate) settled_per_second: f64,
    /// Rows written per message, by table.
    pub(crate) rows_per_message: BTreeMap<String, Writes>,
}

/// What a message costs, measured in the same rounds.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CostsOfBacklog {
    /// Each round.
    pub(crate) rounds: Vec<Costs>,
}

/// Measures; the costs are those of the same rounds.
pub(crate) async fn run(settings: &Settings) -> Result<(Figure, CostsOfBacklog)> {
    let mut rounds = Vec::new();
    let mut costs = Vec::new();
    let mut rows_per_message = BTreeMap::new();
    for _ in 0..settings.backlog_rounds() {
        let once = once(settings).await?;
        rounds.push(once.round);
        costs.push(once.costs);
        rows_per_message = once.writes;
    }
    Ok((Figure::new(rounds, rows_per_message), CostsOfBacklog { rounds: costs }))
}

/// A round with all that it shows.
pub(crate) struct Once {
    /// How fast it was.
    pub(crate) round: Round,
    /// What it cost.
    pub(crate) costs: Costs,
    /// Rows per message.
    pub(crate) writes: BTreeMap<String, Writes>,
    /// Rows by kind of event, for references.
    pub(crate) recipe: Recipe,
}

/// Works one backlog off, on a site of its own.
pub(crate) async fn once(settings: &Settings) -> Result<Once> {
    let site = Site::new().await?;
    let (round, drained) = once_on(&site, settings, settings.events(), 0, site.fleet()).await?;
    let recipe = Recipe::read(&mut site.connect().await?).await?;
    site.close().await?;
    Ok(Once { round, costs: drained.costs, writes: drained.writes, recipe })
}

/// Works off so many messages on a site whose inbox holds so many rows already.
pub(crate) async fn once_on(
    site: &Site,
    settings: &Settings,
    messages: usize,
    in_inbox: usize,
    fleet: Fleet,
) -> Result<(Round, Drained)> {
    let backlog = Backlog::new(settings.seed, messages, runtime::now());
    site.publish(&backlog.messages).await?;
    let goal = Goal {
        in_inbox: in_inbox + backlog.events,
        messages: backlog.messages.len(),
        sent: true,
        kinds: &[],
    };
    let drained = drain(site, fleet, &ALL, goal).await?;
    // Nobody takes dead letters away here: they would be waiting still.
    let refused = "SELECT count(*) FROM inbox WHERE outcome IN ('rejected', 'quarantined')";
    let refused = site.database.number(refused).await;
    ensure!(refused == 0, "{refused} events of the mix were refused");
    Ok((Round::new(&backlog, &drained), drained))
}

impl Round {
    fn new(backlog: &Backlog, drained: &Drained) -> Self {
        let (messages, commits) = (backlog.messages.len(), drained.commits);
        let commit_seconds = commits.seconds();
        let settled_seconds = drained.settled_at.since(commits.first).as_secs_f64();
        Self {
            messages,
            events: backlog.events,
            commit_seconds,
            settled_seconds,
            committed_per_second: rate(messages, commit_seconds),
            settled_per_second: rate(messages, settled_seconds),
            parked: drained.writes.get("parked_events").map_or(0.0, |it| it.inserted),
        }
    }
}

impl Figure {
    fn new(rounds: Vec<Round>, rows_per_message: BTreeMap<String, Writes>) -> Self {
        let middle = |of: fn(&Round) -> f64| median(&rounds.iter().map(of).collect::<Vec<_>>());
        Self {
            committed_per_second: middle(|round| round.committed_per_second),
            settled_per_second: middle(|round| round.settled_per_second),
            rounds,
            rows_per_message,
        }
    }
}

impl Figures for Figure {
    const PART: &'static str = "backlog";

    fn rows(&self) -> (Vec<&'static str>, Vec<Vec<String>>) {
        let header = vec![
            "round",
            "messages",
            "committed s",
            "messages/s",
            "settled s",
            "settled/s",
            "parked",
        ];
        let mut rows: Vec<Vec<String>> = (1..)
            .zip(&self.rounds)
            .map(|(index, round): (usize, &Round)| {
                vec![
                    index.to_string(),
                    number(float(round.messages)),
                    number(round.commit_seconds),
                    number(round.committed_per_second),
                    number(round.settled_seconds),
                    number(round.settled_per_second),
                    percent(round.parked),
                ]
            })
            .collect();
        let (committed, settled) = (self.committed_per_second, self.settled_per_second);
        let empty = String::new;
        rows.push(vec![
            "median".to_owned(),
            empty(),
            empty(),
            number(committed),
            empty(),
            number(settled),
            percent(median(&self.rounds.iter().map(|round| round.parked).collect::<Vec<_>>())),
        ]);
        (header, rows)
    }

    fn notes(&self) -> Vec<String> {
        vec![format!("rows written per message: {}", rows_line(&self.rows_per_message))]
    }
}

/// A share as people write it.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// Rows per message in one line: inserted, and updated after a plus.
pub(crate) fn rows_line(writes: &BTreeMap<String, Writes>) -> String {
    let sum = |of: fn(&Writes) -> f64| writes.values().map(of).sum::<f64>();
    let tables = writes.iter().filter(|(_, writes)| writes.inserted + writes.updated >= 0.005);
    let tables: Vec<_> =
        tables.map(|(table, it)| format!("{table} {:.2}+{:.2}", it.inserted, it.updated)).collect();
    format!(
        "{:.2} inserted + {:.2} updated ({})",
        sum(|it| it.inserted),
        sum(|it| it.updated),
        tables.join(", ")
    )
}

impl Figures for CostsOfBacklog {
    const PART: &'static str = "costs";

    fn rows(&self) -> (Vec<&'static str>, Vec<Vec<String>>) {
        let header = vec![
            "round",
            "workers CPU µs",
            "broker CPU µs",
            "Postgres CPU µs",
            "statements",
            "transactions",
            "WAL bytes",
        ];
        let rows = (1..).zip(&self.rounds).map(|(index, costs): (usize, &Costs)| {
            let micros = |seconds: f64| number(seconds * 1e6 / float(costs.messages.max(1)));
            let known = |value: Option<String>| value.unwrap_or_else(|| "unknown".to_owned());
            vec![
                index.to_string(),
                micros(costs.workers_cpu_s),
                known(costs.broker_cpu_s.map(micros)),
                known(costs.postgres_cpu_s.map(micros)),
                known(costs.statements_per_message.map(number)),
                number(costs.transactions_per_message),
                number(costs.wal_bytes_per_message),
            ]
        });
        (header, rows.collect())
    }

    fn notes(&self) -> Vec<String> {
        let last = self.rounds.last().into_iter().flat_map(|costs| &costs.peak_rss_mib);
        let peaks: Vec<_> = last.map(|(name, mib)| format!("{name} {mib:.0}")).collect();
        vec![
            "All per message, from start to settled.".to_owned(),
            format!("peak memory in MiB: {}", peaks.join(", ")),
        ]
    }
}
