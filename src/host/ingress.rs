//! The few fields that we read of an Ingress.

use serde::Deserialize;

use super::read::{HasMetadata, Metadata};
use super::service::Status;

/// An Ingress.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ingress {
    metadata: Metadata,
    spec: Spec,
    status: Status,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Rule {
    host: Option<String>,
}

impl HasMetadata for Ingress {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}

impl Ingress {
    /// Where it can be reached: by the host of its first rule, else by the address that its controller has given it.
    pub fn exposed(&self) -> Option<String> {
        let host = self.spec.rules.first().and_then(|rule| rule.host.clone());
        let host = host.filter(|host| !host.is_empty() && !host.contains('*'));
        let host = host.or_else(|| self.status.address().map(str::to_owned))?;
        Some(format!("https://{host}"))
    }
}
