//! The table at the end: each figure with its bound, and below it what other programs take.

use std::io::Write;

use crate::measure::Runs;

/// What a figure counts.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    Milliseconds,
    Seconds,
    Megabytes,
    Percent,
    Count,
}

impl Unit {
    fn show(self, figure: f64) -> String {
        match self {
            Self::Milliseconds => format!("{figure:.1} ms"),
            Self::Seconds => format!("{:.1} s", figure / 1000.0),
            Self::Megabytes => format!("{figure:.1} MB"),
            Self::Percent => format!("{figure:.2} %"),
            Self::Count => format!("{figure:.0}"),
        }
    }
}

/// What was measured so far.
#[derive(Default)]
pub(crate) struct Report {
    lines: Vec<[String; 6]>,
    last: Option<(f64, Unit)>,
}

impl Report {
    /// A figure of ours, with the most that it may be.
    pub(crate) fn figure(&mut self, what: &str, runs: &Runs, unit: Unit, bound: Option<f64>) {
        let median = runs.median();
        let verdict = bound.map_or("", |bound| if median <= bound { "within" } else { "OVER" });
        let bound = bound.map_or(String::new(), |bound| unit.show(bound));
        self.line([
            what.to_owned(),
            unit.show(median),
            least(runs, unit),
            runs.count().to_string(),
            bound,
            verdict.to_owned(),
        ]);
        self.last = Some((median, unit));
    }

    /// The same figure of another program.
    pub(crate) fn peer(&mut self, what: &str, runs: &Runs) {
        let Some((ours, unit)) = self.last else {
            return;
        };
        let theirs = runs.median();
        let ratio = if theirs == 0.0 {
            String::new()
        } else {
            format!("`vc` takes {:.3} of it", ours / theirs)
        };
        self.line([
            format!("  {what}"),
            unit.show(theirs),
            least(runs, unit),
            runs.count().to_string(),
            String::new(),
            ratio,
        ]);
    }

    /// The same figure of another program, of which ours may be this part at most.
    pub(crate) fn peer_within(&mut self, what: &str, runs: &Runs, part: f64) {
        self.peer(what, runs);
        let Some((ours, _)) = self.last else { return };
        if let Some(line) = self.lines.last_mut() {
            line[4] = format!("{part:.3} of it");
            let verdict = if ours <= part * runs.median() {
                "within"
            } else {
                "OVER"
            };
            line[5] = match &*line[5] {
                "" => verdict.to_owned(),
                ratio => format!("{ratio}: {verdict}"),
            };
        }
    }

    /// Another program that could not be measured.
    pub(crate) fn absent(&mut self, what: &str) {
        self.line([
            format!("  {what}"),
            "not here".to_owned(),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
        ]);
    }

    /// A figure that could not be measured, and why.
    pub(crate) fn failed(&mut self, what: &str, why: &str) {
        let first = why.lines().next().unwrap_or_default();
        self.line([
            format!("  {what}"),
            "failed".to_owned(),
            String::new(),
            String::new(),
            String::new(),
            first.to_owned(),
        ]);
    }

    /// Prints the table.
    pub(crate) fn print(&self) {
        if self.lines.is_empty() {
            return;
        }
        let heading = ["FIGURE", "MEDIAN", "LEAST", "RUNS", "BOUND", ""].map(str::to_owned);
        let lines: Vec<&[String; 6]> = std::iter::once(&heading).chain(&self.lines).collect();
        let width = |column: usize| {
            let lengths = lines.iter().map(|line| line[column].chars().count());
            lengths.max().unwrap_or_default()
        };
        let widths = [0, 1, 2, 3, 4].map(width);
        for line in lines {
            let [what, median, least, runs, bound, verdict] = line;
            let text = format!(
                "{what:0$}   {median:>1$}   {least:>2$}   {runs:>3$}   {bound:>4$}   {verdict}",
                widths[0], widths[1], widths[2], widths[3], widths[4]
            );
            writeln!(std::io::stdout(), "{}", text.trim_end()).ok();
        }
    }

    /// Keeps a line, and says it at once to whoever waits.
    fn line(&mut self, line: [String; 6]) {
        say(&format!("measured {}: {}", line[0].trim(), line[1]));
        self.lines.push(line);
    }
}

/// The least of several runs; of a single one there is nothing to say.
fn least(runs: &Runs, unit: Unit) -> String {
    if runs.count() > 1 {
        unit.show(runs.least())
    } else {
        String::new()
    }
}

/// Says something outside of the table, on standard error.
pub(crate) fn say(text: &str) {
    // Where nobody reads it, the figures do not depend on it.
    writeln!(std::io::stderr(), "{text}").ok();
}
