//! The same backlog on an empty database and on one that holds years of orders.

use anyhow::Result;
use serde::Serialize;
use sqlx::Connection as _;

use super::backlog;
use crate::cli::Settings;
use crate::results::{Figures, number};
use crate::seed;
use crate::site::Site;
use crate::stats::{float, median};

/// Orders that are there already.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    /// Orders in the large database.
    pub(crate) orders: usize,
    /// Messages in a second on the empty database, each round.
    pub(crate) empty_per_second: Vec<f64>,
    /// Messages in a second on the large one.
    pub(crate) grown_per_second: Vec<f64>,
    /// What a message costs in time on the large database, over the empty one.
    pub(crate) cost_ratio: f64,
}

/// Measures; the large database is made anew for each round.
pub(crate) async fn run(settings: &Settings) -> Result<Figure> {
    let orders: i64 = settings.choose(5_000_000, 200_000);
    let (mut empty, mut grown) = (Vec::new(), Vec::new());
    for _ in 0..settings.choose(1, settings.rounds) {
        empty.push(backlog::once(settings).await?.round.committed_per_second);
        let site = Site::new().await?;
        let mut database = site.connect().await?;
        let in_inbox = seed::finished_orders(&mut database, orders).await?;
        seed::analyze(&mut database).await?;
        // The run waits until nobody else is connected.
        database.close().await?;
        let (round, _) =
            backlog::once_on(&site, settings, settings.events(), in_inbox, site.fleet()).await?;
        grown.push(round.committed_per_second);
        site.close().await?;
    }
    let cost_ratio = median(&empty) / median(&grown);
    let orders = usize::try_from(orders)?;
    Ok(Figure { orders, empty_per_second: empty, grown_per_second: grown, cost_ratio })
}

impl Figures for Figure {
    const PART: &'static str = "growth";

    fn rows(&self) -> (Vec<&'static str>, Vec<Vec<String>>) {
        let row = |orders: usize, rates: &[f64], cost: f64| {
            let each: Vec<_> = rates.iter().map(|rate| number(*rate)).collect();
            vec![number(float(orders)), number(median(rates)), each.join(" "), number(cost)]
        };
        let header = vec!["orders there", "messages/s, median", "rounds", "cost per message"];
        let rows = vec![
            row(0, &self.empty_per_second, 1.0),
            row(self.orders, &self.grown_per_second, self.cost_ratio),
        ];
        (header, rows)
    }
}
