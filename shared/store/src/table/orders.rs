//! The table `orders`.

use std::collections::HashMap;

use crate::line::Line;
use contracts::events::{Consent, OrderLine};
use contracts::{EventKind, Money, OrderId, Token};
use domain::order::Order;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::column::column;
use crate::decode::{Place, at, optional_time};
use crate::error::Error;
use crate::names;
use crate::write_set::Decided;

struct Row {
    id: Uuid,
    merchant_id: String,
    customer_ref: String,
    currency: String,
    placed_at: OffsetDateTime,
    total_minor: i64,
    revision: i32,
    expires_at: OffsetDateTime,
    method: Option<String>,
    policy_version: String,
    locale: Option<String>,
    reservation_id: Option<String>,
    lines: Option<String>,
    consent: Option<String>,
    status: String,
    amount_changed: bool,
    paid_at: Option<OffsetDateTime>,
    closed_at: Option<OffsetDateTime>,
    close_reason: Option<String>,
    held_since: Option<OffsetDateTime>,
    stock_released_at: Option<OffsetDateTime>,
    accepted_shortfall_minor: Option<i64>,
    history_len: i32,
    ledger_len: i32,
    version: i64,
    is_marked: bool,
}

impl TryFrom<Row> for Order {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let place = Place::new("orders", row.id);
        Ok(Self {
            id: row.id.into(),
            merchant_id: place.text("merchant_id", &row.merchant_id)?,
            customer_ref: place.text("customer_ref", &row.customer_ref)?,
            total: place.money("total_minor", row.total_minor, &row.currency)?,
            status: place.status("status", &row.status)?,
            revision: row.revision,
            amount_changed: row.amount_changed,
            placed_at: row.placed_at.into(),
            expires_at: row.expires_at.into(),
            method: match row.method.as_deref() {
                Some(name) => Some(place.known("method", names::payment_method::parse(name))?),
                None => None,
            },
            policy_version: place.text("policy_version", &row.policy_version)?,
            locale: place.optional_text("locale", row.locale.as_deref())?,
            reservation_id: place.optional_text("reservation_id", row.reservation_id.as_deref())?,
            lines: match row.lines.as_deref() {
                Some(json) => place.known("lines", serde_json::from_str(json).ok())?,
                None => Vec::new(),
            },
            consent: match row.consent.as_deref() {
                Some(json) => Some(place.known("consent", serde_json::from_str(json).ok())?),
                None => None,
            },
            paid_at: optional_time(row.paid_at),
            closed_at: optional_time(row.closed_at),
            close_reason: place.optional_status("close_reason", row.close_reason.as_deref())?,
            held_since: optional_time(row.held_since),
            stock_released_at: optional_time(row.stock_released_at),
            shortfall: match row.accepted_shortfall_minor {
                Some(minor) => {
                    Some(place.money("accepted_shortfall_minor", minor, &row.currency)?)
                }
                None => None,
            },
            history_len: row.history_len,
            ledger_len: row.ledger_len,
            version: row.version,
        })
    }
}

/// Orders that were found.
pub(crate) struct Found {
    /// The orders.
    pub(crate) orders: Vec<Order>,
    /// Those of their customers who have a mark; few have.
    pub(crate) marked: Vec<String>,
}

/// Reads orders; unknown ones are absent.
pub(crate) async fn load(connection: &mut Line, orders: &[Uuid]) -> Result<Found, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT
            id, merchant_id, customer_ref, currency::text AS "currency!", placed_at, total_minor,
            revision, expires_at, method::text, policy_version, locale, reservation_id,
            lines::text, consent::text,
            status::text AS "status!", amount_changed, paid_at, closed_at, close_reason::text,
            held_since, stock_released_at, accepted_shortfall_minor, history_len, ledger_len,
            version,
            EXISTS (
                SELECT FROM customer_marks AS mark
                WHERE mark.customer_ref = orders.customer_ref COLLATE "C"
            ) AS "is_marked!"
        FROM orders
        WHERE id = ANY($1)
        "#,
        orders,
    );
    let rows = rows.fetch_all(connection).await.map_err(Error::during("read orders"))?;
    let marked = rows.iter().filter(|row| row.is_marked).map(|row| row.customer_ref.clone());
    let marked = marked.collect();
    let orders = rows.into_iter().map(Order::try_from).collect::<Result<_, Error>>()?;
    Ok(Found { orders, marked })
}

/// The row to write, and the version it replaces.
struct Image<'a> {
    order: &'a Order,
    base: i64,
    /// Whether the shop's own words about it may differ: total, window, method, lines.
    terms: bool,
    /// The lines as JSON, if they are written.
    lines: Option<String>,
    /// What the buyer agreed to as JSON, if it is written.
    consent: Option<String>,
}

