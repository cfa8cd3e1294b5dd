//! The keys of maps: what Go's library makes of them, and which it refuses.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::print;
use super::read::{Composer, Node, NodeKind, YamlError};
use super::scalar::{self, Scalar};

/// What stands for a bad key until the document is complete.
const BAD_KEY: &str = "\u{0}bad key ";

/// What Go writes for nothing that stands by itself.
const NIL: &str = "<nil>";

/// Why a key is refused.
const PROBLEM: &str = "a key must be text, a number or a boolean";

impl Composer<'_> {
    /// The key as text. What it leads to is for the message about a bad one.
    pub(super) fn key(&mut self, node: &Node, item: &Node) -> Result<String, YamlError> {
        let NodeKind::Scalar { text, .. } = &node.resolve().kind else {
            // What it holds may be refused first: a bad key in it, too many aliases.
            self.value(node)?;
            return Err(YamlError {
                in_go: format!("yaml: invalid map key: {}", go_syntax(node)),
                ..self.error_at(node, PROBLEM)
            });
        };
        let resolved = scalar_of(node);
        Ok(match resolved {
            Scalar::Text | Scalar::Timestamp => text.clone(),
            Scalar::Bool(truth) => truth.to_string(),
            Scalar::Int(number) => number.to_string(),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "Go writes such keys as float32"
            )]
            Scalar::Float(number) => float_key(number as f32),
            Scalar::Uint(_) | Scalar::Null => {
                let (of, key) = match resolved {
                    Scalar::Uint(number) => ("uint64", format!("{number:#x}")),
                    _ => ("%!s(<nil>)", NIL.to_owned()),
                };
                let item = match item.resolve().kind {
                    NodeKind::Scalar { .. } if scalar_of(item) == Scalar::Null => NIL.to_owned(),
                    _ => go_syntax(item),
                };
                self.bad_keys.push(YamlError {
                    in_go: format!("unsupported map key of type: {of}, key: {key}, value: {item}"),
                    ..self.error_at(node, PROBLEM)
                });
                format!("{BAD_KEY}{}", self.bad_keys.len() - 1)
            }
        })
    }
}

/// The number of the first bad key that is left in a value.
pub(super) fn first_mark(value: &Value) -> Option<usize> {
    match value {
        Value::Array(items) => items.iter().find_map(first_mark),
        Value::Object(entries) => entries.iter().find_map(|(key, item)| {
            let mark = key
                .strip_prefix(BAD_KEY)
                .and_then(|index| index.parse().ok());
            mark.or_else(|| first_mark(item))
        }),
        _ => None,
    }
}

/// A scalar by its tag, or else by its text.
fn scalar_of(node: &Node) -> Scalar {
    match &node.resolve().kind {
        NodeKind::Scalar {
            text,
            tag,
            is_plain,
        } => match tag.as_deref() {
            Some("tag:yaml.org,2002:str") => Scalar::Text,
            None if !is_plain => Scalar::Text,
            _ => scalar::resolve(text),
        },
        _ => Scalar::Text,
    }
}

/// A node as `%#v` writes what Go's library makes of it. Keys are in order among their kind; that of kinds is Go's
/// own affair, and changes from run to run.
fn go_syntax(node: &Node) -> String {
    match &node.resolve().kind {
        NodeKind::Scalar { text, .. } => match scalar_of(node) {
            Scalar::Text | Scalar::Timestamp => print::quoted(text),
            Scalar::Bool(truth) => truth.to_string(),
            Scalar::Int(number) => number.to_string(),
            Scalar::Uint(number) => format!("{number:#x}"),
            Scalar::Float(number) => print::float_g(number),
            Scalar::Null => "interface {}(nil)".to_owned(),
        },
        NodeKind::List(items) => {
            let items: Vec<String> = items.iter().map(go_syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        NodeKind::Map(entries) => {
            // Keys that are numbers come in the order of numbers.
            let number = |key: &Node| match scalar_of(key) {
                Scalar::Int(number) => number,
                _ => 0,
            };
            let entries: BTreeMap<_, _> = entries
                .iter()
                .map(|(key, item)| ((number(key), go_syntax(key)), go_syntax(item)))
                .collect();
            let entries: Vec<String> = entries
                .into_iter()
                .map(|((_, key), item)| format!("{key}:{item}"))
                .collect();
            let entries = entries.join(", ");
            format!("map[interface {{}}]interface {{}}{{{entries}}}")
        }
        NodeKind::Alias(_) | NodeKind::Anchored(_) => go_syntax(node.resolve()),
    }
}

fn float_key(number: f32) -> String {
    if number.is_nan() {
        ".nan".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { ".inf" } else { "-.inf" }.to_owned()
    } else {
        let shortest: f64 = number.to_string().parse().unwrap_or_default();
        print::float_g(shortest)
    }
}
