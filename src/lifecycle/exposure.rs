//! Finding where the host offers a cluster's API to the outside, and which way a connection goes.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::proof::{Doubt, Proof};
use super::{Address, Connection, Local, open_tunnel};
use crate::cluster::ClusterRef;
use crate::error::{Error, Kind};
use crate::host::ingress::Ingress;
use crate::host::read::{Event, Node, Pod};
use crate::host::service::Service;
use crate::host::{Collection, Host, HostError, Watch};
use crate::progress::Progress;
use crate::tunnel::background::Server;

/// Between two questions to a server that does not answer yet.
const BETWEEN_ANSWERS: Duration = Duration::from_millis(500);
/// How long a control plane may take to answer from outside that was made or woken just now.
const SOON: Duration = Duration::from_secs(30);
/// The same of an Ingress, which its controller has to take up.
const TAKEN_UP: Duration = Duration::from_mins(1);
/// The same of a load balancer, whose name has to become known.
const KNOWN_BY_NAME: Duration = Duration::from_mins(5);

/// How a host offers a cluster's API to the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// A Service of type `LoadBalancer`.
    LoadBalancer,
    /// A Service of type `NodePort`.
    NodePort,
    /// An Ingress.
    Ingress,
}

/// Which way a connection goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// By a tunnel.
    Tunnel,
    /// To the API server at this address.
    Server(String),
    /// To where the host offers it: in this way, or in whatever way there is.
    Exposed(Option<Exposure>),
}

impl Route {
    /// Whether it needs no tunnel.
    pub fn is_direct(&self) -> bool {
        *self != Self::Tunnel
    }
}

/// Makes sure that a cluster can be reached by a route, and gives its address there: a tunnel is opened, and any other
/// server is proven to be the cluster's own. One that `is_fresh` is given a moment to answer.
pub async fn reach(
    local: &Local,
    host: &Host,
    connection: &Connection,
    route: &Route,
    is_fresh: bool,
    progress: &dyn Progress,
) -> Result<Address, Error> {
    let reference = connection.reference();
    let server = match route {
        Route::Tunnel => {
            let port = open_tunnel(local, host, reference, connection.uid()).await?;
            return Ok(Address::Tunnel(port));
        }
        Route::Server(url) => {
            let patience = if is_fresh { SOON } else { Duration::ZERO };
            let place = Place::new(vec![url.clone()], patience);
            proven(host, connection, &place, progress).await?
        }
        Route::Exposed(exposure) => {
            let place = find(host, reference, *exposure, progress).await?;
            proven(host, connection, &place, progress).await?
        }
    };
    Ok(Address::Server(server))
}

/// Waits until the cluster's own server answers at an address that was proven once.
pub(crate) async fn until_answering(
    connection: &Connection,
    server: &Server,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let end = Instant::now() + SOON;
    let address = Address::Server(server.clone());
    loop {
        match connection.fetch_version(&address).await {
            Ok(_) => return Ok(()),
            Err(error) if Instant::now() >= end => return Err(error),
            Err(error) => progress.because(&error.message),
        }
        sleep(BETWEEN_ANSWERS).await;
    }
}

/// Where a server is looked for.
struct Place {
    /// The best first.
    urls: Vec<String>,
    /// Whether the addresses may come to be another machine's, so that only the name tells whose they are.
    by_name: bool,
    /// How long it may take to answer.
    patience: Duration,
    /// Whether something else may answer until then.
    may_be_another: bool,
}

impl Place {
    fn new(urls: Vec<String>, patience: Duration) -> Self {
        Self {
            urls,
            by_name: false,
            patience,
            may_be_another: false,
        }
    }
}

