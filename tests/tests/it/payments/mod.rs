//! What providers' reports do to an order, case by case of the domain's list.
//!
//! Payments meet orders and timeouts, so these tests take the rule books of three workers; none of
//! the workers may know another.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod amounts;
mod disorder;
mod failures;
mod histories;
mod lateness;
mod mismatches;
mod reinstated;
mod scene;
