//! Virtual clusters as a test finds them: every object on the host, without running `vc create` first.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::api_server::{ApiServer, base64};
use super::release;

/// A virtual cluster that is to be there when the test begins.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    name: String,
    namespace: String,
    made_namespace: bool,
    is_sleeping: bool,
    has_record: bool,
    tenant_pods: usize,
}

/// A cluster that runs, in the namespace `vcluster-NAME` that was made for it.
pub(crate) fn running(name: &str) -> Cluster {
    Cluster {
        name: name.to_owned(),
        namespace: format!("vcluster-{name}"),
        made_namespace: true,
        is_sleeping: false,
        has_record: true,
        tenant_pods: 0,
    }
}

/// A cluster that ran and was then put to sleep by `vcluster pause`.
pub(crate) fn sleeping(name: &str) -> Cluster {
    Cluster {
        is_sleeping: true,
        ..running(name)
    }
}

/// An etcd that a chart deploys beside the control plane of a cluster in its own namespace.
pub(crate) fn etcd_of(name: &str, replicas: u32) -> Value {
    let labels = json!({ "app": "vcluster-etcd", "release": name });
    json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": { "name": format!("{name}-etcd"), "namespace": format!("vcluster-{name}"), "labels": labels },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "containers": [{ "name": "etcd", "image": "registry.k8s.io/etcd:3.6.8-0" }] },
            },
        },
    })
}

