//! The template engine beside the real Helm: the same charts and values, byte for byte the same output.
//!
//! Needs Go, which builds two small programs from Helm's modules: `make oracle`. What is compared: the charts of
//! `tests/charts`, generated ones, and those that Helm's own module carries for its tests.

mod calls;
mod case;
mod charts;
mod expression;
mod functions;
mod generate;
mod helm;
mod known;
mod ours;
mod random;
mod shrink;
mod table;
mod template;
mod testdata;
mod yaml;
