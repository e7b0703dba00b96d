#![doc = include_str!("../README.md")]

mod broker;
mod database;
mod endpoints;
mod eventually;
pub mod invariants;
mod keys;
mod look;
mod record;
pub mod shop;
pub mod tls;
mod unique;
pub mod world;

pub use broker::TestBroker;
pub use database::TestDatabase;
pub use endpoints::{Endpoints, endpoints};
pub use eventually::{Seen, eventually};
pub use keys::{KEYS, key_file};
pub use look::Held;
pub use record::Record;
