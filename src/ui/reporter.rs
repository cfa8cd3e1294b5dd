//! Progress as the user sees it: one live line on a terminal, plain lines in a pipe, JSON lines for programs.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::Format;
use crate::progress::Progress;

/// After this long without a word, what is being waited for is said again, when the clock next ticks.
const LONGEST_SILENCE: Duration = Duration::from_millis(3500);

/// A step that took less than this is not worth a line for people.
const FAST: Duration = Duration::from_millis(250);

/// Shows steps on standard error, and remembers what an interruption would leave.
pub struct Reporter {
    style: Style,
    state: Mutex<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Quiet,
    Live { has_color: bool },
    Plain,
    Json,
}

struct State {
    began: Instant,
    /// When something was last said while no step was under way.
    last_word: Instant,
    /// Whether the answer, or a question, is what the user sees now.
    is_answering: bool,
    step: Option<Step>,
    left: Option<(String, String)>,
}

struct Step {
    doing: String,
    reason: String,
    /// What to do about the reason.
    hint: String,
    began: Instant,
    last_word: Instant,
    bar: Option<ProgressBar>,
}

impl Reporter {
    pub(super) fn new(format: Format, is_quiet: bool, is_live: bool, has_color: bool) -> Self {
        let style = match format {
            _ if is_quiet => Style::Quiet,
            Format::Json => Style::Json,
            _ if is_live => Style::Live { has_color },
            _ => Style::Plain,
        };
        let now = Instant::now();
        Self {
            style,
            state: Mutex::new(State {
                began: now,
                last_word: now,
                is_answering: false,
                step: None,
                left: None,
            }),
        }
    }

    /// What is being done now, and why it takes its time.
    pub fn current(&self) -> Option<(String, Option<String>)> {
        let state = self.lock();
        let step = state.step.as_ref()?;
        Some((
            step.doing.clone(),
            Some(step.reason.clone()).filter(|reason| !reason.is_empty()),
        ))
    }

    /// What to do about what holds up the current step.
    pub fn advice(&self) -> Option<String> {
        let state = self.lock();
        let hint = state.step.as_ref().map(|step| step.hint.clone());
        hint.filter(|hint| !hint.is_empty())
    }

    /// What an interruption leaves behind, and what to type about it.
    pub fn left(&self) -> Option<(String, String)> {
        self.lock().left.clone()
    }

    /// Says again what is being waited for, if nothing was said for a while. Called by a clock.
    pub fn tick(&self) {
        let mut state = self.lock();
        let style = self.style;
        if style == Style::Quiet || state.is_answering {
            return;
        }
        let Some(step) = &mut state.step else {
            if state.last_word.elapsed() >= LONGEST_SILENCE {
                state.last_word = Instant::now();
                let seconds = state.began.elapsed().as_secs();
                if style == Style::Json {
                    write_event("waiting", "asking the host", &json!({ "seconds": seconds }));
                } else {
                    write_line(&format!("still asking the host ({seconds} s)"));
                }
            }
            return;
        };
        if step.last_word.elapsed() < LONGEST_SILENCE {
            return;
        }
        step.last_word = Instant::now();
        let seconds = step.began.elapsed().as_secs();
        match style {
            Style::Json => {
                let mut more = json!({ "seconds": seconds });
                if !step.reason.is_empty() {
                    more["reason"] = step.reason.as_str().into();
                }
                write_event("waiting", &step.doing, &more);
            }
            Style::Plain => {
                let reason = with_separator(&step.reason);
                write_line(&format!("still {} ({seconds} s){reason}", step.doing));
            }
            // Its line shows the time, and turns.
            Style::Live { .. } | Style::Quiet => {}
        }
    }

    /// Ends what is shown, before an answer or a question.
    pub(super) fn close(&self) {
        self.end();
        self.lock().is_answering = true;
    }

