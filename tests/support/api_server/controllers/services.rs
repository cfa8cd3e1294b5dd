//! What gives Services an address outside of the host.

use serde_json::json;

use super::{Controllers, all, edit, kind, tell};
use crate::support::api_server::store::Store;

impl Controllers {
    pub(super) fn expose_services(&mut self, store: &mut Store) {
        for (key, service) in all(store, kind("", "services")) {
            let port = &service["spec"]["ports"][0];
            match service["spec"]["type"].as_str() {
                Some("NodePort") if port["nodePort"].is_null() => {
                    if let Some(port) = self.settings.node_port {
                        edit(store, &key, |service| {
                            service["spec"]["ports"][0]["nodePort"] = port.into();
                        });
                    }
                }
                Some("LoadBalancer") if service["status"]["loadBalancer"]["ingress"].is_null() => {
                    let Some(port) = self.settings.load_balancer else {
                        let why = "no load balancer can be had";
                        tell(
                            store,
                            &key,
                            &service,
                            "Warning",
                            "SyncLoadBalancerFailed",
                            why,
                        );
                        continue;
                    };
                    edit(store, &key, |service| {
                        // Nobody may listen on 443 in a test.
                        service["spec"]["ports"][0]["port"] = port.into();
                        service["status"]["loadBalancer"]["ingress"] =
                            json!([{ "ip": "127.0.0.1" }]);
                    });
                }
                _ => {}
            }
        }
    }
}
