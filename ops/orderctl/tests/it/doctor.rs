//! `orderctl doctor`, on sound deployments and on ones with a fault put in.

use serde_json::Value;
use testkit::{TestBroker, TestDatabase};

use crate::management::{
    VirtualHost, declare_bare_queue, definitions_into, delete_exchange, delete_queue, name,
};
use crate::program::{Program, Ran, orderctl};

fn doctor(broker: &TestBroker, database: &TestDatabase) -> Program {
    orderctl(["doctor", "-o", "json"]).broker(broker).management(broker).database(database)
}

/// The findings of one check.
fn findings(ran: &Ran, check: &str) -> Vec<Value> {
    let diagnosis = ran.versioned_json();
    let all = diagnosis["findings"].as_array().unwrap();
    all.iter().filter(|finding| finding["check"] == check).cloned().collect()
}

/// Asserts what one check found: how it is, and these words.
#[track_caller]
fn check(ran: &Ran, check: &str, health: &str, words: &str) {
    let found = findings(ran, check);
    let fits = |finding: &Value| {
        let told = format!("{} {}", finding["found"], finding["fix"]);
        finding["health"] == health && told.contains(words)
    };
    assert!(found.iter().any(fits), "{check} is not {health} with {words:?}: {found:#?}");
}

#[tokio::test]
async fn a_sound_deployment_is_good_in_everything_that_it_answers_for() {
    let (broker, database) = (TestBroker::unique(), TestDatabase::migrated().await);
    orderctl(["topology", "apply"]).broker(&broker).run().exits_with(0);
    let ran = doctor(&broker, &database).run().exits_with(0);
    for good in [
        "broker-connection",
        "delay-provider",
        "dead-letter-exchange",
        "topology",
        "bindings",
        "broker-nodes",
        "broker-clock",
        "broker-permissions",
        "database-connection",
        "database-schema",
        "database-clock",
        "database-settings",
        "database-connections",
        "database-accounts",
        "outbox",
        "timers",
        "dead-letters",
    ] {
        check(&ran, good, "good", "");
    }
    // No worker runs, and the tests are a superuser.
    check(&ran, "queues", "warning", "nobody consumes");
    check(&ran, "broker-accounts", "warning", "no worker has a user of its own");
    check(&ran, "database-permissions", "warning", "superuser");
    let bad = ["wrong", "down"];
    let findings = ran.versioned_json()["findings"].clone();
    let findings = findings.as_array().unwrap();
    assert!(findings.iter().all(|it| !bad.contains(&it["health"].as_str().unwrap())));
    assert!(findings.iter().all(|it| it["health"] == "good" || it["fix"] != ""), "{findings:?}");

    let table = orderctl(["doctor"]).broker(&broker).database(&database).run().exits_with(0);
    assert!(table.stdout.contains("ORDERFLOW_MANAGEMENT_URL"), "{}", table.stdout);
    assert!(table.stdout.contains("0 down, 0 wrong"), "{}", table.stdout);
    assert!(table.stdout.lines().all(|line| line.chars().count() <= 100), "{}", table.stdout);
}

#[tokio::test]
async fn a_missing_dead_letter_exchange_is_found_with_what_it_means() {
    let (broker, database) = (TestBroker::unique(), TestDatabase::migrated().await);
    orderctl(["topology", "apply"]).broker(&broker).run().exits_with(0);
    delete_exchange(&broker, &name(&broker, "dead"));
    let ran = doctor(&broker, &database).run().exits_with(3);
    check(&ran, "dead-letter-exchange", "wrong", "lost silently");
    check(&ran, "dead-letter-exchange", "wrong", "orderctl topology apply");
    check(&ran, "topology", "wrong", "missing");
    check(&ran, "bindings", "wrong", "missing");

    orderctl(["topology", "apply"]).broker(&broker).run().exits_with(0);
    doctor(&broker, &database).run().exits_with(0);
}

#[tokio::test]
async fn a_queue_with_other_arguments_has_to_be_mended_says_the_doctor_and_so_does_verify() {
    let (broker, database) = (TestBroker::unique(), TestDatabase::migrated().await);
    let queue = name(&broker, "order-created");
    declare_bare_queue(&broker, &queue);
    let ran = doctor(&broker, &database).run().exits_with(3);
    check(&ran, "topology", "wrong", &queue);
    check(&ran, "topology", "wrong", "delete queue");
    let verify = orderctl(["topology", "verify"]).broker(&broker).run().exits_with(3);
    assert!(verify.stdout.contains(&queue), "{}", verify.stdout);

    delete_queue(&broker, &queue);
    orderctl(["topology", "apply"]).broker(&broker).run().exits_with(0);
    doctor(&broker, &database).run().exits_with(0);
    orderctl(["topology", "verify"]).broker(&broker).run().exits_with(0);
}

#[tokio::test]
async fn settings_that_break_a_promise_and_a_schema_behind_are_found() {
    let (broker, database) = (TestBroker::unique(), TestDatabase::empty().await);
    orderctl(["topology", "apply"]).broker(&broker).run().exits_with(0);
    let alter = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', \
                 current_database()); END $$";
    database.run(alter).await;
    let ran = doctor(&broker, &database).run().exits_with(3);
    check(&ran, "database-schema", "wrong", "orderctl migrate up");
    check(&ran, "database-settings", "wrong", "synchronous_commit is off");
    check(&ran, "database-settings", "wrong", "ops/postgres/postgresql.conf");
}

