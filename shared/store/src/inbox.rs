//! The memory against duplicates: who comes first with an event claims it.

use contracts::{EventKind, OrderId, Timestamp};
use domain::Status as _;
use domain::decision::{Outcome, OutcomeCode};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::column::column;
use crate::database::Transaction;
use crate::decode::{Place, at, optional_time};
use crate::error::Error;

/// Names an accepted event within this database; history and ledger refer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InboxId {
    /// The row's number.
    pub(crate) id: i64,
    /// Whether the row names its order; one claimed by a reference may learn it later.
    pub(crate) names_order: bool,
}

/// An event about to be decided.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Who sent it.
    pub source: &'a str,
    /// The sender's id of it.
    pub event_id: &'a str,
    /// Which kind it is.
    pub kind: EventKind,
    /// SHA-256 of what it says.
    pub digest: &'a [u8; 32],
    /// The order it belongs to, once that is known.
    pub order: Option<OrderId>,
    /// When it happened, by the sender's clock.
    pub occurred_at: Timestamp,
}

/// What became of an event that was accepted before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PastOutcome {
    /// It changed something.
    Applied,
    /// It rightly changed nothing.
    Noop,
    /// It waits for its parent.
    Parked,
    /// Its parent never came.
    Orphaned,
    /// The answer was no.
    Rejected,
    /// A person must look.
    Quarantined,
}

impl PastOutcome {
    /// The stored name of what becomes of an event.
    pub(crate) fn name(outcome: &Outcome) -> &'static str {
        match outcome {
            Outcome::Applied => "applied",
            Outcome::Noop(_) => "noop",
            Outcome::Parked { .. } => "parked",
            Outcome::Orphaned(_) => "orphaned",
            Outcome::Rejected(_) => "rejected",
            Outcome::Quarantined(_) => "quarantined",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "applied" => Self::Applied,
            "noop" => Self::Noop,
            "parked" => Self::Parked,
            "orphaned" => Self::Orphaned,
            "rejected" => Self::Rejected,
            "quarantined" => Self::Quarantined,
            _ => return None,
        })
    }

    /// Whether the event must not be decided again.
    fn is_final(self) -> bool {
        match self {
            Self::Applied | Self::Noop | Self::Orphaned | Self::Quarantined => true,
            Self::Parked | Self::Rejected => false,
        }
    }
}

/// What an event turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// Nobody had it before: decide it.
    Fresh(InboxId),
    /// It was parked or rejected before: decide it again.
    Again {
        /// Its row.
        inbox: InboxId,
        /// Until when it was parked, if it was.
        parked_until: Option<Timestamp>,
    },
    /// It was decided before, or comes twice in this batch (case 26).
    Duplicate {
        /// What became of it, as far as other transactions told.
        outcome: PastOutcome,
    },
    /// It was quarantined before. Its dead letter may not have left: it fails again, undecided.
    Quarantined(OutcomeCode),
    /// The same id came with another body before (case 27); the first wins.
    Reused,
}

/// Claims events for this transaction; the answers are in the order of `claims`.
///
/// Rows are inserted in the order of their keys, so batches that share events wait for each other
/// in one direction only. An event that another transaction is deciding is waited for (case 30).
///
/// # Errors
/// When a statement fails.
pub async fn claim(
    transaction: &mut Transaction<'_>,
    claims: &[Claim<'_>],
) -> Result<Vec<Claimed>, Error> {
    let groups = groups(claims);
    let inserted = insert(transaction, &groups).await?;
    let mut answers = vec![None; claims.len()];
    let mut repeats = Vec::new();
    for (group, fresh) in groups.iter().zip(&inserted) {
        let mut deliveries = group.deliveries.as_slice();
        if let (Some(inbox), [first, rest @ ..]) = (fresh, deliveries) {
            answers[*first] = Some(Claimed::Fresh(*inbox));
            deliveries = rest;
        }
        if !deliveries.is_empty() {
            repeats.push(Repeats { group, deliveries });
        }
    }
    for (repeats, known) in count_deliveries(transaction, &repeats).await? {
        for delivery in repeats.deliveries {
            let is_first = repeats.group.deliveries[0] == *delivery;
            answers[*delivery] = Some(known.judge(&claims[*delivery], is_first)?);
        }
    }
    let answer = |(answer, claim): (Option<Claimed>, &Claim<'_>)| {
        Place::new("inbox", claim.name()).known("event_id", answer)
    };
    answers.into_iter().zip(claims).map(answer).collect()
}

/// The event's key, for errors.
pub(crate) fn event_name(source: &str, event_id: &str) -> String {
    format!("{source} {event_id}")
}

impl Claim<'_> {
    fn key(&self) -> (&str, &str) {
        (self.event_id, self.source)
    }

    fn name(&self) -> String {
        event_name(self.source, self.event_id)
    }
}

/// One event of the batch and the places of its deliveries in it, mostly one.
struct Group<'a> {
    claim: &'a Claim<'a>,
    deliveries: Vec<usize>,
}

/// Deliveries of an event beside the one that claimed it.
struct Repeats<'a> {
    group: &'a Group<'a>,
    deliveries: &'a [usize],
}

