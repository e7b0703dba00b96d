//! Customers as readers of messages: who may still be written to, and of what.

use std::collections::HashMap;

use contracts::Token;
use domain::notices::Reader;

use crate::column::column;
use crate::database::Transaction;
use crate::error::Error;

/// Reads what is known of customers at this moment; there is an answer for each.
///
/// # Errors
/// When the statement fails.
pub async fn load(
    transaction: &mut Transaction<'_>,
    customers: &[&Token<64>],
) -> Result<HashMap<String, Reader>, Error> {
    if customers.is_empty() {
        return Ok(HashMap::new());
    }
    let known = sqlx::query!(
        r#"
        SELECT
            customer.reference AS "reference!",
            EXISTS (
                SELECT FROM erasures WHERE erasures.customer_ref = customer.reference
            ) AS "erased!",
            (
                SELECT max(withdrawn_at)
                FROM consent_withdrawals AS withdrawal
                WHERE
                    withdrawal.customer_ref = customer.reference
                    AND withdrawal.purpose = 'marketing'
            ) AS marketing_withdrawn_at,
            (
                SELECT max(withdrawn_at)
                FROM consent_withdrawals AS withdrawal
                WHERE
                    withdrawal.customer_ref = customer.reference
                    AND withdrawal.purpose = 'recovery'
            ) AS recovery_withdrawn_at
        FROM unnest($1::text[]) AS customer (reference)
        "#,
        column(customers, |customer| customer.as_str()) as _,
    );
    let known = known.fetch_all(transaction.connection()).await;
    let known = known.map_err(Error::during("read who may be written to"))?.into_iter();
    let readers = known.map(|row| {
        let reader = Reader {
            erased: row.erased,
            marketing_withdrawn_at: row.marketing_withdrawn_at.map(Into::into),
            recovery_withdrawn_at: row.recovery_withdrawn_at.map(Into::into),
        };
        (row.reference, reader)
    });
    Ok(readers.collect())
}
