//! Two results that Go types more narrowly than the rest, where it shows.

use super::super::engine::{Args, Fault};
use super::super::value::{Map, Object, Value};

/// Go's nil list: like an empty one, but `null` in JSON and YAML.
pub(super) struct NilList;

impl Object for NilList {
    fn type_name(&self) -> &'static str {
        "[]interface {}"
    }

    fn kind(&self) -> &'static str {
        "slice"
    }

    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    fn call(&self, _method: &str, _args: &Args<'_>) -> Option<Result<Value, Fault>> {
        None
    }

    fn plain(&self) -> Value {
        std::iter::empty().collect()
    }

    fn serialized(&self) -> Value {
        Value::Nil
    }
}

/// The map that `split` yields: Go's `map[string]string`, in which a missing key is empty text.
pub(super) struct Parts(pub(super) Map);

impl Object for Parts {
    fn type_name(&self) -> &'static str {
        "map[string]string"
    }

    fn kind(&self) -> &'static str {
        "map"
    }

    fn field(&self, name: &str) -> Option<Value> {
        Some(self.0.get(name).unwrap_or_else(|| "".into()))
    }

    fn call(&self, _method: &str, _args: &Args<'_>) -> Option<Result<Value, Fault>> {
        None
    }

    fn plain(&self) -> Value {
        self.0.clone().into()
    }
}
