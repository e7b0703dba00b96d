//! Arrays of one value per row, bound to a statement without being built in memory.

use sqlx::postgres::{PgBindIterExt, PgHasArrayType};
use sqlx::{Encode, Postgres, Type};

/// One column of many rows, as a parameter for `unnest`.
pub(crate) fn column<'r, R, T, F>(
    rows: &'r [R],
    value: F,
) -> impl Encode<'r, Postgres> + Type<Postgres>
where
    F: Fn(&'r R) -> T,
    T: Encode<'r, Postgres> + Type<Postgres> + PgHasArrayType,
{
    rows.iter().map(value).bind_iter()
}
