//! A Kubernetes API server in memory, on loopback, inside the test's own process.
//!
//! It owns the objects, their history and rules (names, namespaces, owners, finalizers), a record of what it was
//! asked, and a script of what goes wrong. It knows a few dozen built-in kinds and no schema: any field is accepted.

mod calls;
mod controllers;
mod discovery;
mod forward;
mod http;
mod kinds;
mod logs;
mod merge;
mod request;
mod script;
mod select;
mod status;
mod store;
mod verbs;
mod watch;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use jiff::SignedDuration;
use serde_json::Value;
use tokio::{net::TcpListener, runtime::Runtime, sync::Notify};

pub(crate) use self::{
    calls::{Call, Calls},
    controllers::{JobFate, PodFate},
    script::{Fault, Nth, Scope},
    store::base64,
};
use self::{
    controllers::Controllers,
    request::Target,
    script::Script,
    store::{Key, Store},
};
use super::{pki::Pki, pod_side::Faults};

/// Whom the server's messages call the user.
const USER: &str = "developer";

/// A running server; ends when dropped.
pub(crate) struct ApiServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    runtime: Option<Runtime>,
}

/// The API server of each control plane, by namespace and name, with the keys it was started with.
type VirtualServers = BTreeMap<(String, String), (Arc<Pki>, SocketAddr)>;

/// What connections, watches and the test share.
struct Shared {
    pki: Arc<Pki>,
    token: String,
    state: Mutex<State>,
    calls: Mutex<Record>,
    script: Script,
    revisions: tokio::sync::watch::Sender<u64>,
    clock: Notify,
    pod_faults: Arc<Faults>,
    logs: logs::Logs,
    version: Mutex<String>,
    /// The API servers inside the control-plane pods, started when first reached.
    virtual_servers: tokio::sync::Mutex<VirtualServers>,
}

/// Every call since the start, and how many of them the test wants to hear no more of.
#[derive(Default)]
struct Record {
    all: Vec<Call>,
    forgotten: usize,
}

struct State {
    store: Store,
    controllers: Controllers,
}

impl ApiServer {
    /// Starts a server with the namespaces that every cluster has.
    pub(crate) fn start() -> Self {
        Self::start_with(Pki::new("admin"))
    }

    /// The same with a certificate that was good once.
    pub(crate) fn start_with_expired_certificate() -> Self {
        Self::start_with(Pki::expired())
    }

    fn start_with(pki: Pki) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime for the API server");
        let shared = Shared::new(Arc::new(pki));
        let address = runtime
            .block_on(start(shared.clone()))
            .expect("a free port on loopback");
        Self {
            shared,
            address,
            runtime: Some(runtime),
        }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// A kubeconfig with one context, `host`, that reaches the server with a bearer token.
    pub(crate) fn kubeconfig(&self) -> String {
        format!(
            "apiVersion: v1\nkind: Config\n# the developer's own file\nclusters:\n- name: host\n  cluster:\n    server: {}\n    \
             certificate-authority-data: {}\nusers:\n- name: developer\n  user:\n    token: {}\ncontexts:\n- name: host\n  \
             context:\n    cluster: host\n    user: developer\ncurrent-context: host\n",
            self.url(),
            base64(&self.shared.pki.authority),
            self.shared.token
        )
    }

    /// The bearer token, which no output may ever contain.
    pub(crate) fn token(&self) -> &str {
        &self.shared.token
    }

    /// Creates objects as an administrator would, unseen by the record of calls.
    pub(crate) fn create_all(&self, objects: impl IntoIterator<Item = Value>) {
        let mut state = self.shared.state.lock().expect("no request panics");
        for object in objects {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let kind = kinds::by_object(&text(&object["apiVersion"]), &text(&object["kind"]))
                .expect("an object of a known kind");
            let metadata = &object["metadata"];
            let key = Key::new(
                kind,
                &text(&metadata["namespace"]),
                &text(&metadata["name"]),
            );
            let status = object["status"].clone();
            let made = state.store.create(&key, object, false);
            let mut made = made.unwrap_or_else(|failure| panic!("{}", failure.message));
            if !status.is_null() {
                made["status"] = status;
                state.store.save(&key, made);
            }
        }
        drop(state);
        self.shared.settle();
    }

