//! The arguments of a function call, typed as strictly as Go types them.

use std::rc::Rc;

use super::super::value::{Map, Value};
use super::Fault;

/// Evaluated arguments.
pub(crate) struct Args<'a> {
    values: &'a [Value],
}

impl<'a> Args<'a> {
    pub(crate) fn new(values: &'a [Value]) -> Self {
        Self { values }
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn all(&self) -> &'a [Value] {
        self.values
    }

    /// The arguments from `index` on.
    pub(crate) fn rest(&self, index: usize) -> &'a [Value] {
        self.values.get(index..).unwrap_or_default()
    }

    /// Any value; nil when there is none.
    pub(crate) fn any(&self, index: usize) -> &'a Value {
        self.values.get(index).unwrap_or(&Value::Nil)
    }

    pub(crate) fn string(&self, index: usize) -> Result<Rc<str>, Fault> {
        match self.any(index) {
            Value::Str(text) => Ok(text.clone()),
            Value::Binary(_) => Err(Fault::new(format!(
                "argument {} is no UTF-8 text, which this function does not support",
                index + 1
            ))),
            other => Err(self.mismatch(index, "string", other)),
        }
    }

    /// A string of any bytes.
    pub(crate) fn bytes(&self, index: usize) -> Result<Rc<[u8]>, Fault> {
        match self.any(index) {
            Value::Str(text) => Ok(text.as_bytes().into()),
            Value::Binary(bytes) => Ok(bytes.clone()),
            other => Err(self.mismatch(index, "string", other)),
        }
    }

    /// Go's `int`; an `int64` or a float is refused, as Go does.
    pub(crate) fn int(&self, index: usize) -> Result<i64, Fault> {
        match self.any(index) {
            Value::Int(number) => Ok(*number),
            other => Err(self.mismatch(index, "int", other)),
        }
    }

    pub(crate) fn bool(&self, index: usize) -> Result<bool, Fault> {
        match self.any(index) {
            Value::Bool(truth) => Ok(*truth),
            other => Err(self.mismatch(index, "bool", other)),
        }
    }

    pub(crate) fn map(&self, index: usize) -> Result<Map, Fault> {
        match self.any(index) {
            Value::Map(map) => Ok(map.clone()),
            Value::Object(object) => match object.plain() {
                Value::Map(map) => Ok(map),
                _ => Err(self.mismatch(index, "map[string]interface {}", self.any(index))),
            },
            // Go passes a nil map for nil; reading it is like reading an empty one.
            Value::Nil => Ok(Map::default()),
            other => Err(self.mismatch(index, "map[string]interface {}", other)),
        }
    }

    /// A list, or a built-in object that is one.
    pub(crate) fn list(&self, index: usize) -> Result<Rc<Vec<Value>>, Fault> {
        list_of(self.any(index)).ok_or_else(|| {
            Fault::new(format!(
                "argument {} must be a list, not {}",
                index + 1,
                self.any(index).type_name()
            ))
        })
    }

    fn mismatch(&self, index: usize, expected: &str, found: &Value) -> Fault {
        let _ = self;
        let place = index + 1;
        match found {
            Value::Nil => Fault::new(format!("argument {place} is nil; expected {expected}")),
            found => Fault::new(format!(
                "argument {place} has the wrong type; expected {expected}; got {}",
                found.type_name()
            )),
        }
    }
}

/// The items of a list-like value.
pub(crate) fn list_of(value: &Value) -> Option<Rc<Vec<Value>>> {
    match value {
        Value::List(items) => Some(items.clone()),
        Value::Bytes(bytes) => Some(Rc::new(
            bytes
                .iter()
                .map(|byte| Value::Int(i64::from(*byte)))
                .collect(),
        )),
        Value::Object(object) => match object.plain() {
            Value::List(items) => Some(items),
            _ => None,
        },
        _ => None,
    }
}
