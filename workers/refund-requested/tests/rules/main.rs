//! What wishes for refunds, and reports on them, do to an order, case by case of the domain's list.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod again;
mod closing;
mod convergence;
mod disputed;
mod elsewhere;
mod flagged;
mod held;
mod histories;
mod parking;
mod reports;
mod requests;
mod review;
mod reviewed;
mod scene;
mod unanswered;
