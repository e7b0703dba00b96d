//! A Postgres database of a test's own.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::Mutex;

use crate::{Endpoints, endpoints, endpoints::checkout, unique};

/// What every database made here is called first.
const PREFIX: &str = "testkit_";

/// What the databases that others are copied from are called first.
const TEMPLATE_PREFIX: &str = "testkit_template_";

/// The advisory lock under which templates are made; the number only has to be ours.
const TEMPLATE_LOCK: i64 = 0x6f72_6465_7266_6c6f;

/// Bytes of the hash that names a state of the migrations.
const HASH_BYTES: usize = 8;

/// A database of one test's own, dropped at the end of it.
#[derive(Debug)]
pub struct TestDatabase {
    server_url: String,
    url: String,
    name: String,
}

impl TestDatabase {
    /// A database with all migrations of `schemas/postgres/migrations` applied.
    ///
    /// # Panics
    /// When Postgres is not reached or a migration fails.
    pub async fn migrated() -> Self {
        Self::migrated_at(&endpoints()).await
    }

    /// The same on a server that is not the usual one.
    ///
    /// # Panics
    /// When Postgres is not reached or a migration fails.
    pub async fn migrated_at(endpoints: &Endpoints) -> Self {
        static TEMPLATES: Mutex<Option<HashMap<String, String>>> = Mutex::const_new(None);
        let server_url = &endpoints.database_url;
        let folder = checkout().join("schemas/postgres/migrations");
        let mut templates = TEMPLATES.lock().await;
        let known = templates.get_or_insert_default();
        if !known.contains_key(server_url) {
            let made = template(server_url, &folder).await;
            let made = made.expect("the migrations apply to an empty database");
            known.insert(server_url.clone(), made);
        }
        let template = known[server_url].clone();
        drop(templates);
        Self::create(server_url, &template).await
    }

    /// A database without any table.
    ///
    /// # Panics
    /// When Postgres is not reached.
    pub async fn empty() -> Self {
        Self::create(&endpoints().database_url, "template0").await
    }

    /// The address to connect to, with user and password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address to connect to as one of the roles of `ops/postgres/roles.sql`.
    ///
    /// # Panics
    /// When there is no such role, or Postgres is not reached.
    pub async fn url_as(&self, role: &str) -> String {
        let (user, password) = credentials(&self.url);
        let url =
            self.url.replacen(&format!("{user}:{password}@"), &format!("{role}:{password}@"), 1);
        if PgConnection::connect(&url).await.is_err() {
            let may_log_in = let_in(&self.server_url, role, &password).await;
            may_log_in.expect("the role can be given a password");
        }
        url
    }

    async fn create(server_url: &str, template: &str) -> Self {
        let name = format!("{PREFIX}{}", unique::name());
        let made = async {
            let mut server = PgConnection::connect(server_url).await?;
            drop_forgotten(&mut server, PREFIX).await?;
            create_database(&mut server, &name, template).await?;
            server.close().await?;
            anyhow::Ok(())
        };
        made.await.expect("a database for the test can be made");
        let url = with_database(server_url, &name);
        Self { server_url: server_url.to_owned(), url, name }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server_url, name) = (self.server_url.clone(), self.name.clone());
        // Whatever runtime the test had may be gone or busy, so this one is separate.
        let dropping = thread::spawn(move || -> Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut server = PgConnection::connect(&server_url).await?;
                drop_database(&mut server, &name, "WITH (FORCE)").await?;
                Ok(server.close().await?)
            })
        });
        match dropping.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => eprintln!("the database {} stays behind: {error:#}", self.name),
            Err(_) => eprintln!("the database {} stays behind", self.name),
        }
    }
}

/// The name of a database with exactly these migrations, made on first use by whoever comes first.
async fn template(server_url: &str, folder: &Path) -> Result<String> {
    let suffix = format!("_{}", fingerprint(folder)?);
    let mut server = PgConnection::connect(server_url).await?;
    sqlx::query("SELECT pg_advisory_lock($1)").bind(TEMPLATE_LOCK).execute(&mut server).await?;
    let templates = databases(&mut server, TEMPLATE_PREFIX).await?;
    let found = templates.into_iter().find(|name| name.ends_with(&suffix));
    let name = match found {
        Some(name) => name,
        None => make_template(&mut server, server_url, folder, &suffix).await?,
    };
    // Closing the connection releases the lock.
    server.close().await?;
    Ok(name)
}

/// Lets a role log in with the password of the tests' own user.
async fn let_in(server_url: &str, role: &str, password: &str) -> Result<()> {
    let mut server = PgConnection::connect(server_url).await?;
    // Two who change the same role at once would get in each other's way.
    sqlx::query("SELECT pg_advisory_lock($1)").bind(TEMPLATE_LOCK).execute(&mut server).await?;
    let changed = run(&mut server, format!("ALTER ROLE {role} LOGIN PASSWORD '{password}'")).await;
    server.close().await?;
    changed
}

