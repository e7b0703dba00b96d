//! Everything a batch of decisions writes, each table by one statement.

use std::time::Duration;

use contracts::{EventKind, OrderId, Timestamp, TraceContext};
use domain::Decision;

use crate::database::Transaction;
use crate::error::Error;
use crate::inbox::{InboxId, event_name};
use crate::table::{
    attempts, captures, consent_withdrawals, customer_marks, disputes, history, inbox_outcomes,
    judgements, orders, outgoing, paid_orders, parked_events, refunds, risk_flags, timers,
    transfers, unapplied_money,
};

/// Timers due within this time are worth waking the scheduler for; its horizon by default.
const SOON: Duration = Duration::from_mins(2);

/// A decision and the event it was made on.
#[derive(Clone, Copy, Debug)]
pub struct Decided<'a> {
    /// The event's row in the inbox.
    pub inbox: InboxId,
    /// Whether the event was parked or rejected before.
    pub again: bool,
    /// The order it belongs to; absent when a reference led to none.
    pub order: Option<OrderId>,
    /// Who sent it.
    pub source: &'a str,
    /// The sender's id of it.
    pub event_id: &'a str,
    /// Which kind it is.
    pub kind: EventKind,
    /// When it happened, by the sender's clock.
    pub occurred_at: Timestamp,
    /// What was decided.
    pub decision: &'a Decision,
    /// The trace it belongs to; its messages and timers continue it.
    pub trace: Option<&'a TraceContext>,
    /// The delivery as it came.
    pub original: Original<'a>,
}

/// A delivery as it came, kept if the event is parked.
#[derive(Clone, Copy, Debug)]
pub struct Original<'a> {
    /// The work queue it came from and goes back to.
    pub queue: &'a str,
    /// Its content type.
    pub content_type: Option<&'a str>,
    /// Its headers as typed JSON; only read when the event is parked.
    pub headers_json: Option<&'a str>,
    /// Its message id.
    pub message_id: Option<&'a str>,
    /// Its body, byte for byte.
    pub body: &'a [u8],
}

impl Decided<'_> {
    /// The order whose rows the decision writes.
    pub(crate) fn order(&self) -> Result<OrderId, Error> {
        let changed = self.decision.changes.order.as_ref().map(|order| order.id);
        let event = || event_name(self.source, self.event_id);
        changed.or(self.order).ok_or_else(|| Error::NoOrder { event: event() })
    }
}

/// Writes a batch of decisions, in the order they were made; no statement is sent for nothing.
///
/// Images of rows replace the rows, and the last image of a row wins; history, ledger and messages
/// are added. After a failure the transaction must be rolled back.
///
/// # Errors
/// [`Error::LostUpdate`] when an order is not as the batch read it, and any statement's.
pub async fn write(
    transaction: &mut Transaction<'_>,
    decided: &[Decided<'_>],
) -> Result<(), Error> {
    let timers = timers::images(decided)?;
    let connection = transaction.connection();
    orders::write(connection, decided).await?;
    attempts::write(connection, decided).await?;
    captures::write(connection, decided).await?;
    refunds::write(connection, decided).await?;
    disputes::write(connection, decided).await?;
    timers::write(connection, &timers).await?;
    history::write(connection, decided).await?;
    transfers::write(connection, decided).await?;
    judgements::write(connection, decided).await?;
    consent_withdrawals::write(connection, decided).await?;
    risk_flags::write(connection, decided).await?;
    customer_marks::write(connection, decided).await?;
    let paid = paid_orders::of_marked(decided, transaction.marked());
    let connection = transaction.connection();
    paid_orders::note(connection, &paid).await?;
    unapplied_money::write(connection, decided).await?;
    unapplied_money::change(connection, decided).await?;
    inbox_outcomes::write(connection, decided).await?;
    // First parked, then released: the parent may come later in the same batch.
    parked_events::forget(connection, decided).await?;
    parked_events::park(transaction, decided).await?;
    let connection = transaction.connection();
    let sent = outgoing::write(connection, decided).await?;
    let released = parked_events::release(connection, decided).await?;

    if sent || released {
        transaction.hint_outbox();
    }
    let soon = transaction.locked_at().map(|now| now.plus(SOON));
    let is_soon = |due_at| soon.is_none_or(|soon| due_at <= soon);
    if timers.iter().any(|of| timers::is_armed(of.row) && is_soon(of.row.due_at)) {
        transaction.hint_timers();
    }
    Ok(())
}
