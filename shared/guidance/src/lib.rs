#![doc = include_str!("../README.md")]

pub mod advice;
pub mod consent;
pub mod decline;
mod format;
mod locale;
mod notification;
mod templates;

pub use format::{PayLink, UnknownZone, Zone};
pub use locale::{DEFAULT_LOCALE, lookup};
pub use notification::{
    Audience, Notification, Parameter, Purpose, RefundRefusal, TEMPLATES, Template,
};
pub use templates::{Defect, Part, Problem, Rendered, Templates};
