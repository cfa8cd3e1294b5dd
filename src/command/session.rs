//! What one run of a command works with: the process, the settings, the user, and the way to the host.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::cluster::ClusterRef;
use crate::error::{Error, Kind};
use crate::host::{AGENT, Host};
use crate::kubeconfig::{Files, Kubeconfig};
use crate::lifecycle::{self, Identity, Local, Operator, Scope};
use crate::process::Process;
use crate::progress::Progress;
use crate::settings::{Layer, Settings, Value as _};
use crate::tunnel::background::{Agent, Environment, Place};
use crate::ui::Ui;

/// How the names begin that the `vcluster` CLI gives to contexts.
const VCLUSTER_PREFIX: &str = "vcluster_";

/// One run of a command.
pub struct Session {
    /// The process it runs in.
    pub process: Process,
    /// What its flags alone say.
    pub flags: Layer,
    /// What holds for it.
    pub settings: Settings,
    /// The user's side.
    pub ui: Ui,
    /// What we call ourselves towards the host.
    pub agent: &'static str,
    /// The kubeconfig as it was read first.
    kubeconfig: OnceLock<Kubeconfig>,
    /// What the host is called that is asked, once it is known.
    host_name: OnceLock<String>,
}

/// Which context of which kubeconfig leads to the host.
struct Way {
    context: String,
    kubeconfig: Kubeconfig,
    /// The file to name to a tunnel, where kubectl's own rule would not find the context.
    file: Option<PathBuf>,
}

impl Session {
    /// A run in this process.
    pub fn new(process: Process, flags: Layer, settings: Settings, ui: Ui) -> Self {
        Self {
            process,
            flags,
            settings,
            ui,
            agent: AGENT,
            kubeconfig: OnceLock::new(),
            host_name: OnceLock::new(),
        }
    }

    /// Where the work reports to.
    pub fn progress(&self) -> &dyn Progress {
        self.ui.reporter()
    }

    /// Who runs this command, and until when it may go on.
    pub fn operator(&self) -> Operator {
        Operator::current(&self.process, self.settings.timeout)
    }

    /// The namespaces that a command is about.
    pub fn scope(&self) -> Scope {
        self.settings
            .namespace
            .clone()
            .map_or(Scope::Everywhere, Scope::In)
    }

    /// The kubeconfig files, by kubectl's rule.
    pub fn kubeconfig_files(&self) -> Files {
        let given = self
            .settings
            .kubeconfig
            .as_deref()
            .map(|path| self.absolute(path));
        let home = self.process.home();
        Files::resolve(
            given.as_deref(),
            self.process.variable("KUBECONFIG"),
            home.as_deref(),
        )
    }

    /// The host that this command asks, for people: context and address; empty where none is known yet.
    pub fn host_name(&self) -> &str {
        self.host_name.get().map_or("", String::as_str)
    }

    /// The kubeconfig as it was when this command first looked: a pipe, for one, can be read only once.
    pub fn kubeconfig(&self) -> Result<&Kubeconfig, Error> {
        if let Some(kubeconfig) = self.kubeconfig.get() {
            return Ok(kubeconfig);
        }
        let kubeconfig = self.kubeconfig_files().read()?;
        Ok(self.kubeconfig.get_or_init(|| kubeconfig))
    }

    /// The user's own side, for commands that do not need the host.
    pub fn local(&self) -> Result<Local, Error> {
        let no_home = || {
            Error::new(
                Kind::Failed,
                "there is no home folder to keep the state of connections in",
            )
            .hint("set `HOME` or `XDG_STATE_HOME`")
        };
        let state_folder = self.process.state_folder().ok_or_else(no_home)?;
        Ok(Local {
            files: self.kubeconfig_files(),
            named_kubeconfig: self
                .settings
                .kubeconfig
                .as_deref()
                .map(|path| self.absolute(path)),
            agent: self.background_agent(&state_folder)?,
            state_folder,
        })
    }

