//! Replays end to end: exact, to one queue, braked, and unharmed by whoever dies.

mod exact;
mod kills;
mod outages;
mod queues;

use system_tests::Stage;

/// Every letter with its last item, counted.
async fn fates(stage: &Stage) -> Vec<String> {
    stage
        .database
        .texts(
            "SELECT concat_ws(' ', count(*), status, state) FROM (
                 SELECT DISTINCT ON (letter.id) letter.status::text, item.state::text
                 FROM dead_letters AS letter
                 LEFT JOIN replay_items AS item ON item.letter_id = letter.id
                 ORDER BY letter.id, item.id DESC
             ) AS fate GROUP BY status, state ORDER BY status, state",
        )
        .await
}

/// Starts a replay by the statement for it; its number.
async fn start(stage: &Stage, call: &str) -> i64 {
    stage.database.number(call).await
}
