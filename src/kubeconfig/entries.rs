//! The lists of a kubeconfig and the changes that can be made to them, on plain values.
//!
//! These are also what an edit of the text is checked against, so nothing here knows text.

use serde_json::{Map, Value, json};

use super::document::{Document, Fault, Kind};

/// One of the three lists of named entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Clusters,
    Contexts,
    Users,
}

/// A change to one file.
#[derive(Debug, Clone)]
pub(super) enum Change {
    /// Replaces the entry of that name where it stands, or appends it.
    Put {
        section: Section,
        name: String,
        value: Value,
    },
    /// Takes every entry of that name out.
    Remove { section: Section, name: String },
    /// Selects a context, or none if empty.
    SetCurrent(String),
}

/// The key of the selected context.
pub(super) const CURRENT_CONTEXT: &str = "current-context";

/// The key under which programs keep what is their own.
pub(super) const EXTENSIONS: &str = "extensions";

impl Change {
    /// The key of the outermost mapping whose value changes.
    pub(super) fn key(&self) -> &'static str {
        match self {
            Self::Put { section, .. } | Self::Remove { section, .. } => section.key(),
            Self::SetCurrent(_) => CURRENT_CONTEXT,
        }
    }

    fn adds(&self) -> bool {
        match self {
            Self::Put { .. } => true,
            Self::Remove { .. } => false,
            Self::SetCurrent(context) => !context.is_empty(),
        }
    }
}

impl Section {
    pub(super) const ALL: [Self; 3] = [Self::Clusters, Self::Contexts, Self::Users];

    /// The key of the list.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Clusters => "clusters",
            Self::Contexts => "contexts",
            Self::Users => "users",
        }
    }

    /// The key of the value inside an entry.
    pub(super) fn inner_key(self) -> &'static str {
        match self {
            Self::Clusters => "cluster",
            Self::Contexts => "context",
            Self::Users => "user",
        }
    }

    /// An item of the list.
    pub(super) fn item(self, name: &str, value: &Value) -> Value {
        json!({ self.inner_key(): value, "name": name })
    }

    /// The named values of the list, in its order.
    pub(super) fn entries(self, document: &Value) -> impl Iterator<Item = (&str, &Value)> {
        let items = document.get(self.key()).and_then(Value::as_array);
        items.into_iter().flatten().map(move |item| {
            (
                name_of(item),
                item.get(self.inner_key()).unwrap_or(&Value::Null),
            )
        })
    }

    /// Whether the list has an entry of that name.
    pub(super) fn contains(self, document: &Value, name: &str) -> bool {
        self.entries(document).any(|(other, _)| other == name)
    }
}

/// The name of a list item; kubectl takes an absent one for empty.
pub(super) fn name_of(item: &Value) -> &str {
    item.get("name").and_then(Value::as_str).unwrap_or_default()
}

/// The selected context of one file, if it selects any.
pub(super) fn current_context(document: &Value) -> Option<&str> {
    let current = document.get(CURRENT_CONTEXT)?.as_str()?;
    (!current.is_empty()).then_some(current)
}

/// The document that a file without anything in it becomes.
pub(super) fn nothing() -> Value {
    json!({"apiVersion": "v1", "kind": "Config"})
}

/// The document with the change made and everything else as it was.
pub(super) fn with_change(mut document: Value, change: &Change) -> Value {
    if !document.is_object() {
        if !change.adds() {
            return document;
        }
        document = nothing();
    }
    match change {
        Change::Put {
            section,
            name,
            value,
        } => {
            let item = section.item(name, value);
            let slot = &mut document[section.key()];
            if !slot.is_array() {
                *slot = Value::Array(Vec::new());
            }
            if let Some(items) = slot.as_array_mut() {
                match items.iter_mut().find(|item| name_of(item) == name) {
                    Some(old) => *old = item,
                    None => items.push(item),
                }
            }
        }
        Change::Remove { section, name } => {
            if let Some(Value::Array(items)) = document.get_mut(section.key()) {
                items.retain(|item| name_of(item) != name);
            }
        }
        Change::SetCurrent(context) => document[CURRENT_CONTEXT] = Value::from(context.as_str()),
    }
    document
}

/// The document in the form in which documents that mean the same to kubectl are equal.
pub(super) fn normal(mut document: Value) -> Value {
    if document.is_null() {
        document = Value::Object(Map::new());
    }
    if let Value::Object(members) = &mut document {
        for section in Section::ALL {
            if members.get(section.key()).is_some_and(is_empty) {
                members.remove(section.key());
            }
        }
        if members.get(CURRENT_CONTEXT).is_some_and(is_empty) {
            members.remove(CURRENT_CONTEXT);
        }
    }
    document
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// Finds what kubectl would refuse too, so that the answer names a line.
pub(super) fn check(document: &Document) -> Result<(), Fault> {
    let Some(root) = &document.root else {
        return Ok(());
    };
    let fault = |place: usize, problem: String| {
        Err(Fault {
            line: document.line_of(place),
            problem,
        })
    };
    if !root.is_null() && !root.value().is_object() {
        return fault(
            root.span.start,
            "the outermost value is not a mapping".to_owned(),
        );
    }
    if let Some((_, node)) = document.member(CURRENT_CONTEXT)
        && !matches!(node.value(), Value::Null | Value::String(_))
    {
        return fault(
            node.span.start,
            format!("`{CURRENT_CONTEXT}` is not a string"),
        );
    }
    for section in Section::ALL {
        let Some((_, node)) = document.member(section.key()) else {
            continue;
        };
        let key = section.key();
        let values = match node.value() {
            Value::Null => continue,
            Value::Array(values) => values,
            _ => return fault(node.span.start, format!("`{key}` is not a list")),
        };
        for (index, value) in values.iter().enumerate() {
            let place = match &node.kind {
                Kind::Sequence { items, .. } => items[index].span.start,
                _ => node.span.start,
            };
            if !value.is_object() && !value.is_null() {
                return fault(place, format!("an item of `{key}` is not a mapping"));
            }
            if !matches!(
                value.get("name"),
                None | Some(Value::Null | Value::String(_))
            ) {
                return fault(place, format!("a name in `{key}` is not a string"));
            }
        }
    }
    Ok(())
}
