//! Asking before something is changed: the more, the harder to say yes by mistake.

use std::io::{IsTerminal as _, stdin};

use store::letters::GroupRow;

use super::{letters, short};
use crate::exit::{Exit, Failure};
use crate::render::Console;

/// Up to so many are confirmed by y; more by typing the number.
const FEW: i64 = 10;

/// What somebody is asked about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    /// What is done, such as `replay`.
    pub(crate) deed: &'a str,
    /// To how many letters.
    pub(crate) count: i64,
    /// Of which groups.
    pub(crate) groups: &'a [GroupRow],
}

/// Asks, unless it was said beforehand; refuses when nobody is there to be asked.
pub(crate) fn confirm(question: Question<'_>, yes: bool, console: Console) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let Question { deed, count, .. } = question;
    if !stdin().is_terminal() {
        let what = format!("failed to {deed} {}: nothing was changed", letters(count));
        let next = "add `--yes` where nobody can be asked";
        return Err(Failure::new(Exit::Usage, what, next).because("it was not confirmed"));
    }
    eprintln!("{}", asked(question, console));
    let mut typed = String::new();
    let read = stdin().read_line(&mut typed);
    if read.is_ok() && is_yes(&typed, count) {
        return Ok(());
    }
    let what = format!("failed to {deed} {}: nothing was changed", letters(count));
    let next = "run this again and confirm it, or add `--yes`";
    Err(Failure::new(Exit::Failed, what, next).because("it was not confirmed"))
}

/// Whether what was typed means yes to so many.
fn is_yes(typed: &str, count: i64) -> bool {
    let typed = typed.trim();
    if count <= FEW {
        matches!(typed.to_ascii_lowercase().as_str(), "y" | "yes")
    } else {
        typed == count.to_string()
    }
}

fn asked(question: Question<'_>, console: Console) -> String {
    let Question { deed, count, groups } = question;
    if count <= FEW {
        return format!("{deed} {}? [y/N]", letters(count));
    }
    let rows = groups.iter().map(|it| {
        let group = short(&it.fingerprint).to_owned();
        [it.matching.to_string(), group, it.event_type.clone(), it.error_code.clone()]
    });
    let table = console.style().table(["LETTERS", "GROUP", "TYPE", "CODE"], rows);
    format!("{table}\n\nTo {deed} {}, type their number:", letters(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_take_a_y_and_many_their_number() {
        assert!(is_yes("y\n", 10) && is_yes(" YES ", 1));
        assert!(!is_yes("", 1) && !is_yes("n", 1) && !is_yes("10", 10));
        assert!(is_yes("11\n", 11));
        assert!(!is_yes("y", 11) && !is_yes("12", 11) && !is_yes("", 11));
    }
}
