//! Who may call an order off that is paid, and what becomes of one that is refunded in full.

use contracts::events::CancelActor;

use super::section::Section;
use crate::status::{Status as _, named};

named! {
    /// Who may call off an order that is paid already.
    pub enum PaidCancellation {
        /// Nobody: whoever wants the money back asks for a refund (case 85).
        Nobody = "nobody",
        /// The merchant, a fraud check or an operator.
        Staff = "staff",
        /// The buyer, too.
        Anybody = "anybody",
    }
}

impl PaidCancellation {
    /// Whether it is for them to call a paid order off.
    pub fn allows(self, actor: CancelActor) -> bool {
        match (self, actor) {
            (Self::Nobody, _) | (Self::Staff, CancelActor::Buyer) => false,
            (Self::Staff, CancelActor::Merchant | CancelActor::Fraud | CancelActor::Operator)
            | (Self::Anybody, _) => true,
        }
    }
}

/// How paid orders end before they are shipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancellationPolicy {
    /// Who may call off an order that is paid already; its money goes back.
    pub paid_orders: PaidCancellation,
    /// Whether an order is called off once all of its money is back with the buyer.
    pub on_full_refund: bool,
}

impl Default for CancellationPolicy {
    fn default() -> Self {
        Self { paid_orders: PaidCancellation::Nobody, on_full_refund: false }
    }
}

impl CancellationPolicy {
    pub(super) fn overlay(&mut self, section: &mut Section<'_>) {
        section.value("paid_orders", |value| {
            let choice = value.as_str().and_then(|name| PaidCancellation::parse(name).ok());
            let known: Vec<_> = PaidCancellation::ALL.iter().map(|choice| choice.name()).collect();
            self.paid_orders =
                choice.ok_or_else(|| format!("must be one of {}", known.join(", ")))?;
            Ok(())
        });
        section.value("on_full_refund", |value| {
            let choice =
                value.as_bool().ok_or_else(|| format!("must be true or false, not {value}"));
            self.on_full_refund = choice?;
            Ok(())
        });
    }
}
