//! What is noted of customers: written, read by rules, lifted by people, erased.

use std::time::Duration;

use contracts::{FlagId, Timestamp};
use domain::customer::{
    CustomerMark, CustomerRecord, MarkStep, Restriction, RestrictionLevel, RiskFlag, RiskRule,
};
use domain::timer::{TimerKind, TimerOwner};
use domain::{Decision, Draft};
use store::orders::{self, Scope};
use store::privacy::{self, CustomerRef, Erasure, Order};
use store::retention::{self, Kind, Periods};
use store::{Database, customers};
use testkit::shop::{self, order_id};
use tokio::sync::Barrier;
use uuid::Uuid;

use crate::home::{Home, Sql};
use crate::life;
use crate::pipeline::{Job, decide};

fn customer() -> CustomerRef {
    "c-1".parse().unwrap()
}

/// What rules know of order 1's customer.
async fn known(database: &mut Database) -> CustomerRecord {
    let mut transaction = database.begin("load").await.unwrap();
    let ids = [order_id(1)];
    let states = orders::load(&mut transaction, &ids, Scope::OrderAndCustomer).await.unwrap();
    transaction.rollback().await.unwrap();
    states[&order_id(1)].customer.clone()
}

/// Tests take place in March 2026: brings what happened then up to now.
async fn of_today(sql: &mut Sql) {
    for (table, column) in
        [("orders", "placed_at"), ("refunds", "requested_at"), ("disputes", "opened_at")]
    {
        sql.run(&format!("UPDATE {table} SET {column} = now() - INTERVAL '1 day'")).await;
    }
}

/// Raises a flag on order 1's customer that lives for a day.
async fn raise(database: &mut Database, rule: RiskRule, evidence: u128) -> FlagId {
    let id = Uuid::from_u128(evidence + 1).into();
    let event = shop::order_created(order_id(1)).id(&format!("flag-{evidence}"));
    let envelope = event.decoded();
    let mut job = life::order(&event);
    job.decide_by(move |state, moment| {
        let mut draft = Draft::new::<contracts::events::OrderEvent>(state, &envelope, moment.now);
        draft.raise_flag(RiskFlag {
            id,
            customer_ref: customer(),
            rule,
            evidence: vec![Uuid::from_u128(evidence)],
            version: "v-1".parse().unwrap(),
            raised_at: moment.now,
            expires_at: moment.now.plus(Duration::from_hours(24)),
            lifted_at: None,
        });
        Decision::apply(draft.finish())
    });
    decide(database, job).await;
    id
}

#[tokio::test]
async fn rules_know_a_customers_refunds_disputes_and_flags_one_by_one() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    for number in [1, 2] {
        decide(&mut database, life::created(number)).await;
        decide(&mut database, life::captured(number)).await;
        decide(&mut database, life::refund_wanted(number, "r-1", 100)).await;
        decide(&mut database, life::refund_wanted(number, "refused", 99_999)).await;
    }
    decide(&mut database, life::disputed(2, 500)).await;
    let flag = raise(&mut database, RiskRule::DisputeCount, 7).await;
    sql.run("UPDATE orders SET expires_at = now() + INTERVAL '1 day'").await;
    of_today(&mut sql).await;
    let record = known(&mut database).await;
    let mut refunded: Vec<_> = record.refunds.iter().map(|refund| refund.order).collect();
    refunded.sort_unstable();
    assert_eq!(refunded, [order_id(1), order_id(2)]);
    assert_eq!(record.disputes.len(), 1);
    assert_eq!(record.disputes[0].amount.minor(), 500);
    assert_eq!(record.flags.len(), 1);
    assert_eq!((record.flags[0].id, record.flags[0].rule), (flag, RiskRule::DisputeCount));
    assert_eq!(record.flags[0].evidence, [Uuid::from_u128(7)]);
    assert_eq!(record.orders_90d, Some(2), "two refunds: the next one may be the third");
}

#[tokio::test]
async fn orders_are_counted_only_where_refunds_make_it_worth_it() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    decide(&mut database, life::created(1)).await;
    decide(&mut database, life::captured(1)).await;
    sql.run("UPDATE orders SET expires_at = now() + INTERVAL '1 day'").await;
    for (key, counted) in [("r-1", None), ("r-2", Some(1))] {
        decide(&mut database, life::refund_wanted(1, key, 100)).await;
        of_today(&mut sql).await;
        assert_eq!(known(&mut database).await.orders_90d, counted, "{key}");
    }
    sql.run("UPDATE orders SET placed_at = now() - INTERVAL '91 days'").await;
    assert_eq!(known(&mut database).await.orders_90d, Some(0));
}

