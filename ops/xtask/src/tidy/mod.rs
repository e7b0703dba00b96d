//! The style that neither the compiler nor clippy checks.
//!
//! Every rule is one function from what lies in the checkout to findings, and every finding says
//! where, which rule, and what to do.

pub(crate) mod cases;
mod crates;
mod forbidden;
mod layout;
mod mask;
mod promised;
mod size;
mod source;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use self::source::Source;
use crate::Checkout;
use crate::terminal::say;

/// One place that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file or folder, relative to the root.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The rule, a stable name in kebab case.
    pub rule: &'static str,
    /// What is wrong and what to do.
    pub advice: String,
}

impl Finding {
    fn new(path: impl AsRef<Path>, line: usize, rule: &'static str, advice: String) -> Self {
        Self { path: path.as_ref().to_owned(), line, rule, advice }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path.display(), self.line, self.rule, self.advice)
    }
}

/// Fails when any rule is broken, after printing where.
pub(crate) fn run(checkout: &Checkout) -> Result<()> {
    let findings = check(checkout.root())?;
    for finding in &findings {
        say(&finding.to_string());
    }
    match findings.len() {
        0 => Ok(()),
        1 => bail!("tidy found 1 place to change"),
        count => bail!("tidy found {count} places to change"),
    }
}

/// All places below `root` that break a rule, in order.
pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let sources = Source::read_all(root)?;
    let mut findings = layout::check(root)?;
    findings.extend(crates::check(root)?);
    findings.extend(cases::check(root, &sources)?);
    findings.extend(promised::check(root, &sources)?);
    findings.extend(forbidden::backoff_in_one_file(&sources));
    for source in &sources {
        findings.extend(size::check(source));
        findings.extend(forbidden::check(source));
        findings.extend(layout::check_name(source));
    }
    findings.sort();
    Ok(findings)
}

#[cfg(test)]
mod tests;
