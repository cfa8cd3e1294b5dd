//! What the sealed-binary tests stand on: a Kubernetes API server in memory, and a sandbox for the real `vc`.

pub(crate) mod api_server;
pub(crate) mod chart_server;
pub(crate) mod cluster;
pub(crate) mod pki;
pub(crate) mod pod_side;
pub(crate) mod release;
pub(crate) mod sandbox;
