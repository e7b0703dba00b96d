#![doc = include_str!("../README.md")]

pub mod broker_admin;
pub mod choices;
mod cli;
pub mod departures;
pub mod director;
pub mod evidence;
pub mod listen;
mod measure;
pub mod numbers;
pub mod provider;
pub mod publish;
mod record;
mod report;
mod run;
pub mod scenario;
mod scrape;
mod screen;
pub mod site;
pub mod surroundings;
pub mod timing;
pub mod verdict;

pub use cli::main;