    /// The agent that keeps the tunnels, as far as it is known without asking it.
    fn background_agent(&self, state_folder: &Path) -> Result<Agent, Error> {
        let program = self.process.lasting_program().ok_or_else(|| {
            Error::new(
                Kind::Failed,
                "the system does not say where this program lies",
            )
        })?;
        Ok(Agent::new(
            self.agent_place(state_folder),
            program,
            vec![
                "agent".to_owned(),
                "--idle".to_owned(),
                self.settings.agent_idle.to_text(),
            ],
            Environment::of(&self.process.environment),
        ))
    }

    /// Where that agent is found.
    pub fn agent_place(&self, state_folder: &Path) -> Place {
        Place::new(state_folder, self.process.runtime_folder())
    }

    /// The host that commands act on.
    ///
    /// When the current context leads to a virtual cluster, that is its recorded host, and the user is told; only a
    /// context named explicitly nests.
    pub async fn host(&self) -> Result<Host, Error> {
        Ok(self.open().await?.0)
    }

    /// The host and the user's own side.
    pub async fn host_and_local(&self) -> Result<(Host, Local), Error> {
        let (host, file) = self.open().await?;
        let mut local = self.local()?;
        local.named_kubeconfig = file.or(local.named_kubeconfig);
        Ok((host, local))
    }

    /// The identity that the current context records, if it is one of ours.
    pub fn current_identity(&self) -> Result<Option<(String, Identity)>, Error> {
        let kubeconfig = self.kubeconfig()?;
        let current = kubeconfig
            .current_context
            .as_deref()
            .and_then(|current| kubeconfig.context(current));
        Ok(current.and_then(|context| Some((context.name.clone(), Identity::of(context)?))))
    }

    /// The kubeconfig files by kubectl's rule, whatever file was named.
    pub fn usual_kubeconfig_files(&self) -> Files {
        let home = self.process.home();
        Files::resolve(None, self.process.variable("KUBECONFIG"), home.as_deref())
    }

    async fn open(&self) -> Result<(Host, Option<PathBuf>), Error> {
        let (host, file) = self.find_host().await?;
        let Host {
            context, server, ..
        } = &host;
        self.host_name
            .get_or_init(|| format!("`{context}` at {server}"));
        Ok((host, file))
    }

    async fn find_host(&self) -> Result<(Host, Option<PathBuf>), Error> {
        let files = self.kubeconfig_files();
        let mut kubeconfig = self.kubeconfig()?.clone();
        if let Ok(local) = self.local()
            && lifecycle::mend_programs(&local, &kubeconfig, self.progress()).await?
        {
            kubeconfig = files.read()?;
        }
        let way = self.way(kubeconfig)?;
        let Some(way) = way else {
            return match Host::from_service_account(self.agent) {
                Some(host) => Ok((host?, None)),
                None => Err(no_way(&files)),
            };
        };
        let document = way.kubeconfig.to_json_for(&way.context).ok_or_else(|| {
            let known: Vec<String> = way
                .kubeconfig
                .contexts
                .iter()
                .map(|known| format!("`{}`", known.name))
                .collect();
            let error = Error::new(
                Kind::Host,
                format!("there is no context `{}` in your kubeconfig", way.context),
            );
            if known.is_empty() {
                error
            } else {
                error.hint(format!("contexts that there are: {}", known.join(", ")))
            }
        })?;
        // A plugin of the context's credentials may ask something on the terminal.
        Ok((
            Host::from_kubeconfig(document, &way.context, self.agent).await?,
            way.file,
        ))
    }

    /// Which context to take; `None` if nothing names one.
    fn way(&self, kubeconfig: Kubeconfig) -> Result<Option<Way>, Error> {
        if let Some(context) = self.settings.context.clone() {
            return Ok(Some(Way {
                context,
                kubeconfig,
                file: None,
            }));
        }
        let Some(current) = kubeconfig.current_context.clone() else {
            return Ok(None);
        };
        let identity = kubeconfig.context(&current).and_then(Identity::of);
        if let Some(identity) = identity {
            return self.way_of(&identity, kubeconfig);
        }
        // Not one of ours, so the name is all there is; a cluster of that name is never itself taken for a host.
        if current.starts_with(VCLUSTER_PREFIX) {
            let host_context = lifecycle::host_context_in_name(&current)
                .filter(|name| kubeconfig.context(name).is_some())
                .ok_or_else(|| hostless(&current))?
                .to_owned();
            self.note_host(&host_context, &current);
            return Ok(Some(Way {
                context: host_context,
                kubeconfig,
                file: None,
            }));
        }
        Ok(Some(Way {
            context: current,
            kubeconfig,
            file: None,
        }))
    }

