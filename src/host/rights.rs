//! What the host lets us do, by its own word.

use std::fmt;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cluster::ObjectRef;

use super::{Call, Collection, Host, HostError, Patch};

/// Reviews asked for at once.
const AT_ONCE: usize = 8;

/// One thing that may or may not be done.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// For example `create`.
    pub verb: String,
    /// For example `apps`; empty for the core group.
    pub group: String,
    /// For example `pods/portforward`.
    pub resource: String,
    /// `None` for what is in no namespace.
    pub namespace: Option<String>,
}

impl fmt::Display for Right {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.verb, self.resource)?;
        if !self.group.is_empty() {
            write!(formatter, ".{}", self.group)?;
        }
        match &self.namespace {
            Some(namespace) => write!(formatter, " in `{namespace}`"),
            None => Ok(()),
        }
    }
}

impl Right {
    /// The right to do something with objects of that kind, if the kind is well known.
    pub fn to(verb: &str, object: &ObjectRef) -> Option<Self> {
        Some(Collection::well_known(object)?.right(verb))
    }

    /// The same for a part of the resource, such as `portforward`.
    #[must_use]
    pub fn on(mut self, subresource: &str) -> Self {
        self.resource = format!("{}/{subresource}", self.resource);
        self
    }
}

impl Collection {
    /// The right to do something with all of its objects.
    pub fn right(&self, verb: &str) -> Right {
        let call = self.call("get");
        let (resource, group) = call
            .resource
            .split_once('.')
            .unwrap_or((&call.resource, ""));
        Right {
            verb: verb.to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            namespace: self.namespace().map(str::to_owned),
        }
    }
}

/// What a `SelfSubjectRulesReview` says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Rules {
    resource_rules: Vec<Rule>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Rule {
    verbs: Vec<String>,
    api_groups: Vec<String>,
    resources: Vec<String>,
    resource_names: Vec<String>,
}

impl Rule {
    fn allows(&self, right: &Right) -> bool {
        let has =
            |list: &[String], wanted: &str| list.iter().any(|one| one == "*" || one == wanted);
        let of_any = right
            .resource
            .split_once('/')
            .map(|(_, sub)| format!("*/{sub}"));
        self.resource_names.is_empty()
            && has(&self.verbs, &right.verb)
            && has(&self.api_groups, &right.group)
            && (has(&self.resources, &right.resource)
                || of_any.is_some_and(|any| self.resources.contains(&any)))
    }
}

impl Host {
    /// Those of the rights that we do not have.
    ///
    /// One request tells most: what the host lists for the namespace. What is not in that list is asked for one by one,
    /// since a host may decide by more than its rules.
    pub async fn missing_rights(
        &self,
        wanted: Vec<Right>,
        namespace: &str,
    ) -> Result<Vec<Right>, HostError> {
        let rules = self.fetch_rules(namespace).await?;
        let is_listed = |right: &Right| rules.resource_rules.iter().any(|rule| rule.allows(right));
        let doubtful: Vec<Right> = wanted
            .into_iter()
            .filter(|right| !is_listed(right))
            .collect();
        let asked = doubtful.into_iter().map(|right| async move {
            Ok::<_, HostError>((!self.has_right(&right).await?).then_some(right))
        });
        let missing: Vec<Option<Right>> =
            stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
        Ok(missing.into_iter().flatten().collect())
    }

    async fn fetch_rules(&self, namespace: &str) -> Result<Rules, HostError> {
        let spec = json!({ "namespace": namespace });
        let status = self
            .review("SelfSubjectRulesReview", "selfsubjectrulesreviews", spec)
            .await?;
        // A list in another form is none: everything is asked for then.
        Ok(serde_json::from_value(status).unwrap_or_default())
    }

    async fn has_right(&self, right: &Right) -> Result<bool, HostError> {
        let (resource, subresource) = right
            .resource
            .split_once('/')
            .unwrap_or((&right.resource, ""));
        let spec = json!({ "resourceAttributes": {
            "verb": right.verb, "group": right.group, "resource": resource, "subresource": subresource,
            "namespace": right.namespace,
        } });
        let status = self
            .review("SelfSubjectAccessReview", "selfsubjectaccessreviews", spec)
            .await?;
        Ok(status["allowed"] == true)
    }

    async fn review(&self, kind: &str, plural: &str, spec: Value) -> Result<Value, HostError> {
        let body = json!({ "apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec });
        let path = format!("/apis/authorization.k8s.io/v1/{plural}");
        let call = Call::new("create", &format!("{plural}.authorization.k8s.io"));
        let mut answer: Value = self.send_json(Patch::Create, &path, &body, &call).await?;
        Ok(answer["status"].take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right(verb: &str, group: &str, resource: &str) -> Right {
        Right {
            verb: verb.to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            namespace: Some("team-a".to_owned()),
        }
    }

    #[test]
    fn rules_are_read_as_the_host_reads_them() {
        let rule = |rule: Value| serde_json::from_value::<Rule>(rule).unwrap();
        let all = rule(json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}));
        assert!(all.allows(&right("create", "apps", "statefulsets")));
        assert!(all.allows(&right("create", "", "pods/portforward")));
        let pods =
            rule(json!({"verbs": ["get"], "apiGroups": [""], "resources": ["pods", "*/log"]}));
        assert!(pods.allows(&right("get", "", "pods")));
        assert!(pods.allows(&right("get", "", "pods/log")));
        assert!(!pods.allows(&right("get", "", "pods/portforward")));
        assert!(!pods.allows(&right("list", "", "pods")));
        assert!(!pods.allows(&right("get", "apps", "pods")));
        let one = rule(json!({
            "verbs": ["get"], "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["mine"],
        }));
        assert!(!one.allows(&right("get", "", "secrets")));
    }

    #[test]
    fn a_right_reads_as_a_rule_is_written() {
        assert_eq!(
            right("patch", "apps", "statefulsets").to_string(),
            "patch statefulsets.apps in `team-a`"
        );
        let namespaces = Right {
            namespace: None,
            ..right("create", "", "namespaces")
        };
        assert_eq!(namespaces.to_string(), "create namespaces");
    }
}
