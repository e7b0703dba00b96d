//! `orderctl dlq edit`: bodies changed by two people.

use contracts::IdSource;
use serde::Serialize;
use store::edits::{self, Difference, EditError, Edited, Who};
use store::letters::{self, EditRow};
use store::vault::Content;

use super::{connect, text_of};
use crate::cli::{AllowEditsArgs, DecideEditArgs, EditCommand, ProposeArgs, ShowEditArgs};
use crate::exit::{Exit, Failure};
use crate::letters::confirm::{Question, confirm};
use crate::letters::plan_check::Judge;
use crate::render::{Console, Rows, Style, Tone, View};
use crate::settings::Settings;

/// Runs one of the commands on edits.
pub(super) async fn run(
    command: EditCommand,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    match command {
        EditCommand::Propose(args) => propose(&args, settings, console).await,
        EditCommand::List => list(settings, console).await,
        EditCommand::Show(args) => show(&args, settings, console).await,
        EditCommand::Approve(args) => approve(&args, settings, console).await,
        EditCommand::Reject(args) => reject(&args, settings, console).await,
        EditCommand::Allow(args) => allow(&args, settings, console).await,
    }
}

async fn propose(
    args: &ProposeArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let next = "name a file with a JSON Patch (RFC 6902), or `-` for standard input";
    let patch = text_of(&args.patch, next)?;
    let judge = judge(settings)?;
    let mut database = connect(settings).await?;
    let check = |edited: &Edited| judged(&judge, edited);
    let who = who(&args.said);
    let proposed = edits::propose(&mut database, who, args.id, &patch, &check).await;
    let (edit, edited) = proposed.map_err(|error| refused(error, args.id))?;
    database.close().await?;
    console.show(&EditView { edit, differences: edited.differences })?;
    console.remark(&format!(
        "for somebody else to decide on: orderctl dlq edit approve {edit} --reason TEXT"
    ));
    Ok(Exit::Done)
}

async fn list(settings: &Settings, console: Console) -> Result<Exit, Failure> {
    let mut database = connect(settings).await?;
    let edits = letters::edits(&mut database).await?;
    database.close().await?;
    console.show(&EditList { count: edits.len(), edits })?;
    Ok(Exit::Done)
}

async fn show(args: &ShowEditArgs, settings: &Settings, console: Console) -> Result<Exit, Failure> {
    let mut database = connect(settings).await?;
    let actor = args.looker.name();
    let differences = edits::differences(&mut database, &actor, args.edit).await;
    let differences = differences.map_err(|error| refused(error, args.edit))?;
    database.close().await?;
    console.show(&EditView { edit: args.edit, differences })?;
    Ok(Exit::Done)
}

async fn approve(
    args: &DecideEditArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let judge = judge(settings)?;
    let mut database = connect(settings).await?;
    confirm(
        Question { deed: "approve the edit of", count: 1, groups: &[] },
        args.sure.yes,
        console,
    )?;
    let check = |edited: &Edited| judged(&judge, edited);
    // Two calls in one microsecond are told apart by the process.
    let mut ids = IdSource::new("orderctl", &std::process::id().to_string(), runtime::now());
    let (who, id) = (who(&args.said), ids.next_id());
    let made = edits::approve(&mut database, who, args.edit, id, &check).await;
    let made = made.map_err(|error| refused(error, args.edit))?;
    database.close().await?;
    console.show(&Made { edit: args.edit, letter: made })?;
    console.remark(&format!("to send it home: orderctl dlq replay {made} --reason TEXT"));
    Ok(Exit::Done)
}

async fn reject(
    args: &DecideEditArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let mut database = connect(settings).await?;
    confirm(
        Question { deed: "reject the edit of", count: 1, groups: &[] },
        args.sure.yes,
        console,
    )?;
    edits::reject(&mut database, who(&args.said), args.edit).await?;
    database.close().await?;
    console.remark(&format!("edit {} is dropped; its letter stays as it is", args.edit));
    Ok(Exit::Done)
}

async fn allow(
    args: &AllowEditsArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let mut database = connect(settings).await?;
    letters::allow_edits(&mut database, args.said.said(), !args.off).await?;
    database.close().await?;
    let allowed = if args.off { "forbidden" } else { "allowed" };
    console.remark(&format!("edits are {allowed} from now on"));
    Ok(Exit::Done)
}

