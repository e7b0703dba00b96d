//! What the invariants mean, in words.

use serde::Serialize;
use store::violations::Violation;

use crate::render::{Style, Tone, View};

/// An invariant of the view `violations`, in words.
struct Invariant {
    number: &'static str,
    /// What is true of every row while it holds.
    meaning: &'static str,
    /// What the keys of its violations name.
    key: &'static str,
}

/// Keys listed of one invariant in text; JSON has all of them.
const LISTED: usize = 20;

/// Columns before an invariant's meaning: a word, its number, and spaces.
const INDENT: usize = 14;

macro_rules! invariants {
    ($($number:literal $key:literal: $meaning:literal;)+) => {
        &[$(Invariant { number: $number, key: $key, meaning: $meaning },)+]
    };
}

/// Every invariant; a test holds this list to the view.
const INVARIANTS: &[Invariant] = invariants! {
    "I01" "transfer":
        "No transfer moves money from an account to itself, so every journal is balanced.";
    "I02" "order/attempt":
        "Refunds of a payment never exceed what was captured of it, unless the provider is known \
         to have given back too much.";
    "I03" "order/attempt":
        "Captures never exceed what was authorised, unless the payment is in review.";
    "I04" "order": "An order is paid only when captures have covered its total.";
    "I05" "order": "An order whose total is covered does not wait for payment.";
    "I06" "order":
        "No money stays with an expired or cancelled order: it is refunded or disputed.";
    "I07" "order": "What pays an order is never more than its total; the rest goes back.";
    "I08" "row": "Every order, payment, refund and dispute stands where its history ends.";
    "I09" "history of order":
        "History is numbered without gaps, and each line begins where the last one ended.";
    "I10" "order": "Every order that waits for payment has an armed payment timeout.";
    "I11" "order/timer": "No paid or closed order has an armed payment timeout or reminder.";
    "I12" "order/timer/owner": "No armed timer is more than 5 minutes overdue.";
    "I13" "event": "No event stays parked more than 5 minutes past its end.";
    "I14" "outbox row": "No message is more than 5 minutes late to be sent.";
    "I15" "order": "Every expired or cancelled order has released its stock.";
    "I16" "order": "No live order has released its stock, unless it was closed and reinstated.";
    "I17" "order or unapplied money":
        "What providers owe us is what they captured, less refunds, disputes and fees.";
    "I18" "dispute": "Every dispute that needs a response has an armed deadline.";
    "I19" "order/attempt": "Money lost to a refund and to a dispute as well is known to be.";
    "I20" "order/account": "No account that holds other people's money is overdrawn.";
    "I21" "event": "Every applied event of a kind that leaves a trace has left one.";
    "I22" "order/line": "Nothing in history or ledger is without the event that caused it.";
    "I23" "outbox row": "No message holds a card number.";
    "I24" "key or letter":
        "What shops sent of an erased customer is not readable 30 days later.";
    "I25" "refund":
        "Every refund that reached the buyer is settled in the ledger once, and no other.";
    "I26" "unapplied money": "No money without an order waits more than 3 days for a person.";
    "I27" "event": "No event stays parked once what it waits for is there.";
    "I28" "table and order":
        "Every payment, capture, refund, dispute and timer belongs to an order of its currency.";
    "I29" "ledger": "A ledger is numbered without gaps, and is as long as its order says.";
};

/// The invariants and what violates them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Findings {
    checked: usize,
    violations: usize,
    invariants: Vec<Finding>,
}

/// One invariant and what violates it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Finding {
    number: String,
    meaning: String,
    key: &'static str,
    violated_by: Vec<String>,
}

impl Findings {
    /// Puts the violations to their invariants; one that is not listed speaks for itself.
    pub(crate) fn new(found: Vec<Violation>) -> Self {
        let mut invariants: Vec<_> = INVARIANTS.iter().map(Finding::from).collect();
        let violations = found.len();
        for Violation { invariant, key } in found {
            let (number, words) = invariant.split_once(' ').unwrap_or((&invariant, ""));
            match invariants.iter_mut().find(|it| it.number == number) {
                Some(known) => known.violated_by.push(key),
                None => invariants.push(Finding {
                    number: number.to_owned(),
                    meaning: format!("Not this: {words}."),
                    key: "row",
                    violated_by: vec![key],
                }),
            }
        }
        Self { checked: invariants.len(), violations, invariants }
    }

    /// Whether every invariant holds.
    pub(crate) fn all_hold(&self) -> bool {
        self.violations == 0
    }
}

impl From<&Invariant> for Finding {
    fn from(invariant: &Invariant) -> Self {
        let Invariant { number, meaning, key } = *invariant;
        let (number, meaning) = (number.to_owned(), meaning.to_owned());
        Self { number, meaning, key, violated_by: Vec::new() }
    }
}

impl View for Findings {
    fn text(&self, style: Style) -> String {
        // What is violated stands last, where it is seen.
        let (holding, violated): (Vec<_>, Vec<_>) =
            self.invariants.iter().partition(|it| it.violated_by.is_empty());
        let ordered = holding.into_iter().chain(violated);
        let mut lines: Vec<_> = ordered.map(|it| it.text(style)).collect();
        let verdict = match self.violations {
            0 => style.tint(Tone::Good, "all hold"),
            1 => style.tint(Tone::Bad, "1 violation"),
            count => style.tint(Tone::Bad, &format!("{count} violations")),
        };
        lines.push(format!("\n{} invariants checked: {verdict}", self.checked));
        lines.join("\n")
    }
}

impl Finding {
    fn text(&self, style: Style) -> String {
        let word = match self.violated_by.len() {
            0 => style.tint(Tone::Good, "holds   "),
            _ => style.tint(Tone::Bad, "VIOLATED"),
        };
        let meaning = style.paragraph(INDENT, &self.meaning);
        let mut lines = vec![format!("{word}  {} {}", self.number, &meaning[INDENT..])];
        let keys = self.violated_by.iter().take(LISTED);
        lines.extend(keys.map(|key| style.paragraph(INDENT, &format!("- {} {key}", self.key))));
        if self.violated_by.len() > LISTED {
            let more = self.violated_by.len() - LISTED;
            lines.push(style.paragraph(INDENT, &format!("- and {more} more: `--output json`")));
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violation(invariant: &str, key: &str) -> Violation {
        Violation { invariant: invariant.to_owned(), key: key.to_owned() }
    }

    #[test]
    fn an_invariant_that_is_not_listed_speaks_for_itself() {
        let findings = Findings::new(vec![violation("I99 sky fell down", "row-1")]);
        assert!(!findings.all_hold());
        let text = findings.text(Style::plain(80));
        assert!(text.contains("VIOLATED  I99 Not this: sky fell down.\n"), "{text}");
        assert!(
            text.ends_with(&format!("{} invariants checked: 1 violation", INVARIANTS.len() + 1))
        );
    }

    #[test]
    fn many_keys_are_counted_and_not_all_listed() {
        let found = (0..LISTED + 5).map(|row| violation("I14 outbox stuck", &row.to_string()));
        let findings = Findings::new(found.collect());
        let text = findings.text(Style::plain(80));
        assert_eq!(text.matches("- outbox row ").count(), LISTED);
        assert!(text.contains("- and 5 more: `--output json`"), "{text}");
    }
}
