//! `vc status`: all that there is to know of one virtual cluster.

mod view;

use self::view::{Endpoint, StatusView};
use super::{Session, targets};
use crate::error::Error;
use crate::host::Host;
use crate::host::service::Service;
use crate::lifecycle::{self, Identity, Status};

/// Show what a virtual cluster is doing, and why
///
/// State, versions, address, pods, volumes, what its pods ask for and use, and the host's warnings about it. What its
/// pods use is there only on hosts that measure it.
#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    /// The virtual cluster [default: the one of the current context, else the only one]
    #[arg(add = clap_complete::ArgValueCandidates::new(crate::complete::clusters))]
    name: Option<String>,
}

/// Shows it.
pub async fn run(session: &Session, args: StatusArgs) -> Result<(), Error> {
    let host = session.host().await?;
    let cluster = targets::current_or_only(session, &host, args.name.as_deref()).await?;
    let status = lifecycle::status(&host, cluster).await?;
    let endpoint = endpoint(session, &host, &status)?;
    session.ui.answer(&StatusView::new(status, endpoint))
}

/// Where its API is; our own context for it is looked up without the host.
fn endpoint(session: &Session, host: &Host, status: &Status) -> Result<Endpoint, Error> {
    let reference = &status.cluster.reference;
    let kubeconfig = session.kubeconfig()?;
    let context = Identity::all(kubeconfig)
        .into_iter()
        .find(|(_, identity)| identity.is_of(&host.server, reference))
        .map(|(context, _)| context);
    let local = context
        .as_deref()
        .and_then(|context| kubeconfig.context(context)?.cluster())
        .and_then(|cluster| kubeconfig.cluster(cluster)?.server())
        .map(str::to_owned);
    Ok(Endpoint {
        service: format!("https://{}.{}.svc", reference.name, reference.namespace),
        exposed: status.service.as_ref().and_then(Service::exposed),
        context,
        local,
    })
}
