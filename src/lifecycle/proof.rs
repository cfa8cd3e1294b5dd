//! Proving that an API server at some address is a cluster's own, before anything leads there.
//!
//! Three things count: its certificate is signed by the authority that the control plane wrote into its Secret, it
//! takes the cluster's credentials, and it has the same `kube-system` as the control plane that the host's pod runs.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use super::{Address, Connection};
use crate::driver::vcluster;
use crate::error::{Error, Kind};
use crate::host::read::Partial;
use crate::host::{Call, Collection, Distrust, Host, HostError};
use crate::progress::Progress;
use crate::tunnel::background::Server;
use crate::tunnel::{self, Target, Tunnel};

/// The namespace that every Kubernetes has, and whose UID no other one has.
const WITNESS: &str = "kube-system";
/// How long the pod may take to tell its own.
const WITNESS_LIMIT: Duration = Duration::from_secs(3);
/// How long a server may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// What the servers of one cluster are held against.
pub(super) struct Proof<'a> {
    connection: &'a Connection,
    /// UID of the cluster's own `kube-system`; `None` where its pod cannot be asked.
    witness: Option<String>,
}

/// Why a server is not taken for the cluster's.
pub(super) struct Doubt {
    pub(super) error: Error,
    /// Whether it may be otherwise in a moment.
    pub(super) may_pass: bool,
    /// Whether no server was trusted so far, as where another one answers until the right one is known.
    pub(super) is_distrust: bool,
}

impl<'a> Proof<'a> {
    /// Asks the pod of the cluster who it is, by way of the host.
    ///
    /// Where that is not to be had, since we may not or a proxy lets no such connection through, certificate and
    /// credentials have to do, and the user is told.
    pub(super) async fn begin(
        host: &Host,
        connection: &'a Connection,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let reference = connection.reference();
        if !connection.has_authority() {
            return Err(Error::new(
                Kind::Failed,
                format!(
                    "the Secret `{}` of {reference} names no certificate authority, so no server can be shown to be its own",
                    reference.kubeconfig_secret()
                ),
            )
            .hint(format!(
                "run `vc connect {} -n {}` to go by a tunnel",
                reference.name, reference.namespace
            )));
        }
        let asked = timeout(WITNESS_LIMIT, ask_pod(host, connection)).await;
        let witness = match asked {
            Ok(Ok(witness)) => witness,
            Ok(Err(error)) => {
                tracing::debug!(%error, "the pod cannot be asked which cluster it is");
                None
            }
            Err(_) => None,
        };
        if witness.is_none() {
            progress.note(&format!(
                "the pod of {reference} cannot be asked which cluster it is; certificate and credentials have to do"
            ));
        }
        Ok(Self {
            connection,
            witness,
        })
    }

    /// The first of these addresses at which the cluster's own server answers. All are asked at once.
    ///
    /// A certificate that is not for the address may be for the cluster's Service instead; `by_name` has it be for that
    /// in any case, since the address may change hands.
    pub(super) async fn of_any(&self, urls: &[String], by_name: bool) -> Result<Server, Doubt> {
        let proofs = join_all(urls.iter().map(|url| self.of(url, by_name))).await;
        let mut doubts = Vec::new();
        for proof in proofs {
            match proof {
                Ok(server) => return Ok(server),
                Err(doubt) => doubts.push(doubt),
            }
        }
        let may_pass = doubts.iter().any(|doubt| doubt.may_pass);
        let is_distrust = doubts.iter().any(|doubt| doubt.is_distrust);
        let errors = doubts.into_iter().map(|doubt| doubt.error);
        let error = errors.reduce(|first, next| Error {
            hints: first.hints.clone(),
            ..first.because_of(next)
        });
        Err(Doubt {
            error: error.expect("there is an address at least"),
            may_pass,
            is_distrust,
        })
    }

    async fn of(&self, url: &str, by_name: bool) -> Result<Server, Doubt> {
        let reference = self.connection.reference();
        let server = |name: Option<String>| Server {
            url: url.to_owned(),
            certified_name: name,
        };
        let by_its_name = server(Some(format!("{}.{}", reference.name, reference.namespace)));
        let by_address = server(None);
        let mut found = &by_address;
        let mut identity = Err(HostError::distrusted(url, Distrust::OtherName));
        if !by_name {
            identity = self.identity(found).await;
        }
        if matches!(&identity, Err(error) if error.distrust() == Some(Distrust::OtherName)) {
            found = &by_its_name;
            identity = self.identity(found).await;
        }
        let identity = identity.map_err(|error| self.doubt(url, &error))?;
        match (&self.witness, identity) {
            (Some(own), Some(its)) if *own != its => Err(self.another(url)),
            _ => Ok(found.clone()),
        }
    }

    async fn identity(&self, server: &Server) -> Result<Option<String>, HostError> {
        let address = Address::Server(server.clone());
        let asked = timeout(ANSWER_LIMIT, identity_at(self.connection, &address)).await;
        asked.unwrap_or_else(|_| {
            Err(HostError::Unreachable {
                server: server.url.clone(),
                causes: vec![format!("no answer within {} s", ANSWER_LIMIT.as_secs())],
                distrust: None,
            })
        })
    }

