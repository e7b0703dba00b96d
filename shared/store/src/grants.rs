//! What roles may do with the tables, as the catalogue of the server has it.

use std::collections::BTreeMap;

use crate::database::Database;
use crate::error::Error;

/// What one role may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Whether anybody can log in as it.
    pub login: bool,
    /// By table: `select`, `insert`, `delete`, `truncate`, `update`, or `update (column, ..)`.
    pub tables: BTreeMap<String, Vec<String>>,
}

/// Like the condition of a server, it is asked of databases without our schema, too.
const GRANTS: &str = "
    SELECT
        r.rolname::text,
        r.rolcanlogin,
        c.relname::text,
        has_any_column_privilege(r.oid, c.oid, 'SELECT'),
        has_any_column_privilege(r.oid, c.oid, 'INSERT'),
        has_table_privilege(r.oid, c.oid, 'DELETE'),
        has_table_privilege(r.oid, c.oid, 'TRUNCATE'),
        ARRAY(
            SELECT a.attname::text
            FROM pg_attribute a
            WHERE a.attrelid = c.oid
                AND a.attnum > 0
                AND NOT a.attisdropped
                AND a.attgenerated = ''
                AND a.attidentity = ''
                AND has_column_privilege(r.oid, c.oid, a.attnum, 'UPDATE')
            ORDER BY a.attnum
        ),
        (
            SELECT count(*)
            FROM pg_attribute a
            WHERE a.attrelid = c.oid
                AND a.attnum > 0
                AND NOT a.attisdropped
                AND a.attgenerated = ''
                AND a.attidentity = ''
        )
    FROM pg_roles r
    CROSS JOIN pg_class c
    WHERE r.rolname = ANY($1)
        AND c.relnamespace = current_schema()::regnamespace
        AND c.relkind IN ('r', 'p', 'v')
        AND NOT c.relispartition";

type Row = (String, bool, String, bool, bool, bool, bool, Vec<String>, i64);

/// What each of these roles may do; roles that are not there are left out.
///
/// # Errors
/// When the statement fails.
pub async fn of_roles(
    database: &mut Database,
    roles: &[String],
) -> Result<BTreeMap<String, Grants>, Error> {
    let rows = sqlx::query_as::<_, Row>(GRANTS).bind(roles);
    let rows = rows.fetch_all(database.connection()?).await;
    let rows = rows.map_err(Error::during("ask for the rights of roles"))?;
    let mut grants = BTreeMap::<String, Grants>::new();
    for (role, login, table, select, insert, delete, truncate, columns, all) in rows {
        let grants = grants.entry(role).or_default();
        grants.login = login;
        let verbs =
            [(select, "select"), (insert, "insert"), (delete, "delete"), (truncate, "truncate")];
        let verbs = verbs.into_iter().filter(|(may, _)| *may).map(|(_, verb)| verb.to_owned());
        let mut words: Vec<String> = verbs.collect();
        if i64::try_from(columns.len()) == Ok(all) {
            words.push("update".to_owned());
        } else if !columns.is_empty() {
            words.push(format!("update ({})", columns.join(", ")));
        }
        if !words.is_empty() {
            grants.tables.insert(table, words);
        }
    }
    Ok(grants)
}
