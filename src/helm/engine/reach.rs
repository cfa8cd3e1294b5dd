//! What functions reach back for: other templates, text as a template, objects of the cluster.

use super::super::value::{Map, Value};
use super::LookupKey;
use super::error::Fault;
use super::exec::{Executor, NO_VALUE, without_no_value};

/// The name of a text under `tpl`, in messages.
const TPL: &str = "tpl";

impl Executor<'_> {
    /// `include`: a template's output as a string.
    pub(crate) fn include(&mut self, name: &str, data: Value) -> Result<Value, Fault> {
        let template = self.template(name)?;
        self.limits.enter(&template.name).map_err(Fault::new)?;
        let text = self.execute(&template, data);
        self.limits.leave(&template.name);
        Ok(text?.into())
    }

    /// `tpl`: a string as a template. What it defines is seen by it alone.
    pub(crate) fn render_text(&mut self, text: &str, data: Value) -> Result<Value, Fault> {
        // Charts pass many values through `tpl` that have no actions.
        if !text.contains("{{") {
            return Ok(text.replace(NO_VALUE, "").into());
        }
        let outer = self.templates.clone();
        let template = self.templates.add_text(TPL, text).map_err(|mut error| {
            error.chain = self.chain();
            error
        })?;
        let rendered = self.execute(&template, data);
        self.templates = outer;
        Ok(without_no_value(rendered?).into())
    }

    /// `lookup`: an object of the cluster, or an empty map.
    pub(crate) fn lookup(&mut self, key: LookupKey) -> Value {
        if let Some(found) = self.lookups.get(&key) {
            return found;
        }
        self.needs.insert(key);
        Value::Map(Map::default())
    }
}
