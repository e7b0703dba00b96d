#![doc = include_str!("../README.md")]

mod acks;
mod batch;
mod clock;
mod config;
mod connect;
mod contract;
mod door;
mod early;
mod failpoint;
mod failure;
mod failures;
mod health;
mod intake;
mod lane;
mod notices;
mod notify;
mod policies;
mod process;
mod retry;
mod sessions;
mod settings;
mod settle;
mod spans;
mod stop;
pub mod trial;
mod watchdog;
mod worker;

/// Every binary allocates with it: a quarter of a worker's time went into the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub use clock::now;
pub use config::{Config, ConfigError, Problem, TopologyMode};
pub use connect::{Waiting, broker_ready, database_ready, topology_ready};
pub use contract::check_contract;
pub use door::{WITHHELD_CONTENT_TYPE, without_card_data};
pub use failpoint::pass;
pub use failure::{Failure, FailureClass};
pub use failures::{STAND_IN_ID, headers, with_message_id};
pub use health::Health;
pub use policies::LivePolicies;
pub use process::{EXIT_CONFIG, Process, run};
pub use retry::{Pauses, RetryPolicy};
pub use sessions::{sessions, turn};
pub use settings::Settings;
pub use settle::{HandlingResult, Settlement, settle};
pub use stop::Stop;
pub use worker::{WORKERS, WorkerInfo, run_worker, worker_routes};
