//! What the invariants mean, in words.

use std::time::Duration;

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

/// Seconds from which the time that an invariant took is worth a line.
const SLOW: f64 = 2.0;

/// Columns before an invariant's meaning: a word, its number, and spaces.
const INDENT: usize = 14;

macro_rules! invariants {
    ($($number:literal $key:literal: $meaning:literal;)+) => {
        /// Every invariant; a test holds this list to the view.
        const INVARIANTS: &[Invariant] =
            &[$(Invariant { number: $number, key: $key, meaning: $meaning },)+];

        /// The number of every invariant.
        pub(crate) const NUMBERS: &[&str] = &[$($number,)+];
    };
}

invariants! {
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
    "I16" "order": "No live order is without its stock; one that was reinstated has it again.";
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
}

/// The invariants that were looked for, and what violates them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Findings {
    checked: usize,
    unchecked: usize,
    violations: usize,
    invariants: Vec<Finding>,
}

/// One invariant and what violates it.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Finding {
    number: String,
    meaning: String,
    key: &'static str,
    /// Whether it was looked at to the end.
    checked: bool,
    seconds: f64,
    violated_by: Vec<String>,
}

impl Findings {
    /// Adds an invariant with what violates it; nothing was found out when it took too long.
    pub(crate) fn add(&mut self, number: &str, found: Option<Vec<Violation>>, took: Duration) {
        let known = INVARIANTS.iter().find(|it| it.number == number);
        let Invariant { number, meaning, key } = known.expect("only known ones are looked for");
        let checked = found.is_some();
        self.checked += usize::from(checked);
        self.unchecked += usize::from(!checked);
        let violated_by: Vec<_> = found.into_iter().flatten().map(|it| it.key).collect();
        self.violations += violated_by.len();
        let (number, meaning) = ((*number).to_owned(), (*meaning).to_owned());
        let seconds = took.as_secs_f64();
        self.invariants.push(Finding { number, meaning, key, checked, seconds, violated_by });
    }

    /// Adds violations of invariants that are not listed; each speaks for itself.
    ///
    /// Whether there are any is not known when looking took too long.
    pub(crate) fn add_further(&mut self, found: Option<Vec<Violation>>) {
        self.unchecked += usize::from(found.is_none());
        for Violation { invariant, key } in found.into_iter().flatten() {
            self.violations += 1;
            let (number, words) = invariant.split_once(' ').unwrap_or((&invariant, ""));
            if let Some(known) = self.invariants.iter_mut().find(|it| it.number == number) {
                known.violated_by.push(key);
                continue;
            }
            self.checked += 1;
            self.invariants.push(Finding {
                number: number.to_owned(),
                meaning: format!("Not this: {words}."),
                key: "row",
                checked: true,
                seconds: 0.0,
                violated_by: vec![key],
            });
        }
    }

    /// Whether an invariant is violated.
    pub(crate) fn any_violated(&self) -> bool {
        self.violations > 0
    }

    /// Whether an invariant could not be checked in time.
    pub(crate) fn any_unchecked(&self) -> bool {
        self.unchecked > 0
    }

    /// How many rows violate each invariant, of those that were checked.
    pub(crate) fn counts(&self) -> Vec<([String; 1], f64)> {
        self.invariants.iter().filter(|it| it.checked).map(|it| it.series(it.count())).collect()
    }

    /// Whether each invariant was checked, as 1 or 0.
    pub(crate) fn checked(&self) -> Vec<([String; 1], f64)> {
        self.invariants.iter().map(|it| it.series(f64::from(u8::from(it.checked)))).collect()
    }

    /// How many seconds each invariant took.
    pub(crate) fn durations(&self) -> Vec<([String; 1], f64)> {
        self.invariants.iter().map(|it| it.series(it.seconds)).collect()
    }
}

