//! Every function a template can call: Go's own, sprig's and Helm's.
//!
//! Each theme has a file with a table that names its functions and the types of their parameters,
//! which Go checks before a function runs.

mod casing;
mod certificates;
mod compare;
mod convert;
mod crypto;
mod dates;
mod dicts;
mod durations;
mod encoding;
mod flow;
mod format;
mod gojson;
mod gotime;
mod lists;
mod math;
mod passwords;
mod paths;
mod patterns;
mod random;
mod text;
mod toml;
mod url;
mod version;
mod wrap;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::engine::{Args, Executor, Fault};
use super::value::{Entries, Value};

/// A function that only looks at its arguments.
pub(crate) type Pure = fn(&Args<'_>) -> Result<Value, Fault>;
/// A function that needs the engine.
pub(crate) type Engine = fn(&mut Executor<'_>, &Args<'_>) -> Result<Value, Fault>;

/// A row of a table.
pub(crate) struct Row {
    name: &'static str,
    /// The types of the parameters, by the names of [`Type`]; `...` after the last one means that
    /// there may be any number of it.
    signature: &'static str,
    body: Body,
}

/// A function by name.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    params: Vec<Type>,
    /// The type of all further parameters.
    rest: Option<Type>,
    pub(crate) body: Body,
}

/// How a function is executed.
#[derive(Clone, Copy)]
pub(crate) enum Body {
    /// Without the engine.
    Pure(Pure),
    /// With the engine.
    Engine(Engine),
    /// `and` and `or`: operands are evaluated until one has this truth.
    ShortCircuit { stops_at: bool },
}

/// What Go's type of a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// Anything.
    Any,
    /// Anything, looked at by reflection.
    Value,
    Text,
    Int,
    Uint,
    Float,
    Bool,
    Dict,
    List,
    Time,
    Certificate,
}

impl Type {
    fn parse(word: &str) -> Self {
        match word {
            "value" => Self::Value,
            "text" => Self::Text,
            "int" => Self::Int,
            "uint" => Self::Uint,
            "float" => Self::Float,
            "bool" => Self::Bool,
            "dict" => Self::Dict,
            "list" => Self::List,
            "time" => Self::Time,
            "certificate" => Self::Certificate,
            _ => Self::Any,
        }
    }

    /// What Go calls it.
    pub(crate) fn go_name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Value => "reflect.Value",
            Self::Text => "string",
            Self::Int => "int",
            Self::Uint => "uint32",
            Self::Float => "float64",
            Self::Bool => "bool",
            Self::Dict => "map[string]interface {}",
            Self::List => "[]interface {}",
            Self::Time => "time.Time",
            Self::Certificate => "sprig.certificate",
        }
    }

    /// Whether Go can assign the value to it.
    pub(crate) fn takes(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Any | Self::Value, _)
            | (Self::Text, Value::Str(_))
            | (Self::Int, Value::Int(_))
            | (Self::Float, Value::Float(_))
            | (Self::Bool, Value::Bool(_))
            | (Self::Dict | Self::List, Value::Nil) => true,
            (Self::Dict, Value::Map(map)) => map.of() != Entries::Strings,
            (Self::List, Value::List(list)) => list.takes_any(),
            (Self::Time | Self::Certificate, Value::Object(object)) => {
                object.type_name() == self.go_name()
            }
            _ => false,
        }
    }
}

impl Function {
    /// The type of the parameter at this place.
    pub(crate) fn param(&self, index: usize) -> Type {
        let fixed = self.params.get(index).copied();
        fixed.or(self.rest).unwrap_or(Type::Any)
    }

    /// How many arguments are wanted, when it is not this many.
    pub(crate) fn refuses(&self, count: usize) -> Option<String> {
        let least = self.params.len();
        match self.rest {
            Some(_) if count >= least => None,
            Some(_) => Some(format!("at least {least}")),
            None => (count != least).then(|| least.to_string()),
        }
    }
}

impl From<&Row> for Function {
    fn from(row: &Row) -> Self {
        let mut params = Vec::new();
        let mut rest = None;
        for word in row.signature.split_whitespace() {
            match word.strip_suffix("...") {
                Some(word) => rest = Some(Type::parse(word)),
                None => params.push(Type::parse(word)),
            }
        }
        Self {
            name: row.name,
            params,
            rest,
            body: row.body,
        }
    }
}

const fn pure(name: &'static str, signature: &'static str, body: Pure) -> Row {
    Row {
        name,
        signature,
        body: Body::Pure(body),
    }
}

const fn engine(name: &'static str, signature: &'static str, body: Engine) -> Row {
    Row {
        name,
        signature,
        body: Body::Engine(body),
    }
}

const fn short_circuit(name: &'static str, stops_at: bool) -> Row {
    Row {
        name,
        signature: "value value...",
        body: Body::ShortCircuit { stops_at },
    }
}

/// The tables by theme; the docs show them in this order.
const TABLES: &[(&str, &[Row])] = &[
    ("Truth and comparison", compare::TABLE),
    ("Flow, defaults and templates", flow::TABLE),
    ("Printing", format::TABLE),
    ("Text", text::TABLE),
    ("Case of text", casing::TABLE),
    ("Wrapping and shortening text", wrap::TABLE),
    ("Regular expressions", patterns::TABLE),
    ("Lists", lists::TABLE),
    ("Maps", dicts::TABLE),
    ("Types and conversion", convert::TABLE),
    ("Numbers", math::TABLE),
    ("YAML, JSON and encodings", encoding::TABLE),
    ("TOML", toml::TABLE),
    ("Dates", dates::TABLE),
    ("Durations", durations::TABLE),
    ("Versions", version::TABLE),
    ("Paths", paths::TABLE),
    ("URLs", url::TABLE),
    ("Digests and ciphers", crypto::TABLE),
    ("Passwords", passwords::TABLE),
    ("Certificates and keys", certificates::TABLE),
    ("Random values", random::TABLE),
];

static INDEX: LazyLock<HashMap<&'static str, Function>> = LazyLock::new(|| {
    let rows = TABLES.iter().flat_map(|(_, table)| table.iter());
    rows.map(|row| (row.name, Function::from(row))).collect()
});

/// The function of this name.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    INDEX.get(name)
}

/// The names of all functions.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    INDEX.keys().copied()
}

/// Every theme with its functions: name and types of the parameters.
pub fn listed() -> impl Iterator<Item = (&'static str, Vec<(&'static str, &'static str)>)> {
    TABLES.iter().map(|(theme, table)| {
        let mut rows: Vec<_> = table.iter().map(|row| (row.name, row.signature)).collect();
        rows.sort_unstable();
        (*theme, rows)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_function_is_named_twice() {
        let named: usize = TABLES.iter().map(|(_, table)| table.len()).sum();
        assert_eq!(named, INDEX.len());
    }

    #[test]
    fn every_signature_is_made_of_known_types() {
        let known = [
            "any",
            "value",
            "text",
            "int",
            "uint",
            "float",
            "bool",
            "dict",
            "list",
            "time",
            "certificate",
        ];
        for (_, rows) in listed() {
            for (name, signature) in rows {
                for word in signature.split_whitespace() {
                    let word = word.strip_suffix("...").unwrap_or(word);
                    assert!(known.contains(&word), "{name}: {signature}");
                }
            }
        }
    }
}
