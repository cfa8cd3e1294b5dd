//! In which line of a values file a key stands, to be named where the key is refused.
//!
//! Asked only after the file was read well and something in it was refused, so speed does not matter; a text that
//! cannot be followed has no places.

use std::panic;

use libyaml_safer::{Encoding, EventData, Parser};

/// A value with the lines of what is in it.
enum Spot {
    /// A text, an alias, or the end.
    Leaf,
    List(Vec<(u64, Spot)>),
    Map(Vec<(String, u64, Spot)>),
}

/// The line, from 1, of the key or item that a path such as `a.b[0].c` names; the last of several documents decides.
pub fn line_of(text: &str, path: &str) -> Option<u64> {
    // The parser panics on some broken texts, and this one may be any.
    let documents = panic::catch_unwind(|| read(text)).ok()?;
    documents.iter().rev().find_map(|spot| find(spot, path))
}

fn find(spot: &Spot, path: &str) -> Option<u64> {
    match spot {
        Spot::Leaf => None,
        Spot::List(items) => {
            let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
            let (line, below) = items.get(index.parse::<usize>().ok()?)?;
            found(*line, below, rest)
        }
        // The last of equal keys wins, as it does when the file is read.
        Spot::Map(entries) => entries.iter().rev().find_map(|(key, line, below)| {
            let rest = path.strip_prefix(key.as_str())?;
            let is_whole_key = rest.is_empty() || rest.starts_with(['.', '[']);
            is_whole_key.then(|| found(*line, below, rest)).flatten()
        }),
    }
}

fn found(line: u64, below: &Spot, rest: &str) -> Option<u64> {
    if rest.is_empty() {
        return Some(line);
    }
    // What an alias or a merge brings in stands elsewhere; the place where it is brought in is the nearest.
    find(below, rest.strip_prefix('.').unwrap_or(rest)).or(match below {
        Spot::Leaf => Some(line),
        _ => None,
    })
}

fn read(text: &str) -> Vec<Spot> {
    let mut parser = Parser::new();
    parser.set_encoding(Encoding::Utf8);
    parser.set_input(text.strip_prefix('\u{feff}').unwrap_or(text).as_bytes());
    let mut documents = Vec::new();
    loop {
        match next(&mut parser) {
            None | Some((EventData::StreamEnd, _)) => return documents,
            Some((EventData::DocumentStart { .. }, _)) => {
                let Some((event, _)) = next(&mut parser) else {
                    return documents;
                };
                documents.extend(spot(&mut parser, &event));
            }
            Some(_) => {}
        }
    }
}

/// `None` where the text ends too early.
fn spot(parser: &mut Parser<&[u8]>, begin: &EventData) -> Option<Spot> {
    match begin {
        EventData::SequenceStart { .. } => {
            let mut items = Vec::new();
            loop {
                let (event, line) = next(parser)?;
                if matches!(event, EventData::SequenceEnd) {
                    return Some(Spot::List(items));
                }
                items.push((line, spot(parser, &event)?));
            }
        }
        EventData::MappingStart { .. } => {
            let mut entries = Vec::new();
            loop {
                let (event, line) = next(parser)?;
                if matches!(event, EventData::MappingEnd) {
                    return Some(Spot::Map(entries));
                }
                let key = match &event {
                    EventData::Scalar { value, .. } => value.clone(),
                    _ => String::new(),
                };
                spot(parser, &event)?;
                let (event, _) = next(parser)?;
                entries.push((key, line, spot(parser, &event)?));
            }
        }
        _ => Some(Spot::Leaf),
    }
}

fn next(parser: &mut Parser<&[u8]>) -> Option<(EventData, u64)> {
    let event = parser.parse().ok()?;
    Some((event.data, event.start_mark.line + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_items_have_lines() {
        let text = "# mine\ncontrolPlane:\n  foo: 1\n  list:\n  - name: a\n  - name: b\n    extra: c\n\"a.b\":\n  c: {d: 1,\n      e: 2}\n";
        let cases = [
            ("controlPlane", Some(2)),
            ("controlPlane.foo", Some(3)),
            ("controlPlane.list[1].extra", Some(7)),
            ("controlPlane.list[0]", Some(5)),
            ("a.b.c.e", Some(10)),
            ("controlPlane.other", None),
            ("control", None),
        ];
        for (path, line) in cases {
            assert_eq!(line_of(text, path), line, "{path}");
        }
    }

    #[test]
    fn the_last_document_decides_and_an_alias_stands_where_it_is_used() {
        assert_eq!(line_of("a: 1\n---\na: 2\n", "a"), Some(3));
        assert_eq!(line_of("x: &x\n  b: 1\na: *x\n", "a.b"), Some(3));
        assert_eq!(line_of("a: [", "a"), None);
    }
}
