//! An order for people: what it is, how it came to be so, and where its money is.

mod header;
mod labels;
mod moments;
mod situation;
mod tables;
mod told;
mod why;

use contracts::OrderId;
use guidance::Zone;
use serde::Serialize;
use store::timeline::Timeline;

use crate::order_view::labels::Labels;
use crate::order_view::tables::Balance;
use crate::order_view::told::Told;
use crate::order_view::why::Why;
use crate::render::{Style, Tone, View};

/// Everything that is known of an order.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct OrderView {
    order_id: OrderId,
    #[serde(flatten)]
    timeline: Timeline,
    why: Why,
    balances: Vec<Balance>,
    guidance: Told,
}

impl OrderView {
    /// From what is stored; the customer is told it in this locale or else the order's own, with
    /// times in this zone.
    pub(crate) fn new(
        order_id: OrderId,
        timeline: Timeline,
        locale: Option<&str>,
        zone: &Zone,
    ) -> Self {
        let own = timeline.order.as_ref().and_then(|order| order.locale.as_deref());
        let guidance = Told::of(order_id, &timeline, locale.or(own), zone);
        let (why, balances) = (Why::of(&timeline), tables::balances(&timeline));
        Self { order_id, timeline, why, balances, guidance }
    }
}

impl View for OrderView {
    fn text(&self, style: Style) -> String {
        let labels = Labels::of(&self.timeline);
        let parts = [
            ("", header::text(self.order_id, &self.timeline, style)),
            ("Why", self.why.text(style)),
            ("Guidance", self.guidance.text(&labels, style)),
            ("Timeline", moments::text(&self.timeline, &labels, style)),
            ("Payment attempts", tables::attempts(&self.timeline, style)),
            ("Captures", tables::captures(&self.timeline, &labels, style)),
            ("Refunds", tables::refunds(&self.timeline, &labels, style)),
            ("Disputes", tables::disputes(&self.timeline, &labels, style)),
            ("Ledger", tables::ledger(&self.balances, style)),
        ];
        let shown = parts.into_iter().filter(|(_, text)| !text.is_empty());
        let shown: Vec<_> = shown
            .map(|(title, text)| match title {
                "" => text,
                title => format!("{}\n{text}", style.tint(Tone::Strong, title)),
            })
            .collect();
        shown.join("\n\n")
    }
}

/// An amount with its currency's own decimals; what is no known currency is shown in minor units.
pub(crate) fn amount(minor: i64, currency: &str) -> String {
    let known = currency.parse().ok().and_then(|known| domain::Money::new(minor, known).ok());
    known.map_or_else(|| format!("{currency} {minor} minor units"), |money| money.to_string())
}
