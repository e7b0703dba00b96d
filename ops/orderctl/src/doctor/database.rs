//! What Postgres tells of itself.

use store::condition::{self, Condition};
use store::{Database, DatabaseConfig, grants, pace};

use super::{Finding, Health, accounts, backlog, clocks};
use crate::exit::Failure;

/// A setting that promises or speed rest on.
struct Setting {
    name: &'static str,
    health: Health,
    fits: fn(&str) -> bool,
    wanted: &'static str,
    why: &'static str,
}

/// On wherever nothing can be written.
const READ_ONLY: &str = "transaction_read_only";

const SETTINGS: [Setting; 9] = [
    Setting {
        name: READ_ONLY,
        health: Health::Wrong,
        fits: |value| value == "off",
        wanted: "off",
        why: "it is a standby or was told to take no writes, and workers pause",
    },
    Setting {
        name: "fsync",
        health: Health::Wrong,
        fits: is_on,
        wanted: "on",
        why: "a crash loses what was acknowledged",
    },
    Setting {
        name: "full_page_writes",
        health: Health::Wrong,
        fits: is_on,
        wanted: "on",
        why: "a crash tears pages",
    },
    Setting {
        name: "synchronous_commit",
        health: Health::Wrong,
        fits: |value| value != "off",
        wanted: "on",
        why: "events are acknowledged before they reached the disk",
    },
    Setting {
        name: "default_transaction_isolation",
        health: Health::Warning,
        fits: |value| value == "read committed",
        wanted: "read committed",
        why: "batches conflict with each other",
    },
    Setting {
        name: "max_locks_per_transaction",
        health: Health::Wrong,
        fits: |value| at_least(value, 256),
        wanted: "256",
        why: "a batch locks each of its orders, and the lock table gets full",
    },
    Setting {
        name: "max_connections",
        health: Health::Warning,
        fits: |value| at_least(value, 100),
        wanted: "200",
        why: "workers, tools and people share them",
    },
    Setting {
        name: "autovacuum",
        health: Health::Warning,
        fits: is_on,
        wanted: "on",
        why: "dead rows of inbox, outbox and timers pile up",
    },
    Setting {
        name: "jit",
        health: Health::Warning,
        fits: |value| value == "off",
        wanted: "off",
        why: "compiling short statements costs more than it saves",
    },
];

/// Share of all connections, in percent, from which on they get scarce.
const SCARCE: i64 = 80;

/// Everything about the database.
pub(crate) async fn examine(config: &DatabaseConfig, findings: &mut Vec<Finding>) {
    let mut current = false;
    match store::schema_version(config).await {
        Ok(version) if version.is_current() => {
            let found = format!("version {}", version.applied);
            findings.push(Finding::good("database-schema", found));
            current = true;
        }
        Ok(version) => {
            let found = format!("version {}, not {}", version.applied, version.known);
            let fix = if version.applied < version.known {
                "orderctl migrate up"
            } else {
                "run the orderctl of the version that the workers have"
            };
            findings.push(Finding::bad(Health::Wrong, "database-schema", found, fix));
        }
        Err(error) => {
            findings.push(Finding::failed("database-connection", &Failure::from(error)));
            return;
        }
    }
    match condition(config).await {
        Ok((condition, clock)) => {
            findings.push(Finding::good("database-connection", "it answers and takes the login"));
            findings.push(clock);
            findings.extend(of_settings(&condition));
            findings.push(of_connections(&condition));
            findings.push(of_permissions(&condition));
            findings.push(of_space(&condition));
        }
        Err(error) => findings.push(Finding::failed("database-condition", &Failure::from(error))),
    }
    if current && let Err(error) = of_tables(config, findings).await {
        findings.push(Finding::failed("database-accounts", &Failure::from(error)));
    }
}

/// What only a database with our schema can tell.
async fn of_tables(
    config: &DatabaseConfig,
    findings: &mut Vec<Finding>,
) -> Result<(), store::Error> {
    let mut database = Database::connect(config).await?;
    let grants = grants::of_roles(&mut database, &accounts::roles()).await?;
    findings.extend(accounts::of_database(&grants));
    findings.push(match pace::is_open(&mut database).await {
        Ok(()) => Finding::good("database-tables", "nobody holds a table that workers write"),
        Err(error) => Finding::failed("database-tables", &Failure::from(error)),
    });
    backlog::examine(&mut database, findings).await;
    database.close().await
}

async fn condition(config: &DatabaseConfig) -> Result<(Condition, Finding), store::Error> {
    let mut database = Database::connect(config).await?;
    let before = runtime::now();
    let condition = condition::of(&mut database).await?;
    let clock = clocks::of_database(condition.clock_micros, before, runtime::now());
    database.close().await?;
    Ok((condition, clock))
}

fn of_settings(condition: &Condition) -> Vec<Finding> {
    let check = "database-settings";
    let value = |name| condition.settings.get(name).map_or("", String::as_str);
    let wrong = SETTINGS.iter().filter(|setting| !(setting.fits)(value(setting.name)));
    let wrong = wrong.map(|setting| {
        let Setting { name, health, wanted, why, .. } = setting;
        let found = format!("{name} is {}: {why}", value(name));
        let fix = if *name == READ_ONLY {
            "let the address lead to the primary: ops/runbooks/database-read-only.md".to_owned()
        } else {
            format!("{name} = {wanted}, as in ops/postgres/postgresql.conf")
        };
        Finding::bad(*health, check, found, fix)
    });
    let wrong: Vec<_> = wrong.collect();
    if wrong.is_empty() {
        let found = format!("{} settings are as they should be", SETTINGS.len());
        return vec![Finding::good(check, found)];
    }
    wrong
}

fn of_connections(condition: &Condition) -> Finding {
    let check = "database-connections";
    let most = condition.settings.get("max_connections").and_then(|it| it.parse::<i64>().ok());
    let (used, most) = (condition.connections, most.unwrap_or(i64::MAX));
    let found = format!("{used} of {most} in use");
    if used.saturating_mul(100) >= most.saturating_mul(SCARCE) {
        let fix = "fewer lanes or workers, or a higher max_connections: ops/docs/scaling.md";
        return Finding::bad(Health::Warning, check, found, fix);
    }
    Finding::good(check, found)
}

fn of_permissions(condition: &Condition) -> Finding {
    let check = "database-permissions";
    if !condition.unreadable.is_empty() {
        let found = format!("this user may not read {}", condition.unreadable.join(", "));
        let fix = "GRANT SELECT on them, or use the user that operators have";
        return Finding::bad(Health::Warning, check, found, fix);
    }
    if condition.superuser {
        let fix = "use a role with the rights that it needs";
        return Finding::bad(Health::Warning, check, "this user is a superuser", fix);
    }
    Finding::good(check, "this user reads every table and is no superuser")
}

/// Postgres tells how much it has, not how much is left.
fn of_space(condition: &Condition) -> Finding {
    let found = format!("the database has {} MiB; what is left is not told", condition.size >> 20);
    Finding::bad(Health::Unknown, "database-space", found, "on its machine: df, of the data folder")
}

fn is_on(value: &str) -> bool {
    value == "on"
}

fn at_least(value: &str, least: u64) -> bool {
    value.parse::<u64>().is_ok_and(|value| value >= least)
}
