//! The store against a real Postgres.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod any_changes;
mod batch;
mod claims;
mod constraints;
mod customers;
mod filters;
mod home;
mod invariants;
mod letters;
mod life;
mod locks;
mod migrations;
mod operators;
mod paid_orders;
mod parking;
mod payment_status;
mod people;
mod pipeline;
mod privacy;
mod provision;
mod races;
mod relay;
mod replays;
mod report;
mod retention;
mod roles;
mod round_trip;
mod rules;
mod scheduler;
mod tls;
mod unapplied;
mod vault;
