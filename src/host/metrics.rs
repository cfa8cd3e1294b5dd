//! What pods use, where the host measures it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::timeout;

use super::read::Metadata;
use super::{Collection, Host};

/// Measurements are a courtesy: an answer is not waited for longer than this.
const PATIENCE: Duration = Duration::from_secs(1);

/// What one pod uses.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodMetrics {
    /// Whose figures these are.
    pub metadata: Metadata,
    containers: Vec<ContainerMetrics>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ContainerMetrics {
    usage: BTreeMap<String, String>,
}

impl PodMetrics {
    /// What its containers use of a resource, such as `cpu`, each as the host writes it.
    pub fn usage<'a>(&'a self, resource: &'a str) -> impl Iterator<Item = &'a str> {
        self.containers
            .iter()
            .filter_map(move |container| container.usage.get(resource))
            .map(String::as_str)
    }
}

impl Host {
    /// What the pods of a namespace use; `None` where nobody measures it, or says so in time. One request.
    pub async fn fetch_metrics(&self, namespace: &str) -> Option<Vec<PodMetrics>> {
        let collection = Collection::of("PodMetrics", Some(namespace));
        let list = self.list::<PodMetrics>(&collection, "");
        timeout(PATIENCE, list).await.ok()?.ok()
    }
}
