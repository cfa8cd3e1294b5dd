//! `vc delete`: remove virtual clusters without a trace.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use tokio::sync::Mutex;

use super::Session;
use super::targets::{self, Targets};
use crate::cluster::{ClusterRef, Name};
use crate::error::{Error, Kind};
use crate::host::read::Partial;
use crate::host::{Collection, Host};
use crate::lifecycle::{self, DeleteOptions, Deletion, Scope, Unfinished};
use crate::progress::Progress;
use crate::ui::Row;

/// Delete virtual clusters with everything in them
///
/// Removes their objects, what they synced to the host, their volumes and the namespaces that were made for them, and
/// waits until all is gone; then their contexts. A namespace that holds anything else stays.
#[derive(Debug, clap::Args)]
pub struct DeleteArgs {
    #[command(flatten)]
    targets: Targets,
    /// Keep every volume claim, and the namespace they are in
    #[arg(long)]
    keep_volumes: bool,
    /// Succeed if there is none of that name
    #[arg(long)]
    ignore_missing: bool,
    /// Leave out the chart's hooks
    #[arg(long)]
    no_hooks: bool,
}

/// What became of one cluster; the JSON contract of this command.
#[derive(Serialize)]
struct DeleteRow {
    name: String,
    namespace: String,
    outcome: &'static str,
    namespace_deleted: bool,
    kept_claims: Vec<String>,
}

impl Row for DeleteRow {
    const HEADINGS: &'static [&'static str] = &["NAME", "NAMESPACE", "OUTCOME"];
    const NARROW: usize = 3;

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.namespace.clone(),
            self.outcome.to_owned(),
        ]
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

/// Deletes the clusters, some at once; one that fails does not keep the others.
pub async fn run(session: &Session, args: DeleteArgs) -> Result<(), Error> {
    let names = args
        .targets
        .names
        .iter()
        .map(|name| Name::parse(name))
        .collect::<Result<Vec<_>, _>>()?;
    let (host, local) = session.host_and_local().await?;
    let mut rows = Vec::new();
    let meant = if names.is_empty() {
        every(session, &host, args.targets.selector.as_deref()).await?
    } else {
        let found = resolve(session, &host, &names, args.ignore_missing).await?;
        rows.extend(found.missing.iter().map(missing_row));
        found.clusters
    };
    if !consent(session, &meant, !args.targets.names.is_empty())? {
        return Err(
            Error::usage("nothing was deleted, because nobody consented")
                .hint("add `--yes` to consent"),
        );
    }
    if meant.is_empty() && rows.is_empty() {
        session
            .progress()
            .note("there is no virtual cluster to delete");
    }
    let options = DeleteOptions {
        operator: session.operator(),
        keep_volumes: args.keep_volumes,
        hooks: !args.no_hooks,
    };
    // One edit at a time; the locks of the kubeconfig are made for those of other processes.
    let kubeconfig = Mutex::new(local);
    let reporter = session.ui.reporter();
    let outcomes = targets::each(
        reporter,
        &meant,
        async |reference, course| match delete_one(&host, &kubeconfig, reference, &options, course)
            .await?
        {
            Some(deletion) => Ok(row(reference, deletion)),
            None if args.ignore_missing => Ok(missing_row(reference)),
            None => Err(missing(reference)),
        },
    );
    let (done, failures) = outcomes.await;
    rows.extend(done);
    session.ui.outcomes(&rows, sentence)?;
    targets::combine(failures)
}

/// What a name stands for.
enum Place {
    At(ClusterRef),
    /// As far as we may look; where it would be.
    Nowhere(ClusterRef),
}

/// What the given names stand for.
#[derive(Default)]
struct Found {
    clusters: Vec<ClusterRef>,
    /// Those that are nowhere, as far as we may look.
    missing: Vec<ClusterRef>,
}

/// Every cluster in scope, also what is left of one; or those whose workload carries the labels.
async fn every(
    session: &Session,
    host: &Host,
    labels: Option<&str>,
) -> Result<Vec<ClusterRef>, Error> {
    let scope = session.scope();
    let left = async {
        match labels {
            Some(_) => Ok(Vec::new()),
            None => lifecycle::list_unfinished(host, &scope).await,
        }
    };
    let listing = lifecycle::list(host, &scope, labels.unwrap_or_default());
    let (listing, left) = tokio::try_join!(listing, left)?;
    targets::tell_where(session, &listing);
    let listed = listing
        .clusters
        .into_iter()
        .map(|cluster| cluster.reference);
    let left = left.into_iter().map(|left| left.reference);
    let every: BTreeSet<ClusterRef> = listed.chain(left).collect();
    Ok(every.into_iter().collect())
}

/// Where the named clusters are.
async fn resolve(
    session: &Session,
    host: &Host,
    names: &[Name],
    ignore_missing: bool,
) -> Result<Found, Error> {
    let places: Vec<Place> = stream::iter(names)
        .map(|name| resolve_one(session, host, name, ignore_missing))
        .buffered(targets::AT_ONCE)
        .try_collect()
        .await?;
    let mut found = Found::default();
    for place in places {
        match place {
            Place::At(reference) if found.clusters.contains(&reference) => {}
            Place::At(reference) => found.clusters.push(reference),
            Place::Nowhere(reference) => found.missing.push(reference),
        }
    }
    Ok(found)
}

