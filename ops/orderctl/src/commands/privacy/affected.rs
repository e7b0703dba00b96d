//! `orderctl privacy affected`: whom a leak concerns.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use store::Database;
use store::actions::Operator;
use store::privacy::{self, Affected, Leak};

use crate::cli::AffectedArgs;
use crate::exit::{Exit, Failure};
use crate::render::{Console, Style, Tone, View};
use crate::settings::Settings;

pub(super) async fn run(
    args: &AffectedArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let mut read = settings.read();
    let Some(config) = read.database() else { return Err(read.refusal().into()) };
    let mut database = Database::connect(&config).await?;
    let leak = Leak {
        master: args.leak.master_key.as_deref(),
        since: args.leak.since,
        until: args.leak.until,
        opened_by: args.leak.opened_by.as_deref(),
    };
    let operator = Operator { actor: &args.by, reason: &args.reason };
    let found = privacy::affected(&mut database, leak, operator).await?;
    database.close().await?;
    if found.is_empty() {
        let what = "failed to find anything that leaked";
        let why = "nothing that is stored here, and no key, is as you said";
        let next =
            "check the name of the key: `orderctl privacy affected --until TIME` asks by time";
        return Err(Failure::new(Exit::NothingFound, what, next).because(why));
    }
    console.show(&Concerned::of(found))?;
    Ok(Exit::Done)
}

/// Whom a leak concerns, and by what.
#[derive(Serialize)]
struct Concerned {
    customers: Vec<OfCustomer>,
    /// Orders of no customer that is known here.
    orders_without_customer: BTreeSet<String>,
    dead_letters: BTreeSet<i64>,
    /// What names neither an order nor a customer.
    unnamed: usize,
    items: Vec<Affected>,
}

/// A customer, and what leaked of them.
#[derive(Serialize)]
struct OfCustomer {
    customer_ref: String,
    orders: BTreeSet<String>,
    dead_letters: BTreeSet<i64>,
    /// Everything that leaked of them, keys as well.
    items: usize,
}

impl Concerned {
    fn of(items: Vec<Affected>) -> Self {
        let mut customers: BTreeMap<&str, OfCustomer> = BTreeMap::new();
        let mut orders_without_customer = BTreeSet::new();
        let mut unnamed = 0;
        for item in &items {
            let order = item.order_id.map(|order| order.to_string());
            let Some(name) = item.customer_ref.as_deref() else {
                unnamed += usize::from(order.is_none());
                orders_without_customer.extend(order);
                continue;
            };
            let customer = customers.entry(name).or_insert_with(|| OfCustomer {
                customer_ref: name.to_owned(),
                orders: BTreeSet::new(),
                dead_letters: BTreeSet::new(),
                items: 0,
            });
            customer.orders.extend(order);
            customer.dead_letters.extend(item.letter_id);
            customer.items += 1;
        }
        let customers = customers.into_values().collect();
        let dead_letters = items.iter().filter_map(|item| item.letter_id).collect();
        Self { customers, orders_without_customer, dead_letters, unnamed, items }
    }
}

impl View for Concerned {
    fn text(&self, style: Style) -> String {
        let rows = self.customers.iter().map(|customer| {
            let OfCustomer { customer_ref, orders, dead_letters, items } = customer;
            [customer_ref.clone(), listed(orders), listed(dead_letters), items.to_string()]
        });
        let table = style.table(["CUSTOMER", "ORDERS", "DEAD LETTERS", "ITEMS"], rows);
        let mut parts = vec![table];
        if !self.orders_without_customer.is_empty() {
            parts.push(format!(
                "orders of no customer that is known here: {}",
                listed(&self.orders_without_customer)
            ));
        }
        if self.unnamed > 0 {
            parts.push(format!(
                "{} items name neither an order nor a customer: `--output json` lists them",
                self.unnamed
            ));
        }
        let count = format!("{} customers are concerned", self.customers.len());
        parts.push(style.tint(Tone::Strong, &count));
        parts.join("\n\n")
    }
}

fn listed(items: &BTreeSet<impl ToString>) -> String {
    let items: Vec<_> = items.iter().map(ToString::to_string).collect();
    if items.is_empty() { "-".to_owned() } else { items.join(" ") }
}
