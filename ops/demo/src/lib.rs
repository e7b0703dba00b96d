#![doc = include_str!("../README.md")]

mod broker_admin;
pub mod choices;
mod cli;
mod departures;
pub mod director;
mod evidence;
mod listen;
mod measure;
mod numbers;
pub mod provider;
mod publish;
mod record;
mod report;
mod run;
pub mod scenario;
mod screen;
mod site;
mod surroundings;
pub mod timing;
mod verdict;

pub use cli::main;
