//! An edit as one transaction: lock, read again, change, check, write.

use std::collections::BTreeMap;
use std::collections::btree_map;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::files::Source;
use super::plan::{self, Draft, Outcome};
use super::write::Replaced;
use super::{Error, Files, lock, origin, platform, write};

/// How often an edit begins anew because a program that takes no lock wrote the file meanwhile.
const MOST_ATTEMPTS: u32 = 5;

/// A context, its cluster and its user, which share one name.
#[derive(Clone, PartialEq)]
pub struct Entry {
    /// The name of all three.
    pub name: String,
    /// What goes under `cluster`.
    pub cluster: Value,
    /// What goes under `user`: secrets.
    pub user: Value,
    /// What goes under `context`; it names the cluster and the user.
    pub context: Value,
}

impl fmt::Debug for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The user holds keys and tokens, which must not reach a log.
        let mut shown = formatter.debug_struct("Entry");
        shown
            .field("name", &self.name)
            .field("cluster", &self.cluster);
        shown
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

impl Entry {
    /// A kubeconfig of its own, with nothing else.
    pub fn to_document(&self) -> Value {
        let Self {
            name,
            cluster,
            user,
            context,
        } = self;
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": name, "cluster": cluster }],
            "users": [{ "name": name, "user": user }],
            "contexts": [{ "name": name, "context": context }],
            "current-context": name,
        })
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Replaces the three entries of that name where they stand, or adds them to the default file.
    Put(Entry),
    /// Takes out the context of that name, and the cluster and user of that name unless another
    /// context uses them; each from the file whose entry counts.
    Remove {
        /// The name of all three.
        name: String,
    },
    /// Selects another context.
    SetCurrent {
        /// The context to select, or none.
        to: Option<String>,
        /// Only if this one is selected now.
        only_if_current: Option<String>,
    },
}

/// How patient and how careful an edit is.
#[derive(Debug, Clone)]
pub struct EditOptions {
    /// How long to wait for other programs.
    pub lock_timeout: Duration,
    /// How long to wait for our own kind, of which there may be hundreds at once.
    pub queue_timeout: Duration,
    /// From which age on a lock is taken for one left behind by a killed program.
    pub stale_after: Duration,
    /// A lock file of our own, on which many edits queue instead of racing for kubectl's lock.
    /// Left out if it cannot be created for lack of permission.
    pub private_lock: Option<PathBuf>,
    /// Where the last state of each changed file is kept, readable by its owner only.
    /// Left out if it cannot be written for lack of permission.
    pub backup_folder: Option<PathBuf>,
}

impl Default for EditOptions {
    fn default() -> Self {
        Self {
            lock_timeout: Duration::from_secs(10),
            queue_timeout: Duration::from_mins(2),
            stale_after: Duration::from_mins(1),
            private_lock: None,
            backup_folder: None,
        }
    }
}

/// What an edit did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edited {
    /// The files that were written, as they stand in the list; empty if all was so already.
    pub changed_files: Vec<PathBuf>,
    /// A lock that was taken over from a program presumed dead, and its age; the caller says so.
    pub stale_lock: Option<(PathBuf, Duration)>,
    /// The context that was selected before.
    pub previous_current: Option<String>,
}

impl Files {
    /// Makes the edits in order, all or none of each file's; writes nothing if nothing changes.
    ///
    /// Every byte that is not part of the entries named stays as it was, or nothing is written.
    pub fn edit(&self, edits: &[Edit], options: &EditOptions) -> Result<Edited, Error> {
        if edits.iter().any(Edit::may_add) {
            platform::create_folder_of(self.default_file())
                .map_err(|source| Error::from_write(self.default_file(), source))?;
        }
        let locks = lock::take(self.paths(), options)?;
        let mut edited = Edited {
            stale_lock: locks.stale.clone(),
            ..Edited::default()
        };
        for attempt in 0..MOST_ATTEMPTS {
            let (outcomes, previous_current) = self.outcomes(edits)?;
            if attempt == 0 {
                edited.previous_current = previous_current;
            }
            let overtaken = write_all(outcomes, options, &mut edited.changed_files)?;
            let Some(file) = overtaken else {
                return Ok(edited);
            };
            if attempt + 1 == MOST_ATTEMPTS {
                return Err(Error::Changing { file });
            }
        }
        Ok(edited)
    }