/// Where a cluster is. One whose workload is gone is looked for by its record, and where its name puts it: `delete`
/// also removes what an interrupted command left.
async fn resolve_one(
    session: &Session,
    host: &Host,
    name: &Name,
    ignore_missing: bool,
) -> Result<Place, Error> {
    let scope = session.scope();
    let error = match lifecycle::find(host, name, &scope).await {
        Ok(cluster) => return Ok(Place::At(cluster.reference)),
        Err(error) if error.kind != Kind::NotFound => return Err(error),
        Err(error) => error,
    };
    let likely = session.reference(name.clone());
    if scope != Scope::Everywhere {
        return Ok(Place::At(likely));
    }
    let mut left = lifecycle::find_unfinished(host, name, &scope).await?;
    match left.len() {
        0 => {}
        1 => return Ok(Place::At(left.remove(0).reference)),
        _ => return Err(in_many_places(name, &left)),
    }
    match lifecycle::has_remains(host, &likely).await {
        // Its own namespace was only our guess: who may not look there asked for nothing there.
        Err(_) if is_closed(host, &likely).await => {
            if ignore_missing {
                Ok(Place::Nowhere(likely))
            } else {
                Err(error)
            }
        }
        Err(other) => Err(other),
        Ok(false) if !ignore_missing => Err(error),
        Ok(_) => Ok(Place::At(likely)),
    }
}

fn in_many_places(name: &Name, left: &[Unfinished]) -> Error {
    let places: Vec<String> = left
        .iter()
        .map(|left| format!("`{}`", left.reference.namespace))
        .collect();
    let first = &left[0].reference.namespace;
    Error::usage(format!(
        "`{name}` is in more than one namespace: {}",
        places.join(", ")
    ))
    .hint(format!("say which with `-n`, for example `-n {first}`"))
}

/// Whether the host does not let us see what a cluster would leave in its namespace.
async fn is_closed(host: &Host, reference: &ClusterRef) -> bool {
    for kind in ["StatefulSet", "Secret", "PersistentVolumeClaim"] {
        let collection = Collection::of(kind, Some(reference.namespace.as_str()));
        let seen = host.list::<Partial>(&collection, "").await;
        if seen.is_err_and(|error| error.is_forbidden()) {
            return true;
        }
    }
    false
}

/// Asks on a terminal; off one, only clusters that were named may go without `--yes`.
fn consent(session: &Session, targets: &[ClusterRef], are_named: bool) -> Result<bool, Error> {
    if targets.is_empty() {
        return Ok(true);
    }
    let names: Vec<String> = targets.iter().map(ToString::to_string).collect();
    session.ui.confirm(
        &format!("Delete {} with everything in it?", names.join(", ")),
        are_named,
    )
}

async fn delete_one(
    host: &Host,
    kubeconfig: &Mutex<lifecycle::Local>,
    reference: &ClusterRef,
    options: &DeleteOptions,
    progress: &dyn Progress,
) -> Result<Option<Deletion>, Error> {
    let deleted = lifecycle::delete(host, reference, options, progress).await;
    let local = kubeconfig.lock().await;
    // A cluster that is partly deleted is not what it was either.
    lifecycle::tell_changed(&local, &host.server, reference).await;
    let deletion = deleted?;
    // A cluster that somebody else deleted still has our context; it leads nowhere now.
    lifecycle::forget(&local, &host.server, reference, progress).await?;
    drop(local);
    for reason in deletion
        .iter()
        .flat_map(|deletion| &deletion.namespace_kept_for)
    {
        progress.note(&format!(
            "the namespace `{}` stays, because {reason}",
            reference.namespace
        ));
    }
    Ok(deletion)
}

fn row(reference: &ClusterRef, deletion: Deletion) -> DeleteRow {
    DeleteRow {
        name: reference.name.to_string(),
        namespace: reference.namespace.to_string(),
        outcome: "deleted",
        namespace_deleted: deletion.namespace_deleted,
        kept_claims: deletion.kept_claims,
    }
}

fn missing_row(reference: &ClusterRef) -> DeleteRow {
    DeleteRow {
        outcome: "missing",
        ..row(reference, Deletion::default())
    }
}

fn sentence(row: &DeleteRow) -> String {
    let DeleteRow {
        name, namespace, ..
    } = row;
    let kept = if row.kept_claims.is_empty() {
        String::new()
    } else {
        let claims: Vec<String> = row
            .kept_claims
            .iter()
            .map(|claim| format!("`{claim}`"))
            .collect();
        format!("; kept {}", claims.join(", "))
    };
    match row.outcome {
        "missing" => format!("There is no virtual cluster `{name}` in `{namespace}`\n"),
        _ => format!("Deleted `{name}` in `{namespace}`{kept}\n"),
    }
}

fn missing(reference: &ClusterRef) -> Error {
    Error::new(
        Kind::NotFound,
        format!("there is no virtual cluster {reference}"),
    )
    .hint("run `vc list` to see every virtual cluster")
}
