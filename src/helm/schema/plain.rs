//! Values that are plainly good: checked against the few keywords that most schemas are made of, without compiling.
//!
//! To compile a large schema takes longer than to read, render and print its chart, and nearly always the answer is that
//! the values are good. So these keywords are understood here, by hand; the validator of the library has the word on all
//! else, and alone says what is wrong. What is said here, the library would have said: a test asks both. They differ where references lead in
//! a circle, where the rule is Helm's, which the library does not know.
//!
//! The meaning of the keywords is that of [JSON Schema 2020-12](https://json-schema.org/draft/2020-12), which the drafts
//! since 07 share but for what stands beside `$ref`.

#[cfg(test)]
mod tests;
mod way;

use std::cell::Cell;

use serde_json::{Map, Value};

use way::Way;

/// How deep schemas and values are followed.
const DEEPEST: usize = 64;
/// How many schemas are asked about values, each time counted: references can make few into very many.
const MOST_QUESTIONS: u32 = 1_000_000;
/// How many items an `enum` may have whose items are compared with each other.
const LONGEST_ENUM: usize = 100;

/// Keywords that decide something and are left to the library; a schema that has one anywhere is not plain.
const NOT_PLAIN: [&str; 27] = [
    "$anchor",
    "$dynamicAnchor",
    "$dynamicRef",
    "$recursiveAnchor",
    "$recursiveRef",
    "$vocabulary",
    "additionalItems",
    "contains",
    "contentSchema",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "id",
    "if",
    "maxContains",
    "minContains",
    "multipleOf",
    "not",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
    "uniqueItems",
];

/// What there is to say about values without the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Whether they are good; `None` where only the library can tell.
    pub(super) is_good: Option<bool>,
    /// Whether references led in a circle: for Helm nothing is good there, for the library all.
    pub(super) met_circle: bool,
}

/// Whether values are good by a schema.
pub(super) fn verdict(schema: &Value, values: &Value) -> Verdict {
    let unsure = Verdict {
        is_good: None,
        met_circle: false,
    };
    let Some(counts_beside_ref) = counts_beside_ref(schema) else {
        return unsure;
    };
    let plain = Plain {
        root: schema,
        counts_beside_ref,
        questions: Cell::new(0),
        met_circle: Cell::new(false),
    };
    if !plain.is_well_formed(schema, 0) {
        return unsure;
    }
    Verdict {
        is_good: plain.accepts(schema, values, &Way::START),
        met_circle: plain.met_circle.get(),
    }
}

/// Whether the draft of a schema heeds what stands beside `$ref`; `None` for a draft that is not plain.
fn counts_beside_ref(schema: &Value) -> Option<bool> {
    let Some(draft) = schema.get("$schema") else {
        return Some(true);
    };
    match draft.as_str()? {
        "https://json-schema.org/draft/2020-12/schema"
        | "https://json-schema.org/draft/2019-09/schema" => Some(true),
        "http://json-schema.org/draft-07/schema#" | "http://json-schema.org/draft-07/schema" => {
            Some(false)
        }
        _ => None,
    }
}

struct Plain<'a> {
    root: &'a Value,
    counts_beside_ref: bool,
    /// How many were asked so far.
    questions: Cell<u32>,
    met_circle: Cell<bool>,
}

impl<'a> Plain<'a> {
    /// Whether a schema, with all below it, is one by the rules of JSON Schema, and has nothing that is not plain.
    fn is_well_formed(&self, schema: &Value, depth: usize) -> bool {
        match schema {
            Value::Bool(_) => true,
            Value::Object(keywords) if depth < DEEPEST => keywords
                .iter()
                .all(|(keyword, argument)| self.is_keyword(keyword, argument, depth)),
            _ => false,
        }
    }

