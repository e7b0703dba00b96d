//! What two workers may do to one order at once.

use contracts::Timestamp;
use store::violations;
use testkit::shop::order_id;
use tokio::sync::Barrier;

use crate::home::Home;
use crate::life;
use crate::pipeline::decide;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_002_a_timeout_and_a_capture_at_once_end_paid_or_expired_and_refunded() {
    const ORDERS: u32 = 100;
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    for number in 0..ORDERS {
        decide(&mut database, life::created(number)).await;
    }
    sql.run("UPDATE timers SET due_at = now()").await;
    let start = Barrier::new(2);
    let payments = async {
        let mut database = home.connect().await;
        for number in 0..ORDERS {
            start.wait().await;
            decide(&mut database, life::captured(number)).await;
        }
    };
    let timeouts = async {
        let mut database = home.connect().await;
        for number in 0..ORDERS {
            start.wait().await;
            decide(&mut database, life::timed_out(number, Timestamp::EPOCH)).await;
        }
    };
    tokio::join!(payments, timeouts);
    let paid = sql.count("SELECT count(*) FROM orders WHERE status = 'paid'").await;
    let expired = sql.count("SELECT count(*) FROM orders WHERE status = 'expired'").await;
    assert_eq!(paid + expired, i64::from(ORDERS));
    let refunds = sql.count("SELECT count(*) FROM refunds WHERE status = 'approved'").await;
    assert_eq!(refunds, expired, "late money goes back, money in time does not");
    assert_eq!(violations::all(&mut database).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_058_of_concurrent_refunds_only_a_fitting_subset_is_approved() {
    const ROUNDS: u32 = 15;
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    for number in 0..ROUNDS {
        decide(&mut database, life::created(number)).await;
        decide(&mut database, life::captured(number)).await;
        decide(&mut database, life::refund_wanted(number, "first", 3_000)).await;
    }
    let start = Barrier::new(3);
    let ask = async |key: &str| {
        let mut database = home.connect().await;
        for number in 0..ROUNDS {
            start.wait().await;
            decide(&mut database, life::refund_wanted(number, key, 3_500)).await;
        }
    };
    tokio::join!(ask("a"), ask("b"), ask("c"));
    for number in 0..ROUNDS {
        let order = order_id(number);
        let approved = format!(
            "SELECT sum(amount_minor) FROM refunds
             WHERE order_id = '{order}' AND status = 'approved'"
        );
        assert_eq!(sql.count(&approved).await, 10_000);
    }
    assert_eq!(violations::all(&mut database).await.unwrap(), []);
}
