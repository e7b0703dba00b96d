//! Money that fits no order, in words.

use serde::Serialize;
use store::timeline::Time;
use store::unapplied::MoneyRow;

use crate::order_view;
use crate::render::{Style, Tone, View};

/// Several sums of money.
#[derive(Serialize)]
pub(crate) struct MoneyList {
    count: usize,
    money: Vec<MoneyRow>,
}

impl MoneyList {
    /// Money in the sequence that it is to be listed in.
    pub(crate) fn new(money: Vec<MoneyRow>) -> Self {
        Self { count: money.len(), money }
    }
}

impl View for MoneyList {
    fn text(&self, style: Style) -> String {
        if self.money.is_empty() {
            return style.tint(Tone::Good, "no money without an order waits for anybody");
        }
        let rows = self
            .money
            .iter()
            .map(|row| [row.id.to_string(), amount(row), row.cause.clone(), standing(row)]);
        let rows: Vec<[String; 4]> = rows.collect();
        let table = style.table(["ID", "AMOUNT", "CAUSE", "STANDING"], rows);
        let verdict = match self.count {
            1 => "1 sum of money".to_owned(),
            count => format!("{count} sums of money"),
        };
        format!("{table}\n\n{verdict}")
    }
}

/// One sum of money.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct MoneyView(pub(crate) MoneyRow);

impl View for MoneyView {
    fn text(&self, style: Style) -> String {
        let row = &self.0;
        let mut lines = vec![
            style.tint(Tone::Strong, &format!("Money {}: {}", row.id, standing(row))),
            format!("  {} of {}, capture {}", amount(row), row.provider, row.capture_ref),
            format!("  cause {}, for order {}", row.cause, row.claimed_order),
            format!("  happened {}, recorded {}", row.occurred_at, row.recorded_at),
        ];
        if let (Some(decision), Some(by), Some(at)) =
            (&row.decision, &row.decided_by, row.decided_at)
        {
            lines.push(format!("  {at}: {by} decided {decision}"));
            let reason = row.decision_reason.as_deref().unwrap_or_default();
            lines.push(style.paragraph(4, reason));
        }
        if let (Some(refund), Some(status)) = (row.refund_id, &row.refund_status) {
            lines.push(format!("  refund {refund}: {status}"));
        }
        lines.join("\n")
    }
}

fn amount(row: &MoneyRow) -> String {
    order_view::amount(row.amount_minor, &row.currency)
}

/// Where it stands, in a few words.
fn standing(row: &MoneyRow) -> String {
    let since = |at: Option<Time>| at.map(|at| format!(" since {at}")).unwrap_or_default();
    match (&row.resolution, &row.decision, row.due_at) {
        (Some(resolution), _, _) => format!("{resolution}{}", since(row.resolved_at)),
        (None, Some(decision), Some(_)) => format!("{decision} decided{}", since(row.decided_at)),
        (None, _, Some(due_at)) => format!("open, looked at again {due_at}"),
        (None, _, None) => "open, waits for a person".to_owned(),
    }
}
