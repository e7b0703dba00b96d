//! What people are told: of which decisions, in which language, and who is told nothing.

use contracts::IdSource;
use contracts::events::{Consent, PaymentOutcome};
use dispute_opened::DisputeRules;
use domain::message::Body;
use domain::notices::{Notice, Reader, request, wanted};
use domain::policy::PolicyFile;
use domain::{Decision, Outcome, OutcomeCode, PolicyBook, Rules};
use order_created::OrderRules;
use payment_attempted::PaymentRules;
use payment_timeout::TimeoutRules;
use refund_requested::RefundRules;
use system_tests::{Stage, StageOptions};
use testkit::shop::{
    ShopEvent, at, attempt_id, cancel_requested, captured, consent_withdrawn, dispute_id,
    dispute_opened, order_created, order_id, payment, refund_requested, refund_updated, reminder,
    timeout,
};
use testkit::world::World;

/// Choices that send these templates.
fn book(send: &[&str]) -> PolicyBook {
    let text = format!("[notifications]\nsend = {send:?}");
    PolicyFile { text, ..PolicyFile::default() }.read().expect("the file is one of policies")
}

/// An order placed at 12:00 with the timers of its window.
fn placed() -> World {
    let mut world = World::default();
    let event = order_created(order_id(1));
    world.handle(&OrderRules::new(PolicyBook::default()), &event);
    world
}

/// What is requested of a decision's changes, and why the rest is not.
fn told(
    book: &PolicyBook,
    world: &World,
    decision: &Decision,
    reader: &Reader,
) -> (Vec<Notice>, Vec<OutcomeCode>) {
    let mut changes = decision.changes.clone();
    let (sent, judged) = (changes.messages.len(), changes.judgements.len());
    if let Some(wanted) = wanted(book, &world.state, &changes) {
        let mut ids = IdSource::new("/test", "1", world.now);
        request(book, &wanted, reader, world.now, &mut ids, &mut changes);
    }
    let notice = |message: &domain::message::Message| match &message.body {
        Body::NotificationRequested { notice, .. } => (**notice).clone(),
        other => panic!("not a notification: {other:?}"),
    };
    let notices = changes.messages[sent..].iter().map(notice).collect();
    (notices, changes.judgements[judged..].iter().map(|it| it.verdict).collect())
}

/// The templates that are requested when rules decide an event.
fn templates<R: Rules>(world: &mut World, rules: &R, event: &ShopEvent) -> Vec<&'static str> {
    let decision = world.handle(rules, event);
    let (notices, refused) = told(rules.book(), world, &decision, &Reader::default());
    assert_eq!(refused, []);
    notices.iter().map(|notice| notice.template_id).collect()
}

fn agree(world: &mut World, marketing: bool, recovery: Option<bool>) {
    let version = "2026-01".parse().expect("a version is a token");
    let consent = Consent { marketing, recovery, at: at("12:00:00"), version };
    world.state.order.as_mut().expect("the order is placed").consent = Some(consent);
}

/// The reminder at half of the window.
fn remind(world: &mut World, reader: &Reader) -> (Vec<Notice>, Vec<OutcomeCode>) {
    let book = book(&["payment-reminder"]);
    world.clock("12:15:00");
    let event = reminder(order_id(1), 1, at("12:15:00"));
    let decision = world.handle(&TimeoutRules::new(book.clone()), &event);
    assert_eq!(world.sent_count("payment.reminder_due"), 1, "the shop hears of it as ever");
    told(&book, world, &decision, reader)
}

#[test]
fn nothing_is_told_unless_the_shop_chose_it() {
    let mut world = placed();
    world.clock("12:30:01");
    let expired = timeout(order_id(1), 1, at("12:30:00"));
    let decision = world.handle(&TimeoutRules::new(PolicyBook::default()), &expired);
    assert_eq!(wanted(&PolicyBook::default(), &world.state, &decision.changes), None);
    assert_eq!(wanted(&book(&["order-paid"]), &world.state, &decision.changes), None);
}

