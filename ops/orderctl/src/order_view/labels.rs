//! Short labels for what belongs to an order: `attempt 1`, `refund 2`.

use std::collections::HashMap;

use store::timeline::Timeline;
use uuid::Uuid;

/// What each part of an order is called.
#[derive(Debug)]
pub(super) struct Labels(HashMap<Uuid, String>);

impl Labels {
    pub(super) fn of(timeline: &Timeline) -> Self {
        let mut labels = HashMap::new();
        let mut add = |kind: &str, ids: Vec<Uuid>| {
            for (index, id) in ids.into_iter().enumerate() {
                labels.insert(id, format!("{kind} {}", index + 1));
            }
        };
        add("attempt", timeline.attempts.iter().map(|it| it.id).collect());
        add("refund", timeline.refunds.iter().map(|it| it.id).collect());
        add("dispute", timeline.disputes.iter().map(|it| it.id).collect());
        Self(labels)
    }

    /// What a part is called; `otherwise` is for the order itself.
    pub(super) fn label<'a>(&'a self, id: Uuid, otherwise: &'a str) -> &'a str {
        self.0.get(&id).map_or(otherwise, |name| name)
    }

    /// A ledger's reference with the part that it labels by id called by name.
    pub(super) fn reference(&self, reference: &str) -> String {
        let (id, capture) = match reference.split_once('/') {
            Some((id, capture)) => (id, format!(", capture {capture}")),
            None => (reference, String::new()),
        };
        let name = id.parse().ok().and_then(|id: Uuid| self.0.get(&id));
        name.map_or_else(|| reference.to_owned(), |name| format!("{name}{capture}"))
    }

    /// The number alone, for a column that labels the kind in its header.
    pub(super) fn number(&self, id: Uuid) -> String {
        let number = self.0.get(&id).and_then(|name| name.split(' ').next_back());
        number.map_or_else(|| id.to_string(), str::to_owned)
    }
}
