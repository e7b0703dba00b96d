//! Shows the delays that a message takes which fails again and again.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    system_tests::retries::run().await
}
