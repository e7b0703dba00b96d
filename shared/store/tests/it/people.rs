//! What operators read: an order's timeline.

use store::timeline;
use testkit::shop::{self, order_id};

use crate::home::Home;
use crate::life;
use crate::pipeline::{decide, run};

#[tokio::test]
async fn a_timeline_tells_everything_about_one_order_and_nothing_about_others() {
    let home = Home::new().await;
    let mut database = home.connect().await;
    for number in [1, 2] {
        let wanted = life::refund_wanted(number, "r-1", 100);
        let jobs =
            [life::created(number), life::captured(number), wanted, life::disputed(number, 500)];
        run(&mut database, &jobs).await.unwrap();
    }
    decide(&mut database, life::created(1)).await;

    let told = timeline::of(&mut database, order_id(1)).await.unwrap();
    assert!(!told.is_empty());
    assert_eq!(told.order.as_ref().unwrap().status, "paid");
    assert_eq!((told.attempts.len(), told.captures.len()), (1, 1));
    assert_eq!((told.refunds.len(), told.disputes.len(), told.timers.len()), (1, 1, 3));
    let kinds: Vec<_> = told.events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["order.created", "payment.attempted", "refund.requested", "dispute.opened"]);
    assert_eq!(told.events[0].deliveries, 2);
    assert!(told.history.iter().all(|line| line.event_id.is_some()), "{:?}", told.history);
    assert!(told.history.is_sorted_by_key(|line| line.seq));
    assert_eq!(told.history[0].event_kind.as_deref(), Some("order.created"));
    assert!(told.transfers.iter().any(|transfer| transfer.code == "refund_reserved"));
    assert!(told.messages.iter().any(|message| message.routing_key == "order.paid"));
    assert!(told.parked.is_empty() && told.unapplied.is_empty());

    let json = serde_json::to_value(&told).unwrap();
    let paid_at = json["order"]["paid_at"].as_str().unwrap();
    assert!(paid_at.ends_with('Z'), "{paid_at}");
}

#[tokio::test]
async fn a_timeline_shows_what_waits_for_an_order_and_money_that_names_it() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    decide(&mut database, life::captured(1)).await;
    let told = timeline::of(&mut database, order_id(1)).await.unwrap();
    assert!(told.order.is_none() && !told.is_empty());
    assert_eq!(told.parked[0].park_key, format!("order:{}", order_id(1)));
    assert_eq!(told.events[0].outcome, "parked");

    let past = "now() - INTERVAL '1 second'";
    sql.run(&format!("UPDATE inbox SET parked_until = {past}")).await;
    decide(&mut database, life::captured(1)).await;
    let told = timeline::of(&mut database, order_id(1)).await.unwrap();
    assert_eq!(told.unapplied.len(), 1);
    assert_eq!(told.transfers[0].credit, "suspense");
    assert_eq!(told.events[0].outcome, "orphaned");
    assert!(timeline::of(&mut database, shop::order_id(9)).await.unwrap().is_empty());
}
