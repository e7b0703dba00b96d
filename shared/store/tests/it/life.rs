//! Orders' lives as lists of events, for tests that only need something to have happened.

use contracts::events::{DisputeEvent, OrderEvent, PaymentEvent, RefundEvent, TimerEvent};
use contracts::{OrderId, RefundId, Timestamp};
use domain::OrderState;
use store::Database;
use store::orders::{self, Scope};
use testkit::shop::{self, ShopEvent, attempt_id, dispute_id, order_id};

use crate::pipeline::{Job, job};
use crate::rules;

pub(crate) fn order(event: &ShopEvent) -> Job {
    job::<OrderEvent>(event, rules::order)
}

pub(crate) fn payment(event: &ShopEvent) -> Job {
    job::<PaymentEvent>(event, rules::payment)
}

pub(crate) fn refund(event: &ShopEvent) -> Job {
    job::<RefundEvent>(event, rules::refund)
}

pub(crate) fn dispute(event: &ShopEvent) -> Job {
    job::<DisputeEvent>(event, rules::dispute)
}

pub(crate) fn timer(event: &ShopEvent) -> Job {
    job::<TimerEvent>(event, rules::timer)
}

/// Order `number` is placed.
pub(crate) fn created(number: u32) -> Job {
    order(&shop::order_created(order_id(number)))
}

/// Order `number` is paid in full by attempt `number`.
pub(crate) fn captured(number: u32) -> Job {
    payment(&shop::captured(order_id(number), attempt_id(number), 10_000))
}

/// The payment window of order `number` ends.
pub(crate) fn timed_out(number: u32, due_at: Timestamp) -> Job {
    timer(&shop::timeout(order_id(number), 1, due_at))
}

/// Part of order `number` is wanted back.
pub(crate) fn refund_wanted(number: u32, key: &str, amount_minor: i64) -> Job {
    refund(&shop::refund_requested(order_id(number), key, amount_minor))
}

/// The provider reports on a refund.
pub(crate) fn refund_reported(number: u32, refund_id: RefundId, status: &str) -> Job {
    refund(&shop::refund_updated(order_id(number), refund_id, status))
}

/// The payment of order `number` is charged back.
pub(crate) fn disputed(number: u32, amount_minor: i64) -> Job {
    let (order, id, attempt) = (order_id(number), dispute_id(number), attempt_id(number));
    dispute(&shop::dispute_opened(order, id, attempt, amount_minor))
}

/// Reads an order as a worker would.
pub(crate) async fn load(database: &mut Database, order: OrderId) -> OrderState {
    let mut transaction = database.begin("load").await.expect("the database is there");
    let loaded = orders::load(&mut transaction, &[order], Scope::Order).await;
    transaction.rollback().await.expect("the database is there");
    loaded.expect("rows make sense").remove(&order).unwrap_or_default()
}
