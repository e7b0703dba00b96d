//! One round of consuming: from the first delivery to the last acknowledgement.

use std::sync::Arc;

use broker::{ConsumeEnd, Consumer, Delivery, HeaderValue, Publisher};
use contracts::{
    DecodeError, Envelope, Event, Limits, OrderRef, TraceContext, WireMessage, decode,
};
use domain::Rules;
use store::Database;
use telemetry::happenings::DrainAbandoned;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::acks::Acks;
use crate::batch::Job;
use crate::door;
use crate::failpoint::pass;
use crate::failure::Failure;
use crate::failures::{DeskError, FailedMessage, FailureDesk, headers};
use crate::lane::{self, LaneReports, LaneShared};
use crate::spans;
use crate::stop::Stop;

/// Why a round ended.
#[derive(Debug)]
pub(crate) enum RoundEnd {
    /// The process was asked to stop, and drained.
    Stopped,
    /// The database is down.
    Database(store::Error),
    /// The consumer ended by itself.
    Consumer(ConsumeEnd),
    /// The broker no longer takes what we send it.
    Broker(String),
}

/// One round of consuming on one channel.
pub(crate) struct Round<R: Rules> {
    shared: Arc<LaneShared<R>>,
    consumer: Consumer,
    lanes: Vec<UnboundedSender<Job<R::Event>>>,
    failed: UnboundedSender<FailedMessage>,
    trouble: UnboundedReceiver<store::Error>,
    last_tag: u64,
    workers: Vec<JoinHandle<()>>,
    /// `None` once it ended; so with `acks`.
    desk: Option<JoinHandle<Result<(), DeskError>>>,
    acks: Option<JoinHandle<Result<Acks, broker::Error>>>,
    /// Tells `acks` that time is over.
    over: oneshot::Sender<()>,
}

impl<R: Rules> Round<R> {
    /// Starts the lanes, one for each database connection.
    pub(crate) fn start(
        shared: Arc<LaneShared<R>>,
        consumer: Consumer,
        publisher: Publisher,
        databases: Vec<Database>,
    ) -> Self {
        let (finished, finished_tags) = unbounded_channel();
        let (over, is_over) = oneshot::channel();
        let (failed, failed_messages) = unbounded_channel();
        let (trouble_reports, trouble) = unbounded_channel();
        let metrics = Arc::clone(&shared.metrics);
        let acks = Acks::new(consumer.settler(), metrics, shared.config.prefetch);
        let desk = FailureDesk {
            worker: shared.worker,
            queue: shared.queue.clone(),
            config: Arc::clone(&shared.config),
            metrics: Arc::clone(&shared.metrics),
            publisher,
            finished: finished.clone(),
        };
        let reports = LaneReports { finished, failed: failed.clone(), trouble: trouble_reports };
        let (mut lanes, mut workers) = (Vec::new(), Vec::new());
        for database in databases {
            let (jobs, queue) = unbounded_channel();
            let (shared, reports) = (Arc::clone(&shared), reports.clone());
            lanes.push(jobs);
            // Never aborted: a statement cut off in the middle would poison its connection.
            workers.push(tokio::spawn(lane::run(shared, database, queue, reports)));
        }
        Self {
            shared,
            consumer,
            lanes,
            failed,
            trouble,
            last_tag: 0,
            workers,
            desk: Some(tokio::spawn(desk.run(failed_messages))),
            acks: Some(tokio::spawn(acks.run(finished_tags, is_over))),
            over,
        }
    }

    /// Consumes until something ends it, then drains.
    pub(crate) async fn run(mut self, stop: &mut Stop) -> RoundEnd {
        let end = self.consume(stop).await;
        self.drain(end).await
    }

    async fn consume(&mut self, stop: &mut Stop) -> RoundEnd {
        loop {
            let delivery = tokio::select! {
                biased;
                () = stop.requested() => return RoundEnd::Stopped,
                Some(error) = self.trouble.recv() => return RoundEnd::Database(error),
                why = ended(&mut self.desk) => return RoundEnd::Broker(why),
                why = ended(&mut self.acks) => return RoundEnd::Broker(why),
                delivery = self.consumer.next() => delivery,
            };
            match delivery {
                Ok(delivery) => self.accept(delivery),
                Err(end) => return RoundEnd::Consumer(end),
            }
        }
    }

