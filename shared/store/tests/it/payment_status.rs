//! How far an order is paid, derived from its rows.

use contracts::events::PaymentOutcome;
use testkit::shop::{self, attempt_id, dispute_id, order_id};

use crate::home::Home;
use crate::life;
use crate::pipeline::decide;

const STATUS: &str = "SELECT payment_status FROM order_payments ORDER BY order_id";

#[tokio::test]
async fn every_step_of_an_order_s_money_has_its_name() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    decide(&mut database, life::created(1)).await;
    assert_eq!(sql.texts(STATUS).await, ["unpaid"]);
    let part = |outcome, amount: i64| {
        let event = shop::payment(order_id(1), attempt_id(1), outcome, amount);
        life::payment(&event.id(&format!("{outcome:?}-{amount}")))
    };
    for (outcome, expected) in
        [(PaymentOutcome::Processing, "in_progress"), (PaymentOutcome::Authorized, "authorized")]
    {
        decide(&mut database, part(outcome, 10_000)).await;
        assert_eq!(sql.texts(STATUS).await, [expected]);
    }
    decide(&mut database, life::captured(1)).await;
    assert_eq!(sql.texts(STATUS).await, ["paid"]);
    for (key, amount, expected) in
        [("r-1", 2_500, "partially_refunded"), ("r-2", 7_500, "refunded")]
    {
        let before = sql.texts(STATUS).await;
        decide(&mut database, life::refund_wanted(1, key, amount)).await;
        assert_eq!(sql.texts(STATUS).await, before, "a refund on its way is not back yet");
        let refunds = life::load(&mut database, order_id(1)).await.refunds;
        let refund = refunds.iter().find(|it| it.request_key.as_str() == key).unwrap();
        decide(&mut database, life::refund_reported(1, refund.id, "succeeded")).await;
        assert_eq!(sql.texts(STATUS).await, [expected]);
    }
}

#[tokio::test]
async fn parts_excess_and_disputes_have_their_names() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    decide(&mut database, life::created(1)).await;
    decide(&mut database, life::captured(1)).await;
    let applied = |minor: i64| format!("UPDATE captures SET applied_minor = {minor}");
    for (change, expected) in [
        (applied(4_000), "partially_paid"),
        ("UPDATE orders SET accepted_shortfall_minor = 6000".to_owned(), "overpaid"),
        (
            "UPDATE orders SET accepted_shortfall_minor = NULL; \
             UPDATE captures SET applied_minor = 10000, amount_minor = 12000"
                .to_owned(),
            "overpaid",
        ),
        ("UPDATE captures SET amount_minor = 10000".to_owned(), "paid"),
        ("UPDATE captures SET reversed_at = now()".to_owned(), "unpaid"),
        ("UPDATE orders SET total_minor = 0".to_owned(), "paid"),
        ("UPDATE orders SET total_minor = 10000".to_owned(), "unpaid"),
        (format!("UPDATE captures SET reversed_at = NULL; {}", applied(0)), "overpaid"),
        (applied(10_000), "paid"),
    ] {
        sql.run(&change).await;
        assert_eq!(sql.texts(STATUS).await, [expected], "{change}");
    }
    decide(&mut database, life::disputed(1, 4_000)).await;
    assert_eq!(sql.texts(STATUS).await, ["disputed"]);
    for (status, expected) in [("lost", "charged_back"), ("won", "paid")] {
        let at = if status == "lost" { "16:00:00" } else { "17:00:00" };
        let event = shop::dispute_updated(order_id(1), dispute_id(1), "chargeback", status)
            .with("occurred_at", shop::at(at).to_string())
            .id(status);
        decide(&mut database, life::dispute(&event)).await;
        assert_eq!(sql.texts(STATUS).await, [expected]);
    }
}
