//! What is said of a command line that cannot be understood.

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue};

use crate::cli::Cli;
use crate::error::Error;

/// Takes what is not for people out of the commands that may have been meant.
pub(super) fn suggest_no_hidden(error: &mut clap::Error) {
    let Some(ContextValue::Strings(suggested)) = error.get(ContextKind::SuggestedSubcommand) else {
        return;
    };
    let root = Cli::command();
    let is_hidden = |name: &String| {
        root.find_subcommand(name)
            .is_some_and(clap::Command::is_hide_set)
    };
    let shown: Vec<String> = suggested
        .iter()
        .filter(|name| !is_hidden(name))
        .cloned()
        .collect();
    if shown.is_empty() {
        error.remove(ContextKind::SuggestedSubcommand);
    } else {
        error.insert(
            ContextKind::SuggestedSubcommand,
            ContextValue::Strings(shown),
        );
    }
}

/// What clap says of a wrong command line, in the form that all our errors have.
pub(super) fn to_error(text: &str) -> Error {
    let text = with_back_ticks(text);
    let mut paragraphs = text.trim().split("\n\n");
    let first = paragraphs.next().unwrap_or_default();
    let message = first.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut error = Error::usage(message.trim_start_matches("error: "));
    let mut usage = None;
    for paragraph in paragraphs {
        for line in paragraph.lines().map(str::trim) {
            if let Some(tip) = line.strip_prefix("tip: ") {
                error = error.hint(tip);
            } else if let Some(line) = line.strip_prefix("Usage: ") {
                usage = Some(line.to_owned());
            }
        }
    }
    error.hint(usage.map_or_else(
        || "run `vc help`".to_owned(),
        |usage| format!("usage: `{usage}`"),
    ))
}

/// A text with back-ticks in place of the quotes around what may be typed; an apostrophe stays.
fn with_back_ticks(text: &str) -> String {
    let opens =
        |before: Option<char>| before.is_none_or(|it| it.is_whitespace() || "([".contains(it));
    let closes =
        |after: Option<&char>| after.is_none_or(|it| it.is_whitespace() || ")],.:;".contains(*it));
    let (mut quoted, mut is_open, mut before) = (String::new(), false, None);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let is_quote = letter == '\''
            && if is_open {
                closes(letters.peek())
            } else {
                opens(before)
            };
        quoted.push(if is_quote { '`' } else { letter });
        is_open ^= is_quote;
        before = Some(letter);
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_typed_has_back_ticks() {
        for (said, shown) in [
            (
                "unexpected argument '--a' found",
                "unexpected argument `--a` found",
            ),
            ("values: 'a', 'b'", "values: `a`, `b`"),
            ("it isn't 'it's'", "it isn't `it's`"),
        ] {
            assert_eq!(with_back_ticks(said), shown);
        }
    }
}
