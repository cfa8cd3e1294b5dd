//! Where each value came from, so that what is wrong with it is said with its place.

use serde_json::{Value, json};

use crate::helm::{values, yaml};

/// Values of several origins, each laid over those before it.
#[derive(Debug)]
pub(super) struct Layers {
    all: Value,
    layers: Vec<(Origin, Value)>,
}

/// What said some values.
#[derive(Debug)]
pub(super) enum Origin {
    /// A file by the name that the user gave, with its text.
    File { name: String, text: String },
    /// A flag whose values are paths.
    Assignment(&'static str),
    /// Flags and settings that mean values of their own.
    Flags,
}

impl Layers {
    /// No values.
    pub(super) fn new() -> Self {
        Self {
            all: json!({}),
            layers: Vec::new(),
        }
    }

    /// Lays values over those that there are.
    pub(super) fn lay(&mut self, origin: Origin, over: Value) {
        values::merge(&mut self.all, over.clone());
        self.layers.push((origin, over));
    }

    /// Carries out an assignment of a flag; `assign` reads it.
    pub(super) fn assign<E>(
        &mut self,
        flag: &'static str,
        assign: impl Fn(&mut Value) -> Result<(), E>,
    ) -> Result<(), E> {
        assign(&mut self.all)?;
        let mut alone = json!({});
        assign(&mut alone)?;
        self.layers.push((Origin::Assignment(flag), alone));
        Ok(())
    }

    /// All values together.
    pub(super) fn all(&self) -> &Value {
        &self.all
    }

    /// The same, for good.
    pub(super) fn into_all(self) -> Value {
        self.all
    }

    /// Where the value at a path was said: `values.yaml:12` or `--set`; `None` if it came from a flag of its own.
    pub(super) fn place_of(&self, path: &str) -> Option<String> {
        let (origin, _) = self
            .layers
            .iter()
            .rev()
            .find(|(_, values)| is_at(values, path))?;
        match origin {
            Origin::File { name, text } => Some(match yaml::line_of(text, path) {
                Some(line) => format!("{name}:{line}"),
                None => name.clone(),
            }),
            Origin::Assignment(flag) => Some((*flag).to_owned()),
            Origin::Flags => None,
        }
    }
}

/// Whether there is something at a path such as `a.b[0].c`, whose keys may hold dots themselves.
fn is_at(values: &Value, path: &str) -> bool {
    if path.is_empty() {
        return true;
    }
    match values {
        Value::Object(entries) => entries.iter().any(|(key, below)| {
            path.strip_prefix(key.as_str()).is_some_and(|rest| {
                let is_whole_key = rest.is_empty() || rest.starts_with(['.', '[']);
                is_whole_key && is_at(below, rest.strip_prefix('.').unwrap_or(rest))
            })
        }),
        Value::Array(items) => path
            .strip_prefix('[')
            .and_then(|path| path.split_once(']'))
            .and_then(|(index, rest)| Some((items.get(index.parse::<usize>().ok()?)?, rest)))
            .is_some_and(|(item, rest)| is_at(item, rest.strip_prefix('.').unwrap_or(rest))),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_who_said_it_is_named() {
        let mut layers = Layers::new();
        let text = "a:\n  b: 1\n  list: [{c: 1}]\n";
        let file = |name: &str| Origin::File {
            name: name.to_owned(),
            text: text.to_owned(),
        };
        let values = json!({ "a": { "b": 1.0, "list": [{ "c": 1.0 }] } });
        layers.lay(file("one.yaml"), values.clone());
        layers.lay(file("two.yaml"), values);
        layers
            .assign("--set", |values| values::set(values, "a.b=2,x\\.y=3"))
            .unwrap();
        layers.lay(Origin::Flags, json!({ "flag": true }));
        let place = |path: &str| layers.place_of(path);
        assert_eq!(place("a.b").as_deref(), Some("--set"));
        assert_eq!(place("x.y").as_deref(), Some("--set"));
        assert_eq!(place("a.list[0].c").as_deref(), Some("two.yaml:3"));
        assert_eq!(place("flag"), None);
        assert_eq!(place("nowhere"), None);
        assert_eq!(layers.all()["a"]["b"], 2);
    }
}
