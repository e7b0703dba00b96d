//! What is watched of merchants, added up over all their orders (policy 10).

use std::time::Duration;

use contracts::{Currency, Token};
use domain::policy::MerchantFigures;

use crate::database::Database;
use crate::decode::Place;
use crate::error::Error;

/// Memory for each sort and hash; what does not fit goes to disk.
const WORK_MEM: &str = "64MB";

/// Which merchants are looked at by name.
#[derive(Clone, Copy, Debug)]
pub struct Selection {
    /// How far back.
    pub within: Duration,
    /// At most so many, those with most disputes and orders first.
    pub most: u32,
    /// With so many orders, or disputes, at least.
    pub min_orders: u32,
}

/// One merchant's figures in one currency, or those of all who are not listed.
#[derive(Clone, Debug, PartialEq)]
pub struct MerchantRow {
    /// The merchant; absent for all others together.
    pub merchant: Option<Token<64>>,
    /// Amounts are in its minor units.
    pub currency: Currency,
    /// What is known.
    pub figures: MerchantFigures,
}

struct Row {
    merchant: Option<String>,
    currency: String,
    orders: i64,
    ended: i64,
    unpaid: i64,
    paid: i64,
    refunded: i64,
    payments: i64,
    captured: i64,
    late: i64,
    disputes: i64,
    disputed: i64,
    answered: i64,
    unanswered: i64,
    double_losses: i64,
}

impl TryFrom<Row> for MerchantRow {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let place = Place::new("orders", row.merchant.clone().unwrap_or_default());
        Ok(Self {
            merchant: place.optional_text("merchant_id", row.merchant.as_deref())?,
            currency: place.text("currency", &row.currency)?,
            figures: MerchantFigures {
                orders: row.orders,
                ended: row.ended,
                unpaid: row.unpaid,
                paid: row.paid,
                refunded: row.refunded,
                payments: row.payments,
                captured_minor: row.captured,
                late_payments: row.late,
                disputes: row.disputes,
                disputed_minor: row.disputed,
                answered: row.answered,
                unanswered: row.unanswered,
                double_losses: row.double_losses,
            },
        })
    }
}

/// Adds up what is watched; each table is read once, whatever the number of merchants.
///
/// # Errors
/// When a statement fails, or takes longer than `limit`.
pub async fn figures(
    database: &mut Database,
    selection: Selection,
    limit: Duration,
) -> Result<Vec<MerchantRow>, Error> {
    let mut snapshot = database.begin_snapshot("merchants").await?;
    let settings = sqlx::query!(
        r#"
        SELECT
            set_config('statement_timeout', $1, true) AS timeout,
            set_config('work_mem', $2, true) AS memory
        "#,
        limit.as_millis().to_string(),
        WORK_MEM,
    );
    let set = settings.fetch_one(snapshot.connection()).await;
    set.map_err(Error::during("set the limits of a look at merchants"))?;
    let days = i32::try_from(selection.within.as_secs().div_ceil(86_400)).unwrap_or(i32::MAX);
    let rows = sqlx::query_file_as!(
        Row,
        "src/merchants.sql",
        days,
        i64::from(selection.most),
        i64::from(selection.min_orders),
    );
    let rows = rows.fetch_all(snapshot.connection()).await;
    let rows = rows.map_err(Error::during("add up what is watched of merchants"))?;
    snapshot.rollback().await?;
    rows.into_iter().map(MerchantRow::try_from).collect()
}
