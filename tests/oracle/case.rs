//! One comparison: a chart and what it is rendered with.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// What both sides are given.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Case {
    /// Files by their path in the chart; text only.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) files: BTreeMap<String, String>,
    /// A folder or archive instead of files.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) path: String,
    /// Values files, later ones over earlier ones.
    pub(crate) values: Vec<String>,
    /// Arguments of `--set`.
    pub(crate) set: Vec<String>,
    pub(crate) release: String,
    pub(crate) namespace: String,
    pub(crate) is_upgrade: bool,
    pub(crate) revision: u64,
    pub(crate) kube_version: String,
    pub(crate) api_versions: Vec<String>,
}

/// The text of every template by its name, or why there is none.
pub(crate) type Outcome = Result<BTreeMap<String, String>, String>;

/// The same as the programs write it.
#[derive(Deserialize)]
pub(crate) struct Answer {
    #[serde(default)]
    pub(crate) rendered: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) error: String,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            files: BTreeMap::new(),
            path: String::new(),
            values: Vec::new(),
            set: Vec::new(),
            release: "demo".to_owned(),
            namespace: "team".to_owned(),
            is_upgrade: false,
            revision: 1,
            kube_version: "v1.36.3".to_owned(),
            api_versions: ["v1", "apps/v1", "batch/v1", "networking.k8s.io/v1"]
                .map(str::to_owned)
                .to_vec(),
        }
    }
}

/// How two outcomes differ; `None` when both are the same text or both are failures.
pub(crate) fn difference(helm: &Outcome, ours: &Outcome) -> Option<String> {
    match (helm, ours) {
        (Err(_), Err(_)) => None,
        (Ok(_), Err(problem)) => Some(format!("Helm renders it; here: {problem}")),
        (Err(problem), Ok(_)) => Some(format!("Helm refuses it: {problem}")),
        (Ok(helm), Ok(ours)) if helm == ours => None,
        (Ok(helm), Ok(ours)) => {
            let mut text = String::new();
            let names: std::collections::BTreeSet<_> = helm.keys().chain(ours.keys()).collect();
            for name in names {
                let (theirs, ours) = (helm.get(name), ours.get(name));
                if theirs != ours {
                    let _ = writeln!(text, "{name}\n  Helm: {theirs:?}\n  here: {ours:?}");
                }
            }
            Some(text)
        }
    }
}