impl Cluster {
    /// Puts it into a namespace that somebody else made.
    pub(crate) fn in_namespace(self, namespace: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            made_namespace: false,
            ..self
        }
    }

    /// Has so many pods of its tenants on the host.
    pub(crate) fn with_tenant_pods(self, tenant_pods: usize) -> Self {
        Self {
            tenant_pods,
            ..self
        }
    }

    /// Takes away Helm's record of the release.
    pub(crate) fn without_record(self) -> Self {
        Self {
            has_record: false,
            ..self
        }
    }

    /// The namespace it lives in.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The namespace as an object.
    pub(super) fn namespace_object(&self) -> Value {
        let annotations = if self.made_namespace {
            json!({ "vcluster.loft.sh/created": "true" })
        } else {
            json!({})
        };
        json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": { "name": self.namespace, "annotations": annotations, "creationTimestamp": three_days_ago() },
        })
    }

    /// Everything else; the controllers of the host do the rest.
    pub(super) fn objects(&self) -> Vec<Value> {
        let mut objects = self.release_objects();
        if self.has_record {
            objects.push(self.record(&objects));
        }
        objects.extend((0..self.tenant_pods).map(|index| self.tenant_pod(index)));
        objects
    }

    /// What `vcluster pause` does, for a cluster that is to be asleep.
    pub(super) fn put_to_sleep(&self, host: &ApiServer) {
        if !self.is_sleeping {
            return;
        }
        let path = format!(
            "/apis/apps/v1/namespaces/{}/statefulsets/{}",
            self.namespace, self.name
        );
        host.edit(&path, |workload| {
            let annotations = &mut workload["metadata"]["annotations"];
            annotations["loft.sh/paused"] = "true".into();
            annotations["loft.sh/paused-replicas"] = "1".into();
            annotations["loft.sh/paused-date"] = three_days_ago().into();
            workload["spec"]["replicas"] = 0.into();
        });
    }

    fn release_objects(&self) -> Vec<Value> {
        let name = &self.name;
        let ports =
            json!([{ "name": "https", "port": 443, "targetPort": 8443, "protocol": "TCP" }]);
        let selector = json!({ "app": "vcluster", "release": name });
        let account = json!({ "kind": "ServiceAccount", "name": format!("vc-{name}"), "namespace": self.namespace });
        let role = json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": format!("vc-{name}") });
        let mut service = self.object("v1", "Service", name);
        service["spec"] = json!({ "type": "ClusterIP", "ports": ports, "selector": selector });
        let mut headless = self.object("v1", "Service", &format!("{name}-headless"));
        headless["spec"] = json!({ "clusterIP": "None", "ports": ports, "selector": selector });
        let mut config = self.object("v1", "Secret", &format!("vc-config-{name}"));
        config["data"] = json!({ "config.yaml": base64("controlPlane: {}\n") });
        let mut rules = self.object(
            "rbac.authorization.k8s.io/v1",
            "Role",
            &format!("vc-{name}"),
        );
        rules["rules"] = json!([{ "apiGroups": [""], "resources": ["pods"], "verbs": ["*"] }]);
        let mut binding = self.object(
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            &format!("vc-{name}"),
        );
        binding["subjects"] = json!([account]);
        binding["roleRef"] = role;
        vec![
            self.object("v1", "ServiceAccount", &format!("vc-{name}")),
            self.object("v1", "ServiceAccount", &format!("vc-workload-{name}")),
            config,
            rules,
            binding,
            service,
            headless,
            self.workload(&selector),
        ]
    }

    fn workload(&self, selector: &Value) -> Value {
        let mut workload = self.object("apps/v1", "StatefulSet", &self.name);
        let claim = json!({
            "metadata": { "name": "data" },
            "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "5Gi" } } },
        });
        workload["spec"] = json!({
            "replicas": 1,
            "serviceName": format!("{}-headless", self.name),
            "podManagementPolicy": "Parallel",
            "selector": { "matchLabels": selector },
            "volumeClaimTemplates": [claim],
            "template": {
                "metadata": { "labels": selector },
                "spec": {
                    "serviceAccountName": format!("vc-{}", self.name),
                    "containers": [{ "name": "syncer", "image": "ghcr.io/loft-sh/vcluster-oss:0.36.1" }],
                },
            },
        });
        workload
    }

    fn object(&self, api_version: &str, kind: &str, name: &str) -> Value {
        json!({
            "apiVersion": api_version, "kind": kind,
            "metadata": {
                "name": name,
                "namespace": self.namespace,
                "creationTimestamp": three_days_ago(),
                "labels": {
                    "app": "vcluster", "chart": "vcluster-0.36.1", "release": self.name, "heritage": "Helm",
                    "app.kubernetes.io/managed-by": "Helm",
                },
                "annotations": {
                    "meta.helm.sh/release-name": self.name,
                    "meta.helm.sh/release-namespace": self.namespace,
                },
            },
        })
    }

    fn tenant_pod(&self, index: usize) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": format!("web-{index}-x-default-x-{}", self.name),
                "namespace": self.namespace,
                "labels": {
                    "app": "web",
                    "vcluster.loft.sh/managed-by": self.name,
                    "vcluster.loft.sh/namespace": "default",
                },
                "annotations": {
                    "vcluster.loft.sh/object-name": format!("web-{index}"),
                    "vcluster.loft.sh/object-namespace": "default",
                },
            },
            "spec": { "containers": [{ "name": "web", "image": "nginx:1" }] },
        })
    }

    /// Helm's record of revision 1, as `helm` or `vcluster` would have left it.
    fn record(&self, objects: &[Value]) -> Value {
        let documents = objects
            .iter()
            .map(|object| format!("---\n# Source: vcluster/templates/all.yaml\n{object}\n"));
        let release = json!({
            "name": self.name, "namespace": self.namespace, "version": 1, "config": {}, "hooks": [],
            "manifest": documents.collect::<String>(),
            "info": {
                "first_deployed": three_days_ago(), "last_deployed": three_days_ago(), "deleted": "",
                "description": "Install complete", "status": "deployed",
            },
            "chart": {
                "metadata": { "name": "vcluster", "version": "0.36.1", "apiVersion": "v2", "appVersion": "0.36.1" },
                "templates": [], "values": {}, "schema": null, "files": [], "lock": null,
            },
        });
        let mut secret = release::secret(&release);
        secret["metadata"]["creationTimestamp"] = three_days_ago().into();
        secret
    }
}

/// An age that reads the same however long the test takes.
pub(crate) fn three_days_ago() -> String {
    let then = Timestamp::now() - SignedDuration::from_hours(73);
    Timestamp::from_second(then.as_second())
        .unwrap_or(then)
        .to_string()
}