/// The events of a batch in the order of their keys; the first delivery of each speaks for it.
fn groups<'a>(claims: &'a [Claim<'a>]) -> Vec<Group<'a>> {
    let mut sorted: Vec<usize> = (0..claims.len()).collect();
    sorted.sort_by_key(|index| claims[*index].key());
    let mut groups: Vec<Group<'a>> = Vec::with_capacity(claims.len());
    for index in sorted {
        match groups.last_mut() {
            Some(group) if group.claim.key() == claims[index].key() => {
                group.deliveries.push(index);
            }
            Some(_) | None => {
                groups.push(Group { claim: &claims[index], deliveries: vec![index] });
            }
        }
    }
    groups
}

/// Inserts what is new; returns for each group its row, if it is new.
async fn insert(
    transaction: &mut Transaction<'_>,
    groups: &[Group<'_>],
) -> Result<Vec<Option<InboxId>>, Error> {
    let inserted = sqlx::query!(
        r#"
        INSERT INTO inbox (source, event_id, kind, order_id, digest, occurred_at)
        SELECT
            unnest($1::text[]), unnest($2::text[]), unnest($3::text[]::event_kind[]),
            unnest($4::uuid[]), unnest($5::bytea[]), unnest($6::timestamptz[])
        ON CONFLICT (event_id, source) DO NOTHING
        RETURNING inbox_id, source, event_id
        "#,
        column(groups, |group| group.claim.source) as _,
        column(groups, |group| group.claim.event_id) as _,
        column(groups, |group| group.claim.kind.name()) as _,
        column(groups, |group| group.claim.order.map(Uuid::from)) as _,
        column(groups, |group| group.claim.digest.as_slice()) as _,
        column(groups, |group| at(group.claim.occurred_at)) as _,
    );
    let inserted = inserted.fetch_all(transaction.connection()).await;
    let inserted = inserted.map_err(Error::during("claim events"))?;
    // The rows come in the order of the groups, with gaps where an event was known before.
    let mut rows = inserted.into_iter().peekable();
    let fresh = groups.iter().map(|Group { claim, .. }| {
        let row = rows.next_if(|row| (row.event_id.as_str(), row.source.as_str()) == claim.key());
        row.map(|row| InboxId { id: row.inbox_id, names_order: claim.order.is_some() })
    });
    Ok(fresh.collect())
}

/// The row of an event that was there before.
struct Known {
    inbox_id: i64,
    digest: Vec<u8>,
    outcome: String,
    outcome_code: Option<String>,
    parked_until: Option<OffsetDateTime>,
}

impl Known {
    fn judge(&self, claim: &Claim<'_>, is_first: bool) -> Result<Claimed, Error> {
        if self.digest != claim.digest {
            return Ok(Claimed::Reused);
        }
        let place = Place::new("inbox", claim.name());
        let outcome = place.known("outcome", PastOutcome::parse(&self.outcome))?;
        if outcome == PastOutcome::Quarantined {
            let code = self.outcome_code.as_deref().and_then(|code| OutcomeCode::parse(code).ok());
            return Ok(Claimed::Quarantined(place.known("outcome_code", code)?));
        }
        if !is_first || outcome.is_final() {
            return Ok(Claimed::Duplicate { outcome });
        }
        // Its outcome is written in any case, and the order with it.
        let inbox = InboxId { id: self.inbox_id, names_order: false };
        Ok(Claimed::Again { inbox, parked_until: optional_time(self.parked_until) })
    }
}

/// Counts further deliveries of events; returns what is known of each.
async fn count_deliveries<'a, 'b>(
    transaction: &mut Transaction<'_>,
    repeats: &'b [Repeats<'a>],
) -> Result<Vec<(&'b Repeats<'a>, Known)>, Error> {
    if repeats.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        r#"
        UPDATE inbox
        SET deliveries = inbox.deliveries + claim.deliveries
        FROM (
            SELECT
                generate_subscripts($1::text[], 1) AS place, unnest($1::text[]) AS source,
                unnest($2::text[]) AS event_id, unnest($3::integer[]) AS deliveries
        ) AS claim
        WHERE inbox.source = claim.source AND inbox.event_id = claim.event_id
        RETURNING
            claim.place AS "place!", inbox.inbox_id, inbox.digest,
            inbox.outcome::text AS "outcome!", inbox.outcome_code, inbox.parked_until
        "#,
        column(repeats, |repeats| repeats.group.claim.source) as _,
        column(repeats, |repeats| repeats.group.claim.event_id) as _,
        column(repeats, |repeats| i32::try_from(repeats.deliveries.len()).unwrap_or(i32::MAX)) as _,
    );
    let rows = rows.fetch_all(transaction.connection()).await;
    let rows = rows.map_err(Error::during("count deliveries"))?.into_iter();
    rows.map(|row| {
        // Subscripts count from 1.
        let repeats = usize::try_from(row.place - 1).ok().and_then(|place| repeats.get(place));
        let repeats = Place::new("inbox", row.inbox_id).known("event_id", repeats)?;
        let known = Known {
            inbox_id: row.inbox_id,
            digest: row.digest,
            outcome: row.outcome,
            outcome_code: row.outcome_code,
            parked_until: row.parked_until,
        };
        Ok((repeats, known))
    })
    .collect()
}
