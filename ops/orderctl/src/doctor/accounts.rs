//! Whether each worker has an account of its own, with the rights it needs and no others.

use std::collections::{BTreeMap, BTreeSet};

use broker::Names;
use broker::topology::{Account, Topology};
use regex::Regex;
use store::grants::Grants;

use super::permissions::Permission;
use super::{Finding, Health};

/// What the roles of workers may do; a test holds it to `ops/postgres/roles.sql`.
const ROLES: &str = include_str!("../../../postgres/roles.txt");

/// Stands for what is not ours.
const STRANGER: &str = "what is not ours";

/// The users of the broker, compared with those of `ops/rabbitmq/accounts.json`.
///
/// Patterns may be written in other ways: they are compared by what they match.
pub(super) fn of_broker(
    permissions: &[Permission],
    accounts: &[Account],
    topology: &Topology,
    names: &Names,
) -> Vec<Finding> {
    let check = "broker-accounts";
    let find = |account: &Account| permissions.iter().find(|it| it.user == account.name);
    let accounts: Vec<_> = accounts.iter().filter(|it| is_worker(it, names)).collect();
    let there = accounts.iter().filter(|account| find(account).is_some()).count();
    let fix = "orderctl topology accounts, and rabbitmqctl import_definitions: \
               ops/docs/security.md";
    if there == 0 {
        let found = "no worker has a user of its own: each may do all that their shared one may";
        return vec![Finding::bad(Health::Warning, check, found, fix)];
    }
    let mut findings = Vec::new();
    for account in &accounts {
        if let Some(permission) = find(account) {
            findings.extend(judged(permission, account, topology, fix));
        } else {
            let found = format!("{} has no rights here", account.name);
            findings.push(Finding::bad(Health::Warning, check, found, fix));
        }
    }
    if findings.is_empty() {
        let found = format!("each of {there} workers may do what it needs and nothing else");
        findings.push(Finding::good(check, found));
    }
    findings
}

/// Shops and deployers may be several, by any name.
fn is_worker(account: &Account, names: &Names) -> bool {
    let who = account.name.strip_prefix(names.prefix()).unwrap_or_default();
    !["-shop", "-deployer"].contains(&who)
}

fn judged(
    permission: &Permission,
    account: &Account,
    topology: &Topology,
    fix: &str,
) -> Vec<Finding> {
    let exchanges = || topology.exchanges.iter().map(|it| it.name.as_str());
    let queues = || topology.queues.iter().map(|it| it.name.as_str());
    let everything: BTreeSet<_> = exchanges().chain(queues()).chain([STRANGER]).collect();
    let mut findings = Vec::new();
    for (verb, pattern, wanted, objects) in [
        ("declare", &permission.configure, &account.configure, everything.clone()),
        ("publish to", &permission.write, &account.write, exchanges().chain([STRANGER]).collect()),
        ("consume", &permission.read, &account.read, queues().chain([STRANGER]).collect()),
    ] {
        let (may, should) = (matched(pattern, &objects), matched(wanted, &objects));
        let lacking: Vec<_> = should.difference(&may).copied().collect();
        let beyond: Vec<_> = may.difference(&should).copied().collect();
        for (health, word, objects) in
            [(Health::Wrong, "may not", lacking), (Health::Warning, "need not, but may", beyond)]
        {
            if !objects.is_empty() {
                let found = format!("{} {word} {verb} {}", account.name, few(&objects));
                findings.push(Finding::bad(health, "broker-accounts", found, fix));
            }
        }
    }
    findings
}

/// The objects that a pattern matches; one that cannot be read matches nothing.
fn matched<'a>(pattern: &str, objects: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    let pattern = Regex::new(pattern).ok();
    let matches = |name: &&&str| pattern.as_ref().is_some_and(|it| it.is_match(name));
    objects.iter().filter(matches).copied().collect()
}

/// The names of the workers' roles.
pub(super) fn roles() -> Vec<String> {
    wanted().into_keys().collect()
}

