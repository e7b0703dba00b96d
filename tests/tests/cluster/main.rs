//! What only a cluster can show: `cargo xtask test --nodes 3`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod leader;
mod nodes;
