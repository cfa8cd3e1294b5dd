//! Changes made to the text by cutting and inserting, so that every other byte stays.
//!
//! This is own splicing and not a lossless-tree library such as yaml-edit, for three reasons: the
//! places come from a parser that agrees with kubectl's on what a file means; an edit touches one
//! contiguous piece; and the shapes that kubectl itself writes (`clusters: null`) are ordinary here,
//! where yaml-edit takes them for no list. What the parser's places cannot settle is refused by the
//! check at the end, never guessed.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::Value;

use super::document::{Document, Fault, Kind, Node};
use super::entries::{self, CURRENT_CONTEXT, Change, Section};
use super::flow::{flow_append, put_in_flow};
use super::lines::{after_colon, after_comma, column, line_break, line_end, line_start};
use super::{emit, scalar};

/// A piece of text and what takes its place.
pub(super) struct Splice {
    cut: Range<usize>,
    insert: String,
}

impl Splice {
    pub(super) fn insert(at: usize, insert: impl Into<String>) -> Self {
        Self::replace(at..at, insert)
    }

    pub(super) fn replace(cut: Range<usize>, insert: impl Into<String>) -> Self {
        let insert = insert.into();
        Self { cut, insert }
    }

    fn cut(cut: Range<usize>) -> Self {
        Self::replace(cut, "")
    }

    /// What is inserted where a cut starts goes before it; both ends decide.
    fn place(&self) -> (usize, usize) {
        (self.cut.start, self.cut.end)
    }
}

/// The text with all changes made, or why that would change anything else.
pub(super) fn apply(before: &Document, changes: &[Change]) -> Result<String, String> {
    let expected = changes.iter().fold(before.value(), entries::with_change);
    let expected = entries::normal(expected);
    let says_it = |after: &Document| entries::normal(after.value()) == expected;
    if let Some(after) = at_once(before, changes).filter(says_it) {
        return Ok(after.text);
    }
    match one_by_one(before, changes)? {
        None => Ok(before.text.clone()),
        Some(after) if says_it(&after) => Ok(after.text),
        Some(_) => Err("the edit would change more than it should".to_owned()),
    }
}

/// The changes made in one go, which is quick; nothing if one depends on another, and perhaps wrong if they meet.
fn at_once(before: &Document, changes: &[Change]) -> Option<Document> {
    let is_mapping = |root: &Node| matches!(root.kind, Kind::Mapping { .. });
    before.root.as_ref().filter(|root| is_mapping(root))?;
    let mut keys = BTreeSet::new();
    let mut all = Vec::new();
    for change in changes {
        if !keys.insert(change.key()) {
            return None;
        }
        all.extend(splices(before, change).ok()?.into_iter().flatten());
    }
    all.sort_by_key(Splice::place);
    if all
        .windows(2)
        .any(|pair| pair[0].cut.end > pair[1].cut.start)
    {
        return None;
    }
    Document::parse(spliced(&before.text, all)).ok()
}

/// The changes made one after the other; nothing if all is so already.
fn one_by_one(before: &Document, changes: &[Change]) -> Result<Option<Document>, String> {
    let mut after = None;
    for change in changes {
        while let Some(splices) = splices(after.as_ref().unwrap_or(before), change)? {
            let text = spliced(&after.as_ref().unwrap_or(before).text, splices);
            after = Some(Document::parse(text).map_err(|Fault { line, problem }| {
                format!("the edit would break line {line}: {problem}")
            })?);
            // One removal may leave another entry of that name; nothing else takes two steps.
            if !matches!(change, Change::Remove { .. }) {
                break;
            }
        }
    }
    Ok(after)
}

fn spliced(text: &str, mut splices: Vec<Splice>) -> String {
    splices.sort_by_key(Splice::place);
    let mut result = text.to_owned();
    for splice in splices.into_iter().rev() {
        result.replace_range(splice.cut, &splice.insert);
    }
    result
}

/// What to do to the text for one change; nothing if it is already so.
fn splices(document: &Document, change: &Change) -> Result<Option<Vec<Splice>>, String> {
    let value = document.value();
    match change {
        Change::Put {
            section,
            name,
            value: wanted,
        } => {
            let item = section.item(name, wanted);
            let items = value.get(section.key()).and_then(Value::as_array);
            let old =
                items.and_then(|items| items.iter().find(|item| entries::name_of(item) == name));
            if old == Some(&item) {
                return Ok(None);
            }
            put(document, *section, name, &item).map(Some)
        }
        Change::Remove { section, name } => {
            if !section.contains(&value, name) {
                return Ok(None);
            }
            remove(document, *section, name).map(Some)
        }
        Change::SetCurrent(context) => {
            if entries::current_context(&value).unwrap_or_default() == context {
                return Ok(None);
            }
            Ok(Some(vec![set_current(document, context)]))
        }
    }
}

