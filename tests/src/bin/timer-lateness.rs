//! Measures how late payment timeouts are on the ladder, and whether any is early.

use clap::Parser;
use system_tests::lateness::{self, Options};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    lateness::run(Options::parse()).await
}
