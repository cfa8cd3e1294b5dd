//! Rendered text as Kubernetes objects: split, told apart from hooks, in the order of installation.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::engine::is_partial;
use super::metadata::{field_of, scalar_text};
use super::yaml::{self, Numbers, YamlError};

/// One object of a release.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The template it came from, for example `vcluster/templates/service.yaml`.
    pub source: String,
    /// The text, as rendered.
    pub text: String,
    /// The same, read; null when the text holds only comments.
    pub object: Value,
}

/// An object that Helm creates at a moment of the release's life instead of owning it.
#[derive(Clone, Debug, PartialEq)]
pub struct Hook {
    /// The object.
    pub manifest: Manifest,
    /// `metadata.name`.
    pub name: String,
    /// `kind`.
    pub kind: String,
    /// For example `pre-install`.
    pub events: Vec<String>,
    /// Lighter ones run first.
    pub weight: i64,
    /// For example `before-hook-creation`.
    pub delete_policies: Vec<String>,
    /// For example `hook-failed`.
    pub output_log_policies: Vec<String>,
}

/// Text that is no set of manifests.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// A document is no YAML.
    #[error("the template makes no valid YAML")]
    Yaml(#[from] YamlError),
    /// A document is a list or a plain value.
    #[error("`{0}` makes a document that is no object")]
    NoObject(String),
    /// What every object has is of a kind that it cannot be.
    #[error("`{template}` makes an object whose `{field}` {problem}")]
    Field {
        /// The template.
        template: String,
        /// For example `metadata.name`.
        field: String,
        /// What it is not.
        problem: &'static str,
    },
}

const INSTALL_ORDER: &[&str] = &[
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

static SEPARATOR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^---[ \t]*").expect("the pattern is a constant that a test compiles")
});

const HOOK_EVENTS: &[&str] = &[
    "pre-install",
    "post-install",
    "pre-delete",
    "post-delete",
    "pre-upgrade",
    "post-upgrade",
    "pre-rollback",
    "post-rollback",
    "test",
];

/// The text that goes into the release record.
pub(crate) fn to_text(manifests: &[Manifest]) -> String {
    let mut text = String::new();
    for manifest in manifests {
        let Manifest {
            source,
            text: document,
            ..
        } = manifest;
        let _ = write!(text, "---\n# Source: {source}\n{document}\n");
    }
    text
}

/// Reads the manifest of a release record.
pub fn parse_manifest_text(text: &str) -> Result<Vec<Manifest>, ManifestError> {
    split(text)
        .into_iter()
        .map(|document| {
            let (source, rest) = match document.strip_prefix("# Source: ") {
                Some(rest) => rest.split_once('\n').unwrap_or((rest, "")),
                None => ("", document),
            };
            let text = rest.strip_suffix('\n').unwrap_or(rest);
            Ok(Manifest {
                source: source.trim_end().to_owned(),
                text: text.to_owned(),
                object: object_of(text, source)?,
            })
        })
        .collect()
}

/// Sorts the rendered files into objects in install order and hooks.
pub(crate) fn sort(
    files: &BTreeMap<String, Vec<u8>>,
) -> Result<(Vec<Manifest>, Vec<Hook>), ManifestError> {
    let (mut manifests, mut hooks) = (Vec::new(), Vec::new());
    for (path, text) in files {
        if is_partial(path) {
            continue;
        }
        let text = yaml::utf8(text, path)?;
        for document in split(text) {
            let object = object_of(document, path).map_err(|error| error.within(text, document))?;
            check_head(&object, path)?;
            let manifest = Manifest {
                source: path.clone(),
                text: document.to_owned(),
                object,
            };
            match annotation(&manifest.object, "helm.sh/hook") {
                None => manifests.push(manifest),
                Some(events) => hooks.extend(hook_of(manifest, &events)),
            }
        }
    }
    manifests.sort_by_cached_key(|manifest| rank(kind_of(&manifest.object)));
    hooks.sort_by_cached_key(|hook: &Hook| rank(&hook.kind));
    Ok((manifests, hooks))
}

