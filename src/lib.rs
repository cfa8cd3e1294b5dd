//! Throw-away Kubernetes clusters inside a namespace of the one you have.

pub mod chart;
pub mod helm;
pub mod kubeconfig;
pub mod tunnel;
