#![doc = include_str!("../README.md")]

mod cli;
mod costs;
mod drain;
mod guard;
mod load;
mod looks;
mod mix;
mod parts;
mod plot;
mod processes;
mod progress;
mod reference;
mod results;
mod seed;
mod site;
mod stats;

pub use cli::main;
