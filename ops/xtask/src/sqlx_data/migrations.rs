//! The migrations, applied with nothing but `psql`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::services::Psql;

/// Lists what a schema without anything of ours does not have.
const LEFTOVERS: &str = "
    SELECT 'relation ' || relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'type ' || typname FROM pg_type
    WHERE typnamespace = 'public'::regnamespace AND typrelid = 0 AND typelem = 0
    UNION ALL
    SELECT 'function ' || proname FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'schema ' || nspname FROM pg_namespace
    WHERE nspname NOT IN ('public', 'information_schema') AND nspname NOT LIKE 'pg\\_%'
    ORDER BY 1";

/// The first line of a migration that must not run in a transaction.
const NO_TRANSACTION: &str = "-- no-transaction";

/// One step of the schema.
#[derive(Debug, PartialEq, Eq)]
struct Migration {
    up: PathBuf,
    down: PathBuf,
}

/// All steps, oldest first.
#[derive(Debug)]
pub(super) struct Migrations(Vec<Migration>);

impl Migrations {
    /// Finds the steps in a folder; each has a file `.up.sql` and a file `.down.sql`.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        if !folder.exists() {
            return Ok(Self(Vec::new()));
        }
        let mut steps = Vec::new();
        let entries =
            fs::read_dir(folder).with_context(|| format!("failed to list {}", folder.display()))?;
        for entry in entries {
            let up = entry.context("failed to list the migrations")?.path();
            let Some(name) = up.to_str().and_then(|name| name.strip_suffix(".up.sql")) else {
                continue;
            };
            let down = PathBuf::from(format!("{name}.down.sql"));
            if !down.is_file() {
                bail!("{} has no way back: {} is missing", up.display(), down.display());
            }
            steps.push(Migration { up, down });
        }
        steps.sort_by(|one, other| one.up.cmp(&other.up));
        Ok(Self(steps))
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Goes up, down and up again in an empty database, which then has all of them.
    pub(super) fn prove(&self, psql: &Psql) -> Result<()> {
        self.up(psql)?;
        for migration in self.0.iter().rev() {
            apply(psql, &migration.down)?;
        }
        let leftovers = psql.query(LEFTOVERS)?;
        if !leftovers.is_empty() {
            bail!("going down leaves behind: {}", leftovers.replace('\n', ", "));
        }
        self.up(psql).context("failed to go up again after going down")
    }

    fn up(&self, psql: &Psql) -> Result<()> {
        self.0.iter().try_for_each(|migration| apply(psql, &migration.up))
    }
}

fn apply(psql: &Psql, file: &Path) -> Result<()> {
    let text =
        fs::read_to_string(file).with_context(|| format!("failed to read {}", file.display()))?;
    let transaction = !text.starts_with(NO_TRANSACTION);
    psql.file(file, transaction).with_context(|| format!("failed to apply {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            fs::write(folder.path().join(file), "SELECT 1").unwrap();
        }
        folder
    }

    #[test]
    fn migrations_are_taken_in_the_order_of_their_names() {
        let names = ["0002_b.up.sql", "0002_b.down.sql", "0001_a.up.sql", "0001_a.down.sql"];
        let folder = folder(&names);
        let found = Migrations::read(folder.path()).unwrap();
        let ups: Vec<_> = found.0.iter().map(|step| step.up.file_name().unwrap()).collect();
        assert_eq!(ups, ["0001_a.up.sql", "0002_b.up.sql"]);
    }

    #[test]
    fn a_migration_without_a_way_back_is_refused() {
        let folder = folder(&["0001_a.up.sql"]);
        let error = Migrations::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("0001_a.down.sql is missing"), "{error}");
    }

    #[test]
    fn a_checkout_without_migrations_has_none() {
        assert_eq!(Migrations::read(Path::new("/nonexistent")).unwrap().count(), 0);
    }
}
