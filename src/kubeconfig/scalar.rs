//! What a YAML scalar means to kubectl, and how to write one that means the same to every reader.

use serde_json::{Number, Value};

/// The value of an unquoted scalar, by the YAML 1.1 rules of kubectl's parser.
pub(super) fn resolve(plain: &str) -> Value {
    match plain {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => {
            Value::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => {
            Value::Bool(false)
        }
        _ => number(plain).map_or_else(|| Value::String(plain.to_owned()), Value::Number),
    }
}

fn number(plain: &str) -> Option<Number> {
    let digits = plain.replace('_', "");
    let (negative, unsigned) = match digits.as_bytes().first()? {
        b'-' => (true, &digits[1..]),
        b'+' => (false, &digits[1..]),
        b'.' | b'0'..=b'9' => (false, &digits[..]),
        _ => return None,
    };
    // `from_str_radix` and `parse` would take a second sign.
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let radix = |prefix: &str, radix| {
        let body = unsigned.strip_prefix(prefix)?;
        u64::from_str_radix(body, radix).ok()
    };
    let whole = radix("0x", 16)
        .or_else(|| radix("0b", 2))
        .or_else(|| radix("0o", 8))
        .or_else(|| radix("0", 8))
        .or_else(|| unsigned.parse().ok());
    match whole {
        Some(whole) if !negative => Some(whole.into()),
        Some(whole) => 0_i64.checked_sub_unsigned(whole).map(Number::from),
        None => digits.parse().ok().and_then(Number::from_f64),
    }
}

/// The text written without quotes if every YAML reader takes it for that string, else quoted.
pub(super) fn plain_or_quoted(text: &str) -> String {
    if is_safe_unquoted(text) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// The text in double quotes, in the form that JSON and YAML share.
pub(super) fn quoted(text: &str) -> String {
    escape_for_yaml(&Value::from(text).to_string())
}

/// The value as JSON on one line, which is YAML as well.
pub(super) fn flow(value: &Value) -> String {
    escape_for_yaml(&value.to_string())
}

/// The value as indented JSON, which is YAML as well.
pub(super) fn pretty_flow(value: &Value) -> String {
    escape_for_yaml(&format!("{value:#}"))
}

/// JSON leaves some characters bare that YAML refuses or takes for a line break.
fn escape_for_yaml(json: &str) -> String {
    let is_unwelcome = |c| {
        matches!(
            c,
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
    };
    if !json.contains(is_unwelcome) {
        return json.to_owned();
    }
    let escaped = |c| {
        if is_unwelcome(c) {
            format!("\\u{:04x}", u32::from(c))
        } else {
            c.to_string()
        }
    };
    json.chars().map(escaped).collect()
}

fn is_safe_unquoted(text: &str) -> bool {
    let Some(first) = text.chars().next() else {
        return false;
    };
    let is_ordinary = |c: char| {
        c.is_alphanumeric() || matches!(c, '_' | '.' | '/' | ':' | '@' | '+' | '=' | '-' | ' ')
    };
    // Other readers know sexagesimal numbers, dates and more octal forms than ours does.
    let may_be_number = first.is_ascii_digit()
        && text.chars().all(|c| {
            c.is_ascii_hexdigit()
                || matches!(
                    c,
                    'x' | 'X'
                        | 'o'
                        | 'O'
                        | '_'
                        | '.'
                        | ':'
                        | '+'
                        | '-'
                        | 'T'
                        | 't'
                        | 'Z'
                        | 'z'
                        | ' '
                )
        });
    (first.is_ascii_alphanumeric() || matches!(first, '_' | '/'))
        && text.chars().all(is_ordinary)
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !may_be_number
        && resolve(text).is_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plain_scalars_mean_what_they_mean_to_kubectl() {
        for (plain, value) in [
            ("", json!(null)),
            ("~", json!(null)),
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("0644", json!(420)),
            ("0x1f", json!(31)),
            ("-12", json!(-12)),
            ("1_000", json!(1000)),
            ("1e3", json!(1000.0)),
            ("0.5", json!(0.5)),
            ("--1", json!("--1")),
            ("2024-01-01", json!("2024-01-01")),
            ("kind-kind", json!("kind-kind")),
            (".", json!(".")),
        ] {
            assert_eq!(resolve(plain), value, "`{plain}`");
        }
    }

    #[test]
    fn only_unmistakable_text_goes_without_quotes() {
        for text in [
            "dev",
            "vcluster_dev_team-a_kind-kind",
            "1-cluster",
            "https://10.0.0.1:6443",
            "LS0t==",
        ] {
            assert_eq!(plain_or_quoted(text), text);
        }
        for text in [
            "",
            "yes",
            "12",
            "0o7",
            "12:30",
            "2024-01-01",
            "a: b",
            "a #b",
            " a",
            "-a",
            "*a",
            "é",
            "a\nb",
            "end:",
        ] {
            assert!(plain_or_quoted(text).starts_with('"'), "`{text}`");
        }
        assert_eq!(quoted("a\u{85}\u{2028}b"), r#""a\u0085\u2028b""#);
    }
}
