//! How merchants stand to their thresholds, in words and numbers.

use std::time::Duration;

use contracts::Token;
use domain::PolicyBook;
use domain::policy::{MerchantFigures, Share, Standing};
use serde::Serialize;
use serde_json::{Value, json};
use store::merchants::MerchantRow;

use crate::render::{Style, Tone, View};

/// What merchants are called that are not listed by name.
pub(crate) const OTHER: &str = "other";

/// Merchants, and the choices they are compared with.
#[derive(Serialize)]
pub(crate) struct MerchantsView {
    policy_version: String,
    within: String,
    merchants: Vec<MerchantView>,
}

/// One merchant in one currency.
pub(crate) struct MerchantView {
    row: MerchantRow,
    standings: Vec<Standing>,
}

impl MerchantView {
    /// Compares a merchant with the thresholds that hold for it; all others have none together.
    pub(crate) fn new(row: MerchantRow, book: &PolicyBook) -> Self {
        let standings = row.merchant.as_ref().map(|merchant| {
            let policy = &book.of(merchant, None).monitoring;
            policy.standings(&row.figures)
        });
        Self { standings: standings.unwrap_or_default(), row }
    }

    /// Its name, unless it is of the others.
    pub(crate) fn name(&self) -> Option<&str> {
        self.row.merchant.as_ref().map(Token::as_str)
    }

    /// In which currency.
    pub(crate) fn currency(&self) -> &str {
        self.row.currency.code()
    }

    /// What is known.
    pub(crate) fn figures(&self) -> &MerchantFigures {
        &self.row.figures
    }

    /// How it stands to each threshold.
    pub(crate) fn standings(&self) -> &[Standing] {
        &self.standings
    }

    fn reached(&self) -> impl Iterator<Item = (&Standing, Share)> {
        self.standings.iter().filter_map(|it| it.reached.map(|reached| (it, reached)))
    }

    fn cells(&self, style: Style) -> [String; 9] {
        let figures = self.figures();
        let warnings: Vec<_> = self.reached().map(|(it, step)| warning(it, step, style)).collect();
        [
            self.name().unwrap_or(OTHER).to_owned(),
            self.currency().to_owned(),
            figures.orders.to_string(),
            percent(figures.unpaid_ratio()),
            figures.late_payments.to_string(),
            percent(figures.refund_ratio()),
            format!("{} ({})", figures.disputes, percent(figures.dispute_ratio())),
            percent(figures.response_ratio()),
            if warnings.is_empty() { "-".to_owned() } else { warnings.join(", ") },
        ]
    }
}

/// In words, not by colour alone.
fn warning(standing: &Standing, step: Share, style: Style) -> String {
    let whole = step >= Share::percent(100);
    let said = if whole { "reached".to_owned() } else { format!("at {step}") };
    let tone = if whole { Tone::Bad } else { Tone::Strong };
    style.tint(tone, &format!("{} {said}", standing.measure))
}

impl Serialize for MerchantView {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let figures = self.figures();
        let standings: Vec<Value> = self
            .standings
            .iter()
            .map(|it| {
                let reached = it.reached.map(|share| share.to_string());
                json!({"measure": it.measure, "used": it.used, "reached": reached})
            })
            .collect();
        json!({
            "merchant": self.name(), "currency": self.currency(), "orders": figures.orders,
            "ended": figures.ended, "unpaid": figures.unpaid, "paid": figures.paid,
            "refunded": figures.refunded, "payments": figures.payments,
            "captured_minor": figures.captured_minor, "late_payments": figures.late_payments,
            "disputes": figures.disputes, "disputed_minor": figures.disputed_minor,
            "answered": figures.answered, "unanswered": figures.unanswered,
            "double_losses": figures.double_losses, "unpaid_ratio": figures.unpaid_ratio(),
            "refund_ratio": figures.refund_ratio(), "dispute_ratio": figures.dispute_ratio(),
            "disputed_amount_ratio": figures.disputed_amount_ratio(),
            "response_ratio": figures.response_ratio(), "thresholds": standings,
        })
        .serialize(serializer)
    }
}

impl MerchantsView {
    /// Merchants in the sequence that they are to be listed in.
    pub(crate) fn new(version: &Token<32>, within: Duration, merchants: Vec<MerchantView>) -> Self {
        let within = humantime::format_duration(within).to_string();
        Self { policy_version: version.to_string(), within, merchants }
    }

    /// Whether a merchant has reached a threshold itself.
    pub(crate) fn any_reached(&self) -> bool {
        let mut reached = self.merchants.iter().flat_map(MerchantView::reached);
        reached.any(|(_, step)| step >= Share::percent(100))
    }
}

impl View for MerchantsView {
    fn text(&self, style: Style) -> String {
        let Self { policy_version, within, merchants } = self;
        if merchants.is_empty() {
            return style.tint(Tone::Good, &format!("no orders within {within}"));
        }
        let head = [
            "MERCHANT",
            "CURRENCY",
            "ORDERS",
            "UNPAID",
            "LATE",
            "REFUNDED",
            "DISPUTES",
            "ANSWERED",
            "THRESHOLDS",
        ];
        let rows: Vec<_> = merchants.iter().map(|merchant| merchant.cells(style)).collect();
        let table = style.table(head, rows);
        format!("{table}\n\nwithin {within}, by the thresholds of {policy_version}")
    }
}

fn percent(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{:.2} %", ratio * 100.0))
}
