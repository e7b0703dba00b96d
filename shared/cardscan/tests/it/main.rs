//! What is found wherever it stands, and what passes.

mod clean;
mod hidden;
