//! What customers with unpaid orders paid: looked up once, then kept.

use std::time::Duration;

use domain::customer::CustomerMark;
use store::Database;
use store::orders::{self, Scope};
use testkit::eventually;
use testkit::shop::order_id;

use crate::customers::{expired, mark};
use crate::home::{Home, Sql};
use crate::life;
use crate::pipeline::{decide, steps};

/// The customer's mark as it is judged when order 1 expires.
async fn judged(database: &mut Database) -> CustomerMark {
    let mut transaction = database.begin("load").await.unwrap();
    let states = orders::load(&mut transaction, &[order_id(1)], Scope::OrderAndMark).await.unwrap();
    transaction.rollback().await.unwrap();
    states[&order_id(1)].customer.mark.clone().unwrap()
}

/// How many paid orders are known.
async fn paid(database: &mut Database) -> Option<usize> {
    judged(database).await.paid.map(|paid| paid.len())
}

/// Orders 0 to 9 are placed, and those of `unpaid` expire.
async fn with_unpaid(home: &Home, unpaid: std::ops::Range<u32>) -> Database {
    let mut database = home.connect().await;
    for number in 0..10 {
        decide(&mut database, life::created(number)).await;
    }
    for number in unpaid {
        decide(&mut database, expired(number, None)).await;
    }
    database
}

/// Waits until somebody waits for a lock of somebody else.
async fn somebody_waits(sql: &mut Sql) {
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted
        AND locktype IN ('tuple', 'transactionid')";
    eventually(Duration::from_secs(30), "a session waits for a mark", async || {
        (sql.count(waiting).await > 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_a_customer_paid_is_looked_up_once_and_counted_from_then_on() {
    let home = Home::new().await;
    let mut sql = home.sql().await;
    let mut database = with_unpaid(&home, 0..0).await;
    decide(&mut database, life::captured(7)).await;
    let mut look_ups = Vec::new();
    for number in 0..6 {
        decide(&mut database, expired(number, None)).await;
        let latest = "SELECT paid_looked_up_at::text FROM customer_marks
            WHERE paid_looked_up_at IS NOT NULL";
        look_ups.push(sql.texts(latest).await);
    }
    assert_eq!(look_ups[..2], [Vec::<String>::new(), Vec::new()], "nothing is judged yet");
    let first = look_ups[2].clone();
    assert_eq!(first.len(), 1);
    assert!(look_ups[2..].iter().all(|latest| *latest == first), "{look_ups:?}");
    decide(&mut database, life::captured(8)).await;
    decide(&mut database, expired(6, None)).await;
    decide(&mut database, life::captured(9)).await;
    let known = mark(&mut database).await.unwrap();
    assert_eq!((known.unpaid.len(), known.paid.unwrap().len()), (7, 3));
}

#[tokio::test]
async fn nothing_is_kept_of_what_others_paid_nor_before_it_matters() {
    let home = Home::new().await;
    let mut sql = home.sql().await;
    let mut database = with_unpaid(&home, 0..0).await;
    decide(&mut database, life::captured(7)).await;
    assert_eq!(sql.count("SELECT count(*) FROM customer_marks").await, 0);
    decide(&mut database, expired(1, None)).await;
    decide(&mut database, life::captured(8)).await;
    assert_eq!(paid(&mut database).await, None, "one alone is not judged");
    decide(&mut database, expired(2, None)).await;
    assert_eq!(paid(&mut database).await, Some(2));
}

#[tokio::test]
async fn a_payment_during_the_look_up_waits_and_is_added() {
    let home = Home::new().await;
    let (mut sql, mut payments) = (home.sql().await, home.connect().await);
    let mut timeouts = with_unpaid(&home, 1..3).await;
    let mut expiry = timeouts.begin("expiry").await.unwrap();
    orders::load(&mut expiry, &[order_id(1)], Scope::OrderAndMark).await.unwrap();
    let commit = async {
        somebody_waits(&mut sql).await;
        expiry.commit().await.unwrap();
    };
    tokio::join!(decide(&mut payments, life::captured(7)), commit);
    assert_eq!(paid(&mut timeouts).await, Some(1));
}

#[tokio::test]
async fn a_look_up_during_a_payment_waits_and_finds_it() {
    let home = Home::new().await;
    let (mut sql, mut payments) = (home.sql().await, home.connect().await);
    let mut timeouts = with_unpaid(&home, 1..3).await;
    let mut payment = payments.begin("payment").await.unwrap();
    steps(&mut payment, &[life::captured(7)]).await.unwrap();
    let commit = async {
        somebody_waits(&mut sql).await;
        payment.commit().await.unwrap();
    };
    let (known, ()) = tokio::join!(paid(&mut timeouts), commit);
    assert_eq!(known, Some(1));
}

#[tokio::test]
async fn a_payment_that_never_saw_the_new_mark_is_found_after_a_minute() {
    let home = Home::new().await;
    let mut sql = home.sql().await;
    let mut payments = home.connect().await;
    let mut timeouts = with_unpaid(&home, 0..0).await;
    let mut payment = payments.begin("payment").await.unwrap();
    steps(&mut payment, &[life::captured(7)]).await.unwrap();
    for number in [1, 2, 3] {
        decide(&mut timeouts, expired(number, None)).await;
    }
    payment.commit().await.unwrap();
    assert_eq!(paid(&mut timeouts).await, Some(0), "looked up while the payment was decided");
    sql.run(
        "UPDATE customer_marks SET
            unpaid = ARRAY(SELECT at - INTERVAL '1 minute' FROM unnest(unpaid) AS known (at)),
            paid_looked_up_at = paid_looked_up_at - INTERVAL '1 minute'",
    )
    .await;
    assert_eq!(paid(&mut timeouts).await, Some(1));
}