/// What each role is to be allowed, by table.
fn wanted() -> BTreeMap<String, BTreeMap<String, String>> {
    let mut wanted = BTreeMap::<String, BTreeMap<String, String>>::new();
    let mut role = String::new();
    for line in ROLES.lines() {
        match line.trim_start().split_once(": ") {
            Some((table, verbs)) => {
                let tables = wanted.entry(role.clone()).or_default();
                tables.insert(table.to_owned(), verbs.to_owned());
            }
            None => line.clone_into(&mut role),
        }
    }
    wanted
}

/// The roles of the database, compared with what `ops/postgres/roles.sql` grants.
pub(super) fn of_database(found: &BTreeMap<String, Grants>) -> Vec<Finding> {
    let check = "database-accounts";
    let fix = "psql --single-transaction --file ops/postgres/roles.sql, as the owner of the tables";
    let used = |grants: &&Grants| !grants.tables.is_empty();
    if !found.values().any(|grants| used(&grants)) {
        let found = "no worker has a role of its own: each may do all that their shared one may";
        return vec![Finding::bad(Health::Warning, check, found, fix)];
    }
    let mut findings = Vec::new();
    for (role, wanted) in wanted() {
        let Some(grants) = found.get(&role).filter(used) else {
            let found = format!("{role} has no rights here");
            findings.push(Finding::bad(Health::Wrong, check, found, fix));
            continue;
        };
        for (health, word, rights) in differences(&wanted, grants) {
            if !rights.is_empty() {
                let rights: Vec<_> = rights.iter().map(String::as_str).collect();
                let found = format!("{role} {word} {}", few(&rights));
                findings.push(Finding::bad(health, check, found, fix));
            }
        }
    }
    if findings.is_empty() {
        let found = format!("each of {} roles may do what it needs and nothing else", found.len());
        findings.push(Finding::good(check, found));
    }
    if !found.values().any(|grants| grants.login) {
        let found = "nobody can log in as one of the roles of workers";
        let fix = "ALTER ROLE .. LOGIN, for each worker: ops/docs/security.md";
        findings.push(Finding::bad(Health::Warning, check, found, fix));
    }
    findings
}

