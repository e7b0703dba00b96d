//! Measures how fast the five workers drain a backlog, with large batches and with single events.

use clap::Parser;
use system_tests::drain::{self, Options};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    drain::run(Options::parse()).await
}
