//! Alerts and recording rules as a manifest for Kubernetes: `cargo xtask rules`.

use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::Checkout;

/// Where the rules are, as Prometheus reads them.
const RULES: &str = "ops/prometheus";

/// What the name of a file of rules ends with.
const SUFFIX: &str = ".rules.yml";

/// Where they are as Kubernetes takes them.
const MANIFEST: &str = "ops/k8s/components/monitoring/prometheus-rules.yaml";

const HEAD: &str = "# Written by `cargo xtask rules` from ops/prometheus/*.rules.yml.\n";

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
        let name = file_name(&file).trim_end_matches(SUFFIX);
        manifest.push_str("---\napiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\n");
        let labels = "labels:\n    app.kubernetes.io/part-of: orderflow";
        writeln!(manifest, "metadata:\n  name: {name}-rules\n  {labels}\nspec:")?;
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
    files.retain(|file| file_name(file).ends_with(SUFFIX));
    files.sort();
    Ok(files)
}

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(OsStr::to_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_of_rules_becomes_a_manifest_with_the_same_groups() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("b.rules.yml"), "groups:\n  - name: b\n\n    rules: []\n")
            .unwrap();
        fs::write(folder.path().join("a.rules.yml"), "groups: []\n").unwrap();
        fs::write(folder.path().join("a.rules.test.yml"), "tests").unwrap();
        let manifest = rendered(folder.path()).unwrap();
        let names: Vec<_> = manifest.lines().filter(|line| line.starts_with("  name:")).collect();
        assert_eq!(names, ["  name: a-rules", "  name: b-rules"]);
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
