//! `vc create`: make a virtual cluster and connect to it.

use std::pin::pin;
use std::time::Instant;

use serde::Serialize;

use super::chart::ChartArgs;
use super::context::ContextArgs;
use super::limits::LimitArgs;
use super::values::ValueArgs;
use super::{Session, connect, objects};
use crate::cluster::{ClusterRef, Name, VirtualCluster};
use crate::driver::vcluster::CreateRequest;
use crate::error::Error;
use crate::host::Host;
use crate::lifecycle::{
    self, Address, Applied, Connected, Connection, CreateOptions, Created, Local, Manner, Route,
};
use crate::ui::View;

/// Create a virtual cluster and connect to it
///
/// Its API server is ready in seconds, and the current context is its own when the command returns. The same command
/// again changes nothing. Without a name, asks for one, or in a script makes one up; `-o name` prints it.
///
/// With `--expose` the context leads to where the host then offers the API, and not through a tunnel.
#[derive(Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own that the user sets"
)]
pub struct CreateArgs {
    /// What to call it
    name: Option<String>,
    #[command(flatten)]
    values: ValueArgs,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    chart: ChartArgs,
    /// Return when its objects are on the host, without waiting for it or connecting
    #[arg(long)]
    no_wait: bool,
    /// Wait for it, but leave the kubeconfig alone
    #[arg(long)]
    no_connect: bool,
    #[command(flatten)]
    context: ContextArgs,
    /// Print the objects that would be applied, and apply none
    #[arg(long)]
    dry_run: bool,
    /// Change the cluster if it is there and differs
    #[arg(long)]
    upgrade: bool,
    /// Leave out the chart's hooks
    #[arg(long)]
    no_hooks: bool,
}

/// What a create did; the JSON contract of this command.
#[derive(Serialize)]
struct CreateView {
    name: String,
    namespace: String,
    outcome: &'static str,
    version: String,
    /// Version of its Kubernetes; `null` if it was not asked.
    kubernetes: Option<String>,
    /// The context that leads to it; `null` if there is none yet.
    context: Option<String>,
    seconds: f64,
}

impl View for CreateView {
    fn sentence(&self) -> String {
        let Self {
            name,
            namespace,
            outcome,
            seconds,
            ..
        } = self;
        let context = self.context.as_ref().map_or(String::new(), |context| {
            format!("; the current context is `{context}`")
        });
        match *outcome {
            "unchanged" => {
                format!("`{name}` in `{namespace}` already exists, just like this{context}")
            }
            "upgraded" => format!("Upgraded `{name}` in `{namespace}` in {seconds:.1} s{context}"),
            _ => format!("Created `{name}` in `{namespace}` in {seconds:.1} s{context}"),
        }
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

/// Creates the cluster.
pub async fn run(session: &Session, args: CreateArgs) -> Result<(), Error> {
    let began = Instant::now();
    let reference = session.reference(name(session, args.name.as_deref())?);
    let values = args.values.resolve(session, args.chart.is_built_in())?;
    let request = CreateRequest {
        reference: reference.clone(),
        values: args.limits.over(values)?,
    };
    let chart = args.chart.resolve(session).await?;
    // A chart that refuses the values does so before the host is asked anything.
    let draft = lifecycle::draft(&chart, &request)?;
    if args.dry_run {
        let objects = draft.crds.iter().chain(&draft.objects);
        let bodies: Vec<_> = objects.map(|object| &object.body).collect();
        return objects::print(session, &bodies);
    }
    let (host, local) = session.host_and_local().await?;
    let connects = !(args.no_wait || args.no_connect);
    if connects {
        let writable = local.files.check_default_file();
        writable.map_err(|error| {
            Error::from(error)
                .hint("`--no-connect` makes the cluster and leaves your kubeconfig alone")
        })?;
    }
    let progress = session.progress();
    progress.begin(&format!("looking at `{}`", reference.namespace));
    let facts = lifecycle::look(&host, &reference).await?;
    let plan = lifecycle::plan(
        &host,
        &chart,
        &request,
        &facts.host_version,
        facts.next_revision(&request.values),
    )
    .await?;
    let options = CreateOptions {
        operator: session.operator(),
        upgrade: args.upgrade,
        wait: !args.no_wait,
        hooks: !args.no_hooks,
    };
    let created =
        lifecycle::create(&host, &plan, &chart, &request, facts, options, progress).await?;
    let mut view = CreateView {
        name: reference.name.to_string(),
        namespace: reference.namespace.to_string(),
        outcome: outcome(&created),
        version: chart.metadata.version.clone(),
        kubernetes: None,
        context: None,
        seconds: 0.0,
    };
    if matches!(created, Created::Applied(_)) {
        lifecycle::tell_changed(&local, &host.server, &reference).await;
    }
    let exposure = args.values.exposure();
    let way = Way {
        session,
        host: &host,
        local: &local,
        route: args
            .context
            .route(exposure.map_or(Route::Tunnel, |how| Route::Exposed(Some(how)))),
        manner: args.context.manner(session, true),
    };
    let is_tunnelled = connects && !way.route.is_direct();
    let _tunnel = is_tunnelled.then(|| local.unless_used(&host, &reference));
    let connected = match created {
        Created::Unchanged(cluster) if connects => Some(way.to_existing(&cluster).await?),
        Created::Applied(applied) if connects => {
            Some(Box::pin(way.to_applied(&reference, *applied)).await?)
        }
        Created::Applied(applied) if !args.no_wait => {
            applied.until_ready(&host, progress).await?;
            None
        }
        // One that sleeps is as it should be: only `connect` and `wake` wake it.
        Created::Unchanged(cluster)
            if !args.no_wait && cluster.ready == 0 && !cluster.state.is_sleeping() =>
        {
            lifecycle::until_ready(&host, &reference, progress).await?;
            None
        }
        Created::Applied(_) | Created::Unchanged(_) => None,
    };
    if let Some(connected) = connected {
        (view.kubernetes, view.context) = (Some(connected.kubernetes), Some(connected.context));
    }
    view.seconds = crate::ui::seconds(began.elapsed());
    session.ui.answer(&view)?;
    session.ui.next(&next(&reference, &view));
    Ok(())
}

/// How a cluster is connected to that was to be created.
struct Way<'a> {
    session: &'a Session,
    host: &'a Host,
    local: &'a Local,
    route: Route,
    manner: Manner,
}

impl Way<'_> {
    /// Connects to one that was there already.
    async fn to_existing(&self, cluster: &VirtualCluster) -> Result<Connected, Error> {
        let (connection, _) =
            connect::reach(self.session, self.host, cluster, !self.route.is_direct()).await?;
        self.by_route(&connection, cluster.ready == 0).await
    }