    fn is_keyword(&self, keyword: &str, argument: &Value, depth: usize) -> bool {
        let is_schema = |schema: &Value| self.is_well_formed(schema, depth + 1);
        match keyword {
            "$schema" => depth == 0,
            "$id" => depth == 0 && argument.as_str().is_some_and(is_plain_id),
            "$ref" => argument
                .as_str()
                .and_then(|name| self.target(name))
                .is_some(),
            "$defs" | "definitions" | "properties" => argument
                .as_object()
                .is_some_and(|schemas| schemas.values().all(is_schema)),
            "patternProperties" => argument.as_object().is_some_and(|schemas| {
                schemas.keys().all(|pattern| is_plain_pattern(pattern))
                    && schemas.values().all(is_schema)
            }),
            "additionalProperties" | "items" => is_schema(argument),
            "allOf" | "anyOf" | "oneOf" => argument
                .as_array()
                .is_some_and(|schemas| !schemas.is_empty() && schemas.iter().all(is_schema)),
            "type" => match argument {
                Value::Array(names) => {
                    !names.is_empty() && are_distinct(names) && names.iter().all(is_type)
                }
                name => is_type(name),
            },
            "required" => argument
                .as_array()
                .is_some_and(|names| are_distinct(names) && names.iter().all(Value::is_string)),
            "enum" => argument
                .as_array()
                .is_some_and(|items| !items.is_empty() && are_distinct(items)),
            "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties"
            | "maxProperties" => argument.is_u64(),
            "minimum" | "maximum" => exact(argument).is_some(),
            "pattern" => argument.as_str().is_some_and(is_plain_pattern),
            "title" | "description" | "$comment" | "format" | "contentEncoding"
            | "contentMediaType" => argument.is_string(),
            "deprecated" | "readOnly" | "writeOnly" => argument.is_boolean(),
            "examples" => argument.is_array(),
            _ => !NOT_PLAIN.contains(&keyword),
        }
    }

    /// Where a reference leads: the whole, or one of its definitions.
    fn target(&self, reference: &str) -> Option<&'a Value> {
        if reference == "#" {
            return Some(self.root);
        }
        let (place, name) = reference.strip_prefix("#/")?.split_once('/')?;
        let is_plain = !name.contains(['/', '~', '%']) && matches!(place, "$defs" | "definitions");
        self.root.get(place)?.get(name).filter(|_| is_plain)
    }

    /// Whether a value is good by a schema that is well formed. As for Helm, none is where references lead in a circle.
    fn accepts(&self, schema: &'a Value, value: &Value, way: &Way<'_>) -> Option<bool> {
        self.questions.set(self.questions.get() + 1);
        let goes_on = way.length < DEEPEST && self.questions.get() < MOST_QUESTIONS;
        let keywords = match schema {
            Value::Bool(verdict) => return Some(*verdict),
            Value::Object(keywords) if goes_on => keywords,
            _ => return None,
        };
        if !self.counts_beside_ref && keywords.contains_key("$ref") && keywords.len() > 1 {
            return None;
        }
        if way.has_met(schema) {
            self.met_circle.set(true);
            return Some(false);
        }
        let beside = way.beside(schema);
        all_of(keywords.iter().map(|(keyword, argument)| {
            self.keyword_accepts(keywords, keyword, argument, value, &beside)
        }))
    }

    /// The way is that to schemas for the same value.
    fn keyword_accepts(
        &self,
        keywords: &'a Map<String, Value>,
        keyword: &str,
        argument: &'a Value,
        value: &Value,
        way: &Way<'_>,
    ) -> Option<bool> {
        let accepts = |schema: &'a Value| self.accepts(schema, value, way);
        let accepts_inside =
            |schema: &'a Value, value: &Value| self.accepts(schema, value, &way.inside());
        match (keyword, value) {
            ("$ref", _) => accepts(self.target(argument.as_str()?)?),
            ("type", _) => Some(match argument {
                Value::Array(names) => names.iter().any(|name| is_of_type(name, value)),
                name => is_of_type(name, value),
            }),
            ("enum", _) => is_one_of(argument.as_array()?, value),
            ("const", _) => is_one_of(std::slice::from_ref(argument), value),
            ("allOf", _) => all_of(argument.as_array()?.iter().map(accepts)),
            ("anyOf", _) => any_of(argument.as_array()?.iter().map(accepts)),
            ("oneOf", _) => {
                let verdicts: Option<Vec<bool>> =
                    argument.as_array()?.iter().map(accepts).collect();
                Some(verdicts?.into_iter().filter(|good| *good).count() == 1)
            }
            ("properties", Value::Object(entries)) => {
                let schemas = argument.as_object()?.iter();
                all_of(
                    schemas.filter_map(|(key, schema)| {
                        Some(accepts_inside(schema, entries.get(key)?))
                    }),
                )
            }
            ("patternProperties", Value::Object(entries)) => {
                all_of(argument.as_object()?.iter().map(|(pattern, schema)| {
                    let each = entries.values();
                    match pattern.as_str() {
                        ".*" => all_of(each.map(|entry| accepts_inside(schema, entry))),
                        _ => entries.is_empty().then_some(true),
                    }
                }))
            }
            ("additionalProperties", Value::Object(entries)) => {
                let named = keywords.get("properties").and_then(Value::as_object);
                let is_named = |key: &String| named.is_some_and(|named| named.contains_key(key));
                let mut others = entries.iter().filter(|(key, _)| !is_named(key)).peekable();
                if keywords.contains_key("patternProperties") {
                    return others.peek().is_none().then_some(true);
                }
                all_of(others.map(|(_, entry)| accepts_inside(argument, entry)))
            }
            ("required", Value::Object(entries)) => Some(
                argument
                    .as_array()?
                    .iter()
                    .all(|name| name.as_str().is_some_and(|name| entries.contains_key(name))),
            ),
            ("minProperties", Value::Object(entries)) => {
                Some(count(entries.len()) >= argument.as_u64()?)
            }
            ("maxProperties", Value::Object(entries)) => {
                Some(count(entries.len()) <= argument.as_u64()?)
            }
            ("items", Value::Array(items)) => {
                all_of(items.iter().map(|item| accepts_inside(argument, item)))
            }
            ("minItems", Value::Array(items)) => Some(count(items.len()) >= argument.as_u64()?),
            ("maxItems", Value::Array(items)) => Some(count(items.len()) <= argument.as_u64()?),
            ("minLength", Value::String(text)) => {
                Some(count(text.chars().count()) >= argument.as_u64()?)
            }
            ("maxLength", Value::String(text)) => {
                Some(count(text.chars().count()) <= argument.as_u64()?)
            }
            ("minimum", Value::Number(_)) => Some(exact(value)? >= exact(argument)?),
            ("maximum", Value::Number(_)) => Some(exact(value)? <= exact(argument)?),
            ("pattern" | "format" | "contentEncoding" | "contentMediaType", Value::String(_)) => {
                None
            }
            // For kinds of values of which the keyword says nothing, or for people.
            _ => Some(true),
        }
    }
}