#[tokio::test]
async fn lifting_a_flag_lifts_the_live_ones_of_its_rule_and_says_who_and_why() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    decide(&mut database, life::created(1)).await;
    let expired = raise(&mut database, RiskRule::RefundCount, 1).await;
    sql.run("UPDATE risk_flags SET raised_at = now() - INTERVAL '2 days', expires_at = now()")
        .await;
    let first = raise(&mut database, RiskRule::RefundCount, 11).await;
    raise(&mut database, RiskRule::RefundCount, 21).await;
    raise(&mut database, RiskRule::DisputeCount, 31).await;
    let actor = "ops-7".parse().unwrap();
    let other: CustomerRef = "c-2".parse().unwrap();
    let nobody = customers::lift_flag(&mut database, &other, first, &actor, "wrong").await;
    assert_eq!(nobody.unwrap(), 0);
    let lifted = customers::lift_flag(&mut database, &customer(), first, &actor, "appealed").await;
    assert_eq!(lifted.unwrap(), 2);
    let again = customers::lift_flag(&mut database, &customer(), first, &actor, "again").await;
    assert_eq!(again.unwrap(), 0);

    let standing = customers::standing(&mut database, &customer()).await.unwrap();
    let live: Vec<_> = standing.flags.iter().filter(|flag| flag.live).collect();
    assert_eq!(live.len(), 1);
    assert_eq!(live[0].rule, "dispute_count");
    let reasons: Vec<_> = standing.flags.iter().map(|flag| flag.lift_reason.as_deref()).collect();
    assert_eq!(reasons, [None, Some("appealed"), Some("appealed"), None], "the latest first");
    assert_eq!(standing.flags[3].id, Uuid::from(expired));
    let rules = known(&mut database).await;
    assert_eq!(rules.flags.iter().filter(|flag| flag.lifted_at.is_some()).count(), 2);
}

#[tokio::test]
async fn an_erased_customer_has_no_flags_and_an_exported_one_shows_them() {
    let home = Home::new().await;
    let mut database = home.connect().await;
    decide(&mut database, life::created(1)).await;
    raise(&mut database, RiskRule::RefundCount, 1).await;
    let export = privacy::export(&mut database, &customer()).await.unwrap();
    assert_eq!((export.held.marks, export.standing.flags.len()), (1, 1));
    let order = Order { customer: &customer(), by: "anna", reason: "asked to", force: false };
    let Erasure::Done(erased) = privacy::erase(&mut database, order).await.unwrap() else {
        panic!("nothing stands against it");
    };
    assert_eq!(erased.marks_deleted, 1);
    assert!(customers::standing(&mut database, &customer()).await.unwrap().is_empty());
}

#[tokio::test]
async fn flags_go_90_days_after_they_ended_and_not_while_they_count() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    decide(&mut database, life::created(1)).await;
    let old = raise(&mut database, RiskRule::RefundCount, 1).await;
    sql.run("UPDATE risk_flags SET raised_at = now() - INTERVAL '200 days'").await;
    let trimmed = async |database: &mut Database| {
        let shares = retention::run(database, &Periods::default()).await.unwrap();
        shares.into_iter().find(|share| share.kind == Kind::EndedMarks).unwrap().rows
    };
    assert_eq!(trimmed(&mut database).await, 0);
    sql.run("UPDATE risk_flags SET expires_at = now() - INTERVAL '91 days'").await;
    let kept = raise(&mut database, RiskRule::RefundCount, 11).await;
    assert_eq!(trimmed(&mut database).await, 1);
    let standing = customers::standing(&mut database, &customer()).await.unwrap();
    assert_eq!(standing.flags.len(), 1);
    assert_eq!(standing.flags[0].id, Uuid::from(kept));
    assert_ne!(old, kept);
}

/// Order `number` of customer c-1 expires unpaid, and restricts them if `level` says so.
pub(crate) fn expired(number: u32, level: Option<RestrictionLevel>) -> Job {
    let event = shop::timeout(order_id(number), 1, Timestamp::EPOCH);
    let envelope = event.decoded();
    let mut job = life::timer(&event);
    job.decide_by(move |state, moment| {
        let mut draft = Draft::new::<contracts::events::TimerEvent>(state, &envelope, moment.now);
        let forget_before = moment.now.minus(Duration::from_hours(1));
        draft.mark(customer(), MarkStep::Unpaid { at: moment.now, forget_before });
        if let Some(level) = level {
            let (until, by) = (moment.now.plus(Duration::from_hours(1)), order_id(number));
            let version = "v-1".parse().unwrap();
            draft.mark(customer(), MarkStep::Restrict(Restriction { level, until, by, version }));
            let owner = TimerOwner::Order(by);
            draft.arm(TimerKind::CustomerRestrictionEnds, owner, until);
        }
        draft.touch();
        Decision::apply(draft.finish())
    });
    job
}

