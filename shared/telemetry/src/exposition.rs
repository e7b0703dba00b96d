//! Values of the catalogue as Prometheus' text, for a program that nobody scrapes.

use std::fmt::Write as _;

use crate::catalogue::Metric;

/// Text under construction: one family of samples after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exposition(String);

impl Exposition {
    /// Adds a metric with the value of each of its series, by the values of its labels.
    ///
    /// # Panics
    /// When a sample has another number of labels than its metric.
    pub fn add<const N: usize>(
        &mut self,
        metric: Metric,
        samples: impl IntoIterator<Item = ([String; N], f64)>,
    ) {
        assert_eq!(metric.labels.len(), N, "labels of {}", metric.name);
        let Metric { name, help, .. } = metric;
        self.line(&format!("# HELP {name} {help}"));
        self.line(&format!("# TYPE {name} {}", metric.kind.name()));
        for (values, value) in samples {
            let labels = metric.labels.iter().zip(&values);
            let labels: Vec<_> =
                labels.map(|(key, value)| format!("{key}=\"{}\"", escaped(value))).collect();
            let labels =
                if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            self.line(&format!("{name}{labels} {value}"));
        }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.0
    }

    fn line(&mut self, line: &str) {
        writeln!(self.0, "{line}").expect("a string takes every text");
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{INVARIANT_VIOLATIONS, VERIFY_TIMESTAMP};

    #[test]
    fn a_family_has_its_meaning_its_kind_and_its_series() {
        let mut exposition = Exposition::default();
        let samples = [("I01", 0.0), ("I\"\\\n", 2.5)];
        let samples = samples.map(|(label, value)| ([label.to_owned()], value));
        exposition.add(INVARIANT_VIOLATIONS, samples);
        exposition.add(VERIFY_TIMESTAMP, [([], 1_772_366_400.25)]);
        let lines: Vec<_> = exposition.text().lines().collect();
        assert!(lines[0].starts_with("# HELP orderflow_invariant_violations Rows that violate"));
        assert_eq!(
            lines[1..4],
            [
                "# TYPE orderflow_invariant_violations gauge",
                "orderflow_invariant_violations{invariant=\"I01\"} 0",
                r#"orderflow_invariant_violations{invariant="I\"\\\n"} 2.5"#,
            ]
        );
        assert_eq!(lines[6], "orderflow_verify_last_run_timestamp_seconds 1772366400.25");
    }
}
