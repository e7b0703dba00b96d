//! Alerts and recording rules as a manifest for Kubernetes: `cargo xtask rules`.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::Checkout;

/// Where the rules are, as Prometheus reads them.
const RULES: &str = "ops/prometheus/rules";

/// Where they are as Kubernetes takes them.
const MANIFEST: &str = "ops/k8s/components/monitoring/prometheus-rules.yaml";

const HEAD: &str = "# Written by `cargo xtask rules` from ops/prometheus/rules.\n";

/// Writes the manifest anew.
pub(crate) fn refresh(checkout: &Checkout) -> Result<()> {
    let manifest = rendered(&checkout.path(RULES))?;
    fs::write(checkout.path(MANIFEST), manifest)
        .with_context(|| format!("failed to write {MANIFEST}"))
}

/// One `PrometheusRule` for each file of rules; both hold the same groups.
fn rendered(folder: &Path) -> Result<String> {
    let mut manifest = HEAD.to_owned();
    for file in rule_files(folder)? {
        let text = fs::read_to_string(&file)
            .with_context(|| format!("failed to read {}", file.display()))?;
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        manifest.push_str("---\napiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\n");
        let labels = "labels:\n    app.kubernetes.io/part-of: orderflow";
        writeln!(manifest, "metadata:\n  name: orderflow-{name}\n  {labels}\nspec:")?;
        for line in text.lines() {
            let indent = if line.is_empty() { "" } else { "  " };
            writeln!(manifest, "{indent}{line}")?;
        }
    }
    Ok(manifest)
}

fn rule_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut files: Vec<PathBuf> =
        paths.collect::<Result<_, _>>().context("failed to list rules")?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yml"));
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_of_rules_becomes_a_manifest_with_the_same_groups() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("b.yml"), "groups:\n  - name: b\n\n    rules: []\n").unwrap();
        fs::write(folder.path().join("a.yml"), "groups: []\n").unwrap();
        fs::write(folder.path().join("a.test.yaml"), "not rules").unwrap();
        let manifest = rendered(folder.path()).unwrap();
        let names: Vec<_> = manifest.lines().filter(|line| line.starts_with("  name:")).collect();
        assert_eq!(names, ["  name: orderflow-a", "  name: orderflow-b"]);
        assert!(manifest.ends_with("spec:\n  groups:\n    - name: b\n\n      rules: []\n"));
    }

    #[test]
    fn the_committed_manifest_is_fresh() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let committed = fs::read_to_string(root.join(MANIFEST)).unwrap();
        let fresh = rendered(&root.join(RULES)).unwrap();
        assert_eq!(committed, fresh, "write it anew: `cargo xtask rules`");
    }
}
