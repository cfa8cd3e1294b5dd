//! What templates ask of the cluster with `lookup`, and the answers.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::super::value::{Map, Value};

/// One question a template asks of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LookupKey {
    /// For example `apps/v1`.
    pub api_version: String,
    /// For example `Deployment`.
    pub kind: String,
    /// Empty for all namespaces, or for a cluster-wide kind.
    pub namespace: String,
    /// Empty for a list of all.
    pub name: String,
}

/// The answers known so far.
#[derive(Clone, Debug, Default)]
pub struct Lookups {
    answers: BTreeMap<LookupKey, Json>,
    are_all: bool,
}

impl Lookups {
    /// No answer yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing is there, whatever is asked for, as where there is no cluster.
    pub fn of_nothing() -> Self {
        Self {
            are_all: true,
            ..Self::default()
        }
    }

    /// Takes an answer. That for an object that does not exist is an empty map; so Helm says it too.
    pub fn insert(&mut self, key: LookupKey, answer: Json) {
        self.answers.insert(key, answer);
    }

    /// The answer, if it is known.
    pub(super) fn get(&self, key: &LookupKey) -> Option<Value> {
        let nothing = || self.are_all.then(|| Value::Map(Map::default()));
        self.answers.get(key).map(Value::from).or_else(nothing)
    }
}