    /// Ends what is shown, because the command failed in it.
    pub(super) fn abandon(&self) {
        if let Some(bar) = self.lock().step.take().and_then(|step| step.bar) {
            bar.finish_and_clear();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Reporter {
    fn begin(&self, doing: &str) {
        self.end();
        let bar = match self.style {
            Style::Live { has_color } => Some(live_line(doing, has_color)),
            Style::Json => {
                write_event("begin", doing, &json!({}));
                None
            }
            Style::Plain | Style::Quiet => None,
        };
        let now = Instant::now();
        let mut state = self.lock();
        state.is_answering = false;
        state.step = Some(Step {
            doing: doing.to_owned(),
            reason: String::new(),
            hint: String::new(),
            began: now,
            last_word: now,
            bar,
        });
    }

    fn because(&self, reason: &str) {
        let mut state = self.lock();
        let Some(step) = &mut state.step else { return };
        if step.reason == reason {
            return;
        }
        reason.clone_into(&mut step.reason);
        step.hint.clear();
        let doing = &step.doing;
        match self.style {
            Style::Live { .. } => {
                if let Some(bar) = &step.bar {
                    bar.set_message(format!("{doing}{}", with_separator(reason)));
                }
            }
            // That a reason has passed is seen from what comes next.
            Style::Plain if !reason.is_empty() => {
                step.last_word = Instant::now();
                write_line(&format!("{doing}: {reason}"));
            }
            Style::Json => {
                step.last_word = Instant::now();
                write_event("because", &step.doing, &json!({ "reason": reason }));
            }
            Style::Plain | Style::Quiet => {}
        }
    }

    fn advise(&self, hint: &str) {
        if let Some(step) = &mut self.lock().step {
            hint.clone_into(&mut step.hint);
        }
    }

    fn end(&self) {
        let mut state = self.lock();
        let Some(step) = state.step.take() else {
            return;
        };
        state.last_word = Instant::now();
        drop(state);
        let took = step.began.elapsed();
        let (seconds, is_worth_a_line) = (super::seconds(took), took >= FAST);
        match self.style {
            Style::Live { .. } => {
                if let Some(bar) = step.bar {
                    bar.finish_and_clear();
                }
                if is_worth_a_line {
                    write_line(&format!("{} ({seconds:.1} s)", step.doing));
                }
            }
            Style::Plain if !is_worth_a_line => {}
            Style::Plain => write_line(&format!("{} ({seconds:.1} s)", step.doing)),
            Style::Json => write_event("end", &step.doing, &json!({ "seconds": seconds })),
            Style::Quiet => {}
        }
    }

    fn note(&self, text: &str) {
        let state = self.lock();
        match self.style {
            Style::Json => write_line(&json!({ "event": "note", "text": text }).to_string()),
            Style::Quiet => {}
            Style::Plain | Style::Live { .. } => {
                match state.step.as_ref().and_then(|step| step.bar.as_ref()) {
                    Some(bar) => bar.suspend(|| write_line(&format!("note: {text}"))),
                    None => write_line(&format!("note: {text}")),
                }
            }
        }
    }

    fn if_interrupted(&self, left: &str, hint: &str) {
        self.lock().left = Some((left.to_owned(), hint.to_owned()));
    }
}

/// A reason as it follows what it is the reason for.
fn with_separator(reason: &str) -> String {
    if reason.is_empty() {
        String::new()
    } else {
        format!(": {reason}")
    }
}

fn live_line(doing: &str, has_color: bool) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_message(doing.to_owned());
    bar.set_draw_target(ProgressDrawTarget::stderr());
    let template = if has_color {
        "{spinner:.cyan} {wide_msg} {elapsed:.dim}"
    } else {
        "{spinner} {wide_msg} {elapsed}"
    };
    bar.set_style(ProgressStyle::with_template(template).expect("the template is a constant"));
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn write_line(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

fn write_event(event: &str, step: &str, more: &serde_json::Value) {
    let mut line = json!({ "event": event, "step": step });
    if let (Some(line), Some(more)) = (line.as_object_mut(), more.as_object()) {
        line.extend(more.clone());
    }
    write_line(&line.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_is_quiet_in_every_format() {
        for format in [Format::Table, Format::Json] {
            assert!(Reporter::new(format, true, true, true).style == Style::Quiet);
        }
    }
}
