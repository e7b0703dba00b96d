//! The outbox as relays share it.

use std::collections::{BTreeSet, HashSet};
use std::time::{Duration, Instant};

use domain::message::Body;
use domain::{Decision, Draft};
use store::outbox::{self, Exchange, PendingMessage, Shards};
use store::{Database, listener};
use testkit::shop;

use crate::home::{Home, Sql};
use crate::life;
use crate::pipeline::{decide, run};

/// A relay: its connection and its shards.
struct Relay {
    database: Database,
    shards: Shards,
}

impl Relay {
    async fn new(home: &Home) -> Self {
        Self { database: home.connect().await, shards: Shards::default() }
    }

    async fn own(&mut self) -> usize {
        outbox::own_shards(&mut self.database, &mut self.shards).await.unwrap();
        self.shards.count()
    }

    async fn pending(&mut self, limit: usize) -> Vec<PendingMessage> {
        outbox::pending(&mut self.database, &self.shards, limit).await.unwrap().messages
    }
}

/// Writes `orders` messages, one for each of so many orders.
async fn fill(home: &Home, orders: u32) {
    let mut database = home.connect().await;
    let created: Vec<_> = (0..orders).map(life::created).collect();
    let captured: Vec<_> = (0..orders).map(life::captured).collect();
    run(&mut database, &created).await.unwrap();
    run(&mut database, &captured).await.unwrap();
    // Orders of the tests have like numbers; their shards are to differ.
    let mut sql = home.sql().await;
    let shards = sql.count("SELECT count(DISTINCT shard) FROM outbox").await;
    assert!(orders < 50 || shards > 10, "{shards} shards");
}

#[tokio::test]
async fn one_relay_owns_all_shards_and_a_second_takes_half() {
    let home = Home::new().await;
    let (mut one, mut two) = (Relay::new(&home).await, Relay::new(&home).await);
    assert_eq!(one.own().await, 16);
    assert_eq!(two.own().await, 0, "nothing is free yet");
    assert_eq!(one.own().await, 8);
    assert_eq!(two.own().await, 8);
    let all: BTreeSet<i16> = one.shards.owned().iter().chain(two.shards.owned()).copied().collect();
    assert_eq!(all.len(), 16);

    two.database.close().await.unwrap();
    // The server notices a closed connection a moment later.
    let takes_over = async || one.own().await == 16;
    testkit::eventually(Duration::from_secs(10), "the dead relay's shards", takes_over).await;
}

#[tokio::test]
async fn two_relays_never_see_one_message_at_once_and_all_are_sent_once_and_in_order() {
    const ORDERS: u32 = 60;
    let home = Home::new().await;
    fill(&home, ORDERS).await;
    let (mut one, mut two) = (Relay::new(&home).await, Relay::new(&home).await);
    for _ in 0..2 {
        one.own().await;
        two.own().await;
    }
    let written = home.sql().await.texts("SELECT message_id FROM outbox ORDER BY id").await;
    let place = |message: &PendingMessage| written.iter().position(|id| *id == message.message_id);
    let mut sent = HashSet::new();
    let mut last_of_shard = [None; 16];
    loop {
        let (of_one, of_two) = tokio::join!(one.pending(16), two.pending(16));
        if of_one.is_empty() && of_two.is_empty() {
            break;
        }
        for message in of_one.iter().chain(&of_two) {
            assert!(sent.insert(message.message_id.clone()), "seen twice");
            let last = &mut last_of_shard[usize::try_from(message.shard).unwrap()];
            assert!(*last < place(message), "out of order");
            *last = place(message);
        }
        for (relay, messages) in [(&mut one, of_one), (&mut two, of_two)] {
            let keys: Vec<_> = messages.iter().map(|message| message.key).collect();
            let marked = outbox::mark_sent(&mut relay.database, &keys).await.unwrap();
            assert_eq!(marked, keys.len() as u64);
        }
    }
    assert_eq!(sent.len(), ORDERS as usize);
    let backlog = outbox::backlog(&mut one.database).await.unwrap();
    assert_eq!((backlog.count, backlog.oldest), (0, Duration::ZERO));
}

#[tokio::test]
async fn a_relay_is_told_of_more_while_any_shard_holds_more_than_its_part() {
    let home = Home::new().await;
    fill(&home, 60).await;
    let mut relay = Relay::new(&home).await;
    relay.own().await;
    // One of each shard, though there are more of most.
    let some = outbox::pending(&mut relay.database, &relay.shards, 16).await.unwrap();
    assert!(some.more && some.messages.len() <= 16, "{}", some.messages.len());
    let all = outbox::pending(&mut relay.database, &relay.shards, 16 * 61).await.unwrap();
    assert!(!all.more && all.messages.len() == 60, "{}", all.messages.len());
}

