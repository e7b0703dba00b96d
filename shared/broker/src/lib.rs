#![doc = include_str!("../README.md")]

mod consumer;
pub mod delay;
mod error;
mod look;
mod message;
mod names;
mod publisher;
mod session;
pub mod topology;
mod url;

pub use consumer::{ConsumeEnd, Consumer, Settled, Settler};
pub use delay::{DelayChoice, DelayProvider};
pub use error::{Cause, Class, Error};
pub use look::Looked;
pub use message::{
    Delivery, HeaderValue, Headers, InvalidPublication, MAX_BODY_BYTES, Properties, Publication,
};
pub use names::{DEFAULT_PREFIX, NameError, Names};
pub use publisher::{Outcome, Publisher, PublisherConfig, WhenBlocked};
pub use session::{
    AmqpConfig, Identity, Link, Patience, Session, SessionEnd, SessionState, SessionWatch, TlsFiles,
};
pub use url::{AmqpUrl, UrlError};
