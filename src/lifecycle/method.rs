//! How one object is changed: by the server, or by a patch that is computed here; and what the host says against it.

use serde_json::Value;

use crate::cluster::{Object, ObjectRef};
use crate::error::{Error, Kind};
use crate::helm::three_way;
use crate::host::{Host, HostError};

/// How often a patch is made anew when somebody else changes its object meanwhile.
const ATTEMPTS: usize = 4;

/// How objects are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// By server-side apply, as Helm 4 does; with `force`, fields that others have set are taken over.
    Server { force: bool },
    /// By patches that are computed here, as Helm 3 does.
    Client,
}

impl Method {
    /// What Helm 4 calls its choice `auto`: as the last revision was.
    pub(super) fn of(apply_method: Option<&str>, force: bool) -> Self {
        if apply_method == Some("ssa") {
            Self::Server { force }
        } else {
            Self::Client
        }
    }

    /// The word in the record.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Server { .. } => "ssa",
            Self::Client => "csa",
        }
    }
}

/// Changes an object by a patch from what it is to what it is to be, as long as nobody else changes it meanwhile.
pub(super) async fn patch(
    host: &Host,
    object: &Object,
    before: &[Value],
    mut live: Option<Value>,
    is_dry_run: bool,
) -> Result<Value, HostError> {
    let reference = &object.reference;
    let collection = host.collection_of(reference).await?;
    let has_types = collection.is_well_known();
    for attempt in 1.. {
        let Some(found) = live else {
            return host.create_so(&collection, &object.body, is_dry_run).await;
        };
        let merged = merged(before, found.clone(), &object.body, has_types);
        let Some(mut change) = three_way::patch(&found, &merged) else {
            return Ok(found);
        };
        change["metadata"]["resourceVersion"] = found["metadata"]["resourceVersion"].clone();
        let patched = host
            .merge_patch_so(&collection, &reference.name, &change, is_dry_run)
            .await;
        match patched {
            Err(error) if error.is_conflict() && attempt < ATTEMPTS => {
                live = host.fetch(&collection, &reference.name).await?;
            }
            patched => return patched,
        }
    }
    unreachable!("the last attempt returns")
}

/// What an object is to become, when it comes from one of several revisions: the running one, or one that failed.
pub(super) fn merged(before: &[Value], live: Value, wish: &Value, has_types: bool) -> Value {
    if has_types {
        let merge = |live, before| three_way::merge(before, &live, wish, true);
        return before.iter().fold(merge(live, &Value::Null), merge);
    }
    // As Helm 3 does for kinds that it has no types of: only what the chart changed.
    let merge = |live, before| match three_way::patch(before, wish) {
        Some(change) => three_way::merge(&Value::Null, &live, &change, false),
        None => live,
    };
    before.iter().fold(live, merge)
}

/// Whether an admission hook of the host cannot be tried.
pub(super) fn has_no_dry_run(error: &HostError) -> bool {
    error.to_string().contains("does not support dry run")
}

/// What the host would say to a change, in our words.
pub(super) fn would_refuse(reference: &ObjectRef, error: HostError) -> Error {
    let (is_conflict, is_invalid) = (error.is_conflict(), error.is_invalid());
    let cause = error.to_string();
    if is_conflict {
        let mut error = Error::new(
            Kind::Failed,
            format!("another program has set what this would change of {reference}"),
        );
        error.push_cause(cause);
        return error.hint("`--force-conflicts` takes those fields over");
    }
    if is_invalid {
        let mut error = Error::new(
            Kind::Failed,
            format!("{reference} cannot be changed so; nothing was touched"),
        );
        error.push_cause(cause);
        return error
            .hint("leave that out, or make another cluster with these values, and delete this one when you need it no more");
    }
    Error::from(error).within(format!(
        "{reference} cannot be changed; nothing was touched"
    ))
}
