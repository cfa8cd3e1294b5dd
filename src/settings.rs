//! What holds for every command, and from where: flags, then `VC_*` variables, then `vc.yaml` in the working folder,
//! then the user's `config.yaml`, then defaults.
//!
//! Every environment variable of ours is named here, once; docs/reference.md is generated from [`VARIABLES`].

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;

use crate::cluster::Namespace;
use crate::error::Error;
use crate::process::Process;
use crate::ui::Format;

/// How long a command may take where nothing else is said.
const DEFAULT_TIMEOUT: &str = "10m";
/// The project's settings, in the working folder.
const PROJECT_FILE: &str = "vc.yaml";
/// The user's settings, in their configuration folder.
const USER_FILE: &str = "config.yaml";

/// Environment variables that are read, with what each means.
pub const VARIABLES: &[(&str, &str)] = &[
    ("VC_CONTEXT", "context of the host, as `--context`"),
    ("VC_NAMESPACE", "namespace on the host, as `--namespace`"),
    ("VC_KUBECONFIG", "kubeconfig file, as `--kubeconfig`"),
    ("VC_OUTPUT", "form of the answer, as `--output`"),
    ("VC_TIMEOUT", "bound on the whole command, as `--timeout`"),
    (
        "VC_YES",
        "`true` answers every question with yes, as `--yes`",
    ),
    (
        "VC_K8S",
        "Kubernetes version of new clusters, as `create --k8s`",
    ),
    (
        "VC_REGISTRY",
        "registry of the images of new clusters, as `create --registry`",
    ),
    (
        "VC_PULL_SECRET",
        "pull secret of the images of new clusters, as `create --pull-secret`",
    ),
    (
        "VC_LOG",
        "filter of the log on standard error, for example `debug`; `-v` is `vc=debug`",
    ),
    ("KUBECONFIG", "list of kubeconfig files, by kubectl's rule"),
    ("NO_COLOR", "any value turns colour off, as `--no-color`"),
    (
        "XDG_CONFIG_HOME",
        "where `vc/config.yaml` lies; else `~/.config`",
    ),
    (
        "XDG_STATE_HOME",
        "where `vc` keeps its tunnels and backups; else `~/.local/state`",
    ),
];

/// What one source says. Every field may be left open.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Context of the host.
    pub context: Option<String>,
    /// Namespace on the host.
    pub namespace: Option<String>,
    /// Kubeconfig file.
    pub kubeconfig: Option<PathBuf>,
    /// Form of the answer.
    pub output: Option<Format>,
    /// Bound on the whole command.
    pub timeout: Option<String>,
    /// Whether every question is answered with yes.
    pub yes: Option<bool>,
    /// Whether output may have colour.
    pub color: Option<bool>,
    /// Kubernetes version of new clusters.
    pub k8s: Option<String>,
    /// Registry of the images of new clusters.
    pub registry: Option<String>,
    /// Pull secret of the images of new clusters.
    pub pull_secret: Option<String>,
}

/// What holds, everything decided.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Context of the host; `None` means the kubeconfig's current one.
    pub context: Option<String>,
    /// Namespace on the host; `None` means all, or the cluster's own.
    pub namespace: Option<Namespace>,
    /// Kubeconfig file; `None` means kubectl's rule.
    pub kubeconfig: Option<PathBuf>,
    /// Form of the answer.
    pub output: Format,
    /// Bound on the whole command.
    pub timeout: Duration,
    /// Whether every question is answered with yes.
    pub yes: bool,
    /// Whether output may have colour.
    pub color: bool,
    /// Kubernetes version of new clusters.
    pub k8s: Option<String>,
    /// Registry of the images of new clusters.
    pub registry: Option<String>,
    /// Pull secret of the images of new clusters.
    pub pull_secret: Option<String>,
}

impl Settings {
    /// Puts the layers on top of each other, the flags last.
    pub fn resolve(flags: Layer, process: &Process) -> Result<Self, Error> {
        let user = match process.config_folder() {
            Some(folder) => Layer::from_file(&folder.join(USER_FILE))?,
            None => Layer::default(),
        };
        let project = match &process.folder {
            Some(folder) => Layer::from_file(&folder.join(PROJECT_FILE))?
                .of_project(&folder.join(PROJECT_FILE))?,
            None => Layer::default(),
        };
        let top = flags
            .over(Layer::from_variables(process)?)
            .over(project)
            .over(user);
        Self::of(top)
    }

    /// What the flags alone say, for commands that need no file and must work beside a broken one.
    pub fn from_flags(flags: Layer, process: &Process) -> Result<Self, Error> {
        Self::of(flags.over(Layer::of_color(process)))
    }

    fn of(top: Layer) -> Result<Self, Error> {
        let timeout = top.timeout.as_deref().unwrap_or(DEFAULT_TIMEOUT);
        Ok(Self {
            context: top.context,
            namespace: top.namespace.as_deref().map(Namespace::parse).transpose()?,
            kubeconfig: top.kubeconfig,
            output: top.output.unwrap_or_default(),
            timeout: parse_duration(timeout)?,
            yes: top.yes.unwrap_or(false),
            color: top.color.unwrap_or(true),
            k8s: top.k8s,
            registry: top.registry,
            pull_secret: top.pull_secret,
        })
    }
}

