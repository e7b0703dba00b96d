//! Dead letters as the people see them who have to do something about them.

mod actions;
mod batches;
mod compiled;
mod content;
mod edits;
mod filter;
mod grammar;
mod groups;
mod refusal;
mod rows;
mod story;

pub use actions::{
    Said, Selection, Started, Terms, archive, archive_codes, import, note, restore, select, start,
};
pub use batches::{
    BatchRow, OutcomeRow, batches, cancel, new_since_start, outcomes, pause, resume,
};
pub use compiled::Compiled;
pub use content::{LetterContent, Purpose, content};
pub use edits::{EditRow, allow_edits, edits};
pub use filter::{Filter, FilterError};
pub use groups::{GroupRow, StatRow, groups, stats};
pub use refusal::Refusal;
pub use rows::{LetterRow, Page, changed_since, count, list};
pub use story::{FailureRow, NoteRow, ReplayedRow, Story, notes, story};
