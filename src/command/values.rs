//! What the user wants of a new cluster, from files, flags and `--set`, as one set of `vcluster.yaml` values.

mod layers;

use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use self::layers::{Layers, Origin};
use super::Session;
use crate::chart::{builtin, table};
use crate::error::{Error, Kind};
use crate::helm::values;
use crate::lifecycle::Exposure;

/// Flags that say what a cluster is like.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What the cluster is like")]
pub(super) struct ValueArgs {
    /// Kubernetes version, such as `1.35`
    #[arg(long = "k8s", value_name = "VERSION")]
    kubernetes: Option<String>,
    /// Argument for its API server, such as `--feature-gates=X=true`; may be repeated
    #[arg(
        long = "api-server-arg",
        value_name = "ARGUMENT",
        allow_hyphen_values = true
    )]
    api_server_arguments: Vec<String>,
    /// File of values with the keys of `vcluster.yaml`, `-` for standard input; may be repeated, the last wins
    #[arg(short = 'f', long = "values", value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// Value by its path, as Helm's `--set`; may be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// The same, but the value stays a string
    #[arg(long, value_name = "PATH=VALUE")]
    set_string: Vec<String>,
    /// The same, but the value is a path, and the text in that file is meant
    #[arg(long, value_name = "PATH=FILE")]
    set_file: Vec<String>,
    /// The same, but the value is JSON
    #[arg(long, value_name = "PATH=JSON")]
    set_json: Vec<String>,
    /// The same, but all behind the `=` is meant, with commas and quotes
    #[arg(long, value_name = "PATH=TEXT")]
    set_literal: Vec<String>,
    /// No volume: all is lost when the control plane's pod goes
    #[arg(long)]
    ephemeral: bool,
    /// Registry to take every image from
    #[arg(long, value_name = "REGISTRY")]
    registry: Option<String>,
    /// Secret of the namespace with the registry's credentials
    #[arg(long, value_name = "SECRET")]
    pull_secret: Option<String>,
    /// How to reach its API from outside the host
    #[arg(long, value_name = "HOW", value_enum)]
    expose: Option<Expose>,
    /// Label for the cluster, for `-l` later; may be repeated
    #[arg(long = "label", value_name = "KEY=VALUE")]
    labels: Vec<String>,
}

/// A way to reach a virtual cluster's API from outside the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Expose {
    /// A Service of type `LoadBalancer`
    Loadbalancer,
    /// A Service of type `NodePort`
    Nodeport,
    /// An Ingress; name its host with `--set controlPlane.ingress.host=…`
    Ingress,
}

impl ValueArgs {
    /// How the cluster is to be exposed, if a flag says so.
    pub(super) fn exposure(&self) -> Option<Exposure> {
        self.expose.map(|expose| match expose {
            Expose::Loadbalancer => Exposure::LoadBalancer,
            Expose::Nodeport => Exposure::NodePort,
            Expose::Ingress => Exposure::Ingress,
        })
    }

    /// The values for a new cluster: settings first, then files, then flags, then `--set`. Nothing is merged with
    /// defaults.
    ///
    /// Those for the built-in chart are checked against its table; another chart has its own checks.
    pub(super) fn resolve(&self, session: &Session, is_built_in: bool) -> Result<Value, Error> {
        let layers = self.layers(session)?;
        if is_built_in {
            check_with(layers.all(), |path| layers.place_of(path))?;
        }
        Ok(layers.into_all())
    }

    /// The same, without checks.
    pub(super) fn over_settings(&self, session: &Session) -> Result<Value, Error> {
        Ok(self.layers(session)?.into_all())
    }

    fn layers(&self, session: &Session) -> Result<Layers, Error> {
        let settings = &session.settings;
        let mut layers = Layers::new();
        let set = of_flags(
            settings.k8s.as_deref(),
            settings.registry.as_deref(),
            settings.pull_secret.as_deref(),
        )?;
        layers.lay(Origin::Flags, set);
        self.over(session, layers)
    }