#[tokio::test]
async fn an_unconfirmed_message_comes_again_and_a_postponed_one_later() {
    let home = Home::new().await;
    fill(&home, 1).await;
    let mut relay = Relay::new(&home).await;
    relay.own().await;
    let first = relay.pending(10).await;
    assert_eq!(first, relay.pending(10).await);
    let [message] = first.as_slice() else { panic!("{first:?}") };
    assert_eq!(message.order(), Some(shop::order_id(0)));
    assert_eq!(message.exchange, Exchange::Events);
    assert_eq!((message.routing_key.as_str(), message.must_route), ("order.paid", false));
    assert_eq!(message.content_type.as_deref(), Some("application/cloudevents+json"));
    assert_eq!(message.own_message_id().unwrap().to_string(), message.message_id);

    let hour = Duration::from_hours(1);
    assert_eq!(outbox::postpone(&mut relay.database, &[message.key], hour).await.unwrap(), 1);
    assert_eq!(relay.pending(10).await, []);
    let backlog = outbox::backlog(&mut relay.database).await.unwrap();
    assert!(backlog.count == 1 && backlog.oldest > Duration::ZERO);
    home.sql().await.run("UPDATE outbox SET publish_after = now()").await;
    assert_eq!(relay.pending(10).await[0].attempts, 1);

    assert_eq!(outbox::mark_sent(&mut relay.database, &[message.key]).await.unwrap(), 1);
    assert_eq!(outbox::mark_sent(&mut relay.database, &[message.key]).await.unwrap(), 0);
}

/// Has the buyer of order `number` reminded, as payment-timeout does.
async fn remind(database: &mut Database, number: u32) {
    let order_id = shop::order_id(number);
    let event = shop::reminder(order_id, 1, shop::at("12:15:00"));
    let envelope = event.decoded::<contracts::events::TimerEvent>();
    let mut job = life::timer(&event);
    job.decide_by(move |state, moment| {
        let mut draft = Draft::new(state, &envelope, moment.now);
        let order = state.order.clone().unwrap();
        let (amount, expires_at, locale) = (order.total, order.expires_at, None);
        draft.touch();
        draft.send(order_id, Body::PaymentReminderDue { order_id, amount, expires_at, locale });
        Decision::apply(draft.finish())
    });
    decide(database, job).await;
}

#[tokio::test]
async fn case_021_a_reminder_does_not_leave_once_its_order_is_paid_or_called_off() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    run(&mut database, &[1, 2, 3].map(life::created)).await.unwrap();
    for number in 1..=3 {
        remind(&mut database, number).await;
    }
    decide(&mut database, life::captured(2)).await;
    decide(&mut database, life::order(&shop::cancel_requested(shop::order_id(3)))).await;
    let mut relay = Relay::new(&home).await;
    relay.own().await;
    let (outdated, holding): (Vec<_>, Vec<_>) =
        relay.pending(100).await.into_iter().partition(|message| message.is_outdated);
    let reminders = holding.iter().filter(|it| it.routing_key == "payment.reminder_due");
    let asked: Vec<_> = reminders.map(PendingMessage::order).collect();
    assert_eq!(asked, [Some(shop::order_id(1))]);
    assert!(holding.iter().any(|it| it.routing_key == "order.paid"), "what always holds leaves");
    let orders: BTreeSet<_> = outdated.iter().filter_map(PendingMessage::order).collect();
    assert_eq!(orders, BTreeSet::from([shop::order_id(2), shop::order_id(3)]));
    let keys: Vec<_> = outdated.iter().map(|message| message.key).collect();
    let version = "v-1".parse().unwrap();
    assert_eq!(outbox::suppress(&mut relay.database, &keys, &version).await.unwrap(), 2);
    let recorded = "SELECT verdict || ' ' || (inputs ->> 'while_unpaid') FROM judgements
         WHERE policy = 'notification'";
    assert_eq!(sql.texts(recorded).await, ["notification-outdated true"; 2]);
}

#[tokio::test]
async fn marking_messages_costs_the_same_however_many_wait() {
    let home = Home::new().await;
    fill(&home, 1).await;
    let mut sql = home.sql().await;
    let mut relay = Relay::new(&home).await;
    relay.own().await;
    let few = fastest_marking(&mut relay, &mut sql, 300).await;
    let many = fastest_marking(&mut relay, &mut sql, 30_000).await;
    assert!(many < few * 10, "{few:?} for 300 of 300 and {many:?} for 300 of 30,000");
}

/// The shortest of three times that it takes to mark 300 of so many waiting messages.
async fn fastest_marking(relay: &mut Relay, sql: &mut Sql, waiting: usize) -> Duration {
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        sql.run(&format!(
            "INSERT INTO outbox (
                order_id, message_id, exchange, must_route, routing_key, type_name, body
            )
            SELECT gen_random_uuid(), gen_random_uuid(), 'events', false, 'k', 't', ''
            FROM generate_series(1, {waiting})"
        ))
        .await;
        let messages = relay.pending(300).await;
        let keys: Vec<_> = messages.iter().map(|message| message.key).collect();
        let began = Instant::now();
        outbox::mark_sent(&mut relay.database, &keys).await.unwrap();
        fastest = fastest.min(began.elapsed());
        assert!(keys.len() > 100, "{}", keys.len());
        sql.run("UPDATE outbox SET sent_at = now() WHERE sent_at IS NULL").await;
    }
    fastest
}

