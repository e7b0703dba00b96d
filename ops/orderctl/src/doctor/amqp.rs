//! What AMQP itself tells: whether the broker answers, and what is declared there.

use broker::delay::{self, DelayChoice};
use broker::topology::{Drift, Object, Topology};
use broker::{DelayProvider, Names, Session};
use runtime::worker_routes;

use super::{Finding, Health};
use crate::drift::Difference;
use crate::exit::Failure;
use crate::settings::BrokerAddress;

/// What a deployment is to have on its broker.
pub(crate) struct Declared {
    /// Every exchange, queue and binding.
    pub(crate) topology: Topology,
    /// What delays messages there.
    pub(crate) provider: DelayProvider,
}

/// What is declared, and what that was held to; none when the broker is not reached.
pub(crate) async fn examine(
    broker: &BrokerAddress,
    names: &Names,
    choice: DelayChoice,
    findings: &mut Vec<Finding>,
) -> Option<Declared> {
    let provider = match delay::probe(&broker.config, choice).await {
        Ok((provider, why)) => {
            let found = format!("{provider}, because {why}");
            findings.push(Finding::good("broker-connection", "it answers and takes the login"));
            findings.push(Finding::good("delay-provider", found));
            provider
        }
        Err(error @ broker::Error::DelayPluginMissing) => {
            findings.push(Finding::failed("delay-provider", &Failure::from(error)));
            DelayProvider::Ladder
        }
        Err(error) => {
            findings.push(Finding::failed("broker-connection", &Failure::from(error)));
            return None;
        }
    };
    let topology = Topology::of(names, &worker_routes(), provider);
    match drifts(broker, &topology).await {
        Ok(drifts) => {
            findings.push(dead_letter_exchange(&drifts, names));
            findings.extend(differences(&drifts, &topology));
        }
        Err(error) => findings.push(Finding::failed("topology", &Failure::from(error))),
    }
    Some(Declared { topology, provider })
}

async fn drifts(broker: &BrokerAddress, topology: &Topology) -> Result<Vec<Drift>, broker::Error> {
    let session = Session::open(&broker.config).await?;
    let drifts = topology.verify(&session).await;
    session.close().await;
    drifts
}

/// Without it a rejected message is gone, and nobody is told.
fn dead_letter_exchange(drifts: &[Drift], names: &Names) -> Finding {
    let (check, name) = ("dead-letter-exchange", names.dead_exchange());
    if drifts.contains(&Drift::Missing(Object::Exchange(name.clone()))) {
        let found = format!("exchange {name} is missing: what a queue gives up is lost silently");
        return Finding::bad(Health::Wrong, check, found, "orderctl topology apply");
    }
    Finding::good(check, format!("exchange {name} exists"))
}

fn differences(drifts: &[Drift], topology: &Topology) -> Vec<Finding> {
    if drifts.is_empty() {
        let (exchanges, queues) = (topology.exchanges.len(), topology.queues.len());
        let found = format!("{exchanges} exchanges and {queues} queues are as they should be");
        return vec![Finding::good("topology", found)];
    }
    drifts.iter().map(|drift| wrong("topology", Difference::of(drift, topology))).collect()
}

/// A difference as a finding.
pub(super) fn wrong(check: &'static str, difference: Difference) -> Finding {
    let Difference { object, expected, found, fix } = difference;
    Finding::bad(Health::Wrong, check, format!("{object}: {found}, not {expected}"), fix)
}
