//! `--broker-only`: the dead queues themselves, looked at without taking anything out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use broker::{Delivery, Error, Names, Session};
use contracts::Timestamp;
use runtime::{WORKERS, headers, without_card_data};
use serde::Serialize;
use serde_json::Value;

use super::export::Output;
use crate::cli::{ExportLettersArgs, ListArgs};
use crate::exit::{Exit, Failure};
use crate::letters::{ago, letters};
use crate::render::{Console, Rows, Style, Tone, View};
use crate::settings::Settings;

/// What everybody who looks is told.
const WARNING: &str = "warning: each look counts as one more delivery on RabbitMQ before 4.3: a \
                       dead queue whose delivery limit a policy has lowered loses what is looked \
                       at too often; meanwhile nobody else gets what is shown, and afterwards it \
                       may come in another sequence";

pub(super) async fn list(
    args: &ListArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let most = u16::try_from(args.page.limit).unwrap_or(u16::MAX);
    let now = runtime::now();
    let mut seen = Seen { count: 0, queues: Vec::new(), letters: Vec::new() };
    look(settings, console, most, |queue, looked, deliveries| {
        seen.queues.push(QueueView { queue: queue.to_owned(), waiting: looked });
        let rows = deliveries.iter().map(|delivery| Glimpse::of(queue, delivery, now));
        seen.letters.extend(rows);
        Ok(())
    })
    .await?;
    seen.count = seen.letters.len();
    let empty = seen.letters.is_empty();
    console.show(&seen)?;
    Ok(if empty && args.page.fail_if_empty { Exit::NothingFound } else { Exit::Done })
}

pub(super) async fn export(
    args: &ExportLettersArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let mut out = Output::open(&args.file)?;
    let mut written = 0_i64;
    let mut left = 0_i64;
    look(settings, console, args.most, |queue, waiting, deliveries| {
        for delivery in deliveries {
            let line = BrokerLine::of(queue, delivery);
            out.line(&serde_json::to_string(&line).expect("lines have text keys"))?;
            written += 1;
        }
        let seen = u32::try_from(deliveries.len()).unwrap_or(u32::MAX);
        left += i64::from(waiting.saturating_sub(seen));
        Ok(())
    })
    .await?;
    out.finish()?;
    console.remark(&format!("{} written", letters(written)));
    if left == 0 {
        return Ok(Exit::Done);
    }
    let what = format!("{} were not written", letters(left));
    let why = "they lie behind what one look may hold, or somebody else took them meanwhile";
    Err(Failure::new(Exit::Drift, what, "run this again with a larger `--most`").because(why))
}