/// Whether all are good: one that is bad decides it, whatever the others are.
fn all_of(verdicts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut sure = Some(true);
    for verdict in verdicts {
        match verdict {
            Some(true) => {}
            Some(false) => return verdict,
            None => sure = None,
        }
    }
    sure
}

fn any_of(verdicts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    all_of(verdicts.map(|verdict| verdict.map(|good| !good))).map(|none| !none)
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// A number that is the same however it is held.
fn exact(value: &Value) -> Option<f64> {
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    value.as_f64().filter(|number| number.abs() < LARGEST)
}

fn is_type(name: &Value) -> bool {
    const TYPES: [&str; 7] = [
        "array", "boolean", "integer", "null", "number", "object", "string",
    ];
    name.as_str().is_some_and(|name| TYPES.contains(&name))
}

fn is_of_type(name: &Value, value: &Value) -> bool {
    match (name.as_str(), value) {
        (Some("integer"), Value::Number(number)) => {
            number.is_i64()
                || number.is_u64()
                || number.as_f64().is_some_and(|number| number.fract() == 0.0)
        }
        (Some(name), _) => {
            let kind = match value {
                Value::Null => "null",
                Value::Bool(_) => "boolean",
                Value::Number(_) => "number",
                Value::String(_) => "string",
                Value::Array(_) => "array",
                Value::Object(_) => "object",
            };
            kind == name
        }
        (None, _) => false,
    }
}

/// Whether a value is one of these. What holds numbers can be equal and look different.
fn is_one_of(items: &[Value], value: &Value) -> Option<bool> {
    match value {
        _ if items.contains(value) => Some(true),
        Value::Null | Value::Bool(_) | Value::String(_) => Some(false),
        _ => None,
    }
}

/// Whether no two are the same, where that is quickly seen.
fn are_distinct(items: &[Value]) -> bool {
    items.len() <= LONGEST_ENUM
        && (1..items.len()).all(|place| !items[..place].contains(&items[place]))
}

/// An address that changes nothing of what `#/…` refers to.
fn is_plain_id(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/.-_".contains(&byte);
    id.strip_prefix("https://")
        .or_else(|| id.strip_prefix("http://"))
        .is_some_and(|rest| rest.bytes().all(is_plain))
}

/// A regular expression that is one in every dialect.
fn is_plain_pattern(pattern: &str) -> bool {
    let only_known =
        pattern.is_ascii() && !pattern.contains("(?") && !pattern.contains(['\\', '&', '~']);
    only_known && regex_syntax::Parser::new().parse(pattern).is_ok()
}