/// User and password of an address, as they stand in it.
fn credentials(url: &str) -> (String, String) {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let login = authority.rsplit_once('@').map_or("", |(login, _)| login);
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    (user.to_owned(), password.to_owned())
}

async fn make_template(
    server: &mut PgConnection,
    server_url: &str,
    folder: &Path,
    suffix: &str,
) -> Result<String> {
    drop_forgotten(server, TEMPLATE_PREFIX).await?;
    // It gets its name when it is finished, so that a crash in between leaves no broken template.
    let draft = format!("{PREFIX}{}", unique::name());
    create_database(server, &draft, "template0").await?;
    let mut connection = PgConnection::connect(&with_database(server_url, &draft)).await?;
    if folder.is_dir() {
        Migrator::new(folder).await?.run(&mut connection).await?;
    }
    if let Ok(roles) = std::fs::read_to_string(roles_file(folder)) {
        run(&mut connection, roles).await.context("failed to apply the roles")?;
    }
    connection.close().await?;
    let name = format!("{TEMPLATE_PREFIX}{}{suffix}", unique::name());
    run(server, format!("ALTER DATABASE {draft} WITH ALLOW_CONNECTIONS false")).await?;
    run(server, format!("ALTER DATABASE {draft} RENAME TO {name}")).await?;
    Ok(name)
}

/// Drops databases with this prefix that were made long ago: what crashed runs left, or the
/// templates of migrations that have changed since.
async fn drop_forgotten(server: &mut PgConnection, prefix: &str) -> Result<()> {
    for name in unused(server, prefix).await? {
        if unique::is_forgotten(name.trim_start_matches(prefix)) {
            drop_if_possible(server, &name).await;
        }
    }
    Ok(())
}

/// Refused while somebody is connected, or while another test does the same.
async fn drop_if_possible(server: &mut PgConnection, name: &str) {
    if let Err(error) = drop_database(server, name, "").await {
        eprintln!("the forgotten database {name} stays: {error:#}");
    }
}

/// Those that nobody is connected to: to drop another one would wait five seconds in vain.
async fn unused(server: &mut PgConnection, prefix: &str) -> Result<Vec<String>> {
    let statement = "SELECT datname FROM pg_database
        WHERE starts_with(datname, $1) AND NOT EXISTS (
            SELECT FROM pg_stat_activity AS session WHERE session.datname = pg_database.datname
        )";
    let all = sqlx::query_scalar(statement).bind(prefix).fetch_all(server);
    all.await.context("failed to list the unused databases")
}

async fn databases(server: &mut PgConnection, prefix: &str) -> Result<Vec<String>> {
    let all = sqlx::query_scalar("SELECT datname FROM pg_database WHERE starts_with(datname, $1)")
        .bind(prefix)
        .fetch_all(server);
    all.await.context("failed to list the databases")
}

async fn create_database(server: &mut PgConnection, name: &str, template: &str) -> Result<()> {
    run(server, format!("CREATE DATABASE {name} TEMPLATE {template}")).await
}

async fn drop_database(server: &mut PgConnection, name: &str, how: &str) -> Result<()> {
    run(server, format!("DROP DATABASE IF EXISTS {name} {how}")).await
}

/// Runs a statement on a database whose name was made here, from letters, digits and underscores.
async fn run(server: &mut PgConnection, statement: String) -> Result<()> {
    let outcome = sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(server).await;
    let begin: String = statement.chars().take(60).collect();
    outcome.map(drop).with_context(|| format!("failed to run {begin}"))
}

/// The roles that are granted what the checkout's own migrations made.
fn roles_file(migrations: &Path) -> PathBuf {
    let ours = migrations == checkout().join("schemas/postgres/migrations");
    if ours { checkout().join("ops/postgres/roles.sql") } else { PathBuf::new() }
}

/// A hash of the names and contents of all migrations in a folder, and of the roles with them.
fn fingerprint(folder: &Path) -> Result<String> {
    let mut files: Vec<_> = match std::fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?,
        Err(_) => Vec::new(),
    };
    files.sort();
    files.extend(Some(roles_file(folder)).filter(|file| file.is_file()));
    let mut hash = Sha256::new();
    for file in files {
        hash.update(file.file_name().unwrap_or_default().as_encoded_bytes());
        hash.update([0]);
        hash.update(std::fs::read(&file)?);
        hash.update([0]);
    }
    let number = hash
        .finalize()
        .iter()
        .take(HASH_BYTES)
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    Ok(format!("{number:016x}"))
}