    /// What files and flags say, without the settings, which are for new clusters.
    pub(super) fn alone(&self, session: &Session) -> Result<Value, Error> {
        Ok(self.over(session, Layers::new())?.into_all())
    }

    fn over(&self, session: &Session, mut layers: Layers) -> Result<Layers, Error> {
        for file in &self.files {
            let (origin, values) = read(session, file)?;
            layers.lay(origin, values);
        }
        let flags = of_flags(
            self.kubernetes.as_deref(),
            self.registry.as_deref(),
            self.pull_secret.as_deref(),
        )?;
        layers.lay(Origin::Flags, flags);
        layers.lay(Origin::Flags, self.own_flags()?);
        self.assign(session, &mut layers)?;
        Ok(layers)
    }

    /// All that is set by path, in the order that Helm has.
    fn assign(&self, session: &Session, layers: &mut Layers) -> Result<(), Error> {
        let read = |path: &str| {
            std::fs::read_to_string(session.absolute(path.as_ref()))
                .map_err(|error| format!("cannot read `{path}`: {error}"))
        };
        let lists: [(&str, &[String]); 5] = [
            ("--set-json", &self.set_json),
            ("--set", &self.set),
            ("--set-string", &self.set_string),
            ("--set-file", &self.set_file),
            ("--set-literal", &self.set_literal),
        ];
        for (flag, assignments) in lists {
            for assignment in assignments {
                let set = |all: &mut Value| match flag {
                    "--set-json" => values::set_json(all, assignment),
                    "--set" => values::set(all, assignment),
                    "--set-string" => values::set_string(all, assignment),
                    "--set-file" => values::set_file(all, assignment, read),
                    _ => values::set_literal(all, assignment),
                };
                layers
                    .assign(flag, set)
                    .map_err(|error| unusable(flag, &error))?;
            }
        }
        Ok(())
    }

    fn own_flags(&self) -> Result<Value, Error> {
        let mut own = json!({});
        if self.ephemeral {
            own["controlPlane"]["statefulSet"]["persistence"]["volumeClaim"]["enabled"] =
                json!(false);
        }
        if !self.api_server_arguments.is_empty() {
            if let Some(wrong) = self
                .api_server_arguments
                .iter()
                .find(|argument| !argument.starts_with("--"))
            {
                let name = wrong.split('=').next().unwrap_or_default();
                return Err(Error::usage(format!(
                    "the API server's argument `{name}` does not start with `--`"
                ))
                .hint("write it as `--api-server-arg=--name=value`"));
            }
            own["controlPlane"]["distro"]["k8s"]["apiServer"]["extraArgs"] =
                json!(self.api_server_arguments);
        }
        match self.expose {
            Some(Expose::Loadbalancer) => {
                own["controlPlane"]["service"]["spec"]["type"] = json!("LoadBalancer");
            }
            Some(Expose::Nodeport) => {
                own["controlPlane"]["service"]["spec"]["type"] = json!("NodePort");
            }
            Some(Expose::Ingress) => own["controlPlane"]["ingress"]["enabled"] = json!(true),
            None => {}
        }
        for label in &self.labels {
            let (key, value) = label
                .split_once('=')
                .filter(|(key, _)| !key.is_empty())
                .ok_or_else(|| {
                    Error::usage(format!("`{label}` is not a label"))
                        .hint("write it as `--label key=value`")
                })?;
            own["controlPlane"]["statefulSet"]["labels"][key] = json!(value);
        }
        Ok(own)
    }
}

/// What flags of these names mean; the same names are settings.
fn of_flags(
    kubernetes: Option<&str>,
    registry: Option<&str>,
    pull_secret: Option<&str>,
) -> Result<Value, Error> {
    let mut all = json!({});
    if let Some(version) = kubernetes {
        all["controlPlane"]["distro"]["k8s"]["version"] = json!(kubernetes_tag(version)?);
    }
    if let Some(registry) = registry {
        all["controlPlane"]["advanced"]["defaultImageRegistry"] = json!(registry);
    }
    if let Some(secret) = pull_secret {
        for account in ["serviceAccount", "workloadServiceAccount"] {
            all["controlPlane"]["advanced"][account]["imagePullSecrets"] =
                json!([{ "name": secret }]);
        }
    }
    Ok(all)
}

