//! The cluster that virtual clusters live in, reached by one context of a kubeconfig.
//!
//! This module and `tunnel` are the only ones that hold a `kube::Client`. It answers in small typed views
//! ([`read`]) or raw JSON, retries what is safe to retry, and turns refusals into [`HostError`]. It knows nothing of
//! virtual clusters; [`explain`] knows what the host's own words mean to a user.

mod cause;
pub mod claim;
mod client;
mod connect;
mod error;
mod event;
pub mod explain;
pub mod ingress;
mod last_words;
pub mod log;
pub mod metrics;
mod node;
pub mod read;
mod renew;
mod request;
mod resource;
pub mod rights;
pub mod service;
mod watch;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::cluster::{Namespace, Object, ObjectRef};
use crate::helm::LookupKey;

pub use error::{Call, Distrust, HostError};
pub use last_words::printable;
pub use renew::Source;
pub use request::Patch;
pub use resource::{Collection, Discovered};
pub use watch::Watch;

/// The name under which we own fields; Helm 4's own, so that a later `helm upgrade` meets no conflict.
const FIELD_MANAGER: &str = "helm";
/// Objects asked for in one page of a list, as kubectl does.
const PAGE_SIZE: usize = 500;

/// What the audit log of a host calls a command of ours.
pub const AGENT: &str = concat!("vc/", env!("CARGO_PKG_VERSION"));
/// What it calls the agent in the background.
pub const BACKGROUND_AGENT: &str = concat!("vc/", env!("CARGO_PKG_VERSION"), " (agent)");

/// How an object is applied.
#[derive(Clone, Copy, Debug)]
pub struct Apply {
    /// Take over fields that other managers have set; else that is a conflict.
    pub force: bool,
    /// Have everything checked and nothing done.
    pub is_dry_run: bool,
}

/// A reachable host: a client and what identifies it.
#[derive(Clone)]
pub struct Host {
    client: kube::Client,
    /// The context it was reached by.
    pub context: String,
    /// The address of its API server.
    pub server: String,
    /// The namespace that its context names.
    pub namespace: Option<Namespace>,
}

/// What `/version` says.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// For example `v1.36.3`.
    pub git_version: String,
}

impl Host {
    /// The client, for a tunnel.
    pub fn client(&self) -> kube::Client {
        self.client.clone()
    }

    /// The version of the host.
    pub async fn fetch_version(&self) -> Result<Version, HostError> {
        let call = Call::new("get", "/version");
        self.get_json("/version", &call).await
    }

