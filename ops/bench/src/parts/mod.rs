//! One module per part of the measurement.

pub(crate) mod backlog;
pub(crate) mod cold_start;
pub(crate) mod curves;
pub(crate) mod growth;
pub(crate) mod latency;
pub(crate) mod references;
pub(crate) mod relay;
pub(crate) mod timers;
pub(crate) mod verify;
pub(crate) mod workers;
