//! The arguments of a function call, typed as strictly as Go types them.

use std::borrow::Cow;
use std::rc::Rc;

use super::super::value::{Entries, Items, List, Map, Value, stray};
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

    /// A string, with its stray bytes as letters.
    pub(crate) fn string(&self, index: usize) -> Result<Rc<str>, Fault> {
        match self.any(index) {
            Value::Str(text) => Ok(text.clone()),
            other => Err(Self::mismatch(index, "string", other)),
        }
    }

    /// The letters of a string, as Go's loops over letters see them.
    pub(crate) fn letters(&self, index: usize) -> Result<Rc<str>, Fault> {
        let text = self.string(index)?;
        Ok(match stray::replaced(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(replaced) => replaced.into(),
        })
    }

    /// The bytes of a string.
    pub(crate) fn bytes(&self, index: usize) -> Result<Cow<'a, [u8]>, Fault> {
        match self.any(index) {
            Value::Str(text) => Ok(stray::bytes_of(text)),
            other => Err(Self::mismatch(index, "string", other)),
        }
    }

    /// Go's `int`; an `int64` or a float is refused, as Go does.
    pub(crate) fn int(&self, index: usize) -> Result<i64, Fault> {
        match self.any(index) {
            Value::Int(number) => Ok(*number),
            other => Err(Self::mismatch(index, "int", other)),
        }
    }

    pub(crate) fn bool(&self, index: usize) -> Result<bool, Fault> {
        match self.any(index) {
            Value::Bool(truth) => Ok(*truth),
            other => Err(Self::mismatch(index, "bool", other)),
        }
    }

    pub(crate) fn map(&self, index: usize) -> Result<Map, Fault> {
        match self.any(index) {
            Value::Map(map) => Ok(map.clone()),
            Value::Nil => Ok(Map::nil(Entries::Any)),
            other => Err(Self::mismatch(index, "map[string]interface {}", other)),
        }
    }

    /// A list of any items, for the function that can `verb` one.
    pub(crate) fn list(&self, index: usize, verb: &str) -> Result<List, Fault> {
        items_of(self.any(index)).ok_or_else(|| {
            let value = self.any(index);
            let mut problem = format!("Cannot {verb} on type {}", value.kind());
            if let Some(shown) = value.shown() {
                problem.push_str(": ");
                problem.push_str(&shown);
            }
            Fault::new(problem)
        })
    }

    fn mismatch(index: usize, expected: &str, found: &Value) -> Fault {
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
pub(crate) fn items_of(value: &Value) -> Option<List> {
    match value {
        Value::List(items) => Some(items.clone()),
        Value::Bytes(bytes) => {
            let bytes = bytes.iter().map(|byte| Value::Int(i64::from(*byte)));
            Some(List::new(bytes.collect(), Items::Ints))
        }
        Value::Object(object) => match object.plain() {
            Value::List(items) => Some(items),
            _ => None,
        },
        _ => None,
    }
}
