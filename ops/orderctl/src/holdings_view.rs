//! What is held of a customer, in words.

use store::privacy::{Holdings, Obstacle};

use crate::render::Style;

/// Spaces before a line.
const INDENT: usize = 2;

/// Everything that is held, a line each.
pub(crate) fn text(held: &Holdings, style: Style) -> String {
    let counts = [
        (held.orders, "order", "known by the pseudonym only; stays"),
        (held.parked, "parked event", "waiting for what comes before it"),
        (held.returning, "returning event", "on its way to be decided"),
        (held.open_letters, "open dead letter", "not resolved and not archived"),
        (held.closed_letters, "closed dead letter", "resolved or archived"),
        (held.open_disputes, "open dispute", "not closed"),
        (held.marks, "mark", "a flag or a restriction, of now or earlier"),
        (held.keys, "key", "of the customer and of the orders"),
    ];
    let lines = counts.into_iter().filter(|(count, _, _)| *count > 0);
    let lines = lines.map(|(count, what, which)| format!("{}: {which}", counted(count, what)));
    let erased = held.erased_at.map(|at| format!("was erased at {at}"));
    let lines: Vec<_> = lines.chain(erased).map(|line| style.paragraph(INDENT, &line)).collect();
    lines.join("\n")
}

/// What stands against an erasure, in words.
pub(crate) fn obstacle(obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::Parked { count, until } => {
            let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
            format!("{}, waiting{until} at the latest", counted(*count, "parked event"))
        }
        Obstacle::Returning { count } => {
            format!("{}, to be decided in a moment", counted(*count, "returning event"))
        }
        Obstacle::OpenLetters { count } => {
            format!("{}, which may hold money", counted(*count, "open dead letter"))
        }
        Obstacle::OpenDisputes { count } => {
            format!("{}, which may need evidence", counted(*count, "open dispute"))
        }
    }
}

/// So many of something.
pub(crate) fn counted(count: i64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
