//! How answers, progress, questions and errors are shown. Knows no domain type.
//!
//! Standard output carries the answer, once, at the end; everything else goes to standard error.

mod course;
mod reporter;
mod table;

use std::io::{self, Write};

use jiff::{SpanRound, Timestamp, Unit};
use serde::Serialize;

use crate::error::Error;
pub use course::Course;
pub use reporter::Reporter;

/// The form of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Columns for people
    #[default]
    Table,
    /// More columns
    Wide,
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// Names alone, one a line
    Name,
}

impl Format {
    /// The format that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        <Self as clap::ValueEnum>::from_str(word, false).ok()
    }

    /// The word that names it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Wide => "wide",
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Name => "name",
        }
    }

    /// Whether a program reads the answer.
    pub fn is_structured(self) -> bool {
        matches!(self, Self::Json | Self::Yaml)
    }
}

/// One line of a listing; its serialised form is the JSON contract of its command.
pub trait Row: Serialize {
    /// Headings of the columns, those of the wide form last.
    const HEADINGS: &'static [&'static str];
    /// How many columns the narrow form has.
    const NARROW: usize;

    /// The cells, as many as there are headings.
    fn cells(&self) -> Vec<String>;

    /// What `-o name` prints.
    fn name(&self) -> String;
}

/// One answer that is not a listing.
pub trait View: Serialize {
    /// The answer as a sentence for people.
    fn sentence(&self) -> String;

    /// What `-o name` prints.
    fn name(&self) -> String;
}

/// The user's side of a command.
pub struct Ui {
    format: Format,
    is_quiet: bool,
    can_ask: bool,
    is_yes: bool,
    reporter: Reporter,
}

/// What a [`Ui`] is made for.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own that the user sets"
)]
pub struct Manner {
    /// Form of the answer.
    pub format: Format,
    /// Whether nothing but answers and errors is shown.
    pub is_quiet: bool,
    /// Whether a person can answer.
    pub can_ask: bool,
    /// Whether every question is answered with yes.
    pub is_yes: bool,
    /// Whether progress may redraw its line.
    pub is_live: bool,
    /// Whether output may have colour.
    pub has_color: bool,
}

impl Ui {
    /// Shows things in this manner.
    pub fn new(manner: Manner) -> Self {
        let Manner {
            format,
            is_quiet,
            can_ask,
            is_yes,
            is_live,
            has_color,
        } = manner;
        Self {
            format,
            is_quiet,
            can_ask,
            is_yes,
            reporter: Reporter::new(format, is_quiet, is_live, has_color),
        }
    }

    /// Where work reports what it does.
    pub fn reporter(&self) -> &Reporter {
        &self.reporter
    }

    /// The form of the answer.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether a person can be asked.
    pub fn can_ask(&self) -> bool {
        self.can_ask
    }

    /// Prints a listing.
    pub fn rows<R: Row>(&self, rows: &[R]) -> Result<(), Error> {
        self.reporter.close();
        match self.format {
            Format::Json => print_line(&to_json(&rows)),
            Format::Yaml => print_text(&to_yaml(&rows)),
            Format::Name => {
                print_text(&rows.iter().map(|row| row.name() + "\n").collect::<String>())
            }
            Format::Table | Format::Wide if rows.is_empty() => Ok(()),
            Format::Table | Format::Wide => {
                let columns = if self.format == Format::Wide {
                    R::HEADINGS.len()
                } else {
                    R::NARROW
                };
                let cells: Vec<Vec<String>> = rows.iter().map(Row::cells).collect();
                print_text(&table::render(R::HEADINGS, &cells, columns))
            }
        }
    }

    /// Prints what was done to each of several things: sentences for people, a listing for programs.
    pub fn outcomes<R: Row>(
        &self,
        rows: &[R],
        sentence: impl Fn(&R) -> String,
    ) -> Result<(), Error> {
        if self.format == Format::Table {
            self.text(&rows.iter().map(sentence).collect::<String>())
        } else {
            self.rows(rows)
        }
    }

    /// Prints one answer.
    pub fn answer(&self, view: &impl View) -> Result<(), Error> {
        self.reporter.close();
        match self.format {
            Format::Json => print_line(&to_json(view)),
            Format::Yaml => print_text(&to_yaml(view)),
            Format::Name => print_line(&view.name()),
            Format::Table | Format::Wide => print_line(&view.sentence()),
        }
    }

    /// Prints a text as it is.
    pub fn text(&self, text: &str) -> Result<(), Error> {
        self.reporter.close();
        print_text(text)
    }

