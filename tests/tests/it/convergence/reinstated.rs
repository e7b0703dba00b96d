//! Late money through the database: every way it may go, with every invariant after every step.

use domain::Policies;
use domain::policy::LateMoneyChoice;
use serde_json::json;
use store::{Database, DatabaseConfig, violations};
use testkit::TestDatabase;
use testkit::shop::{self, ShopEvent, at, attempt_id, order_id};

use super::event::Books;
use super::store::lanes::apply;
use super::store::town::worker_of;

/// One order of a shop with these choices, in a database of its own.
struct Shop {
    test: TestDatabase,
    database: Database,
    books: Books,
    told: u32,
}

impl Shop {
    /// A shop whose order over EUR 100.00 has expired, and whose money came then.
    async fn with_late_money(choice: LateMoneyChoice) -> Self {
        let mut policies = Policies::default();
        policies.late_money.choice = choice;
        let test = TestDatabase::migrated().await;
        let config = DatabaseConfig::new(test.url().parse().unwrap(), "late");
        let database = Database::connect(&config).await.unwrap();
        let mut shop = Self { test, database, books: Books::new(&policies), told: 0 };
        let now = json!(runtime::now());
        shop.tell(shop::order_created(order_id(1)).with("placed_at", now.clone())).await;
        shop.fall_due("payment_timeout").await;
        shop.tell(shop::timeout(order_id(1), 1, at("12:30:00"))).await;
        let money = shop::captured(order_id(1), attempt_id(1), 10_000);
        shop.tell(money.with("occurred_at", now)).await;
        shop
    }

    async fn tell(&mut self, event: ShopEvent) {
        self.told += 1;
        let (worker, kind) = (worker_of(event.kind()), event.kind());
        let body = event.id(&format!("told-{}", self.told)).body();
        apply(&self.books, worker, &mut self.database, vec![body]).await.unwrap();
        assert_eq!(violations::all(&mut self.database).await.unwrap(), [], "after {kind}");
    }

    /// Makes a timer fall due.
    async fn fall_due(&self, kind: &str) {
        let sql = format!("UPDATE timers SET due_at = now() WHERE kind = '{kind}'");
        self.test.run(&sql).await;
    }

    /// The order's status, its capture's class and its refunds.
    async fn picture(&self) -> String {
        let sql = "SELECT concat_ws(' ', orders.status, classification, refunds.status)
            FROM orders JOIN captures ON captures.order_id = orders.id
            LEFT JOIN refunds ON refunds.order_id = orders.id AND refunds.status <> 'rejected'";
        self.test.texts(sql).await.join(", ")
    }

    async fn sent(&self, routing_key: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM outbox WHERE routing_key = '{routing_key}'");
        self.test.number(&sql).await
    }

    fn reply(outcome: &str) -> ShopEvent {
        shop::reserve_replied(order_id(1), outcome)
    }
}

#[tokio::test]
async fn case_087_an_order_is_reinstated_in_the_database_with_its_new_reservation() {
    let mut shop = Shop::with_late_money(LateMoneyChoice::Reinstate).await;
    assert_eq!(shop.picture().await, "expired held");
    assert_eq!(shop.sent("inventory.reserve_requested").await, 1);
    shop.tell(Shop::reply("reserved").with("reservation_id", "r-2")).await;
    assert_eq!(shop.picture().await, "paid normal");
    let row = "SELECT concat_ws(' ', reservation_id, lines IS NOT NULL, closed_at,
        close_reason, stock_released_at) FROM orders";
    assert_eq!(shop.test.texts(row).await, ["r-2 t"]);
    shop.tell(Shop::reply("reserved")).await;
    assert_eq!(shop.sent("order.reinstated").await, 1);
}

#[tokio::test]
async fn case_087_a_refusal_and_silence_send_late_money_back() {
    let mut shop = Shop::with_late_money(LateMoneyChoice::Reinstate).await;
    shop.tell(Shop::reply("refused")).await;
    assert_eq!(shop.picture().await, "expired late approved");

    let mut shop = Shop::with_late_money(LateMoneyChoice::Reinstate).await;
    shop.fall_due("reserve_answer_due").await;
    shop.tell(shop::reserve_due(order_id(1), 1, at("12:45:00"))).await;
    assert_eq!(shop.picture().await, "expired late approved");
    shop.tell(Shop::reply("reserved")).await;
    shop.tell(Shop::reply("reserved")).await;
    assert_eq!(shop.sent("inventory.release_requested").await, 2);
}

#[tokio::test]
async fn case_003_late_money_waits_in_the_database_for_a_person() {
    let mut shop = Shop::with_late_money(LateMoneyChoice::Manual).await;
    assert_eq!(shop.picture().await, "expired late pending_review");
    let refund = shop.test.texts("SELECT id::text FROM refunds").await[0].parse().unwrap();
    shop.tell(shop::refund_reviewed(order_id(1), refund, "rejected", "op-1")).await;
    assert_eq!(shop.picture().await, "expired held");
    shop.tell(Shop::reply("refused")).await;
    assert_eq!(shop.picture().await, "expired late approved");
}
