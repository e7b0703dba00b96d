//! Whoever parks or replays may die at any step: every message ends in exactly one place.

use std::time::Duration;

use system_tests::{Stage, StageOptions, dead_letter, open_order, replay_call};
use testkit::eventually;

use super::fates;

/// The steps at which a process ends at once, in turn; none means a kill from outside.
const STEPS: [Option<&str>; 6] = [
    Some("park-received"),
    Some("park-committed"),
    Some("replay-leased"),
    Some("replay-published"),
    Some("replay-noted"),
    None,
];
/// Letters of one round; one of ten is another message under an id that is taken.
const LETTERS: u32 = 20;
/// How many rounds, when it is not said.
const ROUNDS: u32 = 6;
/// Longest time for one step.
const BOUND: Duration = Duration::from_mins(1);

fn rounds() -> u32 {
    let wanted = std::env::var("ORDERFLOW_KILL_ROUNDS").ok();
    wanted.and_then(|text| text.parse().ok()).unwrap_or(ROUNDS)
}

/// The events of a round; every tenth contradicts the one before it, and fails again.
fn publications(stage: &Stage, round: u32) -> Vec<broker::Publication> {
    let event = |number: u32| {
        let order = round * LETTERS + number;
        if number % 10 == 9 {
            open_order(order).id(&format!("e-{}", order - 1)).with("merchant_id", "m-2")
        } else {
            open_order(order).id(&format!("e-{order}"))
        }
    };
    let letter = |number| dead_letter(&stage.names, "order-created", &event(number));
    (0..LETTERS).map(letter).collect()
}

/// Lets a parker run until it dies of the round's step.
async fn die(stage: &Stage, round: u32) {
    let step = STEPS[usize::try_from(round).expect("it is small") % STEPS.len()];
    let fault = step.map(|step| format!("abort:{step}")).unwrap_or_default();
    let options = StageOptions::of(&[]).with("ORDERFLOW_FAILPOINTS", fault);
    let mut fleet = stage.other_fleet(&options);
    let parker = fleet.spawn("dead-letter-parker").expect("the binary is built");
    if step.is_none() {
        // At another moment in each round, from its start on.
        tokio::time::sleep(Duration::from_millis(100 + u64::from(round * 37 % 400))).await;
        parker.kill();
    }
    eventually(BOUND, "the parker is dead", async || {
        // What there is to replay is replayed by whoever lives; leases of the dead run out.
        begin_replay(stage).await;
        if parker.casualty().is_some() { Ok(()) } else { Err(step) }
    })
    .await;
}

/// Starts a replay of what is parked and was not replayed yet; nothing if there is none.
async fn begin_replay(stage: &Stage) {
    let fresh = "SELECT count(*) FROM dead_letters WHERE status = 'parked' AND replays = 0";
    if stage.database.number(fresh).await > 0 {
        let fresh = r#"{"status": ["parked"], "max_replays": 0}"#;
        let call = replay_call(10_000, 1000, 0, 10_000).replace(r#"{"status": ["parked"]}"#, fresh);
        // Nobody is stopped by the failures that are wanted here.
        let call = call.replace(", 20, 20, 10000", ", 100, 20, 10000");
        stage.database.number(&call).await;
    }
    let expire = "WITH expired AS (
             UPDATE replay_items SET leased_until = now() WHERE state = 'sending' RETURNING id
         ) SELECT count(*) FROM expired";
    stage.database.number(expire).await;
}

#[tokio::test]
async fn whoever_dies_leaves_every_message_in_exactly_one_state() {
    let stage = Stage::start(StageOptions::of(&["order-created", "outbox-relay"])).await;
    let rounds = rounds();
    for round in 0..rounds {
        stage.publish_raw(publications(&stage, round)).await;
        die(&stage, round).await;
    }
    let mut fleet = stage.other_fleet(&StageOptions::of(&[]));
    fleet.spawn("dead-letter-parker").expect("the binary is built");
    let all = i64::from(rounds * LETTERS);
    stage.until("everything is parked", "SELECT count(*) FROM dead_letters", all).await;
    eventually(BOUND + Duration::from_secs(1) * rounds, "every replay is done", async || {
        begin_replay(&stage).await;
        let open = "SELECT count(*) FROM dead_letters WHERE status = 'claimed' OR replays = 0";
        let found = stage.database.number(open).await;
        if found == 0 { Ok(()) } else { Err(found) }
    })
    .await;
    let (bad, good) = (all / 10, all - all / 10);
    let expected = [format!("{bad} parked reparked"), format!("{good} resolved resolved")];
    assert_eq!(fates(&stage).await, expected);
    assert_eq!(stage.database.number("SELECT count(*) FROM orders").await, good);
    let twice = "SELECT count(*) FROM (SELECT letter_id FROM replay_items
         WHERE state IN ('claimed', 'sending', 'sent', 'resolved')
         GROUP BY letter_id HAVING count(*) > 1) AS twice";
    assert_eq!(stage.database.number(twice).await, 0);
    let chain = "SELECT count(*) FROM audit_verify() WHERE broken_id IS NOT NULL";
    assert_eq!(stage.database.number(chain).await, 0);
    for queue in ["order-created.dead", "order-created"] {
        let queue = format!("{}.{queue}", stage.names.prefix());
        eventually(BOUND, "the queues are empty", async || {
            let ready = stage.ready(&queue).await;
            if ready == 0 { Ok(()) } else { Err(ready) }
        })
        .await;
    }
    fleet.stop(BOUND).await.expect("it stops in order");
    stage.finish().await;
}