#[test]
fn a_reminder_says_everything_in_the_orders_language_and_until_when_it_holds() {
    let mut world = placed();
    agree(&mut world, true, None);
    world.state.order.as_mut().unwrap().locale = "es-MX".parse().ok();
    let (notices, refused) = remind(&mut world, &Reader::default());
    let [notice] = &notices[..] else { panic!("{notices:?}") };
    assert_eq!((refused, notice.locale.as_str()), (vec![], "es"));
    assert_eq!(notice.subject, "Pague 100,00\u{a0}€ para completar su pedido");
    assert_eq!(notice.not_after, Some(at("12:30:00")));
    assert_eq!(notice.recipient.as_str(), "c-1");
    let body =
        Body::NotificationRequested { order_id: order_id(1), notice: Box::new(notice.clone()) };
    let json = serde_json::to_value(&body).unwrap();
    assert_eq!(json["template_id"], "payment-reminder");
    assert_eq!(json["purpose"], "recovery_reminder");
    assert_eq!(json["channels"], serde_json::json!(["email"]));
    assert_eq!(json["params"]["amount"]["amount_minor"], 10_000);
    assert_eq!(json["order_id"], order_id(1).to_string());
}

#[test]
fn a_reminder_says_where_and_how_else_to_pay_where_the_shop_does() {
    let mut world = placed();
    agree(&mut world, true, None);
    let text = "[notifications]\nsend = [\"payment-reminder\"]\n[reminders]\n\
         pay_link = \"https://shop.example/pay/{order}\"\nother_methods = [\"bank_transfer\"]";
    let book = PolicyFile { text: text.to_owned(), ..PolicyFile::default() }.read().unwrap();
    for (locale, here, by) in [
        ("en", "Pay here: https://", "You can also pay by bank transfer."),
        ("es", "Pague aquí: https://", "También puede pagar por transferencia bancaria."),
        ("zh-Hans", "付款链接：https://", "您也可以用银行转账付款。"),
    ] {
        let mut world = world.clone();
        world.state.order.as_mut().unwrap().locale = locale.parse().ok();
        world.clock("12:15:00");
        let event = reminder(order_id(1), 1, at("12:15:00"));
        let decision = world.handle(&TimeoutRules::new(book.clone()), &event);
        let (notices, _) = told(&book, &world, &decision, &Reader::default());
        let [notice] = &notices[..] else { panic!("{notices:?}") };
        for text in [&notice.text, &notice.text_alternative] {
            assert!(text.contains(here), "{text}");
            assert!(text.contains(&order_id(1).to_string()), "{text}");
        }
        assert!(notice.text.contains(by), "{}", notice.text);
        assert!(notice.while_unpaid, "whoever paid meanwhile is not asked");
    }
}

#[test]
fn merchants_are_written_to_in_their_own_language() {
    for (chosen, expected) in [("", "en"), ("merchant_locale = \"es-MX\"", "es")] {
        let text = format!("[notifications]\nsend = [\"dispute-opened\"]\n{chosen}");
        let book = PolicyFile { text, ..PolicyFile::default() }.read().unwrap();
        let mut world = World::paid_order(&[10_000]);
        world.state.order.as_mut().unwrap().locale = "zh-Hans".parse().ok();
        let event = dispute_opened(order_id(1), dispute_id(1), attempt_id(1), 10_000);
        let decision = world.handle(&DisputeRules::new(book.clone()), &event);
        let (notices, _) = told(&book, &world, &decision, &Reader::default());
        let [notice] = &notices[..] else { panic!("{notices:?}") };
        assert_eq!(notice.locale.as_str(), expected);
    }
}