    /// What the edits make of the files as they are, and the context that is selected; every file is checked.
    fn outcomes(&self, edits: &[Edit]) -> Result<(Vec<Outcome>, Option<String>), Error> {
        // Chosen under the lock, as another program may just have created a file.
        let mut default_file = self.default_file().to_owned();
        let mut drafts: Vec<Draft> = Vec::new();
        let mut known = BTreeMap::new();
        for path in self.paths() {
            // One file may be in the list by two names, and must not be changed by halves.
            let real = write::real_path(path).unwrap_or_else(|_| path.clone());
            match known.entry(platform::without_links_before(&real)) {
                btree_map::Entry::Vacant(new) => {
                    new.insert(path);
                    drafts.push(Draft::of(path, Source::read(path)?));
                }
                btree_map::Entry::Occupied(first) if *path == default_file => {
                    default_file.clone_from(first.get());
                }
                btree_map::Entry::Occupied(_) => {}
            }
        }
        let previous_current = plan::merged(&drafts).current_context;
        for edit in edits {
            plan::plan(edit, &mut drafts, &default_file);
        }
        let mut outcomes = Vec::new();
        for draft in drafts {
            outcomes.extend(draft.finish()?);
        }
        Ok((outcomes, previous_current))
    }
}

/// What the edits make of a file that holds these bytes; `None` if nothing changes. Touches no file.
pub fn edited(file: &Path, bytes: &[u8], edits: &[Edit]) -> Result<Option<Vec<u8>>, Error> {
    let mut drafts = [Draft::of(file, Source::of(file, Some(bytes.to_vec()))?)];
    for edit in edits {
        plan::plan(edit, &mut drafts, file);
    }
    let [draft] = drafts;
    Ok(draft.finish()?.map(|outcome| outcome.new))
}

/// Writes what is to be written; the answer is a file that somebody else wrote meanwhile.
fn write_all(
    outcomes: Vec<Outcome>,
    options: &EditOptions,
    changed_files: &mut Vec<PathBuf>,
) -> Result<Option<PathBuf>, Error> {
    for mut outcome in outcomes {
        let kept = options.backup_folder.as_deref().zip(outcome.old.clone());
        let mut origin = None;
        if let Some((folder, old)) = kept {
            write::back_up(folder, &outcome.path, &old)?;
            let known = origin::recall(folder, &outcome.path, &old);
            if let Some(known) = &known {
                outcome = outcome.or_as_it_was(known);
            }
            origin = Some((folder, known.unwrap_or(old)));
        }
        let Outcome { path, old, new, .. } = outcome;
        if write::replace_unless_overtaken(&path, old.as_deref(), &new)? == Replaced::Overtaken {
            return Ok(Some(path));
        }
        if let Some((folder, origin)) = origin {
            origin::remember(folder, &path, &origin, &new)?;
        }
        write::sweep(&path);
        if !changed_files.contains(&path) {
            changed_files.push(path);
        }
    }
    Ok(None)
}

