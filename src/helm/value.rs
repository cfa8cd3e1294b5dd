//! The values templates compute with, with Go's notion of kind, truth and equality.
//!
//! Maps are shared and mutable, because `set`, `unset` and `merge` change the caller's map. `int`
//! and `int64` are told apart, because Go refuses one where a function wants the other.

mod json;
mod list;
mod map;
mod room;
pub(crate) mod stray;

use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::engine::{Args, Fault};
pub(crate) use json::NoJson;
pub(crate) use list::{Items, List};
pub(crate) use map::{Entries, Map};

/// How deep a value may nest to be copied, printed, or written as JSON or YAML; Go goes on until its stack ends.
pub(crate) const MAX_DEPTH: usize = 1000;

/// How many keys of a map a message shows.
const SHOWN_KEYS: usize = 8;

/// The value nests deeper than anything readable; one that contains itself nests for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooDeep;

impl From<TooDeep> for Fault {
    fn from(_: TooDeep) -> Self {
        Self::new("the value contains itself, or nests too deep")
    }
}

/// Pairs of maps, by address.
type Pairs = HashSet<(usize, usize)>;

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
    /// A string value.
    pub(crate) fn str(text: impl Into<Rc<str>>) -> Self {
        Self::Str(text.into())
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
        self.deep_copy_at(0)
    }

    fn deep_copy_at(&self, depth: usize) -> Result<Value, TooDeep> {
        if depth > MAX_DEPTH {
            return Err(TooDeep);
        }
        Ok(match self {
            Self::List(list) => Self::List(list.deep_copy_at(depth)?),
            Self::Map(map) => Self::Map(map.deep_copy_at(depth)?),
            other => other.clone(),
        })
    }

    /// Go's `reflect.DeepEqual`: kinds must match, `1` and `1.0` differ.
    pub(crate) fn deep_equal(&self, other: &Value) -> bool {
        self.deep_equal_but(other, &mut Pairs::new())
    }

    /// The same, where maps under comparison already are taken for equal.
    fn deep_equal_but(&self, other: &Value, known: &mut Pairs) -> bool {
        match (self, other) {
            (Self::Nil, Self::Nil) => true,
            (Self::Bool(left), Self::Bool(right)) => left == right,
            (Self::Int(left), Self::Int(right)) | (Self::Int64(left), Self::Int64(right)) => {
                left == right
            }
            #[expect(clippy::float_cmp, reason = "Go compares floats exactly")]
            (Self::Float(left), Self::Float(right)) => left == right,
            (Self::Str(left), Self::Str(right)) => left == right,
            (Self::Bytes(left), Self::Bytes(right)) => left == right,
            (Self::List(left), Self::List(right)) => left.deep_equal_but(right, known),
            (Self::Map(left), Self::Map(right)) => left.deep_equal_but(right, known),
            (Self::Object(left), Self::Object(right)) => {
                left.type_name() == right.type_name()
                    && left.plain().deep_equal_but(&right.plain(), known)
            }
            _ => false,
        }
    }

    /// Whether the map lies somewhere in this value.
    pub(crate) fn reaches(&self, target: &Map) -> bool {
        self.reaches_but(target, &mut HashSet::new())
    }

    fn reaches_but(&self, target: &Map, seen: &mut HashSet<usize>) -> bool {
        match self {
            Self::Map(map) => {
                map.is_same(target)
                    || seen.insert(map.address())
                        && map
                            .entries()
                            .iter()
                            .any(|(_, value)| value.reaches_but(target, seen))
            }
            Self::List(items) => items.iter().any(|item| item.reaches_but(target, seen)),
            _ => false,
        }
    }

    /// Whether a map lies in itself.
    pub(crate) fn is_circular(&self) -> bool {
        self.is_circular_but(&mut HashMap::new())
    }

    /// The same; of the maps seen before it says whether they are left already.
    fn is_circular_but(&self, seen: &mut HashMap<usize, bool>) -> bool {
        match self {
            Self::Map(map) => match seen.insert(map.address(), false) {
                Some(is_left) if !is_left => true,
                Some(_) => {
                    seen.insert(map.address(), true);
                    false
                }
                None => {
                    let entries = map.entries();
                    let found = entries.iter().any(|(_, value)| value.is_circular_but(seen));
                    seen.insert(map.address(), true);
                    found
                }
            },
            Self::List(items) => items.iter().any(|item| item.is_circular_but(seen)),
            _ => false,
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
