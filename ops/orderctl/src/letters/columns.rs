//! Lists of dead letters, with the columns that somebody wants.

use contracts::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use store::letters::LetterRow;

use super::{ago, letters, short};
use crate::exit::{Exit, Failure};
use crate::render::{Rows, Style, Tone, View};

/// A column: its name and how it is filled.
#[derive(Clone, Copy)]
pub(crate) struct Column {
    name: &'static str,
    cell: fn(&LetterRow, Timestamp) -> String,
}

/// What is shown to people who ask for nothing else.
const SHOWN: [&str; 7] = ["id", "status", "age", "queue", "code", "attempts", "order"];

/// Every column, in the sequence of CSV.
const COLUMNS: [Column; 22] = [
    Column { name: "id", cell: |row, _| row.id.to_string() },
    Column { name: "status", cell: |row, _| row.status.clone() },
    Column { name: "age", cell: |row, now| ago(row.last_failed_at, now) },
    Column { name: "queue", cell: |row, _| row.source_queue.clone() },
    Column { name: "type", cell: |row, _| row.event_type.clone() },
    Column { name: "class", cell: |row, _| row.error_class.clone() },
    Column { name: "code", cell: |row, _| row.error_code.clone() },
    Column { name: "detail", cell: |row, _| row.error_detail.clone().unwrap_or_default() },
    Column { name: "attempts", cell: |row, _| row.attempts.to_string() },
    Column { name: "replays", cell: |row, _| row.replays.to_string() },
    Column { name: "order", cell: |row, _| row.order_id.clone().unwrap_or_default() },
    Column { name: "group", cell: |row, _| short(&row.fingerprint).to_owned() },
    Column { name: "first-failed-at", cell: |row, _| row.first_failed_at.to_string() },
    Column { name: "last-failed-at", cell: |row, _| row.last_failed_at.to_string() },
    Column {
        name: "batch",
        cell: |row, _| row.batch_id.map(|id| id.to_string()).unwrap_or_default(),
    },
    Column { name: "build", cell: |row, _| row.worker_version.clone().unwrap_or_default() },
    Column { name: "key", cell: |row, _| row.message_key.clone() },
    Column { name: "exchange", cell: |row, _| row.exchange.clone() },
    Column { name: "routing-key", cell: |row, _| row.routing_key.clone() },
    Column { name: "sealed", cell: |row, _| row.sealed.to_string() },
    Column { name: "archived-code", cell: |row, _| row.archived_code.clone().unwrap_or_default() },
    Column { name: "digest", cell: |row, _| row.digest.clone() },
];

/// The columns of these names; none given means the usual ones.
pub(crate) fn chosen(names: &[String]) -> Result<Option<Vec<Column>>, Failure> {
    if names.is_empty() {
        return Ok(None);
    }
    names.iter().map(|name| named(name)).collect::<Result<Vec<_>, _>>().map(Some)
}

fn named(name: &str) -> Result<Column, Failure> {
    COLUMNS.into_iter().find(|column| column.name == name).ok_or_else(|| {
        let all: Vec<_> = COLUMNS.iter().map(|column| column.name).collect();
        let next = format!("choose among {}", all.join(","));
        Failure::new(Exit::Usage, format!("failed to find a column `{name}`"), next)
    })
}

/// A page of dead letters.
#[derive(Serialize)]
pub(crate) struct LetterList {
    /// How many are on the page.
    count: usize,
    /// How many match on all pages.
    total: i64,
    /// What `--before` is given for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_before: Option<i64>,
    letters: Vec<Value>,
    #[serde(skip)]
    rows: Vec<LetterRow>,
    #[serde(skip)]
    columns: Option<Vec<Column>>,
    #[serde(skip)]
    now: Timestamp,
}

impl LetterList {
    /// A page, as it was read.
    pub(crate) fn new(
        rows: Vec<LetterRow>,
        total: i64,
        full: bool,
        columns: Option<Vec<Column>>,
        now: Timestamp,
    ) -> Self {
        let next_before = rows.last().filter(|_| full).map(|row| row.id);
        let letters = rows.iter().map(|row| document(row, columns.as_deref(), now)).collect();
        Self { count: rows.len(), total, next_before, letters, rows, columns, now }
    }

    /// Where the next page begins, if there is one.
    pub(crate) fn next_before(&self) -> Option<i64> {
        self.next_before
    }

    fn cells(&self, columns: &[Column]) -> Vec<Vec<String>> {
        let cells = |row: &LetterRow| columns.iter().map(|it| (it.cell)(row, self.now)).collect();
        self.rows.iter().map(cells).collect()
    }
}

/// A row for programs: everything, or the columns that were chosen.
pub(crate) fn document(row: &LetterRow, columns: Option<&[Column]>, now: Timestamp) -> Value {
    let Some(columns) = columns else {
        return serde_json::to_value(row).expect("rows have text keys and finite numbers");
    };
    let cell = |it: &Column| (it.name.to_owned(), Value::from((it.cell)(row, now)));
    Value::Object(columns.iter().map(cell).collect::<Map<_, _>>())
}

/// One letter in a line, for following.
pub(crate) fn line(row: &LetterRow) -> String {
    let order = row.order_id.as_deref().map(|order| format!(", order {order}"));
    format!(
        "{}  {}  {}  {}  {}{}",
        row.status_changed_at,
        row.id,
        row.status,
        row.source_queue,
        row.error_code,
        order.unwrap_or_default()
    )
}

impl View for LetterList {
    fn text(&self, style: Style) -> String {
        if self.rows.is_empty() {
            return style.tint(Tone::Good, "no dead letter matches");
        }
        let shown = || {
            let shown = SHOWN.iter().filter_map(|name| named(name).ok());
            shown.collect::<Vec<_>>()
        };
        let columns = self.columns.clone().unwrap_or_else(shown);
        let titles: Vec<_> = columns.iter().map(|it| it.name.to_uppercase()).collect();
        let titles: Vec<_> = titles.iter().map(String::as_str).collect();
        let table = style.table_of(&titles, &self.cells(&columns));
        let count = i64::try_from(self.count).unwrap_or(i64::MAX);
        let verdict = match self.next_before {
            None if count == self.total => letters(self.total),
            None => format!("{count} of {}", letters(self.total)),
            Some(before) => {
                format!("{count} of {}; older ones: --before {before}", letters(self.total))
            }
        };
        format!("{table}\n\n{verdict}")
    }

    fn rows(&self) -> Option<Rows> {
        let columns = self.columns.clone().unwrap_or_else(|| COLUMNS.to_vec());
        Some(Rows {
            header: columns.iter().map(|column| column.name).collect(),
            cells: self.cells(&columns),
            documents: self.letters.clone(),
        })
    }
}