#[test]
fn a_reminder_needs_consent_at_the_moment_it_is_sent() {
    let later = |time: &str| Some(at(time));
    let reader = Reader::default();
    let advertising = Reader { marketing_withdrawn_at: later("12:10:00"), ..reader };
    let reminders = Reader { recovery_withdrawn_at: later("12:10:00"), ..reader };
    let before = Reader { recovery_withdrawn_at: later("11:59:00"), ..reader };
    for (consent, reader, refused) in [
        (None, reader, Some(OutcomeCode::ConsentMissing)),
        (Some((false, None)), reader, Some(OutcomeCode::ConsentMissing)),
        (Some((true, Some(false))), reader, Some(OutcomeCode::ConsentMissing)),
        (Some((false, Some(true))), reader, None),
        (Some((true, None)), advertising, Some(OutcomeCode::ConsentWithdrawn)),
        (Some((true, None)), reminders, Some(OutcomeCode::ConsentWithdrawn)),
        (Some((true, None)), before, None),
    ] {
        let mut world = placed();
        if let Some((marketing, recovery)) = consent {
            agree(&mut world, marketing, recovery);
        }
        let (notices, verdicts) = remind(&mut world, &reader);
        assert_eq!(verdicts, Vec::from_iter(refused), "{consent:?} {reader:?}");
        assert_eq!(notices.len(), usize::from(refused.is_none()));
    }
}

#[test]
fn what_holds_no_longer_is_not_requested() {
    let mut world = placed();
    agree(&mut world, true, None);
    let book = book(&["payment-reminder"]);
    world.clock("12:15:00");
    let event = reminder(order_id(1), 1, at("12:15:00"));
    let decision = world.handle(&TimeoutRules::new(book.clone()), &event);
    world.clock("12:30:00");
    let (notices, verdicts) = told(&book, &world, &decision, &Reader::default());
    assert_eq!((notices, verdicts), (vec![], vec![OutcomeCode::NotificationOutdated]));
}

#[test]
fn the_same_decision_is_told_in_the_same_words_under_the_same_id() {
    let mut world = placed();
    let rules = OrderRules::new(book(&["order-cancelled"]));
    let decision = world.handle(&rules, &cancel_requested(order_id(1)));
    let once = || {
        let mut changes = decision.changes.clone();
        let wanted = wanted(rules.book(), &world.state, &changes).unwrap();
        let mut ids = IdSource::new("/test", "1", world.now);
        request(rules.book(), &wanted, &Reader::default(), world.now, &mut ids, &mut changes);
        changes
    };
    assert_eq!(once(), once());
    assert_eq!(once().messages.len(), decision.changes.messages.len() + 1);
}

#[test]
fn while_a_payment_is_confirmed_nobody_is_asked_to_pay_again() {
    let send = ["payment-confirming", "payment-declined", "payment-declined-check-funds"];
    let rules = PaymentRules::new(book(&send));
    let mut world = placed();
    world.clock("12:05:01");
    let first = payment(order_id(1), attempt_id(1), PaymentOutcome::Processing, 10_000);
    assert_eq!(templates(&mut world, &rules, &first), ["payment-confirming"]);
    let second = payment(order_id(1), attempt_id(2), PaymentOutcome::Declined, 10_000);
    assert_eq!(templates(&mut world, &rules, &second), Vec::<&str>::new());
}

#[test]
fn a_decline_is_told_by_its_code_or_in_general() {
    let declined = payment(order_id(1), attempt_id(1), PaymentOutcome::Declined, 10_000)
        .with("decline", serde_json::json!({"code": "insufficient_funds"}));
    for (send, template) in [
        (vec!["payment-declined", "payment-declined-check-funds"], "payment-declined-check-funds"),
        (vec!["payment-declined"], "payment-declined"),
    ] {
        let mut world = placed();
        world.clock("12:05:01");
        let rules = PaymentRules::new(book(&send));
        assert_eq!(templates(&mut world, &rules, &declined), [template]);
    }
}

#[test]
fn an_expired_order_is_told_and_so_is_late_money_that_goes_back() {
    let book = book(&["order-expired", "late-payment-refunded"]);
    let mut world = placed();
    world.clock("12:30:01");
    let expired = timeout(order_id(1), 1, at("12:30:00"));
    let rules = TimeoutRules::new(book.clone());
    assert_eq!(templates(&mut world, &rules, &expired), ["order-expired"]);
    world.clock("12:40:01");
    let late =
        captured(order_id(1), attempt_id(1), 10_000).with("occurred_at", at_json("12:40:00"));
    assert_eq!(templates(&mut world, &PaymentRules::new(book), &late), ["late-payment-refunded"]);
}

