//! Rules, dashboards and runbooks, held to the code.

mod checkers;
mod dashboards;
mod documents;
mod files;
mod names;
mod rules;
mod runbooks;