impl Edit {
    fn may_add(&self) -> bool {
        match self {
            Self::Put(_) => true,
            Self::Remove { .. } => false,
            Self::SetCurrent {
                to,
                only_if_current,
            } => to.is_some() && only_if_current.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn entry(name: &str) -> Entry {
        Entry {
            name: name.to_owned(),
            cluster: json!({"server": "https://127.0.0.1:1"}),
            user: json!({"token": "secret"}),
            context: json!({"cluster": name, "user": name}),
        }
    }

    fn remove(name: &str) -> Edit {
        Edit::Remove {
            name: name.to_owned(),
        }
    }

    fn set_current(to: Option<&str>, only_if_current: Option<&str>) -> Edit {
        let [to, only_if_current] = [to, only_if_current].map(|name| name.map(str::to_owned));
        Edit::SetCurrent {
            to,
            only_if_current,
        }
    }

    struct Two {
        folder: tempfile::TempDir,
        files: Files,
    }

    impl Two {
        fn with(first: &str, second: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
            fs::write(&a, first).unwrap();
            fs::write(&b, second).unwrap();
            let list = [a.as_os_str(), b.as_os_str()].join(platform::LIST_SEPARATOR.as_ref());
            Self {
                folder,
                files: Files::resolve(None, Some(&list), None),
            }
        }

        fn edit(&self, edit: Edit) -> Edited {
            self.files.edit(&[edit], &EditOptions::default()).unwrap()
        }

        fn text(&self, name: &str) -> String {
            fs::read_to_string(self.folder.path().join(name)).unwrap()
        }
    }

    #[test]
    fn entries_go_where_kubectl_would_put_them() {
        let two = Two::with(
            "current-context: x\n",
            "contexts: [{name: old, context: {}}]\n",
        );
        let edited = two.edit(Edit::Put(entry("new")));
        assert_eq!(edited.changed_files, two.files.paths()[..1]);
        let edited = two.edit(Edit::Put(entry("old")));
        assert_eq!(edited.changed_files, two.files.paths()[1..]);
        assert_eq!(edited.previous_current.as_deref(), Some("x"));
        assert!(two.text("a").contains("name: new") && !two.text("a").contains("name: old"));
        two.edit(remove("old"));
        assert!(!two.text("b").contains("old"));
    }

    #[test]
    fn a_cluster_that_another_context_uses_stays() {
        let two = Two::with(
            "",
            "contexts: [{name: other, context: {cluster: mine, user: x}}]\n",
        );
        two.edit(Edit::Put(entry("mine")));
        two.edit(remove("mine"));
        let left = two.files.read().unwrap();
        assert!(left.context("mine").is_none() && left.user("mine").is_none());
        assert!(left.cluster("mine").is_some());
    }

    #[test]
    fn selecting_writes_the_default_file_and_clearing_the_file_that_selects() {
        let two = Two::with("kind: Config\n", "current-context: b\n");
        two.edit(set_current(Some("new"), Some("other")));
        assert_eq!(two.text("a"), "kind: Config\n");
        two.edit(set_current(Some("new"), Some("b")));
        assert_eq!(two.text("a"), "kind: Config\ncurrent-context: new\n");
        assert_eq!(two.text("b"), "current-context: b\n");
        two.edit(set_current(None, Some("new")));
        assert_eq!(two.text("a"), "kind: Config\ncurrent-context: \"\"\n");
        two.edit(set_current(None, None));
        assert_eq!(two.text("b"), "current-context: \"\"\n");
    }

    #[test]
    fn nothing_is_created_where_nothing_is_added() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::explicit(folder.path().join("none/config"));
        let edits = [
            remove("mine"),
            set_current(None, None),
            set_current(Some("x"), Some("y")),
        ];
        assert_eq!(
            files.edit(&edits, &EditOptions::default()).unwrap(),
            Edited::default()
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn one_broken_file_keeps_every_file_as_it_was() {
        let two = Two::with("kind: Config\n", "clusters: [\n");
        let result = two
            .files
            .edit(&[Edit::Put(entry("mine"))], &EditOptions::default());
        assert!(matches!(result, Err(Error::Broken { file, .. }) if file == two.files.paths()[1]));
        assert_eq!(two.text("a"), "kind: Config\n");
    }

    #[test]
    fn utf16_is_not_edited() {
        let two = Two::with("", "");
        let path = &two.files.paths()[0];
        let bytes = b"\xff\xfea\0:\0 \x001\0";
        fs::write(path, bytes).unwrap();
        let result = two
            .files
            .edit(&[Edit::Put(entry("mine"))], &EditOptions::default());
        assert!(matches!(result, Err(Error::WouldDamage { .. })));
        assert_eq!(fs::read(path).unwrap(), bytes);
    }

    #[test]
    fn secrets_are_not_in_debug_output() {
        assert!(!format!("{:?}", Edit::Put(entry("mine"))).contains("secret"));
    }
}
