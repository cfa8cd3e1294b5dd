//! A process that holds one tunnel of ours, as the one in the background does.

use std::io::Write;

use vc::host::Host;
use vc::tunnel::{self, Target, Tunnel};

/// What the benchmark is called with to be that process.
pub(crate) const WORD: &str = "forward";

/// Forwards a port to the pods of `selector`, says which, and goes on until killed.
pub(crate) fn serve(kubeconfig: &str, arguments: &[String]) -> Result<(), String> {
    let [namespace, selector, port] = arguments else {
        return Err(format!("{WORD} NAMESPACE SELECTOR PORT"));
    };
    let target = Target {
        namespace: namespace.clone(),
        selector: selector.clone(),
        port: port.parse().map_err(|_| "that is no port")?,
    };
    // As the agent does: with room for many connections.
    tunnel::background::detach();
    let text = std::fs::read_to_string(kubeconfig).map_err(|error| error.to_string())?;
    let document: serde_json::Value =
        yaml_serde::from_str(&text).map_err(|error| error.to_string())?;
    let context = document["current-context"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let host = Host::from_kubeconfig(document, &context, "vc-bench").await;
        let host = host.map_err(|error| error.to_string())?;
        let bound = tunnel::bind(None).await;
        let (port, listeners) = bound.map_err(|error| error.to_string())?;
        let _tunnel = Tunnel::open(host.client(), target, listeners);
        writeln!(std::io::stdout(), "127.0.0.1:{port}").ok();
        std::future::pending().await
    })
}