/// The rights that a role lacks, and those that it has beyond its work.
fn differences(
    wanted: &BTreeMap<String, String>,
    grants: &Grants,
) -> [(Health, &'static str, Vec<String>); 2] {
    let should: BTreeSet<_> =
        wanted.iter().flat_map(|(table, verbs)| rights(table, verbs)).collect();
    let may = grants.tables.iter().flat_map(|(table, verbs)| rights(table, &verbs.join(", ")));
    let may: BTreeSet<_> = may.collect();
    // Who may change every column may change some.
    let within = |right: &String, others: &BTreeSet<String>| {
        others.contains(right)
            || right.split_once(" (").is_some_and(|(all, _)| others.contains(all))
    };
    let lacking = should.iter().filter(|right| !within(right, &may)).cloned().collect();
    let beyond = may.iter().filter(|right| !within(right, &should)).cloned().collect();
    [(Health::Wrong, "may not", lacking), (Health::Warning, "need not, but may", beyond)]
}

/// `table: select, update (a, b)` as rights of their own, in the words that people are told.
fn rights(table: &str, verbs: &str) -> Vec<String> {
    let (plain, columns) = match verbs.split_once("update (") {
        Some((plain, columns)) => (plain, columns.split_once(')').map_or(columns, |it| it.0)),
        None => (verbs, ""),
    };
    let named = |list: &str| list.split(", ").map(str::trim).map(str::to_owned).collect::<Vec<_>>();
    let plain = named(plain).into_iter().filter(|verb| !verb.is_empty());
    let columns = named(columns).into_iter().filter(|column| !column.is_empty());
    plain
        .map(|verb| format!("{verb} {table}"))
        .chain(columns.map(|column| format!("update {table} ({column})")))
        .collect()
}

/// The first few of a list, and how many more there are.
fn few(all: &[&str]) -> String {
    const SHOWN: usize = 3;
    let shown = all.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use broker::DelayProvider;
    use broker::topology::accounts;
    use runtime::worker_routes;

    use super::*;

    fn healths(change: impl Fn(&mut Vec<Permission>)) -> Vec<(Health, String)> {
        let names = Names::default();
        let (routes, delay) = (worker_routes(), DelayProvider::Ladder);
        let accounts = accounts(&names, &routes, delay);
        let topology = Topology::of(&names, &routes, delay);
        let same = accounts.iter().map(|account| Permission {
            user: account.name.clone(),
            configure: account.configure.clone(),
            write: account.write.clone(),
            read: account.read.clone(),
        });
        let mut permissions: Vec<_> = same.collect();
        change(&mut permissions);
        let findings = of_broker(&permissions, &accounts, &topology, &names);
        findings.into_iter().map(|finding| (finding.health, finding.found)).collect()
    }

    #[test]
    fn users_as_they_are_rendered_are_good() {
        let found = healths(|_| ());
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, Health::Good);
    }

    #[test]
    fn a_pattern_is_judged_by_what_it_matches() {
        let found = healths(|all| all[0].read = "^orderflow[.]order-created$".to_owned());
        assert_eq!(found[0].0, Health::Good, "{found:?}");
        let found = healths(|all| all[0].read = "^orderflow".to_owned());
        assert_eq!(found[0].0, Health::Warning, "{found:?}");
        assert!(found[0].1.contains("may consume") && found[0].1.contains("more"), "{found:?}");
        let found = healths(|all| all[0].write = ".*".to_owned());
        assert_eq!(found[0].0, Health::Warning, "{found:?}");
        let found = healths(|all| all[0].read = "^$".to_owned());
        assert_eq!(found[0].0, Health::Wrong, "{found:?}");
    }

    #[test]
    fn users_that_are_missing_are_named_unless_there_are_none() {
        let found = healths(|all| drop(all.remove(0)));
        assert_eq!(found.len(), 1);
        assert!(found[0].1.starts_with("orderflow-order-created"), "{found:?}");
        let found = healths(Vec::clear);
        assert_eq!(found.len(), 1);
        assert!(found[0].1.contains("no worker has a user"), "{found:?}");
    }

    fn granted() -> BTreeMap<String, Grants> {
        let tables = |wanted: BTreeMap<String, String>| {
            wanted.into_iter().map(|(table, verbs)| (table, vec![verbs])).collect()
        };
        let all = wanted().into_iter();
        all.map(|(role, wanted)| (role, Grants { login: true, tables: tables(wanted) })).collect()
    }

    fn told(grants: &BTreeMap<String, Grants>) -> Vec<(Health, String)> {
        of_database(grants).into_iter().map(|finding| (finding.health, finding.found)).collect()
    }

    #[test]
    fn rights_of_roles_are_compared_one_by_one() {
        let mut grants = granted();
        assert_eq!(grants.len(), 8);
        assert_eq!(told(&grants)[0].0, Health::Good);
        let relay = &mut grants.get_mut("orderflow_outbox_relay").unwrap().tables;
        relay.insert("outbox".to_owned(), vec!["select".to_owned(), "update".to_owned()]);
        relay.insert("captures".to_owned(), vec!["select".to_owned()]);
        relay.remove("judgements");
        let found = told(&grants);
        assert_eq!(found.len(), 2, "{found:?}");
        let lacking = "orderflow_outbox_relay may not insert judgements";
        assert_eq!(found[0], (Health::Wrong, lacking.to_owned()));
        let beyond = "orderflow_outbox_relay need not, but may select captures, update outbox";
        assert_eq!(found[1], (Health::Warning, beyond.to_owned()));
    }

    #[test]
    fn roles_that_nobody_uses_or_nobody_made_are_told() {
        let mut grants = granted();
        for grants in grants.values_mut() {
            grants.login = false;
        }
        assert!(told(&grants)[1].1.contains("nobody can log in"));
        grants.remove("orderflow_outbox_relay");
        assert_eq!(told(&grants)[0].0, Health::Wrong);
        assert!(told(&BTreeMap::new())[0].1.contains("no worker has a role"));
    }
}
