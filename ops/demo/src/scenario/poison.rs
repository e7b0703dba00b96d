//! Messages that no worker can take, each with the code of the rule it breaks.

use contracts::STRUCTURED_CONTENT_TYPE;
use rand::RngExt as _;
use serde_json::{Value, json};

use super::facts::Facts;
use super::message::Raw;
use super::plot::{Plot, SHOP};
use super::story::at;

/// A kind of poison.
#[derive(Clone, Copy, Debug)]
pub(super) struct Poison {
    /// What it is, in a few words.
    pub(super) name: &'static str,
    /// The code of its dead letter.
    pub(super) code: &'static str,
    /// Bends a valid message.
    bend: fn(&mut Bent),
}

/// A message on its way from valid to poisonous.
struct Bent {
    envelope: Value,
    routing_key: &'static str,
    content_type: Option<&'static str>,
    headers: Vec<(String, String)>,
    /// Replaces the envelope.
    body: Option<Vec<u8>>,
}

impl Bent {
    fn set(&mut self, pointer: &str, value: Value) {
        if let Some(place) = self.envelope.pointer_mut(pointer) {
            *place = value;
        }
    }

    fn header(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// The body is the envelope's text with one part of it replaced.
    fn spell(&mut self, from: &str, to: &str) {
        self.body = Some(self.envelope.to_string().replacen(from, to, 1).into_bytes());
    }
}

const fn poison(name: &'static str, code: &'static str, bend: fn(&mut Bent)) -> Poison {
    Poison { name, code, bend }
}

/// Every kind, the most telling ones first.
pub(super) const KINDS: &[Poison] = &[
    poison("no JSON", "malformed-json", |it| {
        // Twice the same body from nobody would be the same message.
        it.body = Some(format!("this is not JSON, {}", it.envelope["id"]).into_bytes());
    }),
    poison("wrong major version", "unsupported-major", |it| {
        it.set("/type", json!("shop.order.created.v9"));
    }),
    poison("unknown type", "unknown-type", |it| it.set("/type", json!("shop.order.shipped.v1"))),
    poison("test event", "mode-mismatch", |it| it.set("/data/livemode", json!(false))),
    poison("card number", "card-number", |it| {
        it.set("/data/locale", json!("4111 1111 1111 1111"));
    }),
    poison("security code", "security-code", |it| {
        it.spell("\"revision\":1", "\"revision\":1,\"cvc\":\"123\"");
    }),
    poison("oversized", "body-too-large", |it| {
        it.set("/data/locale", json!("x".repeat(70_000)));
    }),
    poison("two modes in one", "mixed-mode", |it| {
        let id = it.envelope["id"].as_str().unwrap_or_default().to_owned();
        it.header("ce-id", &id);
    }),
    poison("unroutable", "unroutable", |it| it.routing_key = "order.vanished"),
    poison("fraction of a cent", "invalid-amount", |it| {
        it.set("/data/total/amount_minor", json!(58.5));
    }),
    poison("amount as text", "invalid-amount", |it| {
        it.set("/data/total/amount_minor", json!("58"));
    }),
    poison("negative amount", "amount-out-of-range", |it| {
        it.set("/data/total/amount_minor", json!(-1));
    }),
    poison("unknown currency", "invalid-currency", |it| {
        it.set("/data/total/currency", json!("eur"));
    }),
    poison("no order id", "missing-field", |it| it.spell("\"order_id\"", "\"order\"")),
    poison("order id that is none", "invalid-id", |it| {
        it.set("/data/order_id", json!("order-1"));
    }),
    poison("time without offset", "invalid-time", |it| {
        it.set("/data/placed_at", json!("2026-03-01T12:00:00"));
    }),
    poison("field twice", "duplicate-field", |it| {
        it.spell("\"revision\":1", "\"revision\":1,\"revision\":1");
    }),
    poison("text for a flag", "invalid-type", |it| it.set("/data/livemode", json!("yes"))),
    poison("subject of another order", "subject-mismatch", |it| {
        it.set("/subject", json!("0198c0de-0001-7000-8000-00000000dead"));
    }),
    poison("end before its beginning", "inconsistent", |it| {
        it.set("/data/expires_at", json!("2020-01-01T00:00:00Z"));
    }),
    poison("too deep", "too-deep", |it| {
        let depths = (0..9).fold(json!(1), |inner, _| json!([inner]));
        it.set("/data/locale", depths);
    }),
    poison("merchant's name too long", "too-long", |it| {
        it.set("/data/merchant_id", json!("m".repeat(65)));
    }),
    poison("events of the past", "unsupported-specversion", |it| {
        it.set("/specversion", json!("0.3"));
    }),
    poison("refund under a key of ours", "reserved-key", |it| {
        it.routing_key = "refund.requested";
        it.set("/type", json!("shop.refund.requested.v1"));
        let order = it.envelope["subject"].clone();
        it.set(
            "/data",
            json!({
                "request_key": "closed:1", "order_id": order, "full": true,
                "reason_code": "goodwill", "requested_by": { "type": "operator", "id": "op-1" },
                "requested_at": "2026-03-01T12:00:00Z", "livemode": true,
            }),
        );
    }),
    poison("content type of a page", "unknown-content-type", |it| {
        it.content_type = Some("text/html");
    }),
];

/// Writes a story of one poisonous message, about an order that never exists.
pub(super) fn write(plot: &mut Plot, kind: Poison) {
    let id = plot.message_id();
    let order = plot.order();
    let mut bent = Bent {
        envelope: json!({
            "specversion": "1.0", "id": id, "source": SHOP, "type": "shop.order.created.v1",
            "subject": order,
            "data": {
                "order_id": order, "merchant_id": "m-1", "customer_ref": "c-0",
                "total": plot.total, "placed_at": "2026-03-01T12:00:00Z", "expires_at": null,
                "revision": 1, "livemode": true, "locale": "en",
            },
        }),
        routing_key: "order.created",
        content_type: Some(STRUCTURED_CONTENT_TYPE),
        headers: Vec::new(),
        body: None,
    };
    (kind.bend)(&mut bent);
    let raw = Raw {
        routing_key: bent.routing_key,
        content_type: bent.content_type,
        headers: bent.headers,
        body: bent.body.unwrap_or_else(|| bent.envelope.to_string().into_bytes()),
    };
    let when = at(plot.rng.random_range(0..1_000));
    plot.raw(when, id, raw);
    plot.latest_is_refused(kind.code);
    plot.ends(Facts::default());
}
