//! One order with everything that ever happened to it, for people.

use std::fmt;

use contracts::{OrderId, Timestamp};
use serde::Serialize;
use sqlx::postgres::{PgTypeInfo, PgValueRef};
use sqlx::{Decode, Postgres, Type};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::database::Database;
use crate::error::Error;
use crate::line::Line;

/// A point in time as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Time(Timestamp);

impl From<Time> for Timestamp {
    fn from(time: Time) -> Self {
        time.0
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Type<Postgres> for Time {
    fn type_info() -> PgTypeInfo {
        OffsetDateTime::type_info()
    }
}

impl<'r> Decode<'r, Postgres> for Time {
    fn decode(value: PgValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
        Ok(Self(OffsetDateTime::decode(value)?.into()))
    }
}

/// An order and all that belongs to it, each part in the sequence it was recorded.
#[derive(Clone, Debug, Serialize)]
pub struct Timeline {
    /// The order; absent when nobody created it (yet).
    pub order: Option<OrderRow>,
    /// Its payment attempts.
    pub attempts: Vec<AttemptRow>,
    /// Their captures.
    pub captures: Vec<CaptureRow>,
    /// Its refunds.
    pub refunds: Vec<RefundRow>,
    /// Its disputes.
    pub disputes: Vec<DisputeRow>,
    /// The latest arming of each of its timers.
    pub timers: Vec<TimerRow>,
    /// Every change of a status, with the event that caused it.
    pub history: Vec<HistoryRow>,
    /// Every decision of policy about it.
    pub judgements: Vec<JudgementRow>,
    /// Every movement of its money, and of unapplied money that names it.
    pub transfers: Vec<TransferRow>,
    /// Money that names it and does not fit it.
    pub unapplied: Vec<UnappliedRow>,
    /// The events accepted for it.
    pub events: Vec<EventRow>,
    /// The events that wait for it.
    pub parked: Vec<ParkedRow>,
    /// The messages sent about it, as far as their retention reaches.
    pub messages: Vec<MessageRow>,
}

impl Timeline {
    /// Whether there is nothing about this order.
    pub fn is_empty(&self) -> bool {
        self.order.is_none()
            && self.events.is_empty()
            && self.parked.is_empty()
            && self.unapplied.is_empty()
    }
}

/// Declares a part of the timeline: its row and the statement that reads it by order.
macro_rules! part {
    (
        $(#[$doc:meta])*
        $row:ident { $($field:ident: $type:ty,)+ }
        $step:literal, $read:ident, $sql:literal
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize)]
        #[expect(missing_docs, reason = "the fields are the columns, described in the migrations")]
        pub struct $row { $(pub $field: $type,)+ }

        async fn $read(connection: &mut Line, order: Uuid) -> Result<Vec<$row>, Error> {
            let rows = sqlx::query_as!($row, $sql, order).fetch_all(connection).await;
            rows.map_err(Error::during($step))
        }
    };
}

part! {
    /// An order.
    OrderRow {
        id: Uuid,
        merchant_id: String,
        customer_ref: String,
        currency: String,
        total_minor: i64,
        revision: i32,
        amount_changed: bool,
        status: String,
        payment_status: String,
        method: Option<String>,
        policy_version: String,
        locale: Option<String>,
        consent: Option<serde_json::Value>,
        reservation_id: Option<String>,
        placed_at: Time,
        expires_at: Time,
        paid_at: Option<Time>,
        closed_at: Option<Time>,
        close_reason: Option<String>,
        held_since: Option<Time>,
        stock_released_at: Option<Time>,
        version: i64,
    }
    "read the order", order, r#"
    SELECT
        id, orders.merchant_id, customer_ref, currency::text AS "currency!", total_minor, revision,
        amount_changed, orders.status::text AS "status!",
        order_payments.payment_status AS "payment_status!", method::text, policy_version,
        locale, consent,
        reservation_id, placed_at AS "placed_at: Time", expires_at AS "expires_at: Time",
        paid_at AS "paid_at: Time", closed_at AS "closed_at: Time", close_reason::text,
        held_since AS "held_since: Time", stock_released_at AS "stock_released_at: Time", version
    FROM orders
    INNER JOIN order_payments ON order_payments.order_id = orders.id
    WHERE orders.id = $1
    "#
}

part! {
    /// A payment attempt.
    AttemptRow {
        id: Uuid,
        provider: String,
        provider_ref: String,
        status: String,
        currency: String,
        amount_minor: i64,
        authorized_minor: i64,
        decline_code: Option<String>,
        network_code: Option<String>,
        decline_advice: Option<String>,
        decline_category: Option<String>,
        method_kind: Option<String>,
        method_brand: Option<String>,
        occurred_at: Time,
        last_event_at: Time,
    }
    "read the order's attempts", attempts, r#"
    SELECT
        id, provider, provider_ref, status::text AS "status!", currency::text AS "currency!",
        amount_minor, authorized_minor, decline_code, network_code, decline_advice,
        decline_category, method_kind, method_brand, occurred_at AS "occurred_at: Time",
        last_event_at AS "last_event_at: Time"
    FROM payment_attempts
    WHERE order_id = $1
    ORDER BY recorded
    "#
}

part! {
    /// A capture.
    CaptureRow {
        attempt_id: Uuid,
        capture_ref: String,
        currency: String,
        amount_minor: i64,
        applied_minor: i64,
        classification: String,
        occurred_at: Time,
        reversed_at: Option<Time>,
    }
    "read the order's captures", captures, r#"
    SELECT
        attempt_id, capture_ref, currency::text AS "currency!", amount_minor, applied_minor,
        classification::text AS "classification!", occurred_at AS "occurred_at: Time",
        reversed_at AS "reversed_at: Time"
    FROM captures
    WHERE order_id = $1
    ORDER BY recorded
    "#
}

part! {
    /// A refund.
    RefundRow {
        id: Uuid,
        request_key: String,
        part: i16,
        attempt_id: Option<Uuid>,
        currency: String,
        amount_minor: i64,
        status: String,
        reason: String,
        funded_from: String,
        decided_by: Option<String>,
        code: Option<String>,
        held_until: Option<Time>,
        provider_ref: Option<String>,
        requested_at: Time,
        settled_at: Option<Time>,
    }
    "read the order's refunds", refunds, r#"
    SELECT
        id, request_key, part, attempt_id, currency::text AS "currency!", amount_minor,
        status::text AS "status!", reason::text AS "reason!", funded_from::text AS "funded_from!",
        decided_by, code, held_until AS "held_until: Time", provider_ref,
        requested_at AS "requested_at: Time", settled_at AS "settled_at: Time"
    FROM refunds
    WHERE order_id = $1
    ORDER BY recorded
    "#
}

part! {
    /// A dispute.
    DisputeRow {
        id: Uuid,
        provider: String,
        provider_ref: String,
        attempt_id: Uuid,
        currency: String,
        amount_minor: i64,
        fee_minor: i64,
        loss_minor: i64,
        stage: String,
        status: String,
        reason: String,
        evidence_due_at: Option<Time>,
        evidence_submitted_at: Option<Time>,
        mediated_for: Option<String>,
        deadline_missed: bool,
        opened_at: Time,
        closed_at: Option<Time>,
    }
    "read the order's disputes", disputes, r#"
    SELECT
        id, provider, provider_ref, attempt_id, currency::text AS "currency!", amount_minor,
        fee_minor, loss_minor, stage::text AS "stage!", status::text AS "status!",
        reason::text AS "reason!", evidence_due_at AS "evidence_due_at: Time",
        evidence_submitted_at AS "evidence_submitted_at: Time",
        mediated_for::text AS "mediated_for?", deadline_missed, opened_at AS "opened_at: Time",
        closed_at AS "closed_at: Time"
    FROM disputes
    WHERE order_id = $1
    ORDER BY recorded
    "#
}

part! {
    /// A timer.
    TimerRow {
        kind: String,
        owner_id: Uuid,
        generation: i32,
        due_at: Time,
        status: String,
        resolved_at: Option<Time>,
        handed_over_at: Option<Time>,
        handovers: i32,
    }
    "read the order's timers", timers, r#"
    SELECT
        kind::text AS "kind!", owner_id, generation, due_at AS "due_at: Time",
        status::text AS "status!", resolved_at AS "resolved_at: Time",
        handed_over_at AS "handed_over_at: Time", handovers
    FROM timers
    WHERE order_id = $1
    ORDER BY kind, owner_id
    "#
}

part! {
    /// A change of a status.
    HistoryRow {
        seq: i32,
        recorded_at: Time,
        entity: String,
        entity_id: Uuid,
        from_status: String,
        to_status: String,
        reason: Option<String>,
        event_kind: Option<String>,
        event_source: Option<String>,
        event_id: Option<String>,
    }
    "read the order's history", history, r#"
    SELECT
        history.seq, history.recorded_at AS "recorded_at: Time",
        history.entity::text AS "entity!", history.entity_id, history.from_status,
        history.to_status, history.reason, inbox.kind::text AS event_kind,
        inbox.source AS "event_source?", inbox.event_id AS "event_id?"
    FROM history
    LEFT JOIN inbox ON inbox.order_id = history.order_id AND inbox.inbox_id = history.inbox_id
    WHERE history.order_id = $1
    ORDER BY history.seq
    "#
}

part! {
    /// A decision of policy.
    JudgementRow {
        recorded_at: Time,
        policy: String,
        verdict: String,
        policy_version: String,
        inputs: serde_json::Value,
    }
    "read the order's judgements", judgements, r#"
    SELECT
        recorded_at AS "recorded_at: Time", policy::text AS "policy!", verdict, policy_version,
        inputs
    FROM judgements
    WHERE order_id = $1
    ORDER BY id
    "#
}

part! {
    /// A movement of money.
    TransferRow {
        subject_id: Uuid,
        seq: i32,
        journal: i32,
        recorded_at: Time,
        code: String,
        reference: String,
        debit: String,
        credit: String,
        currency: String,
        amount_minor: i64,
    }
    "read the order's ledger", transfers, r#"
    SELECT
        subject_id, seq, journal, recorded_at AS "recorded_at: Time", code::text AS "code!",
        reference, debit::text AS "debit!", credit::text AS "credit!",
        currency::text AS "currency!", amount_minor
    FROM transfers
    WHERE subject_id = $1
        OR subject_id = ANY(ARRAY(SELECT id FROM unapplied_money WHERE claimed_order = $1))
    ORDER BY subject_id <> $1, subject_id, seq
    "#
}

part! {
    /// Money that names the order and does not fit it.
    UnappliedRow {
        id: Uuid,
        provider: String,
        capture_ref: String,
        currency: String,
        amount_minor: i64,
        cause: String,
        occurred_at: Time,
        recorded_at: Time,
        resolved_at: Option<Time>,
        resolution: Option<String>,
    }
    "read unapplied money", unapplied, r#"
    SELECT
        id, provider, capture_ref, currency::text AS "currency!", amount_minor,
        cause::text AS "cause!", occurred_at AS "occurred_at: Time",
        recorded_at AS "recorded_at: Time", resolved_at AS "resolved_at: Time", resolution::text
    FROM unapplied_money
    WHERE claimed_order = $1
    ORDER BY recorded_at, id
    "#
}

part! {
    /// An accepted event.
    EventRow {
        kind: String,
        source: String,
        event_id: String,
        occurred_at: Time,
        received_at: Time,
        deliveries: i32,
        outcome: String,
        outcome_code: Option<String>,
        parked_until: Option<Time>,
    }
    "read the order's events", events, r#"
    SELECT
        kind::text AS "kind!", source, event_id, occurred_at AS "occurred_at: Time",
        received_at AS "received_at: Time", deliveries, outcome::text AS "outcome!",
        outcome_code, parked_until AS "parked_until: Time"
    FROM inbox
    WHERE order_id = $1
    ORDER BY received_at, occurred_at, inbox_id
    "#
}

part! {
    /// An event that waits.
    ParkedRow {
        kind: String,
        source: String,
        event_id: String,
        occurred_at: Time,
        park_key: String,
        park_until: Time,
        queue: String,
    }
    "read the order's parked events", parked, r#"
    SELECT
        kind::text AS "kind!", source, event_id, occurred_at AS "occurred_at: Time", park_key,
        park_until AS "park_until: Time", queue
    FROM parked_events
    WHERE order_id = $1
    ORDER BY occurred_at, inbox_id
    "#
}

part! {
    /// A message of ours, or an event on its way home.
    MessageRow {
        message_id: String,
        exchange: String,
        routing_key: String,
        type_name: String,
        must_route: bool,
        attempts: i32,
        created_at: Time,
        publish_after: Time,
        sent_at: Option<Time>,
        suppressed_at: Option<Time>,
    }
    "read the order's messages", messages, r#"
    SELECT
        message_id, exchange::text AS "exchange!", routing_key, type_name, must_route, attempts,
        created_at AS "created_at: Time", publish_after AS "publish_after: Time",
        sent_at AS "sent_at: Time", suppressed_at AS "suppressed_at: Time"
    FROM outbox
    WHERE order_id = $1
    ORDER BY id
    "#
}

/// Reads all there is about an order, as of one moment of the database.
///
/// # Errors
/// When a statement fails.
pub async fn of(database: &mut Database, id: OrderId) -> Result<Timeline, Error> {
    let mut snapshot = database.begin_snapshot("timeline").await?;
    let (connection, id) = (snapshot.connection(), Uuid::from(id));
    let timeline = Timeline {
        order: order(connection, id).await?.into_iter().next(),
        attempts: attempts(connection, id).await?,
        captures: captures(connection, id).await?,
        refunds: refunds(connection, id).await?,
        disputes: disputes(connection, id).await?,
        timers: timers(connection, id).await?,
        history: history(connection, id).await?,
        judgements: judgements(connection, id).await?,
        transfers: transfers(connection, id).await?,
        unapplied: unapplied(connection, id).await?,
        events: events(connection, id).await?,
        parked: parked(connection, id).await?,
        messages: messages(connection, id).await?,
    };
    snapshot.rollback().await?;
    Ok(timeline)
}
