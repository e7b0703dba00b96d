//! Random lives of money whose order did not come.

use std::time::Duration;

use contracts::events::PaymentOutcome;
use domain::Timestamp;
use domain::ledger::Account;
use domain::refund::{RefundMoney, RefundStatus};
use domain::timer::{TimerKind, TimerOwner, TimerStatus};
use domain::unapplied::{MoneyDecision, MoneyRefund, Resolution};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::sample::select;
use refund_requested::RefundRules;
use testkit::shop::{attempt_id, captured, payment, refund_review_due};
use testkit::world::World;

use super::{
    cases, due, money, open, order, orphaned, pay, person_decides, policies, report, wait_out,
};

/// Something that happens to money whose order did not come.
#[derive(Clone, Debug)]
enum Step {
    OrderComes,
    Due,
    Decide(MoneyDecision),
    Report(&'static str),
    NoAnswer,
    Dispute,
    TellAgain(i64),
    Fail,
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let words = vec!["submitted", "succeeded", "failed", "cancelled", "reversed"];
    let decisions = vec![MoneyDecision::Refund, MoneyDecision::WriteOff];
    let step = prop_oneof![
        1 => Just(Step::OrderComes),
        4 => Just(Step::Due),
        2 => select(decisions).prop_map(Step::Decide),
        5 => select(words).prop_map(Step::Report),
        1 => Just(Step::NoAnswer),
        1 => Just(Step::Dispute),
        1 => select(vec![10_000, 9_000]).prop_map(Step::TellAgain),
        1 => Just(Step::Fail),
        2 => (1_u64..2_000).prop_map(Step::Pass),
    ];
    proptest::collection::vec(step, 1..20)
}

fn take(world: &mut World, step: &Step, number: usize) {
    world.now = world.now.plus(Duration::from_secs(1));
    let (attempt, id) = (attempt_id(1), format!("step-{number}"));
    match step {
        Step::OrderComes if world.state.order.is_none() => open(world),
        Step::OrderComes => {}
        Step::Due => {
            let event = due(world).id(&id);
            pay(world, &event);
        }
        Step::Decide(_) if money(world).resolved.is_some() => {}
        Step::Decide(decision) => person_decides(world, *decision),
        Step::Report(_) if money(world).refund.is_none() => {}
        Step::Report(status) => {
            report(world, status);
        }
        Step::NoAnswer => no_answer(world),
        Step::Dispute => world.state.unapplied[0].disputed_since = Some(world.now),
        Step::TellAgain(amount) => {
            wait_out(world, &captured(order(), attempt, *amount).id(&id));
        }
        Step::Fail => {
            let outcome = PaymentOutcome::CaptureFailed;
            wait_out(world, &payment(order(), attempt, outcome, 10_000).id(&id));
        }
        Step::Pass(minutes) => world.now = world.now.plus(Duration::from_mins(*minutes)),
    }
}

/// Lets the time for the answer to a refund come, if one is awaited.
fn no_answer(world: &mut World) {
    let Some(refund) = money(world).refund else { return };
    let owner = TimerOwner::Refund(refund.id);
    let Some(timer) = world.state.timer(TimerKind::RefundAnswerDue, owner).cloned() else { return };
    world.now = world.now.max(timer.due_at);
    let due = refund_review_due(order(), refund.id, timer.generation, timer.due_at);
    world.handle(&RefundRules::new(policies()), &due);
}

/// I17, I20 and I26: what is owed follows from the rows, nothing is overdrawn, and money that
/// nobody has settled is in the hands of a timer or of a person.
fn check(world: &World) {
    for money in &world.state.unapplied {
        let balance = |account| world.unapplied_balance(money.id, account);
        let gone = money.refund.as_ref().is_some_and(|it| it.status == RefundStatus::Succeeded);
        let there = match money.resolution() {
            None | Some(Resolution::Refunded) => money.amount.minor(),
            Some(Resolution::Applied | Resolution::WrittenOff) => 0,
        };
        let owed = there - i64::from(gone) * money.amount.minor();
        assert_eq!(balance(Account::PspReceivable), owed);
        assert!(balance(Account::Suspense) <= 0 && balance(Account::RefundsPayable) <= 0);
        let owner = TimerOwner::Money(money.id);
        let timer = world.state.timer(TimerKind::UnappliedMoneyDue, owner).unwrap();
        let looked_at = timer.status == TimerStatus::Armed;
        assert_eq!(money.resolved.is_none(), looked_at, "it is looked at until it is settled");
        let refund = money.refund.as_ref().map(|refund| TimerOwner::Refund(refund.id));
        let asked = refund.and_then(|owner| world.state.timer(TimerKind::RefundAnswerDue, owner));
        let asked = asked.is_some_and(|timer| timer.status == TimerStatus::Armed);
        let theirs = |it: &MoneyRefund| it.status.money() == RefundMoney::Reserved;
        assert_eq!(money.refund.as_ref().is_some_and(theirs), asked, "nobody forgets a refund");
    }
    let paid = world.state.captures.iter().filter(|capture| capture.is_live()).count();
    let back = world.state.unapplied.iter().filter(|money| {
        money.refund.as_ref().is_some_and(|it| it.status == RefundStatus::Succeeded)
    });
    let twice = paid > 0 && back.count() > 0;
    assert!(!twice || !cases(world).is_empty(), "no money is there twice unnoticed");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_to_money_without_an_order_its_books_are_right(
        steps in steps(), late in any::<bool>()
    ) {
        let mut world = orphaned();
        let began: Timestamp = world.now;
        for (number, step) in steps.iter().enumerate() {
            take(&mut world, step, number);
            check(&world);
        }
        if late {
            world.now = world.now.max(began.plus(Duration::from_hours(24 * 4)));
            take(&mut world, &Step::Due, steps.len());
            check(&world);
        }
    }
}
