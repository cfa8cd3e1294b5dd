//! What a control plane does to its host once it runs: it publishes its kubeconfig.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Controllers, all, kind, owner_reference, pods::is_ready, uid};
use crate::support::{
    api_server::store::{Key, Store, base64},
    pki::Pki,
};

impl Controllers {
    pub(super) fn publish_kubeconfigs(&mut self, store: &mut Store) {
        let Some(wait) = self.settings.kubeconfig_after else {
            return;
        };
        for (key, pod) in all(store, kind("", "pods")) {
            let labels = &pod["metadata"]["labels"];
            let (Some("vcluster"), Some(name)) =
                (labels["app"].as_str(), labels["release"].as_str())
            else {
                continue;
            };
            let secret = Key::new(kind("", "secrets"), &key.namespace, &format!("vc-{name}"));
            let is_leaving = pod["metadata"]["deletionTimestamp"].is_string();
            if is_leaving || !is_ready(&pod) || store.get(&secret).is_some() {
                continue;
            }
            if !self.has_waited(uid(&pod), "kubeconfig", wait) {
                continue;
            }
            let is_expired = self.settings.expired_control_planes;
            let pki = Arc::new(Pki::of_control_plane(name, &key.namespace, is_expired));
            publish(store, &secret, name, &pki);
            self.control_planes
                .insert((key.namespace.clone(), name.to_owned()), pki);
        }
    }
}

/// What the syncer writes when its control plane serves.
fn publish(store: &mut Store, secret: &Key, name: &str, pki: &Pki) {
    let service = store
        .get(&Key::new(kind("", "services"), &secret.namespace, name))
        .cloned();
    let owner = service.map_or(Value::Null, |service| owner_reference(&service, false));
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "preferences": {},
        "clusters": [{ "name": "kubernetes", "cluster": {
            "server": "https://localhost:8443", "certificate-authority-data": base64(&pki.authority),
        } }],
        "users": [{ "name": "kubernetes-super-admin", "user": {
            "client-certificate-data": base64(&pki.client_certificate),
            "client-key-data": base64(&pki.client_key),
        } }],
        "contexts": [{ "name": "kubernetes-super-admin@kubernetes", "context": {
            "cluster": "kubernetes", "user": "kubernetes-super-admin",
        } }],
        "current-context": "kubernetes-super-admin@kubernetes",
    });
    let mut metadata = json!({ "labels": { "app": "vcluster", "vcluster-name": name } });
    let mut certificates = json!({});
    if owner.is_array() {
        metadata["ownerReferences"] = owner.clone();
        certificates["ownerReferences"] = owner;
    }
    let keys = Key::new(
        kind("", "secrets"),
        &secret.namespace,
        &format!("{name}-certs"),
    );
    let data = json!({ "ca.crt": base64(&pki.authority), "ca.key": base64(&pki.client_key) });
    store
        .create(
            &keys,
            json!({ "metadata": certificates, "data": data }),
            false,
        )
        .ok();
    let data = json!({
        "config": base64(config.to_string()),
        "certificate-authority": base64(&pki.authority),
        "client-certificate": base64(&pki.client_certificate),
        "client-key": base64(&pki.client_key),
        "token": "",
    });
    store
        .create(secret, json!({ "metadata": metadata, "data": data }), false)
        .ok();
}
