//! Text broken into lines, and text cut short. All of it counts bytes, as Go's libraries do.

use super::super::engine::{Args, Fault};
use super::super::value::Value;
use super::{Row, pure};

pub(super) const TABLE: &[Row] = &[
    pure("wrap", "int text", |args| {
        wrapped(args.int(0)?, b"", &args.bytes(1)?, false)
    }),
    pure("wrapWith", "int text text", |args| {
        wrapped(args.int(0)?, &args.bytes(1)?, &args.bytes(2)?, true)
    }),
    pure("abbrev", "int text", |args| {
        let (width, text) = (args.int(0)?, args.bytes(1)?);
        Ok(if width < 4 {
            args.any(1).clone()
        } else {
            abbreviated(&text, 0, size(width))
        })
    }),
    pure("abbrevboth", "int int text", abbrev_both),
];

fn size(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

fn wrapped(width: i64, line_break: &[u8], text: &[u8], breaks_words: bool) -> Result<Value, Fault> {
    let line_break = if line_break.is_empty() {
        b"\n"
    } else {
        line_break
    };
    let width = size(width.max(1));
    if text.len() / width * line_break.len() > super::text::MAX_LENGTH {
        return Err(super::text::too_long());
    }
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while text.len() - at > width {
        if text[at] == b' ' {
            at += 1;
            continue;
        }
        let line = &text[at..=at + width];
        let (end, next) = match line.iter().rposition(|byte| *byte == b' ') {
            Some(space) => (at + space, at + space + 1),
            None if breaks_words => (at + width, at + width),
            None => match text[at + width..].iter().position(|byte| *byte == b' ') {
                Some(space) => (at + width + space, at + width + space + 1),
                None => break,
            },
        };
        out.extend_from_slice(&text[at..end]);
        out.extend_from_slice(line_break);
        at = next;
    }
    out.extend_from_slice(&text[at..]);
    Ok(Value::from_bytes(&out))
}

fn abbrev_both(args: &Args<'_>) -> Result<Value, Fault> {
    let (left, right, text) = (args.int(0)?, args.int(1)?, args.bytes(2)?);
    if right < 4 || left > 0 && right < 7 {
        return Ok(args.any(2).clone());
    }
    Ok(abbreviated(&text, size(left), size(right)))
}

/// At most `width` bytes from about `offset` on, with dots for what is left out.
fn abbreviated(text: &[u8], offset: usize, width: usize) -> Value {
    const DOTS: &[u8] = b"...";
    if text.len() <= width {
        return Value::from_bytes(text);
    }
    let shown = width - DOTS.len();
    let mut offset = offset.min(text.len());
    if text.len() - offset < shown {
        offset = text.len() - shown;
    }
    if offset <= 4 {
        return Value::from_bytes(&[&text[..shown], DOTS].concat());
    }
    if width < 7 {
        return "".into();
    }
    if offset + shown < text.len() {
        // What follows the offset is itself cut short.
        let end = offset + shown - DOTS.len();
        return Value::from_bytes(&[DOTS, &text[offset..end], DOTS].concat());
    }
    Value::from_bytes(&[DOTS, &text[text.len() - shown..]].concat())
}
