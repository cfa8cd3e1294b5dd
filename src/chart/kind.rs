//! What a value path may be set to, and how to say that something else was found there.
//!
//! Kinds are as strict as the control plane's own decoder: a number where it wants a string stops it at start.

use serde_json::Value;

/// What a path may be set to.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number, not negative.
    Int,
    /// A string.
    Text,
    /// A whole number or a string, such as a percentage.
    Amount,
    /// A bool, or `auto`.
    Auto,
    /// One of these strings.
    OneOf(Vec<&'static str>),
    /// A list of strings.
    Texts,
    /// A list of maps; with no other keys than these, if there are any.
    Objects(Vec<&'static str>),
    /// A map with keys of the user's own to strings.
    Labels,
    /// A map with keys of the user's own to anything.
    Map,
    /// Not looked at.
    Any,
    /// Of a refused path, the one value that asks for nothing.
    Only(Value),
}

/// What was expected and what was found instead; never the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Where below the path, such as `[2]` or `.team`; empty for the path itself.
    pub below: String,
    /// What was expected and found.
    pub reason: String,
    /// What to write instead.
    pub way_out: String,
}

impl Kind {
    /// Reads a kind as the table writes it.
    pub fn parse(text: &'static str) -> Option<Self> {
        let argument = |name: &str| {
            text.strip_prefix(name)?
                .strip_prefix('(')?
                .strip_suffix(')')
        };
        Some(match text {
            "bool" => Self::Bool,
            "int" => Self::Int,
            "string" => Self::Text,
            "amount" => Self::Amount,
            "auto" => Self::Auto,
            "strings" => Self::Texts,
            "objects" => Self::Objects(Vec::new()),
            "labels" => Self::Labels,
            "map" => Self::Map,
            "any" => Self::Any,
            _ => match (argument("one"), argument("objects"), argument("only")) {
                (Some(choices), ..) => Self::OneOf(choices.split(',').collect()),
                (_, Some(keys), _) => Self::Objects(keys.split(',').collect()),
                (.., Some(json)) => Self::Only(serde_json::from_str(json).ok()?),
                _ => return None,
            },
        })
    }

    /// Whether a refused path may be set to this value, as it asks for nothing.
    pub fn lets_through(&self, value: &Value) -> bool {
        match self {
            _ if value.is_null() => true,
            Self::Only(Value::Number(only)) => {
                value.as_f64().is_some() && value.as_f64() == only.as_f64()
            }
            Self::Only(only) => only == value,
            _ => false,
        }
    }

    /// Whether the value is of this kind. `null` takes a default away, which only lists and maps can do without.
    pub fn check(&self, value: &Value) -> Result<(), Mismatch> {
        let fits = match self {
            Self::Bool => value.is_boolean(),
            Self::Int => is_whole(value),
            Self::Text => value.is_string(),
            Self::Amount => value.is_string() || is_whole(value),
            Self::Auto => {
                value.is_boolean() || matches!(value.as_str(), Some("auto" | "true" | "false"))
            }
            Self::OneOf(choices) => value.as_str().is_some_and(|text| choices.contains(&text)),
            Self::Texts => return check_items(value, self, &Self::Text, &[]),
            Self::Objects(keys) => return check_items(value, self, &Self::Map, keys),
            Self::Labels => return check_entries(value),
            Self::Map => value.is_object() || value.is_null(),
            Self::Any | Self::Only(_) => true,
        };
        if fits {
            Ok(())
        } else {
            Err(self.mismatch(value, String::new()))
        }
    }

    fn mismatch(&self, found: &Value, below: String) -> Mismatch {
        let expected = self.expected();
        let is_plain = found.is_number() || found.is_boolean();
        let way_out = if *self == Self::Text && is_plain {
            "put it in quotes".to_owned()
        } else {
            format!("give it {expected}")
        };
        let reason = match (self, found) {
            // The type is right and the text is not, so "found a string" would explain nothing.
            (Self::OneOf(_) | Self::Auto, Value::String(_)) => {
                format!("expected {expected}, found another string")
            }
            _ => format!("expected {expected}, found {}", name(found)),
        };
        Mismatch {
            below,
            reason,
            way_out,
        }
    }

    fn expected(&self) -> String {
        match self {
            Self::Bool => "`true` or `false`".to_owned(),
            Self::Int => "a whole number".to_owned(),
            Self::Text => "a string".to_owned(),
            Self::Amount => "a whole number or a string".to_owned(),
            Self::Auto => "`true`, `false` or `auto`".to_owned(),
            Self::OneOf(choices) => format!("one of {}", listed(choices)),
            Self::Texts => "a list of strings".to_owned(),
            Self::Objects(_) => "a list of maps".to_owned(),
            Self::Labels => "a map of strings".to_owned(),
            Self::Map => "a map".to_owned(),
            Self::Any | Self::Only(_) => "something else".to_owned(),
        }
    }
}

