//! Timers as schedulers share them.

use std::collections::HashSet;
use std::time::Duration;

use contracts::Timestamp;
use domain::timer::{TimerKind, TimerOwner};
use store::timers::{self, DueTimer};
use testkit::shop::order_id;

use crate::home::Home;
use crate::life;
use crate::pipeline::{decide, run};

const HORIZON: Duration = Duration::from_mins(2);
const GRACE: Duration = Duration::from_secs(5);

/// A database with so many armed timers, due in a minute.
async fn armed(orders: u32) -> Home {
    let home = Home::new().await;
    let mut database = home.connect().await;
    let created: Vec<_> = (0..orders).map(life::created).collect();
    run(&mut database, &created).await.unwrap();
    home.sql().await.run("UPDATE timers SET due_at = now() + INTERVAL '1 minute'").await;
    home
}

#[tokio::test]
async fn a_timer_is_handed_over_once_and_only_within_the_horizon() {
    let home = armed(1).await;
    let mut database = home.connect().await;
    let none = timers::hand_over(&mut database, Duration::from_secs(10), 100).await.unwrap();
    assert_eq!(none, []);
    let due = timers::hand_over(&mut database, HORIZON, 100).await.unwrap();
    let [timer] = due.as_slice() else { panic!("{due:?}") };
    assert_eq!((timer.order, timer.kind), (order_id(0), TimerKind::PaymentTimeout));
    assert_eq!(timer.owner, TimerOwner::Order(order_id(0)));
    assert_eq!((timer.generation, timer.handover), (1, 1));
    let delay = timer.delay();
    assert!(delay > Duration::from_secs(30) && delay <= Duration::from_mins(1), "{delay:?}");
    assert_eq!(timers::hand_over(&mut database, HORIZON, 100).await.unwrap(), []);
    let counts = timers::counts(&mut database).await.unwrap();
    assert_eq!((counts.resting, counts.handed_over), (0, 1));
    assert_eq!(counts.most_overdue, Duration::ZERO);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_schedulers_share_the_timers_without_handing_one_over_twice() {
    const TIMERS: u32 = 300;
    let home = armed(TIMERS).await;
    let scheduler = async || {
        let mut database = home.connect().await;
        let mut taken: Vec<DueTimer> = Vec::new();
        loop {
            let due = timers::hand_over(&mut database, HORIZON, 7).await.unwrap();
            if due.is_empty() {
                return taken;
            }
            taken.extend(due);
        }
    };
    let (one, other) = tokio::join!(scheduler(), scheduler());
    let orders: HashSet<_> = one.iter().chain(&other).map(|timer| timer.order).collect();
    assert_eq!(one.len() + other.len(), orders.len(), "one was handed over twice");
    assert_eq!(orders.len(), TIMERS as usize);
}

#[tokio::test]
async fn a_timer_given_back_is_handed_over_again_with_the_next_number() {
    let home = armed(2).await;
    let mut database = home.connect().await;
    let due = timers::hand_over(&mut database, HORIZON, 100).await.unwrap();
    assert_eq!(timers::give_back(&mut database, &due[..1]).await.unwrap(), 1);
    let again = timers::hand_over(&mut database, HORIZON, 100).await.unwrap();
    let [timer] = again.as_slice() else { panic!("{again:?}") };
    assert_eq!((timer.order, timer.handover), (due[0].order, 2));
    // A late return of the first hand-over does not undo the second.
    assert_eq!(timers::give_back(&mut database, &due).await.unwrap(), 1);
}

#[tokio::test]
async fn case_010_a_timer_that_the_broker_lost_is_found_and_once_per_grace() {
    let home = armed(1).await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    timers::hand_over(&mut database, HORIZON, 100).await.unwrap();
    assert_eq!(timers::overdue(&mut database, GRACE, 100).await.unwrap(), []);
    sql.run("UPDATE timers SET due_at = now() - INTERVAL '1 minute'").await;
    assert_eq!(timers::overdue(&mut database, GRACE, 100).await.unwrap(), [], "just handed over");
    sql.run("UPDATE timers SET handed_over_at = now() - INTERVAL '1 minute'").await;
    let lost = timers::overdue(&mut database, GRACE, 100).await.unwrap();
    assert_eq!((lost[0].handover, lost[0].delay()), (2, Duration::ZERO));
    assert_eq!(timers::overdue(&mut database, GRACE, 100).await.unwrap(), []);
    let overdue = timers::counts(&mut database).await.unwrap().most_overdue;
    assert!(overdue >= Duration::from_mins(1), "{overdue:?}");
}

#[tokio::test]
async fn case_015_a_timer_that_nobody_can_decide_is_handed_over_ever_more_rarely() {
    let home = armed(1).await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    timers::hand_over(&mut database, HORIZON, 100).await.unwrap();
    let mut waits = Vec::new();
    for _ in 0..8 {
        sql.run("UPDATE timers SET due_at = now() - INTERVAL '1 day'").await;
        // The first multiple of the grace after which it is handed over again.
        let mut wait = 0;
        while {
            wait += 1;
            let waited = GRACE.as_secs() * wait;
            let sql_text =
                format!("UPDATE timers SET handed_over_at = now() - INTERVAL '{waited} seconds'");
            sql.run(&sql_text).await;
            timers::overdue(&mut database, GRACE, 100).await.unwrap().is_empty()
        } {}
        waits.push(wait);
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 64]);
}

#[tokio::test]
async fn a_cancelled_timer_is_not_handed_over_and_a_fired_one_not_found_lost() {
    let home = armed(2).await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    decide(&mut database, life::captured(0)).await;
    let due = timers::hand_over(&mut database, HORIZON, 100).await.unwrap();
    assert_eq!(due.iter().map(|timer| timer.order).collect::<Vec<_>>(), [order_id(1)]);
    sql.run("UPDATE timers SET due_at = now() WHERE status = 'armed'").await;
    decide(&mut database, life::timed_out(1, Timestamp::EPOCH)).await;
    assert_eq!(sql.texts("SELECT status::text FROM orders ORDER BY id").await, ["paid", "expired"]);
    let long_ago = "UPDATE timers SET due_at = now() - INTERVAL '1 day',
         handed_over_at = now() - INTERVAL '1 day', handovers = 1";
    sql.run(long_ago).await;
    assert_eq!(timers::overdue(&mut database, GRACE, 100).await.unwrap(), []);
}

#[tokio::test]
async fn a_timer_armed_anew_rests_again_with_its_first_hand_over_to_come() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    for job in [life::created(1), life::captured(1), life::disputed(1, 500)] {
        decide(&mut database, job).await;
    }
    let due = timers::hand_over(&mut database, HORIZON, 100).await.unwrap();
    assert_eq!((due[0].kind, due[0].generation), (TimerKind::DisputeEvidenceDue, 1));
    let event = testkit::shop::dispute_opened(
        order_id(1),
        testkit::shop::dispute_id(1),
        testkit::shop::attempt_id(1),
        500,
    );
    // The test's rule arms it anew for any opening.
    decide(&mut database, life::dispute(&event.id("again"))).await;
    let row = "SELECT generation || ' ' || handovers || ' ' || (handed_over_at IS NULL)
         FROM timers WHERE kind = 'dispute_evidence_due'";
    assert_eq!(sql.texts(row).await, ["2 0 true"]);
    let due = timers::hand_over(&mut database, HORIZON, 100).await.unwrap();
    assert_eq!((due[0].generation, due[0].handover), (2, 1));
}
