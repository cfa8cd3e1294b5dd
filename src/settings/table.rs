//! Every setting there is, once: its key, its kind, where else it can be said, and what it means.
//!
//! To add one, add a row. That makes its field in [`Layer`] and [`Settings`], its key in the files, its variable, its
//! line in `vc config` and its row in docs/reference.md. If it has a flag, hand that on where the flag is read
//! (`GlobalArgs::to_layer` for those that every command takes). A new kind of value implements [`Value`].

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use super::value::{Invalid, Value};
use crate::chart::address::Address;
use crate::cluster::{ContextName, Namespace};
use crate::ui::Format;

/// One setting, as people are told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its key in the files.
    pub key: &'static str,
    /// The environment variable that says it.
    pub variable: &'static str,
    /// The flag that says it.
    pub flag: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What holds where nothing says it; `None` where nothing holds then.
    pub default: Option<&'static str>,
    /// Who may say it in a file.
    pub by: By,
}

/// Who may say a setting in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The user's own `config.yaml` alone. A project's file comes with a checked-out repository: it may not choose
    /// where commands act, or consent for the user.
    User,
    /// The project's `vc.yaml` as well.
    Anyone,
}

macro_rules! settings {
    (
        open: $( #[doc = $open_meaning:literal] $open:ident: $open_kind:ty, $open_variable:literal, $open_flag:literal, $open_by:ident; )*
        decided: $( #[doc = $meaning:literal] $key:ident: $kind:ty = $default:literal, $variable:literal, $flag:literal, $by:ident; )*
    ) => {
        /// Every setting, in the order in which they are shown.
        pub const SETTINGS: &[Setting] = &[
            $( Setting {
                key: stringify!($open), variable: $open_variable, flag: $open_flag,
                meaning: $open_meaning.trim_ascii(), default: None, by: By::$open_by,
            }, )*
            $( Setting {
                key: stringify!($key), variable: $variable, flag: $flag,
                meaning: $meaning.trim_ascii(), default: Some($default), by: By::$by,
            }, )*
        ];

        /// What one source says. Every field may be left open.
        #[derive(Clone, Debug, Default)]
        pub struct Layer {
            $( #[doc = $open_meaning] pub $open: Option<$open_kind>, )*
            $( #[doc = $meaning] pub $key: Option<$kind>, )*
        }

        /// What holds, everything decided.
        #[derive(Clone, Debug)]
        pub struct Settings {
            $( #[doc = $open_meaning] pub $open: Option<$open_kind>, )*
            $( #[doc = $meaning] pub $key: $kind, )*
        }

        impl Layer {
            /// This layer, with what it leaves open taken from `lower`.
            pub(super) fn over(self, lower: Self) -> Self {
                Self {
                    $( $open: self.$open.or(lower.$open), )*
                    $( $key: self.$key.or(lower.$key), )*
                }
            }

            /// Says one setting more.
            ///
            /// # Panics
            ///
            /// If there is no such key.
            pub(super) fn say(&mut self, key: &str, text: &OsStr) -> Result<(), Invalid> {
                match key {
                    $( stringify!($open) => self.$open = Some(Value::parse_os(text)?), )*
                    $( stringify!($key) => self.$key = Some(Value::parse_os(text)?), )*
                    _ => unreachable!("`{key}` is no setting"),
                }
                Ok(())
            }

            /// Whether a text is a value of a setting.
            pub fn check(key: &str, text: &str) -> Result<(), Invalid> {
                Self::default().say(key, text.as_ref())
            }

            /// A value of a setting as it may be shown.
            pub fn shown(key: &str, text: &str) -> String {
                match key {
                    $( stringify!($open) => <$open_kind as Value>::shown(text), )*
                    $( stringify!($key) => <$kind as Value>::shown(text), )*
                    _ => text.to_owned(),
                }
            }

            /// What it says of a setting.
            pub fn text_of(&self, key: &str) -> Option<String> {
                match key {
                    $( stringify!($open) => self.$open.as_ref().map(Value::to_text), )*
                    $( stringify!($key) => self.$key.as_ref().map(Value::to_text), )*
                    _ => None,
                }
            }
        }

        impl Settings {
            /// What holds if this is all that is said.
            pub(super) fn of(layer: Layer) -> Self {
                Self {
                    $( $open: layer.$open, )*
                    $( $key: layer.$key.unwrap_or_else(|| {
                        Value::parse($default).expect("what is built in is a value of its setting")
                    }), )*
                }
            }
        }
    };
}

settings! {
    open:
    /// context of the host; else the kubeconfig's current one
    context: String, "VC_CONTEXT", "--context", User;
    /// namespace on the host; else all of them, or the cluster's own
    namespace: Namespace, "VC_NAMESPACE", "--namespace", Anyone;
    /// kubeconfig file; else kubectl's rule
    kubeconfig: PathBuf, "VC_KUBECONFIG", "--kubeconfig", User;
    /// Kubernetes version of new clusters
    k8s: String, "VC_K8S", "create --k8s", Anyone;
    /// registry of the images of new clusters
    registry: String, "VC_REGISTRY", "create --registry", Anyone;
    /// pull secret of the images of new clusters
    pull_secret: String, "VC_PULL_SECRET", "create --pull-secret", Anyone;
    decided:
    /// form of the answer
    output: Format = "table", "VC_OUTPUT", "--output", Anyone;
    /// bound on the whole command
    timeout: Duration = "10m", "VC_TIMEOUT", "--timeout", Anyone;
    /// whether every question is answered with yes
    yes: bool = "false", "VC_YES", "--yes", User;
    /// whether output may have colour; any value of the variable turns it off
    color: bool = "true", "NO_COLOR", "--no-color", Anyone;
    /// names of contexts: a template in which `{name}`, `{namespace}` and `{host}` stand for the cluster's own
    context_name: ContextName = "vcluster_{name}_{namespace}_{host}", "VC_CONTEXT_NAME", "connect --context-name", User;
    /// whether using a context wakes its cluster
    wake_on_use: bool = "true", "VC_WAKE_ON_USE", "connect --no-wake", User;
    /// after how long without use the process in the background ends; it comes back when it is needed
    agent_idle: Duration = "8h", "VC_AGENT_IDLE", "agent --idle", User;
    /// repository or registry of the upstream chart: `https://…` or `oci://…`
    chart_repo: Address = "https://charts.loft.sh", "VC_CHART_REPO", "create --chart-repo", User;
    /// whether charts come from the cache alone, and none is fetched
    offline: bool = "false", "VC_OFFLINE", "create --offline", Anyone;
    /// whether charts may come from servers without TLS
    plain_http: bool = "false", "VC_PLAIN_HTTP", "create --plain-http", User;
}

/// The setting of that key.
pub fn setting(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// The key that was probably meant by one that there is not.
pub fn nearest(key: &str) -> Option<&'static str> {
    SETTINGS
        .iter()
        .map(|known| (strsim::damerau_levenshtein(key, known.key), known.key))
        .min()
        .filter(|(distance, known)| *distance <= known.len().div_ceil(3))
        .map(|(_, known)| known)
}
