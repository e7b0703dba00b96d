//! A steady stream of events, sent when its time has come and not when the last one was taken.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use contracts::{STRUCTURED_CONTENT_TYPE, Timestamp};
use lapin::BasicProperties;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use rand::SeedableRng as _;
use rand_chacha::ChaCha12Rng;
use testkit::shop::ShopEvent;
use tokio::time::{Instant, sleep_until};

use crate::mix;
use crate::site::{Site, connection};

/// From here to the first event, so that the publisher is connected by then.
const AHEAD: Duration = Duration::from_millis(500);

/// A message with all that publishing needs.
struct Message {
    id: String,
    key: &'static str,
    body: Vec<u8>,
}

/// When each event was to be sent, and how far behind the publisher fell.
#[derive(Debug)]
pub(crate) struct Sent {
    /// Microseconds since 1970 by event id.
    pub(crate) intended: HashMap<String, i64>,
    /// Microseconds from the intended time to the call, for each event.
    pub(crate) lags: Vec<i64>,
}

/// Events in the order of sending: what follows from an order comes a second after it at least.
pub(crate) fn stream(
    seed: u64,
    per_second: usize,
    events: usize,
    now: Timestamp,
) -> Vec<ShopEvent> {
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    let mut later = BinaryHeap::new();
    let (mut waiting, mut stream) = (Vec::new(), Vec::with_capacity(events));
    let mut orders = 0..;
    while stream.len() < events {
        let due = later.peek().is_some_and(|Reverse((at, _))| *at <= stream.len());
        if due && let Some(Reverse((_, index))) = later.pop() {
            stream.push(Option::take(&mut waiting[index]).expect("each index is queued once"));
            continue;
        }
        let number = orders.next().expect("the numbers do not end");
        for (step, event) in mix::story(&mut rng, number, now).into_iter().enumerate() {
            if step == 0 {
                stream.push(event);
            } else {
                later.push(Reverse((stream.len() + step * per_second, waiting.len())));
                waiting.push(Some(event));
            }
        }
    }
    stream
}

/// Sends events at a rate, from a thread and a connection of its own.
pub(crate) fn send(
    site: &Site,
    events: &[ShopEvent],
    per_second: usize,
) -> JoinHandle<Result<Sent>> {
    let (url, exchange) = (site.amqp_url().to_owned(), site.names.inbound());
    let messages: Vec<Message> = events.iter().map(message).collect();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(send_all(&url, &exchange, messages, per_second))
    })
}

/// What a publisher has to tell, once it is done.
pub(crate) async fn joined(publisher: JoinHandle<Result<Sent>>) -> Result<Sent> {
    let joined = tokio::task::spawn_blocking(move || publisher.join()).await?;
    joined.map_err(|_panic| anyhow!("the publisher panicked"))?
}

fn message(event: &ShopEvent) -> Message {
    let json = event.json();
    let id = json["id"].as_str().unwrap_or_default().to_owned();
    Message { id, key: event.kind().name(), body: json.to_string().into_bytes() }
}

async fn send_all(
    url: &str,
    exchange: &str,
    messages: Vec<Message>,
    per_second: usize,
) -> Result<Sent> {
    let broker = connection(url).await?;
    let channel = broker.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let (begin, clock) = (Instant::now() + AHEAD, runtime::now().plus(AHEAD));
    let mut sent = Sent { intended: HashMap::with_capacity(messages.len()), lags: Vec::new() };
    let gap = Duration::from_secs(1) / u32::try_from(per_second)?;
    for (index, message) in (0..).zip(messages) {
        let offset = gap * index;
        let due = begin + offset;
        // Timers are a millisecond coarse: what is due within it goes out together.
        sleep_until(due).await;
        sent.lags.push(i64::try_from(due.elapsed().as_micros())?);
        let properties = BasicProperties::default()
            .with_delivery_mode(2)
            .with_message_id(message.id.as_str().into())
            .with_content_type(STRUCTURED_CONTENT_TYPE.into());
        let options = BasicPublishOptions::default();
        let (exchange, key) = (exchange.into(), message.key.into());
        channel.basic_publish(exchange, key, options, &message.body, properties).await?;
        sent.intended.insert(message.id, clock.plus(offset).micros());
    }
    channel.wait_for_confirms().await?;
    broker.close(200, "OK".into()).await.context("failed to close the publisher")?;
    Ok(sent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::EventKind;
    use testkit::shop::at;

    #[test]
    fn an_order_is_sent_a_second_before_what_follows_from_it() {
        let events = stream(1, 100, 2_000, at("12:00:00"));
        assert_eq!(events.len(), 2_000);
        let mut placed = HashMap::new();
        for (position, event) in events.iter().enumerate() {
            let order = event.json()["data"]["order_id"].to_string();
            if event.kind() == EventKind::OrderCreated {
                placed.insert(order, position);
            } else {
                assert!(position >= placed[&order] + 100, "event {position}");
            }
        }
    }
}
