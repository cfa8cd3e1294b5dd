//! One user with a home, a kubeconfig and a virtual cluster of their own on the real host.
//!
//! Whatever a story left is removed when it ends, also when it fails: cluster, namespaces, volumes, tunnels.

mod helm;
mod running;
mod turn;

use std::cell::RefCell;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) use helm::Helm;
pub(crate) use running::{Output, Running};
use turn::Turn;

/// How long the host may take for anything that a story waits for.
pub(crate) const PATIENCE: Duration = Duration::from_mins(3);

/// Between two questions about what cannot be watched.
const PAUSE: Duration = Duration::from_millis(50);

/// The folder that `tests/host/host up` works in.
static HOST: LazyLock<PathBuf> = LazyLock::new(|| {
    #[expect(clippy::disallowed_methods, reason = "a test has no `Process` to ask")]
    let named = std::env::var_os("VC_HOST_STATE");
    let folder = named.unwrap_or_else(|| "tests/host/.state".into());
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
});

/// Removes what a story had decide over admission.
const ADMISSION: &str = "delete validatingwebhookconfigurations,validatingadmissionpolicies,\
    validatingadmissionpolicybindings -l story=NAME --timeout=60s";

/// One user's story with one virtual cluster.
pub(crate) struct Story {
    /// The name of the cluster, which no other story has.
    pub(crate) name: String,
    folder: TempDir,
    namespaces: RefCell<Vec<String>>,
    // The last field, so that the next story begins when everything of this one is gone.
    _turn: Turn,
}

impl Story {
    /// Begins when there is room on the host. The name begins with this word.
    ///
    /// # Panics
    ///
    /// If the host is not up.
    pub(crate) fn new(word: &str) -> Self {
        let administrator = HOST.join("admin.kubeconfig");
        let host = fs::read_to_string(&administrator).unwrap_or_else(|error| {
            let file = administrator.display();
            panic!("the host is not up, run `make host-up`: cannot read `{file}`: {error}")
        });
        let turn = Turn::take();
        let folder = tempfile::Builder::new()
            .prefix("vc-")
            .tempdir()
            .expect("a folder");
        let number = RandomState::new().hash_one(folder.path()) & 0xff_ffff;
        let name = format!("{word}-{number:06x}");
        let story = Self {
            namespaces: RefCell::new(vec![format!("vcluster-{name}")]),
            name,
            folder,
            _turn: turn,
        };
        for below in ["home", "tmp", "work", "run"] {
            fs::create_dir(story.path(below)).expect("a new folder");
        }
        story.write(
            "kubeconfig",
            &format!("# kept by hand\n{host}x-unknown: stays\n"),
        );
        story
    }

    /// The namespace that the cluster gets when none is named.
    pub(crate) fn namespace(&self) -> String {
        format!("vcluster-{}", self.name)
    }

    /// Makes a namespace on the host that is removed with the story.
    pub(crate) fn make_namespace(&self) -> String {
        let namespace = format!("team-{}", self.name);
        self.namespaces.borrow_mut().push(namespace.clone());
        self.host(&format!("create namespace {namespace}"));
        namespace
    }

    /// Has a namespace removed with the story that a command is going to make.
    pub(crate) fn removes_namespace(&self, namespace: &str) {
        self.namespaces.borrow_mut().push(namespace.to_owned());
    }

    /// A path in the story's own folder.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// Writes a file in the story's own folder.
    pub(crate) fn write(&self, below: &str, text: &str) -> PathBuf {
        let path = self.path(below);
        fs::write(&path, text).expect("a writable file");
        path
    }

    /// The user's kubeconfig as it is now.
    pub(crate) fn kubeconfig(&self) -> String {
        fs::read_to_string(self.path("kubeconfig")).expect("a readable file")
    }

    /// Runs `vc`. Arguments are split at blanks, except within single quotes; `NAME` is the cluster's name.
    pub(crate) fn vc(&self, arguments: &str) -> Output {
        self.start(arguments).finish()
    }

    /// Runs `vc`, which has to succeed.
    pub(crate) fn vc_does(&self, arguments: &str) -> Output {
        let output = self.vc(arguments);
        assert_eq!(output.code, Some(0), "{output}");
        output
    }

    /// Starts `vc` and does not wait.
    pub(crate) fn start(&self, arguments: &str) -> Running {
        Running::start(
            self.command(env!("CARGO_BIN_EXE_vc"), arguments),
            format!("vc {arguments}"),
        )
    }

