//! Marks on customers of whom orders expired unpaid (policy 7).

use contracts::{OrderId, Timestamp, Token};

use crate::status::named;

named! {
    /// How much is closed to a customer, from mild to severe.
    pub enum RestrictionLevel {
        /// Few unpaid orders at once, and less time to pay each.
        Limited = "limited",
        /// Just long enough for money that is on its way already.
        PrepaidOnly = "prepaid_only",
    }
}

/// What is closed to a customer, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restriction {
    /// How much.
    pub level: RestrictionLevel,
    /// When it ends by itself.
    pub until: Timestamp,
    /// The order whose expiry caused it; its timer ends it.
    pub by: OrderId,
    /// The version of the choices by which it was decided.
    pub version: Token<32>,
}

/// What is remembered of a customer of whom an order expired unpaid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerMark {
    /// Whose.
    pub customer_ref: Token<64>,
    /// When orders of theirs expired unpaid, the oldest first.
    pub unpaid: Vec<Timestamp>,
    /// When orders of theirs were paid in the last 30 days, where that was looked up.
    pub paid: Option<Vec<Timestamp>>,
    /// How many of their orders wait for money, where that was looked up.
    pub open: i64,
    /// What is closed to them, also if that is over.
    pub restriction: Option<Restriction>,
}

impl CustomerMark {
    /// A mark with nothing in it.
    pub fn new(customer_ref: Token<64>) -> Self {
        Self { customer_ref, unpaid: Vec::new(), paid: None, open: 0, restriction: None }
    }

    /// What is closed to the customer at this time.
    pub fn restriction(&self, now: Timestamp) -> Option<&Restriction> {
        self.restriction.as_ref().filter(|restriction| now < restriction.until)
    }

    pub(crate) fn apply(&mut self, step: &MarkStep) {
        match step {
            MarkStep::Unpaid { at, forget_before } => {
                self.unpaid.retain(|known| known >= forget_before);
                self.unpaid.push(*at);
            }
            MarkStep::Restrict(restriction) => self.restriction = Some(restriction.clone()),
            MarkStep::Lift { .. } => self.restriction = None,
        }
    }
}

/// A change of a customer's mark. Written as a step, not as an image: orders of one customer are
/// decided at the same moment without a common lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkChange {
    /// Whose.
    pub customer_ref: Token<64>,
    /// What changes.
    pub step: MarkStep,
}

/// What changes about a customer's mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarkStep {
    /// An order expired unpaid.
    Unpaid {
        /// When.
        at: Timestamp,
        /// Earlier ones count no longer.
        forget_before: Timestamp,
    },
    /// Something is closed to the customer; a restriction in force that is more stays.
    Restrict(Restriction),
    /// What this order's expiry caused is over.
    Lift {
        /// The order.
        by: OrderId,
    },
}
