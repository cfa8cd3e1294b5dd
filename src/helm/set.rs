//! The grammar of `--set`: `a.b[0]=c,d={x,y}`, and its relatives.
//!
//! Errors name the key, never the value: values are often secrets.

use serde_json::{Map, Value};

/// How deep a key may go.
const MAX_LEVELS: usize = 30;
/// The largest index of a list.
const MAX_INDEX: usize = 65_536;

/// An assignment that cannot be read or does not fit the values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot set `{key}`: {problem}")]
pub struct SetError {
    /// The key, as far as it was read.
    pub key: String,
    /// What is wrong.
    pub problem: String,
}

/// `--set`: numbers, booleans and `null` are understood, all else is text.
pub fn set(values: &mut Value, assignments: &str) -> Result<(), SetError> {
    assign_all(
        values,
        assignments,
        &mut |text| Ok(typed(&text)),
        Mode::Text,
    )
}

/// `--set-string`: every value is text.
pub fn set_string(values: &mut Value, assignments: &str) -> Result<(), SetError> {
    assign_all(values, assignments, &mut |text| Ok(text.into()), Mode::Text)
}

/// `--set-file`: every value is a path, and `read` yields the text that lies there.
pub fn set_file(
    values: &mut Value,
    assignments: &str,
    mut read: impl FnMut(&str) -> Result<String, String>,
) -> Result<(), SetError> {
    let mut content = |path: String| read(&path).map(Value::from);
    assign_all(values, assignments, &mut content, Mode::Text)
}

/// `--set-json`: every value is JSON; a whole object without a key is merged.
pub fn set_json(values: &mut Value, assignments: &str) -> Result<(), SetError> {
    if assignments.trim_start().starts_with('{') {
        let object = serde_json::from_str(assignments).map_err(|_| SetError {
            key: String::new(),
            problem: "the object is no valid JSON".to_owned(),
        })?;
        super::values::merge(values, super::yaml::floats(object));
        return Ok(());
    }
    assign_all(values, assignments, &mut |text| Ok(text.into()), Mode::Json)
}

/// `--set-literal`: all after the first `=` is the text, commas and all.
pub fn set_literal(values: &mut Value, assignment: &str) -> Result<(), SetError> {
    assign_all(
        values,
        assignment,
        &mut |text| Ok(text.into()),
        Mode::Literal,
    )
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Text,
    Json,
    Literal,
}

type Convert<'c> = &'c mut dyn FnMut(String) -> Result<Value, String>;

fn assign_all(
    values: &mut Value,
    text: &str,
    convert: Convert<'_>,
    mode: Mode,
) -> Result<(), SetError> {
    let mut reader = Reader {
        rest: text,
        key: String::new(),
        convert,
        mode,
    };
    if values.is_null() {
        *values = Value::Object(Map::new());
    }
    while !reader.rest.is_empty() {
        reader.key.clear();
        // A copy, so that a failure leaves no half of an assignment behind.
        let mut changed = values.clone();
        reader.member(&mut changed, 0)?;
        *values = changed;
    }
    Ok(())
}

struct Reader<'t, 'c> {
    rest: &'t str,
    key: String,
    convert: Convert<'c>,
    mode: Mode,
}

impl Reader<'_, '_> {
    fn error(&self, problem: impl Into<String>) -> SetError {
        SetError {
            key: self.key.clone(),
            problem: problem.into(),
        }
    }