/// Known kinds by their place, unknown ones behind them by name.
fn rank(kind: &str) -> (usize, String) {
    match INSTALL_ORDER.iter().position(|known| *known == kind) {
        Some(place) => (place, String::new()),
        None => (INSTALL_ORDER.len(), kind.to_owned()),
    }
}

/// Splits at `---`, wherever a line starts with it, as Helm does.
pub(super) fn split(text: &str) -> Vec<&str> {
    SEPARATOR
        .split(text.trim_start())
        .filter(|document| !document.trim().is_empty())
        .map(str::trim_start)
        .collect()
}

fn object_of(text: &str, source: &str) -> Result<Value, ManifestError> {
    match yaml::parse_document(text, source, Numbers::Kept)? {
        object @ (Value::Object(_) | Value::Null) => Ok(object),
        _ => Err(ManifestError::NoObject(source.to_owned())),
    }
}

fn kind_of(object: &Value) -> &str {
    object.get("kind").and_then(Value::as_str).unwrap_or("")
}

/// Helm reads these fields of every document, and ends where they are not of their kind.
fn check_head(object: &Value, template: &str) -> Result<(), ManifestError> {
    let wrong = |field: &str, problem| ManifestError::Field {
        template: template.to_owned(),
        field: field.to_owned(),
        problem,
    };
    let Value::Object(fields) = object else {
        return Ok(());
    };
    for name in ["apiVersion", "kind"] {
        if field_of(fields, name).is_some_and(|value| scalar_text(value).is_none()) {
            return Err(wrong(name, "is no text"));
        }
    }
    let Some(metadata) = field_of(fields, "metadata") else {
        return Ok(());
    };
    let metadata = metadata
        .as_object()
        .ok_or_else(|| wrong("metadata", "is no map"))?;
    if field_of(metadata, "name").is_some_and(|value| scalar_text(value).is_none()) {
        return Err(wrong("metadata.name", "is no text"));
    }
    let Some(annotations) = field_of(metadata, "annotations") else {
        return Ok(());
    };
    let annotations = annotations
        .as_object()
        .ok_or_else(|| wrong("metadata.annotations", "is no map"))?;
    match annotations
        .iter()
        .find(|(_, value)| scalar_text(value).is_none())
    {
        Some((key, _)) => Err(wrong(&format!("metadata.annotations.{key}"), "is no text")),
        None => Ok(()),
    }
}

fn annotation(object: &Value, name: &str) -> Option<String> {
    let metadata = field_of(object.as_object()?, "metadata")?;
    let annotations = field_of(metadata.as_object()?, "annotations")?;
    scalar_text(annotations.get(name)?)
}

impl ManifestError {
    /// Counts the line from the start of all that the template makes, not of the document.
    fn within(mut self, whole: &str, document: &str) -> Self {
        if let Self::Yaml(error) = &mut self {
            let start = document.as_ptr().addr() - whole.as_ptr().addr();
            error.line += whole[..start].matches('\n').count() as u64;
        }
        self
    }
}

/// `None` for a hook of an unknown kind, which Helm leaves out.
fn hook_of(manifest: Manifest, events: &str) -> Option<Hook> {
    let events = words(events)
        .map(|event| match event.as_str() {
            "test-success" => Some("test".to_owned()),
            known if HOOK_EVENTS.contains(&known) => Some(event),
            _ => None,
        })
        .collect::<Option<Vec<_>>>()?;
    let object = &manifest.object;
    let policies = |name| annotation(object, name).map(|text| words(&text).collect());
    let weight = annotation(object, "helm.sh/hook-weight");
    let name = object
        .get("metadata")
        .and_then(|metadata| metadata.get("name"));
    Some(Hook {
        name: name.and_then(Value::as_str).unwrap_or("").to_owned(),
        kind: kind_of(object).to_owned(),
        events,
        weight: weight.and_then(|text| text.parse().ok()).unwrap_or(0),
        delete_policies: policies("helm.sh/hook-delete-policy").unwrap_or_default(),
        output_log_policies: policies("helm.sh/hook-output-log-policy").unwrap_or_default(),
        manifest,
    })
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(',').map(|word| word.trim().to_lowercase())
}
