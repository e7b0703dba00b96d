//! RabbitMQ is killed.

use fleet::WORKERS;
use system_tests::{Server, Servers};
use tokio::time::Instant;

use super::{events, publish, stage, until_green, until_paid_once, until_red};

#[tokio::test]
async fn a_broker_killed_under_load_loses_nothing_and_the_workers_resume_by_themselves() {
    let mut servers = Servers::alone().await;
    let mut stage = stage(&servers).await;
    publish(&mut stage, &events(0..500)).await;
    servers.kill(Server::Broker);
    until_red(&mut stage, &WORKERS, "broker").await;
    servers.start_again().await;
    let healed = Instant::now();
    publish(&mut stage, &events(500..800)).await;
    until_green(&mut stage, healed, "the killed broker answered").await;
    until_paid_once(&stage, 800).await;
    stage.finish().await;
}
