//! `orderctl` on a terminal: it asks before it acts, and Ctrl-C ends the watching only.

mod pty;

use system_tests::{
    Stage, StageOptions, Surroundings, dead_letter, open_order, surroundings_of, typed,
};
use testkit::key_file;

use pty::{CTRL_C, Terminal};

/// A replayer, its worker, and so many parked letters.
async fn with_letters(count: u32) -> (Stage, Surroundings) {
    let keys = key_file().display().to_string();
    let options = StageOptions::of(&["dead-letter-parker", "order-created", "outbox-relay"]);
    let stage = Stage::start(options.with("ORDERFLOW_KEY_FILE", keys)).await;
    let letters = (0..count).map(|n| dead_letter(&stage.names, "order-created", &open_order(n)));
    stage.publish_raw(letters.collect()).await;
    let parked = "SELECT count(*) FROM dead_letters WHERE status = 'parked'";
    stage.until("they are parked", parked, i64::from(count)).await;
    let around = surroundings_of(&stage);
    (stage, around)
}

async fn deeds(stage: &Stage) -> i64 {
    stage.database.number("SELECT count(*) FROM audit").await
}

#[tokio::test]
async fn a_few_letters_take_a_y_and_many_their_number() {
    let (stage, around) = with_letters(12).await;
    let archive = "dlq archive --reason-code test-data --reason 'they were a test'";
    for refused in ["n\n", "\n", "2\n"] {
        let mut few = Terminal::types_in(&format!("orderctl {archive} 1 2"), &around);
        few.shows("archive 2 dead letters? [y/N]");
        few.press(refused);
        assert!(few.ends_with(1).contains("nothing was changed"));
    }
    for refused in ["y\n", "11\n"] {
        let mut many = Terminal::types_in(&format!("orderctl {archive} --all"), &around);
        many.shows("To archive 12 dead letters, type their number:");
        many.press(refused);
        let shown = many.ends_with(1);
        // The groups stand before the question.
        assert!(shown.contains("shop.order.created.v1  panic"), "{shown}");
    }
    assert_eq!(deeds(&stage).await, 0);

    let mut few = Terminal::types_in(&format!("orderctl {archive} 1"), &around);
    few.shows("archive 1 dead letter? [y/N]");
    few.press("y\n");
    assert!(few.ends_with(0).contains("1 dead letter archived"));
    let mut many = Terminal::types_in(&format!("orderctl {archive} --all"), &around);
    many.shows("To archive 11 dead letters");
    many.press("11\n");
    assert!(many.ends_with(0).contains("11 dead letters archived"));
    assert_eq!(deeds(&stage).await, 2);
    stage.finish().await;
}

#[tokio::test]
async fn ctrl_c_ends_the_watching_and_the_replay_goes_on() {
    let (stage, around) = with_letters(12).await;
    let replay = "orderctl dlq replay --all --rate 1/s --reason 'the worker is mended'";
    let mut watching = Terminal::types_in(replay, &around);
    watching.shows("To replay 12 dead letters, type their number:");
    watching.press("12\n");
    watching.shows("replay 1 has 12 dead letters");
    watching.press(CTRL_C);
    let shown = watching.ends_with(130);
    assert!(shown.contains("replay 1 goes on without being watched"), "{shown}");
    assert!(shown.contains("next: orderctl replay watch 1"), "{shown}");
    let standing = "SELECT state::text FROM replay_batches";
    assert_eq!(stage.database.texts(standing).await, ["running"]);

    let mut again = Terminal::types_in("orderctl replay watch 1", &around);
    again.shows("of 12 ended");
    again.press(CTRL_C);
    again.ends_with(130);
    // Nobody watches any more.
    let resolved = "SELECT count(*) FROM dead_letters WHERE status = 'resolved'";
    stage.until("all are replayed", resolved, 12).await;
    stage.until("it is done", "SELECT count(*) FROM replay_batches WHERE state = 'done'", 1).await;
    let (exit, shown) = typed("orderctl replay watch 1", &around, &std::env::temp_dir());
    assert_eq!(exit, Some(0), "{shown}");
    stage.finish().await;
}
