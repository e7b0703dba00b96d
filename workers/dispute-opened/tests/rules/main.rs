//! What disputes, reports on them and their deadlines do to an order, case by case of the domain's
//! list.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod closed;
mod convergence;
mod deadlines;
mod double_loss;
mod evidence;
mod histories;
mod mediation;
mod money;
mod opening;
mod parking;
mod scene;
mod stages;