    /// Asks the host as its administrator, which has to succeed; what `kubectl` printed.
    pub(crate) fn host(&self, arguments: &str) -> String {
        let output = self.try_host(arguments);
        assert_eq!(output.code, Some(0), "{output}");
        output.stdout
    }

    /// Asks the host as its administrator.
    pub(crate) fn try_host(&self, arguments: &str) -> Output {
        let mut command = self.command("kubectl", arguments);
        command.env("KUBECONFIG", HOST.join("admin.kubeconfig"));
        Running::start(command, format!("kubectl {arguments}")).finish()
    }

    /// Runs the real Helm as the host's administrator, which has to succeed; what it printed. `CHART` is the chart that
    /// is built into `vc`.
    pub(crate) fn helm(&self, helm: Helm, arguments: &str) -> String {
        let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/vcluster");
        let arguments = arguments.replace("CHART", &chart.to_string_lossy());
        let program = helm.program().to_string_lossy();
        let mut command = self.command(&program, &arguments);
        command.env("KUBECONFIG", HOST.join("admin.kubeconfig"));
        let output = Running::start(command, format!("{helm:?} {arguments}")).finish();
        assert_eq!(output.code, Some(0), "{output}");
        output.stdout
    }

    /// Copies the chart that is built into `vc` to a folder of the story.
    pub(crate) fn copy_chart(&self, below: &str) {
        let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/vcluster");
        let copied = Command::new("cp")
            .arg("-r")
            .args([chart, self.path(below)])
            .status();
        assert!(copied.is_ok_and(|status| status.success()));
    }

    /// Applies a manifest to the host as its administrator.
    pub(crate) fn apply_to_host(&self, manifest: &str) {
        let file = self.write("work/host.yaml", &self.fill(manifest));
        self.host(&format!("apply -f {}", file.display()));
    }

    /// Removes what decides over admission and carries this story's label.
    pub(crate) fn end_admission(&self) {
        self.host(ADMISSION);
    }

    /// Asks the cluster of the user's current context, which has to succeed.
    pub(crate) fn kubectl(&self, arguments: &str) -> String {
        let output = self.try_kubectl(arguments);
        assert_eq!(output.code, Some(0), "{output}");
        output.stdout
    }

    /// Asks the cluster of the user's current context.
    pub(crate) fn try_kubectl(&self, arguments: &str) -> Output {
        self.start_kubectl(arguments).finish()
    }

    /// Begins to ask the cluster of the user's current context, and does not wait.
    pub(crate) fn start_kubectl(&self, arguments: &str) -> Running {
        let line = format!("kubectl {arguments}");
        Running::start(self.command("kubectl", arguments), line)
    }

    /// Asks for one object or list of the host as JSON.
    pub(crate) fn host_json(&self, arguments: &str) -> Value {
        json(&self.host(&format!("{arguments} -o json")))
    }

    /// Everything of a namespace that could be left behind, as `kind/name`; what every namespace has is left out.
    pub(crate) fn objects_in(&self, namespace: &str) -> Vec<String> {
        let kinds = "statefulsets,deployments,pods,services,secrets,configmaps,serviceaccounts,roles,rolebindings,\
            persistentvolumeclaims,resourcequotas,limitranges,networkpolicies,ingresses";
        let listed = self.host(&format!("get {kinds} -n {namespace} -o name"));
        let of_every_namespace = ["configmap/kube-root-ca.crt", "serviceaccount/default"];
        let mut objects: Vec<String> = listed
            .lines()
            .filter(|object| !of_every_namespace.contains(object))
            .map(str::to_owned)
            .collect();
        objects.sort();
        objects
    }

    /// Whether the host has this namespace.
    pub(crate) fn has_namespace(&self, namespace: &str) -> bool {
        !self
            .host(&format!(
                "get namespace {namespace} --ignore-not-found -o name"
            ))
            .is_empty()
    }