#[tokio::test]
async fn rights_that_nobody_has_are_found() {
    let (broker, database) = (TestBroker::unique(), TestDatabase::migrated().await);
    let vhost = VirtualHost::create(&broker);
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let text = std::fs::read_to_string(format!("{root}/ops/rabbitmq/definitions.json")).unwrap();
    let text = text.replace("\"vhost\": \"/\"", &format!("\"vhost\": \"{}\"", vhost.name()));
    definitions_into(&vhost, &serde_json::from_str::<Value>(&text).unwrap());
    let url = format!("{}/{}", broker.amqp_url().trim_end_matches("/%2f"), vhost.name());
    let doctor = || {
        let program = orderctl(["doctor", "-o", "json"]).env("ORDERFLOW_AMQP_URL", &url);
        program.env("ORDERFLOW_DELAY", "ladder").management(&broker).database(&database)
    };
    doctor().run().exits_with(0);

    vhost.permit("^$", "^orderflow[.]", "^orderflow[.]order-created$");
    let ran = doctor().run().exits_with(3);
    check(&ran, "broker-permissions", "wrong", "no user may read orderflow.payment-attempted");
    check(&ran, "broker-permissions", "wrong", "no user may write to shop.events");
}

/// The users of workers as `orderctl topology accounts` prints them, able to log in.
async fn import_accounts(broker: &TestBroker, change: impl Fn(&mut Value)) {
    let ran = orderctl(["topology", "accounts", "-o", "json"]).broker(broker).run().exits_with(0);
    let mut accounts: Value = serde_json::from_str(&ran.stdout).unwrap();
    for user in accounts["users"].as_array_mut().unwrap() {
        user.as_object_mut().unwrap().remove("password_hash");
        user["password"] = "only-for-tests".into();
    }
    accounts["permissions"].as_array_mut().unwrap().iter_mut().for_each(change);
    broker.import(&accounts).await;
}

#[tokio::test]
async fn users_of_workers_are_compared_with_those_that_are_shipped() {
    let (broker, database) = (TestBroker::unique(), TestDatabase::migrated().await);
    orderctl(["topology", "apply"]).broker(&broker).run().exits_with(0);
    import_accounts(&broker, |_| ()).await;
    let ran = doctor(&broker, &database).run().exits_with(0);
    check(&ran, "broker-accounts", "good", "each of 8 workers");

    let worker = format!("{}-order-created", broker.prefix());
    import_accounts(&broker, |permission| {
        if permission["user"] == *worker {
            permission["write"] = ".*".into();
            permission["read"] = "^$".into();
        }
    })
    .await;
    let ran = doctor(&broker, &database).run().exits_with(3);
    check(&ran, "broker-accounts", "wrong", &format!("{worker} may not consume"));
    check(&ran, "broker-accounts", "warning", &format!("{worker} need not, but may publish to"));
}

#[tokio::test]
async fn roles_of_workers_are_compared_with_those_that_are_shipped() {
    let (broker, database) = (TestBroker::unique(), TestDatabase::migrated().await);
    orderctl(["topology", "apply"]).broker(&broker).run().exits_with(0);
    database
        .run(
            "REVOKE INSERT ON judgements FROM orderflow_outbox_relay;
             GRANT DELETE ON orders TO orderflow_payment_timeout",
        )
        .await;
    let ran = doctor(&broker, &database).run().exits_with(3);
    let lacking = "orderflow_outbox_relay may not insert judgements";
    check(&ran, "database-accounts", "wrong", lacking);
    let beyond = "orderflow_payment_timeout need not, but may delete orders";
    check(&ran, "database-accounts", "warning", beyond);
    check(&ran, "database-accounts", "wrong", "ops/postgres/roles.sql");
}

#[tokio::test]
async fn a_database_that_takes_no_writes_is_found() {
    let (broker, database) = (TestBroker::unique(), TestDatabase::migrated().await);
    orderctl(["topology", "apply"]).broker(&broker).run().exits_with(0);
    let alter = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only \
                 = on', current_database()); END $$";
    database.run(alter).await;
    let ran = doctor(&broker, &database).run().exits_with(3);
    check(&ran, "database-settings", "wrong", "transaction_read_only is on");
    check(&ran, "database-settings", "wrong", "let the address lead to the primary");
}

#[tokio::test]
async fn what_is_down_is_told_for_both_and_no_password_with_it() {
    let nowhere = |scheme: &str| format!("{scheme}://me:hunter2@127.0.0.1:9/orders");
    let ran = orderctl(["doctor", "-o", "json"])
        .env("ORDERFLOW_AMQP_URL", &nowhere("amqp"))
        .env("ORDERFLOW_DATABASE_URL", &nowhere("postgres"))
        .run()
        .exits_with(6);
    check(&ran, "broker-connection", "down", "ORDERFLOW_AMQP_URL");
    check(&ran, "database-connection", "down", "ORDERFLOW_DATABASE_URL");
    assert!(!ran.stdout.contains("hunter2"), "{}", ran.stdout);

    let broker = TestBroker::unique();
    orderctl(["topology", "apply"]).broker(&broker).run().exits_with(0);
    let ran = orderctl(["doctor", "-o", "json"])
        .broker(&broker)
        .env("ORDERFLOW_DATABASE_URL", &nowhere("postgres"))
        .env("ORDERFLOW_MANAGEMENT_URL", "http://nobody:hunter2@127.0.0.1:9")
        .run()
        .exits_with(6);
    check(&ran, "topology", "good", "");
    check(&ran, "management", "down", "ORDERFLOW_MANAGEMENT_URL");
    assert!(!ran.stdout.contains("hunter2"), "{}", ran.stdout);
}
