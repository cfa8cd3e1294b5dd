//! `range`: over lists, maps in key order, and numbers.

use super::super::value::Value;
use super::args::items_of;
use super::exec::{Executor, Flow, Slot, Stop};
use super::syntax::Branch;

impl Executor<'_> {
    pub(super) fn range(&mut self, out: &mut String, branch: &Branch, dot: &Slot) -> Flow {
        let over = match self.pipe(dot, &branch.pipe)? {
            Value::Object(object) if object.kind() == "map" => object.plain(),
            other => other,
        };
        let mark = self.state.variables.len();
        let mut ran = false;
        match &over {
            Value::Nil => {}
            Value::Int(count) | Value::Int64(count) => {
                if branch.pipe.variables.len() > 1 {
                    let problem =
                        format!("can't use {count} to iterate over more than one variable");
                    return Err(self.error(branch.pipe.span, problem).into());
                }
                let is_wide = matches!(over, Value::Int64(_));
                for number in 0..*count {
                    ran = true;
                    let item = if is_wide {
                        Value::Int64(number)
                    } else {
                        Value::Int(number)
                    };
                    if self.round(out, branch, Value::Nil, &Slot::plain(item), mark)? {
                        break;
                    }
                }
            }
            Value::Map(map) => {
                for (key, item) in map.entries() {
                    ran = true;
                    if self.round(out, branch, Value::Str(key), &Slot::element(item), mark)? {
                        break;
                    }
                }
            }
            other => {
                let Some(items) = items_of(other) else {
                    let found = self.printed(branch.pipe.span, other)?;
                    let problem = format!(
                        "range can't iterate over {found}, which is a {}",
                        other.type_name()
                    );
                    return Err(self.error(branch.pipe.span, problem).into());
                };
                for (index, item) in items.iter().enumerate() {
                    ran = true;
                    let item = Slot::element(item.clone());
                    if self.round(out, branch, index.into(), &item, mark)? {
                        break;
                    }
                }
            }
        }
        match &branch.otherwise {
            Some(body) if !ran => self.walk(out, body, dot),
            _ => Ok(()),
        }
    }

    /// One round of a loop; true when it was left by `break`.
    fn round(
        &mut self,
        out: &mut String,
        branch: &Branch,
        key: Value,
        item: &Slot,
        mark: usize,
    ) -> Result<bool, Stop> {
        self.limits
            .step()
            .map_err(|problem| self.error(branch.span, problem))?;
        let key = Slot::plain(key);
        let span = branch.pipe.span;
        match (&branch.pipe.variables[..], branch.pipe.assigns) {
            ([], _) => {}
            ([one], true) => self.assign(span, one, item.clone())?,
            ([one, other, ..], true) => {
                self.assign(span, one, key)?;
                self.assign(span, other, item.clone())?;
            }
            ([_], false) => self.state.variables[mark - 1].1 = item.clone(),
            ([_, _, ..], false) => {
                self.state.variables[mark - 2].1 = key;
                self.state.variables[mark - 1].1 = item.clone();
            }
        }
        let flow = self.walk(out, &branch.body, item);
        self.state.variables.truncate(mark);
        match flow {
            Ok(()) | Err(Stop::Continue) => Ok(false),
            Err(Stop::Break) => Ok(true),
            Err(error) => Err(error),
        }
    }
}
