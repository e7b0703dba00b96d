//! The cases of the domain that are decided before any rule book: by number.

use contracts::events::{OrderEvent, PaymentEvent};
use contracts::{Event, EventKind, Limits, Money, RuleCode, decode};
use serde_json::{Value, json};

use crate::corpus::{assert_refused, decode_as, decode_body, example, structured, with};

/// Fields whose values are listed.
const LISTED: [(EventKind, &str); 9] = [
    (EventKind::OrderCancelRequested, "/data/actor"),
    (EventKind::ConsentWithdrawn, "/data/purpose"),
    (EventKind::PaymentAttempted, "/data/outcome"),
    (EventKind::RefundRequested, "/data/reason_code"),
    (EventKind::RefundUpdated, "/data/status"),
    (EventKind::DisputeOpened, "/data/stage"),
    (EventKind::DisputeOpened, "/data/reason_category"),
    (EventKind::DisputeUpdated, "/data/status"),
    (EventKind::DisputeUpdated, "/data/reason_category"),
];

#[test]
fn case_040_a_word_that_is_not_listed_is_refused_and_never_guessed() {
    for (kind, pointer) in LISTED {
        for word in ["unknown", "", "CAPTURED", "won ", "other"] {
            let message = with(example(kind, "full"), pointer, Value::from(word));
            assert_refused(decode_body(kind, message.to_string()), RuleCode::UnknownValue, pointer);
        }
    }
}

#[test]
fn case_040_a_listed_word_stands_alone() {
    for (kind, pointer) in LISTED {
        let full = example(kind, "full");
        let word = full.pointer(pointer).and_then(Value::as_str).unwrap();
        for value in [json!({ word: null }), json!([word]), json!({ word: {} })] {
            let message = with(full, pointer, value);
            assert_refused(decode_body(kind, message.to_string()), RuleCode::InvalidType, pointer);
        }
    }
}

#[test]
fn case_040_another_major_version_is_told_from_an_unknown_event() {
    for kind in EventKind::ALL {
        let full = example(kind, "full");
        let with_type =
            |name: &str| decode_body(kind, with(full, "/type", name.into()).to_string());
        let unversioned = kind.type_name().strip_suffix(".v1").unwrap();
        for major in ["v2", "v0", "v10", "v"] {
            let result = with_type(&format!("{unversioned}.{major}"));
            assert_refused(result, RuleCode::UnsupportedMajor, "/type");
        }
        for unknown in ["", unversioned, ".v1", "shop.order.v1", kind.name()] {
            assert_refused(with_type(unknown), RuleCode::UnknownType, "/type");
        }
    }
}

#[test]
fn case_040_an_event_of_another_queue_is_unknown_here() {
    let order = example(EventKind::OrderCreated, "full").to_string();
    let result = decode_body(EventKind::PaymentAttempted, order);
    assert_refused(result, RuleCode::UnknownType, "/type");
}

#[test]
fn case_040_an_envelope_and_data_of_different_orders_are_refused() {
    let other = Value::from("0198c0de-0001-7000-8000-999999999999");
    for kind in EventKind::ALL {
        let message = with(example(kind, "full"), "/subject", other.clone());
        assert_refused(
            decode_body(kind, message.to_string()),
            RuleCode::SubjectMismatch,
            "/subject",
        );
    }
}

#[test]
fn case_041_a_test_event_on_the_live_system_and_a_live_one_on_a_test_system_are_refused() {
    for kind in [EventKind::OrderCreated, EventKind::PaymentAttempted] {
        for (event, system) in [(true, true), (true, false), (false, true), (false, false)] {
            let message = with(example(kind, "full"), "/data/livemode", event.into()).to_string();
            let limits = Limits { livemode: system, ..Limits::default() };
            let result = decode_as(kind, structured(message.as_bytes()), &limits);
            if event == system {
                assert!(result.is_ok(), "{kind}: {result:?}");
            } else {
                assert_refused(result, RuleCode::ModeMismatch, "/data/livemode");
            }
        }
    }
}

fn event<E: Event>(message: &Value) -> E {
    let body = message.to_string();
    let envelope = decode(structured(body.as_bytes()), &Limits::default());
    envelope.expect("the message is valid").event
}

fn total(name: &str) -> Money {
    match event(example(EventKind::OrderCreated, name)) {
        OrderEvent::Created(created) => created.total,
        OrderEvent::CancelRequested(_) | OrderEvent::ConsentWithdrawn(_) => {
            panic!("the example is an order")
        }
    }
}

#[test]
fn case_052_yen_are_taken_as_they_are() {
    let yen = total("yen");
    assert_eq!((yen.minor(), &*yen.to_string()), (5_800, "JPY 5800"));
}

#[test]
fn case_053_dinars_have_three_decimals() {
    let dinars = total("full");
    assert_eq!((dinars.minor(), &*dinars.to_string()), (12_345_678, "KWD 12345.678"));
}

#[test]
fn case_054_quirks_of_providers_do_not_reach_the_contract() {
    // Some providers want ISK and UGX with two decimals, and KWD in steps of ten.
    for (code, minor, shown) in
        [("ISK", 1, "ISK 1"), ("UGX", 99, "UGX 99"), ("KWD", 1, "KWD 0.001")]
    {
        let message = example(EventKind::PaymentAttempted, "minimal");
        let amount = json!({ "amount_minor": minor, "currency": code });
        let PaymentEvent::Attempted(payment) = event(&with(message, "/data/amount", amount)) else {
            panic!("another kind of event");
        };
        let amount = payment.amount;
        assert_eq!((amount.minor(), &*amount.to_string()), (minor, shown));
    }
}

#[test]
fn case_055_the_largest_amount_is_kept_exactly() {
    assert_eq!(total("largest-total").minor(), Money::MAX_MINOR);
}
