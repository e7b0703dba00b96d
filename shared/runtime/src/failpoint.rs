//! Points at which a test may make a process fail.

use std::collections::HashSet;

/// Message ids over which the rules panic; empty but in tests and the demo.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failpoints(HashSet<String>);

impl Failpoints {
    /// Reads `panic:<message id>` items separated by commas.
    ///
    /// # Errors
    /// Names the item that cannot be read.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        items
            .map(|item| {
                let id = item.strip_prefix("panic:").filter(|id| !id.is_empty());
                id.map(str::to_owned).ok_or_else(|| item.to_owned())
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Panics when this message is one that shall fail.
    pub(crate) fn hit(&self, message_id: &str) {
        assert!(!self.0.contains(message_id), "failpoint");
    }
}
