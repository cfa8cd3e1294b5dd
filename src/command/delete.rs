//! `vc delete`: remove virtual clusters without a trace.

use serde::Serialize;

use super::Session;
use super::targets::{self, Targets};
use crate::cluster::{ClusterRef, Name};
use crate::error::{Error, Kind};
use crate::host::read::Partial;
use crate::host::{Collection, Host};
use crate::lifecycle::{self, DeleteOptions, Deletion, Scope};
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

/// Deletes the clusters, one after the other; the first that fails does not keep the others.
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
        let labels = args.targets.selector.as_deref().unwrap_or_default();
        let listing = lifecycle::list(&host, &session.scope(), labels).await?;
        targets::tell_where(session, &listing);
        listing
            .clusters
            .into_iter()
            .map(|cluster| cluster.reference)
            .collect()
    } else {
        let found = resolve(session, &host, names, args.ignore_missing).await?;
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
    let mut failures = Vec::new();
    for reference in meant {
        match delete_one(session, &host, &local, &reference, &options).await {
            Ok(Some(deletion)) => rows.push(row(&reference, deletion)),
            Ok(None) if args.ignore_missing => rows.push(missing_row(&reference)),
            Ok(None) => failures.push(missing(&reference)),
            Err(error) => failures.push(error),
        }
    }
    session.ui.outcomes(&rows, sentence)?;
    targets::combine(failures)
}

/// What the given names stand for.
#[derive(Default)]
struct Found {
    clusters: Vec<ClusterRef>,
    /// Those that are nowhere, as far as we may look.
    missing: Vec<ClusterRef>,
}

/// Where the named clusters are. One whose workload is gone is looked for where its name puts it: `delete` also
/// removes what an interrupted command left.
async fn resolve(
    session: &Session,
    host: &Host,
    names: Vec<Name>,
    ignore_missing: bool,
) -> Result<Found, Error> {
    let mut found = Found::default();
    for name in names {
        let reference = match (
            session.scope(),
            lifecycle::find(host, &name, &session.scope()).await,
        ) {
            (_, Ok(cluster)) => cluster.reference,
            (_, Err(error)) if error.kind != Kind::NotFound => return Err(error),
            (scope, Err(error)) => {
                let likely = session.reference(name);
                let remains = match lifecycle::has_remains(host, &likely).await {
                    // Its own namespace was only our guess: who may not look there asked for nothing there.
                    Err(_) if scope == Scope::Everywhere && is_closed(host, &likely).await => {
                        if !ignore_missing {
                            return Err(error);
                        }
                        found.missing.push(likely);
                        continue;
                    }
                    remains => remains?,
                };
                if !remains && !ignore_missing && scope == Scope::Everywhere {
                    return Err(error);
                }
                likely
            }
        };
        if !found.clusters.contains(&reference) {
            found.clusters.push(reference);
        }
    }
    Ok(found)
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
    session: &Session,
    host: &Host,
    local: &lifecycle::Local,
    reference: &ClusterRef,
    options: &DeleteOptions,
) -> Result<Option<Deletion>, Error> {
    let progress = session.progress();
    let deleted = lifecycle::delete(host, reference, options, progress).await;
    // A cluster that is partly deleted is not what it was either.
    lifecycle::tell_changed(local, &host.server, reference).await;
    let deletion = deleted?;
    // A cluster that somebody else deleted still has our context; it leads nowhere now.
    lifecycle::forget(local, &host.server, reference, progress).await?;
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
