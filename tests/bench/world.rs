//! The host and the user that are measured on; what was made there is removed at the end.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Our program, as it is released.
pub(crate) const VC: &str = env!("CARGO_BIN_EXE_vc");

/// A user of a host with a home of their own.
pub(crate) struct World {
    folder: TempDir,
    kubeconfig: PathBuf,
    path: String,
    /// A word that nobody else's names begin with.
    pub(crate) word: String,
}

impl World {
    /// Looks for the host.
    pub(crate) fn new() -> Result<Self, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let state = variable("VC_HOST_STATE").unwrap_or_else(|| "tests/host/.state".to_owned());
        let state = root.join(state);
        let kubeconfig = variable("VC_BENCH_KUBECONFIG")
            .map_or_else(|| state.join("admin.kubeconfig"), |file| root.join(file));
        if !kubeconfig.exists() {
            return Err(format!(
                "there is no host to measure on: `{}` does not exist; run `make host-up`",
                kubeconfig.display()
            ));
        }
        let failed = |error| format!("cannot make a temporary folder: {error}");
        let folder = tempfile::Builder::new().prefix("vc-").tempdir();
        let folder = folder.map_err(failed)?;
        let path = variable("PATH").unwrap_or_default();
        let word = format!(
            "bench-{:04x}",
            RandomState::new().hash_one(folder.path()) & 0xffff
        );
        Ok(Self {
            path: format!("{}:{path}", state.join("bin").display()),
            kubeconfig,
            word,
            folder,
        })
    }

    /// Where and on what it is measured.
    pub(crate) fn description(&self) -> String {
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().unwrap_or_default();
        let load = if load.is_empty() { "unknown" } else { load };
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let host = self.kubeconfig.display();
        format!("measuring on the host of `{host}`; processors: {processors}, load before: {load}")
    }

    /// `vc` with these arguments, as the user.
    pub(crate) fn vc(&self, arguments: &str) -> Command {
        self.command(Path::new(VC), arguments)
    }

    /// `kubectl` with these arguments, as the user.
    pub(crate) fn kubectl(&self, arguments: &str) -> Command {
        let kubectl = self.program("kubectl");
        self.command(
            kubectl.as_deref().unwrap_or(Path::new("kubectl")),
            arguments,
        )
    }

    /// Any program with these arguments, split at blanks, as the user.
    pub(crate) fn command(&self, program: &Path, arguments: &str) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments.split_whitespace())
            .env_clear()
            .env("PATH", &self.path)
            .env("HOME", self.folder.path())
            .env("KUBECONFIG", self.folder.path().join("kubeconfig"))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// A program by its name, if it is on the path.
    pub(crate) fn program(&self, name: &str) -> Option<PathBuf> {
        let folders = self.path.split(':').map(Path::new);
        folders
            .map(|folder| folder.join(name))
            .find(|file| file.is_file())
    }

    /// Gives the user the kubeconfig that they began with.
    pub(crate) fn reset_kubeconfig(&self) -> Result<(), String> {
        let to = self.folder.path().join("kubeconfig");
        fs::copy(&self.kubeconfig, to)
            .map(|_| ())
            .map_err(|error| format!("cannot copy `{}`: {error}", self.kubeconfig.display()))
    }

    /// A file or folder below the user's home.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file that a program has written.
    pub(crate) fn read(&self, name: &str) -> Result<String, String> {
        fs::read_to_string(self.path(name))
            .map_err(|error| format!("cannot read `{name}`: {error}"))
    }

    /// A file for the programs to read.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), String> {
        fs::write(self.folder.path().join(name), text)
            .map_err(|error| format!("cannot write `{name}`: {error}"))
    }
}

/// The flag that names where the images of control planes are, if they are not where they usually are.
pub(crate) fn registry() -> String {
    variable("VC_BENCH_REGISTRY")
        .map_or(String::new(), |registry| format!(" --registry {registry}"))
}

/// The size of a file in megabytes.
pub(crate) fn size_of(file: &Path) -> Result<f64, String> {
    let metadata = fs::metadata(file);
    let metadata =
        metadata.map_err(|error| format!("cannot look at `{}`: {error}", file.display()))?;
    #[expect(clippy::cast_precision_loss, reason = "no program is that large")]
    Ok(metadata.len() as f64 / 1e6)
}

/// This benchmark's own file.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark has no `Process` to ask"
)]
pub(crate) fn own_program() -> Result<PathBuf, String> {
    std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))
}

/// The seconds of processor time that a process has taken; `None` where the system does not tell.
pub(crate) fn cpu_seconds(pid: u32) -> Option<f64> {
    const TICKS: f64 = 100.0;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program, in parentheses, may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS)
}

/// The megabytes that a process holds now; `None` where the system does not tell.
pub(crate) fn memory(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024.0 / 1e6)
}

impl Drop for World {
    fn drop(&mut self) {
        // Tunnels first, which `delete` ends; then whatever a failure has left.
        self.reset_kubeconfig().ok();
        let namespaces = self.kubectl("get namespaces -o name").output();
        let namespaces = namespaces.map_or_else(
            |_| String::new(),
            |output| String::from_utf8_lossy(&output.stdout).into_owned(),
        );
        for namespace in namespaces
            .lines()
            .filter_map(|line| line.strip_prefix("namespace/"))
        {
            if !namespace.contains(&self.word) {
                continue;
            }
            if let Some(name) = namespace.strip_prefix("vcluster-") {
                self.vc(&format!("delete {name} --ignore-missing --timeout 60s"))
                    .output()
                    .ok();
            }
            let rest = format!("delete namespace {namespace} --ignore-not-found --timeout=60s");
            self.kubectl(&rest).output().ok();
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark has no `Process` to ask"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