    /// Reads up to one of the stops; a backslash takes the next letter as it is.
    fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let mut read = String::new();
        let mut letters = self.rest.chars();
        while let Some(letter) = letters.next() {
            if stops.contains(&letter) {
                self.rest = letters.as_str();
                return (read, Some(letter));
            }
            match letter {
                '\\' => read.extend(letters.next()),
                other => read.push(other),
            }
        }
        self.rest = "";
        (read, None)
    }

    /// Reads `name…` and assigns inside the map `target`.
    fn member(&mut self, target: &mut Value, level: usize) -> Result<(), SetError> {
        if level > MAX_LEVELS {
            return Err(self.error(format!("the key has more than {MAX_LEVELS} levels")));
        }
        let stops: &[char] = match self.mode {
            Mode::Literal => &['=', '[', '.'],
            Mode::Text | Mode::Json => &['=', '[', ',', '.'],
        };
        let (name, stop) = self.until(stops);
        if !self.key.is_empty() {
            self.key.push('.');
        }
        self.key.push_str(&name);
        if target.is_null() {
            *target = Value::Object(Map::new());
        }
        let Value::Object(map) = target else {
            return Err(self.error("what lies above it is no map"));
        };
        if name.is_empty() {
            return Err(self.error("a part of the key is empty"));
        }
        let slot = map.entry(name).or_insert(Value::Null);
        self.assign(slot, stop, level)
    }

    fn assign(
        &mut self,
        slot: &mut Value,
        stop: Option<char>,
        level: usize,
    ) -> Result<(), SetError> {
        match stop {
            Some('=') => {
                *slot = self.value()?;
                Ok(())
            }
            Some('.') => self.member(slot, level + 1),
            Some('[') => self.item(slot, level),
            _ => Err(self.error("it has no value")),
        }
    }

    /// Reads `0]…` and assigns inside the list `target`.
    fn item(&mut self, target: &mut Value, level: usize) -> Result<(), SetError> {
        let (digits, stop) = self.until(&[']']);
        if stop.is_none() {
            return Err(self.error("the index has no `]`"));
        }
        self.key.extend(["[", digits.as_str(), "]"]);
        if level > MAX_LEVELS {
            return Err(self.error(format!("the key has more than {MAX_LEVELS} levels")));
        }
        let index = digits
            .parse::<usize>()
            .ok()
            .filter(|index| *index <= MAX_INDEX)
            .ok_or_else(|| self.error(format!("the index is no number up to {MAX_INDEX}")))?;
        if target.is_null() {
            *target = Value::Array(Vec::new());
        }
        let Value::Array(items) = target else {
            return Err(self.error("what lies above it is no list"));
        };
        if items.len() <= index {
            items.resize(index + 1, Value::Null);
        }
        let (extra, stop) = self.until(&['=', '[', '.']);
        if !extra.is_empty() {
            return Err(self.error("after an index only `=`, `.` or `[` can follow"));
        }
        let slot = &mut items[index];
        if stop == Some('.') && !slot.is_object() {
            *slot = Value::Null;
        }
        self.assign(slot, stop, level + 1)
    }

    fn value(&mut self) -> Result<Value, SetError> {
        match self.mode {
            Mode::Literal => {
                let text = std::mem::take(&mut self.rest);
                self.converted(text.to_owned())
            }
            Mode::Json => self.json(),
            Mode::Text => {
                if let Some(rest) = self.rest.strip_prefix('{') {
                    self.rest = rest;
                    return self.list();
                }
                let (text, _) = self.until(&[',']);
                self.converted(text)
            }
        }
    }

    fn converted(&mut self, text: String) -> Result<Value, SetError> {
        (self.convert)(text).map_err(|problem| self.error(problem))
    }

    fn json(&mut self) -> Result<Value, SetError> {
        let mut stream = serde_json::Deserializer::from_str(self.rest).into_iter::<Value>();
        let value = match stream.next() {
            None => Value::Null,
            Some(Ok(value)) => super::yaml::floats(value),
            Some(Err(_)) => return Err(self.error("its value is no valid JSON")),
        };
        let rest = self.rest[stream.byte_offset()..].trim_start();
        self.rest = match rest.strip_prefix(',') {
            Some(next) => next,
            None if rest.is_empty() => rest,
            None => return Err(self.error("something follows the JSON of its value")),
        };
        Ok(value)
    }

    /// Reads `x,y}`.
    fn list(&mut self) -> Result<Value, SetError> {
        let mut items = Vec::new();
        loop {
            let (text, stop) = self.until(&[',', '}']);
            match stop {
                None => return Err(self.error("its list has no `}`")),
                Some(_) => items.push(self.converted(text)?),
            }
            if stop == Some('}') {
                self.rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
                return Ok(Value::Array(items));
            }
        }
    }
}

fn typed(text: &str) -> Value {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    if is("true") || is("false") {
        return is("true").into();
    }
    if is("null") {
        return Value::Null;
    }
    match text.parse::<i64>() {
        Ok(number) if text == "0" || !text.starts_with('0') => number.into(),
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn set_on(mut base: Value, text: &str) -> Result<Value, String> {
        set(&mut base, text).map_err(|error| error.to_string())?;
        Ok(base)
    }

    #[test]
    fn assignments_reach_into_maps_and_lists() {
        let cases = [
            ("a=b,c=1", json!({"a": "b", "c": 1})),
            ("a.b.c=true", json!({"a": {"b": {"c": true}}})),
            ("a[1].b=x", json!({"a": [null, {"b": "x"}]})),
            ("a[0][1]=x", json!({"a": [[null, "x"]]})),
            ("a={x,2},b=y", json!({"a": ["x", 2], "b": "y"})),
            // Surprising, but Helm's: a list of one empty text.
            ("a={}", json!({"a": [""]})),
            ("a=null,b=", json!({"a": null, "b": ""})),
            ("a=007,b=0,c=-5", json!({"a": "007", "b": 0, "c": -5})),
            (r"a\.b=x\,y", json!({"a.b": "x,y"})),
        ];
        for (text, expected) in cases {
            assert_eq!(set_on(json!({}), text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn errors_name_the_key_and_never_the_value() {
        for text in [
            "a.b[x]=hunter2",
            "a.b[0]z=hunter2",
            "a={hunter2",
            "a[0=hunter2",
            ".a=hunter2",
        ] {
            let message = set_on(json!({}), text).unwrap_err();
            assert!(!message.contains("hunter2"), "{message}");
        }
        let message = set_on(json!({"a": "old"}), "a.b=hunter2").unwrap_err();
        assert_eq!(message, "cannot set `a.b`: what lies above it is no map");
    }

    #[test]
    fn json_literals_and_files_have_their_own_rules() {
        let mut values = json!({});
        set_json(&mut values, r#"a={"x":[1,2]},b="y""#).unwrap();
        set_literal(&mut values, "c.d=x,y={z}").unwrap();
        set_string(&mut values, "e=1").unwrap();
        set_file(&mut values, "f=path", |path| Ok(format!("<{path}>"))).unwrap();
        let expected = json!({"a": {"x": [1.0, 2.0]}, "b": "y", "c": {"d": "x,y={z}"}, "e": "1", "f": "<path>"});
        assert_eq!(values, expected);
    }
}