    /// The way to the host that a context of ours records; `None` for the service account of the pod we are in.
    fn way_of(&self, identity: &Identity, kubeconfig: Kubeconfig) -> Result<Option<Way>, Error> {
        let context = identity.host_context.clone();
        if identity.leads_to_host_in(&kubeconfig) {
            self.note_host(&context, &identity.name);
            return Ok(Some(Way {
                context,
                kubeconfig,
                file: None,
            }));
        }
        if identity.is_by_service_account() && self.is_in_pod_on(&identity.host_server) {
            self.note_host(&context, &identity.name);
            return Ok(None);
        }
        let file = identity.host_kubeconfig.as_deref().map(PathBuf::from);
        let found = file.and_then(|file| Some((Files::explicit(&file).read().ok()?, file)));
        match found.filter(|(recorded, _)| identity.leads_to_host_in(recorded)) {
            Some((recorded, file)) => {
                self.note_host(&context, &identity.name);
                Ok(Some(Way {
                    context,
                    kubeconfig: recorded,
                    file: Some(file),
                }))
            }
            None => Err(moved(identity, kubeconfig.context(&context).is_some())),
        }
    }

    fn note_host(&self, context: &str, cluster: &str) {
        self.progress().note(&format!(
            "acting on the host `{context}` of the virtual cluster `{cluster}`"
        ));
    }

    fn is_in_pod_on(&self, server: &str) -> bool {
        matches!(Host::from_service_account(self.agent), Some(Ok(host)) if host.server == server)
    }

    /// A path as the user meant it, wherever a background process may stand.
    pub fn absolute(&self, path: &Path) -> PathBuf {
        self.process
            .folder
            .as_ref()
            .map_or_else(|| path.to_owned(), |folder| folder.join(path))
    }

    /// The namespace for a cluster of this name: the one that was named, else its own.
    pub fn reference(&self, name: crate::cluster::Name) -> ClusterRef {
        let namespace = self
            .settings
            .namespace
            .clone()
            .unwrap_or_else(|| name.default_namespace());
        ClusterRef { namespace, name }
    }
}

/// The recorded host cannot be found: its context is gone, or is now another cluster's.
fn moved(identity: &Identity, has_context: bool) -> Error {
    let Identity {
        host_context,
        host_server,
        name,
        ..
    } = identity;
    let message = if has_context {
        format!(
            "the context `{host_context}` does not lead to the host of `{name}`, which is at `{host_server}`"
        )
    } else {
        format!(
            "the context `{host_context}` of the host of `{name}` is in your kubeconfig no more"
        )
    };
    Error::new(Kind::Host, message).hint("name the host's context with `--context`")
}

/// The current context is a virtual cluster, and nothing says where its host is.
fn hostless(current: &str) -> Error {
    let message = match lifecycle::host_context_in_name(current) {
        Some(host) => format!(
            "the current context `{current}` is a virtual cluster, and the context `{host}` of its host is not in your \
             kubeconfig"
        ),
        None => format!(
            "the current context `{current}` is a virtual cluster, and does not say which context its host has"
        ),
    };
    Error::new(Kind::Host, message).hint("name the host's context with `--context`")
}

fn no_way(files: &Files) -> Error {
    let looked: Vec<String> = files
        .paths()
        .iter()
        .map(|path| format!("`{}`", path.display()))
        .collect();
    let message = if files.paths().iter().any(|path| path.exists()) {
        format!("no context is selected in {}", looked.join(", "))
    } else {
        format!(
            "there is no kubeconfig: {} does not exist",
            looked.join(", ")
        )
    };
    Error::new(Kind::Host, message)
        .hint("name a context with `--context`, or a file with `--kubeconfig` or `KUBECONFIG`")
}
