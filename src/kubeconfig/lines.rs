//! Finding one's way in a text by its lines.

/// The place behind the colon that follows a key, if it does so on the same line.
pub(super) fn after_colon(text: &str, key_end: usize) -> Option<usize> {
    let rest = text[key_end..].trim_start_matches(' ').strip_prefix(':')?;
    Some(text.len() - rest.len())
}

/// The place behind a comma that comes next, else the place itself.
pub(super) fn after_comma(text: &str, place: usize) -> usize {
    let rest = text[place..].trim_start();
    rest.strip_prefix(',')
        .map_or(place, |rest| text.len() - rest.len())
}

/// Where the line of `place` starts.
pub(super) fn line_start(text: &str, place: usize) -> usize {
    text[..place].rfind('\n').map_or(0, |at| at + 1)
}

/// Where the line of `place` ends, before its line break.
pub(super) fn line_end(text: &str, place: usize) -> usize {
    let line = text[place..].split('\n').next().unwrap_or_default();
    place + line.strip_suffix('\r').unwrap_or(line).len()
}

/// How far in `place` is on its line.
pub(super) fn column(text: &str, place: usize) -> usize {
    place - line_start(text, place)
}

/// The white space before `place`, if nothing else is before it on its line.
pub(super) fn indentation(text: &str, place: usize) -> Option<&str> {
    let start = line_start(text, place);
    let before = &text[start..place];
    (start > 0 && before.trim().is_empty()).then_some(before)
}

/// The file's own line break, by its first line.
pub(super) fn line_break(text: &str) -> &'static str {
    match text.split_once('\n') {
        Some((first, _)) if first.ends_with('\r') => "\r\n",
        _ => "\n",
    }
}
