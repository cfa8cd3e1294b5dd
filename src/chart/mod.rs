//! The chart a virtual cluster is made from.
//!
//! Owns the chart built into the binary and the table that says what each of its value paths means. Rendering is
//! `helm`'s, applying what was rendered is `host`'s.

pub mod builtin;
pub mod kind;
mod nearest;
pub mod table;

#[cfg(test)]
mod rendering;