#[tokio::test]
async fn an_event_without_an_order_goes_home_too() {
    let home = Home::new().await;
    let mut database = home.connect().await;
    let event =
        shop::dispute_opened(shop::order_id(1), shop::dispute_id(1), shop::attempt_id(1), 5)
            .with("order_id", serde_json::Value::Null);
    decide(&mut database, life::dispute(&event)).await;
    home.sql().await.run("UPDATE parked_events SET park_until = now()").await;
    let mut transaction = database.begin("sweep").await.unwrap();
    assert_eq!(store::parked::release_expired(&mut transaction, 10).await.unwrap(), 1);
    transaction.commit().await.unwrap();
    let mut relay = Relay::new(&home).await;
    relay.own().await;
    let messages = relay.pending(10).await;
    assert_eq!(messages[0].order(), None);
    assert_eq!(messages[0].exchange, Exchange::Return);
    assert_eq!(messages[0].routing_key, "orderflow.test");
    assert_eq!(messages[0].body, event.body());
}

#[tokio::test]
async fn partitions_are_made_ahead_and_dropped_only_when_everything_was_sent() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    fill(&home, 3).await;
    outbox::ensure_partitions(&mut database, 9).await.unwrap();
    assert_eq!(outbox::ensure_partitions(&mut database, 9).await.unwrap(), 0);
    assert_eq!(sql.count("SELECT count(*) FROM outbox_default").await, 0);

    let far = "2999-01-01T00:00:00Z".parse().unwrap();
    sql.run("SET client_min_messages = error").await;
    let dropped = outbox::drop_partitions(&mut database, far).await.unwrap();
    assert!(dropped >= 9, "{dropped}");
    assert_eq!(sql.count("SELECT count(*) FROM outbox").await, 3, "unsent messages stay");
    sql.run("UPDATE outbox SET sent_at = now()").await;
    assert_eq!(outbox::drop_partitions(&mut database, far).await.unwrap(), 1);
    assert_eq!(sql.count("SELECT count(*) FROM outbox").await, 0);

    // Without partitions the default one takes everything, and is emptied like the others.
    let mut other = home.connect().await;
    run(&mut other, &[life::refund_wanted(0, "r-1", 5)]).await.unwrap();
    let kept = sql.count("SELECT count(*) FROM outbox_default").await;
    assert!(kept > 0);
    let today_stays = outbox::ensure_partitions(&mut database, 0).await.unwrap();
    assert_eq!(today_stays, 0);
    sql.run("UPDATE outbox SET sent_at = now()").await;
    outbox::drop_partitions(&mut database, far).await.unwrap();
    assert_eq!(sql.count("SELECT count(*) FROM outbox_default").await, 0);
    assert_eq!(outbox::ensure_partitions(&mut database, 0).await.unwrap(), 1);
}

#[tokio::test]
async fn a_listener_is_woken_by_a_commit_with_messages_and_only_bounded_without() {
    use listener::{Channel, Listener};
    let home = Home::new().await;
    let mut database = home.connect().await;
    decide(&mut database, life::created(1)).await;
    let mut relay = Listener::new(home.config(), Channel::Outbox);
    assert!(!relay.wait(Duration::from_millis(500)).await, "connected, and nothing happened");
    decide(&mut database, life::captured(1)).await;
    assert!(relay.wait(Duration::from_secs(10)).await);

    let mut sql = home.sql().await;
    let listeners = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    sql.run(listeners).await;
    relay.wait(Duration::from_millis(500)).await;
    let is_back = async || {
        decide(&mut database, life::refund_wanted(1, "r-1", 1)).await;
        relay.wait(Duration::from_millis(500)).await || {
            sql.run("SELECT pg_notify('orderflow_outbox', '')").await;
            relay.wait(Duration::from_secs(1)).await
        }
    };
    testkit::eventually(Duration::from_secs(20), "the listener listens again", is_back).await;
}

#[tokio::test]
async fn a_timer_that_is_due_soon_wakes_the_scheduler() {
    use listener::{Channel, Listener};
    let home = Home::new().await;
    let mut database = home.connect().await;
    let mut scheduler = Listener::new(home.config(), Channel::Timers);
    assert!(!scheduler.wait(Duration::from_millis(500)).await);
    // Its window is long over by the real clock, so that it is due in moments.
    decide(&mut database, life::created(1)).await;
    assert!(scheduler.wait(Duration::from_secs(10)).await);
}