fn at_json(time: &str) -> serde_json::Value {
    serde_json::json!(at(time))
}

/// An order of which EUR 100.00 were paid, and a refund of a part is under way.
fn refunding(rules: &RefundRules) -> (World, ShopEvent) {
    let mut world = World::paid_order(&[10_000]);
    world.handle(rules, &refund_requested(order_id(1), "wish-1", 4_000));
    let refund = world.state.refunds[0].id;
    (world, refund_updated(order_id(1), refund, "succeeded"))
}

#[test]
fn a_refund_is_told_when_it_is_done_or_refused() {
    let rules = RefundRules::new(book(&["refund-succeeded", "refund-failed", "refund-rejected"]));
    let (mut world, succeeded) = refunding(&rules);
    assert_eq!(templates(&mut world, &rules, &succeeded), ["refund-succeeded"]);
    let refund = world.state.refunds[0].id;
    let reversed = refund_updated(order_id(1), refund, "reversed");
    let reversed = reversed.with("occurred_at", at_json("13:30:00"));
    world.clock("13:30:01");
    assert_eq!(templates(&mut world, &rules, &reversed), ["refund-failed"]);
    let too_much = refund_requested(order_id(1), "wish-2", 99_000);
    assert_eq!(templates(&mut world, &rules, &too_much), ["refund-rejected"]);
}

#[test]
fn case_068_a_refund_of_an_erased_customer_is_made_and_nobody_is_told() {
    let rules = RefundRules::new(book(&["refund-succeeded"]));
    let (mut world, succeeded) = refunding(&rules);
    let decision = world.handle(&rules, &succeeded);
    assert_eq!(decision.outcome, Outcome::Applied);
    let erased = Reader { erased: true, ..Reader::default() };
    let (notices, verdicts) = told(rules.book(), &world, &decision, &erased);
    assert_eq!((notices, verdicts), (vec![], vec![OutcomeCode::RecipientErased]));
}

#[test]
fn a_dispute_is_told_to_the_merchant_and_to_the_customer() {
    let rules = DisputeRules::new(book(&["dispute-opened", "payment-disputed"]));
    let mut world = World::paid_order(&[10_000]);
    let opened = dispute_opened(order_id(1), dispute_id(1), attempt_id(1), 10_000);
    let decision = world.handle(&rules, &opened);
    let erased = Reader { erased: true, ..Reader::default() };
    let (notices, _) = told(rules.book(), &world, &decision, &Reader::default());
    let mut read: Vec<_> =
        notices.iter().map(|it| (it.template_id, it.recipient.as_str())).collect();
    read.sort_unstable();
    assert_eq!(read, [("dispute-opened", "m-1"), ("payment-disputed", "c-1")]);
    let (notices, verdicts) = told(rules.book(), &world, &decision, &erased);
    assert_eq!(notices[0].template_id, "dispute-opened");
    assert_eq!(verdicts, [OutcomeCode::RecipientErased]);
}

#[test]
fn a_withdrawal_is_noted_for_its_customer_only() {
    let rules = OrderRules::new(PolicyBook::default());
    let mut world = placed();
    world.clock("12:10:01");
    let decision = world.handle(&rules, &consent_withdrawn(order_id(1), "recovery"));
    assert_eq!(decision.outcome, Outcome::Applied);
    let [withdrawal] = &decision.changes.withdrawals[..] else { panic!("{decision:?}") };
    assert_eq!(withdrawal.customer_ref.as_str(), "c-1");
    assert_eq!(withdrawal.withdrawn_at, at("12:10:00"));
    let stranger = consent_withdrawn(order_id(1), "recovery").with("customer_ref", "c-2");
    let decision = world.handle(&rules, &stranger);
    assert_eq!(decision.outcome, Outcome::Quarantined(OutcomeCode::CustomerMismatch));
    assert_eq!(decision.changes.withdrawals, []);
    let early = World::default().handle(&rules, &consent_withdrawn(order_id(1), "marketing"));
    assert!(matches!(early.outcome, Outcome::Parked { .. }), "{early:?}");
}

