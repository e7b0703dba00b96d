//! What `orderctl event publish` says when it is done.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::render::{Style, Tone, View};

/// What was published, or would be.
#[derive(Serialize)]
pub(super) struct Published {
    pub(super) exchange: String,
    /// How many the broker has confirmed.
    pub(super) confirmed: usize,
    pub(super) messages: Vec<Line>,
}

/// One message of them.
#[derive(Serialize)]
pub(super) struct Line {
    pub(super) routing_key: &'static str,
    pub(super) message_id: String,
    pub(super) bytes: usize,
}

/// So many messages are listed one by one; of more only the counts are of interest.
const LISTED: usize = 20;

impl View for Published {
    fn text(&self, style: Style) -> String {
        let table =
            if self.messages.len() <= LISTED { self.each(style) } else { self.by_key(style) };
        let summary = format!(
            "{} of {} published to exchange {}",
            self.confirmed,
            self.messages.len(),
            self.exchange
        );
        format!("{table}\n\n{}", style.tint(Tone::Good, &summary))
    }
}

impl Published {
    fn each(&self, style: Style) -> String {
        let rows = self.messages.iter().map(|it| {
            [it.routing_key.to_owned(), it.message_id.clone(), format!("{} bytes", it.bytes)]
        });
        style.table(["ROUTING KEY", "MESSAGE ID", "SIZE"], rows)
    }

    fn by_key(&self, style: Style) -> String {
        let mut sums: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for line in &self.messages {
            let (count, bytes) = sums.entry(line.routing_key).or_default();
            *count += 1;
            *bytes += line.bytes;
        }
        let rows = sums.into_iter().map(|(key, (count, bytes))| {
            [key.to_owned(), count.to_string(), format!("{bytes} bytes")]
        });
        style.table(["ROUTING KEY", "MESSAGES", "SIZE"], rows)
    }
}
