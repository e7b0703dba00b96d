//! `orderctl topology`: render, apply, verify.

use broker::delay::{self, DelayChoice};
use broker::topology::{Account, Drift, Topology, accounts, accounts_json};
use broker::{DelayProvider, Names, Session};
use runtime::worker_routes;
use serde::Serialize;

use crate::cli::{RenderArgs, TopologyCommand};
use crate::drift::{Difference, kind_name};
use crate::exit::{Exit, Failure};
use crate::management;
use crate::render::{Console, Format, Style, Tone, View, print_json};
use crate::settings::{BrokerAddress, Settings};

/// Runs one of the commands on topology.
pub(crate) async fn run(
    command: TopologyCommand,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    match command {
        TopologyCommand::Render(args) => render(&args, settings, console),
        TopologyCommand::Accounts(args) => print_accounts(&args, settings, console),
        TopologyCommand::Apply => apply(settings, console).await,
        TopologyCommand::Verify => verify(settings, console).await,
    }
}

fn render(args: &RenderArgs, settings: &Settings, console: Console) -> Result<Exit, Failure> {
    let (names, choice, provider) = named(settings)?;
    if choice == DelayChoice::Auto {
        console.remark(
            "rendered for the delay ladder; a broker with the delay plugin also needs what \
             `--delay plugin` renders",
        );
    }
    let topology = Topology::of(&names, &worker_routes(), provider);
    match console.format_or(Format::Json) {
        Format::Json => print_json(&topology.definitions_json(&args.vhost))?,
        Format::Table | Format::Wide | Format::Ndjson | Format::Csv => {
            console.show(&Rendered(topology))?;
        }
    }
    Ok(Exit::Done)
}

/// The names, and what delays timers as far as that can be told without a broker.
fn named(settings: &Settings) -> Result<(Names, DelayChoice, DelayProvider), Failure> {
    let mut read = settings.read();
    let (names, choice) = (read.names(), read.delay());
    let (Some(names), Some(choice)) = (names, choice) else { return Err(read.refusal().into()) };
    let provider = match choice {
        DelayChoice::Auto | DelayChoice::Ladder => DelayProvider::Ladder,
        DelayChoice::Plugin => DelayProvider::Plugin,
    };
    Ok((names, choice, provider))
}

fn print_accounts(
    args: &RenderArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let (names, _, provider) = named(settings)?;
    let accounts = accounts(&names, &worker_routes(), provider);
    match console.format_or(Format::Json) {
        Format::Json => print_json(&accounts_json(&accounts, &args.vhost))?,
        Format::Table | Format::Wide | Format::Ndjson | Format::Csv => {
            console.show(&Accounts(accounts))?;
        }
    }
    Ok(Exit::Done)
}

/// Users of the broker for people.
#[derive(Serialize)]
struct Accounts(Vec<Account>);

impl View for Accounts {
    fn text(&self, style: Style) -> String {
        let rows = self.0.iter().flat_map(|account| {
            [
                [account.name.clone(), "configure".to_owned(), account.configure.clone()],
                [String::new(), "write".to_owned(), account.write.clone()],
                [String::new(), "read".to_owned(), account.read.clone()],
            ]
        });
        style.table(["USER", "RIGHT", "NAMES"], rows)
    }
}

/// A connection to the broker, and what it should hold.
struct Deployment {
    session: Session,
    topology: Topology,
}

impl Deployment {
    async fn open(
        broker: &BrokerAddress,
        names: &Names,
        choice: DelayChoice,
        console: Console,
    ) -> Result<Self, Failure> {
        let (provider, why) = delay::probe(&broker.config, choice).await?;
        console.remark(&format!("delayed exchange: {provider}, because {why}"));
        let session = Session::open(&broker.config).await?;
        Ok(Self { session, topology: Topology::of(names, &worker_routes(), provider) })
    }
}

async fn apply(settings: &Settings, console: Console) -> Result<Exit, Failure> {
    let mut read = settings.read();
    let (broker, names, choice) = (read.broker(), read.names(), read.delay());
    let (Some(broker), Some(names), Some(choice)) = (broker, names, choice) else {
        return Err(read.refusal().into());
    };
    let Deployment { session, topology } =
        Deployment::open(&broker, &names, choice, console).await?;
    let drifts = topology.verify(&session).await?;
    let different = |drift: &&Drift| matches!(drift, Drift::Different { .. });
    let refused: Vec<_> = drifts.iter().filter(different).collect();
    if !refused.is_empty() {
        session.close().await;
        let names: Vec<_> = refused.iter().map(ToString::to_string).collect();
        return Err(Failure::new(
            Exit::Drift,
            "failed to declare the topology: objects exist that were declared differently; \
             nothing was changed",
            "see how to mend each: `orderctl topology verify`",
        )
        .because(names.join("\n        ")));
    }
    topology.apply(&session).await?;
    session.close().await;
    console.show(&Applied::new(&topology, &drifts))?;
    Ok(Exit::Done)
}