    fn another(&self, url: &str) -> Doubt {
        let reference = self.connection.reference();
        let message = format!("the server at `{url}` is not the API server of {reference}");
        let mut error = Error::new(Kind::Failed, message).hint("check the address");
        error.push_cause(format!(
            "its `{WITNESS}` is another one than that of the cluster, although both have the same certificate authority"
        ));
        Doubt {
            error,
            may_pass: false,
            is_distrust: false,
        }
    }

    fn doubt(&self, url: &str, error: &HostError) -> Doubt {
        let reference = self.connection.reference();
        let (name, namespace) = (&reference.name, &reference.namespace);
        let by_tunnel = format!("`vc connect {name} -n {namespace}` goes by a tunnel instead");
        let check = format!("check the address; {by_tunnel}");
        let (message, hint) = match error {
            HostError::Unreachable {
                distrust: Some(distrust),
                ..
            } => match distrust {
                Distrust::UnknownAuthority => (
                    format!(
                        "the server at `{url}` is not the API server of {reference}: its certificate is not signed by the cluster's own authority"
                    ),
                    "check the address; an Ingress or a load balancer on the way has to pass TLS through".to_owned(),
                ),
                Distrust::Expired => (
                    format!("the certificate of the server at `{url}` is not valid now"),
                    format!(
                        "check the clock of this machine; a control plane makes a new one when it starts: `vc sleep {name} -n {namespace}`, then `vc wake {name} -n {namespace}`"
                    ),
                ),
                Distrust::OtherName => (
                    format!(
                        "the certificate of the server at `{url}` is valid neither for that address nor for `{name}.{namespace}`"
                    ),
                    format!(
                        "add the address with `vc upgrade {name} -n {namespace} --set controlPlane.proxy.extraSANs={{ADDRESS}}`"
                    ),
                ),
                Distrust::NoTls => (format!("the server at `{url}` does not speak TLS"), check),
                Distrust::Other => (
                    format!("the certificate of the server at `{url}` cannot be trusted"),
                    check,
                ),
            },
            HostError::Unreachable { .. } => (
                format!("cannot reach {reference} at `{url}`"),
                format!("check the address, and that it can be reached from here; {by_tunnel}"),
            ),
            HostError::Refused { code: 401, .. } => (
                format!("the server at `{url}` does not accept the credentials of {reference}"),
                check,
            ),
            HostError::Refused {
                code: 429 | 500..=599,
                ..
            } => (
                format!("the server at `{url}` cannot answer now"),
                by_tunnel,
            ),
            _ => (
                format!("the server at `{url}` does not answer as an API server of Kubernetes does"),
                check,
            ),
        };
        let mut doubted = Error::new(Kind::Failed, message).hint(hint);
        match error {
            HostError::Unreachable { causes, .. } => {
                for cause in causes {
                    doubted.push_cause(cause.clone());
                }
            }
            other => doubted.push_cause(other.to_string()),
        }
        let is_distrust = error.distrust().is_some();
        let is_silent = matches!(error, HostError::Unreachable { .. }) && !is_distrust;
        let is_busy = matches!(
            error,
            HostError::Refused {
                code: 429 | 500..=599,
                ..
            }
        );
        Doubt {
            error: doubted,
            may_pass: is_silent || is_busy,
            is_distrust,
        }
    }
}

/// Asks the control plane in the pod, by a tunnel that lasts only for that.
async fn ask_pod(host: &Host, connection: &Connection) -> Result<Option<String>, HostError> {
    let reference = connection.reference();
    let unreachable = |error: &std::io::Error| HostError::Unreachable {
        server: host.server.clone(),
        causes: vec![error.to_string()],
        distrust: None,
    };
    let bound = tunnel::bind(None).await;
    let (port, listeners) = bound.map_err(|error| unreachable(&error))?;
    let target = Target {
        namespace: reference.namespace.to_string(),
        selector: reference.selector(),
        port: vcluster::API_PORT,
    };
    let _tunnel = Tunnel::open(host.client(), target, listeners);
    identity_at(connection, &Address::Tunnel(port)).await
}

/// What tells the cluster at an address from every other; `None` if these credentials may not see it.
async fn identity_at(
    connection: &Connection,
    address: &Address,
) -> Result<Option<String>, HostError> {
    let cluster = connection.open(address).await?;
    let namespaces = Collection::of("Namespace", None);
    match cluster.fetch::<Partial>(&namespaces, WITNESS).await {
        Ok(Some(namespace)) => Ok(Some(namespace.metadata.uid)),
        Err(error) if error.is_forbidden() => cluster.fetch_version().await.map(|_| None),
        Ok(None) => Err(HostError::Unexpected {
            call: Box::new(Call::new("get", "namespaces").named(WITNESS)),
            problem: format!("it has no `{WITNESS}`"),
        }),
        Err(error) => Err(error),
    }
}
