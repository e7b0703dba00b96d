//! Promise 2: any shuffle, duplication or redelivery of a set of events ends in the same state.
//!
//! Histories of one order are lived twice, in order and in disorder, by the rules of all five
//! workers, and every invariant is checked after every step. What must be equal at the end:
//!
//! - Where nothing competes for money (`calm`), everything but what is first come, first served
//!   by nature: which capture pays, which one is too much, and how a wish is spread over attempts.
//! - Where payment, expiry, cancellation, failing captures, wishes and disputes compete (`races`),
//!   the facts: captures, attempts and disputes. How the order ends decides the rest: what stays,
//!   and what goes back.
//!
//! `store` does the same through the database, many orders at once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod calm;
mod duels;
mod event;
mod fact;
mod history;
mod life;
mod picture;
mod races;
mod reinstated;
mod search;
mod store;
