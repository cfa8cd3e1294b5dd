//! The real `vc` on the real Kubernetes of `tests/host`: what a user lives through, from create to delete.
//!
//! The host must be up: `make test` brings it up, and so does `make host-up`. Other clusters on it are left alone.

mod again;
mod agent;
mod connect;
mod helm;
mod interrupted;
mod many;
mod namespaces;
mod obstacles;
mod options;
mod rights;
mod sleep;
mod support;
mod whole;
mod writers;
