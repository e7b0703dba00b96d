//! The table `outbox`, as far as decisions fill it.

use crate::line::Line;
use contracts::{Outgoing, STRUCTURED_CONTENT_TYPE, Timestamp};
use domain::message::{Body, Message, Routing};
use uuid::Uuid;

use crate::column::column;
use crate::decode::at;
use crate::error::Error;
use crate::write_set::Decided;

/// Who we are, as the `source` of every message we send.
const SOURCE: &str = "/orderflow";

struct Row<'a> {
    message: &'a Message,
    inbox: i64,
    id: String,
    body: Vec<u8>,
}

/// Adds every message; returns whether there was one.
pub(crate) async fn write(connection: &mut Line, decided: &[Decided<'_>]) -> Result<bool, Error> {
    let rows: Vec<Row<'_>> = decided
        .iter()
        .flat_map(|one| one.decision.changes.messages.iter().map(move |it| row(one, it)))
        .collect();
    if rows.is_empty() {
        return Ok(false);
    }
    let written = sqlx::query!(
        r#"
        INSERT INTO outbox (
            order_id, message_id, exchange, must_route, routing_key, type_name, content_type, body,
            not_after, inbox_id, while_unpaid
        )
        SELECT
            order_id, message_id, 'events', must_route, routing_key, type_name, $7, body, not_after,
            inbox_id, while_unpaid
        FROM (
            SELECT
                unnest($1::uuid[]) AS order_id, unnest($2::text[]) AS message_id,
                unnest($3::boolean[]) AS must_route, unnest($4::text[]) AS routing_key,
                unnest($5::text[]) AS type_name, unnest($6::bytea[]) AS body,
                unnest($8::timestamptz[]) AS not_after, unnest($9::bigint[]) AS inbox_id,
                unnest($10::boolean[]) AS while_unpaid
        ) AS message
        "#,
        column(&rows, |row| Uuid::from(row.message.order_id)) as _,
        column(&rows, |row| row.id.as_str()) as _,
        column(&rows, |row| must_route(row.message)) as _,
        column(&rows, |row| row.message.body.name()) as _,
        column(&rows, |row| row.message.body.type_name()) as _,
        column(&rows, |row| row.body.as_slice()) as _,
        STRUCTURED_CONTENT_TYPE,
        column(&rows, |row| not_after(row.message).map(at)) as _,
        column(&rows, |row| may_be_outdated(row.message).then_some(row.inbox)) as _,
        column(&rows, |row| row.message.body.holds_while_unpaid()) as _,
    );
    written.execute(connection).await.map_err(Error::during("write messages"))?;
    Ok(true)
}

fn row<'a>(one: &Decided<'_>, message: &'a Message) -> Row<'a> {
    let id = message.id.to_string();
    let body = Outgoing::new(
        &id,
        SOURCE,
        message.body.type_name(),
        message.order_id,
        message.at,
        &message.body,
    );
    let body = body.caused_by(one.event_id).traced(one.trace).to_body();
    Row { message, inbox: one.inbox.id, id, body }
}

/// When a notification holds no longer; other messages always hold.
fn not_after(message: &Message) -> Option<Timestamp> {
    let Body::NotificationRequested { notice, .. } = &message.body else { return None };
    notice.not_after
}

/// Whether the relay may find that it holds no longer, and then says which event it was of.
fn may_be_outdated(message: &Message) -> bool {
    not_after(message).is_some() || message.body.holds_while_unpaid()
}

fn must_route(message: &Message) -> bool {
    match message.body.routing() {
        Routing::Command => true,
        Routing::Announcement => false,
    }
}
