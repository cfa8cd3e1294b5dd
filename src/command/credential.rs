//! `vc credential`: what kubectl and other clients run before they use a context of ours.
//!
//! It runs before each of their commands, so it waits for nothing but the agent: no runtime, no host, and of files only
//! the settings.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Session;
use crate::cluster::{ClusterRef, Name};
use crate::error::{Error, Kind};
use crate::lifecycle::{self, Local, PluginCall};
use crate::tunnel::background::Server;

/// After so long a client asks again, so that a connection of days finds a cluster that was put to sleep meanwhile.
const GOOD_FOR: SignedDuration = SignedDuration::from_mins(5);

/// Print credentials for a virtual cluster, waking and connecting it if need be
///
/// Kubeconfig entries of ours run it. It is an exec credential plugin (`client.authentication.k8s.io/v1`).
#[derive(Debug, clap::Args)]
pub struct CredentialArgs {
    /// The virtual cluster
    name: String,
    /// UID of its Service: a later cluster of the same name is another one
    #[arg(long)]
    uid: String,
    /// Address of the host
    #[arg(long)]
    host: String,
    /// Address at which it is reached without a tunnel
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Name that the certificate there is for, if not that of the address
    #[arg(long, value_name = "NAME", requires = "server")]
    tls_server_name: Option<String>,
    /// Fail if the cluster is asleep
    #[arg(long)]
    no_wake: bool,
}

/// Prints the credentials once the cluster answers.
pub fn run(session: &Session, args: &CredentialArgs) -> Result<(), Error> {
    let name = Name::parse(&args.name)?;
    let reference = session.reference(name);
    let local = Local {
        files: session.usual_kubeconfig_files(),
        ..session.local()?
    };
    let call = PluginCall {
        reference: &reference,
        uid: &args.uid,
        host_server: &args.host,
        host_context: session.settings.context.as_deref(),
        may_wake: session.settings.wake_on_use && !args.no_wake,
        server: args.server.clone().map(|url| Server {
            url,
            certified_name: args.tls_server_name.clone(),
        }),
    };
    let answered = lifecycle::credential(&local, &call, session.progress())?;
    if let Some(port) = answered.port {
        refuse_moved_port(session, &reference, port)?;
    }
    session
        .ui
        .text(&format!("{}\n", to_exec_credential(&answered.user)?))
}

/// Another program has the port that the client is about to connect to; the kubeconfig says the new one already.
fn refuse_moved_port(session: &Session, reference: &ClusterRef, port: u16) -> Result<(), Error> {
    let told = session.process.variable("KUBERNETES_EXEC_INFO");
    let told: Option<Value> = told.and_then(|told| serde_json::from_str(told.to_str()?).ok());
    let Some(server) = told
        .as_ref()
        .and_then(|told| told.pointer("/spec/cluster/server")?.as_str())
    else {
        return Ok(());
    };
    if server.trim_end_matches('/').ends_with(&format!(":{port}")) {
        return Ok(());
    }
    Err(Error::new(
        Kind::Failed,
        format!(
            "another program has the port of {reference}, whose context leads to port {port} now"
        ),
    )
    .hint("run the command again"))
}

/// What goes under `user` in a kubeconfig, as the answer of a plugin.
fn to_exec_credential(user: &Value) -> Result<Value, Error> {
    let mut status = json!({ "expirationTimestamp": (Timestamp::now() + GOOD_FOR).to_string() });
    for (key, from) in [
        ("clientCertificateData", "client-certificate-data"),
        ("clientKeyData", "client-key-data"),
    ] {
        if let Some(encoded) = user[from].as_str() {
            status[key] = decoded(encoded)?.into();
        }
    }
    if let Some(token) = user["token"].as_str() {
        status["token"] = token.into();
    }
    Ok(json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": status,
    }))
}

/// What is wrong is not passed on: it is a credential.
fn decoded(encoded: &str) -> Result<String, Error> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(encoded)
        .ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| {
            Error::new(
                Kind::Failed,
                "the credentials that the control plane wrote cannot be read",
            )
        })
}