impl View for Findings {
    fn text(&self, style: Style) -> String {
        let mut ordered: Vec<_> = self.invariants.iter().collect();
        // What is violated stands last, where it is seen.
        ordered.sort_by_key(|it| (!it.violated_by.is_empty(), !it.checked));
        let mut lines: Vec<_> = ordered.into_iter().map(|it| it.text(style)).collect();
        let mut verdict = match self.violations {
            0 => style.tint(Tone::Good, "all hold"),
            1 => style.tint(Tone::Bad, "1 violation"),
            count => style.tint(Tone::Bad, &format!("{count} violations")),
        };
        if self.any_unchecked() {
            let unchecked = format!("{} not checked", self.unchecked);
            verdict = format!("{verdict}, {}", style.tint(Tone::Bad, &unchecked));
        }
        lines.push(format!("\n{} invariants checked: {verdict}", self.checked));
        lines.join("\n")
    }
}

impl Finding {
    fn text(&self, style: Style) -> String {
        let word = match (self.checked, self.violated_by.len()) {
            (false, _) => style.tint(Tone::Bad, "UNKNOWN "),
            (true, 0) => style.tint(Tone::Good, "holds   "),
            (true, _) => style.tint(Tone::Bad, "VIOLATED"),
        };
        let meaning = style.paragraph(INDENT, &self.meaning);
        let mut lines = vec![format!("{word}  {} {}", self.number, &meaning[INDENT..])];
        let keys = self.violated_by.iter().take(LISTED);
        lines.extend(keys.map(|key| style.paragraph(INDENT, &format!("- {} {key}", self.key))));
        if self.violated_by.len() > LISTED {
            let more = self.violated_by.len() - LISTED;
            lines.push(style.paragraph(INDENT, &format!("- and {more} more: `--output json`")));
        }
        if !self.checked || self.seconds >= SLOW {
            let took = if self.checked { "took" } else { "was given up after" };
            lines.push(style.paragraph(INDENT, &format!("({took} {:.1} s)", self.seconds)));
        }
        lines.join("\n")
    }

    fn count(&self) -> f64 {
        u32::try_from(self.violated_by.len()).map_or(f64::INFINITY, f64::from)
    }

    fn series(&self, value: f64) -> ([String; 1], f64) {
        ([self.number.clone()], value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violation(invariant: &str, key: &str) -> Violation {
        Violation { invariant: invariant.to_owned(), key: key.to_owned() }
    }

    fn all_hold() -> Findings {
        let mut findings = Findings::default();
        for number in NUMBERS {
            findings.add(number, Some(Vec::new()), Duration::from_millis(1));
        }
        findings
    }

    #[test]
    fn an_invariant_that_is_not_listed_speaks_for_itself() {
        let mut findings = all_hold();
        findings.add_further(Some(vec![violation("I99 sky fell down", "row-1")]));
        assert!(findings.any_violated());
        let text = findings.text(Style::plain(80));
        assert!(text.contains("VIOLATED  I99 Not this: sky fell down.\n"), "{text}");
        assert!(
            text.ends_with(&format!("{} invariants checked: 1 violation", INVARIANTS.len() + 1))
        );
    }

    #[test]
    fn many_keys_are_counted_and_not_all_listed() {
        let found = (0..LISTED + 5).map(|row| violation("I14 outbox stuck", &row.to_string()));
        let mut findings = Findings::default();
        findings.add("I14", Some(found.collect()), Duration::from_millis(1));
        let text = findings.text(Style::plain(80));
        assert_eq!(text.matches("- outbox row ").count(), LISTED);
        assert!(text.contains("- and 5 more: `--output json`"), "{text}");
        assert_eq!(findings.counts(), [(["I14".to_owned()], 25.0)]);
    }

    #[test]
    fn what_took_too_long_is_not_said_to_hold() {
        let mut findings = all_hold();
        findings.add("I08", None, Duration::from_secs(90));
        assert!(!findings.any_violated() && findings.any_unchecked());
        let text = findings.text(Style::plain(80));
        assert!(text.contains("UNKNOWN   I08 "), "{text}");
        assert!(text.contains("(was given up after 90.0 s)"), "{text}");
        assert!(text.ends_with("invariants checked: all hold, 1 not checked"), "{text}");
        assert_eq!(findings.counts().len(), NUMBERS.len());
    }
}