    /// The volumes of the host that are claimed from this namespace.
    pub(crate) fn volumes_of(&self, namespace: &str) -> Vec<String> {
        let all = self.host_json("get persistentvolumes");
        let volumes = all["items"].as_array().into_iter().flatten();
        volumes
            .filter(|volume| volume["spec"]["claimRef"]["namespace"] == namespace)
            .map(|volume| {
                volume["metadata"]["name"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect()
    }

    /// The ports of this story's tunnels.
    pub(crate) fn tunnels(&self) -> Vec<u64> {
        let records = fs::read_dir(self.path("home/.local/state/vc/tunnels"));
        let records = records.into_iter().flatten().flatten().filter(|entry| {
            let path = entry.path();
            path.extension()
                .is_some_and(|extension| extension == "json")
        });
        let mut ports: Vec<u64> = records
            .map(|entry| json(&fs::read_to_string(entry.path()).expect("a readable record")))
            .filter(|record| record["is_open"] == true)
            .filter_map(|record| record["port"].as_u64())
            .collect();
        ports.sort_unstable();
        ports
    }

    /// The processes of this story's agent: one, or none.
    pub(crate) fn agents(&self) -> Vec<u32> {
        let ours = format!("HOME={}", self.path("home").display());
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        processes
            .filter_map(|process| process.file_name().to_str()?.parse().ok())
            .filter(|process| {
                let read = |file: &str| fs::read(format!("/proc/{process}/{file}"));
                let holds = |file: &str, word: &str| {
                    let text = read(file).unwrap_or_default();
                    text.split(|byte| *byte == 0)
                        .any(|part| part == word.as_bytes())
                };
                holds("cmdline", "agent") && holds("environ", &ours)
            })
            .collect()
    }

    /// Ends this story's agent as a crash does.
    pub(crate) fn kill_agents(&self) {
        for process in self.agents() {
            running::send_signal(process, "KILL");
        }
        eventually("the agent has ended", || {
            self.agents().is_empty().then_some(())
        });
    }

    /// Fails unless nothing is left of the story: no namespace, volume or tunnel, and the kubeconfig as given.
    pub(crate) fn assert_no_trace(&self, kubeconfig_before: &str) {
        let namespace = self.namespace();
        assert!(
            !self.has_namespace(&namespace),
            "the namespace `{namespace}` is left"
        );
        assert_eq!(
            self.tunnels(),
            [] as [u64; 0],
            "the tunnels at these ports are left"
        );
        assert_eq!(self.kubeconfig(), kubeconfig_before);
        // The host's own provisioner deletes a volume after its claim.
        eventually("the volumes are gone", || {
            self.volumes_of(&namespace).is_empty().then_some(())
        });
        let cluster_scoped = self.host(&format!(
            "get clusterroles,clusterrolebindings -l release={} -o name",
            self.name
        ));
        assert_eq!(cluster_scoped, "");
    }

    /// Replaces the words that stand for this story's own names.
    fn fill(&self, text: &str) -> String {
        text.replace("NAME", &self.name)
    }

    /// A program in the story's own environment.
    fn command(&self, program: &str, arguments: &str) -> Command {
        #[expect(clippy::disallowed_methods, reason = "a test has no `Process` to ask")]
        let path = std::env::var("PATH").unwrap_or_default();
        let programs = HOST.join("bin");
        let program = if program.contains('/') {
            PathBuf::from(program)
        } else {
            programs.join(program)
        };
        let mut command = Command::new(program);
        command
            .args(words(&self.fill(arguments)))
            .env_clear()
            .env("PATH", format!("{}:{path}", programs.display()))
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("KUBECONFIG", self.path("kubeconfig"))
            .current_dir(self.path("work"))
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        for process in self.agents() {
            running::send_signal(process, "KILL");
        }
        let namespaces = self.namespaces.borrow().join(" ");
        // A story that went well has left none of it. Whatever fails here may not hide why the story failed.
        for leftovers in [
            format!("delete namespace {namespaces} --ignore-not-found --timeout=60s"),
            "delete clusterroles,clusterrolebindings -l release=NAME --timeout=60s".to_owned(),
            ADMISSION.to_owned(),
        ] {
            let mut command = self.command("kubectl", &leftovers);
            command.env("KUBECONFIG", HOST.join("admin.kubeconfig"));
            command.output().ok();
        }
    }
}

/// Asks until there is an answer.
///
/// # Panics
///
/// If there is none in time.
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begin.elapsed() < PATIENCE, "it never came true that {what}");
        std::thread::sleep(PAUSE);
    }
}

/// Reads what has to be JSON.
pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("this is not JSON: {error}\n{text}"))
}

fn words(arguments: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in arguments.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(String::from));
        }
    }
    words
}
