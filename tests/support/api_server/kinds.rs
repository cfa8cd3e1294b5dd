//! Which kinds the server in memory knows, and under which path.

/// One resource as discovery names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ResourceKind {
    /// API group, empty for the core group.
    pub(crate) group: &'static str,
    /// Version, such as `v1`.
    pub(crate) version: &'static str,
    /// Plural name in paths.
    pub(crate) plural: &'static str,
    /// Kind of one object.
    pub(crate) kind: &'static str,
    /// Whether objects live in a namespace.
    pub(crate) is_namespaced: bool,
}

impl ResourceKind {
    /// `apiVersion` of an object of this kind.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// The name that error messages use: `statefulsets.apps`.
    pub(crate) fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.plural.to_owned()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// Path of an object of this kind.
    pub(crate) fn path(&self, namespace: &str, name: &str) -> String {
        let root = if self.group.is_empty() {
            "/api"
        } else {
            "/apis"
        };
        let namespace = if namespace.is_empty() {
            String::new()
        } else {
            format!("/namespaces/{namespace}")
        };
        format!(
            "{root}/{}{namespace}/{}/{name}",
            self.api_version(),
            self.plural
        )
    }
}

/// The kind behind a path.
pub(crate) fn by_path(group: &str, version: &str, plural: &str) -> Option<&'static ResourceKind> {
    KINDS
        .iter()
        .find(|kind| kind.group == group && kind.version == version && kind.plural == plural)
}

/// The kind that an object says it is.
pub(crate) fn by_object(api_version: &str, kind: &str) -> Option<&'static ResourceKind> {
    KINDS
        .iter()
        .find(|known| known.kind == kind && known.api_version() == api_version)
}

const fn namespaced(
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    kind: &'static str,
) -> ResourceKind {
    ResourceKind {
        group,
        version,
        plural,
        kind,
        is_namespaced: true,
    }
}

const fn cluster(
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    kind: &'static str,
) -> ResourceKind {
    ResourceKind {
        group,
        version,
        plural,
        kind,
        is_namespaced: false,
    }
}

/// Every kind, grouped as `/apis` lists them.
pub(crate) const KINDS: &[ResourceKind] = &[
    cluster("", "v1", "namespaces", "Namespace"),
    cluster("", "v1", "nodes", "Node"),
    cluster("", "v1", "persistentvolumes", "PersistentVolume"),
    namespaced("", "v1", "configmaps", "ConfigMap"),
    namespaced("", "v1", "endpoints", "Endpoints"),
    namespaced("", "v1", "events", "Event"),
    namespaced("", "v1", "limitranges", "LimitRange"),
    namespaced("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim"),
    namespaced("", "v1", "pods", "Pod"),
    namespaced("", "v1", "resourcequotas", "ResourceQuota"),
    namespaced("", "v1", "secrets", "Secret"),
    namespaced("", "v1", "serviceaccounts", "ServiceAccount"),
    namespaced("", "v1", "services", "Service"),
    namespaced("apps", "v1", "controllerrevisions", "ControllerRevision"),
    namespaced("apps", "v1", "daemonsets", "DaemonSet"),
    namespaced("apps", "v1", "deployments", "Deployment"),
    namespaced("apps", "v1", "replicasets", "ReplicaSet"),
    namespaced("apps", "v1", "statefulsets", "StatefulSet"),
    namespaced("batch", "v1", "cronjobs", "CronJob"),
    namespaced("batch", "v1", "jobs", "Job"),
    namespaced(
        "autoscaling",
        "v2",
        "horizontalpodautoscalers",
        "HorizontalPodAutoscaler",
    ),
    namespaced("rbac.authorization.k8s.io", "v1", "roles", "Role"),
    namespaced(
        "rbac.authorization.k8s.io",
        "v1",
        "rolebindings",
        "RoleBinding",
    ),
    cluster(
        "rbac.authorization.k8s.io",
        "v1",
        "clusterroles",
        "ClusterRole",
    ),
    cluster(
        "rbac.authorization.k8s.io",
        "v1",
        "clusterrolebindings",
        "ClusterRoleBinding",
    ),
    namespaced("networking.k8s.io", "v1", "ingresses", "Ingress"),
    namespaced(
        "networking.k8s.io",
        "v1",
        "networkpolicies",
        "NetworkPolicy",
    ),
    cluster("networking.k8s.io", "v1", "ingressclasses", "IngressClass"),
    namespaced(
        "policy",
        "v1",
        "poddisruptionbudgets",
        "PodDisruptionBudget",
    ),
    namespaced("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"),
    cluster("storage.k8s.io", "v1", "storageclasses", "StorageClass"),
    cluster("storage.k8s.io", "v1", "csidrivers", "CSIDriver"),
    cluster("storage.k8s.io", "v1", "csinodes", "CSINode"),
    namespaced(
        "storage.k8s.io",
        "v1",
        "csistoragecapacities",
        "CSIStorageCapacity",
    ),
    cluster(
        "storage.k8s.io",
        "v1",
        "volumeattachments",
        "VolumeAttachment",
    ),
    namespaced("events.k8s.io", "v1", "events", "Event"),
    cluster(
        "scheduling.k8s.io",
        "v1",
        "priorityclasses",
        "PriorityClass",
    ),
    cluster("node.k8s.io", "v1", "runtimeclasses", "RuntimeClass"),
    namespaced("coordination.k8s.io", "v1", "leases", "Lease"),
    namespaced("metrics.k8s.io", "v1beta1", "pods", "PodMetrics"),
    cluster(
        "authorization.k8s.io",
        "v1",
        "selfsubjectaccessreviews",
        "SelfSubjectAccessReview",
    ),
    cluster(
        "authorization.k8s.io",
        "v1",
        "selfsubjectrulesreviews",
        "SelfSubjectRulesReview",
    ),
    cluster(
        "authentication.k8s.io",
        "v1",
        "selfsubjectreviews",
        "SelfSubjectReview",
    ),
    cluster(
        "apiextensions.k8s.io",
        "v1",
        "customresourcedefinitions",
        "CustomResourceDefinition",
    ),
    cluster("apiregistration.k8s.io", "v1", "apiservices", "APIService"),
    cluster(
        "admissionregistration.k8s.io",
        "v1",
        "validatingwebhookconfigurations",
        "ValidatingWebhookConfiguration",
    ),
    cluster(
        "admissionregistration.k8s.io",
        "v1",
        "mutatingwebhookconfigurations",
        "MutatingWebhookConfiguration",
    ),
];
