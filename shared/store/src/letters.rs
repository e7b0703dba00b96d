//! Dead letters as the people see them who have to do something about them.

mod filter;
mod grammar;

pub use filter::{Filter, FilterError};
