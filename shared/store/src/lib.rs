#![doc = include_str!("../README.md")]

pub mod actions;
mod column;
mod config;
pub mod customers;
mod database;
pub mod dead_letters;
mod decode;
mod error;
pub mod inbox;
pub mod listener;
pub mod locks;
pub mod merchants;
mod migration;
mod names;
pub mod orders;
pub mod outbox;
pub mod parked;
pub mod privacy;
pub mod provision;
pub mod readers;
pub mod report;
pub mod retention;
pub mod suspects;
mod table;
pub mod timeline;
pub mod timers;
pub mod unapplied;
pub mod vault;
pub mod violations;
pub mod write_set;

pub use config::{DatabaseConfig, DatabaseUrl, InvalidDatabaseUrl};
pub use database::{Database, Transaction};
pub use error::{Class, Error};
pub use inbox::InboxId;
pub use migration::{SchemaVersion, migrate, require_schema, schema_version, undo_migrations};
