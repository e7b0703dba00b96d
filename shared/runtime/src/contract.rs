//! Whether a message fits the contract of a worker, before it is sent there.

use broker::Delivery;
use contracts::events::{DisputeEvent, OrderEvent, PaymentEvent, RefundEvent, TimerEvent};
use contracts::{DecodeError, Envelope, Event, Limits};

use crate::failure::Failure;
use crate::intake::decoded;

/// Checks a message as the worker of this name would; `None` if there is no such worker.
///
/// A message that fits may fail all the same: what it says is judged by the worker alone.
pub fn check_contract(
    worker: &str,
    delivery: &Delivery,
    limits: &Limits,
) -> Option<Result<(), Failure>> {
    let checked = match worker {
        "order-created" => check::<OrderEvent>(delivery, limits),
        "payment-attempted" => check::<PaymentEvent>(delivery, limits),
        "payment-timeout" => check::<TimerEvent>(delivery, limits),
        "refund-requested" => check::<RefundEvent>(delivery, limits),
        "dispute-opened" => check::<DisputeEvent>(delivery, limits),
        _ => return None,
    };
    Some(checked.map_err(Failure::from))
}

fn check<E: Event>(delivery: &Delivery, limits: &Limits) -> Result<(), DecodeError> {
    decoded(delivery, limits).map(|_: Envelope<E>| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::WORKERS;

    #[test]
    fn every_worker_has_a_contract_and_refuses_what_is_no_event() {
        let delivery = Delivery {
            tag: 1,
            redelivered: false,
            delivery_count: 0,
            exchange: String::new(),
            routing_key: String::new(),
            properties: broker::Properties::default(),
            body: b"not json".to_vec(),
        };
        for worker in WORKERS {
            let checked = check_contract(worker.name, &delivery, &Limits::default());
            assert!(checked.is_some_and(|checked| checked.is_err()), "{}", worker.name);
        }
        assert!(check_contract("relay", &delivery, &Limits::default()).is_none());
    }
}
