//! Money in every field that holds some, in every form a sender may think of.

use contracts::{EventKind, Money, RuleCode};
use serde_json::Value;

use crate::corpus::{assert_refused, decode_body, example, pointers, with, with_literal};
use crate::schemas::properties;

/// Forms of an amount that no field takes.
const NEVER_AMOUNTS: [(&str, RuleCode); 14] = [
    ("58.0", RuleCode::InvalidAmount),
    ("58.5", RuleCode::InvalidAmount),
    ("58e2", RuleCode::InvalidAmount),
    ("5.8E+1", RuleCode::InvalidAmount),
    ("-0", RuleCode::InvalidAmount),
    ("\"5800\"", RuleCode::InvalidAmount),
    ("\"58.00\"", RuleCode::InvalidAmount),
    ("-1", RuleCode::AmountOutOfRange),
    ("1000000000000", RuleCode::AmountOutOfRange),
    ("9007199254740993", RuleCode::AmountOutOfRange),
    ("9223372036854775808", RuleCode::AmountOutOfRange),
    ("-9223372036854775809", RuleCode::AmountOutOfRange),
    ("99999999999999999999", RuleCode::AmountOutOfRange),
    ("1e999", RuleCode::AmountOutOfRange),
];

/// Every field of an event that holds money.
fn money_fields(kind: EventKind) -> Vec<String> {
    let full = example(kind, "full");
    let is_money = |pointer: &String| full.pointer(&format!("{pointer}/amount_minor")).is_some();
    pointers(full).into_iter().filter(is_money).collect()
}

#[test]
fn case_055_only_an_integer_in_range_is_an_amount_in_any_field() {
    for kind in EventKind::ALL {
        for field in money_fields(kind) {
            let amount = format!("{field}/amount_minor");
            for (literal, code) in NEVER_AMOUNTS {
                let body = with_literal(example(kind, "full"), &amount, literal);
                assert_refused(decode_body(kind, body), code, &amount);
            }
        }
    }
}

#[test]
fn case_055_amounts_beyond_32_bits_are_taken_in_any_field() {
    for kind in EventKind::ALL {
        for field in money_fields(kind) {
            for minor in [1, 3_000_000_000, Money::MAX_MINOR] {
                let amount = format!("{field}/amount_minor");
                let message = with(example(kind, "full"), &amount, Value::from(minor));
                decode_body(kind, message.to_string())
                    .unwrap_or_else(|error| panic!("{kind} {field} {minor}: {error}"));
            }
        }
    }
}

#[test]
fn case_055_nothing_is_paid_refunded_or_disputed_but_totals_prices_and_fees_may_be_zero() {
    for kind in EventKind::ALL {
        for field in money_fields(kind) {
            let amount = format!("{field}/amount_minor");
            let message = with(example(kind, "full"), &amount, Value::from(0)).to_string();
            let name = field.rsplit('/').next().unwrap();
            if matches!(name, "total" | "unit" | "fee") {
                decode_body(kind, message).unwrap_or_else(|error| panic!("{kind}: {error}"));
            } else {
                assert_refused(decode_body(kind, message), RuleCode::AmountOutOfRange, &field);
            }
        }
    }
}

#[test]
fn a_currency_is_an_upper_case_code_in_use_in_any_field() {
    for kind in EventKind::ALL {
        for field in money_fields(kind) {
            for code in ["eur", "EURO", "E", "", "XXX", "DEM", "978", "€"] {
                let currency = format!("{field}/currency");
                let message = with(example(kind, "full"), &currency, Value::from(code));
                let result = decode_body(kind, message.to_string());
                assert_refused(result, RuleCode::InvalidCurrency, &currency);
            }
        }
    }
}

#[test]
fn other_numbers_are_integers_too() {
    for kind in EventKind::ALL {
        for counter in ["revision", "payment_window_s", "qty", "order_revision", "generation"] {
            let ends = format!("/{counter}");
            for property in properties(kind).iter().filter(|field| field.pointer.ends_with(&ends)) {
                for (literal, code) in [
                    ("1.0", RuleCode::InvalidType),
                    ("1e0", RuleCode::InvalidType),
                    ("\"1\"", RuleCode::InvalidType),
                    ("-1", RuleCode::AmountOutOfRange),
                    ("2147483648", RuleCode::AmountOutOfRange),
                    ("99999999999999999999", RuleCode::AmountOutOfRange),
                ] {
                    let body = with_literal(example(kind, "full"), &property.pointer, literal);
                    assert_refused(decode_body(kind, body), code, &property.pointer);
                }
            }
        }
    }
}
