#![doc = include_str!("../README.md")]

mod cli;
mod fault;
mod happen;
mod plan;
mod report;
mod run;
mod servers;
mod shop;
mod sql;
mod stories;

pub use cli::main;
