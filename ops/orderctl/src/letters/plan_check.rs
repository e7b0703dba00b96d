//! Stored messages against the contract as it is now.

use broker::Properties;
use contracts::{EventKind, Limits};
use serde_json::Value;
use store::vault::Content;

use super::exported;
use crate::events::{Problem, Validator};

/// Judges stored messages.
#[derive(Clone, Debug)]
pub(crate) struct Judge {
    /// What a message may cost, and which world it may belong to.
    pub(crate) limits: Limits,
}

/// What the contract says about a stored message.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    /// Which event it claims to be.
    pub(crate) kind: Option<EventKind>,
    /// Where its body stands in the event: in binary mode it is the data only.
    pub(crate) at: &'static str,
    /// Every rule that it breaks.
    pub(crate) problems: Vec<Problem>,
}

impl Judge {
    /// What the contract says about a message, by its properties, headers and body.
    pub(crate) fn judge(&self, properties: &Value, content: &Content) -> Judged {
        let properties: Properties = serde_json::from_value(properties.clone()).unwrap_or_default();
        let all = exported::headers(content.headers_json.as_deref());
        let envelope = |name: &str| {
            ["ce-", "ce_", "cloudEvents_", "cloudEvents:"].iter().any(|it| name.starts_with(it))
        };
        let headers = all.iter().filter(|(name, _)| envelope(name));
        let headers =
            headers.filter_map(|(name, value)| Some((name.to_owned(), value.as_str()?.to_owned())));
        let headers: Vec<_> = headers.collect();
        let at = if headers.is_empty() { "" } else { "/data" };
        let content_type = properties.content_type.unwrap_or_default();
        let validator = Validator { limits: self.limits, event: None, content_type, headers };
        let verdict = validator.validate(&content.body);
        Judged { kind: verdict.claims, at, problems: verdict.problems }
    }
}
