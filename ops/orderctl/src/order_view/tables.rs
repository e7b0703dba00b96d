//! Tables of an order's payments, refunds, disputes and money.

use std::collections::BTreeMap;

use serde::Serialize;
use store::timeline::{AttemptRow, Timeline};

use super::amount;
use super::labels::Labels;
use crate::render::Style;

/// What moved through an account, in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Balance {
    account: String,
    currency: String,
    debit_minor: i64,
    credit_minor: i64,
    /// Debits less credits.
    net_debit_minor: i64,
}

/// The balance of every account that the order's money, or money that names it, moved through.
pub(super) fn balances(timeline: &Timeline) -> Vec<Balance> {
    let mut sums: BTreeMap<(&str, &str), (i64, i64)> = BTreeMap::new();
    for transfer in &timeline.transfers {
        sums.entry((&transfer.currency, &transfer.debit)).or_default().0 += transfer.amount_minor;
        sums.entry((&transfer.currency, &transfer.credit)).or_default().1 += transfer.amount_minor;
    }
    let balance =
        |((currency, account), (debit_minor, credit_minor)): ((&str, &str), (i64, i64))| {
            let (account, currency) = (account.to_owned(), currency.to_owned());
            let net_debit_minor = debit_minor - credit_minor;
            Balance { account, currency, debit_minor, credit_minor, net_debit_minor }
        };
    sums.into_iter().map(balance).collect()
}

pub(super) fn ledger(balances: &[Balance], style: Style) -> String {
    let rows = balances.iter().map(|it| {
        let side = match it.net_debit_minor {
            0 => "",
            1.. => " Dr",
            i64::MIN..0 => " Cr",
        };
        let balance = amount(it.net_debit_minor.abs(), &it.currency);
        [
            it.account.clone(),
            amount(it.debit_minor, &it.currency),
            amount(it.credit_minor, &it.currency),
            format!("{balance}{side}"),
        ]
    });
    unless_empty(style, ["ACCOUNT", "DEBITS", "CREDITS", "BALANCE"], rows)
}

pub(super) fn attempts(timeline: &Timeline, style: Style) -> String {
    let rows = timeline.attempts.iter().enumerate().map(|(index, it)| {
        let money = amount(it.amount_minor, &it.currency);
        let authorized = match it.authorized_minor {
            0 => String::new(),
            minor => format!(", authorized {}", amount(minor, &it.currency)),
        };
        [
            (index + 1).to_string(),
            it.id.to_string(),
            format!("{} {}{}", it.provider, it.provider_ref, paid_with(it)),
            format!("{money}{authorized}"),
            with(&it.status, it.decline_code.as_deref()),
        ]
    });
    unless_empty(style, ["#", "ID", "PROVIDER", "AMOUNT", "STATUS"], rows)
}

/// What was paid with, as far as it is known.
fn paid_with(attempt: &AttemptRow) -> String {
    let named = [&attempt.method_kind, &attempt.method_brand].into_iter().flatten();
    named.flat_map(|name| [" ", name]).collect()
}

pub(super) fn captures(timeline: &Timeline, labels: &Labels, style: Style) -> String {
    let rows = timeline.captures.iter().map(|it| {
        let reversed = it.reversed_at.map(|at| format!("reversed {at}"));
        [
            labels.number(it.attempt_id),
            it.capture_ref.clone(),
            amount(it.amount_minor, &it.currency),
            amount(it.applied_minor, &it.currency),
            with(&it.classification, reversed.as_deref()),
            it.occurred_at.to_string(),
        ]
    });
    unless_empty(style, ["ATTEMPT", "CAPTURE", "AMOUNT", "FOR THE ORDER", "CLASS", "AT"], rows)
}

pub(super) fn refunds(timeline: &Timeline, labels: &Labels, style: Style) -> String {
    let rows = timeline.refunds.iter().enumerate().map(|(index, it)| {
        [
            (index + 1).to_string(),
            it.id.to_string(),
            it.attempt_id.map_or_else(|| "-".to_owned(), |attempt| labels.number(attempt)),
            amount(it.amount_minor, &it.currency),
            with(&it.status, it.code.as_deref()),
            with(&it.reason, it.decided_by.as_deref()),
        ]
    });
    unless_empty(style, ["#", "ID", "ATTEMPT", "AMOUNT", "STATUS", "WHY"], rows)
}

pub(super) fn disputes(timeline: &Timeline, labels: &Labels, style: Style) -> String {
    let rows = timeline.disputes.iter().enumerate().map(|(index, it)| {
        let due = it.evidence_due_at.map(|at| {
            let note = match (it.deadline_missed, it.evidence_submitted_at) {
                (true, _) => " (missed)",
                (false, Some(_)) => " (handed in)",
                (false, None) => "",
            };
            format!("{at}{note}")
        });
        let fee = amount(it.fee_minor, &it.currency);
        let loss = amount(it.loss_minor, &it.currency);
        [
            (index + 1).to_string(),
            it.id.to_string(),
            labels.number(it.attempt_id),
            format!("{}, fee {fee}, lost {loss}", amount(it.amount_minor, &it.currency)),
            format!("{}: {}", it.stage, it.status),
            it.reason.clone(),
            due.unwrap_or_else(|| "-".to_owned()),
        ]
    });
    let header = ["#", "ID", "ATTEMPT", "AMOUNT", "STATUS", "WHY", "EVIDENCE DUE"];
    unless_empty(style, header, rows)
}

fn unless_empty<const N: usize>(
    style: Style,
    header: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> String {
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() { String::new() } else { style.table(header, rows) }
}

fn with(word: &str, detail: Option<&str>) -> String {
    detail.map_or_else(|| word.to_owned(), |detail| format!("{word} ({detail})"))
}
