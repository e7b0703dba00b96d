//! Publishes an order to Orderflow: confirmed, mandatory, persistent, under a stable id.
//!
//! Usage: `publish-order ORDER_ID MESSAGE_ID PLACED_AT`. Exit codes: 0 the broker has it, 1 it
//! could not be published, 2 wrong usage.

use std::env;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Confirmation, Connection, ConnectionProperties};
use serde_json::json;
use tokio::time::{sleep, timeout};

const TRIES: u32 = 5;
const TIMEOUT: Duration = Duration::from_secs(10);
const TYPE: &str = "shop.order.created.v1";
const SOURCE: &str = "/shops/example";

/// What the broker said of the message.
enum Answer {
    Confirmed,
    Returned,
}

/// The event; your own outbox keeps it, so that every try sends the same bytes.
fn event(order_id: &str, message_id: &str, placed_at: &str) -> String {
    json!({
        "specversion": "1.0",
        "id": message_id,
        "source": SOURCE,
        "type": TYPE,
        "subject": order_id,
        "time": placed_at,
        "data": {
            "order_id": order_id,
            "merchant_id": "merchant-7",
            "customer_ref": "cust-5f1c",
            "total": { "amount_minor": 5800, "currency": "EUR" },
            "placed_at": placed_at,
            "revision": 1,
            "livemode": true,
        },
    })
    .to_string()
}

#[expect(clippy::disallowed_methods, reason = "a shop has no clock of Orderflow's")]
fn seconds_since_1970() -> Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}

/// Returns once the broker has answered; fails when it may not have the message.
async fn publish_once(order_id: &str, message_id: &str, body: &str) -> Result<Answer> {
    let url = env::var("ORDERFLOW_AMQP_URL").context("ORDERFLOW_AMQP_URL is not set")?;
    let exchange = env::var("ORDERFLOW_EXCHANGE").unwrap_or_else(|_| "shop.events".to_owned());
    let connection = Connection::connect(&url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let properties = BasicProperties::default()
        .with_content_type("application/cloudevents+json".into())
        .with_delivery_mode(2)
        .with_message_id(message_id.into())
        .with_type(TYPE.into())
        .with_app_id(SOURCE.into())
        .with_correlation_id(order_id.into())
        .with_timestamp(seconds_since_1970()?);
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let key = "order.created".into();
    let sent = channel.basic_publish(exchange.into(), key, options, body.as_bytes(), properties);
    let answer = match sent.await?.await? {
        Confirmation::Ack(None) => Answer::Confirmed,
        // A returned message is confirmed as well.
        Confirmation::Ack(Some(_)) => Answer::Returned,
        Confirmation::Nack(_) => bail!("the broker did not take it"),
        Confirmation::NotRequested => bail!("the channel gives no confirms"),
    };
    connection.close(200, "done".into()).await?;
    Ok(answer)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [order_id, message_id, placed_at] = arguments.as_slice() else {
        eprintln!("Usage: publish-order ORDER_ID MESSAGE_ID PLACED_AT");
        return ExitCode::from(2);
    };
    let body = event(order_id, message_id, placed_at);
    for attempt in 1..=TRIES {
        let tried = timeout(TIMEOUT, publish_once(order_id, message_id, &body)).await;
        match tried.map_err(anyhow::Error::from).flatten() {
            Ok(Answer::Confirmed) => {
                println!("confirmed {message_id}");
                return ExitCode::SUCCESS;
            }
            Ok(Answer::Returned) => {
                eprintln!("returned: no queue takes it; is the topology declared?");
                return ExitCode::FAILURE;
            }
            // It may have arrived all the same: the same id makes sending it again harmless.
            Err(error) => eprintln!("try {attempt} of {TRIES} failed: {error:#}"),
        }
        if attempt < TRIES {
            sleep(Duration::from_millis(250) * 2_u32.pow(attempt - 1)).await;
        }
    }
    ExitCode::FAILURE
}
