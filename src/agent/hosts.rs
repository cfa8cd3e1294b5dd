//! The hosts of all tunnels: one client each, however many tunnels lead through it.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use crate::host::{BACKGROUND_AGENT, Host, HostError, Source};
use crate::kubeconfig::Files;
use crate::lifecycle::is_same_server;
use crate::tunnel::Upstream;
use crate::tunnel::background::{Environment, Way};

/// How each host is reached.
#[derive(Default)]
pub(super) struct Hosts(Mutex<HashMap<(Way, String), Arc<Known>>>);

struct Known {
    host: Host,
    upstream: Upstream,
    environment: Arc<Mutex<Environment>>,
}

impl Hosts {
    /// The host at `server`, with the environment that its credential plugins are to run in from now on.
    pub(super) fn get(&self, way: &Way, server: &str, environment: &Environment) -> Host {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all
            .entry((way.clone(), server.to_owned()))
            .or_insert_with(|| Arc::new(Known::new(way, server)));
        if !environment.is_empty() {
            known
                .environment
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone_from(environment);
        }
        known.host.clone()
    }

    /// The same host, as all tunnels to it share it.
    pub(super) fn upstream(&self, way: &Way, host: &Host) -> Upstream {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&(way.clone(), host.server.clone()))
            .map_or_else(|| host.client().into(), |known| known.upstream.clone())
    }

    /// The environment of a host's plugins; empty if no command has told it to this agent.
    pub(super) fn environment(&self, way: &Way, server: &str) -> Environment {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&(way.clone(), server.to_owned()))
            .map(|known| {
                known
                    .environment
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone()
            })
            .unwrap_or_default()
    }
}

impl Known {
    fn new(way: &Way, server: &str) -> Self {
        let environment = Arc::new(Mutex::new(Environment::default()));
        let origin = Origin {
            way: way.clone(),
            server: server.to_owned(),
            environment: environment.clone(),
        };
        let host = Host::renewing(&way.context, server, origin);
        Self {
            upstream: Upstream::new(host.client()),
            host,
            environment,
        }
    }
}

/// Where the credentials of a host come from.
#[derive(Clone)]
struct Origin {
    way: Way,
    server: String,
    environment: Arc<Mutex<Environment>>,
}

impl Source for Origin {
    fn stamp(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for file in &self.way.kubeconfigs {
            stamp_of(file).hash(&mut hasher);
        }
        hasher.finish()
    }

    fn load(&self) -> BoxFuture<'static, Result<Host, HostError>> {
        let origin = self.clone();
        let runtime = Handle::current();
        // The kubeconfig is read, and a credential plugin waited for, by blocking.
        let loading = spawn_blocking(move || runtime.block_on(origin.load_now()));
        async move { loading.await.expect("loading a host does not panic") }.boxed()
    }
}

impl Origin {
    async fn load_now(self) -> Result<Host, HostError> {
        let context = &self.way.context;
        if self.way.kubeconfigs.is_empty() {
            let none = || self.unusable("there is no service account of a pod here");
            return Host::from_service_account(BACKGROUND_AGENT).ok_or_else(none)?;
        }
        let kubeconfig = Files::list(&self.way.kubeconfigs)
            .read()
            .map_err(|error| self.unusable(&error.to_string()))?;
        let mut document = kubeconfig
            .to_json_for(context)
            .ok_or_else(|| self.unusable("it is in your kubeconfig no more"))?;
        let server = document
            .pointer("/clusters/0/cluster/server")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if !is_same_server(server, &self.server) {
            return Err(self.unusable(&format!("it does not lead to {} any more", self.server)));
        }
        if let Some(exec) = document.pointer_mut("/users/0/user/exec") {
            let environment = self
                .environment
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            run_in(exec, &environment);
        }
        Host::from_kubeconfig(document, context, BACKGROUND_AGENT).await
    }

    fn unusable(&self, why: &str) -> HostError {
        let Way { context, .. } = &self.way;
        HostError::Config {
            message: format!("the context `{context}` cannot be used: {why}"),
            hint: "run `vc connect` again with the context of the host as `--context`".to_owned(),
        }
    }
}

/// Has a credential plugin run as in the command that connected, and without a terminal to ask at.
fn run_in(exec: &mut Value, environment: &Environment) {
    exec["interactiveMode"] = "Never".into();
    let own = exec["env"].as_array().cloned().unwrap_or_default();
    let of_command = environment
        .iter()
        .map(|(name, value)| json!({ "name": name, "value": value }));
    // What the kubeconfig itself says comes last, and counts.
    exec["env"] = of_command.chain(own).collect();
}

/// Something that changes with a file; the same for all that cannot be seen.
fn stamp_of(file: &Path) -> Option<(u64, Option<SystemTime>, u64)> {
    let metadata = std::fs::metadata(file).ok()?;
    let number = std::os::unix::fs::MetadataExt::ino(&metadata);
    Some((metadata.len(), metadata.modified().ok(), number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_runs_in_the_environment_of_the_command_and_what_the_kubeconfig_adds() {
        let variables = [("PROFILE".into(), "mine".into())].into();
        let mut exec = json!({
            "command": "login", "interactiveMode": "Always", "env": [{ "name": "PROFILE", "value": "its" }],
        });
        run_in(&mut exec, &Environment::of(&variables));
        assert_eq!(
            exec,
            json!({
                "command": "login", "interactiveMode": "Never",
                "env": [{ "name": "PROFILE", "value": "mine" }, { "name": "PROFILE", "value": "its" }],
            })
        );
    }
}