    /// The object at a path.
    pub(crate) fn get(&self, path: &str) -> Option<Value> {
        let key = key_of(path);
        self.shared
            .state
            .lock()
            .expect("no request panics")
            .store
            .get(&key)
            .cloned()
    }

    /// Changes the object at a path.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub(crate) fn edit(&self, path: &str, change: impl FnOnce(&mut Value)) {
        let key = key_of(path);
        let mut state = self.shared.state.lock().expect("no request panics");
        let mut object = state
            .store
            .get(&key)
            .cloned()
            .expect("an object at that path");
        change(&mut object);
        state.store.save(&key, object);
        drop(state);
        self.shared.settle();
    }

    /// Applies to the object at a path as another program would, under this name.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub(crate) fn apply_as(&self, manager: &str, path: &str, wish: Value) {
        self.edit(path, |object| merge::merge(object, &wish, true));
        let mut state = self.shared.state.lock().expect("no request panics");
        let applied = state.store.applied.entry(key_of(path)).or_default();
        applied.insert(manager.to_owned(), wish);
    }

    /// Deletes the object at a path, with what follows from that.
    pub(crate) fn delete(&self, path: &str) {
        let key = key_of(path);
        self.shared
            .state
            .lock()
            .expect("no request panics")
            .store
            .delete(&key, &store::Deletion::default())
            .ok();
        self.shared.settle();
    }

    /// The path of every object, sorted; what a test compares to show that nothing was left.
    pub(crate) fn paths(&self) -> Vec<String> {
        let state = self.shared.state.lock().expect("no request panics");
        state
            .store
            .objects
            .keys()
            .map(|key| key.kind().path(&key.namespace, &key.name))
            .collect()
    }

    /// What the server was asked since the record began. Tunnels that were there before it go on in the
    /// background as they like, and are left out.
    pub(crate) fn calls(&self) -> Calls {
        let calls = self.shared.calls.lock().expect("no request panics");
        let (before, since) = calls.all.split_at(calls.forgotten);
        let is_of_an_older_tunnel = |call: &&Call| {
            call.is_of_a_tunnel() && before.iter().any(|older| older.is_of_the_same_tunnel(call))
        };
        let since = since.iter().filter(|call| !is_of_an_older_tunnel(call));
        Calls(since.cloned().collect())
    }

    /// Begins a new record of calls.
    pub(crate) fn forget_calls(&self) {
        let mut calls = self.shared.calls.lock().expect("no request panics");
        calls.forgotten = calls.all.len();
    }

    /// Requests whose `verb path` matches the pattern, in which `*` stands for anything, have this fault.
    pub(crate) fn fault(&self, pattern: &str, nth: Nth, fault: Fault) {
        self.shared.script.add(pattern, nth, fault);
    }

    /// Refuses a verb on a resource (`pods`, `pods/portforward`, `*`) with a 403, as RBAC would.
    pub(crate) fn forbid(&self, verb: &str, resource: &str, scope: Scope) {
        self.shared.script.forbid(verb, resource, scope);
    }

    /// Takes back every fault and refusal.
    pub(crate) fn behave(&self) {
        self.shared.script.clear();
    }

    /// Changes how the host behaves from now on.
    pub(crate) fn set(&self, change: impl FnOnce(&mut controllers::Settings)) {
        change(
            &mut self
                .shared
                .state
                .lock()
                .expect("no request panics")
                .controllers
                .settings,
        );
        self.shared.settle();
    }

    /// Makes every revision so far too old to continue from.
    pub(crate) fn forget_history(&self) {
        let mut state = self.shared.state.lock().expect("no request panics");
        state.store.oldest = state.store.revision + 1;
    }

    /// Has a container say something, so long ago.
    pub(crate) fn say(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        line: &str,
        age: SignedDuration,
    ) {
        self.shared.logs.say(namespace, pod, container, line, age);
    }

    /// A port of `127.0.0.1` and `127.0.0.2` that leads to the API server of a cluster, while it runs.
    pub(crate) fn way_to(&self, namespace: &str, name: &str) -> u16 {
        let cluster = (namespace.to_owned(), name.to_owned());
        let listen = async {
            let first = TcpListener::bind("127.0.0.1:0").await?;
            let port = first.local_addr()?.port();
            let second = TcpListener::bind(("127.0.0.2", port)).await?;
            for listener in [first, second] {
                tokio::spawn(self.shared.clone().lead_to(cluster.clone(), listener));
            }
            Ok::<_, std::io::Error>(port)
        };
        self.block_on(listen).expect("a free port on loopback")
    }

    /// The port of an API server that has the certificates of a cluster and is another one.
    ///
    /// # Panics
    ///
    /// If there is no such cluster.
    pub(crate) fn twin_of(&self, namespace: &str, name: &str) -> u16 {
        let cluster = (namespace.to_owned(), name.to_owned());
        let state = self.shared.state.lock().expect("no request panics");
        let pki = state.controllers.control_planes[&cluster].clone();
        drop(state);
        let twin = Shared::new(pki);
        // So that its own `kube-system` is not made at the same turn as that of the cluster.
        twin.state.lock().expect("no request panics").store.made = 1000;
        self.block_on(start(twin))
            .expect("a free port on loopback")
            .port()
    }

    fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        let runtime = self.runtime.as_ref().expect("it runs until it is dropped");
        runtime.block_on(work)
    }

    /// What goes wrong with streams into pods.
    pub(crate) fn pod_faults(&self) -> &Faults {
        &self.shared.pod_faults
    }

    /// What `/version` says from now on, such as `v1.30.2`.
    pub(crate) fn set_version(&self, version: &str) {
        version.clone_into(&mut self.shared.version.lock().expect("no request panics"));
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Binds a free port and serves in the background.
async fn start(shared: Arc<Shared>) -> std::io::Result<SocketAddr> {
    for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
        let namespaces = kinds::by_path("", "v1", "namespaces").expect("namespaces are known");
        let mut state = shared.state.lock().expect("no request panics");
        state
            .store
            .create(
                &Key::new(namespaces, "", name),
                serde_json::json!({}),
                false,
            )
            .ok();
    }
    shared.settle();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(tick(shared.clone()));
    tokio::spawn(http::serve(shared, listener));
    Ok(address)
}

