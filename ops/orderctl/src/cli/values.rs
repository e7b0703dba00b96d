//! Values of arguments, read with an explanation of what is wrong.

use std::path::PathBuf;
use std::time::Duration;

use contracts::events::{ConsentPurpose, PaymentMethod};
use contracts::{BoundedText, EventKind, FlagId, MoneyId, OrderId, RefundId, RuleViolation, Token};
use store::privacy::CustomerRef;
use store::retention::SHORTEST_INBOX;

use super::dlq_replay::StopRule;
use crate::invariants::NUMBERS;

pub(super) fn event_kind(text: &str) -> Result<EventKind, String> {
    let known = EventKind::ALL.into_iter().find(|kind| kind.name() == text);
    known.ok_or_else(|| {
        let names: Vec<_> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
        format!("must be one of {}", names.join(", "))
    })
}

pub(super) fn order_id(text: &str) -> Result<OrderId, String> {
    text.parse().map_err(|_not_one| "must be a hyphenated UUID".to_owned())
}

pub(super) fn merchant_id(text: &str) -> Result<Token<64>, String> {
    text.parse().map_err(|_not_one| "must be 1 to 64 printable ASCII characters".to_owned())
}

pub(super) fn payment_method(text: &str) -> Result<PaymentMethod, String> {
    let known = PaymentMethod::ALL.into_iter().find(|method| method.name() == text);
    known.ok_or_else(|| {
        let names = PaymentMethod::ALL.map(PaymentMethod::name);
        format!("must be one of {}", names.join(", "))
    })
}

pub(super) fn money_id(text: &str) -> Result<MoneyId, String> {
    text.parse().map_err(|_not_one| "must be a hyphenated UUID".to_owned())
}

pub(super) fn refund_id(text: &str) -> Result<RefundId, String> {
    text.parse().map_err(|_not_one| "must be a hyphenated UUID".to_owned())
}

pub(super) fn flag_id(text: &str) -> Result<FlagId, String> {
    text.parse().map_err(|_not_one| "must be a hyphenated UUID".to_owned())
}

pub(super) fn consent_purpose(text: &str) -> Result<ConsentPurpose, String> {
    let known = ConsentPurpose::ALL.into_iter().find(|purpose| purpose.name() == text);
    known.ok_or_else(|| {
        let names = ConsentPurpose::ALL.map(ConsentPurpose::name);
        format!("must be one of {}", names.join(", "))
    })
}

pub(super) fn actor(text: &str) -> Result<Token<64>, String> {
    text.parse().map_err(|broken: RuleViolation| broken.rule.to_string())
}

pub(super) fn reason(text: &str) -> Result<BoundedText<500>, String> {
    if text.trim().is_empty() {
        return Err("must not be empty".to_owned());
    }
    text.parse().map_err(|broken: RuleViolation| broken.rule.to_string())
}

pub(super) fn invariant_number(text: &str) -> Result<String, String> {
    let known = NUMBERS.contains(&text).then(|| text.to_owned());
    known.ok_or_else(|| format!("must be one of {}", NUMBERS.join(", ")))
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let read = humantime::parse_duration(text).ok().filter(|time| !time.is_zero());
    read.ok_or_else(|| "must be a time such as 90s or 5m".to_owned())
}

pub(super) fn prom_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let read = path.extension().is_some_and(|extension| extension == "prom");
    read.then_some(path).ok_or_else(|| "must end in .prom: no other file is collected".to_owned())
}

pub(super) fn customer_ref(text: &str) -> Result<CustomerRef, String> {
    text.parse().map_err(|_not_one| "must be 1 to 64 visible ASCII characters".to_owned())
}

/// A text that says something.
pub(super) fn said(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() { Err("must not be empty".to_owned()) } else { Ok(text.to_owned()) }
}

pub(super) fn period(text: &str) -> Result<Duration, String> {
    let day = Duration::from_hours(24);
    let long_enough = humantime::parse_duration(text).ok().filter(|period| *period >= day);
    long_enough.ok_or_else(|| "must be a time such as 90d, at least 1d".to_owned())
}

pub(super) fn inbox_period(text: &str) -> Result<Duration, String> {
    let long_enough = period(text).ok().filter(|period| *period >= SHORTEST_INBOX);
    long_enough.ok_or_else(|| "must be a time such as 500d, at least 400d".to_owned())
}

pub(super) fn header(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').ok_or("must be NAME=VALUE")?;
    Ok((pair.0.to_owned(), pair.1.to_owned()))
}

pub(super) fn group(text: &str) -> Result<String, String> {
    let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let read = (4..=64).contains(&text.len()) && text.chars().all(hex);
    read.then(|| text.to_owned()).ok_or_else(|| "must be 4 to 64 of 0-9 and a-f".to_owned())
}

pub(super) fn note(text: &str) -> Result<BoundedText<4000>, String> {
    if text.trim().is_empty() {
        return Err("must not be empty".to_owned());
    }
    text.parse().map_err(|broken: RuleViolation| broken.rule.to_string())
}

pub(super) fn per_second(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    let rate = number.parse().ok().filter(|rate| (0.01..=10_000.0).contains(rate));
    rate.ok_or_else(|| "must be a number per second from 0.01 to 10000, such as 10/s".to_owned())
}

pub(super) fn stop_rule(text: &str) -> Result<StopRule, String> {
    let read = || {
        let (share, after) = text.split_once('/')?;
        let percent = share.strip_suffix('%')?.parse().ok()?;
        let after = after.parse().ok()?;
        ((0..=100).contains(&percent) && after > 0).then_some(StopRule { percent, after })
    };
    read().ok_or_else(|| "must be a share and a number, such as 20%/20".to_owned())
}

pub(super) fn chain_end(text: &str) -> Result<(i64, String), String> {
    let read = || {
        let (id, hash) = text.split_once(':')?;
        let hex = hash.len() == 64 && hash.chars().all(|c| c.is_ascii_hexdigit());
        hex.then_some((id.parse().ok()?, hash.to_ascii_lowercase()))
    };
    read().ok_or_else(|| "must be a number, a colon and a hash of 64 digits".to_owned())
}