    /// Connects to one whose objects were put on the host just now, once it is ready.
    async fn to_applied(
        &self,
        reference: &ClusterRef,
        applied: Applied,
    ) -> Result<Connected, Error> {
        let (host, progress) = (self.host, self.session.progress());
        let uid = applied.uid.clone();
        if self.route.is_direct() {
            let secret = applied.until_ready(host, progress).await?;
            let connection = lifecycle::kubeconfig_of(&secret, reference, &uid)?;
            return self.by_route(&connection, true).await;
        }
        // The tunnel starts while the control plane does, and holds what comes too early.
        let mut tunnel = pin!(lifecycle::open_tunnel(self.local, host, reference, &uid));
        let mut ready = pin!(applied.until_ready(host, progress));
        let (secret, port) = tokio::select! {
            port = &mut tunnel => {
                let port = port?;
                (ready.await?, port)
            }
            secret = &mut ready => {
                // A tunnel on its way is waited for: it could not be stopped before it is there.
                let port = tunnel.await;
                (secret?, port?)
            }
        };
        progress.begin(&format!("connecting to {reference}"));
        let connection = lifecycle::kubeconfig_of(&secret, reference, &uid)?;
        self.at(&connection, Address::Tunnel(port)).await
    }

    async fn by_route(&self, connection: &Connection, is_fresh: bool) -> Result<Connected, Error> {
        let Self {
            host, local, route, ..
        } = self;
        let progress = self.session.progress();
        let address = lifecycle::reach(local, host, connection, route, is_fresh, progress).await?;
        self.at(connection, address).await
    }

    async fn at(&self, connection: &Connection, address: Address) -> Result<Connected, Error> {
        let Self {
            host,
            local,
            manner,
            ..
        } = self;
        let progress = self.session.progress();
        lifecycle::connect(local, host, connection, address, manner, progress).await
    }
}

fn outcome(created: &Created) -> &'static str {
    match created {
        Created::Unchanged(_) => "unchanged",
        Created::Applied(applied) if applied.is_new => "created",
        Created::Applied(_) => "upgraded",
    }
}

fn next(reference: &ClusterRef, view: &CreateView) -> String {
    let name = &reference.name;
    match (view.context.is_some(), view.outcome) {
        (false, _) => format!(
            "run `vc connect {name} -n {}` to use it",
            reference.namespace
        ),
        (true, "unchanged") => "add `--upgrade` with other values to change it".to_owned(),
        (true, _) => format!(
            "run `kubectl get namespaces` to see it, and `vc delete {name}` when you are done"
        ),
    }
}

/// The name that was given, asked for, or made up.
fn name(session: &Session, given: Option<&str>) -> Result<Name, Error> {
    let made_up = || format!("vc-{}", random_suffix());
    let text = match given {
        Some(given) => given.to_owned(),
        None if session.ui.can_ask() && !session.settings.yes => session
            .ui
            .ask("What should the virtual cluster be called?", "dev")?,
        None => made_up(),
    };
    Ok(Name::parse(&text)?)
}

/// Eight letters and digits that no other command has, from the system's own source of randomness.
fn random_suffix() -> String {
    use std::hash::{BuildHasher, RandomState};
    let number = RandomState::new().hash_one(std::process::id());
    format!("{:08x}", number & 0xffff_ffff)
}
