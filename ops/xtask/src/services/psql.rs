//! Statements run through `psql`, so that this crate needs no database driver.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use url::Url;

use super::process::output;

/// How long `psql` tries to connect, in seconds.
const CONNECT_TIMEOUT: &str = "10";

/// A way to run statements in one database.
#[derive(Clone, Debug)]
pub struct Psql {
    program: PathBuf,
    url: Url,
}

impl Psql {
    /// Runs `program` against the database named by `url`.
    pub fn new(program: PathBuf, url: &str) -> Result<Self> {
        // The text is left out of the error, because it holds the password.
        let url = Url::parse(url).context("failed to parse the address of the database")?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            bail!("the address of the database starts with postgres://, not {}://", url.scheme());
        }
        Ok(Self { program, url })
    }

    /// The same server, another database.
    #[must_use]
    pub fn database(&self, name: &str) -> Self {
        let mut other = self.clone();
        other.url.set_path(name);
        other
    }

    /// The address, with the password in it.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Runs statements and returns the rows as bare text.
    pub fn query(&self, sql: &str) -> Result<String> {
        output(self.command().args(["--no-align", "--tuples-only", "--command", sql]))
    }

    /// Runs a file of statements, stopping at the first that fails.
    pub fn file(&self, file: &Path, in_one_transaction: bool) -> Result<()> {
        let mut command = self.command();
        if in_one_transaction {
            command.arg("--single-transaction");
        }
        output(command.arg("--file").arg(file)).map(drop)
    }

    /// The address goes into the environment, where other users cannot read the password.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]);
        for (variable, value) in variables(&self.url) {
            command.env(variable, value);
        }
        command
    }
}

/// The address as variables of libpq.
fn variables(url: &Url) -> Vec<(&'static str, String)> {
    let mut all = vec![
        ("PGHOST", url.host_str().unwrap_or("127.0.0.1").trim_matches(['[', ']']).to_owned()),
        ("PGPORT", url.port().unwrap_or(5432).to_string()),
        ("PGUSER", percent_decoded(url.username())),
        ("PGPASSWORD", percent_decoded(url.password().unwrap_or_default())),
        ("PGDATABASE", percent_decoded(url.path().trim_start_matches('/'))),
        ("PGCONNECT_TIMEOUT", CONNECT_TIMEOUT.to_owned()),
        ("PGOPTIONS", "--client-min-messages=warning".to_owned()),
    ];
    let mode = url.query_pairs().find(|(key, _)| key == "sslmode");
    all.extend(mode.map(|(_, value)| ("PGSSLMODE", value.into_owned())));
    all
}

fn percent_decoded(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = (*first == b'%').then(|| tail.get(..2)).flatten();
        let value = escaped.and_then(|hex| std::str::from_utf8(hex).ok());
        if let Some(byte) = value.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            decoded.push(byte);
            rest = &tail[2..];
        } else {
            decoded.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(url: &str, name: &str) -> String {
        let found = variables(&Url::parse(url).unwrap()).into_iter().find(|(key, _)| *key == name);
        found.unwrap().1
    }

    #[test]
    fn every_part_of_an_address_becomes_a_variable() {
        let url = "postgres://me:p%40ss%2F@db.example:6000/orders?sslmode=verify-full";
        assert_eq!(variable(url, "PGHOST"), "db.example");
        assert_eq!(variable(url, "PGPORT"), "6000");
        assert_eq!(variable(url, "PGUSER"), "me");
        assert_eq!(variable(url, "PGPASSWORD"), "p@ss/");
        assert_eq!(variable(url, "PGDATABASE"), "orders");
        assert_eq!(variable(url, "PGSSLMODE"), "verify-full");
    }

    #[test]
    fn a_stray_percent_sign_is_kept() {
        assert_eq!(percent_decoded("100%"), "100%");
        assert_eq!(percent_decoded("%zz%41"), "%zzA");
    }

    #[test]
    fn an_address_of_something_else_is_refused() {
        assert!(Psql::new(PathBuf::from("psql"), "mysql://localhost/x").is_err());
    }
}
