//! The commands of pages: read, typed, and compared with what their page says of them.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use system_tests::{Surroundings, typed};
use tempfile::TempDir;
use testkit::shop::order_id;
use testkit::{TestDatabase, eventually};

use super::BOUND;
use super::letters::letter_of;
use super::surroundings::Scene;
use super::table::{Incident, incident_of};

/// The programs that commands of pages begin with.
const PROGRAMS: [&str; 2] = ["orderctl ", "grep "];

/// A command of a page.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) page: String,
    pub(super) part: Part,
    command: String,
    /// How it ends; when it confirms, for as long as the incident lasts.
    pub(super) exit: i32,
    pub(super) screen: Screen,
}

/// Where on its page a command stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// It confirms the incident, while that lasts.
    Confirm,
    /// It mends the incident, or is typed once that is mended.
    Fix,
    /// What comes behind the fix: how it is taken back.
    Rest,
}

/// What stands on the screen, by the comment behind a command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Screen {
    /// The page does not say.
    Anything,
    /// This, for as long as the incident lasts and no longer.
    Shows(String),
    /// This, and it stays: counters only rise, and what happened stays noted.
    Keeps(String),
}

impl Step {
    fn read(page: &str, part: Part, command: &str) -> Self {
        let (mut exit, mut screen) = (0, Screen::Anything);
        let comment = command.split_once(" # ").map_or("", |(_, comment)| comment);
        for said in comment.split("; ").map(str::trim).filter(|said| !said.is_empty()) {
            if let Some(code) = said.strip_prefix("exits with ") {
                exit = code.parse().expect("an exit code is a number");
            } else if let Some(words) = said.strip_prefix("shows ") {
                screen = Screen::Shows(words.to_owned());
            } else if let Some(words) = said.strip_prefix("keeps ") {
                screen = Screen::Keeps(words.to_owned());
            } else {
                panic!("{page}: nobody knows what `{said}` means");
            }
        }
        Self { page: page.to_owned(), part, command: command.to_owned(), exit, screen }
    }

    /// Whether it tells an incident from none.
    pub(super) fn tells(&self) -> bool {
        self.part == Part::Confirm && (self.exit != 0 || self.screen != Screen::Anything)
    }
}

/// The pages, by name.
pub(super) fn pages() -> BTreeMap<String, PathBuf> {
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
pub(super) fn steps() -> Vec<Step> {
    pages().iter().flat_map(|(page, path)| steps_of(page, path)).collect()
}

fn steps_of(page: &str, path: &Path) -> Vec<Step> {
    let text = fs::read_to_string(path).expect("a page can be read");
    let (mut steps, mut part) = (Vec::new(), Part::Rest);
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            part = match heading {
                "Confirm" => Part::Confirm,
                "Fix" => Part::Fix,
                _ => Part::Rest,
            };
        }
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step::read(page, part, command));
        }
    }
    steps
}

/// What was typed, and what did not do what its page says.
#[derive(Debug)]
pub(super) struct Typed {
    folder: TempDir,
    by_incident: BTreeMap<Incident, usize>,
    wrong: Vec<String>,
}