/// Lets the controllers go on when a delay is over.
async fn tick(shared: Arc<Shared>) {
    loop {
        match shared.settle() {
            Some(due) => {
                let due = tokio::time::Instant::from_std(due);
                tokio::select! {
                    () = tokio::time::sleep_until(due) => {}
                    () = shared.clock.notified() => {}
                }
            }
            None => shared.clock.notified().await,
        }
    }
}

impl Shared {
    fn new(pki: Arc<Pki>) -> Arc<Self> {
        let state = State {
            store: Store::new(),
            controllers: Controllers::default(),
        };
        Arc::new(Self {
            pki,
            token: "secret-token-of-the-developer".to_owned(),
            state: Mutex::new(state),
            calls: Mutex::default(),
            script: Script::default(),
            revisions: tokio::sync::watch::Sender::new(0),
            clock: Notify::new(),
            pod_faults: Arc::default(),
            logs: logs::Logs::default(),
            version: Mutex::new("v1.36.3".to_owned()),
            virtual_servers: tokio::sync::Mutex::default(),
        })
    }

    fn version(&self) -> String {
        self.version.lock().expect("no request panics").clone()
    }

    fn log(&self) -> String {
        let state = self.state.lock().expect("no request panics");
        state.controllers.settings.log.clone()
    }

    /// Runs a change, then whatever follows from it, and tells the watches.
    fn change<T>(&self, change: impl FnOnce(&mut Store) -> T) -> T {
        let outcome = change(&mut self.state.lock().expect("no request panics").store);
        if self.settle().is_some() {
            self.clock.notify_one();
        }
        outcome
    }

    fn settle(&self) -> Option<std::time::Instant> {
        let mut state = self.state.lock().expect("no request panics");
        let State { store, controllers } = &mut *state;
        let due = controllers.settle(store);
        self.revisions.send_replace(store.revision);
        due
    }
}

fn key_of(path: &str) -> Key {
    let target = Target::parse(path).unwrap_or_else(|_| panic!("no kind has the path {path}"));
    Key::new(target.kind, &target.namespace, &target.name)
}