/// The customer's mark as a new order would find it.
pub(crate) async fn mark(database: &mut Database) -> Option<CustomerMark> {
    let mut transaction = database.begin("load").await.unwrap();
    let marks = customers::marks(&mut transaction, &[customer().to_string()]).await.unwrap();
    transaction.rollback().await.unwrap();
    marks.get(&customer()).cloned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_of_one_customer_that_expire_at_once_are_all_counted() {
    const EACH: u32 = 40;
    let home = Home::new().await;
    let mut database = home.connect().await;
    for number in 0..2 * EACH {
        decide(&mut database, life::created(number)).await;
    }
    let start = Barrier::new(2);
    let expire = async |first: u32| {
        let mut database = home.connect().await;
        for number in first..first + EACH {
            start.wait().await;
            decide(&mut database, expired(number, Some(RestrictionLevel::Limited))).await;
        }
    };
    tokio::join!(expire(0), expire(EACH));
    let mark = mark(&mut database).await.unwrap();
    assert_eq!(mark.unpaid.len(), 2 * EACH as usize);
    assert!(mark.unpaid.is_sorted());
}

#[tokio::test]
async fn what_expired_long_ago_is_forgotten_and_the_severer_restriction_stays() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    for number in [1, 2, 3] {
        decide(&mut database, life::created(number)).await;
    }
    assert_eq!(mark(&mut database).await, None);
    decide(&mut database, expired(1, Some(RestrictionLevel::PrepaidOnly))).await;
    let first = mark(&mut database).await.unwrap();
    assert_eq!((first.unpaid.len(), first.paid), (1, None), "one alone is not judged");
    decide(&mut database, expired(2, Some(RestrictionLevel::Limited))).await;
    let second = mark(&mut database).await.unwrap();
    let restriction = second.restriction.unwrap();
    assert_eq!(restriction.level, RestrictionLevel::PrepaidOnly);
    assert_eq!(restriction.by, order_id(2), "the later end counts");
    sql.run("UPDATE customer_marks SET unpaid = ARRAY[now() - INTERVAL '61 minutes']").await;
    decide(&mut database, expired(3, None)).await;
    assert_eq!(mark(&mut database).await.unwrap().unpaid.len(), 1);
}

#[tokio::test]
async fn a_limited_customers_open_orders_are_counted() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    for number in [1, 2, 3, 4] {
        decide(&mut database, life::created(number)).await;
    }
    decide(&mut database, life::captured(4)).await;
    let other = "UPDATE orders SET customer_ref = 'c-2' WHERE id = ";
    sql.run(&format!("{other} '{}'", order_id(3))).await;
    let limited = Some(RestrictionLevel::Limited);
    decide(&mut database, expired(1, limited)).await;
    decide(&mut database, expired(2, limited)).await;
    let mark = mark(&mut database).await.unwrap();
    // The rules of this test leave expired orders open.
    assert_eq!(mark.open, 2);
}

#[tokio::test]
async fn a_person_lifts_a_restriction_at_once_and_its_timer_comes_home_to_say_so() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    decide(&mut database, life::created(1)).await;
    decide(&mut database, expired(1, Some(RestrictionLevel::Limited))).await;
    let actor = "ops-7".parse().unwrap();
    let lift = customers::lift(&mut database, &customer(), &actor, "appealed").await;
    assert!(lift.unwrap());
    let again = customers::lift(&mut database, &customer(), &actor, "again").await;
    assert!(!again.unwrap(), "nothing is closed any more");
    let standing = customers::standing(&mut database, &customer()).await.unwrap().mark.unwrap();
    assert!(!standing.restricted && standing.unpaid.is_empty());
    assert_eq!(standing.lift_reason.as_deref(), Some("appealed"));
    let timer = "SELECT generation || ' ' || status || ' ' || (due_at <= now()) FROM timers
         WHERE kind = 'customer_restriction_ends'";
    assert_eq!(sql.texts(timer).await, ["2 armed true"]);
    let export = privacy::export(&mut database, &customer()).await.unwrap();
    assert_eq!(export.held.marks, 1);
    assert!(export.standing.mark.is_some());
}