    /// Decodes a delivery and deals it to the lane of its order.
    fn accept(&mut self, delivery: Delivery) {
        pass("received");
        self.last_tag = self.last_tag.max(delivery.tag);
        let attempt = attempt(&delivery);
        let decoded = decoded::<R::Event>(&delivery, &self.shared.config.limits);
        // Nobody listening in either arm means that the round is over: the message comes again.
        match decoded {
            Ok(envelope) => {
                self.shared.metrics.received(envelope.kind.name());
                let lane = lane_of(&envelope.event.order_ref(), self.lanes.len());
                let span = spans::of_event(&delivery, &envelope, &self.shared.queue, attempt);
                let job = Job { delivery, envelope, attempt, span };
                self.lanes[lane].send(job).unwrap_or_default();
            }
            Err(error) => {
                self.shared.metrics.received("unknown");
                // From here on it is logged, published and stored.
                let delivery = door::without_card_data(delivery);
                let message_id = delivery.properties.message_id.clone();
                let message_id = message_id.unwrap_or_else(|| "-".to_owned());
                let failure = Failure::from(error);
                let trace = TraceContext::of_headers(&door::texts(&delivery));
                let queue = &self.shared.queue;
                let span = spans::of_failed(&delivery, trace.as_ref(), &message_id, queue, attempt);
                self.failed
                    .send(FailedMessage {
                        delivery,
                        kind: None,
                        message_id,
                        order: None,
                        trace,
                        attempt,
                        failure,
                        span,
                    })
                    .unwrap_or_default();
            }
        }
    }

    /// Stops taking, finishes what is in hand, acknowledges, and gives the rest back.
    async fn drain(mut self, end: RoundEnd) -> RoundEnd {
        if let Err(error) = self.consumer.cancel().await {
            tracing::debug!(%error, "the consumer was gone already");
        }
        let deadline = Instant::now() + self.shared.config.drain_grace;
        drop((self.lanes, self.failed));
        let mut late = false;
        for worker in self.workers {
            late |= timeout_at(deadline, worker).await.is_err();
        }
        // The desk ends when the last lane has.
        if let Some(mut desk) = self.desk {
            late |= timeout_at(deadline, &mut desk).await.is_err();
            desk.abort();
        }
        if late {
            // Nobody listens when acknowledging has failed before.
            self.over.send(()).unwrap_or_default();
        }
        if let Some(acks) = self.acks {
            let deadline = deadline.max(Instant::now() + FLUSH);
            give_back(self.shared.worker, timeout_at(deadline, acks).await, self.last_tag, late)
                .await;
        }
        end
    }
}

/// A delivery as the contract of its worker understands it, unless it breaks that.
pub(crate) fn decoded<E: Event>(
    delivery: &Delivery,
    limits: &Limits,
) -> Result<Envelope<E>, DecodeError> {
    door::check_beside_body(delivery)?;
    let headers = door::texts(delivery);
    let content_type = delivery.properties.content_type.as_deref();
    decode(WireMessage { content_type, headers: &headers, body: &delivery.body }, limits)
}

/// Gives back what was not finished, once the last acknowledgement is out.
async fn give_back(
    worker: &'static str,
    ended: Result<Result<Result<Acks, broker::Error>, JoinError>, Elapsed>,
    last_tag: u64,
    late: bool,
) {
    match ended {
        Ok(Ok(Ok(acks))) => {
            let count = acks.give_back(last_tag).await;
            if late && count > 0 {
                DrainAbandoned { worker, count }.emit();
            }
        }
        Ok(Ok(Err(error))) => tracing::debug!(%error, "deliveries will come again"),
        Ok(Err(error)) => tracing::error!(%error, "acknowledging ended badly"),
        Err(_late) => tracing::warn!("acknowledging did not end in time"),
    }
}

/// Least time for the last acknowledgements, even when the grace is over.
const FLUSH: std::time::Duration = std::time::Duration::from_secs(2);

/// Resolves when a task ends that should not, and says why; never if it ended before.
async fn ended<T, E: std::fmt::Display>(task: &mut Option<JoinHandle<Result<T, E>>>) -> String {
    let Some(running) = task else { return std::future::pending().await };
    let result = running.await;
    *task = None;
    match result {
        Ok(Ok(_)) => "a part of the round ended early".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    }
}

/// Our count of tries: of the message's header, or the first one.
fn attempt(delivery: &Delivery) -> u32 {
    let header = delivery.properties.headers.get(headers::ATTEMPT);
    let count = header.and_then(HeaderValue::as_integer).unwrap_or(1).max(1);
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The lane of an order: always the same one, so that no two lanes touch one order.
fn lane_of(order: &OrderRef, lanes: usize) -> usize {
    let hash = match order {
        OrderRef::Order(order) => fold(Uuid::from(*order).as_bytes()),
        OrderRef::Payment { provider, payment_ref } => {
            fold(provider.as_str().as_bytes()) ^ fold(payment_ref.as_str().as_bytes())
        }
        OrderRef::Dispute { provider, dispute_ref } => {
            fold(provider.as_str().as_bytes()) ^ fold(dispute_ref.as_str().as_bytes())
        }
    };
    usize::try_from(hash % u64::try_from(lanes).unwrap_or(1)).unwrap_or(0)
}

/// FNV-1a: even over any ids, and the same in every process.
fn fold(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_always_has_the_same_lane_and_lanes_are_even() {
        let mut dealt = [0_u32; 4];
        for number in 0..4000 {
            let order = OrderRef::Order(testkit::shop::order_id(number));
            assert_eq!(lane_of(&order, 4), lane_of(&order, 4));
            dealt[lane_of(&order, 4)] += 1;
        }
        assert!(dealt.iter().all(|count| (800..1200).contains(count)), "{dealt:?}");
    }
}
