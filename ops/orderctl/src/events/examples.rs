//! The valid examples of the contract, as they lie in `schemas/events`.

use contracts::EventKind;

/// A valid message, to be shown and sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Example {
    /// What it is an example of.
    pub(crate) kind: EventKind,
    /// Its name, such as `minimal`.
    pub(crate) name: &'static str,
    /// The message as it stands in its file.
    pub(crate) body: &'static str,
}

macro_rules! examples {
    ($($kind:ident $event:literal: $($name:literal)+;)+) => {
        &[$($(Example {
            kind: EventKind::$kind,
            name: $name,
            body: include_str!(concat!(
                "../../../../schemas/events/examples/valid/", $event, "/", $name, ".json"
            )),
        },)+)+]
    };
}

/// Every valid example.
pub(crate) const EXAMPLES: &[Example] = examples! {
    OrderCreated "order.created":
        "minimal" "full" "largest-total" "optional-fields-null" "unknown-fields" "yen" "zero-total";
    OrderCancelRequested "order.cancel_requested": "minimal" "full";
    ConsentWithdrawn "customer.consent_withdrawn": "minimal" "full";
    PaymentAttempted "payment.attempted": "minimal" "full" "declined" "smallest-amount";
    UnappliedDue "payment.unapplied_due": "minimal" "full";
    ReserveReplied "inventory.reserve_replied": "minimal" "full";
    ReserveAnswerDue "inventory.reserve_due": "minimal" "full";
    PaymentTimeout "payment.timeout": "minimal" "full";
    PaymentReminder "payment.reminder": "minimal" "full";
    RefundRequested "refund.requested": "minimal" "full" "all-that-is-left";
    RefundUpdated "refund.updated": "minimal" "full" "by-provider-reference";
    RefundReviewed "refund.reviewed": "minimal" "full";
    RefundReviewDue "refund.review_due": "minimal" "full";
    DisputeOpened "dispute.opened": "minimal" "full" "inquiry";
    DisputeUpdated "dispute.updated": "minimal" "full" "closed-before-opened";
    EvidenceSubmitted "dispute.evidence_submitted": "minimal" "full";
    DisputeMediated "dispute.mediated": "minimal" "full";
    DisputeDeadline "dispute.deadline": "minimal" "full";
};

/// The examples of an event.
pub(crate) fn examples_of(kind: EventKind) -> impl Iterator<Item = &'static Example> {
    EXAMPLES.iter().filter(move |example| example.kind == kind)
}

/// The example of an event with this name.
pub(crate) fn example(kind: EventKind, name: &str) -> Option<&'static Example> {
    examples_of(kind).find(|example| example.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn every_example_of_the_repository_is_here() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/events/examples/valid");
        for kind in EventKind::ALL {
            let files = std::fs::read_dir(Path::new(folder).join(kind.name())).unwrap();
            let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
            let known = examples_of(kind).map(|example| format!("{}.json", example.name));
            assert_eq!(names.collect::<BTreeSet<_>>(), known.collect(), "{kind}");
        }
    }
}