/// Reminders of four orders come due after one customer took consent back and one was erased.
#[tokio::test]
async fn consent_is_read_when_a_reminder_is_sent() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let file = folder.path().join("policies.toml");
    let text = "[notifications]\nsend = [\"payment-reminder\", \"order-cancelled\"]";
    std::fs::write(&file, text).expect("the folder is ours");
    let options = StageOptions::of(&["order-created", "payment-timeout", "timer-scheduler"])
        .with("ORDERFLOW_POLICIES", file.to_str().expect("temporary folders have plain names"));
    let stage = Stage::start(options).await;
    let now = runtime::now();
    let consent = serde_json::json!({"marketing": true, "at": now, "version": "1"});
    let placed = |number: u32| {
        let order = order_created(order_id(number)).with("placed_at", serde_json::json!(now));
        order.with("customer_ref", format!("c-{number}"))
    };
    let agreed = |number: u32| placed(number).with("consent", consent.clone());
    stage.publish(&[agreed(1), agreed(2), placed(3), agreed(4)]).await;
    stage.until("the orders are placed", "SELECT count(*) FROM orders", 4).await;
    let took_back = consent_withdrawn(order_id(2), "recovery")
        .with("customer_ref", "c-2")
        .with("occurred_at", serde_json::json!(now));
    stage.publish(&[took_back]).await;
    let noted = "SELECT count(*) FROM consent_withdrawals WHERE customer_ref = 'c-2'";
    stage.until("the withdrawal is noted", noted, 1).await;
    stage
        .database
        .run(
            "INSERT INTO erasures (customer_ref, erased_by, reason, forced, keys_destroyed, \
             letters_emptied) VALUES ('c-4', 'me', 'asked', false, 0, 0); \
             UPDATE timers SET due_at = now() WHERE kind = 'payment_reminder'",
        )
        .await;
    let reminded = "SELECT count(*) FROM outbox WHERE routing_key = 'payment.reminder_due'";
    stage.until("the shop is told of every reminder", reminded, 4).await;
    let sent = "SELECT order_id::text FROM outbox WHERE routing_key = 'notification.requested'";
    assert_eq!(stage.database.texts(sent).await, [order_id(1).to_string()]);
    let refused = "SELECT verdict FROM judgements WHERE policy = 'notification' ORDER BY order_id";
    let verdicts = ["consent-withdrawn", "consent-missing", "recipient-erased"];
    assert_eq!(stage.database.texts(refused).await, verdicts);
    stage.finish().await;
}

/// Of two notifications that waited for their relay, one holds no longer.
#[tokio::test]
async fn what_holds_no_longer_when_it_is_sent_is_suppressed_and_recorded() {
    let options = StageOptions::of(&["outbox-relay"]);
    let mut stage = Stage::prepare(&options).await;
    let rows = "
        INSERT INTO outbox (
            order_id, message_id, exchange, must_route, routing_key, type_name, content_type, body,
            not_after, inbox_id
        )
        SELECT
            '00000000-0000-7000-8000-000000000001', 'm-' || n, 'events', false,
            'notification.requested', 'orderflow.notification.requested.v1', 'application/json',
            '{}', now() + make_interval(hours => n), 7
        FROM unnest(ARRAY[-1, 1]) AS hours (n)";
    stage.database.run(rows).await;
    stage.start_workers(&options).await;
    let done = "SELECT count(*) FROM outbox WHERE sent_at IS NOT NULL";
    stage.until("both are done with", done, 2).await;
    let sent = "SELECT message_id || ' ' || attempts || ' ' || (suppressed_at IS NULL) FROM outbox
                ORDER BY not_after";
    assert_eq!(stage.database.texts(sent).await, ["m--1 0 false", "m-1 1 true"]);
    let recorded = "SELECT verdict || ' ' || inbox_id || ' ' || (inputs ->> 'message')
                    FROM judgements WHERE policy = 'notification'";
    assert_eq!(stage.database.texts(recorded).await, ["notification-outdated 7 m--1"]);
    stage.finish().await;
}
