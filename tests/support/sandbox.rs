//! The real `vc` in an environment of its own: home, kubeconfig, host, and nothing else.

use std::{
    fmt, fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, LazyLock, Mutex},
    thread,
    time::{Duration, Instant},
};

use regex::Regex;
use tempfile::TempDir;

use super::{
    api_server::{ApiServer, Calls},
    cluster::Cluster,
};

/// How long a command may take before it is taken to hang.
const PATIENCE: Duration = Duration::from_mins(1);

/// A host and a user, both new; whatever was started in it ends with it.
pub(crate) struct Sandbox {
    /// The host.
    pub(crate) host: ApiServer,
    folder: TempDir,
    environment: Vec<(String, String)>,
}

impl Sandbox {
    /// A user whose kubeconfig has one context, `host`, and a host without any virtual cluster.
    pub(crate) fn new() -> Self {
        Self::of(ApiServer::start())
    }

    /// The same with this host.
    pub(crate) fn of(host: ApiServer) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("vc-")
            .tempdir()
            .expect("a folder for the test");
        let sandbox = Self {
            host,
            folder,
            environment: Vec::new(),
        };
        for below in ["home", "config", "state", "run", "cache", "tmp", "work"] {
            fs::create_dir(sandbox.path(below)).expect("a new folder");
        }
        sandbox.write("home/.kube/config", &sandbox.host.kubeconfig());
        sandbox
    }

    /// The same with a virtual cluster on the host.
    pub(crate) fn with(self, cluster: Cluster) -> Self {
        self.with_all([cluster])
    }

    /// The same with many virtual clusters on the host.
    pub(crate) fn with_all(self, clusters: impl IntoIterator<Item = Cluster>) -> Self {
        let clusters: Vec<Cluster> = clusters.into_iter().collect();
        let mut objects = Vec::new();
        for cluster in &clusters {
            if self
                .host
                .get(&format!("/api/v1/namespaces/{}", cluster.namespace()))
                .is_none()
            {
                objects.push(cluster.namespace_object());
            }
            objects.extend(cluster.objects());
        }
        self.host.create_all(objects);
        for cluster in &clusters {
            cluster.put_to_sleep(&self.host);
        }
        self
    }

    /// The same with a variable in the environment.
    pub(crate) fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs `vc` with these arguments, split at blanks except within single quotes.
    pub(crate) fn run(&self, arguments: &str) -> Output {
        self.start(arguments).finish()
    }

    /// Runs `vc` with something on its standard input.
    pub(crate) fn run_with_input(&self, arguments: &str, input: &str) -> Output {
        self.write("tmp/stdin", input);
        let input = fs::File::open(self.path("tmp/stdin")).expect("a file that was just written");
        self.spawn(arguments, input.into()).finish()
    }

    /// Starts `vc` and does not wait.
    pub(crate) fn start(&self, arguments: &str) -> Started<'_> {
        self.spawn(arguments, Stdio::null())
    }

    /// Runs `vc` in a shell that does something first, such as to close a stream.
    pub(crate) fn run_in_shell(&self, first: &str, arguments: &str) -> Output {
        let script = format!("{first}; exec \"$0\" \"$@\"");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_vc")]);
        self.spawn_with(shell, arguments, Stdio::null()).finish()
    }

    fn spawn(&self, arguments: &str, input: Stdio) -> Started<'_> {
        self.spawn_with(Command::new(env!("CARGO_BIN_EXE_vc")), arguments, input)
    }

    /// Starts `vc` with a file for all that it has to say on standard error: for many at once, and for those that are
    /// killed.
    pub(crate) fn start_quietly(&self, arguments: &str) -> Child {
        let mut options = fs::File::options();
        let said = options
            .create(true)
            .append(true)
            .open(self.path("tmp/said"));
        self.prepare(Command::new(env!("CARGO_BIN_EXE_vc")), arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said.expect("a file in the sandbox"))
            .spawn()
            .expect("cargo has built `vc`")
    }

    fn prepare(&self, mut program: Command, arguments: &str) -> Command {
        program
            .args(words(arguments))
            .env_clear()
            .envs(self.variables())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.path("work"));
        program
    }

    fn spawn_with(&self, program: Command, arguments: &str, input: Stdio) -> Started<'_> {
        let child = self
            .prepare(program, arguments)
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("cargo has built `vc`");
        Started {
            child,
            printed: Printed::default(),
            reader: None,
            sandbox: self,
            arguments: arguments.to_owned(),
        }
    }

    fn variables(&self) -> Vec<(&'static str, PathBuf)> {
        vec![
            ("PATH", "/usr/local/bin:/usr/bin:/bin".into()),
            ("HOME", self.path("home")),
            ("XDG_CONFIG_HOME", self.path("config")),
            ("XDG_STATE_HOME", self.path("state")),
            ("XDG_RUNTIME_DIR", self.path("run")),
            ("XDG_CACHE_HOME", self.path("cache")),
            ("TMPDIR", self.path("tmp")),
            ("KUBECONFIG", self.path("home/.kube/config")),
        ]
    }

    /// A path within the sandbox: `work` is the working folder, `home` the user's.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// Writes a file within the sandbox.
    pub(crate) fn write(&self, below: &str, text: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("a folder");
        fs::write(path, text).expect("a file in the sandbox");
    }

    /// A file within the sandbox, byte for byte.
    pub(crate) fn read(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).expect("a file in the sandbox")
    }

    /// The user's kubeconfig, byte for byte.
    pub(crate) fn kubeconfig(&self) -> String {
        fs::read_to_string(self.path("home/.kube/config")).expect("the user's kubeconfig")
    }

    /// The user's kubeconfig as a snapshot shows it.
    pub(crate) fn kubeconfig_text(&self) -> String {
        self.steady(&self.kubeconfig())
    }

    /// What the host was asked, as a snapshot shows it.
    pub(crate) fn calls(&self) -> String {
        self.steady(&self.host.calls().to_string())
    }

    /// What the host was asked, one by one.
    pub(crate) fn each_call(&self) -> Calls {
        self.host.calls()
    }

    /// Every file below a folder of the sandbox that contains a text, by its path there.
    pub(crate) fn files_with(&self, below: &str, text: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.path(below)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    folders.push(entry.path());
                } else if String::from_utf8_lossy(&fs::read(entry.path()).unwrap_or_default())
                    .contains(text)
                {
                    found.push(entry.path());
                }
            }
        }
        found
    }

    /// Replaces what differs from run to run.
    fn steady(&self, text: &str) -> String {
        let text = text
            .replace(&self.host.url(), "https://[HOST]")
            .replace(self.host.url().trim_start_matches("https://"), "[HOST]")
            .replace(&*self.folder.path().to_string_lossy(), "[SANDBOX]")
            .replace(env!("CARGO_BIN_EXE_vc"), "[VC]");
        STEADY.iter().fold(text, |text, (pattern, steady)| {
            pattern.replace_all(&text, *steady).into_owned()
        })
    }

    /// The ports that the agent in the background listens on for clusters, by the record that `vc` keeps.
    pub(crate) fn tunnels(&self) -> Vec<u64> {
        if self.agent().is_none() {
            return Vec::new();
        }
        let records = fs::read_dir(self.path("state/vc/tunnels"))
            .into_iter()
            .flatten()
            .flatten();
        let mut ports: Vec<u64> = records
            .filter(|entry| {
                entry
                    .path()
                    .extension()
                    .is_some_and(|extension| extension == "json")
            })
            .filter_map(|entry| serde_json::from_slice(&fs::read(entry.path()).ok()?).ok())
            .filter(|record: &serde_json::Value| record["is_open"] == true)
            .filter_map(|record| record["port"].as_u64())
            .collect();
        ports.sort_unstable();
        ports
    }

    /// The process of the agent, if one runs.
    pub(crate) fn agent(&self) -> Option<u32> {
        let holder = fs::read(self.path("state/vc/tunnels/agent.lock")).ok()?;
        let holder: serde_json::Value = serde_json::from_slice(&holder).ok()?;
        let process = u32::try_from(holder["pid"].as_u64()?).ok()?;
        self.is_ours(process).then_some(process)
    }

    /// Ends the agent as a crash does.
    pub(crate) fn kill_agent(&self) {
        let Some(process) = self.agent() else { return };
        Command::new("kill")
            .args(["-s", "KILL", &process.to_string()])
            .status()
            .ok();
        while self.is_ours(process) {
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Whether a process runs and was started in this sandbox; a recorded number may long be someone else's.
    fn is_ours(&self, process: u32) -> bool {
        let environment = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
        let folder = self.folder.path().to_string_lossy().into_owned();
        String::from_utf8_lossy(&environment).contains(&folder)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.kill_agent();
    }
}

/// What differs from run to run, and what a snapshot shows in its place. The order matters.
static STEADY: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (
            r"((?:certificate-authority|client-certificate|client-key)-data: ?).+",
            "${1}[DATA]",
        ),
        (
            r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            "[UID]",
        ),
        (
            r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\b",
            "[DAY AND TIME]",
        ),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[TIMESTAMP]"),
        (r"(127\.0\.0\.1|localhost|\[::1\]):\d+", "${1}:[PORT]"),
        (r"`[^` ]+` \(pid \d+\)", "`[WHO]` (pid [NUMBER])"),
        (r"\b(port|pid) \d+", "${1} [NUMBER]"),
        (r#""(port|pid)":( ?)\d+"#, "\"${1}\":${2}[NUMBER]"),
        (r"\b\d+(\.\d+)? ?(ms|s)\b", "[TIME]"),
        (
            r#""(seconds)":( ?)\d+(\.\d+)?(e-\d+)?"#,
            "\"${1}\":${2}[TIME]",
        ),
    ]
    .into_iter()
    .map(|(pattern, steady)| (Regex::new(pattern).expect("a valid pattern"), steady))
    .collect()
});

