//! The values templates compute with, with Go's notion of kind, truth and equality.
//!
//! Maps are shared and mutable, because `set`, `unset` and `merge` change the caller's map. `int`
//! and `int64` are told apart, because Go refuses one where a function wants the other.

mod json;
mod list;
mod map;
mod room;
pub(crate) mod stray;
mod walk;

use std::any::Any;
use std::collections::HashSet;
use std::rc::Rc;

use super::engine::{Args, Fault};
pub(crate) use json::NoJson;
pub(crate) use list::{Items, List};
pub(crate) use map::{Entries, Map};
pub(crate) use walk::{TooDeep, Walk};

/// How many keys of a map a message shows.
const SHOWN_KEYS: usize = 8;

/// Where a map lies, or a list and which part of it.
type Address = (usize, usize, usize);

/// Pairs of lists or maps.
type Pairs = HashSet<(Address, Address)>;

/// A value inside a template.
#[derive(Clone)]
pub(crate) enum Value {
    /// Go's `nil`, and what a missing key yields.
    Nil,
    /// A boolean.
    Bool(bool),
    /// Go's `int`: literals, `len`, `int`.
    Int(i64),
    /// Go's `int64`: arithmetic, `--set`, `int64`.
    Int64(i64),
    /// Go's `float64`: every number of a values file.
    Float(f64),
    /// A Go string; bytes that are no UTF-8 are held as [`stray`] says.
    Str(Rc<str>),
    /// A Go `[]byte`.
    Bytes(Rc<[u8]>),
    /// A list.
    List(List),
    /// A map with string keys.
    Map(Map),
    /// Something with methods, such as `.Files`.
    Object(Rc<dyn Object>),
}

/// A built-in object: fields and methods instead of plain keys.
pub(crate) trait Object: Any {
    /// The name of the Go type, for messages.
    fn type_name(&self) -> &'static str;

    /// Its Go kind: `struct`, `map`, `slice` or `ptr`.
    fn kind(&self) -> &'static str {
        "struct"
    }

    /// The value of a field or key.
    fn field(&self, name: &str) -> Option<Value>;

    /// Calls a method; `None` when there is no such method.
    fn call(&self, method: &str, args: &Args<'_>) -> Option<Result<Value, Fault>>;

    /// The plain value this object ranges and serialises as.
    fn plain(&self) -> Value;

    /// Its fields in order, if JSON and YAML have it as a struct.
    fn fields(&self) -> Option<Vec<Field>> {
        None
    }

    /// What it is in JSON and YAML otherwise.
    fn serialized(&self) -> Value {
        self.plain()
    }

    /// What an action that consists of this object prints.
    fn printed(&self) -> Value {
        self.plain()
    }

    /// What becomes of it when a function yields it, if that is something else.
    fn passed(&self) -> Option<Value> {
        None
    }
}

/// A field of a Go struct.
#[derive(Clone)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) tag: Tag,
    pub(crate) value: Value,
}

/// How JSON has a field.
#[derive(Clone, Copy)]
pub(crate) enum Tag {
    /// By its own name.
    Own,
    /// By another name.
    Named(&'static str),
    /// By another name, and only if there is something in it.
    Filled(&'static str),
}

impl Field {
    /// Its name in JSON, if it is there.
    fn in_json(&self) -> Option<&'static str> {
        match self.tag {
            Tag::Own => Some(self.name),
            Tag::Named(name) => Some(name),
            Tag::Filled(name) => self.value.is_true().then_some(name),
        }
    }
}

impl Value {
    /// A string value; what was joined of parts of letters becomes letters.
    pub(crate) fn str(text: impl Into<Rc<str>>) -> Self {
        let text = text.into();
        match stray::rejoined(&text) {
            Some(rejoined) => Self::Str(rejoined.into()),
            None => Self::Str(text),
        }
    }

    /// A Go string of any bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        Self::str(stray::text_of(bytes))
    }

