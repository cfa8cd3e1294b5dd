//! Objects of Kubernetes as an answer.

use serde_json::Value;

use super::Session;
use crate::error::Error;
use crate::ui::Format;

/// Prints objects as one stream of YAML, or as one list in JSON.
pub(super) fn print(session: &Session, objects: &[&Value]) -> Result<(), Error> {
    if session.ui.format() == Format::Json {
        let list = serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": objects });
        let text = serde_json::to_string_pretty(&list).expect("a JSON value always serialises");
        return session.ui.text(&format!("{text}\n"));
    }
    let documents = objects
        .iter()
        .map(|object| format!("---\n{}", crate::helm::yaml::to_string(object)));
    session.ui.text(&documents.collect::<String>())
}