/// A command under way.
pub(crate) struct Started<'a> {
    child: Child,
    printed: Printed,
    /// Reads what is printed, once somebody wants to know it before the end.
    reader: Option<thread::JoinHandle<()>>,
    sandbox: &'a Sandbox,
    arguments: String,
}

impl Started<'_> {
    /// Sends a signal by name, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let process = self.child.id().to_string();
        Command::new("kill")
            .args(["-s", name, &process])
            .status()
            .expect("every system has `kill`");
    }

    /// Waits until the host was asked something whose `verb path` contains this.
    ///
    /// # Panics
    ///
    /// If it is not asked in time.
    pub(crate) fn until_asked(&self, what: &str) {
        let begin = Instant::now();
        let is_asked = || {
            let calls = self.sandbox.each_call();
            calls
                .0
                .iter()
                .any(|call| format!("{} {}", call.verb, call.path).contains(what))
        };
        while !is_asked() {
            assert!(
                begin.elapsed() < PATIENCE,
                "`vc {}` never asked for {what}",
                self.arguments
            );
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits until something is so, which the command brings about.
    ///
    /// # Panics
    ///
    /// If it does not come in time.
    pub(crate) fn until(&self, is_so: impl Fn() -> bool) {
        let begin = Instant::now();
        while !is_so() {
            assert!(
                begin.elapsed() < PATIENCE,
                "`vc {}` does not bring it about; asked so far:\n{}",
                self.arguments,
                self.sandbox.calls()
            );
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits until the host was asked so many things, or the command has ended; whether it was.
    ///
    /// # Panics
    ///
    /// If neither comes in time.
    pub(crate) fn until_asked_times(&mut self, times: usize) -> bool {
        let begin = Instant::now();
        loop {
            let has_ended = self.child.try_wait().expect("our own child").is_some();
            if self.sandbox.each_call().len() >= times {
                return true;
            }
            if has_ended {
                return false;
            }
            assert!(begin.elapsed() < PATIENCE, "`vc {}` hangs", self.arguments);
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until its standard output contains this.
    ///
    /// # Panics
    ///
    /// If it is not printed in time.
    pub(crate) fn until_printed(&mut self, what: &str) {
        let begin = Instant::now();
        let printed = Arc::clone(&self.printed);
        if let Some(stdout) = self.child.stdout.take() {
            self.reader = Some(read(Some(stdout), Arc::clone(&printed)));
        }
        while !text_of(&printed).contains(what) {
            assert!(
                begin.elapsed() < PATIENCE,
                "`vc {}` never printed {what}",
                self.arguments
            );
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Closes the reading end of its standard output, as `head` does.
    pub(crate) fn without_reader(mut self) -> Self {
        self.child.stdout = None;
        self
    }

    /// Waits for the end.
    ///
    /// # Panics
    ///
    /// If it does not end, or something it left in the background keeps its output open.
    pub(crate) fn finish(mut self) -> Output {
        let said = Printed::default();
        let stdout = match self.reader.take() {
            Some(reader) => reader,
            None => read(self.child.stdout.take(), Arc::clone(&self.printed)),
        };
        let stderr = read(self.child.stderr.take(), Arc::clone(&said));
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                break status;
            }
            if begin.elapsed() > PATIENCE {
                self.child.kill().ok();
                panic!(
                    "`vc {}` hangs; asked so far:\n{}",
                    self.arguments,
                    self.sandbox.calls()
                );
            }
            thread::sleep(Duration::from_millis(1));
        };
        let time = begin.elapsed();
        let end = Instant::now() + Duration::from_secs(5);
        while !(stdout.is_finished() && stderr.is_finished()) {
            assert!(
                Instant::now() < end,
                "`vc {}` left its output open to the background",
                self.arguments
            );
            thread::sleep(Duration::from_millis(1));
        }
        let (stdout, stderr) = (text_of(&self.printed), text_of(&said));
        let shown = self
            .sandbox
            .steady(&show(&self.arguments, status.code(), &stdout, &stderr));
        Output {
            code: status.code(),
            stdout,
            stderr,
            time,
            shown,
        }
    }
}

/// What a command has printed so far.
type Printed = Arc<Mutex<Vec<u8>>>;

fn text_of(printed: &Printed) -> String {
    String::from_utf8_lossy(&printed.lock().expect("a thread that only reads")).into_owned()
}

fn read(from: Option<impl Read + Send + 'static>, into: Printed) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut from = from;
        let mut piece = [0; 4096];
        while let Some(Ok(length @ 1..)) = from.as_mut().map(|from| from.read(&mut piece)) {
            into.lock()
                .expect("a thread that only reads")
                .extend(&piece[..length]);
        }
    })
}

/// What a command said.
pub(crate) struct Output {
    /// The exit code; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    /// The standard output, byte for byte.
    pub(crate) stdout: String,
    /// The standard error, byte for byte.
    pub(crate) stderr: String,
    /// How long it took.
    pub(crate) time: Duration,
    shown: String,
}

impl fmt::Display for Output {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.shown)
    }
}

/// That a step ended, or still goes on, is told only where it takes long, which depends on the machine.
static STEP: LazyLock<Regex> = LazyLock::new(|| {
    let lines = r#"[a-z][^\n]* \(\d+(\.\d+)? ?m?s\)|still [^\n]*|\{"event":"waiting"[^\n]*"#;
    Regex::new(&format!("(?m)^({lines})\n")).expect("a valid pattern")
});

fn show(arguments: &str, code: Option<i32>, stdout: &str, stderr: &str) -> String {
    use fmt::Write;
    let stderr = &*STEP.replace_all(stderr, "");
    let mut shown = format!("$ vc {arguments}\n");
    if let Some(code) = code {
        writeln!(shown, "exit code: {code}").expect("memory takes any length");
    } else {
        shown.push_str("ended by a signal\n");
    }
    for (name, text) in [("stdout", stdout), ("stderr", stderr)] {
        if !text.is_empty() {
            writeln!(shown, "----- {name} -----").expect("memory takes any length");
            shown.push_str(text);
            if !text.ends_with('\n') {
                shown.push_str("[NO NEWLINE]\n");
            }
        }
    }
    shown
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

/// Whether a file is readable and writable by its owner alone.
pub(crate) fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o777 == 0o600)
}
