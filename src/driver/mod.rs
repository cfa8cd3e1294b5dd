//! What each kind of control plane is made of, as data: a driver describes, `lifecycle` acts.

pub mod charts;
pub mod compatibility;
pub mod component;
pub mod sleep;
pub mod vcluster;
