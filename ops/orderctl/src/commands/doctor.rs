//! `orderctl doctor`: what is wrong with a live deployment.

use crate::doctor::{Diagnosis, examine_broker, examine_database, examine_topology};
use crate::exit::{Exit, Failure};
use crate::render::Console;
use crate::settings::Settings;

/// Looks at broker and database, and changes nothing.
pub(crate) async fn run(settings: &Settings, console: Console) -> Result<Exit, Failure> {
    let mut read = settings.read();
    let (broker, database) = (read.broker(), read.database());
    let (names, choice) = (read.names(), read.delay());
    let management = read.management();
    let (Some(broker), Some(database), Some(names), Some(choice)) =
        (broker, database, names, choice)
    else {
        return Err(read.refusal().into());
    };
    read.checked()?;
    let mut findings = Vec::new();
    if let Some(declared) = examine_topology(&broker, &names, choice, &mut findings).await {
        let url = management.as_ref();
        examine_broker(url, &broker.vhost, &names, &declared, &mut findings).await;
    }
    examine_database(&database, &mut findings).await;
    let diagnosis = Diagnosis::of(findings);
    console.show(&diagnosis)?;
    Ok(diagnosis.exit())
}
