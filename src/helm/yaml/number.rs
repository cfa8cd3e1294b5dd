//! Numbers in the YAML that is written.

use super::super::print;

/// Without the way through JSON, whole floats stay floats.
pub(super) fn pretty_number(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => print::float_g(float),
        _ => number.to_string(),
    }
}

/// A number as it stands in YAML.
pub(super) fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => {
            // Go goes through JSON text, which turns whole floats into integers.
            let text = print::float_json(float);
            if text.contains(['.', 'e'])
                || text.parse::<i64>().is_err() && text.parse::<u64>().is_err()
            {
                print::float_g(float)
            } else if text == "-0" {
                "0".to_owned()
            } else {
                text
            }
        }
        _ => number.to_string(),
    }
}