/// Writes the last image of each order.
///
/// # Errors
/// [`Error::LostUpdate`] when a row is not as it was when the batch read it (case 38).
pub(crate) async fn write(connection: &mut Line, decided: &[Decided<'_>]) -> Result<(), Error> {
    let images = images(decided);
    let (opened, known): (Vec<_>, Vec<_>) = images.into_iter().partition(|image| image.base == 0);
    let written = insert(connection, &opened).await? + update(connection, &known).await?;
    let revised: Vec<_> = known.iter().filter(|image| image.terms).collect();
    update_terms(connection, &revised).await?;
    let wanted = (opened.len() + known.len()) as u64;
    if written == wanted {
        Ok(())
    } else {
        Err(Error::LostUpdate { wanted, lost: wanted - written })
    }
}

fn images<'a>(decided: &'a [Decided<'_>]) -> Vec<Image<'a>> {
    let mut images: Vec<Image<'a>> = Vec::new();
    let mut places: HashMap<OrderId, usize> = HashMap::new();
    for one in decided {
        let Some(order) = &one.decision.changes.order else { continue };
        let place = *places.entry(order.id).or_insert(images.len());
        if images.len() == place {
            // Each decision counts the version up by one.
            images.push(Image {
                order,
                base: order.version - 1,
                terms: false,
                lines: None,
                consent: None,
            });
        }
        images[place].order = order;
        // A shop that sets stock aside again may name another reservation.
        let terms = matches!(one.kind, EventKind::OrderCreated | EventKind::ReserveReplied);
        images[place].terms |= terms;
    }
    for image in images.iter_mut().filter(|image| image.terms) {
        image.lines = to_json(&image.order.lines);
        image.consent = image.order.consent.as_ref().map(consent_to_json);
    }
    images
}

fn to_json(lines: &[OrderLine]) -> Option<String> {
    let json = || serde_json::to_string(lines).expect("order lines have string keys only");
    (!lines.is_empty()).then(json)
}

fn consent_to_json(consent: &Consent) -> String {
    serde_json::to_string(consent).expect("consent has string keys only")
}

async fn insert(connection: &mut Line, images: &[Image<'_>]) -> Result<u64, Error> {
    if images.is_empty() {
        return Ok(0);
    }
    let inserted = sqlx::query!(
        r#"
        INSERT INTO orders (
            id, merchant_id, customer_ref, currency, placed_at, total_minor, revision, expires_at,
            method, locale, reservation_id, lines, status, amount_changed, paid_at, closed_at,
            close_reason, held_since, stock_released_at, history_len, ledger_len, version,
            policy_version, accepted_shortfall_minor, consent
        )
        SELECT
            unnest($1::uuid[]), unnest($2::text[]), unnest($3::text[]),
            unnest($4::text[]::currency_code[]), unnest($5::timestamptz[]), unnest($6::bigint[]),
            unnest($7::integer[]), unnest($8::timestamptz[]), unnest($9::text[]::payment_method[]),
            unnest($10::text[]), unnest($11::text[]), unnest($12::text[]::json[]),
            unnest($13::text[]::order_status[]), unnest($14::boolean[]), unnest($15::timestamptz[]),
            unnest($16::timestamptz[]), unnest($17::text[]::close_reason[]),
            unnest($18::timestamptz[]), unnest($19::timestamptz[]), unnest($20::integer[]),
            unnest($21::integer[]), unnest($22::bigint[]), unnest($23::text[]),
            unnest($24::bigint[]), unnest($25::text[]::json[])
        "#,
        column(images, |image| Uuid::from(image.order.id)) as _,
        column(images, |image| image.order.merchant_id.as_str()) as _,
        column(images, |image| image.order.customer_ref.as_str()) as _,
        column(images, |image| image.order.total.currency().code()) as _,
        column(images, |image| at(image.order.placed_at)) as _,
        column(images, |image| image.order.total.minor()) as _,
        column(images, |image| image.order.revision) as _,
        column(images, |image| at(image.order.expires_at)) as _,
        column(images, |image| image.order.method.map(names::payment_method::name)) as _,
        column(images, |image| image.order.locale.as_ref().map(Token::as_str)) as _,
        column(images, |image| image.order.reservation_id.as_ref().map(Token::as_str)) as _,
        column(images, |image| image.lines.as_deref()) as _,
        column(images, |image| domain::Status::name(image.order.status)) as _,
        column(images, |image| image.order.amount_changed) as _,
        column(images, |image| image.order.paid_at.map(at)) as _,
        column(images, |image| image.order.closed_at.map(at)) as _,
        column(images, |image| image.order.close_reason.map(domain::Status::name)) as _,
        column(images, |image| image.order.held_since.map(at)) as _,
        column(images, |image| image.order.stock_released_at.map(at)) as _,
        column(images, |image| image.order.history_len) as _,
        column(images, |image| image.order.ledger_len) as _,
        column(images, |image| image.order.version) as _,
        column(images, |image| image.order.policy_version.as_str()) as _,
        column(images, |image| image.order.shortfall.map(Money::minor)) as _,
        column(images, |image| image.consent.as_deref()) as _,
    );
    let inserted = inserted.execute(connection).await.map_err(Error::during("insert orders"));
    match inserted {
        Ok(inserted) => Ok(inserted.rows_affected()),
        // Not a clause on conflict, which would cost each order more to prevent what locks do.
        Err(error) if error.constraint() == Some("orders_pkey") => {
            Err(Error::LostUpdate { wanted: images.len() as u64, lost: 1 })
        }
        Err(error) => Err(error),
    }
}

/// Writes what becomes of orders.
async fn update(connection: &mut Line, images: &[Image<'_>]) -> Result<u64, Error> {
    if images.is_empty() {
        return Ok(0);
    }
    let updated = sqlx::query!(
        r#"
        UPDATE orders
        SET
            status = image.status,
            amount_changed = image.amount_changed,
            paid_at = image.paid_at,
            closed_at = image.closed_at,
            close_reason = image.close_reason,
            held_since = image.held_since,
            stock_released_at = image.stock_released_at,
            accepted_shortfall_minor = image.accepted_shortfall_minor,
            history_len = image.history_len,
            ledger_len = image.ledger_len,
            version = image.version
        FROM (
            SELECT
                unnest($1::uuid[]) AS id, unnest($2::bigint[]) AS base,
                unnest($3::text[]::order_status[]) AS status,
                unnest($4::boolean[]) AS amount_changed, unnest($5::timestamptz[]) AS paid_at,
                unnest($6::timestamptz[]) AS closed_at,
                unnest($7::text[]::close_reason[]) AS close_reason,
                unnest($8::timestamptz[]) AS held_since,
                unnest($9::timestamptz[]) AS stock_released_at,
                unnest($10::integer[]) AS history_len, unnest($11::integer[]) AS ledger_len,
                unnest($12::bigint[]) AS version,
                unnest($13::bigint[]) AS accepted_shortfall_minor
        ) AS image
        WHERE orders.id = image.id AND orders.version = image.base
        "#,
        column(images, |image| Uuid::from(image.order.id)) as _,
        column(images, |image| image.base) as _,
        column(images, |image| domain::Status::name(image.order.status)) as _,
        column(images, |image| image.order.amount_changed) as _,
        column(images, |image| image.order.paid_at.map(at)) as _,
        column(images, |image| image.order.closed_at.map(at)) as _,
        column(images, |image| image.order.close_reason.map(domain::Status::name)) as _,
        column(images, |image| image.order.held_since.map(at)) as _,
        column(images, |image| image.order.stock_released_at.map(at)) as _,
        column(images, |image| image.order.history_len) as _,
        column(images, |image| image.order.ledger_len) as _,
        column(images, |image| image.order.version) as _,
        column(images, |image| image.order.shortfall.map(Money::minor)) as _,
    );
    let updated = updated.execute(connection).await.map_err(Error::during("update orders"))?;
    Ok(updated.rows_affected())
}

/// Writes what a shop says of orders that it revised; their rows are this transaction's already.
async fn update_terms(connection: &mut Line, images: &[&Image<'_>]) -> Result<(), Error> {
    if images.is_empty() {
        return Ok(());
    }
    let updated = sqlx::query!(
        r#"
        UPDATE orders
        SET
            total_minor = image.total_minor,
            revision = image.revision,
            expires_at = image.expires_at,
            method = image.method,
            locale = image.locale,
            reservation_id = image.reservation_id,
            lines = image.lines,
            policy_version = image.policy_version,
            consent = image.consent
        FROM (
            SELECT
                unnest($1::uuid[]) AS id, unnest($2::bigint[]) AS total_minor,
                unnest($3::integer[]) AS revision, unnest($4::timestamptz[]) AS expires_at,
                unnest($5::text[]::payment_method[]) AS method, unnest($6::text[]) AS locale,
                unnest($7::text[]) AS reservation_id, unnest($8::text[]::json[]) AS lines,
                unnest($9::text[]) AS policy_version,
                unnest($10::text[]::json[]) AS consent
        ) AS image
        WHERE orders.id = image.id
        "#,
        column(images, |image| Uuid::from(image.order.id)) as _,
        column(images, |image| image.order.total.minor()) as _,
        column(images, |image| image.order.revision) as _,
        column(images, |image| at(image.order.expires_at)) as _,
        column(images, |image| image.order.method.map(names::payment_method::name)) as _,
        column(images, |image| image.order.locale.as_ref().map(Token::as_str)) as _,
        column(images, |image| image.order.reservation_id.as_ref().map(Token::as_str)) as _,
        column(images, |image| image.lines.as_deref()) as _,
        column(images, |image| image.order.policy_version.as_str()) as _,
        column(images, |image| image.consent.as_deref()) as _,
    );
    updated.execute(connection).await.map_err(Error::during("revise orders"))?;
    Ok(())
}
