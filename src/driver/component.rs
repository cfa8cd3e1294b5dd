//! The parts of a virtual cluster that have something to say, and where each of them says it.
//!
//! The control plane runs several programs in one container. It writes what they say into its own log, each line with
//! the name of the program: `{"component": "vcluster", "component": "apiserver", …}`.

use super::vcluster::{CONTAINER, KUBERNETES_CONTAINER, MANAGED_BY, SELECTOR};
use crate::cluster::Name;

/// A part whose log can be asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Component {
    /// Everything that the control plane's container says
    #[default]
    ControlPlane,
    /// What syncs the virtual cluster and the host
    Syncer,
    /// The virtual cluster's API server
    Apiserver,
    /// Its controller manager
    ControllerManager,
    /// Its scheduler, where it has one of its own
    Scheduler,
    /// What stores its state in a file or a database
    Kine,
    /// What brings Kubernetes into the pod before the rest starts
    Init,
    /// An etcd that was deployed beside the control plane
    Etcd,
    /// Its DNS server
    Coredns,
}

/// How the control plane calls itself in its log.
const ITSELF: &str = "vcluster";

impl Component {
    /// What it is called on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::ControlPlane => "control-plane",
            Self::Syncer => "syncer",
            Self::Apiserver => "apiserver",
            Self::ControllerManager => "controller-manager",
            Self::Scheduler => "scheduler",
            Self::Kine => "kine",
            Self::Init => "init",
            Self::Etcd => "etcd",
            Self::Coredns => "coredns",
        }
    }

    /// The pods that it runs in, as a selector.
    pub fn pods(self, name: &Name) -> String {
        match self {
            Self::Etcd => format!("app=vcluster-etcd,release={name}"),
            Self::Coredns => format!("k8s-app=vcluster-kube-dns,{MANAGED_BY}={name}"),
            _ => format!("{SELECTOR},release={name}"),
        }
    }

    /// The container that it runs in.
    pub fn container(self) -> &'static str {
        match self {
            Self::Init => KUBERNETES_CONTAINER,
            Self::Etcd => "etcd",
            Self::Coredns => "coredns",
            _ => CONTAINER,
        }
    }

    /// How the lines of the container are told apart that are its own; `None` where all are.
    pub fn own_lines(self) -> Option<Lines> {
        let name = match self {
            Self::ControlPlane | Self::Init | Self::Etcd | Self::Coredns => return None,
            Self::Syncer => ITSELF,
            program => program.word(),
        };
        Some(Lines {
            name,
            is_own: name == ITSELF,
        })
    }
}

/// Tells the lines of one program from those of the others.
#[derive(Clone, Copy, Debug)]
pub struct Lines {
    name: &'static str,
    is_own: bool,
}

impl Lines {
    /// Whether the next line is one of the program. A line that names none goes on with what came before.
    pub fn take(&mut self, line: &[u8]) -> bool {
        if let Some(name) = program_of(line) {
            self.is_own = name == self.name.as_bytes();
        } else if starts_anew(line) {
            self.is_own = self.name == ITSELF;
        }
        self.is_own
    }
}

/// The program that a line names: the control plane names itself first, then whose line it passes on. What comes after
/// that is the program's own.
fn program_of(line: &[u8]) -> Option<&[u8]> {
    let (first, rest) = next_component(line)?;
    match next_component(rest) {
        Some((second, _)) if first == ITSELF.as_bytes() => Some(second),
        _ => Some(first),
    }
}

/// The next name in a line, and what comes after it.
fn next_component(line: &[u8]) -> Option<(&[u8], &[u8])> {
    const KEY: &[u8] = b"\"component\":";
    let start = line.windows(KEY.len()).position(|part| part == KEY)? + KEY.len();
    let name = line[start..].trim_ascii_start().strip_prefix(b"\"")?;
    let end = name.iter().position(|byte| *byte == b'"')?;
    Some((&name[..end], &name[end..]))
}

/// Whether a line begins with a time or is a record of its own, and so does not go on with another one.
fn starts_anew(line: &[u8]) -> bool {
    matches!(
        line,
        [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'-', ..] | [b'{', ..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_belongs_to_the_program_that_it_is_passed_on_from() {
        let log = [
            "2026-01-01 10:00:00\tINFO\tcmd/start.go:1\tstarting\t{\"component\": \"vcluster\"}",
            "2026-01-01 10:00:01\tINFO\tcommandwriter.go:126\tserving\t{\"component\": \"vcluster\", \"component\": \"apiserver\", \"location\": \"a.go:1\", \"component\": \"GraphBuilder\"}",
            "goroutine 1 [running]:",
            "2026-01-01 10:00:02\tINFO\tplain line of its own",
            "{\"level\":\"info\",\"msg\":\"x\",\"component\":\"vcluster\",\"component\":\"kine\"}",
        ];
        let of = |component: Component| {
            let mut lines = component.own_lines().unwrap();
            log.iter()
                .map(|line| lines.take(line.as_bytes()))
                .collect::<Vec<_>>()
        };
        assert_eq!(of(Component::Syncer), [true, false, false, true, false]);
        assert_eq!(of(Component::Apiserver), [false, true, true, false, false]);
        assert_eq!(of(Component::Kine), [false, false, false, false, true]);
        assert!(Component::Etcd.own_lines().is_none());
    }
}
