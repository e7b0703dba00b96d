//! `orderctl dlq show`: one dead letter, explained.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use contracts::OrderId;
use guidance::Zone;
use serde_json::Value;
use store::letters::{self, Filter, LetterRow, Page, Purpose, Refusal};
use store::vault::{Content, Unreadable};
use store::{Database, timeline};

use super::connect;
use crate::cli::ShowLetterArgs;
use crate::exit::{Exit, Failure};
use crate::letters::exported;
use crate::letters::plan_check::{Judge, Judged};
use crate::letters::redaction;
use crate::letters::show_view::{ContentView, LetterView};
use crate::order_view::OrderView;
use crate::render::Console;
use crate::settings::Settings;

pub(super) async fn run(
    args: &ShowLetterArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let mut read = settings.read();
    let Some(limits) = read.limits() else { return Err(read.refusal().into()) };
    let mut database = connect(settings).await?;
    let row = find(&mut database, args.id).await?;
    let story = letters::story(&mut database, row.id, &row.fingerprint).await?;
    let content = content(&mut database, args, &row, &Judge { limits }).await?;
    let order = order(&mut database, &row).await?;
    database.close().await?;
    console.show(&LetterView::new(row, story, content, order))?;
    Ok(Exit::Done)
}

/// The letter of an id.
pub(super) async fn find(database: &mut Database, id: i64) -> Result<LetterRow, Failure> {
    let filter = Filter::of_ids(vec![id]).compile(runtime::now());
    let page = Page { before: None, limit: 1 };
    let rows = letters::list(database, &filter, page).await?;
    rows.into_iter().next().ok_or_else(|| {
        let what = format!("failed to find dead letter {id}");
        let next = "see what there is: `orderctl dlq list`";
        Failure::new(Exit::NothingFound, what, next).because("no dead letter has this id")
    })
}

async fn order(database: &mut Database, row: &LetterRow) -> Result<Option<OrderView>, Failure> {
    let Some(id) = row.order_id.as_deref().and_then(|id| id.parse::<OrderId>().ok()) else {
        return Ok(None);
    };
    let timeline = timeline::of(database, id).await?;
    if timeline.is_empty() {
        return Ok(None);
    }
    Ok(Some(OrderView::new(id, timeline, None, &Zone::utc())))
}

async fn content(
    database: &mut Database,
    args: &ShowLetterArgs,
    row: &LetterRow,
    judge: &Judge,
) -> Result<ContentView, Failure> {
    let hidden = |why: &str| Ok(ContentView::Hidden { why: why.to_owned() });
    if row.erased_at.is_some() {
        return hidden("Headers and body were made unreadable for good.");
    }
    if args.no_body {
        return hidden("Headers and body were not asked for.");
    }
    let (purpose, reason) = match &args.reason {
        Some(reason) if args.unmask => (Purpose::Unmask, reason.as_str()),
        Some(_) | None => (Purpose::Show, "to understand it"),
    };
    let read = letters::content(database, &args.looker.name(), reason, purpose, &[row.id]).await;
    let read = match read {
        Err(error) if !args.unmask && is_not_permitted(&error) => {
            return hidden("Headers and body are for operators: this login lacks the role.");
        }
        read => read?,
    };
    let Some(letter) = read.into_iter().next() else {
        return hidden("Headers and body are gone.");
    };
    match letter.content {
        Ok(content) => Ok(shown(&content, &judge.judge(&letter.properties, &content), args.unmask)),
        Err(unreadable) => hidden(match unreadable {
            Unreadable::Erased => "Headers and body were made unreadable for good.",
            Unreadable::KeyMissing(_) => {
                "Headers and body are sealed: set ORDERFLOW_KEY_FILE to the key file of the \
                 workers."
            }
            Unreadable::Damaged => "Headers and body are damaged: they cannot be opened.",
        }),
    }
}

fn is_not_permitted(error: &store::Error) -> bool {
    matches!(Refusal::of(error), Some((Refusal::NotPermitted, _)))
}

fn shown(content: &Content, judged: &Judged, unmask: bool) -> ContentView {
    let headers = exported::headers(content.headers_json.as_deref());
    let (headers, body) = if unmask {
        (redaction::plain_headers(&headers), plain(&content.body))
    } else {
        let body = redaction::body(judged.kind, &content.body, judged.at, &judged.problems);
        (redaction::headers(&headers), body)
    };
    let problems = judged.problems.iter();
    let problems = problems.map(|it| format!("{} at {}: {}", it.code, it.pointer, it.rule));
    ContentView::Shown {
        redacted: !unmask,
        bytes: content.body.len(),
        headers,
        body,
        problems: problems.collect(),
    }
}

/// The body as it is: a text where it is one, because JSON might be written in another way.
fn plain(body: &[u8]) -> Value {
    match std::str::from_utf8(body) {
        Ok(text) => Value::from(text),
        Err(_) => Value::from(format!("base64:{}", STANDARD.encode(body))),
    }
}