async fn verify(settings: &Settings, console: Console) -> Result<Exit, Failure> {
    let mut read = settings.read();
    let (broker, names, choice) = (read.broker(), read.names(), read.delay());
    let management = read.management();
    let (Some(broker), Some(names), Some(choice)) = (broker, names, choice) else {
        return Err(read.refusal().into());
    };
    read.checked()?;
    let Deployment { session, topology } =
        Deployment::open(&broker, &names, choice, console).await?;
    let drifts = topology.verify(&session).await?;
    session.close().await;
    let mut differences: Vec<_> =
        drifts.iter().map(|drift| Difference::of(drift, &topology)).collect();
    if let Some(url) = &management {
        let found = management::bindings(url, &broker.vhost).await?;
        differences.extend(Difference::of_bindings(&topology, &found));
    } else {
        console.remark("bindings were not checked: set ORDERFLOW_MANAGEMENT_URL to check them");
    }
    let exit = if differences.is_empty() { Exit::Done } else { Exit::Drift };
    console.show(&Verified {
        exchanges: topology.exchanges.len(),
        queues: topology.queues.len(),
        bindings: management.is_some().then_some(topology.bindings.len()),
        differences,
    })?;
    Ok(exit)
}

/// A topology for people.
#[derive(Serialize)]
struct Rendered(Topology);

impl View for Rendered {
    fn text(&self, style: Style) -> String {
        let Self(topology) = self;
        let objects = topology
            .exchanges
            .iter()
            .map(|it| [format!("{} exchange", kind_name(it.kind)), it.name.clone()])
            .chain(topology.queues.iter().map(|it| ["quorum queue".to_owned(), it.name.clone()]));
        let bindings = topology
            .bindings
            .iter()
            .map(|it| [it.source.clone(), it.routing_key.clone(), it.destination.clone()]);
        let objects = style.table(["OBJECT", "NAME"], objects);
        let bindings = style.table(["FROM", "KEY", "TO"], bindings);
        format!("{objects}\n\n{bindings}")
    }
}

/// What `apply` did.
#[derive(Serialize)]
struct Applied {
    created: Vec<String>,
    unchanged: usize,
    bindings: usize,
}

impl Applied {
    fn new(topology: &Topology, before: &[Drift]) -> Self {
        let created = |drift: &Drift| match drift {
            Drift::Missing(object) | Drift::Different { object, .. } => object.to_string(),
        };
        let all = topology.exchanges.len() + topology.queues.len();
        Self {
            created: before.iter().map(created).collect(),
            unchanged: all - before.len(),
            bindings: topology.bindings.len(),
        }
    }
}

impl View for Applied {
    fn text(&self, style: Style) -> String {
        let created = self.created.iter().map(|it| format!("created {it}\n"));
        let summary = format!(
            "{} created, {} already as they should be, {} bindings in place",
            self.created.len(),
            self.unchanged,
            self.bindings
        );
        format!("{}{}", created.collect::<String>(), style.tint(Tone::Good, &summary))
    }
}

/// What `verify` found.
#[derive(Serialize)]
struct Verified {
    exchanges: usize,
    queues: usize,
    /// How many bindings were compared; absent when none were.
    bindings: Option<usize>,
    differences: Vec<Difference>,
}

impl View for Verified {
    fn text(&self, style: Style) -> String {
        let bindings = match self.bindings {
            Some(count) => format!("{count} bindings"),
            None => "no bindings".to_owned(),
        };
        let compared =
            format!("compared {} exchanges, {} queues, {bindings}", self.exchanges, self.queues);
        if self.differences.is_empty() {
            let good = style.tint(Tone::Good, "no difference");
            return format!("{compared}: {good}");
        }
        let rows = self.differences.iter().cloned().map(|it| {
            let Difference { object, expected, found, fix } = it;
            [object, expected, found, fix]
        });
        let table = style.table(["OBJECT", "EXPECTED", "FOUND", "FIX"], rows);
        let bad = style.tint(Tone::Bad, &format!("{} different", self.differences.len()));
        format!("{table}\n\n{compared}: {bad}")
    }
}
