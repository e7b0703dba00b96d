//! Our workers beside the bare pipe and the worker with a transaction per message.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde::Serialize;

use super::backlog::{self, percent, rows_line};
use crate::cli::Settings;
use crate::costs::{Cpu, Meter};
use crate::drain::until_gone;
use crate::looks::{self, Commits, Writes};
use crate::mix::Backlog;
use crate::processes;
use crate::reference::{Recipe, Reference, Running};
use crate::results::{Figures, number};
use crate::site::Site;
use crate::stats::{median, rate};

/// The per-message worker is slow: it gets this part of the backlog.
const PART_FOR_PER_MESSAGE: usize = 10;

/// One of the three, over all rounds.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Contender {
    /// Its name.
    pub(crate) name: &'static str,
    /// Messages of a backlog.
    pub(crate) messages: usize,
    /// Messages in a second from first to last commit, each round.
    pub(crate) per_second: Vec<f64>,
    /// The median of the rounds.
    pub(crate) median_per_second: f64,
    /// Processor time per message, the median of the rounds: it hardly depends on what else the
    /// machine does. None when a server is elsewhere.
    pub(crate) cpu_per_message: Option<Cpu>,
    #[serde(skip)]
    cpu: Vec<Cpu>,
    /// Rows written per message, by table.
    pub(crate) rows_per_message: BTreeMap<String, Writes>,
}

/// All three, and how ours compare.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    /// Ours first.
    pub(crate) contenders: Vec<Contender>,
    /// Ours over the pipe, the median of the rounds' ratios.
    pub(crate) ratio_to_pipe: f64,
    /// The share of our messages that came before their order and were parked, each round.
    pub(crate) parked: Vec<f64>,
    /// Ours until everything is settled and sent, over the pipe.
    pub(crate) settled_ratio_to_pipe: f64,
    /// Ours over the per-message worker; none when it did not run.
    pub(crate) ratio_to_per_message: Option<f64>,
}

/// One drain by a reference.
struct Drained {
    messages: usize,
    per_second: f64,
    cpu: Option<Cpu>,
    rows: BTreeMap<String, Writes>,
}

/// Measures round by round, so that whatever else the machine does hits all alike.
pub(crate) async fn run(settings: &Settings, with_per_message: bool) -> Result<Figure> {
    let mut ours = Contender::new("ours");
    let mut pipe = Contender::new(Reference::Pipe.name());
    let mut usual = Contender::new(Reference::PerMessage.name());
    let (mut settled, mut parked) = (Vec::new(), Vec::new());
    for round in 1..=settings.rounds {
        eprintln!("round {round} of {}", settings.rounds);
        let once = backlog::once(settings).await?;
        settled.push(once.round.settled_per_second);
        parked.push(once.round.parked);
        ours.add(Drained {
            messages: once.round.messages,
            per_second: once.round.committed_per_second,
            cpu: once.costs.cpu(once.round.messages),
            rows: once.writes,
        });
        let events = settings.events();
        pipe.add(drain(Reference::Pipe, settings, events, &once.recipe).await?);
        if with_per_message {
            let events = events / PART_FOR_PER_MESSAGE;
            usual.add(drain(Reference::PerMessage, settings, events, &once.recipe).await?);
        }
    }
    let ratio = |ours: &[f64], theirs: &[f64]| {
        median(&ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect::<Vec<_>>())
    };
    Ok(Figure {
        parked,
        ratio_to_pipe: ratio(&ours.per_second, &pipe.per_second),
        settled_ratio_to_pipe: ratio(&settled, &pipe.per_second),
        ratio_to_per_message: with_per_message.then(|| ratio(&ours.per_second, &usual.per_second)),
        contenders: if with_per_message { vec![ours, pipe, usual] } else { vec![ours, pipe] },
    })
}

async fn drain(
    which: Reference,
    settings: &Settings,
    events: usize,
    recipe: &Recipe,
) -> Result<Drained> {
    let backlog = Backlog::new(settings.seed, events, runtime::now());
    let messages = backlog.messages.len();
    let site = Site::new().await?;
    site.publish(&backlog.messages).await?;
    let mut database = site.connect().await?;
    looks::require_settings(&mut database).await?;
    // The reference runs in this process.
    let own = std::process::id();
    let (meter, before) = (Meter::start(&mut database).await?, processes::cpu(own)?);
    let mut running = Running::start(&site, which, recipe).await?;
    running.until_settled(messages).await?;
    let mut costs = meter.read_servers();
    costs.workers_cpu_s = processes::cpu(own)? - before;
    running.stop().await;
    ensure!(site.waiting().await? == 0, "messages came back when the reference stopped");
    until_gone(&mut database).await?;
    let decided = looks::decided(&mut database).await?;
    ensure!(decided == backlog.events, "{decided} of {} events were written", backlog.events);
    let per_second = rate(messages, Commits::of_inbox(&mut database, &[]).await?.seconds());
    let rows = looks::writes(&mut database, messages).await?;
    site.close().await?;
    Ok(Drained { messages, per_second, cpu: costs.cpu(messages), rows })
}

impl Contender {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            messages: 0,
            per_second: Vec::new(),
            median_per_second: 0.0,
            cpu_per_message: None,
            cpu: Vec::new(),
            rows_per_message: BTreeMap::new(),
        }
    }

    fn add(&mut self, drained: Drained) {
        self.messages = drained.messages;
        self.rows_per_message = drained.rows;
        self.per_second.push(drained.per_second);
        self.cpu.extend(drained.cpu);
        self.cpu_per_message = Cpu::median(&self.cpu);
        self.median_per_second = median(&self.per_second);
    }
}

impl Figures for Figure {
    const PART: &'static str = "references";

    fn rows(&self) -> (Vec<&'static str>, Vec<Vec<String>>) {
        let header =
            vec!["worker", "messages", "messages/s, median", "rounds", "CPU µs", "ours is"];
        let rows = self.contenders.iter().map(|contender| {
            let rounds: Vec<_> = contender.per_second.iter().map(|rate| number(*rate)).collect();
            let ratio = match contender.name {
                name if name == Reference::Pipe.name() => Some(self.ratio_to_pipe),
                name if name == Reference::PerMessage.name() => self.ratio_to_per_message,
                _ => None,
            };
            vec![
                contender.name.to_owned(),
                contender.messages.to_string(),
                number(contender.median_per_second),
                rounds.join(" "),
                contender
                    .cpu_per_message
                    .map_or_else(|| "unknown".to_owned(), |cpu| cpu.to_string()),
                ratio.map(|ratio| format!("{ratio:.2} x")).unwrap_or_default(),
            ]
        });
        (header, rows.collect())
    }

    fn notes(&self) -> Vec<String> {
        let rows = self.contenders.iter().map(|contender| {
            format!(
                "rows per message, {}: {}",
                contender.name,
                rows_line(&contender.rows_per_message)
            )
        });
        let settled = format!(
            "ours is {:.2} x the pipe when counted until all is acknowledged and published",
            self.settled_ratio_to_pipe
        );
        let cpu = "CPU µs are those of worker, broker and Postgres per message".to_owned();
        let parked: Vec<_> = self.parked.iter().map(|share| percent(*share)).collect();
        let parked =
            format!("of ours, came before their order and were parked: {}", parked.join(" "));
        rows.chain([settled, parked, cpu]).collect()
    }
}
