//! Events of shops as this program handles them: examples, files, validation.

mod any;
mod documents;
pub(crate) mod examples;
mod fresh;
mod rate;
mod schemas;
mod validation;

pub(crate) use any::AnyEvent;
pub(crate) use documents::split;
pub(crate) use examples::{Example, example, examples_of};
pub(crate) use fresh::{freshened, replaced};
pub(crate) use rate::Rate;
pub(crate) use schemas::field_is_public;
#[cfg(test)]
pub(crate) use schemas::schema_accepts;
pub(crate) use schemas::schema_texts;
pub(crate) use validation::{Accepted, Problem, Validator, Verdict};
