//! What a new revision changes on the host: looked at with the host's own dry run, shown, and then carried out.
//!
//! The dry run finds what the host would refuse, such as an immutable field, before anything is touched.

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;

use super::create::AT_ONCE;
use super::difference;
use super::method::{Method, has_no_dry_run, merged, patch, would_refuse};
use crate::cluster::{ClusterRef, Object, ObjectRef, Plan, Tier};
use crate::driver::vcluster;
use crate::error::{Error, Kind};
use crate::host::{Apply, Host, HostError};
use crate::progress::Progress;

/// An object that Helm is asked to leave behind.
const KEEP: &str = "helm.sh/resource-policy";
/// What one object has before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is made.
    Created,
    /// It is changed.
    Changed,
    /// It goes, because it is no longer part of the release.
    Removed,
    /// It is no longer part of the release, and stays because it asks for that.
    Kept,
}

/// Everything that a revision changes.
#[derive(Debug)]
pub(super) struct Changes {
    method: Method,
    wanted: Vec<Change>,
    dropped: Vec<Dropped>,
}

/// An object that is wanted.
#[derive(Debug)]
struct Change {
    object: Object,
    /// What each of the revisions before wanted of it.
    before: Vec<Value>,
    live: Option<Value>,
    /// What the host says that it will be.
    after: Value,
    forces: bool,
}

/// An object that is no longer wanted, and still there.
#[derive(Debug)]
struct Dropped {
    reference: ObjectRef,
    live: Value,
    is_kept: bool,
}

impl Fate {
    /// The fate in one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Kept => "kept",
        }
    }
}

impl Changes {
    /// Asks the host what a plan would change; `older` are the objects of the revisions that it replaces.
    pub(super) async fn look(
        host: &Host,
        plan: &Plan,
        older: &[Object],
        method: Method,
    ) -> Result<Self, Error> {
        let found: Vec<Option<Value>> = stream::iter(&plan.objects)
            .map(|object| host.fetch_object(&object.reference))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let outcomes: Vec<Result<Change, Error>> = stream::iter(plan.objects.iter().zip(found))
            .map(|(object, live)| try_out(host, &plan.reference, object, live, older, method))
            .buffered(AT_ONCE)
            .collect()
            .await;
        let (mut wanted, mut refused) = (Vec::new(), Vec::new());
        for outcome in outcomes {
            match outcome {
                Ok(change) => wanted.push(change),
                Err(error) => refused.push(error),
            }
        }
        if !refused.is_empty() {
            let first = refused.remove(0);
            return Err(refused.into_iter().fold(first, Error::because_of));
        }
        Ok(Self {
            method,
            wanted,
            dropped: Self::dropped(host, plan, older).await?,
        })
    }

    /// What is there of older revisions and not in the plan.
    async fn dropped(
        host: &Host,
        plan: &Plan,
        older: &[Object],
    ) -> Result<Vec<Dropped>, HostError> {
        let mut gone: Vec<&ObjectRef> = Vec::new();
        for old in older.iter().map(|old| &old.reference) {
            let is_same = |other: &ObjectRef| other.is_same_object(old);
            if !plan.objects.iter().any(|new| is_same(&new.reference))
                && !gone.iter().any(|known| is_same(known))
            {
                gone.push(old);
            }
        }
        let dropped: Vec<Option<Dropped>> = stream::iter(gone)
            .map(|old| look_at_dropped(host, &plan.reference, old))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(dropped.into_iter().flatten().collect())
    }

    /// Whether everything is as it is wanted.
    pub(super) fn is_empty(&self) -> bool {
        self.dropped.iter().all(|dropped| dropped.is_kept)
            && self.wanted.iter().all(|change| !change.changes())
    }

    /// What happens to which object.
    pub(super) fn fates(&self) -> Vec<(ObjectRef, Fate)> {
        let wanted = self.wanted.iter().filter(|change| change.changes());
        let wanted = wanted.map(|change| {
            let fate = if change.live.is_none() {
                Fate::Created
            } else {
                Fate::Changed
            };
            (change.object.reference.clone(), fate)
        });
        let dropped = self.dropped.iter().map(|dropped| {
            let fate = if dropped.is_kept {
                Fate::Kept
            } else {
                Fate::Removed
            };
            (dropped.reference.clone(), fate)
        });
        wanted.chain(dropped).collect()
    }

    /// The same line by line; what Secrets hold is hidden.
    pub(super) fn text(&self) -> String {
        let wanted = self.wanted.iter().filter(|change| change.changes());
        let wanted = wanted.map(|change| {
            let live = change.live.as_ref().unwrap_or(&Value::Null);
            difference::of_object(&change.object.reference, live, &change.after)
        });
        let gone = self.dropped.iter().filter(|dropped| !dropped.is_kept);
        let gone = gone
            .map(|dropped| difference::of_object(&dropped.reference, &dropped.live, &Value::Null));
        wanted.chain(gone).collect()
    }

