//! Holds the decoder, the schemas and the examples in `schemas/events` to each other.

mod amounts;
mod cases;
mod corpus;
mod examples;
mod fields;
mod limits;
mod modes;
mod privacy;
mod schemas;
