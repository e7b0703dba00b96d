//! Templates as an operator gives them, and as their readers get them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod folder;
mod readme;