/// Looks into every dead queue, one after the other; a queue that is not there is left out.
async fn look(
    settings: &Settings,
    console: Console,
    most: u16,
    mut see: impl FnMut(&str, u32, &[Delivery]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut read = settings.read();
    let (broker, names) = (read.broker(), read.names());
    let (Some(broker), Some(names)) = (broker, names) else { return Err(read.refusal().into()) };
    console.remark(WARNING);
    let session = Session::open(&broker.config).await?;
    for queue in queues(&names) {
        let mut deliveries = Vec::new();
        let looked = session.look(&queue, most, |delivery| {
            // What the broker dead-lettered by itself has not been through any worker's door.
            deliveries.push(without_card_data(delivery));
        });
        match looked.await {
            Ok(looked) => see(&queue, looked.waiting, &deliveries)?,
            Err(Error::NotFound { .. }) => {
                console.remark(&format!("there is no queue {queue}: orderctl topology apply"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    session.close().await;
    Ok(())
}

fn queues(names: &Names) -> Vec<String> {
    let dead = WORKERS.iter().map(|worker| names.dead_queue(worker.name));
    dead.chain([names.unroutable()]).collect()
}

/// What lies in the dead queues.
#[derive(Serialize)]
struct Seen {
    count: usize,
    queues: Vec<QueueView>,
    letters: Vec<Glimpse>,
}

/// A dead queue.
#[derive(Serialize)]
struct QueueView {
    queue: String,
    waiting: u32,
}

/// What can be told of a message without its place in the database.
#[derive(Serialize)]
struct Glimpse {
    dead_queue: String,
    /// Of the worker that gave up on it.
    queue: Option<String>,
    message_id: Option<String>,
    #[serde(rename = "type")]
    event_type: Option<String>,
    order_id: Option<String>,
    class: Option<String>,
    code: Option<String>,
    attempts: Option<i64>,
    failed_at: Option<String>,
    bytes: usize,
    #[serde(skip)]
    age: String,
}

impl Glimpse {
    fn of(dead_queue: &str, delivery: &Delivery, now: Timestamp) -> Self {
        let head = &delivery.properties.headers;
        let header = |name: &str| head.str(name).map(str::to_owned);
        let body: Option<Value> = serde_json::from_slice(&delivery.body).ok();
        let field = |pointer: &str| {
            let value = body.as_ref()?.pointer(pointer)?;
            value.as_str().map(|text| text.chars().take(128).collect::<String>())
        };
        let failed_at = header(headers::FAILED_AT);
        let at: Option<Timestamp> = failed_at.as_deref().and_then(|at| at.parse().ok());
        Self {
            dead_queue: dead_queue.to_owned(),
            queue: header(headers::QUEUE),
            message_id: delivery.properties.message_id.clone(),
            event_type: header("ce-type").or_else(|| field("/type")),
            order_id: field("/data/order_id").or_else(|| field("/order_id")),
            class: header(headers::ERROR_CLASS),
            code: header(headers::ERROR_CODE),
            attempts: head.get(headers::ATTEMPT).and_then(broker::HeaderValue::as_integer),
            failed_at,
            bytes: delivery.body.len(),
            age: at.map_or_else(|| "-".to_owned(), |at| ago(at, now)),
        }
    }

    fn cells(&self) -> [String; 7] {
        let text = |part: &Option<String>| part.clone().unwrap_or_else(|| "-".to_owned());
        [
            self.dead_queue.clone(),
            self.age.clone(),
            text(&self.code),
            self.attempts.map_or_else(|| "-".to_owned(), |attempts| attempts.to_string()),
            text(&self.event_type),
            text(&self.order_id),
            text(&self.message_id),
        ]
    }
}

impl View for Seen {
    fn text(&self, style: Style) -> String {
        if self.letters.is_empty() {
            return style.tint(Tone::Good, "the dead queues are empty");
        }
        let header = ["DEAD QUEUE", "AGE", "CODE", "ATTEMPTS", "TYPE", "ORDER", "MESSAGE"];
        let table = style.table(header, self.letters.iter().map(Glimpse::cells));
        let waiting: u32 = self.queues.iter().map(|queue| queue.waiting).sum();
        format!("{table}\n\n{} of {} in the dead queues", self.count, letters(waiting.into()))
    }

    fn rows(&self) -> Option<Rows> {
        let header =
            ["dead-queue", "age", "code", "attempts", "type", "order", "message-id"].to_vec();
        let document = |it| serde_json::to_value(it).expect("rows have text keys");
        Some(Rows {
            header,
            cells: self.letters.iter().map(|it| it.cells().to_vec()).collect(),
            documents: self.letters.iter().map(document).collect(),
        })
    }
}

/// A message of a dead queue as a line of a file, with every type and byte.
///
/// Its place in the database is for the parker to say: this is a copy to keep, not to import.
#[derive(Serialize)]
struct BrokerLine<'a> {
    form: &'static str,
    dead_queue: &'a str,
    exchange: &'a str,
    routing_key: &'a str,
    redelivered: bool,
    properties: &'a broker::Properties,
    body_base64: String,
}

impl<'a> BrokerLine<'a> {
    fn of(dead_queue: &'a str, delivery: &'a Delivery) -> Self {
        Self {
            form: "orderflow-dead-queue-1",
            dead_queue,
            exchange: &delivery.exchange,
            routing_key: &delivery.routing_key,
            redelivered: delivery.redelivered,
            properties: &delivery.properties,
            body_base64: STANDARD.encode(&delivery.body),
        }
    }
}
