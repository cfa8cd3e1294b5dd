//! Label and field selectors, as a query carries them.

use serde_json::Value;

/// Which objects a LIST or WATCH wants.
#[derive(Clone, Debug, Default)]
pub(super) struct Selection {
    labels: Vec<Requirement>,
    fields: Vec<(String, bool, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

impl Selection {
    /// Reads `labelSelector` and `fieldSelector`.
    pub(super) fn parse(labels: &str, fields: &str) -> Self {
        Self {
            labels: split_outside_parentheses(labels)
                .into_iter()
                .map(requirement)
                .collect(),
            fields: split_outside_parentheses(fields)
                .into_iter()
                .map(field)
                .collect(),
        }
    }

    /// Whether every object is wanted.
    pub(super) fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether this object is wanted.
    pub(super) fn matches(&self, object: &Value) -> bool {
        let label = |key: &str| {
            object["metadata"]["labels"]
                .get(key)
                .and_then(Value::as_str)
        };
        let labels = self.labels.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => {
                label(key).is_some_and(|value| values.iter().any(|wanted| wanted == value))
            }
            Requirement::NotIn(key, values) => {
                label(key).is_none_or(|value| values.iter().all(|unwanted| unwanted != value))
            }
            Requirement::Exists(key) => label(key).is_some(),
            Requirement::Missing(key) => label(key).is_none(),
        });
        labels
            && self.fields.iter().all(|(path, is_wanted, value)| {
                let found = path.split('.').fold(object, |value, step| &value[step]);
                let found = found.as_str().map_or_else(
                    || {
                        if found.is_null() {
                            String::new()
                        } else {
                            found.to_string()
                        }
                    },
                    String::from,
                );
                (found == *value) == *is_wanted
            })
    }
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut depth = 0;
    text.split(|letter| {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        letter == ',' && depth == 0
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
    .collect()
}

fn requirement(text: &str) -> Requirement {
    let one = |value: &str| vec![value.trim().to_owned()];
    let set = |values: &str| {
        values
            .trim()
            .trim_matches(|letter| letter == '(' || letter == ')')
            .split(',')
            .map(|value| value.trim().to_owned())
            .collect()
    };
    if let Some((key, values)) = text.split_once(" notin ") {
        Requirement::NotIn(key.trim().to_owned(), set(values))
    } else if let Some((key, values)) = text.split_once(" in ") {
        Requirement::In(key.trim().to_owned(), set(values))
    } else if let Some((key, value)) = text.split_once("!=") {
        Requirement::NotIn(key.trim().to_owned(), one(value))
    } else if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        Requirement::In(key.trim().to_owned(), one(value))
    } else if let Some(key) = text.strip_prefix('!') {
        Requirement::Missing(key.trim().to_owned())
    } else {
        Requirement::Exists(text.to_owned())
    }
}

fn field(text: &str) -> (String, bool, String) {
    if let Some((path, value)) = text.split_once("!=") {
        (path.to_owned(), false, value.to_owned())
    } else {
        let (path, value) = text
            .split_once("==")
            .or_else(|| text.split_once('='))
            .unwrap_or((text, ""));
        (path.to_owned(), true, value.to_owned())
    }
}
