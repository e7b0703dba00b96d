//! Measures how long dead letters take to be parked, planned, replayed at a rate, and resolved.

use clap::Parser;
use system_tests::replays::{self, Options};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    replays::run(Options::parse()).await
}
