//! Adding to lists and mappings in braces, on one line or laid out over many.

use serde_json::Value;

use super::document::Node;
use super::lines::{indentation, line_break};
use super::scalar;
use super::splice::{Splice, position};

/// Puts an item into a list in brackets, in place of the one of that name or after the last one.
pub(super) fn put_in_flow(
    text: &str,
    list: &Node,
    items: &[Node],
    name: &str,
    item: &Value,
) -> Splice {
    if let Some(index) = position(items, name) {
        let old = &items[index].span;
        return Splice::replace(old.clone(), flow_item(text, old.start, item));
    }
    if let Some(end) = items.last() {
        return flow_append(text, end, end.span.end, |at| flow_item(text, at, item));
    }
    // Before the bracket that closes the list.
    Splice::insert(list.span.end - 1, scalar::flow(item))
}

/// Adds to a flow collection after its last part, on a line of its own if that part is on one.
pub(super) fn flow_append(
    text: &str,
    last: &Node,
    at: usize,
    insert: impl FnOnce(usize) -> String,
) -> Splice {
    let separator = match indentation(text, last.span.start) {
        Some(indentation) => format!(",{}{indentation}", line_break(text)),
        None => ", ".to_owned(),
    };
    Splice::insert(at, separator + &insert(last.span.start))
}

/// An item as JSON, laid out over lines if its neighbour stands on a line of its own.
fn flow_item(text: &str, neighbour: usize, item: &Value) -> String {
    match indentation(text, neighbour) {
        Some(indentation) => {
            scalar::pretty_flow(item).replace('\n', &format!("{}{indentation}", line_break(text)))
        }
        None => scalar::flow(item),
    }
}
