//! Whether what is sent again is what was sent first, byte for byte and type for type.

use broker::{Delivery, HeaderValue, Headers, Names, Publication};
use runtime::headers;
use testkit::shop::ShopEvent;

use crate::dead_letters::dead_letter;

/// The trace that [`odd_dead_letter`] belongs to.
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Headers of every type that a shop may send.
fn shop_headers() -> Vec<(&'static str, HeaderValue)> {
    let nested = Headers::from_iter([("n".to_owned(), HeaderValue::I16(-7))]);
    vec![
        ("h-bool", HeaderValue::Bool(true)),
        ("h-u8", HeaderValue::U8(200)),
        ("h-i64", HeaderValue::I64(i64::MIN)),
        ("h-f64", HeaderValue::F64(0.1)),
        ("h-decimal", HeaderValue::Decimal { scale: 2, value: 1999 }),
        ("h-text", HeaderValue::Text("né".to_owned())),
        ("h-raw", HeaderValue::RawText(vec![0xff, 0xfe])),
        ("h-bytes", HeaderValue::Bytes(vec![0, 1, 2])),
        ("h-time", HeaderValue::Timestamp(1_700_000_000)),
        ("h-list", HeaderValue::List(vec![HeaderValue::Void, HeaderValue::I8(1)])),
        ("h-table", HeaderValue::Table(nested)),
        (headers::TRACEPARENT, HeaderValue::from(TRACE)),
    ]
}

/// A dead letter with headers of every type, whose valid body is not as we would write it.
pub fn odd_dead_letter(names: &Names, worker: &str, event: &ShopEvent) -> Publication {
    let mut letter = dead_letter(names, worker, event);
    let body = String::from_utf8(letter.body).expect("events are text");
    letter.body = body.replace("\":", "\" :\t").into_bytes();
    letter.properties.correlation_id = Some("c-1".to_owned());
    letter.properties.app_id = Some("shop".to_owned());
    letter.properties.timestamp = Some(1_700_000_000);
    for (name, value) in shop_headers() {
        letter.properties.headers.insert(name, value);
    }
    letter
}

/// What of a replayed message is not as in the dead letter, or not as a replay marks it.
///
/// Only what tells of failures is left out, the replay named, and a new trace begun.
pub fn difference(replayed: &Delivery, letter: &Publication) -> Option<String> {
    if replayed.body != letter.body {
        return Some("the body".to_owned());
    }
    let (mut found, mut expected) = (replayed.properties.clone(), letter.properties.clone());
    for name in headers::OF_FAILURE.into_iter().chain([headers::ATTEMPT, headers::FIRST_FAILED_AT])
    {
        expected.headers.remove(name);
    }
    let trace = expected.headers.remove(headers::TRACEPARENT);
    let fresh = found.headers.remove(headers::TRACEPARENT);
    if fresh.is_none() || fresh == trace || found.headers.remove(headers::REPLAYED_TRACE) != trace {
        return Some("the trace".to_owned());
    }
    let item = found.headers.remove(headers::REPLAY_ID);
    if !matches!(item, Some(HeaderValue::I64(_))) {
        return Some(format!("its replay: {item:?}"));
    }
    if found.headers.remove(headers::REPLAY_COUNT) != Some(1_i64.into()) {
        return Some("how often it was replayed".to_owned());
    }
    // An earlier replay is not this one.
    expected.headers.remove(headers::REPLAY_ID);
    (found != expected).then(|| format!("the properties: {found:?} for {expected:?}"))
}
