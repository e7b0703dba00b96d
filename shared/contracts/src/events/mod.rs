//! The events, with the fields of the contract; one enum per worker's queue.

mod dispute;
mod order;
mod payment;
mod refund;
mod refund_key;
mod reserve;
mod timer;
mod unapplied;

pub use dispute::{
    DisputeEvent, DisputeMediated, DisputeOpened, DisputeParty, DisputeReason, DisputeStage,
    DisputeUpdated, DisputeVerdict, EvidenceSubmitted, EvidenceSubmitter,
};
pub use order::{
    CancelActor, Consent, ConsentPurpose, ConsentWithdrawn, OrderCancelRequested, OrderCreated,
    OrderEvent, OrderLine, PaymentMethod,
};
pub use payment::{Decline, MethodDetails, PaymentAttempted, PaymentEvent, PaymentOutcome};
pub use refund::{
    RefundAmount, RefundEvent, RefundReason, RefundRequested, RefundResult, RefundReviewed,
    RefundUpdated, RequestedBy, ReviewVerdict,
};
pub use refund_key::RefundCause;
pub use reserve::{ReserveOutcome, ReserveReplied};
pub use timer::{DisputeDeadline, PaymentTimer, RefundReviewDue, TimerEvent};
pub use unapplied::UnappliedDue;
