//! The first lines: which order, and where it stands.

use contracts::OrderId;
use domain::Status;
use domain::order::OrderStatus;
use store::timeline::{OrderRow, Timeline};

use super::amount;
use crate::render::{Style, Tone};

pub(super) fn text(id: OrderId, timeline: &Timeline, style: Style) -> String {
    let Some(order) = &timeline.order else {
        let title = style.tint(Tone::Strong, &format!("Order {id}: not known"));
        return format!("{title}\n{}", style.paragraph(2, &awaited(timeline)));
    };
    let title = style.tint(Tone::Strong, &format!("Order {id}: {}", whole_status(order)));
    let mut lines = vec![title, style.paragraph(2, &standing(order, timeline))];
    lines.extend(remarks(order).iter().map(|remark| style.paragraph(2, remark)));
    lines.push(style.paragraph(2, &origin(order)));
    lines.join("\n")
}

/// Its status, and how far it is paid where that says more.
fn whole_status(order: &OrderRow) -> String {
    let paid = order.payment_status.replace('_', " ");
    if order.status == order.payment_status { paid } else { format!("{}, {paid}", order.status) }
}

/// An order that nobody created, though events name it.
fn awaited(timeline: &Timeline) -> String {
    format!(
        "No shop has created it. Events that name it: {}; of these still waiting for it: {}. \
         Money that names it: {}.",
        timeline.events.len(),
        timeline.parked.len(),
        timeline.unapplied.len()
    )
}

/// Where the order stands, in a sentence.
fn standing(order: &OrderRow, timeline: &Timeline) -> String {
    let total = amount(order.total_minor, &order.currency);
    let live = timeline.captures.iter().filter(|capture| capture.reversed_at.is_none());
    let paid = live.map(|capture| capture.applied_minor).sum();
    let paid = amount(paid, &order.currency);
    let closed = order.closed_at.map(|at| at.to_string()).unwrap_or_default();
    match OrderStatus::parse(&order.status) {
        Ok(OrderStatus::PendingPayment) => {
            format!("It waits for {total} until {}; paid so far: {paid}.", order.expires_at)
        }
        Ok(OrderStatus::Paid) => {
            let at = order.paid_at.map(|at| at.to_string()).unwrap_or_default();
            format!("Its {total} are covered since {at}; captured for it: {paid}.")
        }
        Ok(OrderStatus::Expired) => format!(
            "Its payment window ended at {} without its {total}; it was closed at {closed}.",
            order.expires_at
        ),
        Ok(OrderStatus::Cancelled) => {
            let reason = order.close_reason.as_deref().unwrap_or("unknown");
            format!("It was called off at {closed} ({reason}); its total was {total}.")
        }
        // A newer program wrote it: the title shows the status, and this the total.
        Err(_) => format!("Its total is {total}; captured for it: {paid}."),
    }
}

/// What an operator should not overlook.
fn remarks(order: &OrderRow) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(since) = order.held_since {
        remarks.push(format!("Its expiry is held for a payment under way since {since}."));
    }
    if order.amount_changed {
        remarks.push("A later revision with another total was refused.".to_owned());
    }
    if let Some(at) = order.stock_released_at {
        remarks.push(format!("Its stock was released at {at}."));
    }
    remarks
}

fn origin(order: &OrderRow) -> String {
    let method = order.method.as_deref().unwrap_or("method not named");
    format!(
        "Placed {} with merchant {} by customer {}; {method}; revision {}; policies {}.",
        order.placed_at,
        order.merchant_id,
        order.customer_ref,
        order.revision,
        order.policy_version
    )
}
