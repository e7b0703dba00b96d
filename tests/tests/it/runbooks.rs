//! The commands of every runbook, typed as they stand, against the incident staged for it.

mod letters;
mod surroundings;
mod table;
mod workers_gone;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use system_tests::{Surroundings, typed};
use testkit::TestDatabase;
use testkit::shop::order_id;

use letters::letter_of;
use surroundings::{Scene, Staged};
use table::{INCIDENTS, Incident, incident_of};

/// How long anything may take before a test gives up.
const BOUND: Duration = Duration::from_mins(1);

/// A command of a page.
struct Step {
    page: String,
    /// Whether it confirms the incident, while that lasts; all others mend it.
    confirms: bool,
    command: String,
    exit: i32,
}

/// The pages, by name.
fn pages() -> BTreeMap<String, PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/runbooks");
    let files = fs::read_dir(folder).expect("there are pages");
    let paths = files.map(|it| it.expect("it is listed").path());
    let named = paths.map(|path| {
        let name = path.file_stem().and_then(|name| name.to_str());
        (name.expect("pages have plain names").to_owned(), path)
    });
    named.filter(|(name, _)| name != "README").collect()
}

/// Every command of every page, in the order in which it is typed.
fn steps() -> Vec<Step> {
    pages().iter().flat_map(|(page, path)| steps_of(page, path)).collect()
}

fn steps_of(page: &str, path: &Path) -> Vec<Step> {
    let text = fs::read_to_string(path).expect("a page can be read");
    let (mut steps, mut confirms) = (Vec::new(), false);
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            confirms = heading == "Confirm";
        }
        let Some(command) = line.strip_prefix("$ ") else { continue };
        let exit = command.split_once("# exits with ").map_or("0", |(_, code)| code);
        let exit = exit.trim().parse().expect("an exit code is a number");
        steps.push(Step { page: page.to_owned(), confirms, command: command.to_owned(), exit });
    }
    steps
}

/// A port of the loopback range on which nobody listens.
pub(crate) fn closed_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}

/// What stands for the words in capitals.
async fn places(
    database: &TestDatabase,
    folder: &Path,
    step: &Step,
) -> [(&'static str, String); 5] {
    let is_about_a_letter =
        ["LETTER_ID", "GROUP", "code="].iter().any(|place| step.command.contains(place));
    let (letter, group) = if is_about_a_letter {
        letter_of(database, &step.page).await
    } else {
        (String::new(), String::new())
    };
    let file = |name: &str| folder.join(name).display().to_string();
    [
        ("LETTER_ID", letter),
        ("GROUP", group),
        ("ORDER_ID", order_id(1).to_string()),
        ("POLICIES", file("policies.toml")),
        ("TEXTFILE", file("orderflow.prom")),
    ]
}

/// What was typed, and what did not do what its page says.
#[derive(Debug, Default)]
struct Typed {
    by_incident: BTreeMap<Incident, usize>,
    wrong: Vec<String>,
}

impl Typed {
    /// Types the commands of an incident's pages that confirm it, or those that mend it.
    ///
    /// What pages share to the letter is typed once; to mend, once for any dead letter.
    async fn all_of(&mut self, scene: &Scene, confirms: bool, database: &TestDatabase) {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let incident = scene.incident;
        write_policies(incident == Incident::PoliciesRefused && confirms, scene, folder.path());
        let around = if confirms { &scene.during } else { &scene.mending };
        let of_incident =
            |step: &Step| incident_of(&step.page) == Some(incident) && step.confirms == confirms;
        let mut seen = HashSet::new();
        for step in steps().into_iter().filter(of_incident) {
            let mut command = step.command.clone();
            for (word, value) in places(database, folder.path(), &step).await {
                command = command.replace(word, &value);
            }
            assert!(command.starts_with("orderctl "), "{}: {command}", step.page);
            let same = if confirms { &command } else { &step.command };
            if !seen.insert(same.clone()) {
                continue;
            }
            let (exit, said) = typed(&command, around, Path::new("."));
            if exit != Some(step.exit) {
                let Step { page, .. } = &step;
                self.wrong.push(format!("{incident:?}, {page}: {command}: {exit:?}\n{said}"));
            }
            *self.by_incident.entry(incident).or_default() += 1;
        }
    }
}

/// The shop's choices, as they should be or not.
fn write_policies(refused: bool, scene: &Scene, folder: &Path) {
    let (exit, template) = typed("orderctl policy template", &scene.mending, Path::new("."));
    assert_eq!(exit, Some(0), "{template}");
    let text = if refused { "window_card = \"soon\"" } else { &template };
    fs::write(folder.join("policies.toml"), text).expect("the file can be written");
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

#[tokio::test]
async fn every_command_does_what_its_page_says() {
    let stage = letters::stage().await;
    let staged = Staged::new().await;
    let mut typed = Typed::default();
    for scene in staged.scenes(&stage).await {
        for confirms in [true, false] {
            typed.all_of(&scene, confirms, &stage.database).await;
        }
    }
    violate(&stage.database, &surroundings_of_letters(&stage), &mut typed).await;
    assert_eq!(typed.wrong, [""; 0], "{}", typed.wrong.join("\n"));
    println!("{:?}", typed.by_incident);
    staged.clear().await;
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
    let (during, mending) = (around.clone(), around.clone());
    let scene = Scene { incident: Incident::Violated, during, mending };
    for confirms in [true, false] {
        typed.all_of(&scene, confirms, database).await;
    }
    let remember = "UPDATE orders SET status = 'paid', paid_at = kept.paid_at
                    FROM kept WHERE kept.id = orders.id; DROP TABLE kept";
    database.run(remember).await;
}

#[tokio::test]
async fn commands_over_workers_that_are_gone_do_what_their_pages_say() {
    let (mut stage, scene) = workers_gone::stage().await;
    let mut typed = Typed::default();
    typed.all_of(&scene, true, &stage.database).await;
    workers_gone::mend(&mut stage).await;
    typed.all_of(&scene, false, &stage.database).await;
    assert_eq!(typed.wrong, [""; 0], "{}", typed.wrong.join("\n"));
    println!("{:?}", typed.by_incident);
    stage.finish().await;
}
