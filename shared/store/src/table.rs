//! The tables of an order: each module reads and writes one of them, in one statement each.

pub(crate) mod attempts;
pub(crate) mod captures;
pub(crate) mod consent_withdrawals;
pub(crate) mod customer_marks;
pub(crate) mod disputes;
pub(crate) mod history;
pub(crate) mod inbox_outcomes;
pub(crate) mod judgements;
pub(crate) mod orders;
pub(crate) mod outgoing;
pub(crate) mod paid_orders;
pub(crate) mod parked_events;
pub(crate) mod refunds;
pub(crate) mod risk_flags;
pub(crate) mod timers;
pub(crate) mod transfers;
pub(crate) mod unapplied_money;

use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;

use contracts::{Money, OrderId, TraceContext};
use domain::Changes;

use crate::error::Error;
use crate::write_set::Decided;

/// A row and the order it belongs to.
pub(crate) struct Of<'a, T> {
    /// The order.
    pub(crate) order: OrderId,
    /// The row.
    pub(crate) row: &'a T,
    /// The trace of the event that wrote it last.
    pub(crate) trace: Option<&'a TraceContext>,
}

/// A row of what is only ever added, with the event that caused it.
pub(crate) struct Caused<'a, T> {
    /// The order.
    pub(crate) order: OrderId,
    /// The event's row in the inbox.
    pub(crate) inbox: i64,
    /// The row.
    pub(crate) row: &'a T,
}

/// The images to write: of each row the last one of the batch.
pub(crate) fn last_images<'a, T, K: Eq + Hash>(
    decided: &'a [Decided<'a>],
    rows: impl Fn(&'a Changes) -> &'a [T],
    key: impl Fn(&'a T) -> K,
) -> Result<Vec<Of<'a, T>>, Error> {
    let mut images: Vec<Of<'a, T>> = Vec::new();
    let mut places = HashMap::new();
    for one in decided {
        for row in rows(&one.decision.changes) {
            let order = one.order()?;
            let place = *places.entry((order, key(row))).or_insert(images.len());
            match images.get_mut(place) {
                Some(image) => (image.row, image.trace) = (row, one.trace),
                None => images.push(Of { order, row, trace: one.trace }),
            }
        }
    }
    Ok(images)
}

/// Refuses amounts of one row in several currencies: the row has one column for it.
pub(crate) fn one_currency(
    table: &'static str,
    key: impl Display,
    amounts: &[Money],
) -> Result<(), Error> {
    let mixed = amounts.windows(2).any(|pair| pair[0].currency() != pair[1].currency());
    if mixed { Err(Error::MixedCurrencies { table, key: key.to_string() }) } else { Ok(()) }
}

/// Every row of what is only ever added.
pub(crate) fn all_rows<'a, T>(
    decided: &'a [Decided<'a>],
    rows: impl Fn(&'a Changes) -> &'a [T],
) -> Result<Vec<Caused<'a, T>>, Error> {
    let mut all = Vec::new();
    for one in decided {
        for row in rows(&one.decision.changes) {
            all.push(Caused { order: one.order()?, inbox: one.inbox.id, row });
        }
    }
    Ok(all)
}
