//! What is noted of a customer, in words.

use serde::Serialize;
use store::customers::{FlagRow, MarkRow, Standing, WithdrawalRow};

use crate::holdings_view::counted;
use crate::render::{Style, Tone, View};

/// Spaces before a line that belongs to the one above.
const INDENT: usize = 4;

/// What is noted of a customer.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct CustomerView(pub(crate) Standing);

impl View for CustomerView {
    fn text(&self, style: Style) -> String {
        let Standing { customer_ref, flags, mark, withdrawals } = &self.0;
        let mut lines = vec![style.tint(Tone::Strong, &format!("Customer {customer_ref}"))];
        lines.extend(mark.iter().map(|mark| standing(mark, style)));
        for flag in flags {
            lines.push(head(flag, style));
            lines.extend(rest(flag).iter().map(|line| style.paragraph(INDENT, line)));
        }
        lines.extend(withdrawals.iter().map(withdrawal));
        lines.join("\n")
    }
}

fn withdrawal(row: &WithdrawalRow) -> String {
    let WithdrawalRow { order_id, purpose, withdrawn_at, .. } = row;
    format!("  consent to {purpose} taken back at {withdrawn_at}, told with order {order_id}")
}

/// What is closed to the customer; in words, not by colour alone.
fn standing(mark: &MarkRow, style: Style) -> String {
    let unpaid = counted(i64::try_from(mark.unpaid.len()).unwrap_or(i64::MAX), "unpaid order");
    let lifted = match (&mark.lifted_by, mark.lifted_at, &mark.lift_reason) {
        (Some(by), Some(at), Some(reason)) => format!("; lifted by {by} at {at}: {reason}"),
        _ => String::new(),
    };
    let (tone, said) = match (mark.restricted, &mark.level, mark.restricted_until) {
        (true, Some(level), Some(until)) => (Tone::Bad, format!("{level} until {until}")),
        _ => (Tone::Good, "not restricted".to_owned()),
    };
    format!("  {unpaid} of late: {}{lifted}", style.tint(tone, &said))
}

/// Which flag, and whether it counts; in words, not by colour alone.
fn head(flag: &FlagRow, style: Style) -> String {
    let (tone, said) = match (flag.live, &flag.lifted_by, flag.lifted_at) {
        (true, _, _) => (Tone::Bad, format!("counts until {}", flag.expires_at)),
        (false, Some(by), Some(at)) => (Tone::Good, format!("lifted by {by} at {at}")),
        (false, _, _) => (Tone::Good, format!("expired at {}", flag.expires_at)),
    };
    format!("  flag {} {}: {}", flag.id, flag.rule, style.tint(tone, &said))
}

fn rest(flag: &FlagRow) -> Vec<String> {
    let FlagRow { raised_at, order_id, policy_version, .. } = flag;
    let raised = format!("raised {raised_at} over order {order_id}, by choices {policy_version}");
    let reason = flag.lift_reason.as_ref().map(|reason| format!("because: {reason}"));
    let evidence: Vec<_> = flag.evidence.iter().map(ToString::to_string).collect();
    let evidence = format!("rests on {}", evidence.join(", "));
    [Some(raised), reason, Some(evidence)].into_iter().flatten().collect()
}
