//! The program as it is called.

mod usage;