impl Layer {
    /// This layer, with what it leaves open taken from `lower`.
    fn over(self, lower: Self) -> Self {
        Self {
            context: self.context.or(lower.context),
            namespace: self.namespace.or(lower.namespace),
            kubeconfig: self.kubeconfig.or(lower.kubeconfig),
            output: self.output.or(lower.output),
            timeout: self.timeout.or(lower.timeout),
            yes: self.yes.or(lower.yes),
            color: self.color.or(lower.color),
            k8s: self.k8s.or(lower.k8s),
            registry: self.registry.or(lower.registry),
            pull_secret: self.pull_secret.or(lower.pull_secret),
        }
    }

    fn of_color(process: &Process) -> Self {
        Self {
            color: process.variable("NO_COLOR").map(|_| false),
            ..Self::default()
        }
    }

    fn from_variables(process: &Process) -> Result<Self, Error> {
        let text = |name: &str| -> Result<Option<String>, Error> {
            let value = process
                .variable(name)
                .map(|value| value.to_str().map(str::to_owned));
            match value {
                Some(None) => Err(Error::usage(format!("`{name}` is not valid UTF-8"))),
                value => Ok(value.flatten()),
            }
        };
        let output = text("VC_OUTPUT")?.map(|word| {
            Format::parse(&word).ok_or_else(|| {
                Error::usage(format!(
                    "`VC_OUTPUT` is `{word}`, which is no form of output"
                ))
                .hint("use table, wide, json, yaml or name")
            })
        });
        let yes = text("VC_YES")?.map(|word| match word.as_str() {
            "true" | "1" | "yes" => Ok(true),
            "false" | "0" | "no" => Ok(false),
            _ => Err(Error::usage(format!("`VC_YES` is `{word}`")).hint("use `true` or `false`")),
        });
        Ok(Self {
            context: text("VC_CONTEXT")?,
            namespace: text("VC_NAMESPACE")?,
            kubeconfig: process.variable("VC_KUBECONFIG").map(PathBuf::from),
            output: output.transpose()?,
            timeout: text("VC_TIMEOUT")?,
            yes: yes.transpose()?,
            color: Self::of_color(process).color,
            k8s: text("VC_K8S")?,
            registry: text("VC_REGISTRY")?,
            pull_secret: text("VC_PULL_SECRET")?,
        })
    }

    fn from_file(path: &Path) -> Result<Self, Error> {
        let broken = |error: &dyn std::error::Error| {
            Error::usage(format!("cannot use the settings in `{}`", path.display()))
                .because(error)
                .hint("see `vc help` and docs/reference.md for the settings that there are")
        };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(Self::default());
            }
            Err(error) => return Err(broken(&error)),
        };
        let layer: Option<Self> = yaml_serde::from_str(&text).map_err(|error| broken(&error))?;
        Ok(layer.unwrap_or_default())
    }

    /// A project's file comes with a checked-out repository: it may not choose where commands act, or consent for us.
    fn of_project(self, path: &Path) -> Result<Self, Error> {
        let refused = [
            ("context", self.context.is_some()),
            ("kubeconfig", self.kubeconfig.is_some()),
            ("yes", self.yes.is_some()),
        ];
        match refused.iter().find(|(_, is_set)| *is_set) {
            Some((key, _)) => Err(Error::usage(format!(
                "`{}` may not set `{key}`",
                path.display()
            ))
            .hint(format!(
                "set `{key}` in your own `config.yaml`, with a variable or with a flag"
            ))),
            None => Ok(self),
        }
    }
}

fn parse_duration(text: &str) -> Result<Duration, Error> {
    let wrong = || {
        Error::usage(format!("`{text}` is not a duration"))
            .hint("use for example `90s`, `5m` or `1h30m`")
    };
    let duration: SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(duration)
        .ok()
        .filter(|duration| !duration.is_zero())
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_positive_and_has_a_unit() {
        assert_eq!(parse_duration("1h30m").unwrap(), Duration::from_mins(90));
        for wrong in ["5", "", "-5s", "0s", "soon"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_color_beats_the_files_and_broken_files_do_not_hinder_the_flags() {
        let folder = tempfile::tempdir().unwrap();
        let process = Process {
            environment: [("NO_COLOR".into(), "1".into())].into(),
            folder: Some(folder.path().to_owned()),
            ..Process::current()
        };
        let file = folder.path().join(PROJECT_FILE);
        std::fs::write(&file, "color: true").unwrap();
        assert!(!Settings::resolve(Layer::default(), &process).unwrap().color);
        std::fs::write(&file, "{").unwrap();
        assert!(Settings::resolve(Layer::default(), &process).is_err());
        assert!(Settings::from_flags(Layer::default(), &process).is_ok());
    }

    #[test]
    fn a_higher_layer_wins_and_leaves_the_rest() {
        let high = Layer {
            k8s: Some("1.36".to_owned()),
            ..Layer::default()
        };
        let low = Layer {
            k8s: Some("1.35".to_owned()),
            registry: Some("r".to_owned()),
            ..Layer::default()
        };
        let top = high.over(low);
        assert_eq!(
            (top.k8s.as_deref(), top.registry.as_deref()),
            (Some("1.36"), Some("r"))
        );
    }
}
