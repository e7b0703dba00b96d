//! `orderctl privacy export`: everything that is held of a customer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;
use store::Database;
use store::customers::Standing;
use store::privacy::{self, Export, Holdings, OrderExport, StoredContent};
use store::vault::Unreadable;

use super::nothing_held;
use crate::cli::ExportArgs;
use crate::exit::{Exit, Failure};
use crate::holdings_view;
use crate::render::{Console, Style, Tone, View};
use crate::settings::Settings;

pub(super) async fn run(
    args: &ExportArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let mut read = settings.read();
    let Some(config) = read.database_with_keys() else { return Err(read.refusal().into()) };
    let mut database = Database::connect(&config).await?;
    let export = privacy::export(&mut database, &args.customer).await?;
    database.close().await?;
    if export.held.is_empty() {
        return Err(nothing_held(&args.customer));
    }
    let view = ExportView::new(args.customer.to_string(), export);
    console.show(&view)?;
    let unread = view.contents.iter().filter(|it| it.is_closed_to_us()).count();
    if unread == 0 {
        return Ok(Exit::Done);
    }
    let what = format!("failed to read {unread} of {} stored bodies", view.contents.len());
    let next = "set ORDERFLOW_KEY_FILE to the key file of the workers, then run this again";
    Err(Failure::new(Exit::Failed, what, next).because("they are sealed, or were changed"))
}

/// Everything that is held of a customer.
#[derive(Serialize)]
struct ExportView {
    customer_ref: String,
    held: Holdings,
    standing: Standing,
    orders: Vec<OrderExport>,
    contents: Vec<ContentView>,
}

/// Headers and body that a shop sent.
#[derive(Serialize)]
struct ContentView {
    table: &'static str,
    key: String,
    event_type: String,
    order_id: Option<String>,
    stored_at: String,
    /// Why it cannot be read, if it cannot.
    unreadable: Option<&'static str>,
    headers: Option<Value>,
    body: Option<BodyView>,
}

/// A body as text where it is text, so that it is exact.
#[derive(Serialize)]
struct BodyView {
    bytes: usize,
    encoding: &'static str,
    content: String,
}

impl ExportView {
    fn new(customer_ref: String, export: Export) -> Self {
        let Export { held, standing, orders, contents } = export;
        let contents = contents.into_iter().map(ContentView::from).collect();
        Self { customer_ref, held, standing, orders, contents }
    }
}

impl From<StoredContent> for ContentView {
    fn from(stored: StoredContent) -> Self {
        let StoredContent { table, key, event_type, order_id, stored_at, content } = stored;
        let unreadable = content.as_ref().err().map(Unreadable::code);
        let content = content.ok();
        let headers = content.as_ref().and_then(|content| content.headers_json.as_deref());
        let headers = headers.and_then(|headers| serde_json::from_str(headers).ok());
        let body = content.map(|content| BodyView::from(content.body));
        let stored_at = stored_at.to_string();
        Self { table, key, event_type, order_id, stored_at, unreadable, headers, body }
    }
}

impl From<Vec<u8>> for BodyView {
    fn from(body: Vec<u8>) -> Self {
        let bytes = body.len();
        let (encoding, content) = match String::from_utf8(body) {
            Ok(text) => ("utf-8", text),
            Err(error) => ("base64", STANDARD.encode(error.as_bytes())),
        };
        Self { bytes, encoding, content }
    }
}

impl ContentView {
    /// Whether somebody with the right keys could read it.
    fn is_closed_to_us(&self) -> bool {
        self.unreadable.is_some_and(|code| code != Unreadable::Erased.code())
    }

    fn row(&self) -> [String; 5] {
        let state = match &self.body {
            Some(body) => format!("{} bytes", body.bytes),
            None => self.unreadable.unwrap_or_default().to_owned(),
        };
        let (table, stored_at) = (self.table.to_owned(), self.stored_at.clone());
        [table, stored_at, self.event_type.clone(), state, self.key.clone()]
    }
}

impl View for ExportView {
    fn text(&self, style: Style) -> String {
        let title = style.tint(Tone::Strong, &format!("Customer {}", self.customer_ref));
        let mut parts = vec![format!("{title}\n{}", holdings_view::text(&self.held, style))];
        if !self.orders.is_empty() {
            let rows = self.orders.iter().map(order_row);
            let header = ["ORDER", "STATUS", "PLACED AT", "EVENTS", "PAYMENTS", "REFUNDS"];
            parts.push(style.table(header, rows));
        }
        if !self.standing.withdrawals.is_empty() {
            let rows = self.standing.withdrawals.iter().map(|it| {
                let text = it.text_version.clone().unwrap_or_else(|| "-".to_owned());
                [it.purpose.clone(), it.withdrawn_at.to_string(), text, it.order_id.to_string()]
            });
            parts.push(style.table(["CONSENT TAKEN BACK", "AT", "TEXT", "WITH ORDER"], rows));
        }
        if !self.contents.is_empty() {
            let rows = self.contents.iter().map(ContentView::row);
            parts.push(style.table(["TABLE", "SINCE", "EVENT", "BODY", "KEY"], rows));
        }
        parts.push("everything, with the bodies: `--output json`".to_owned());
        parts.join("\n\n")
    }
}

fn order_row(order: &OrderExport) -> [String; 6] {
    let OrderExport { order_id, timeline } = order;
    let row = timeline.order.as_ref();
    [
        order_id.to_string(),
        row.map(|row| row.status.clone()).unwrap_or_default(),
        row.map(|row| row.placed_at.to_string()).unwrap_or_default(),
        timeline.events.len().to_string(),
        timeline.attempts.len().to_string(),
        timeline.refunds.len().to_string(),
    ]
}
