//! The rate of a backlog over batch size, prefetch and lanes: where the defaults come from.

use anyhow::Result;
use serde::Serialize;

use super::backlog;
use crate::cli::Settings;
use crate::plot::Curve;
use crate::results::{Figures, number};
use crate::site::{Site, output_folder};
use crate::stats::median;

/// A setting and the values it is tried with.
struct Sweep {
    /// What the plot's axis and its file are named after.
    name: &'static str,
    /// Its environment variable.
    variable: &'static str,
    values: &'static [usize],
}

impl Sweep {
    fn points(&self) -> impl Iterator<Item = Point> {
        let (setting, variable) = (self.name, self.variable);
        self.values.iter().map(move |value| Point {
            setting,
            variable,
            value: *value,
            per_second: Vec::new(),
        })
    }
}

const SWEEPS: [Sweep; 3] = [
    Sweep {
        name: "batch",
        variable: "ORDERFLOW_BATCH",
        values: &[10, 50, 100, 250, 500, 1_000, 2_000],
    },
    Sweep {
        name: "prefetch",
        variable: "ORDERFLOW_PREFETCH",
        values: &[100, 250, 500, 1_000, 2_000, 4_000],
    },
    Sweep { name: "lanes", variable: "ORDERFLOW_LANES", values: &[1, 2, 4, 8] },
];

/// Messages of one backlog: enough that the start does not count.
const MESSAGES: usize = 50_000;

/// One value of one setting.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Point {
    /// The setting.
    pub(crate) setting: &'static str,
    #[serde(skip)]
    variable: &'static str,
    /// Its value; every other setting has its default.
    pub(crate) value: usize,
    /// Messages in a second, each round.
    pub(crate) per_second: Vec<f64>,
}

/// All curves.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    /// Every point of every curve.
    pub(crate) points: Vec<Point>,
}

/// Measures round by round, and draws one plot for each setting.
pub(crate) async fn run(settings: &Settings) -> Result<Figure> {
    let mut points: Vec<Point> = SWEEPS.iter().flat_map(Sweep::points).collect();
    for round in 1..=settings.rounds {
        for point in &mut points {
            let Point { variable, value, .. } = *point;
            eprintln!("round {round} of {}: {variable}={value}", settings.rounds);
            point.per_second.push(rate(settings, variable, value).await?);
        }
    }
    let figure = Figure { points };
    for sweep in &SWEEPS {
        figure.draw(sweep.name)?;
    }
    Ok(figure)
}

async fn rate(settings: &Settings, variable: &str, value: usize) -> Result<f64> {
    let site = Site::new().await?;
    let value = value.to_string();
    let fleet = site.fleet_with(&[(variable, &value)]);
    let (round, _) = backlog::once_on(&site, settings, MESSAGES, 0, fleet).await?;
    site.close().await?;
    Ok(round.settled_per_second)
}

impl Figure {
    fn draw(&self, setting: &str) -> Result<()> {
        let points = self.points.iter().filter(|point| point.setting == setting);
        let curve = Curve {
            title: &format!("A backlog of {MESSAGES} messages by {setting}"),
            across: setting,
            up: "messages/s until settled",
            points: points.map(|it| (it.value, it.per_second.clone())).collect(),
        };
        std::fs::create_dir_all(output_folder())?;
        curve.draw(&output_folder().join(format!("curve-{setting}.svg")))
    }
}

impl Figures for Figure {
    const PART: &'static str = "curves";

    fn rows(&self) -> (Vec<&'static str>, Vec<Vec<String>>) {
        let rows = self.points.iter().map(|point| {
            let rounds: Vec<_> = point.per_second.iter().map(|rate| number(*rate)).collect();
            vec![
                point.setting.to_owned(),
                point.value.to_string(),
                number(median(&point.per_second)),
                rounds.join(" "),
            ]
        });
        (vec!["setting", "value", "messages/s, median", "rounds"], rows.collect())
    }

    fn notes(&self) -> Vec<String> {
        vec![format!("plots: {}", output_folder().join("curve-*.svg").display())]
    }
}