    /// Suggests what to type next.
    pub fn next(&self, hint: &str) {
        if !self.is_quiet && !self.format.is_structured() {
            say(&format!("hint: {hint}"));
        }
    }

    /// Shows an error, as text or as one JSON object.
    pub fn error(&self, error: &Error) {
        self.reporter.abandon();
        show_error(error, self.format);
    }

    /// Asks for consent. Without a person to ask, or with `--yes`, gives `unasked`.
    pub fn confirm(&self, question: &str, unasked: bool) -> Result<bool, Error> {
        if self.is_yes {
            return Ok(true);
        }
        if !self.can_ask {
            return Ok(unasked);
        }
        self.reporter.close();
        let answer = dialoguer::Confirm::new()
            .with_prompt(question)
            .default(false)
            .interact_opt();
        Ok(answer.map_err(|error| no_answer(&error))?.unwrap_or(false))
    }

    /// Asks for a text; the caller has made sure that somebody can answer.
    pub fn ask(&self, question: &str, suggestion: &str) -> Result<String, Error> {
        self.reporter.close();
        let input = dialoguer::Input::<String>::new()
            .with_prompt(question)
            .default(suggestion.to_owned());
        input.interact_text().map_err(|error| no_answer(&error))
    }

    /// Asks to choose one of several; the caller has made sure that somebody can answer.
    pub fn choose(&self, question: &str, choices: &[String]) -> Result<usize, Error> {
        self.reporter.close();
        let select = dialoguer::FuzzySelect::new()
            .with_prompt(question)
            .items(choices)
            .default(0);
        select.interact().map_err(|error| no_answer(&error))
    }
}

/// Columns below their headings, for an answer that holds more than one listing.
pub fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    table::render(headings, rows, headings.len())
}

/// The time since then in its largest unit, as kubectl shows it.
pub fn age(since: Timestamp) -> String {
    let span = (Timestamp::now() - since)
        .round(SpanRound::new().largest(Unit::Hour).smallest(Unit::Second));
    let Ok(span) = span else {
        return "-".to_owned();
    };
    let (hours, minutes, seconds) = (span.get_hours(), span.get_minutes(), span.get_seconds());
    match (hours, minutes) {
        (48.., _) => format!("{}d", hours / 24),
        (1.., _) => format!("{hours}h"),
        (_, 1..) => format!("{minutes}m"),
        _ => format!("{}s", seconds.max(0)),
    }
}

/// A duration in seconds, to the millisecond, as answers give it.
pub fn seconds(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}

/// Shows an error on standard error.
pub fn show_error(error: &Error, format: Format) {
    if format == Format::Json {
        say(&error.to_json());
        return;
    }
    say(&format!("error: {}", error.message));
    for cause in &error.causes {
        say(&format!("  {cause}"));
    }
    for hint in &error.hints {
        say(&format!("hint: {hint}"));
    }
}

/// Writes a line to standard error; where nobody reads it any more, that is no failure of ours.
fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

fn print_line(line: &str) -> Result<(), Error> {
    print_text(&format!("{line}\n"))
}

/// Writes to standard output. A reader that went away has what it wanted.
fn print_text(text: &str) -> Result<(), Error> {
    print_bytes(text.as_bytes()).map(|_| ())
}

/// Writes to standard output as it is; whether there is somebody still who reads it.
pub fn print_bytes(bytes: &[u8]) -> Result<bool, Error> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Error::new(
            crate::error::Kind::Failed,
            "cannot write the answer to standard output",
        )
        .because(&error)),
    }
}

fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("views are plain data")
}

fn to_yaml(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).expect("views are plain data");
    crate::helm::yaml::to_string(&value)
}

fn no_answer(error: &dialoguer::Error) -> Error {
    let dialoguer::Error::IO(cause) = error;
    if cause.kind() == io::ErrorKind::Interrupted {
        return Error::new(crate::error::Kind::Interrupted, "interrupted");
    }
    Error::usage("there was no answer to the question")
        .because(error)
        .hint("give the answer as a flag; `--yes` consents")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn an_interruption_at_a_question_is_no_wrong_usage() {
        let kind = |cause: io::ErrorKind| no_answer(&dialoguer::Error::IO(cause.into())).kind;
        assert_eq!(kind(io::ErrorKind::Interrupted), Kind::Interrupted);
        assert_eq!(kind(io::ErrorKind::NotConnected), Kind::Usage);
    }
}