async fn proven(
    host: &Host,
    connection: &Connection,
    place: &Place,
    progress: &dyn Progress,
) -> Result<Server, Error> {
    let urls: Vec<String> = place.urls.iter().map(|url| format!("`{url}`")).collect();
    progress.begin(&format!(
        "looking for {} at {}",
        connection.reference(),
        urls.join(", ")
    ));
    let proof = Proof::begin(host, connection, progress).await?;
    let end = Instant::now() + place.patience;
    loop {
        let Doubt {
            error,
            may_pass,
            is_distrust,
        } = match proof.of_any(&place.urls, place.by_name).await {
            Ok(server) => {
                progress.end();
                return Ok(server);
            }
            Err(doubt) => doubt,
        };
        let is_worth_waiting = may_pass || (is_distrust && place.may_be_another);
        if !is_worth_waiting || Instant::now() >= end {
            return Err(error);
        }
        let cause = error.causes.last().unwrap_or(&error.message);
        progress.because(cause);
        progress.advise(error.hints.first().map_or("", String::as_str));
        sleep(BETWEEN_ANSWERS).await;
    }
}

/// Where the host offers a cluster's API; waits until there is an address.
async fn find(
    host: &Host,
    reference: &ClusterRef,
    exposure: Option<Exposure>,
    progress: &dyn Progress,
) -> Result<Place, Error> {
    progress.begin(&format!("looking where {reference} is exposed"));
    let of = |kind: &str| Collection::of(kind, Some(reference.namespace.as_str()));
    let (services, ingresses, name) = (of("Service"), of("Ingress"), reference.name.as_str());
    let (service, ingress) = tokio::join!(
        host.fetch::<Service>(&services, name),
        host.fetch::<Ingress>(&ingresses, name),
    );
    let service = service?;
    let ingress = match ingress {
        // Who may not look at an Ingress has not made one.
        Err(error) if error.is_forbidden() => None,
        ingress => ingress?,
    };
    let kind = service
        .as_ref()
        .map_or("ClusterIP", Service::kind)
        .to_owned();
    let there = if ingress.is_some() && exposure.is_none_or(|wanted| wanted == Exposure::Ingress) {
        Some(Exposure::Ingress)
    } else {
        match kind.as_str() {
            "LoadBalancer" => Some(Exposure::LoadBalancer),
            "NodePort" => Some(Exposure::NodePort),
            _ => None,
        }
    };
    match there.filter(|there| exposure.is_none_or(|wanted| wanted == *there)) {
        Some(Exposure::Ingress) => of_ingress(host, reference, progress).await,
        Some(Exposure::LoadBalancer) => of_load_balancer(host, reference, progress).await,
        Some(Exposure::NodePort) => {
            of_node_port(host, reference, service.and_then(|service| service.node_port())).await
        }
        None => Err(Error::new(
            Kind::Failed,
            format!("{reference} is not exposed: its Service is of type `{kind}`, and there is no Ingress of its name"),
        )
        .hint(format!(
            "run `vc upgrade {name} -n {} --expose nodeport` (or `loadbalancer`, `ingress`) first",
            reference.namespace
        ))
        .hint(format!(
            "name an address with `--server`, or run `vc connect {name} -n {}` to go by a tunnel",
            reference.namespace
        ))),
    }
}

async fn of_ingress(
    host: &Host,
    reference: &ClusterRef,
    progress: &dyn Progress,
) -> Result<Place, Error> {
    let waiting = "no Ingress controller has given it an address yet";
    let hint = "see that the host has an Ingress controller, and that `controlPlane.ingress.spec.ingressClassName` names it";
    let url = until_exposed(
        host,
        reference,
        "Ingress",
        Ingress::exposed,
        (waiting, hint),
        progress,
    )
    .await?;
    Ok(Place {
        may_be_another: true,
        ..Place::new(vec![url], TAKEN_UP)
    })
}

async fn of_load_balancer(
    host: &Host,
    reference: &ClusterRef,
    progress: &dyn Progress,
) -> Result<Place, Error> {
    let waiting = "the host has given its load balancer no address yet";
    let hint = format!(
        "a host without load balancers never does: use `--expose nodeport`, or run `vc connect {} -n {}` to go by a tunnel",
        reference.name, reference.namespace
    );
    let address = |service: &Service| service.load_balancer();
    let url = until_exposed(
        host,
        reference,
        "Service",
        address,
        (waiting, &hint),
        progress,
    )
    .await?;
    Ok(Place {
        may_be_another: true,
        ..Place::new(vec![url], KNOWN_BY_NAME)
    })
}

