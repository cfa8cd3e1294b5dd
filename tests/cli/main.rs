//! The real `vc` against an API server in memory: from the command line to the bytes it prints and the calls it makes.

#[path = "../support/mod.rs"]
mod support;

mod bad_input;
mod charts;
mod charts_bad;
mod charts_cache;
mod charts_logins;
mod completion;
mod config;
mod connect;
mod create;
mod credential;
mod delete;
mod disconnect;
mod doctor;
mod errors;
mod faults;
mod history;
mod hooks;
mod host;
mod interrupted;
mod kubeconfig;
mod limits;
mod list;
mod logs;
mod many;
mod reasons;
mod records;
mod rights;
mod rollback;
mod server;
mod settings;
mod shell;
mod sleep;
mod status;
mod template;
mod terminal;
mod transcript;
mod tunnels;
mod upgrade;
mod wake;
mod writers;