/// The image tag of a Kubernetes version; a minor version means the patch that there is an image for.
fn kubernetes_tag(version: &str) -> Result<String, Error> {
    let number = version.strip_prefix('v').unwrap_or(version);
    let known = || {
        builtin::KUBERNETES_VERSIONS
            .iter()
            .map(|(minor, _)| *minor)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let minor = number.splitn(3, '.').take(2).collect::<Vec<_>>().join(".");
    let entry = builtin::KUBERNETES_VERSIONS
        .iter()
        .find(|(known, _)| *known == minor);
    let patch = number
        .strip_prefix(&minor)
        .and_then(|rest| rest.strip_prefix('.'));
    match (entry, patch) {
        (Some((_, tag)), None) if number == minor => Ok((*tag).to_owned()),
        (Some(_), Some(patch))
            if !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            Ok(format!("v{number}"))
        }
        _ => Err(Error::usage(format!(
            "there is no Kubernetes version `{version}` to create"
        ))
        .hint(format!(
            "use one of {}, or name an image with `--set controlPlane.distro.k8s.image.tag=…`",
            known()
        ))),
    }
}

fn read(session: &Session, file: &Path) -> Result<(Origin, Value), Error> {
    let is_stdin = file.as_os_str() == "-";
    let (origin, text) = if is_stdin {
        let mut text = String::new();
        (
            "standard input".to_owned(),
            std::io::stdin().read_to_string(&mut text).map(|_| text),
        )
    } else {
        let path = session.absolute(file);
        (file.display().to_string(), std::fs::read_to_string(path))
    };
    let text = text.map_err(|error| {
        Error::usage(format!("cannot read the values in `{origin}`")).because(&error)
    })?;
    match values::parse(&text, &origin) {
        Ok(values) => Ok((Origin::File { name: origin, text }, values)),
        Err(error) => {
            Err(Error::usage(format!("cannot use the values in `{origin}`")).because(&error))
        }
    }
}

/// Refuses what the built-in chart cannot honour, all of it at once.
pub(super) fn check(all: &Value) -> Result<(), Error> {
    check_with(all, |_| None)
}

/// The same; `place_of` knows where the value at a path was said.
fn check_with(all: &Value, place_of: impl Fn(&str) -> Option<String>) -> Result<(), Error> {
    let Err(refusals) = table::check(all) else {
        return Ok(());
    };
    let mut error = Error::new(Kind::Usage, "the values cannot be used as they are");
    for refusal in refusals {
        let nearest = refusal.nearest.map_or(String::new(), |nearest| {
            format!(" (did you mean `{nearest}`?)")
        });
        let place = place_of(&refusal.path).map_or(String::new(), |place| format!("{place}: "));
        error.causes.push(format!(
            "{place}`{}`: {}{nearest}",
            refusal.path, refusal.reason
        ));
        let hint = format!("`{}`: {}", refusal.path, refusal.way_out);
        if !error.hints.contains(&hint) {
            error.hints.push(hint);
        }
    }
    Err(error)
}

fn unusable(flag: &str, error: &dyn std::error::Error) -> Error {
    Error::usage(format!("cannot use `{flag}`"))
        .because(error)
        .hint(format!("write it as `{flag} path.to.key=value`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minor_version_means_the_patch_that_has_an_image() {
        assert_eq!(kubernetes_tag("1.35").unwrap(), "v1.35.0");
        assert_eq!(kubernetes_tag("v1.33").unwrap(), "v1.33.4");
        assert_eq!(kubernetes_tag("1.36.2").unwrap(), "v1.36.2");
        for wrong in ["1", "1.5", "1.36.", "1.36.x", "2.36", "", "latest"] {
            assert_eq!(kubernetes_tag(wrong).expect_err(wrong).kind, Kind::Usage);
        }
    }
}
