//! Which file each part of an edit belongs in, and what each file is to say afterwards.
//!
//! Pure but for the reading: nothing here locks or writes.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::entries::{self, Change, Section};
use super::files::{Encoding, Source};
use super::{Edit, Entry, Error, Kubeconfig, splice};

/// A file, what it is to say, and the changes that lead there.
pub(super) struct Draft {
    path: PathBuf,
    source: Source,
    value: Value,
    changes: Vec<Change>,
}

/// A file's bytes before, if there were any, and after.
pub(super) struct Outcome {
    pub(super) path: PathBuf,
    pub(super) old: Option<Vec<u8>>,
    pub(super) new: Vec<u8>,
    /// What `new` says.
    value: Value,
}

impl Outcome {
    /// The same with the bytes that the file once had, if they say what it is to say now.
    pub(super) fn or_as_it_was(self, origin: &[u8]) -> Self {
        let Ok(Source { document, .. }) = Source::of(&self.path, Some(origin.to_vec())) else {
            return self;
        };
        let mut value = document.value();
        if value.is_null() {
            // A file without anything in it gets these two with its first entry.
            value = entries::nothing();
        }
        if entries::normal(value) != entries::normal(self.value.clone()) {
            return self;
        }
        Self {
            new: origin.to_vec(),
            ..self
        }
    }
}

impl Draft {
    /// A draft that is as the file.
    pub(super) fn of(path: &Path, source: Source) -> Self {
        Self {
            path: path.to_owned(),
            value: source.document.value(),
            source,
            changes: Vec::new(),
        }
    }

    fn add(&mut self, change: Change) {
        let value = std::mem::take(&mut self.value);
        self.value = entries::with_change(value, &change);
        self.changes.push(change);
    }

    /// The bytes to write, if any change; or why it is better not to.
    pub(super) fn finish(self) -> Result<Option<Outcome>, Error> {
        let before = self.source.document.value();
        if entries::normal(before) == entries::normal(self.value.clone()) {
            return Ok(None);
        }
        let path = self.path;
        let refuse = |reason| Error::WouldDamage {
            file: path.clone(),
            reason,
        };
        if self.source.encoding == Encoding::Utf16 {
            return Err(refuse(
                "it is UTF-16 text, which kubectl would convert".to_owned(),
            ));
        }
        let after = splice::apply(&self.source.document, &self.changes).map_err(refuse)?;
        let new = self.source.encode(&after);
        Ok(Some(Outcome {
            path,
            old: self.source.bytes,
            new,
            value: self.value,
        }))
    }
}

/// What the drafts say together.
pub(super) fn merged(drafts: &[Draft]) -> Kubeconfig {
    let mut kubeconfig = Kubeconfig::default();
    for draft in drafts {
        kubeconfig.merge(&draft.path, &draft.value);
    }
    kubeconfig
}

/// Decides which file each part of an edit belongs in.
pub(super) fn plan(edit: &Edit, drafts: &mut [Draft], default_file: &Path) {
    match edit {
        Edit::Put(entry) => plan_put(entry, drafts, default_file),
        Edit::Remove { name } => plan_remove(name, drafts),
        Edit::SetCurrent {
            to,
            only_if_current,
        } => {
            let current = merged(drafts).current_context;
            if only_if_current.is_some() && *only_if_current != current || *to == current {
                return;
            }
            let target = match to {
                Some(_) => drafts.iter_mut().find(|draft| draft.path == default_file),
                None => drafts
                    .iter_mut()
                    .find(|draft| entries::current_context(&draft.value).is_some()),
            };
            if let Some(draft) = target {
                draft.add(Change::SetCurrent(to.clone().unwrap_or_default()));
            }
        }
    }
}

fn plan_put(entry: &Entry, drafts: &mut [Draft], default_file: &Path) {
    let name = &entry.name;
    let home_of = |drafts: &[Draft], section: Section| {
        drafts
            .iter()
            .position(|draft| section.contains(&draft.value, name))
    };
    // Parts that are missing join the parts that exist, so that the three stay together.
    let fallback = [Section::Contexts, Section::Clusters, Section::Users]
        .into_iter()
        .find_map(|section| home_of(drafts, section))
        .or_else(|| drafts.iter().position(|draft| draft.path == default_file));
    for section in Section::ALL {
        let Some(index) = home_of(drafts, section).or(fallback) else {
            continue;
        };
        let value = match section {
            Section::Clusters => entry.cluster.clone(),
            Section::Contexts => {
                let mut old = section.entries(&drafts[index].value);
                let old = old.find(|(other, _)| other == name);
                with_what_others_said(entry.context.clone(), old.map(|(_, old)| old))
            }
            Section::Users => entry.user.clone(),
        };
        drafts[index].add(Change::Put {
            section,
            name: name.clone(),
            value,
        });
    }
}

/// A context with what the old one of that name says and it does not: above all the namespace that the user set
/// with `kubectl config set-context`, and the extensions of other programs.
fn with_what_others_said(mut context: Value, old: Option<&Value>) -> Value {
    let (Some(members), Some(old)) = (context.as_object_mut(), old.and_then(Value::as_object))
    else {
        return context;
    };
    for (key, value) in old {
        match (members.get_mut(key), value) {
            (None, _) => drop(members.insert(key.clone(), value.clone())),
            (Some(Value::Array(own)), Value::Array(others)) if key == entries::EXTENSIONS => {
                let is_own = |other: &&Value| {
                    let mut own = own.iter();
                    own.any(|item| entries::name_of(item) == entries::name_of(other))
                };
                let others: Vec<Value> = others.iter().filter(|o| !is_own(o)).cloned().collect();
                own.extend(others);
            }
            _ => {}
        }
    }
    context
}

fn plan_remove(name: &str, drafts: &mut [Draft]) {
    remove_from_first(Section::Contexts, name, drafts);
    for section in [Section::Clusters, Section::Users] {
        let is_in_use = drafts.iter().any(|draft| {
            let mut contexts = Section::Contexts.entries(&draft.value);
            contexts.any(|(_, context)| context[section.inner_key()] == *name)
        });
        if !is_in_use {
            remove_from_first(section, name, drafts);
        }
    }
}

fn remove_from_first(section: Section, name: &str, drafts: &mut [Draft]) {
    if let Some(draft) = drafts
        .iter_mut()
        .find(|draft| section.contains(&draft.value, name))
    {
        draft.add(Change::Remove {
            section,
            name: name.to_owned(),
        });
    }
}