/// Waits until an object of the cluster's own name has an address, and says meanwhile what its events tell.
async fn until_exposed<T>(
    host: &Host,
    reference: &ClusterRef,
    kind: &str,
    address: impl Fn(&T) -> Option<String>,
    (waiting, hint): (&str, &str),
    progress: &dyn Progress,
) -> Result<String, Error>
where
    T: crate::host::read::HasMetadata + serde::de::DeserializeOwned + Clone + Send + 'static,
{
    let of = |kind: &str| Collection::of(kind, Some(reference.namespace.as_str()));
    let field = format!("metadata.name={}", reference.name);
    let (objects, events) = tokio::join!(
        Watch::<T>::for_arrivals(host, of(kind), "", &field),
        Watch::<Event>::for_arrivals(host, of("Event"), "", ""),
    );
    let mut objects = objects?;
    // Why it takes its time is told where we may see it.
    let mut events = match events {
        Err(error) if error.is_forbidden() => None,
        events => Some(events?),
    };
    loop {
        if let Some(url) = objects.objects().find_map(&address) {
            return Ok(url);
        }
        let is_there = objects.objects().next();
        let warning = is_there.and_then(|object| {
            let told = events.iter().flat_map(Watch::objects);
            told.filter(|event| {
                event.kind == "Warning" && event.involved_object.uid == object.metadata().uid
            })
            .max_by_key(|event| event.happened())
        });
        if is_there.is_some() {
            let reason = warning.map_or_else(
                || waiting.to_owned(),
                |event| format!("{waiting}: {}", event.message),
            );
            progress.because(&reason);
            progress.advise(hint);
        }
        let told = async {
            match &mut events {
                Some(events) => events.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = objects.changed() => changed?,
            changed = told => changed?,
        }
    }
}

/// The addresses of the node that the control plane runs on: its certificate is for the first of them at least.
async fn of_node_port(
    host: &Host,
    reference: &ClusterRef,
    port: Option<u16>,
) -> Result<Place, Error> {
    let unknown = |what: &str| {
        Error::new(
            Kind::Failed,
            format!("the host does not say {what} {reference} has"),
        )
    };
    let port = port.ok_or_else(|| unknown("which port on its nodes"))?;
    let pods = Collection::of("Pod", Some(reference.namespace.as_str()));
    let pods: Vec<Pod> = host.list(&pods, &reference.selector()).await?;
    let mut addresses = Vec::new();
    // One that was made just now writes its kubeconfig before the host has seen that it is ready.
    let placed = pods.iter().filter(|pod| !pod.status.host_ip.is_empty());
    if let Some(pod) = placed.max_by_key(|pod| pod.is_ready()) {
        addresses.push(pod.status.host_ip.clone());
        if let Some(node) = &pod.spec.node_name {
            addresses.extend(fetch_external(host, node).await?);
        }
    }
    addresses.dedup();
    if addresses.is_empty() {
        return Err(unknown("which address the node of")
            .hint(format!("name it with `--server https://NODE:{port}`")));
    }
    let url = |address: &String| {
        if address.contains(':') {
            format!("https://[{address}]:{port}")
        } else {
            format!("https://{address}:{port}")
        }
    };
    Ok(Place {
        by_name: true,
        ..Place::new(addresses.iter().map(url).collect(), SOON)
    })
}

/// The addresses of a node for the world outside, if we may look at nodes.
async fn fetch_external(host: &Host, node: &str) -> Result<Vec<String>, HostError> {
    let nodes = Collection::of("Node", None);
    match host.fetch::<Node>(&nodes, node).await {
        Err(error) if error.is_forbidden() => Ok(Vec::new()),
        node => Ok(node?
            .map(|node| node.external_addresses())
            .unwrap_or_default()),
    }
}
