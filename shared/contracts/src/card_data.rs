//! What no message may hold: card numbers, security codes, stripes, PINs.

use cardscan::{Finding, Kind};

use crate::decode::{HEADER_PREFIXES, WireMessage};
use crate::error::{DecodeError, RuleCode};

/// The first card data in a message: in its body, or in a header that is text.
pub fn card_data(message: WireMessage<'_>) -> Option<Finding> {
    let prefix_of = |name: &str| HEADER_PREFIXES.into_iter().find(|it| name.starts_with(it));
    let in_body = || {
        let is_binary = message.headers.iter().any(|(name, _)| prefix_of(name).is_some());
        let mut finding = cardscan::in_body(message.body)?;
        // In binary mode, the body is the data alone.
        if is_binary {
            finding.pointer.insert_str(0, "/data");
        }
        Some(finding)
    };
    let in_header = |(name, text): &(&str, &str)| {
        let attribute = prefix_of(name).and_then(|prefix| name.strip_prefix(prefix));
        let mut finding = cardscan::in_field(attribute.unwrap_or(name), text.as_bytes())?;
        if attribute.is_none() {
            finding.pointer.insert_str(0, "/headers");
        }
        Some(finding)
    };
    in_body().or_else(|| message.headers.iter().find_map(in_header))
}

impl From<&Finding> for DecodeError {
    fn from(finding: &Finding) -> Self {
        let (code, rule) = match finding.kind {
            Kind::CardNumber => (
                RuleCode::CardNumber,
                "must not hold a card number: send at most its last four digits",
            ),
            Kind::SecurityCode | Kind::TrackData | Kind::PinBlock => (
                RuleCode::SecurityCode,
                "must not hold a security code, a PIN or the stripe of a card: nobody may keep it",
            ),
        };
        Self::new(code, finding.pointer.clone(), rule)
    }
}
