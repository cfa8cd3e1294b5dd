//! `vc rollback`: take a virtual cluster back to an earlier revision.

use std::time::Instant;

use super::Session;
use super::revision::RevisionArgs;
use crate::cluster::Name;
use crate::complete;
use crate::error::Error;
use crate::lifecycle;

/// Take a virtual cluster back to an earlier revision
///
/// Its objects become what they were in that revision, and that makes a new revision. What the cluster's own volume
/// holds stays as it is, and so do custom resource definitions. `vc history` shows the revisions.
#[derive(Debug, clap::Args)]
pub struct RollbackArgs {
    /// The virtual cluster
    #[arg(add = clap_complete::ArgValueCandidates::new(complete::clusters))]
    name: String,
    /// The revision to go back to [default: the last one before that ran]
    #[arg(add = clap_complete::ArgValueCandidates::new(complete::revisions))]
    to: Option<u64>,
    #[command(flatten)]
    revision: RevisionArgs,
}

/// Goes back.
pub async fn run(session: &Session, args: RollbackArgs) -> Result<(), Error> {
    let began = Instant::now();
    let name = Name::parse(&args.name)?;
    let host = session.host().await?;
    let (progress, scope) = (session.progress(), session.scope());
    progress.begin(&format!("looking at `{name}`"));
    let (reference, history) = lifecycle::release_of(&host, &name, &scope).await?;
    let options = args.revision.options(session);
    let rollback =
        lifecycle::look_at_rollback(&host, &reference, args.to, &history, &options, progress)
            .await?;
    let about = (&reference, "rolled-back");
    args.revision
        .make(session, &host, rollback, &history, about, began)
        .await
}