    /// Makes the changes of one tier, and gives every object of it as it then is.
    pub(super) async fn apply(&self, host: &Host, tier: Tier) -> Result<Vec<Value>, Error> {
        let of_tier = |change: &&Change| change.object.reference.tier() == tier;
        stream::iter(self.wanted.iter().filter(of_tier))
            .map(|change| self.apply_one(host, change))
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn apply_one(&self, host: &Host, change: &Change) -> Result<Value, Error> {
        if let (Some(live), false) = (&change.live, change.changes()) {
            return Ok(live.clone());
        }
        match self.method {
            Method::Server { .. } => {
                let how = Apply {
                    force: change.forces,
                    is_dry_run: false,
                };
                Ok(host.apply_so(&change.object, how).await?)
            }
            Method::Client => {
                let before = &change.before;
                let live = change.live.clone();
                Ok(patch(host, &change.object, before, live, false).await?)
            }
        }
    }

    /// Deletes what is no longer wanted.
    pub(super) async fn remove(
        &self,
        host: &Host,
        progress: &dyn Progress,
    ) -> Result<(), HostError> {
        // In the opposite of the install order.
        for dropped in self.dropped.iter().rev() {
            let reference = &dropped.reference;
            if dropped.is_kept {
                progress.note(&format!(
                    "{reference} is no longer part of it, and stays as it asks for"
                ));
                continue;
            }
            let collection = host.collection_of(reference).await?;
            host.delete(&collection, &reference.name).await?;
            progress.note(&format!(
                "removed {reference}, which is no longer part of it"
            ));
        }
        Ok(())
    }
}

/// Deletes what earlier revisions brought and a plan has no more: what an install that was cut off or failed has left.
pub(super) async fn remove_dropped(
    host: &Host,
    plan: &Plan,
    older: &[Object],
    progress: &dyn Progress,
) -> Result<(), Error> {
    let changes = Changes {
        method: Method::Client,
        wanted: Vec::new(),
        dropped: Changes::dropped(host, plan, older).await?,
    };
    Ok(changes.remove(host, progress).await?)
}

impl Change {
    fn changes(&self) -> bool {
        self.live
            .as_ref()
            .is_none_or(|live| !difference::is_none(live, &self.after))
    }
}

/// Has the host say what an object would become.
async fn try_out(
    host: &Host,
    release: &ClusterRef,
    object: &Object,
    live: Option<Value>,
    older: &[Object],
    method: Method,
) -> Result<Change, Error> {
    let reference = &object.reference;
    let before: Vec<Value> = older
        .iter()
        .filter(|old| old.reference.is_same_object(reference))
        .map(|old| old.body.clone())
        .collect();
    if let Some(live) = &live
        && before.is_empty()
        && !vcluster::belongs_to_release(live, release)
    {
        let error = format!(
            "{reference} in `{}` belongs to someone else",
            release.namespace
        );
        return Err(Error::new(Kind::Exists, error)
            .hint("rename or remove that object first; nothing was touched"));
    }
    // Whoever put it to sleep has set its replicas.
    let is_asleep = live.as_ref().is_some_and(vcluster::is_asleep);
    let forces = is_asleep || matches!(method, Method::Server { force: true });
    let tried = match method {
        Method::Server { .. } => {
            let how = Apply {
                force: forces,
                is_dry_run: true,
            };
            host.apply_so(object, how).await
        }
        Method::Client => patch(host, object, &before, live.clone(), true).await,
    };
    let after = match tried {
        Ok(after) => after,
        // An admission hook without a dry run of its own: what it does is seen when it is done.
        Err(error) if live.is_some() && has_no_dry_run(&error) => {
            let live = live.clone().unwrap_or_default();
            merged(&before, live, &object.body, true)
        }
        Err(error) if has_no_dry_run(&error) => object.body.clone(),
        Err(error) => return Err(would_refuse(reference, error)),
    };
    Ok(Change {
        object: object.clone(),
        before,
        live,
        after,
        forces,
    })
}

async fn look_at_dropped(
    host: &Host,
    release: &ClusterRef,
    reference: &ObjectRef,
) -> Result<Option<Dropped>, HostError> {
    let live = match host.fetch_object(reference).await {
        // Its kind has been removed from the host, and every object with it.
        Err(HostError::UnknownKind { .. }) => None,
        live => live?,
    };
    // One that somebody made anew in the meantime is theirs.
    let own = live.filter(|live| vcluster::belongs_to_release(live, release));
    Ok(own.map(|live| Dropped {
        is_kept: live["metadata"]["annotations"][KEEP] == "keep",
        reference: reference.clone(),
        live,
    }))
}