fn put(
    document: &Document,
    section: Section,
    name: &str,
    item: &Value,
) -> Result<Vec<Splice>, String> {
    let text = &document.text;
    let Some((key, list)) = document.member(section.key()) else {
        let list = Value::from(vec![item.clone()]);
        return Ok(vec![new_member(document, section.key(), &list)]);
    };
    match &list.kind {
        Kind::Sequence {
            is_flow: true,
            items,
        } => Ok(vec![put_in_flow(text, list, items, name, item)]),
        Kind::Sequence { items, .. } => {
            let index = position(items, name);
            let dash = dash_of(text, items, index.unwrap_or(0)).ok_or_else(|| refusal(section))?;
            let column = column(text, dash);
            let lines = emit::item(item);
            Ok(vec![match index {
                Some(index) => {
                    Splice::replace(dash..items[index].span.end, block(text, column, &lines))
                }
                None => append_lines(text, list.span.end, column, &lines),
            }])
        }
        _ if !list.is_null() => Err(refusal(section)),
        _ if is_flow_root(document) => Ok(vec![Splice::replace(
            list.span.clone(),
            format!(" [{}]", scalar::flow(item)),
        )]),
        _ => {
            let colon = after_colon(text, key.span.end).ok_or_else(|| refusal(section))?;
            let lines = emit::item(item);
            Ok(vec![
                Splice::cut(colon..list.span.end.max(colon)),
                append_lines(text, list.span.end, dash_column(document, key), &lines),
            ])
        }
    }
}

fn refusal(section: Section) -> String {
    format!(
        "`{}` is written in a way that cannot be edited",
        section.key()
    )
}

fn remove(document: &Document, section: Section, name: &str) -> Result<Vec<Splice>, String> {
    let text = &document.text;
    let refusal = || refusal(section);
    let (key, list) = document.member(section.key()).ok_or_else(refusal)?;
    let Kind::Sequence { is_flow, items } = &list.kind else {
        return Err(refusal());
    };
    let index = position(items, name).ok_or_else(refusal)?;
    let own = &items[index].span;
    if *is_flow {
        let cut = match (index.checked_sub(1), items.get(index + 1)) {
            (_, Some(next)) => own.start..next.span.start,
            (Some(previous), None) => items[previous].span.end..own.end,
            (None, None) => own.start..after_comma(text, own.end),
        };
        return Ok(vec![Splice::cut(cut)]);
    }
    let dash = dash_of(text, items, index).ok_or_else(refusal)?;
    let line_before = line_start(text, dash).checked_sub(1).ok_or_else(refusal)?;
    // From the end of the line before, as it may be the file's last, without a line break.
    let cut = line_end(text, line_start(text, line_before))..line_end(text, own.end);
    let mut splices = vec![Splice::cut(cut)];
    if items.len() == 1 {
        // The word kubectl writes for an empty list; nothing at all would do, but looks forgotten.
        let colon = after_colon(text, key.span.end).ok_or_else(refusal)?;
        splices.push(Splice::insert(colon, " null"));
    }
    Ok(splices)
}

fn set_current(document: &Document, context: &str) -> Splice {
    let is_flow = is_flow_root(document);
    let Some((_, old)) = document.member(CURRENT_CONTEXT) else {
        return new_member(document, CURRENT_CONTEXT, &Value::from(context));
    };
    let quote = match &old.kind {
        _ if is_flow => Some('"'),
        // Empty is always quoted, so its quotes tell nothing of the owner's taste.
        Kind::Scalar { value, quote } if value != "" => *quote,
        _ => None,
    };
    let mut insert = match quote {
        Some('"') => scalar::quoted(context),
        Some(_) if !context.contains(['\'', '\n']) => format!("'{context}'"),
        _ => scalar::plain_or_quoted(context),
    };
    if old.span.is_empty() {
        insert.insert(0, ' ');
    }
    Splice::replace(old.span.clone(), insert)
}

/// Adds a member to the outermost mapping, which may not exist yet.
fn new_member(document: &Document, key: &str, value: &Value) -> Splice {
    let text = &document.text;
    let member = |value: &Value| serde_json::json!({ key: value });
    match document.root.as_ref().map(|root| (root, &root.kind)) {
        Some((
            root,
            Kind::Mapping {
                is_flow: true,
                members,
            },
        )) => {
            let written = format!("{}: {}", scalar::quoted(key), scalar::flow(value));
            if let Some((last_key, last)) = members.last() {
                return flow_append(text, last_key, last.span.end, |_| written);
            }
            Splice::insert(root.span.end - 1, written)
        }
        Some((root, Kind::Mapping { .. })) => {
            let lines = emit::lines(&member(value));
            append_lines(text, root.span.end, column(text, root.span.start), &lines)
        }
        _ => {
            let mut lines = vec!["apiVersion: v1".to_owned(), "kind: Config".to_owned()];
            lines.extend(emit::lines(&member(value)));
            let line_break = line_break(text);
            let gap = if text.is_empty() || text.ends_with('\n') {
                ""
            } else {
                line_break
            };
            let insert = format!("{gap}{}{line_break}", lines.join(line_break));
            // A word for nothing (`null`, `~`) gives way; comments stay.
            match &document.root {
                Some(root) if !root.span.is_empty() => Splice::replace(root.span.clone(), insert),
                _ => Splice::insert(text.len(), insert),
            }
        }
    }
}