/// The kind of a JSON value in words, with an article.
pub fn name(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a bool",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

fn listed(texts: &[&str]) -> String {
    let ticked = texts.iter().map(|text| {
        if text.is_empty() {
            "nothing (`\"\"`)".to_owned()
        } else {
            format!("`{text}`")
        }
    });
    ticked.collect::<Vec<_>>().join(", ")
}

fn check_items(value: &Value, list: &Kind, item: &Kind, keys: &[&str]) -> Result<(), Mismatch> {
    match value {
        Value::Null => Ok(()),
        Value::Array(items) => items.iter().enumerate().try_for_each(|(index, found)| {
            if found.is_null() || item.check(found).is_err() {
                return Err(item.mismatch(found, format!("[{index}]")));
            }
            match found
                .as_object()
                .into_iter()
                .flat_map(serde_json::Map::keys)
                .find(|key| !keys.contains(&key.as_str()))
            {
                Some(key) if !keys.is_empty() => Err(Mismatch {
                    below: format!("[{index}].{key}"),
                    reason: "no such key exists here".to_owned(),
                    way_out: format!("use only {}", listed(keys)),
                }),
                _ => Ok(()),
            }
        }),
        other => Err(list.mismatch(other, String::new())),
    }
}

fn check_entries(value: &Value) -> Result<(), Mismatch> {
    match value {
        Value::Null => Ok(()),
        // A `null` entry takes one default entry away.
        Value::Object(entries) => entries.iter().try_for_each(|(key, found)| {
            if found.is_string() || found.is_null() {
                Ok(())
            } else {
                Err(Kind::Text.mismatch(found, format!(".{key}")))
            }
        }),
        other => Err(Kind::Labels.mismatch(other, String::new())),
    }
}

/// Values from YAML may hold whole numbers as floats, as Helm's do.
fn is_whole(value: &Value) -> bool {
    value.is_u64()
        || value
            .as_f64()
            .is_some_and(|number| number >= 0.0 && number.fract() == 0.0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_kind_accepts_its_own_and_says_what_else_it_found() {
        let cases = [
            (
                "bool",
                json!(true),
                json!("true"),
                "expected `true` or `false`, found a string",
            ),
            (
                "int",
                json!(3.0),
                json!(1.5),
                "expected a whole number, found a number",
            ),
            (
                "int",
                json!(0),
                json!(-1),
                "expected a whole number, found a number",
            ),
            (
                "string",
                json!("a"),
                json!(1),
                "expected a string, found a number",
            ),
            (
                "amount",
                json!("50%"),
                json!(true),
                "expected a whole number or a string, found a bool",
            ),
            (
                "auto",
                json!("auto"),
                json!("on"),
                "expected `true`, `false` or `auto`, found another string",
            ),
            (
                "one(a,b)",
                json!("b"),
                json!("c"),
                "expected one of `a`, `b`, found another string",
            ),
            (
                "one(,b)",
                json!(""),
                json!("c"),
                "expected one of nothing (`\"\"`), `b`, found another string",
            ),
            (
                "strings",
                json!(["a"]),
                json!("a"),
                "expected a list of strings, found a string",
            ),
            (
                "strings",
                json!([]),
                json!(["a", 1]),
                "expected a string, found a number",
            ),
            (
                "objects",
                json!([{"a": 1}]),
                json!(["a"]),
                "expected a map, found a string",
            ),
            (
                "objects(a)",
                json!([{"a": 1}]),
                json!([{"b": 1}]),
                "no such key exists here",
            ),
            (
                "labels",
                json!({"a": "1"}),
                json!({"a": 1}),
                "expected a string, found a number",
            ),
            (
                "map",
                json!({"a": [1]}),
                json!([1]),
                "expected a map, found a list",
            ),
            (
                "string",
                json!(""),
                json!(null),
                "expected a string, found nothing",
            ),
        ];
        for (text, good, bad, reason) in cases {
            let kind = Kind::parse(text).expect("a kind of the table");
            assert_eq!(kind.check(&good), Ok(()), "{text}");
            assert_eq!(kind.check(&bad).expect_err(text).reason, reason, "{text}");
        }
    }

    #[test]
    fn a_mismatch_says_where_below_the_path_it_is() {
        let below =
            |kind: &'static str, value| Kind::parse(kind).unwrap().check(&value).unwrap_err().below;
        assert_eq!(below("strings", json!(["a", 1])), "[1]");
        assert_eq!(below("objects(a)", json!([{"a": 1}, {"b": 1}])), "[1].b");
        assert_eq!(below("labels", json!({"team": 1})), ".team");
        assert_eq!(below("bool", json!(1)), "");
    }

    #[test]
    fn null_takes_a_list_or_a_map_or_an_entry_away() {
        for kind in ["strings", "objects", "labels", "map"] {
            assert_eq!(
                Kind::parse(kind).unwrap().check(&Value::Null),
                Ok(()),
                "{kind}"
            );
        }
        assert_eq!(Kind::Labels.check(&json!({"team": null})), Ok(()));
    }

    #[test]
    fn only_the_value_that_asks_for_nothing_is_let_through() {
        let only = |text, value| Kind::parse(text).unwrap().lets_through(&value);
        assert!(
            only("only(false)", json!(false))
                && only("only(8443)", json!(8443.0))
                && only("only([])", json!([]))
        );
        assert!(
            !only("only(false)", json!(true))
                && !only("only(8443)", json!(443))
                && !only("any", json!({}))
        );
    }

    #[test]
    fn what_is_no_kind_is_not_read_as_one() {
        for text in ["boolean", "one(a", "only(x)", ""] {
            assert_eq!(Kind::parse(text), None, "{text}");
        }
    }
}