impl Typed {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        Self { folder, by_incident: BTreeMap::new(), wrong: Vec::new() }
    }

    /// Types what confirms an incident, while it lasts.
    pub(super) async fn confirm(&mut self, scene: &Scene, database: &TestDatabase) {
        self.all_of(scene, Part::Confirm, database).await;
    }

    /// Types what mends it, sees that what confirmed it tells nothing any more, and types the rest.
    pub(super) async fn mend(&mut self, scene: &Scene, database: &TestDatabase) {
        self.all_of(scene, Part::Fix, database).await;
        self.over(scene, database).await;
        self.all_of(scene, Part::Rest, database).await;
    }

    /// Types the commands of one part of an incident's pages.
    ///
    /// What pages share to the letter is typed once; to mend, once for any dead letter.
    pub(super) async fn all_of(&mut self, scene: &Scene, part: Part, database: &TestDatabase) {
        let (incident, confirms) = (scene.incident, part == Part::Confirm);
        write_policies(incident == Incident::PoliciesRefused && confirms, scene, self.folder());
        let around = if confirms { &scene.during } else { &scene.mending };
        let mut seen = HashSet::new();
        for step in steps_for(incident).filter(|step| step.part == part) {
            let command = spelt_out(&step, scene, database, self.folder()).await;
            let same = if confirms { &command } else { &step.command };
            if !seen.insert(same.clone()) {
                continue;
            }
            let (exit, said) = typed(&command, around, Path::new("."));
            let as_said = match &step.screen {
                Screen::Anything => true,
                Screen::Shows(words) | Screen::Keeps(words) => in_a_line(&said).contains(words),
            };
            if exit != Some(step.exit) || !as_said {
                let Step { page, .. } = &step;
                self.wrong.push(format!("{incident:?}, {page}: {command}: {exit:?}\n{said}"));
            }
            *self.by_incident.entry(incident).or_default() += 1;
        }
    }

    /// Waits until what told the incident tells it no longer: replays take their time.
    pub(super) async fn over(&mut self, scene: &Scene, database: &TestDatabase) {
        let fades = |step: &Step| step.tells() && !matches!(step.screen, Screen::Keeps(_));
        for step in steps_for(scene.incident).filter(fades) {
            let command = spelt_out(&step, scene, database, self.folder()).await;
            eventually(BOUND, &format!("`{command}` tells no incident"), async || {
                let (exit, said) = typed(&command, &scene.mending, Path::new("."));
                let told = match &step.screen {
                    Screen::Shows(words) => in_a_line(&said).contains(words),
                    Screen::Anything | Screen::Keeps(_) => false,
                };
                if exit == Some(0) && !told { Ok(()) } else { Err(format!("{exit:?}\n{said}")) }
            })
            .await;
        }
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Prints how much was typed.
    ///
    /// # Panics
    /// When a command did not do what its page says.
    pub(super) fn end(self) {
        assert_eq!(self.wrong, [""; 0], "{}", self.wrong.join("\n"));
        println!("{:?}", self.by_incident);
    }
}

/// What stands on the screen, wherever its lines are broken.
fn in_a_line(said: &str) -> String {
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn steps_for(incident: Incident) -> impl Iterator<Item = Step> {
    steps().into_iter().filter(move |step| incident_of(&step.page) == Some(incident))
}

/// The command with what stands for the words in capitals.
async fn spelt_out(step: &Step, scene: &Scene, database: &TestDatabase, folder: &Path) -> String {
    let known = PROGRAMS.iter().any(|program| step.command.starts_with(program));
    assert!(known, "{}: {}", step.page, step.command);
    let file = |name: &str| folder.join(name).display().to_string();
    let mut places = vec![
        ("POLICIES", file("policies.toml")),
        ("TEXTFILE", file("orderflow.prom")),
        ("WORKER", scene.worker.clone().unwrap_or_default()),
        ("LOG", scene.log.clone().unwrap_or_default()),
    ];
    if ["LETTER_ID", "GROUP", "code="].iter().any(|place| step.command.contains(place)) {
        let (letter, group) = letter_of(database, &step.page).await;
        places.extend([("LETTER_ID", letter), ("GROUP", group)]);
    }
    places.push(("ORDER_ID", scene.order.unwrap_or(order_id(1)).to_string()));
    let command = step.command.clone();
    places.iter().fold(command, |command, (word, value)| command.replace(word, value))
}

/// The shop's choices, as they should be or not.
fn write_policies(refused: bool, scene: &Scene, folder: &Path) {
    let (exit, template) = typed("orderctl policy template", &scene.mending, Path::new("."));
    assert_eq!(exit, Some(0), "{template}");
    let text = if refused { "window_card = \"soon\"" } else { &template };
    fs::write(folder.join("policies.toml"), text).expect("the file can be written");
}

/// The surroundings of somebody who looks after a deployment, in an incident that is not about
/// where things are.
pub(super) fn in_place(incident: Incident, around: Surroundings) -> Scene {
    let (during, mending) = (around.clone(), around);
    Scene { incident, during, mending, worker: None, log: None, order: None }
}
