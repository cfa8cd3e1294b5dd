//! What holds for every command, and from where: flags, then `VC_*` variables, then `vc.yaml` in the working folder,
//! then the user's `config.yaml`, then defaults.
//!
//! Which settings there are is in [`SETTINGS`] alone.

mod file;
mod table;
mod value;

use std::ffi::OsStr;
use std::path::PathBuf;

use crate::error::Error;
use crate::process::Process;
pub use file::File;
pub use table::{By, Layer, SETTINGS, Setting, Settings, nearest, setting};
pub use value::{Invalid, Value};

/// The project's settings, in the working folder.
const PROJECT_FILE: &str = "vc.yaml";
/// The user's settings, in their configuration folder.
const USER_FILE: &str = "config.yaml";

/// The environment variables that are read beside those of settings, with what each means.
pub const VARIABLES: &[(&str, &str)] = &[
    (
        "VC_LOG",
        "filter of the log on standard error, for example `debug`; `-v` is `vc=debug`",
    ),
    ("KUBECONFIG", "list of kubeconfig files, by kubectl's rule"),
    (
        "XDG_CONFIG_HOME",
        "where `vc/config.yaml` lies; else `~/.config`",
    ),
    (
        "XDG_STATE_HOME",
        "where `vc` keeps its tunnels and backups; else `~/.local/state`",
    ),
    (
        "XDG_CACHE_HOME",
        "where `vc` keeps charts that it fetched; else `~/.cache`",
    ),
    (
        "HTTPS_PROXY",
        "proxy to fetch charts through; `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` are known, too",
    ),
    (
        "SSL_CERT_FILE",
        "certificates of the authorities to trust instead of the system's; `SSL_CERT_DIR` is a folder of them",
    ),
    (
        "HELM_REGISTRY_CONFIG",
        "logins to registries; else those of `helm registry login`, then of `docker login` (`DOCKER_CONFIG`)",
    ),
    (
        "HELM_REPOSITORY_CONFIG",
        "repositories that Helm knows, with user, password and certificates; else Helm's own file",
    ),
];

/// Where a setting was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// On the command line.
    Flag,
    /// In the environment.
    Variable,
    /// In this file of the project.
    Project(PathBuf),
    /// In this file of the user.
    User(PathBuf),
    /// Nowhere: it is built in.
    Default,
}

/// Everything that was said, the nearest first.
#[derive(Clone, Debug)]
pub struct Layers(Vec<(Origin, Layer)>);

impl Layers {
    /// Reads the sources that there are.
    pub fn read(flags: Layer, process: &Process) -> Result<Self, Error> {
        let mut layers = vec![
            (Origin::Flag, flags),
            (Origin::Variable, from_variables(process)?),
        ];
        if let Some(folder) = &process.folder {
            let file = File::read(folder.join(PROJECT_FILE))?;
            layers.push((
                Origin::Project(file.path().to_owned()),
                file.to_layer(By::Anyone)?,
            ));
        }
        if let Some(path) = user_file(process) {
            let file = File::read(path)?;
            layers.push((
                Origin::User(file.path().to_owned()),
                file.to_layer(By::User)?,
            ));
        }
        Ok(Self(layers))
    }

    /// What holds of a setting, and where that was said; `None` where nothing holds.
    pub fn holds(&self, setting: &Setting) -> Option<(String, Origin)> {
        let said = self
            .0
            .iter()
            .find_map(|(origin, layer)| Some((layer.text_of(setting.key)?, origin.clone())));
        said.or_else(|| Some((setting.default?.to_owned(), Origin::Default)))
    }

    fn settings(self) -> Settings {
        let layers = self.0.into_iter().map(|(_, layer)| layer);
        Settings::of(layers.reduce(Layer::over).unwrap_or_default())
    }
}

impl Settings {
    /// Puts the layers on top of each other, the flags first.
    pub fn resolve(flags: Layer, process: &Process) -> Result<Self, Error> {
        Ok(Layers::read(flags, process)?.settings())
    }

    /// What the flags alone say, for commands that need no file and must work beside a broken one.
    pub fn from_flags(flags: Layer, process: &Process) -> Self {
        let color = Layer {
            color: process.variable("NO_COLOR").map(|_| false),
            ..Layer::default()
        };
        Self::of(flags.over(color))
    }
}

/// The user's own file of settings; `None` without a home folder.
pub fn user_file(process: &Process) -> Option<PathBuf> {
    process.config_folder().map(|folder| folder.join(USER_FILE))
}

fn from_variables(process: &Process) -> Result<Layer, Error> {
    let mut layer = Layer::default();
    for setting in SETTINGS {
        let Some(text) = process.variable(setting.variable) else {
            continue;
        };
        // By the rule of <https://no-color.org> its value does not matter.
        let text = if setting.variable == "NO_COLOR" {
            OsStr::new("false")
        } else {
            text
        };
        layer
            .say(setting.key, text)
            .map_err(|invalid| invalid.into_error(format!("cannot use `{}`", setting.variable)))?;
    }
    Ok(layer)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(!Settings::from_flags(Layer::default(), &process).color);
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

    #[test]
    fn every_default_is_a_value_of_its_setting() {
        let settings = Settings::of(Layer::default());
        assert!(settings.color && !settings.yes);
        assert_eq!(settings.timeout.as_secs(), 600);
    }
}
