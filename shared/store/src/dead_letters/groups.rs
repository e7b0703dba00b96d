//! Groups of like failures: when each was seen first, by which build, and how many there may be.

use std::collections::{BTreeMap, HashSet};

use crate::line::Line;
use contracts::Timestamp;
use sha2::{Digest, Sha256};

use super::DeadLetter;
use crate::column::column;
use crate::decode::at;
use crate::error::Error;

/// Most groups with parked letters; what is new beyond that goes to the group of the others.
pub const MOST_OPEN_GROUPS: i64 = 500;

/// The fingerprint of the failures that found too many groups.
pub fn other_fingerprint() -> [u8; 32] {
    Sha256::digest(b"other").into()
}

/// Which fingerprints have to go to the group of the others.
pub(super) async fn overflowing(
    connection: &mut Line,
    letters: &[DeadLetter<'_>],
) -> Result<HashSet<[u8; 32]>, Error> {
    let mut wanted: Vec<[u8; 32]> = letters.iter().map(|letter| *letter.fingerprint).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let known = sqlx::query_scalar!(
        "SELECT fingerprint FROM failure_groups WHERE fingerprint = ANY($1::bytea[])",
        column(&wanted, <[u8; 32]>::as_slice) as _,
    );
    let known = known.fetch_all(&mut *connection).await;
    let known: HashSet<Vec<u8>> =
        known.map_err(Error::during("find groups"))?.into_iter().collect();
    wanted.retain(|fingerprint| !known.contains(fingerprint.as_slice()));
    if wanted.is_empty() {
        return Ok(HashSet::new());
    }
    let room = MOST_OPEN_GROUPS - open_groups(connection).await?;
    let room = usize::try_from(room).unwrap_or(0).min(wanted.len());
    Ok(wanted.split_off(room).into_iter().collect())
}

async fn open_groups(connection: &mut Line) -> Result<i64, Error> {
    let open = sqlx::query_scalar!(
        r#"
        SELECT count(*) AS "count!"
        FROM failure_groups
        WHERE EXISTS (
            SELECT FROM dead_letters
            WHERE
                dead_letters.fingerprint = failure_groups.fingerprint
                AND dead_letters.status = 'parked'
        )
        "#,
    );
    open.fetch_one(connection).await.map_err(Error::during("count open groups"))
}

/// What is known of a group from some of its failures.
struct Sighting<'a> {
    fingerprint: [u8; 32],
    letter: Option<&'a DeadLetter<'a>>,
    first_build: Option<&'a str>,
    first: Timestamp,
    last: Timestamp,
}

impl<'a> Sighting<'a> {
    fn see(&mut self, letter: &'a DeadLetter<'a>) {
        if letter.first_failed_at < self.first {
            self.first_build = letter.worker_version;
        }
        self.first = self.first.min(letter.first_failed_at);
        self.last = self.last.max(letter.last_failed_at);
    }

    fn text(&self, of: impl Fn(&'a DeadLetter<'a>) -> &'a str, of_others: &'static str) -> &'a str {
        self.letter.map_or(of_others, of)
    }
}

/// Notes the groups of letters, and widens the windows in which they were seen.
pub(super) async fn see(
    connection: &mut Line,
    letters: &[DeadLetter<'_>],
    overflowing: &HashSet<[u8; 32]>,
) -> Result<(), Error> {
    // Rows are locked in one sequence, so that parkers do not wait for each other in a circle.
    let mut seen: BTreeMap<[u8; 32], Sighting<'_>> = BTreeMap::new();
    for letter in letters {
        let over = overflowing.contains(letter.fingerprint);
        let fingerprint = if over { other_fingerprint() } else { *letter.fingerprint };
        let new = Sighting {
            fingerprint,
            letter: (!over).then_some(letter),
            first_build: letter.worker_version,
            first: letter.first_failed_at,
            last: letter.last_failed_at,
        };
        seen.entry(fingerprint).or_insert(new).see(letter);
    }
    let seen: Vec<_> = seen.into_values().collect();
    let written = sqlx::query!(
        r#"
        INSERT INTO failure_groups AS known (
            fingerprint, source_queue, event_type, error_class, error_code, detail_pattern,
            first_build, first_seen_at, last_seen_at
        )
        SELECT
            unnest($1::bytea[]), unnest($2::text[]), unnest($3::text[]), unnest($4::text[]),
            unnest($5::text[]), unnest($6::text[]), unnest($7::text[]),
            unnest($8::timestamptz[]), unnest($9::timestamptz[])
        ON CONFLICT (fingerprint) DO UPDATE
        SET
            first_build = CASE
                WHEN excluded.first_seen_at < known.first_seen_at THEN excluded.first_build
                ELSE known.first_build
            END,
            first_seen_at = least(known.first_seen_at, excluded.first_seen_at),
            last_seen_at = greatest(known.last_seen_at, excluded.last_seen_at)
        "#,
        column(&seen, |group| group.fingerprint.as_slice()) as _,
        column(&seen, |group| group.text(|letter| letter.source_queue, "*")) as _,
        column(&seen, |group| group.text(|letter| letter.event_type, "*")) as _,
        column(&seen, |group| group.text(|letter| letter.error_class, "*")) as _,
        column(&seen, |group| group.text(|letter| letter.error_code, "other")) as _,
        column(&seen, |group| group.text(|letter| letter.detail_pattern, "")) as _,
        column(&seen, |group| group.first_build) as _,
        column(&seen, |group| at(group.first)) as _,
        column(&seen, |group| at(group.last)) as _,
    );
    written.execute(connection).await.map_err(Error::during("write groups"))?;
    Ok(())
}