/// The same server, another database.
fn with_database(url: &str, name: &str) -> String {
    let (address, parameters) = url.split_once('?').unwrap_or((url, ""));
    let authority = address.find("://").map_or(0, |at| at + "://".len());
    let path = address[authority..].find('/').map_or(address.len(), |at| authority + at);
    let separator = if parameters.is_empty() { "" } else { "?" };
    format!("{}/{name}{separator}{parameters}", &address[..path])
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn tables(url: &str) -> i64 {
        let mut connection = PgConnection::connect(url).await.unwrap();
        let count =
            sqlx::query_scalar("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'");
        count.fetch_one(&mut connection).await.unwrap()
    }

    async fn exists(name: &str) -> bool {
        let mut server = PgConnection::connect(&endpoints().database_url).await.unwrap();
        databases(&mut server, name).await.unwrap().iter().any(|found| found == name)
    }

    #[test]
    fn only_the_database_of_an_address_is_replaced() {
        let cases = [
            ("postgres://u:p@h:5/a", "postgres://u:p@h:5/b"),
            ("postgres://u:p@h:5", "postgres://u:p@h:5/b"),
            ("postgres://h/a?sslmode=disable", "postgres://h/b?sslmode=disable"),
        ];
        for (before, after) in cases {
            assert_eq!(with_database(before, "b"), after);
        }
    }

    #[test]
    fn a_changed_migration_has_another_fingerprint() {
        let folder = tempfile::tempdir().unwrap();
        let nothing = fingerprint(folder.path()).unwrap();
        let file = folder.path().join("0001_a.up.sql");
        std::fs::write(&file, "SELECT 1").unwrap();
        let one = fingerprint(folder.path()).unwrap();
        std::fs::write(&file, "SELECT 2").unwrap();
        let other = fingerprint(folder.path()).unwrap();
        assert!(nothing != one && one != other);
    }

    #[tokio::test]
    async fn an_empty_database_is_dropped_at_the_end_even_while_in_use() {
        let database = TestDatabase::empty().await;
        let name = database.name.clone();
        let _connection = PgConnection::connect(database.url()).await.unwrap();
        assert_eq!(tables(database.url()).await, 0);
        drop(database);
        assert!(!exists(&name).await);
    }

    #[tokio::test]
    async fn a_template_is_made_once_for_all_who_ask_at_the_same_time() {
        let folder = tempfile::tempdir().unwrap();
        let sql = format!("CREATE TABLE proof_{} (id bigint)", unique::name());
        std::fs::write(folder.path().join("0001_proof.up.sql"), sql).unwrap();
        std::fs::write(folder.path().join("0001_proof.down.sql"), "SELECT 1").unwrap();
        let url = endpoints().database_url;
        let (one, other) =
            tokio::join!(template(&url, folder.path()), template(&url, folder.path()));
        let name = one.unwrap();
        assert_eq!(name, other.unwrap());

        let (one, other) =
            tokio::join!(TestDatabase::create(&url, &name), TestDatabase::create(&url, &name));
        assert_eq!(tables(one.url()).await, 2, "the table and the list of migrations");
        assert_eq!(tables(other.url()).await, 2);
        let mut server = PgConnection::connect(&url).await.unwrap();
        drop_database(&mut server, &name, "").await.unwrap();
    }

    #[tokio::test]
    async fn a_database_of_the_checkout_has_all_its_migrations() {
        let folder = checkout().join("schemas/postgres/migrations");
        let database = TestDatabase::migrated().await;
        let mut connection = PgConnection::connect(database.url()).await.unwrap();
        if folder.is_dir() {
            let migrator = Migrator::new(folder).await.unwrap();
            let applied: i64 = sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations")
                .fetch_one(&mut connection)
                .await
                .unwrap();
            let ups = migrator.iter().filter(|it| it.migration_type.is_up_migration()).count();
            assert_eq!(usize::try_from(applied).unwrap(), ups);
        }
    }

    #[tokio::test]
    async fn what_a_crashed_run_left_is_dropped_by_a_later_one() {
        let mut server = PgConnection::connect(&endpoints().database_url).await.unwrap();
        let forgotten = format!("{PREFIX}0000000{}", &unique::name()[7..]);
        create_database(&mut server, &forgotten, "template0").await.unwrap();
        drop(TestDatabase::empty().await);
        assert!(!exists(&forgotten).await);
    }

    #[tokio::test]
    async fn what_somebody_is_connected_to_is_not_waited_for() {
        let database = TestDatabase::empty().await;
        let mut server = PgConnection::connect(&endpoints().database_url).await.unwrap();
        let mut listed = async || unused(&mut server, &database.name).await.unwrap();
        assert_eq!(listed().await, std::slice::from_ref(&database.name));
        let _connection = PgConnection::connect(database.url()).await.unwrap();
        assert_eq!(listed().await, Vec::<String>::new());
    }
}