    /// One object, or `None` where there is none.
    pub async fn fetch<T: serde::de::DeserializeOwned>(
        &self,
        collection: &Collection,
        name: &str,
    ) -> Result<Option<T>, HostError> {
        let call = collection.call("get").named(name);
        match self.get_json(&collection.item(name), &call).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// One object by its reference, as JSON.
    pub async fn fetch_object(&self, object: &ObjectRef) -> Result<Option<Value>, HostError> {
        let collection = self.collection_of(object).await?;
        self.fetch(&collection, &object.name).await
    }

    /// What a chart's `lookup` answers: one object, or the list of all without a name, or an empty map.
    pub async fn look_up(&self, key: &LookupKey) -> Result<Value, HostError> {
        let object = ObjectRef {
            api_version: key.api_version.clone(),
            kind: key.kind.clone(),
            namespace: Some(key.namespace.clone()).filter(|namespace| !namespace.is_empty()),
            name: key.name.clone(),
        };
        let collection = self.collection_of(&object).await?;
        if key.name.is_empty() {
            let items: Vec<Value> = self.list(&collection, "").await?;
            return Ok(json!({ "items": items }));
        }
        Ok(self
            .fetch(&collection, &key.name)
            .await?
            .unwrap_or_else(|| json!({})))
    }

    /// Every object of a collection that carries the labels, page by page.
    pub async fn list<T: serde::de::DeserializeOwned>(
        &self,
        collection: &Collection,
        selector: &str,
    ) -> Result<Vec<T>, HostError> {
        Ok(self.list_where(collection, selector, "").await?.0)
    }

    /// Every object of a collection of which a field has that value, such as `type=Warning`.
    pub async fn list_by_field<T: serde::de::DeserializeOwned>(
        &self,
        collection: &Collection,
        field: &str,
    ) -> Result<Vec<T>, HostError> {
        Ok(self.list_where(collection, "", field).await?.0)
    }

    /// Applies an object by server-side apply, as Helm 4 does, and returns it as the host keeps it.
    pub async fn apply(&self, object: &Object) -> Result<Value, HostError> {
        let how = Apply {
            force: true,
            is_dry_run: false,
        };
        self.apply_so(object, how).await
    }

    /// The same, and how.
    pub async fn apply_so(&self, object: &Object, how: Apply) -> Result<Value, HostError> {
        let collection = self.collection_of(&object.reference).await?;
        let call = collection.call("patch").named(&object.reference.name);
        let path = format!(
            "{}?fieldManager={FIELD_MANAGER}&force={}{}",
            collection.item(&object.reference.name),
            how.force,
            dry_run(how.is_dry_run)
        );
        self.send_json(Patch::Apply, &path, &object.body, &call)
            .await
    }

    /// Changes the named fields of an object and leaves the others.
    pub async fn merge_patch(
        &self,
        collection: &Collection,
        name: &str,
        change: &Value,
    ) -> Result<Value, HostError> {
        self.merge_patch_so(collection, name, change, false).await
    }

    /// The same, perhaps only tried.
    pub async fn merge_patch_so(
        &self,
        collection: &Collection,
        name: &str,
        change: &Value,
        is_dry_run: bool,
    ) -> Result<Value, HostError> {
        let call = collection.call("patch").named(name);
        let path = format!(
            "{}?fieldManager={FIELD_MANAGER}{}",
            collection.item(name),
            dry_run(is_dry_run)
        );
        self.send_json(Patch::Merge, &path, change, &call).await
    }

    /// Creates an object; one that is already there is [`HostError::is_already_there`].
    pub async fn create(&self, collection: &Collection, body: &Value) -> Result<Value, HostError> {
        self.create_so(collection, body, false).await
    }

    /// The same, perhaps only tried.
    pub async fn create_so(
        &self,
        collection: &Collection,
        body: &Value,
        is_dry_run: bool,
    ) -> Result<Value, HostError> {
        let call = collection.call("create");
        let path = format!(
            "{}?fieldManager={FIELD_MANAGER}{}",
            collection.path(),
            dry_run(is_dry_run)
        );
        self.send_json(Patch::Create, &path, body, &call).await
    }

    /// Replaces an object whose `resourceVersion`, if the body has one, must still be current.
    pub async fn replace(
        &self,
        collection: &Collection,
        name: &str,
        body: &Value,
    ) -> Result<Value, HostError> {
        let call = collection.call("update").named(name);
        let path = format!("{}?fieldManager={FIELD_MANAGER}", collection.item(name));
        self.send_json(Patch::Replace, &path, body, &call).await
    }

    /// Deletes one object, and what it owns after it. One that is not there is as good as deleted.
    pub async fn delete(&self, collection: &Collection, name: &str) -> Result<(), HostError> {
        let call = collection.call("delete").named(name);
        let body =
            json!({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"});
        match self
            .send_json::<Value>(Patch::Delete, &collection.item(name), &body, &call)
            .await
        {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }

    /// Deletes everything in a collection that carries the labels; with `grace`, pods get that many seconds to end.
    pub async fn delete_all(
        &self,
        collection: &Collection,
        selector: &str,
        grace: Option<u32>,
    ) -> Result<(), HostError> {
        let call = collection.call("deletecollection");
        let mut path = collection.path();
        if !selector.is_empty() {
            path.extend(["?labelSelector=", &request::escape(selector)]);
        }
        let mut body =
            json!({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"});
        if let Some(seconds) = grace {
            body["gracePeriodSeconds"] = Value::from(seconds);
        }
        self.send_json::<Value>(Patch::Delete, &path, &body, &call)
            .await
            .map(|_| ())
    }

    /// Whether the host would let us do something; if not, the refusal that it would give.
    pub async fn check_right(
        &self,
        verb: &'static str,
        resource: &str,
        subresource: &str,
        namespace: &str,
    ) -> Result<(), HostError> {
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": {
                "verb": verb, "resource": resource, "subresource": subresource, "namespace": namespace,
            } },
        });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let asked = Call::new("create", "selfsubjectaccessreviews.authorization.k8s.io");
        let answer: Value = self.send_json(Patch::Create, path, &review, &asked).await?;
        if answer["status"]["allowed"] == true {
            return Ok(());
        }
        let mut call = Call::new(verb, &format!("{resource}/{subresource}"));
        call.namespace = Some(namespace.to_owned());
        let message =
            format!("you cannot {verb} resource {resource}/{subresource} in namespace {namespace}");
        let reason = "Forbidden".to_owned();
        Err(HostError::Refused {
            call: Box::new(call),
            code: 403,
            reason,
            message,
            retry_after: None,
        })
    }

    /// The collection that an object belongs to; asks the host's discovery only for kinds that are not well known.
    pub async fn collection_of(&self, object: &ObjectRef) -> Result<Collection, HostError> {
        if let Some(collection) = Collection::well_known(object) {
            return Ok(collection);
        }
        let path = resource::group_path(&object.api_version);
        let call = Call::new("get", &path);
        let resources: Value = self.get_json(&path, &call).await.map_err(|error| {
            if error.is_not_found() {
                HostError::UnknownKind {
                    object: Box::new(object.clone()),
                }
            } else {
                error
            }
        })?;
        Collection::discovered(object, &resources).ok_or_else(|| HostError::UnknownKind {
            object: Box::new(object.clone()),
        })
    }

    /// Every namespaced kind that the host can list and delete, by its aggregated discovery (two requests).
    pub async fn fetch_namespaced_kinds(&self) -> Result<Vec<Discovered>, HostError> {
        let (mut kinds, of_groups) =
            tokio::try_join!(self.get_kinds("/api"), self.get_kinds("/apis"))?;
        kinds.extend(of_groups);
        Ok(kinds)
    }

    /// Every `group/version` and `group/version/Kind` that the host serves, by its aggregated discovery (two requests).
    pub async fn fetch_api_versions(&self) -> Result<Vec<String>, HostError> {
        let read = resource::api_versions;
        let (mut versions, of_groups) = tokio::try_join!(
            self.get_discovery("/api", read),
            self.get_discovery("/apis", read)
        )?;
        versions.extend(of_groups);
        Ok(versions)
    }

    /// The objects that match, and the state of the host that the list shows.
    async fn list_where<T: serde::de::DeserializeOwned>(
        &self,
        collection: &Collection,
        label_selector: &str,
        field_selector: &str,
    ) -> Result<(Vec<T>, String), HostError> {
        let call = collection.call("list");
        let mut items = Vec::new();
        let mut proceed = String::new();
        loop {
            let mut path = format!("{}?limit={PAGE_SIZE}", collection.path());
            let parameters = [
                ("labelSelector", label_selector),
                ("fieldSelector", field_selector),
                ("continue", &proceed),
            ];
            for (key, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
                path.extend(["&", key, "=", &request::escape(value)]);
            }
            let page: read::List<T> = match self.get_json(&path, &call).await {
                Ok(page) => page,
                // The continue token has expired: the pages already read belong to a past the host has forgotten.
                Err(error) if error.is_expired() && !proceed.is_empty() => {
                    items.clear();
                    proceed.clear();
                    continue;
                }
                Err(error) => return Err(error),
            };
            items.extend(page.items);
            proceed = page.metadata.proceed.unwrap_or_default();
            if proceed.is_empty() {
                return Ok((items, page.metadata.resource_version.unwrap_or_default()));
            }
        }
    }
}

/// The parameter that has a change checked and not made.
fn dry_run(is_dry_run: bool) -> &'static str {
    if is_dry_run { "&dryRun=All" } else { "" }
}
