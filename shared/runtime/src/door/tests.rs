//! Nothing of a card passes, wherever a message holds it, and all else does.

use super::*;

const CARD: &str = "4111111111111111";

fn delivery(body: &[u8]) -> Delivery {
    let properties = Properties {
        message_id: Some("m-1".to_owned()),
        content_type: Some("application/cloudevents+json".to_owned()),
        type_name: Some("shop.order.created.v1".to_owned()),
        correlation_id: Some("0198c0de-0001-7000-8000-000000000001".to_owned()),
        timestamp: Some(1_772_366_400),
        ..Properties::default()
    };
    Delivery {
        tag: 7,
        redelivered: false,
        delivery_count: 0,
        exchange: "shop.events".to_owned(),
        routing_key: "order.created".to_owned(),
        properties,
        body: body.to_vec(),
    }
}

fn with_header(name: &str, value: impl Into<HeaderValue>) -> Delivery {
    let mut delivery = delivery(b"{}");
    delivery.properties.headers.insert(name, value);
    delivery
}

/// Whether more of the card than may be kept is left anywhere.
fn gives_away(delivery: &Delivery) -> bool {
    let body = String::from_utf8_lossy(&delivery.body);
    let all = format!("{:?} {} {body}", delivery.properties, delivery.routing_key);
    all.contains("1111111") || all.contains("1111 1")
}

/// Puts a text into one place of a message.
type Bend = fn(&mut Delivery, Option<String>);

fn pointer(delivery: &Delivery) -> &str {
    delivery.properties.headers.str(headers::ERROR_POINTER).unwrap_or_default()
}

#[test]
fn a_clean_message_passes_as_it_is() {
    let mut clean = delivery(br#"{"id":"0198c0de-0001-7000-8000-000000000001"}"#);
    clean.properties.headers.insert("x-time", 1_772_366_400_123_i64);
    assert_eq!(without_card_data(clean.clone()), clean);
    assert_eq!(check_beside_body(&clean), Ok(()));
}

#[test]
fn of_a_body_with_a_card_number_only_what_may_be_kept_is_left() {
    let found = delivery(br#"{"data":{"note":"4111 1111 1111 1111"}}"#);
    let kept = without_card_data(found);
    let body: serde_json::Value = serde_json::from_slice(&kept.body).unwrap();
    assert_eq!(body["withheld"], "card-number");
    assert_eq!(body["pointer"], "/data/note");
    assert_eq!((&body["first_six"], &body["last_four"]), (&"411111".into(), &"1111".into()));
    assert_eq!((&body["digits"], &body["bytes"]), (&16.into(), &39.into()));
    assert_eq!(body["sha256"].as_str().map(str::len), Some(64));
    assert_eq!(kept.properties.content_type.as_deref(), Some(WITHHELD_CONTENT_TYPE));
    assert_eq!(kept.properties.message_id.as_deref(), Some("m-1"));
    let head = &kept.properties.headers;
    assert_eq!(head.str(headers::ERROR_CLASS), Some("contract"));
    assert_eq!(head.str(headers::ERROR_CODE), Some("card-number"));
    assert_eq!(pointer(&kept), "/data/note");
    assert!(!gives_away(&kept), "{kept:?}");
}

#[test]
fn what_is_left_passes_the_door() {
    let once = without_card_data(delivery(br#"{"data":{"note":"4111111111111111"}}"#));
    assert_eq!(without_card_data(once.clone()), once);
}

#[test]
fn the_same_body_leaves_the_same_and_another_another() {
    let left = |note: &str| without_card_data(delivery(note.as_bytes())).body;
    assert_eq!(left("5555555555554444"), left("5555555555554444"));
    assert_ne!(left("a 5555555555554444"), left("b 5555555555554444"));
}

#[test]
fn every_property_and_header_is_looked_at_and_only_the_dirty_ones_go() {
    let card = || Some(CARD.to_owned());
    let bent: [(&str, Bend); 6] = [
        ("/properties/message_id", |it, card| it.properties.message_id = card),
        ("/properties/type", |it, card| it.properties.type_name = card),
        ("/properties/app_id", |it, card| it.properties.app_id = card),
        ("/properties/correlation_id", |it, card| it.properties.correlation_id = card),
        ("/properties/content_encoding", |it, card| it.properties.content_encoding = card),
        ("/properties/routing_key", |it, card| it.routing_key = card.unwrap_or_default()),
    ];
    for (place, bend) in bent {
        let mut found = delivery(b"{}");
        found.properties.headers.insert("kept", "as it is");
        bend(&mut found, card());
        let error = check_beside_body(&found).unwrap_err();
        assert_eq!((error.code.as_str(), error.pointer.as_str()), ("card-number", place));
        let kept = without_card_data(found);
        assert!(!gives_away(&kept), "{kept:?}");
        assert_eq!(kept.properties.headers.str("kept"), Some("as it is"));
    }
}

#[test]
fn a_header_of_any_type_and_depth_is_looked_at() {
    let number: i64 = CARD.parse().unwrap();
    let table = Headers::from_iter([("inner".to_owned(), HeaderValue::from(CARD))]);
    let deep = (0..40).fold(HeaderValue::from(CARD), |inner, _| HeaderValue::List(vec![inner]));
    let values = [
        ("/headers/h", HeaderValue::from(CARD)),
        ("/headers/h", HeaderValue::I64(number)),
        ("/headers/h", HeaderValue::I64(-number)),
        ("/headers/h", HeaderValue::Timestamp(number.unsigned_abs())),
        ("/headers/h", HeaderValue::F64(4_111_111_111_111_111.0)),
        ("/headers/h", HeaderValue::Bytes(CARD.into())),
        ("/headers/h", HeaderValue::RawText([CARD.as_bytes(), b"\xff"].concat())),
        ("/headers/h", HeaderValue::List(vec![HeaderValue::Void, CARD.into()])),
        ("/headers/h/inner", HeaderValue::Table(table)),
        ("/headers/h", deep),
    ];
    for (place, value) in values {
        let kept = without_card_data(with_header("h", value));
        assert_eq!(pointer(&kept), place);
        assert_eq!(kept.properties.headers.get("h"), None);
    }
    let kept = without_card_data(with_header(CARD, "a name"));
    assert_eq!(pointer(&kept), "/headers/****************");
    assert_eq!(kept.properties.headers.get(CARD), None);
    let kept = without_card_data(with_header("x-cvv", 123_i64));
    assert_eq!(kept.properties.headers.str(headers::ERROR_CODE), Some("security-code"));
}
