//! `vc disconnect`: undo a connect.

use serde::Serialize;

use super::Session;
use crate::error::{Error, Kind};
use crate::lifecycle::{self, Identity};
use crate::ui::View;

/// Go back to the context before, and remove the connection to a virtual cluster
///
/// Stops its tunnel and takes its context out of the kubeconfig. The cluster itself goes on.
#[derive(Debug, clap::Args)]
pub struct DisconnectArgs {
    /// The virtual cluster [default: the one of the current context]
    #[arg(add = clap_complete::ArgValueCandidates::new(crate::complete::clusters))]
    name: Option<String>,
}

/// The JSON contract of this command.
#[derive(Serialize)]
struct DisconnectView {
    name: String,
    namespace: String,
    context: Option<String>,
}

impl View for DisconnectView {
    fn sentence(&self) -> String {
        let now = self.context.as_ref().map_or_else(
            || "no context is selected now".to_owned(),
            |context| format!("the current context is `{context}`"),
        );
        format!(
            "Disconnected from `{}` in `{}`; {now}",
            self.name, self.namespace
        )
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

/// Disconnects.
pub async fn run(session: &Session, args: DisconnectArgs) -> Result<(), Error> {
    let identity = which(session, args.name.as_deref())?;
    let context = lifecycle::disconnect(&session.local()?, &identity, session.progress()).await?;
    session.ui.answer(&DisconnectView {
        name: identity.name,
        namespace: identity.namespace,
        context,
    })
}

/// The connection that is meant, among those that the kubeconfig records. The host is not asked.
fn which(session: &Session, name: Option<&str>) -> Result<Identity, Error> {
    let host_context = session.settings.context.as_ref();
    let is_on_host =
        |identity: &Identity| host_context.is_none_or(|context| identity.host_context == *context);
    if name.is_none()
        && let Some((_, current)) = session.current_identity()?
        && is_on_host(&current)
    {
        return Ok(current);
    }
    let kubeconfig = session.kubeconfig_files().read()?;
    let namespace = session.settings.namespace.as_ref();
    let mut fitting: Vec<Identity> = Identity::all(&kubeconfig)
        .into_iter()
        .map(|(_, identity)| identity)
        .filter(is_on_host)
        .filter(|identity| name.is_none_or(|name| identity.name == name))
        .filter(|identity| {
            namespace.is_none_or(|namespace| identity.namespace == namespace.as_str())
        })
        .collect();
    let meant = name.map_or_else(
        || "any virtual cluster".to_owned(),
        |name| format!("`{name}`"),
    );
    match fitting.len() {
        0 => Err(Error::new(
            Kind::NotFound,
            format!("your kubeconfig has no connection to {meant}"),
        )
        .hint("run `kubectl config get-contexts` to see what it has")),
        1 => Ok(fitting.remove(0)),
        _ => {
            let names: Vec<String> = fitting
                .iter()
                .map(|identity| {
                    let Identity {
                        name,
                        namespace,
                        host_context,
                        ..
                    } = identity;
                    format!("`{name}` in `{namespace}` on `{host_context}`")
                })
                .collect();
            Err(Error::usage(format!(
                "your kubeconfig has more than one connection to {meant}: {}",
                names.join(", ")
            ))
            .hint("say which by its name, with `-n` by its namespace, and with `--context` by its host"))
        }
    }
}
