//! Curves as SVG: a rate over one setting.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::{
    BLACK, ChartBuilder, Circle, Color as _, IntoDrawingArea as _, IntoSegmentedCoord as _,
    LineSeries, RGBColor, SVGBackend, SegmentValue, WHITE,
};

use crate::stats::median;

/// Width and height in pixels.
const SIZE: (u32, u32) = (640, 360);
/// Dark enough on white, and apart from red and green.
const LINE: RGBColor = RGBColor(31, 92, 158);
/// A touch of it: the rounds behind the median.
const SPREAD: f64 = 0.35;

/// A curve and what it is drawn from.
#[derive(Debug)]
pub(crate) struct Curve<'a> {
    /// What it shows.
    pub(crate) title: &'a str,
    /// What the horizontal axis counts.
    pub(crate) across: &'a str,
    /// What the vertical axis counts.
    pub(crate) up: &'a str,
    /// Each value of the setting with the rates of all rounds.
    pub(crate) points: Vec<(usize, Vec<f64>)>,
}

impl Curve<'_> {
    /// Draws the medians as a line and every round as a dot, with one place for each value.
    pub(crate) fn draw(&self, file: &Path) -> Result<()> {
        let drawn = self.try_draw(file);
        drawn.map_err(|error| anyhow!("failed to draw {}: {error}", file.display()))
    }

    fn try_draw(&self, file: &Path) -> Result<(), Box<dyn std::error::Error + '_>> {
        let area = SVGBackend::new(file, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let highest = self.points.iter().flat_map(|(_, rates)| rates).copied().fold(1.0, f64::max);
        let mut chart = ChartBuilder::on(&area)
            .caption(self.title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d((0..self.points.len()).into_segmented(), 0.0..highest * 1.1)?;
        chart
            .configure_mesh()
            .light_line_style(BLACK.mix(0.05))
            .x_desc(self.across)
            .y_desc(self.up)
            .disable_x_mesh()
            .x_labels(self.points.len() + 1)
            .x_label_formatter(&|place| self.value_at(place))
            .y_label_formatter(&|value| format!("{value:.0}"))
            .draw()?;
        let places = || self.points.iter().enumerate();
        let medians =
            places().map(|(place, (_, rates))| (SegmentValue::CenterOf(place), median(rates)));
        chart.draw_series(LineSeries::new(medians, LINE.stroke_width(2)))?;
        let rounds = places().flat_map(|(place, (_, rates))| {
            rates.iter().map(move |rate| (SegmentValue::CenterOf(place), *rate))
        });
        chart.draw_series(rounds.map(|at| Circle::new(at, 4, LINE.mix(SPREAD).filled())))?;
        area.present()?;
        Ok(())
    }

    fn value_at(&self, place: &SegmentValue<usize>) -> String {
        match place {
            SegmentValue::CenterOf(place) | SegmentValue::Exact(place) => {
                self.points.get(*place).map_or_else(String::new, |(value, _)| value.to_string())
            }
            SegmentValue::Last => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_shows_every_round_and_says_what_its_axes_are() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("curve.svg");
        let points = vec![(10, vec![100.0, 120.0]), (1_000, vec![900.0, 880.0])];
        let curve = Curve { title: "Rate by batch", across: "batch", up: "messages/s", points };
        curve.draw(&file).unwrap();
        let svg = std::fs::read_to_string(&file).unwrap();
        assert_eq!(svg.matches("<circle").count(), 4);
        for text in ["Rate by batch", "batch", "messages/s", "polyline", "\n10\n", "\n1000\n"] {
            assert!(svg.contains(text), "{text} is missing in {svg}");
        }
    }
}
