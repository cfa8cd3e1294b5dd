//! The chart a virtual cluster is made from, and where it comes from.
//!
//! Owns the chart built into the binary, the table that says what each of its value paths means, and the ways to other
//! charts: folders, archives, repositories, registries and the cache of what was downloaded. Rendering is `helm`'s,
//! applying what was rendered is `host`'s.

pub mod address;
pub mod builtin;
pub mod cache;
mod digest;
pub mod error;
mod index;
pub mod kind;
pub mod login;
pub mod logins;
mod nearest;
mod oci;
mod provenance;
pub mod reference;
pub mod source;
pub mod table;
pub mod wanted;
mod web;

#[cfg(test)]
mod rendering;
