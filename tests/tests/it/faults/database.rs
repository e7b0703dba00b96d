//! Postgres is killed, and has no connection left.

use fleet::{WORKERS, Weather};
use system_tests::{Server, Servers};
use tokio::time::Instant;

use super::{database_line, events, publish, stage, until_green, until_paid_once, until_red};

#[tokio::test]
async fn a_killed_database_loses_nothing_and_the_workers_resume_by_themselves() {
    let mut servers = Servers::alone().await;
    let mut stage = stage(&servers).await;
    publish(&mut stage, &events(0..500)).await;
    servers.kill(Server::Database);
    publish(&mut stage, &events(500..700)).await;
    until_red(&mut stage, &WORKERS, "database").await;
    servers.start_again().await;
    let healed = Instant::now();
    publish(&mut stage, &events(700..800)).await;
    until_green(&mut stage, healed, "the killed database answered").await;
    until_paid_once(&stage, 800).await;
    stage.finish().await;
}

#[tokio::test]
async fn workers_wait_while_the_database_has_no_connection_left() {
    let servers = Servers::alone().await;
    let mut stage = stage(&servers).await;
    publish(&mut stage, &events(0..50)).await;
    // While the line is cut nobody takes a connection before the test has them all.
    database_line(&stage).set(Weather::Cut);
    until_red(&mut stage, &WORKERS, "database").await;
    let taken = stage.database.take_connections().await;
    assert!(taken.len() > 20, "{} connections were left", taken.len());
    database_line(&stage).set(Weather::Clear);
    publish(&mut stage, &events(50..100)).await;
    until_red(&mut stage, &WORKERS, "too many clients").await;
    drop(taken);
    let healed = Instant::now();
    until_green(&mut stage, healed, "connections were left").await;
    until_paid_once(&stage, 100).await;
    stage.finish().await;
}