fn who(said: &crate::cli::SaidArgs) -> Who<'_> {
    Who { actor: said.actor.as_str(), reason: said.reason.as_str() }
}

fn judge(settings: &Settings) -> Result<Judge, Failure> {
    let mut read = settings.read();
    let Some(limits) = read.limits() else { return Err(read.refusal().into()) };
    Ok(Judge { limits })
}

/// What the contract says about a message that an edit would make.
fn judged(judge: &Judge, edited: &Edited) -> Result<(), String> {
    let properties = serde_json::from_str(&edited.properties_json).unwrap_or_default();
    let content = Content { headers_json: edited.headers_json.clone(), body: edited.body.clone() };
    match judge.judge(&properties, &content).problems.into_iter().next() {
        None => Ok(()),
        Some(problem) => Err(format!("{} at {}: {}", problem.code, problem.pointer, problem.rule)),
    }
}

/// Why there is no edit, with what to type next.
fn refused(error: EditError, number: i64) -> Failure {
    let (exit, next) = match &error {
        EditError::Store(_) => (Exit::Failed, String::new()),
        EditError::Nothing => (Exit::NothingFound, "orderctl dlq edit list".to_owned()),
        EditError::Unreadable(_) => {
            (Exit::Failed, "set ORDERFLOW_KEY_FILE to the key file of the workers".to_owned())
        }
        EditError::Patch(_) => (Exit::Failed, format!("orderctl dlq show {number}")),
        EditError::Invalid(_) => {
            (Exit::Refused, format!("mend the patch; see the body: orderctl dlq show {number}"))
        }
    };
    match error {
        EditError::Store(error) => {
            let failure = Failure::from(error);
            let next = match failure.exit {
                Exit::Refused => {
                    "an administrator allows edits (`orderctl dlq edit allow`); somebody else than \
                     who proposed one approves it, with a login of their own"
                        .to_owned()
                }
                _ => failure.next.clone(),
            };
            Failure { next, ..failure }
        }
        other => Failure::new(exit, other.to_string(), next),
    }
}

/// What an edit changes.
#[derive(Serialize)]
struct EditView {
    edit: i64,
    differences: Vec<Difference>,
}

impl View for EditView {
    fn text(&self, style: Style) -> String {
        let value = |value: &Option<serde_json::Value>| {
            value.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string)
        };
        let rows = self.differences.iter();
        let rows = rows.map(|it| [it.pointer.clone(), value(&it.before), value(&it.after)]);
        let title = style.tint(Tone::Strong, &format!("Edit {}", self.edit));
        format!("{title}\n{}", style.table(["AT", "BEFORE", "AFTER"], rows))
    }
}

/// The letter that an edit became.
#[derive(Serialize)]
struct Made {
    edit: i64,
    letter: i64,
}

impl View for Made {
    fn text(&self, style: Style) -> String {
        let Self { edit, letter } = self;
        style.tint(Tone::Good, &format!("edit {edit} is dead letter {letter} now"))
    }
}

/// Edits that were proposed.
#[derive(Serialize)]
struct EditList {
    count: usize,
    edits: Vec<EditRow>,
}

impl EditList {
    fn cells(row: &EditRow) -> [String; 6] {
        let decided = match (row.approved, row.new_letter_id) {
            (None, _) => "waits for somebody else".to_owned(),
            (Some(true), Some(letter)) => format!("approved: dead letter {letter}"),
            (Some(true), None) => "approved".to_owned(),
            (Some(false), _) => "rejected".to_owned(),
        };
        [
            row.id.to_string(),
            row.letter_id.to_string(),
            row.proposed_at.to_string(),
            row.proposed_by.clone(),
            decided,
            row.reason.clone(),
        ]
    }
}

const EDITS: [&str; 6] = ["EDIT", "LETTER", "AT", "BY", "STANDING", "BECAUSE"];

impl View for EditList {
    fn text(&self, style: Style) -> String {
        if self.edits.is_empty() {
            return "no edit was proposed".to_owned();
        }
        style.table(EDITS, self.edits.iter().map(Self::cells))
    }

    fn rows(&self) -> Option<Rows> {
        let document = |row| serde_json::to_value(row).expect("rows have text keys");
        Some(Rows {
            header: vec!["edit", "letter", "at", "by", "standing", "because"],
            cells: self.edits.iter().map(|row| Self::cells(row).to_vec()).collect(),
            documents: self.edits.iter().map(document).collect(),
        })
    }
}
