//! Names that are valid by construction.

use std::fmt;

use serde::Serialize;

/// The longest name whose derived names are all legal.
///
/// The StatefulSet controller labels pods with `<name>-<10 characters of hash>`, and a label value ends at 63.
const LONGEST_NAME: usize = 52;
/// A namespace is a DNS label (RFC 1123).
const LONGEST_NAMESPACE: usize = 63;

/// The name of a virtual cluster: a DNS label that starts with a letter, short enough for every name derived from it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Name(String);

/// The name of a namespace of the host: a DNS label.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Namespace(String);

/// Why a text cannot be a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` cannot be the name of a {what}: {reason}")]
pub struct InvalidName {
    text: String,
    what: &'static str,
    reason: String,
}

impl Name {
    /// Accepts a name that Kubernetes accepts for everything a virtual cluster is made of.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let what = "virtual cluster";
        check_label(text, what, LONGEST_NAME)?;
        // Its Service is a DNS label by RFC 1035, which may not start with a digit.
        if text.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(InvalidName::new(
                text,
                what,
                "it starts with a digit, which the name of a Service may not",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The namespace a cluster of this name goes to when none is given, as the `vcluster` CLI has it.
    pub fn default_namespace(&self) -> Namespace {
        Namespace(format!("vcluster-{}", self.0))
    }
}

impl Namespace {
    /// Accepts what Kubernetes accepts as the name of a namespace.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        check_label(text, "namespace", LONGEST_NAMESPACE)?;
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl InvalidName {
    fn new(text: &str, what: &'static str, reason: impl Into<String>) -> Self {
        Self {
            text: text.to_owned(),
            what,
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// One virtual cluster on a host: its namespace and its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterRef {
    /// The namespace of the host that holds it.
    pub namespace: Namespace,
    /// Its name.
    pub name: Name,
}

impl ClusterRef {
    /// The labels that its control-plane workload and pods carry, as a selector; the contract with `vcluster`.
    pub fn selector(&self) -> String {
        format!("app=vcluster,release={}", self.name)
    }

    /// The Secret in which the control plane puts its kubeconfig.
    pub fn kubeconfig_secret(&self) -> String {
        format!("vc-{}", self.name)
    }
}

impl fmt::Display for ClusterRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` in `{}`", self.name, self.namespace)
    }
}

fn check_label(text: &str, what: &'static str, longest: usize) -> Result<(), InvalidName> {
    let refuse = |reason: String| Err(InvalidName::new(text, what, reason));
    if text.is_empty() {
        return refuse("it is empty".to_owned());
    }
    if let Some(bad) = text
        .chars()
        .find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-'))
    {
        return refuse(format!(
            "it holds `{bad}`, and only a-z, 0-9 and `-` are allowed"
        ));
    }
    if text.starts_with('-') || text.ends_with('-') {
        return refuse("it starts or ends with `-`".to_owned());
    }
    if text.len() > longest {
        return refuse(format!(
            "it has {} characters, and {longest} is the most",
            text.len()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_kubernetes_would_refuse_are_refused_with_the_reason() {
        let reason = |text: &str| Name::parse(text).expect_err(text).to_string();
        insta::assert_snapshot!(reason(""), @"`` cannot be the name of a virtual cluster: it is empty");
        insta::assert_snapshot!(reason("Dev"), @"`Dev` cannot be the name of a virtual cluster: it holds `D`, and only a-z, 0-9 and `-` are allowed");
        insta::assert_snapshot!(reason("dev-"), @"`dev-` cannot be the name of a virtual cluster: it starts or ends with `-`");
        insta::assert_snapshot!(reason("1dev"), @"`1dev` cannot be the name of a virtual cluster: it starts with a digit, which the name of a Service may not");
        insta::assert_snapshot!(reason(&"a".repeat(53)), @"`aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa` cannot be the name of a virtual cluster: it has 53 characters, and 52 is the most");
    }

    #[test]
    fn the_longest_name_fits_everything_derived_from_it() {
        let name = Name::parse(&"a".repeat(LONGEST_NAME)).expect("the longest name is a name");
        assert!(Namespace::parse(name.default_namespace().as_str()).is_ok());
        assert!(format!("{name}-headless").len() <= 63);
        assert!(format!("{name}-0123456789").len() <= 63);
    }
}