fn is_flow_root(document: &Document) -> bool {
    let root = document.root.as_ref().map(|root| &root.kind);
    matches!(root, Some(Kind::Mapping { is_flow: true, .. }))
}

/// Where in a list the item of that name is.
pub(super) fn position(items: &[Node], name: &str) -> Option<usize> {
    items
        .iter()
        .position(|item| entries::name_of(&item.value()) == name)
}

/// Lines put after the line on which `place` is, before its line break.
///
/// Before the break, not after: so the text keeps having, or not having, a break at its end.
fn append_lines(text: &str, place: usize, column: usize, lines: &[String]) -> Splice {
    let at = line_end(text, place);
    let mut insert = line_break(text).to_owned();
    insert.push_str(&" ".repeat(column));
    insert.push_str(&block(text, column, lines));
    Splice::insert(at, insert)
}

/// Lines joined, all but the first indented.
fn block(text: &str, column: usize, lines: &[String]) -> String {
    lines.join(&format!("{}{}", line_break(text), " ".repeat(column)))
}

/// Where the dash of an item is; the parser only says where the value behind it is.
fn dash_of(text: &str, items: &[Node], index: usize) -> Option<usize> {
    let floor = index
        .checked_sub(1)
        .map_or(0, |previous| items[previous].span.end);
    let mut line = line_start(text, items[index].span.start);
    loop {
        // Only comments, blank lines and anchors can stand between a dash and its value.
        let dash = line
            + text[line..]
                .bytes()
                .take_while(|byte| *byte == b' ')
                .count();
        if dash >= floor && text[dash..].starts_with('-') {
            return Some(dash);
        }
        line = line_start(text, line.checked_sub(1).filter(|line| *line > floor)?);
    }
}

/// How far in the dashes of a new list stand: as those of its neighbours, else as its key.
fn dash_column(document: &Document, key: &Node) -> usize {
    let text = &document.text;
    let neighbour = Section::ALL.into_iter().find_map(|section| {
        let (_, list) = document.member(section.key())?;
        matches!(list.kind, Kind::Sequence { is_flow: false, .. }).then_some(list.span.start)
    });
    column(text, neighbour.unwrap_or(key.span.start))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = "apiVersion: v1\nclusters: # c\n- cluster: {server: 'https://a'}\n  name: a\n- name: b\n  cluster:\n    note: |+\n      x\n\ncontexts: null\nusers: [{name: a, user: {}}, ]\ncurrent-context: \"a\"\n";

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_mangled_file_is_edited_and_restored_in_meaning_or_refused(
            cuts in prop::collection::vec((0..TEXT.len(), 0..4_usize, "[-:{}\\[\\],&*|>'\"# \n\ra\u{e9}]{0,3}"), 0..4)
        ) {
            let mut text = TEXT.to_owned();
            for (place, length, insert) in cuts {
                let end = (place + length).min(text.len());
                if text.is_char_boundary(place.min(end)) && text.is_char_boundary(end) {
                    text.replace_range(place.min(end)..end, &insert);
                }
            }
            let Ok(before) = Document::parse(text) else { return Ok(()) };
            if entries::check(&before).is_err() {
                return Ok(());
            }
            for section in Section::ALL {
                let (name, value) = ("mine".to_owned(), Value::from("x"));
                let put = Change::Put { section, name: name.clone(), value };
                let Ok(with) = apply(&before, &[put, Change::SetCurrent("mine".to_owned())]) else { continue };
                let with = Document::parse(with).unwrap();
                prop_assert!(section.contains(&with.value(), "mine"));
                let current = entries::current_context(&before.value()).unwrap_or_default().to_owned();
                let back = [Change::Remove { section, name }, Change::SetCurrent(current)];
                let Ok(without) = apply(&with, &back) else { continue };
                let without = Document::parse(without).unwrap().value();
                let mut expected = entries::normal(before.value());
                if before.value().is_null() {
                    expected = serde_json::json!({"apiVersion": "v1", "kind": "Config"});
                }
                prop_assert_eq!(entries::normal(without), expected);
            }
        }
    }
}
