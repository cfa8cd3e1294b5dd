//! What contexts of virtual clusters are called.

use std::fmt;

use super::ClusterRef;

/// The variables of a template, by what stands for them.
const VARIABLES: [&str; 3] = ["name", "namespace", "host"];

/// A template for the names of contexts, in which `{name}`, `{namespace}` and `{host}` stand for a cluster's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextName(String);

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidContextName {
    /// There would be no name.
    #[error("it is empty")]
    Empty,
    /// A name that no file could hold on one line.
    #[error("it holds a character that cannot be shown")]
    Control,
    /// Something in braces that stands for nothing.
    #[error("`{{{0}}}` stands for nothing")]
    Variable(String),
    /// A brace without its other.
    #[error("a brace is not closed, or not opened")]
    Brace,
}

impl ContextName {
    /// Accepts a text whose braces hold what we know.
    pub fn parse(text: &str) -> Result<Self, InvalidContextName> {
        if text.trim().is_empty() {
            return Err(InvalidContextName::Empty);
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidContextName::Control);
        }
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let inner = rest[at..].strip_prefix('{');
            let (variable, after) = inner
                .and_then(|inner| inner.split_once('}'))
                .ok_or(InvalidContextName::Brace)?;
            if !VARIABLES.contains(&variable) {
                return Err(InvalidContextName::Variable(variable.to_owned()));
            }
            rest = after;
        }
        Ok(Self(text.to_owned()))
    }

    /// The template.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the context of one cluster.
    pub fn of(&self, reference: &ClusterRef, host_context: &str) -> String {
        // The host's context comes last, as it may hold anything.
        self.0
            .replace("{name}", reference.name.as_str())
            .replace("{namespace}", reference.namespace.as_str())
            .replace("{host}", host_context)
    }
}

impl Default for ContextName {
    /// As the `vcluster` CLI has it, so that it recognises ours.
    fn default() -> Self {
        Self("vcluster_{name}_{namespace}_{host}".to_owned())
    }
}

impl fmt::Display for ContextName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{Name, Namespace};

    #[test]
    fn variables_stand_for_the_clusters_own() {
        let reference = ClusterRef {
            namespace: Namespace::parse("team-a").unwrap(),
            name: Name::parse("dev").unwrap(),
        };
        let of = |template: &str| {
            ContextName::parse(template)
                .unwrap()
                .of(&reference, "a{name}")
        };
        assert_eq!(of("{name}"), "dev");
        assert_eq!(of("{host}/{namespace}-{name}"), "a{name}/team-a-dev");
        assert_eq!(
            ContextName::default().of(&reference, "kind"),
            "vcluster_dev_team-a_kind"
        );
    }

    #[test]
    fn a_template_that_cannot_be_meant_is_refused() {
        for wrong in ["", " ", "{user}", "{name", "name}", "{{name}}", "a\nb"] {
            assert!(ContextName::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
