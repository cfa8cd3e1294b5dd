//! Values written as block YAML in the look of kubectl.

use serde_json::Value;

use super::scalar;

/// The lines of a value in block style, without indentation of their own.
pub(super) fn lines(value: &Value) -> Vec<String> {
    match value {
        Value::Object(members) if !members.is_empty() => members
            .iter()
            .flat_map(|(key, value)| member(key, value))
            .collect(),
        Value::Array(items) if !items.is_empty() => items.iter().flat_map(item).collect(),
        Value::String(text) => vec![scalar::plain_or_quoted(text)],
        other => vec![scalar::flow(other)],
    }
}

/// The lines of `value` as an item of a list: the first with a dash, the rest below it.
pub(super) fn item(value: &Value) -> Vec<String> {
    let mut lines = lines(value);
    for (index, line) in lines.iter_mut().enumerate() {
        line.insert_str(0, if index == 0 { "- " } else { "  " });
    }
    lines
}

fn member(key: &str, value: &Value) -> Vec<String> {
    let key = scalar::plain_or_quoted(key);
    let mut below = lines(value);
    match value {
        Value::Object(members) if !members.is_empty() => {
            for line in &mut below {
                line.insert_str(0, "  ");
            }
        }
        // kubectl writes the dashes of a list under its key, not further in.
        Value::Array(items) if !items.is_empty() => {}
        _ => return vec![format!("{key}: {}", below.concat())],
    }
    below.insert(0, format!("{key}:"));
    below
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_look_like_those_of_kubectl() {
        let value = json!({
            "cluster": {
                "extensions": [{"extension": {"port": 1, "empty": {}}, "name": "vc.dev"}],
                "server": "https://127.0.0.1:1",
            },
            "name": "dev",
        });
        insta::assert_snapshot!(item(&value).join("\n"), @r"
        - cluster:
            extensions:
            - extension:
                empty: {}
                port: 1
              name: vc.dev
            server: https://127.0.0.1:1
          name: dev
        ");
    }
}
