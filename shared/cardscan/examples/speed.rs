//! Prints how long a look at a message takes. Build it optimised.

use std::hint::black_box;
use std::time::Instant;

/// Looks that are timed together; the fastest of many such rounds is what the machine can do.
const LOOKS: u32 = 1_000;
const ROUNDS: u32 = 300;

/// A payment as providers report it, of some 600 bytes.
const USUAL: &str = concat!(
    r#"{"specversion":"1.0","id":"019a3b5c-7d2e-7c41-9b0f-3e5d8a6c2f17","#,
    r#""source":"/shops/example","type":"shop.payment.attempted.v1","#,
    r#""subject":"019a3b5c-6b1d-7f02-8c3e-91d4b7a05e68","time":"2026-03-01T12:05:30.125Z","#,
    r#""datacontenttype":"application/json","#,
    r#""data":{"order_id":"019a3b5c-6b1d-7f02-8c3e-91d4b7a05e68","#,
    r#""attempt_id":"019a3b5c-7a90-7e15-a2b8-c4f06d1e9375","provider":"examplepay","#,
    r#""provider_ref":"pi_3MtwBwLkdIwHu7ix28a3tqPa","outcome":"captured","#,
    r#""amount":{"amount_minor":5800,"currency":"EUR"},"#,
    r#""occurred_at":"2026-03-01T12:05:30.125Z","livemode":true,"method":{"type":"card","#,
    r#""brand":"examplecard","last4":"4242","country":"DE"}}}"#,
);

fn main() {
    let digits = USUAL
        .replace("019a3b5c-6b1d-7f02-8c3e-91d4b7a05e68", "00000001-0001-7000-8000-000000000000");
    let umlaut = USUAL.replace("examplecard", "Gr\u{fc}n");
    let escaped = USUAL.replace("examplecard", "Gr\\u00fcn");
    let cases = [
        ("usual", USUAL),
        ("ids all of digits", &digits),
        ("beyond ASCII", &umlaut),
        ("with an escape", &escaped),
        ("empty", ""),
    ];
    for (name, body) in cases {
        let nanos = fastest(|| cardscan::in_body(black_box(body.as_bytes())).is_none());
        println!("{nanos:>6} ns  {name}, {} bytes", body.len());
    }
    let fields = [
        ("message_id", "019a3b5c-7d2e-7c41-9b0f-3e5d8a6c2f17"),
        ("type", "shop.payment.attempted.v1"),
        ("content_type", "application/cloudevents+json"),
    ];
    for (name, value) in fields {
        let look = || cardscan::in_field(black_box(name), black_box(value.as_bytes())).is_none();
        println!("{:>6} ns  field {name}", fastest(look));
    }
}

fn fastest(is_clean: impl Fn() -> bool) -> u128 {
    let round = |_| {
        let started = Instant::now();
        assert!((0..LOOKS).all(|_| is_clean()));
        started.elapsed().as_nanos() / u128::from(LOOKS)
    };
    (0..ROUNDS).map(round).min().unwrap_or_default()
}
