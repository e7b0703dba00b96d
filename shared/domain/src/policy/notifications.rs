//! Of what people are told, and by which ways.

use contracts::Token;
use toml::Value;

use super::section::Section;
use crate::notices::SENDABLE;

/// Most ways that one notification takes.
const MOST_CHANNELS: usize = 8;

/// Of what people are told; of nothing unless a shop chooses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotificationPolicy {
    /// The templates that are sent, such as `payment-reminder`.
    pub send: Vec<&'static str>,
    /// The ways they take, by names that the shop's mailer knows.
    pub channels: Vec<Token<32>>,
    /// The language that merchants are written to in, such as `de-AT`; customers have the order's.
    pub merchant_locale: Token<35>,
}

impl Default for NotificationPolicy {
    fn default() -> Self {
        let email = "email".parse().expect("it is a short token");
        let merchant_locale = "en".parse().expect("it is a short token");
        Self { send: Vec::new(), channels: vec![email], merchant_locale }
    }
}

impl NotificationPolicy {
    /// Whether this template is sent.
    pub fn sends(&self, template: &str) -> bool {
        self.send.contains(&template)
    }

    pub(super) fn overlay(&mut self, section: &mut Section<'_>) {
        section.value("send", |value| {
            self.send = templates(value)?;
            Ok(())
        });
        section.value("channels", |value| {
            self.channels = channels(value)?;
            Ok(())
        });
        section.value("merchant_locale", |value| {
            let locale = value.as_str().and_then(|tag| tag.parse().ok());
            self.merchant_locale = locale
                .ok_or_else(|| format!("must be a language tag such as \"de-AT\", not {value}"))?;
            Ok(())
        });
    }
}

/// The templates of a list; all that cannot be sent are named together.
fn templates(value: &Value) -> Result<Vec<&'static str>, String> {
    let listed = value.as_array().ok_or("must be a list such as [\"payment-reminder\"]")?;
    let mut known = Vec::new();
    let mut unknown = Vec::new();
    for item in listed {
        let name = item.as_str().unwrap_or_default();
        match SENDABLE.iter().find(|template| **template == name) {
            Some(template) if !known.contains(template) => known.push(*template),
            Some(_twice) => {}
            None => unknown.push(item.to_string()),
        }
    }
    if unknown.is_empty() {
        return Ok(known);
    }
    Err(format!("cannot send {}; known are {}", unknown.join(", "), SENDABLE.join(", ")))
}

fn channels(value: &Value) -> Result<Vec<Token<32>>, String> {
    let wrong =
        || format!("must be a list of 1 to {MOST_CHANNELS} names such as [\"email\"], not {value}");
    let listed = value.as_array().filter(|listed| (1..=MOST_CHANNELS).contains(&listed.len()));
    let name = |item: &Value| item.as_str().and_then(|name| name.parse().ok()).ok_or_else(wrong);
    listed.ok_or_else(wrong)?.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use crate::policy::{PolicyFile, PolicyFileError};

    fn read(text: &str) -> Result<crate::PolicyBook, PolicyFileError> {
        PolicyFile { text: text.to_owned(), ..PolicyFile::default() }.read()
    }

    #[test]
    fn nothing_is_sent_unless_somebody_chooses_it_and_merchants_choose_for_themselves() {
        let book = read(
            "[notifications]\nsend = [\"order-expired\"]\n\
             [merchant.shop-1.notifications]\nsend = [\"payment-reminder\", \"payment-reminder\"]\n\
             channels = [\"email\", \"push\"]",
        )
        .unwrap();
        let shop = "shop-1".parse().unwrap();
        assert!(crate::Policies::default().notifications.send.is_empty());
        assert!(book.everyone().notifications.sends("order-expired"));
        let own = &book.of(&shop, None).notifications;
        assert_eq!(own.send, ["payment-reminder"]);
        assert_eq!(own.channels.len(), 2);
    }

    #[test]
    fn everything_that_cannot_be_sent_is_named_at_once() {
        let text = "[notifications]\nsend = [\"order-lost\", \"order-paid\", 7]\nchannels = []";
        let error = read(text).unwrap_err().to_string();
        for named in ["\"order-lost\", 7", "known are payment-reminder", "notifications.channels"] {
            assert!(error.contains(named), "{named} is not in: {error}");
        }
        assert!(!error.contains("send \"order-paid\""), "{error}");
    }
}
