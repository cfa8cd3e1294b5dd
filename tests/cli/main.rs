//! The real `vc` against an API server in memory: from the command line to the bytes it prints and the calls it makes.

#[path = "../support/mod.rs"]
mod support;

mod completion;
mod config;
mod connect;
mod create;
mod credential;
mod delete;
mod disconnect;
mod errors;
mod faults;
mod history;
mod hooks;
mod host;
mod kubeconfig;
mod limits;
mod list;
mod logs;
mod records;
mod rollback;
mod settings;
mod sleep;
mod status;
mod tunnels;
mod upgrade;
mod wake;
