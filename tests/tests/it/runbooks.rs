//! The commands of every runbook, typed as they stand, against the incident staged for it.

mod broker;
mod database;
mod homeward;
mod letters;
mod refusals;
mod replays;
mod script;
mod surroundings;
mod table;
mod workers_gone;

use std::collections::BTreeSet;
use std::time::Duration;

use fleet::Member;
use system_tests::Surroundings;
use testkit::{TestDatabase, eventually};

use script::{Part, Step, Typed, in_place, pages, steps};
use surroundings::Staged;
use table::{INCIDENTS, Incident, UNSTAGED};

/// How long anything may take before a test gives up.
const BOUND: Duration = Duration::from_mins(1);

/// Waits until a metric of a worker is at least this.
async fn until_counted(worker: &mut Member, metric: &str, label: &str, least: f64) {
    eventually(BOUND, &format!("{metric} is {least}"), async || {
        let found = worker.metric(metric, &[label]).await;
        match found {
            Ok(found) if found >= least => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}

/// A port of the loopback range on which nobody listens.
pub(crate) fn closed_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}

/// A new page is entered in the table of incidents, or this fails.
#[test]
fn every_page_has_one_incident_and_commands() {
    let entered: Vec<_> = INCIDENTS.iter().flat_map(|(_, pages)| *pages).copied().collect();
    let listed: BTreeSet<_> = entered.iter().map(|page| (*page).to_owned()).collect();
    assert_eq!(listed, pages().into_keys().collect(), "the table of incidents lists the pages");
    assert_eq!(listed.len(), entered.len(), "a page is entered twice");
    let with_commands: BTreeSet<_> = steps().into_iter().map(|step| step.page).collect();
    assert_eq!(listed, with_commands, "a page has no command");
}

/// A command that runs as well without its incident confirms nothing.
#[test]
fn every_page_has_a_command_that_tells_its_incident() {
    let telling: BTreeSet<_> =
        steps().into_iter().filter(Step::tells).map(|step| step.page).collect();
    let silent: Vec<_> = pages().into_keys().filter(|page| !telling.contains(page)).collect();
    let unstaged: BTreeSet<_> = UNSTAGED.iter().map(|(page, _)| *page).collect();
    let silent: Vec<_> = silent.iter().filter(|page| !unstaged.contains(page.as_str())).collect();
    assert!(silent.is_empty(), "no command of these tells the incident: {silent:?}");
}

/// What is not staged is said to be so, with the reason, and is no more than it was.
#[test]
fn pages_whose_incident_is_not_staged_are_few_and_give_their_reason() {
    let entered = INCIDENTS.iter().find(|(incident, _)| *incident == Incident::NotStaged);
    let (_, entered) = entered.expect("there are such pages");
    let with_reasons: Vec<_> = UNSTAGED.iter().map(|(page, _)| *page).collect();
    assert_eq!(*entered, with_reasons);
    assert_eq!(with_reasons.len(), 3);
    assert!(UNSTAGED.iter().all(|(_, reason)| reason.len() > 40));
}

#[tokio::test]
async fn every_command_does_what_its_page_says() {
    let stage = letters::stage().await;
    let staged = Staged::new().await;
    let mut typed = Typed::new();
    for scene in staged.scenes(&stage).await {
        typed.confirm(&scene, &stage.database).await;
        if scene.can_be_mended() {
            typed.mend(&scene, &stage.database).await;
        } else {
            typed.all_of(&scene, Part::Fix, &stage.database).await;
            typed.all_of(&scene, Part::Rest, &stage.database).await;
        }
    }
    let around = surroundings_of_letters(&stage);
    violate(&stage.database, &around, &mut typed).await;
    let unchecked = in_place(Incident::VerifyNotRun, around.clone());
    typed.confirm(&unchecked, &stage.database).await;
    typed.mend(&unchecked, &stage.database).await;
    let (scene, held) = staged.hold_queue(&stage).await;
    typed.confirm(&scene, &stage.database).await;
    held.close(200, "done".into()).await.expect("a connection can be closed");
    typed.mend(&scene, &stage.database).await;
    staged.clear().await;
    typed.end();
    stage.finish().await;
}

#[tokio::test]
async fn letters_that_a_worker_or_the_database_made_are_mended_as_their_pages_say() {
    let mut stage = refusals::stage().await;
    let mut typed = Typed::new();
    refusals::type_all(&mut stage, &mut typed).await;
    typed.end();
    stage.finish().await;
}

fn surroundings_of_letters(stage: &system_tests::Stage) -> Surroundings {
    let broker = testkit::endpoints().amqp_url;
    system_tests::surroundings(&broker, stage.names.prefix(), stage.database.url())
}

/// Rows that somebody changed by hand, for as long as the commands are typed.
async fn violate(database: &TestDatabase, around: &Surroundings, typed: &mut Typed) {
    let forget = "CREATE TABLE kept AS SELECT id, paid_at FROM orders WHERE status = 'paid';
                  UPDATE orders SET status = 'pending_payment', paid_at = NULL
                  WHERE status = 'paid'";
    database.run(forget).await;
    let remember = "UPDATE orders SET status = 'paid', paid_at = kept.paid_at
                    FROM kept WHERE kept.id = orders.id; DROP TABLE kept";
    let scene = in_place(Incident::Violated, around.clone());
    typed.confirm(&scene, database).await;
    database.run(remember).await;
    typed.mend(&scene, database).await;
}

#[tokio::test]
async fn commands_over_workers_that_are_gone_do_what_their_pages_say() {
    let (mut stage, scene) = workers_gone::stage().await;
    let mut typed = Typed::new();
    typed.confirm(&scene, &stage.database).await;
    workers_gone::mend(&mut stage).await;
    typed.mend(&scene, &stage.database).await;
    typed.end();
    stage.finish().await;
}
