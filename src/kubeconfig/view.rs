//! What the files say together, read only.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::entries::{self, Section};

/// The merged view of all files: of entries with one name, the one in the first file counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Kubeconfig {
    /// Every context, in the order of the files.
    pub contexts: Vec<NamedContext>,
    /// Every cluster, in the order of the files.
    pub clusters: Vec<NamedCluster>,
    /// Every user, in the order of the files.
    pub users: Vec<NamedUser>,
    /// The selected context, if one is; it may not exist.
    pub current_context: Option<String>,
}

/// A context and the file that it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedContext {
    /// Its name.
    pub name: String,
    /// The file that it came from.
    pub file: PathBuf,
    /// What stands under `context`.
    pub context: Value,
}

/// A cluster and the file that it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedCluster {
    /// Its name.
    pub name: String,
    /// The file that it came from.
    pub file: PathBuf,
    /// What stands under `cluster`.
    pub cluster: Value,
}

/// A user and the file that it came from.
#[derive(Clone, PartialEq)]
pub struct NamedUser {
    /// Its name.
    pub name: String,
    /// The file that it came from.
    pub file: PathBuf,
    /// What stands under `user`: secrets.
    pub user: Value,
}

impl fmt::Debug for NamedUser {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A user holds keys and tokens, which must not reach a log.
        let mut shown = formatter.debug_struct("NamedUser");
        shown
            .field("name", &self.name)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl NamedContext {
    /// The name of its cluster.
    pub fn cluster(&self) -> Option<&str> {
        self.context.get("cluster")?.as_str()
    }

    /// The name of its user.
    pub fn user(&self) -> Option<&str> {
        self.context.get("user")?.as_str()
    }

    /// The namespace that commands use by default.
    pub fn namespace(&self) -> Option<&str> {
        self.context.get("namespace")?.as_str()
    }

    /// The extension of that name.
    pub fn extension(&self, name: &str) -> Option<&Value> {
        extension(&self.context, name)
    }
}

impl NamedCluster {
    /// The address of its API server.
    pub fn server(&self) -> Option<&str> {
        self.cluster.get("server")?.as_str()
    }

    /// The extension of that name.
    pub fn extension(&self, name: &str) -> Option<&Value> {
        extension(&self.cluster, name)
    }
}

fn extension<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let items = value.get("extensions")?.as_array()?;
    items
        .iter()
        .find(|item| entries::name_of(item) == name)?
        .get("extension")
}

impl Kubeconfig {
    /// The context of that name.
    pub fn context(&self, name: &str) -> Option<&NamedContext> {
        self.contexts.iter().find(|context| context.name == name)
    }

    /// The cluster of that name.
    pub fn cluster(&self, name: &str) -> Option<&NamedCluster> {
        self.clusters.iter().find(|cluster| cluster.name == name)
    }

    /// The user of that name.
    pub fn user(&self, name: &str) -> Option<&NamedUser> {
        self.users.iter().find(|user| user.name == name)
    }

    /// A whole kubeconfig with that one context selected, its cluster and its user, if they exist.
    pub fn to_json_for(&self, context: &str) -> Option<Value> {
        let context = self.context(context)?;
        let cluster = context.cluster().and_then(|name| self.cluster(name));
        let user = context.user().and_then(|name| self.user(name));
        let cluster =
            cluster.map(|cluster| Section::Clusters.item(&cluster.name, &cluster.cluster));
        let user = user.map(|user| Section::Users.item(&user.name, &user.user));
        Some(json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": cluster.into_iter().collect::<Vec<_>>(),
            "contexts": [Section::Contexts.item(&context.name, &context.context)],
            "users": user.into_iter().collect::<Vec<_>>(),
            "current-context": context.name,
        }))
    }

    /// Adds what one file says where no earlier file said it.
    pub(super) fn merge(&mut self, file: &Path, document: &Value) {
        for (name, value) in Section::Contexts.entries(document) {
            if self.context(name).is_none() {
                let (name, file, context) = (name.to_owned(), file.to_owned(), value.clone());
                self.contexts.push(NamedContext {
                    name,
                    file,
                    context,
                });
            }
        }
        for (name, value) in Section::Clusters.entries(document) {
            if self.cluster(name).is_none() {
                let cluster = with_absolute_paths(value, file, &["certificate-authority"]);
                let (name, file) = (name.to_owned(), file.to_owned());
                self.clusters.push(NamedCluster {
                    name,
                    file,
                    cluster,
                });
            }
        }
        for (name, value) in Section::Users.entries(document) {
            if self.user(name).is_none() {
                let paths = ["client-certificate", "client-key", "tokenFile"];
                let user = with_absolute_command(with_absolute_paths(value, file, &paths), file);
                let (name, file) = (name.to_owned(), file.to_owned());
                self.users.push(NamedUser { name, file, user });
            }
        }
        if self.current_context.is_none() {
            self.current_context = entries::current_context(document).map(str::to_owned);
        }
    }
}

fn with_absolute_paths(value: &Value, file: &Path, keys: &[&str]) -> Value {
    let mut value = value.clone();
    for key in keys {
        if let Some(Value::String(path)) = value.get_mut(key)
            && !path.is_empty()
        {
            *path = beside(file, path);
        }
    }
    value
}

/// A command without a separator is looked up in `PATH`, so it stays.
fn with_absolute_command(mut user: Value, file: &Path) -> Value {
    if let Some(Value::String(command)) = user.pointer_mut("/exec/command")
        && command.contains(std::path::MAIN_SEPARATOR)
    {
        *command = beside(file, command);
    }
    user
}

/// The path as seen from the folder of the file it stands in, not from the folder of a link's target.
fn beside(file: &Path, path: &str) -> String {
    let folder = file.parent().unwrap_or(Path::new(""));
    let joined = folder.join(path);
    // Fails only for an empty path, or without a working directory: then as good as it was.
    let absolute = std::path::absolute(&joined).unwrap_or(joined);
    absolute.to_string_lossy().into_owned()
}
