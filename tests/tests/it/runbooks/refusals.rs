//! Dead letters by the real fault: what a worker may do, and what a database may answer.

use system_tests::{Stage, StageOptions, open_order};
use testkit::eventually;
use testkit::shop::{attempt_id, cancel_requested, captured, order_id};

use super::BOUND;
use super::script::{Part, Typed, in_place};
use super::surroundings::Scene;
use super::surroundings_of_letters;
use super::table::{INCIDENTS, Incident};

/// What the database answers to the rows of some customers, by SQLSTATE.
const REFUSALS: [&str; 8] =
    ["23514", "P0001", "40P01", "22003", "55006", "40001", "57014", "42P04"];

/// A database that refuses rows of some customers, and lets changes of others come to nothing.
const TRIGGERS: &str = "
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'as the test wants' USING ERRCODE = substr(NEW.customer_ref, 8);
    END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON orders FOR EACH ROW
        WHEN (NEW.customer_ref LIKE 'refuse-%') EXECUTE FUNCTION refuse();
    CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RETURN NULL;
    END $$;
    CREATE TRIGGER swallow BEFORE UPDATE ON orders FOR EACH ROW
        WHEN (NEW.customer_ref = 'swallowed') EXECUTE FUNCTION swallow()";

/// The incidents that are staged here.
const STAGED: [Incident; 6] = [
    Incident::WorkerFails,
    Incident::RefusedRow,
    Incident::SpoiltRow,
    Incident::SwallowedUpdate,
    Incident::BentDecision,
    Incident::TriedAgain,
];

/// The order whose row is spoilt by hand.
const SPOILT: u32 = 3;

/// Every worker; over some messages one panics, ends, or decides what nobody may decide.
pub(super) async fn stage() -> Stage {
    let faults = "panic:bad-apple,abort:bomb,nameless:no-name,mixed:two-currencies";
    let options = StageOptions::everyone()
        .with("ORDERFLOW_FAILPOINTS", faults)
        .with("ORDERFLOW_RETRY_BASE", "100ms");
    let mut stage = Stage::start(options).await;
    let swallowed = open_order(4).with("customer_ref", "swallowed");
    stage.publish(&[open_order(1), open_order(2), open_order(SPOILT), swallowed]).await;
    stage.until("they are open", "SELECT count(*) FROM orders", 4).await;
    stage.database.run(TRIGGERS).await;
    spoil(&stage, "two words").await;
    let refused = (100..)
        .zip(REFUSALS)
        .map(|(number, state)| open_order(number).with("customer_ref", format!("refuse-{state}")));
    stage.publish(&refused.collect::<Vec<_>>()).await;
    stage
        .publish(&[
            cancel_requested(order_id(SPOILT)),
            cancel_requested(order_id(4)),
            open_order(5).id("bad-apple"),
            open_order(6).id("bomb"),
            open_order(7).id("no-name"),
            captured(order_id(2), attempt_id(2), 10_000).id("two-currencies"),
        ])
        .await;
    until_parked(&mut stage).await;
    // Counters of a worker that ended began anew.
    let again = open_order(120).with("customer_ref", "refuse-40001");
    let letters = stage.database.number("SELECT count(*) FROM dead_letters").await;
    stage.publish(&[again]).await;
    stage.until("one more is parked", "SELECT count(*) FROM dead_letters", letters + 1).await;
    stage
}

/// Waits until there is a letter of each code; a worker that ended is started again.
async fn until_parked(stage: &mut Stage) {
    let pages = INCIDENTS
        .iter()
        .filter(|(incident, _)| STAGED.contains(incident) && *incident != Incident::TriedAgain);
    let codes: Vec<_> = pages.flat_map(|(_, pages)| *pages).collect();
    eventually(BOUND, "there is a letter of each code", async || {
        stage.fleet.revive().expect("the binary is built");
        let found = stage.database.texts("SELECT DISTINCT error_code FROM dead_letters").await;
        let missing: Vec<_> =
            codes.iter().filter(|code| !found.iter().any(|it| it == **code)).collect();
        if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?}")) }
    })
    .await;
    stage.fleet.wait_until_ready(BOUND).await.expect("the workers become ready");
}

/// Writes into the row of an order by hand.
async fn spoil(stage: &Stage, merchant: &str) {
    let id = order_id(SPOILT);
    let change = format!("UPDATE orders SET merchant_id = '{merchant}' WHERE id = '{id}'");
    stage.database.run(&change).await;
}

/// Types what confirms the incidents, mends all of them, and replays what they left.
pub(super) async fn type_all(stage: &mut Stage, typed: &mut Typed) {
    let around = surroundings_of_letters(stage);
    let worker = stage.fleet.member("order-created").expect("it runs");
    let worker = worker.listens_at().expect("it has started").to_string();
    let scenes = STAGED.map(|incident| Scene {
        worker: Some(worker.clone()),
        order: Some(order_id(if incident == Incident::SpoiltRow { SPOILT } else { 2 })),
        ..in_place(incident, around.clone())
    });
    for scene in &scenes {
        typed.all_of(scene, Part::Confirm, &stage.database).await;
        // A letter is put aside for as long as its cause is not understood.
        typed.all_of(scene, Part::Rest, &stage.database).await;
    }
    mend(stage).await;
    for scene in &scenes {
        typed.all_of(scene, Part::Fix, &stage.database).await;
    }
    for scene in &scenes {
        typed.over(scene, &stage.database).await;
    }
}

/// The database refuses nothing, the row is put right, and a build runs that does not fail.
async fn mend(stage: &mut Stage) {
    let mended = "DROP TRIGGER refuse ON orders; DROP TRIGGER swallow ON orders";
    stage.database.run(mended).await;
    spoil(stage, "m-1").await;
    for binary in ["order-created", "payment-attempted"] {
        let mut worker = stage.fleet.take(binary).expect("it runs");
        worker.terminate();
        worker.wait_until_gone(BOUND).await.expect("it stops in order");
        stage.fleet.set_for(binary, "ORDERFLOW_FAILPOINTS", "");
        stage.fleet.spawn(binary).expect("the binary is built");
    }
    stage.fleet.wait_until_ready(BOUND).await.expect("the workers become ready");
}