    /// A list of strings.
    pub(crate) fn strings<T: Into<Rc<str>>>(items: impl IntoIterator<Item = T>) -> Self {
        let items = items.into_iter().map(Self::str).collect();
        Self::List(List::new(items, Items::Strings))
    }

    /// Go's truth: nil, zero, false and everything empty is false.
    pub(crate) fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(truth) => *truth,
            Self::Int(number) | Self::Int64(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::Bytes(bytes) => !bytes.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Map(map) => map.len() > 0,
            Self::Object(object) => match object.kind() {
                "map" | "slice" => object.plain().is_true(),
                _ => true,
            },
        }
    }

    /// The Go kind, as `kindOf` names it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "invalid",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Int64(_) => "int64",
            Self::Float(_) => "float64",
            Self::Str(_) => "string",
            Self::Bytes(_) | Self::List(_) => "slice",
            Self::Map(_) => "map",
            Self::Object(object) => object.kind(),
        }
    }

    /// The Go type, as `typeOf` and error messages name it.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "<nil>",
            Self::Bytes(_) => "[]uint8",
            Self::List(list) => list.type_name(),
            Self::Map(map) => map.type_name(),
            Self::Object(object) => object.type_name(),
            other => other.kind(),
        }
    }

    /// What a message may show of the value; text may be a secret and is only counted.
    pub(crate) fn shown(&self) -> Option<String> {
        Some(match self {
            Self::Nil | Self::Object(_) => return None,
            Self::Bool(truth) => truth.to_string(),
            Self::Int(number) | Self::Int64(number) => number.to_string(),
            Self::Float(number) => super::print::float_g(*number),
            Self::Str(text) => format!("text of {} letters", text.chars().count()),
            Self::Bytes(bytes) => format!("{} bytes", bytes.len()),
            Self::List(items) => format!("a list of {} items", items.len()),
            Self::Map(map) if map.len() == 0 => "an empty map".to_owned(),
            Self::Map(map) => {
                let entries = map.entries();
                let keys = entries.iter().take(SHOWN_KEYS).map(|(key, _)| key.as_ref());
                let keys: Vec<&str> = keys.collect();
                let more = if entries.len() > SHOWN_KEYS {
                    ", ..."
                } else {
                    ""
                };
                format!("a map of {}{more}", keys.join(", "))
            }
        })
    }

    /// The number in an integer of either width.
    pub(crate) fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Int(number) | Self::Int64(number) => Some(*number),
            _ => None,
        }
    }

    /// A copy that shares no map with this value.
    pub(crate) fn deep_copy(&self) -> Result<Value, TooDeep> {
        self.deep_copy_on(&mut Walk::new())
    }

    fn deep_copy_on(&self, walk: &mut Walk) -> Result<Value, TooDeep> {
        walk.enter(self.cost_of_copy())?;
        let copy = match self {
            Self::List(list) => Self::List(list.deep_copy_on(walk)?),
            Self::Map(map) => Self::Map(map.deep_copy_on(walk)?),
            other => other.clone(),
        };
        walk.leave();
        Ok(copy)
    }

    /// Go's `reflect.DeepEqual`: kinds must match, `1` and `1.0` differ.
    pub(crate) fn deep_equal(&self, other: &Value) -> Result<bool, TooDeep> {
        self.deep_equal_but(other, &mut Pairs::new(), &mut Walk::new())
    }

    /// The same, where lists and maps under comparison already are taken for equal.
    fn deep_equal_but(
        &self,
        other: &Value,
        known: &mut Pairs,
        walk: &mut Walk,
    ) -> Result<bool, TooDeep> {
        walk.enter(0)?;
        let is_equal = match (self, other) {
            (Self::Nil, Self::Nil) => true,
            (Self::Bool(left), Self::Bool(right)) => left == right,
            (Self::Int(left), Self::Int(right)) | (Self::Int64(left), Self::Int64(right)) => {
                left == right
            }
            #[expect(clippy::float_cmp, reason = "Go compares floats exactly")]
            (Self::Float(left), Self::Float(right)) => left == right,
            (Self::Str(left), Self::Str(right)) => left == right,
            (Self::Bytes(left), Self::Bytes(right)) => left == right,
            (Self::List(left), Self::List(right)) => left.deep_equal_but(right, known, walk)?,
            (Self::Map(left), Self::Map(right)) => left.deep_equal_but(right, known, walk)?,
            (Self::Object(left), Self::Object(right)) => {
                let (left_plain, right_plain) = (left.plain(), right.plain());
                left.type_name() == right.type_name()
                    && left_plain.deep_equal_but(&right_plain, known, walk)?
            }
            _ => false,
        };
        walk.leave();
        Ok(is_equal)
    }

    /// What a copy costs beside what is in it, about in bytes.
    fn cost_of_copy(&self) -> usize {
        match self {
            Self::Map(_) => walk::MAP,
            other => other.text_length(),
        }
    }

    /// The bytes of a string, and nothing for the rest.
    pub(crate) fn text_length(&self) -> usize {
        match self {
            Self::Str(text) => text.len(),
            _ => 0,
        }
    }

    /// Whether the map lies somewhere in this value.
    pub(crate) fn reaches(&self, target: &Map) -> bool {
        let mut seen = HashSet::new();
        let mut left = vec![self.clone()];
        while let Some(value) = left.pop() {
            if matches!(&value, Self::Map(map) if map.is_same(target)) {
                return true;
            }
            if value.address().is_some_and(|address| seen.insert(address)) {
                left.extend(value.children());
            }
        }
        false
    }

    /// Whether a map lies in itself.
    pub(crate) fn is_circular(&self) -> bool {
        let mut left: HashSet<Address> = HashSet::new();
        let mut above: HashSet<Address> = HashSet::new();
        // What is under way, with what is in it and not looked at yet.
        let mut path: Vec<(Address, Vec<Value>)> = Vec::new();
        let mut next = Some(self.clone());
        loop {
            if let Some(value) = next.take()
                && let Some(address) = value.address()
                && !left.contains(&address)
            {
                if !above.insert(address) {
                    return true;
                }
                path.push((address, value.children()));
            }
            let Some((address, children)) = path.last_mut() else {
                return false;
            };
            next = children.pop();
            if next.is_none() {
                above.remove(address);
                left.insert(*address);
                path.pop();
            }
        }
    }

    /// Whether other values lie in it.
    fn nests(&self) -> bool {
        matches!(self, Self::List(_) | Self::Map(_))
    }

    /// What tells a list or map from every other one.
    fn address(&self) -> Option<Address> {
        match self {
            Self::List(list) => Some(list.address()),
            Self::Map(map) => Some((map.address(), 0, 0)),
            _ => None,
        }
    }

    /// What lies in a list or map.
    fn children(&self) -> Vec<Value> {
        match self {
            Self::List(list) => list.to_vec(),
            Self::Map(map) => map.entries().into_iter().map(|(_, value)| value).collect(),
            _ => Vec::new(),
        }
    }
}

/// Takes values apart one by one: nested as deep as a chart likes, they would else end the stack.
fn release(values: impl Iterator<Item = Value>) {
    let mut left: Vec<Value> = values.filter(Value::nests).collect();
    while let Some(value) = left.pop() {
        match value {
            Value::List(mut list) => list.take_nested(&mut left),
            Value::Map(mut map) => map.take_nested(&mut left),
            _ => {}
        }
    }
}

/// The list that Go makes by appending one item after the other.
impl FromIterator<Value> for Value {
    fn from_iter<T: IntoIterator<Item = Value>>(items: T) -> Self {
        Self::List(List::appended(items.into_iter().collect(), Items::Any, 0))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::str(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::str(text)
    }
}

impl From<Rc<str>> for Value {
    fn from(text: Rc<str>) -> Self {
        Self::Str(text)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}
