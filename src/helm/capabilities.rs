//! What templates see of the cluster as `.Capabilities`, and what they asked of it that is not known yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The Kubernetes version that Helm 4.3.1 renders for where there is no cluster.
const KUBE_VERSION: &str = "v1.37.0";
/// The API versions that Helm 4.3.1 takes for granted where there is no cluster.
const API_VERSIONS: &[&str] = &[
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "lifecycle.k8s.io/v1alpha1",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];

/// What templates see as `.Capabilities`.
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// The version of the cluster, for example `v1.36.3`.
    pub kube_version: String,
    /// What the cluster serves.
    pub api_versions: ApiVersions,
}

impl Default for Capabilities {
    /// What Helm takes for granted where there is no cluster.
    fn default() -> Self {
        Self {
            kube_version: KUBE_VERSION.to_owned(),
            api_versions: ApiVersions::known(API_VERSIONS.iter().map(|one| (*one).to_owned())),
        }
    }
}

/// Group versions, and `group/version/Kind` for what charts ask in that form.
#[derive(Clone, Debug)]
pub struct ApiVersions {
    known: Vec<String>,
    /// Whether a template looked, where they are not known.
    was_asked: Option<Arc<AtomicBool>>,
}

impl ApiVersions {
    /// These and no others.
    pub fn known(versions: impl IntoIterator<Item = String>) -> Self {
        Self {
            known: versions.into_iter().collect(),
            was_asked: None,
        }
    }

    /// Not known yet; a render that looks at them says so.
    pub fn unknown() -> Self {
        Self {
            known: Vec::new(),
            was_asked: Some(Arc::default()),
        }
    }

    /// Adds some to those that are known.
    pub fn extend(&mut self, versions: impl IntoIterator<Item = String>) {
        self.known.extend(versions);
    }

    /// All of them, for a template.
    pub(super) fn look(&self) -> &[String] {
        if let Some(was_asked) = &self.was_asked {
            was_asked.store(true, Ordering::Relaxed);
        }
        &self.known
    }

    /// Whether a template has looked at what is not known.
    pub(super) fn are_needed(&self) -> bool {
        let was_asked = self.was_asked.as_ref();
        was_asked.is_some_and(|was_asked| was_asked.load(Ordering::Relaxed))
    }
}
