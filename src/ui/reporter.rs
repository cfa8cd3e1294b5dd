//! Progress as the user sees it: live lines on a terminal, plain lines in a pipe, JSON lines for programs.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::Format;
use super::course::{self, Course};

/// After this long without a word, what is being waited for is said again, when the clock next ticks.
const LONGEST_SILENCE: Duration = Duration::from_millis(3500);

/// A step that took less than this is not worth a line for people.
const FAST: Duration = Duration::from_millis(250);

/// Shows steps on standard error, and remembers what an interruption would leave.
pub struct Reporter {
    style: Style,
    /// The live lines, which keep out of each other's way.
    lines: MultiProgress,
    next_course: AtomicUsize,
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
    /// The step of each course that is under way.
    steps: BTreeMap<usize, Step>,
    /// What an interruption of each course would leave, and what to type about it.
    left: BTreeMap<usize, (String, String)>,
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
            lines: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
            next_course: AtomicUsize::new(course::MAIN + 1),
            state: Mutex::new(State {
                began: now,
                last_word: now,
                is_answering: false,
                steps: BTreeMap::new(),
                left: BTreeMap::new(),
            }),
        }
    }

    /// Work that goes on beside other work.
    pub fn course(&self) -> Course<'_> {
        Course::new(self, self.next_course.fetch_add(1, Ordering::Relaxed))
    }

    /// What is being done now, and why it takes its time; of several things, one with a reason first.
    pub fn current(&self) -> Vec<(String, Option<String>)> {
        let state = self.lock();
        let mut steps: Vec<&Step> = state.steps.values().collect();
        steps.sort_by_key(|step| step.reason.is_empty());
        let told = |step: &Step| {
            let reason = Some(step.reason.clone()).filter(|reason| !reason.is_empty());
            (step.doing.clone(), reason)
        };
        steps.into_iter().map(told).collect()
    }

    /// What to do about what holds up the steps under way.
    pub fn advice(&self) -> Vec<String> {
        let state = self.lock();
        let mut hints = Vec::new();
        for Step { hint, .. } in state.steps.values() {
            if !hint.is_empty() && !hints.contains(hint) {
                hints.push(hint.clone());
            }
        }
        hints
    }

    /// What an interruption leaves behind, and what to type about it.
    pub fn left(&self) -> Vec<(String, String)> {
        self.lock().left.values().cloned().collect()
    }

    /// Says again what is being waited for, if nothing was said of it for a while; at most one thing at a time.
    /// Called by a clock.
    pub fn tick(&self) {
        let mut state = self.lock();
        let style = self.style;
        if style == Style::Quiet || state.is_answering {
            return;
        }
        if state.steps.is_empty() {
            if state.last_word.elapsed() >= LONGEST_SILENCE {
                state.last_word = Instant::now();
                let seconds = state.began.elapsed().as_secs();
                if style == Style::Json {
                    write_event("waiting", "asking the host", &json!({ "seconds": seconds }));
                } else {
                    self.write_line(&format!("still asking the host ({seconds} s)"));
                }
            }
            return;
        }
        let longest = state.steps.values_mut().min_by_key(|step| step.last_word);
        let Some(step) = longest.filter(|step| step.last_word.elapsed() >= LONGEST_SILENCE) else {
            return;
        };
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
                self.write_line(&format!("still {} ({seconds} s){reason}", step.doing));
            }
            // Its line shows the time, and turns.
            Style::Live { .. } | Style::Quiet => {}
        }
    }

    /// Ends what is shown, before an answer or a question.
    pub(super) fn close(&self) {
        let courses: Vec<usize> = self.lock().steps.keys().copied().collect();
        for course in courses {
            self.end_in(course);
        }
        self.lock().is_answering = true;
    }

    /// Ends what is shown, because the command failed in it.
    pub(super) fn abandon(&self) {
        for step in std::mem::take(&mut self.lock().steps).into_values() {
            if let Some(bar) = step.bar {
                bar.finish_and_clear();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin_in(&self, course: usize, doing: &str) {
        self.end_in(course);
        let bar = match self.style {
            Style::Live { has_color } => Some(self.live_line(doing, has_color)),
            Style::Json => {
                write_event("begin", doing, &json!({}));
                None
            }
            Style::Plain | Style::Quiet => None,
        };
        let now = Instant::now();
        let mut state = self.lock();
        state.is_answering = false;
        let step = Step {
            doing: doing.to_owned(),
            reason: String::new(),
            hint: String::new(),
            began: now,
            last_word: now,
            bar,
        };
        state.steps.insert(course, step);
    }

    pub(super) fn because_in(&self, course: usize, reason: &str) {
        let mut state = self.lock();
        let Some(step) = state.steps.get_mut(&course) else {
            return;
        };
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
                self.write_line(&format!("{doing}: {reason}"));
            }
            Style::Json => {
                step.last_word = Instant::now();
                write_event("because", &step.doing, &json!({ "reason": reason }));
            }
            Style::Plain | Style::Quiet => {}
        }
    }

    pub(super) fn advise_in(&self, course: usize, hint: &str) {
        if let Some(step) = self.lock().steps.get_mut(&course) {
            hint.clone_into(&mut step.hint);
        }
    }

    pub(super) fn end_in(&self, course: usize) {
        let mut state = self.lock();
        let Some(step) = state.steps.remove(&course) else {
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
                    self.write_line(&format!("{} ({seconds:.1} s)", step.doing));
                }
            }
            Style::Plain if !is_worth_a_line => {}
            Style::Plain => self.write_line(&format!("{} ({seconds:.1} s)", step.doing)),
            Style::Json => write_event("end", &step.doing, &json!({ "seconds": seconds })),
            Style::Quiet => {}
        }
    }

    /// What an interruption of a course leaves from here on.
    pub(super) fn leave_in(&self, course: usize, left: &str, hint: &str) {
        let left = (left.to_owned(), hint.to_owned());
        self.lock().left.insert(course, left);
    }

    /// A course came to its end: nothing of it is under way or left any more.
    pub(super) fn forget(&self, course: usize) {
        let mut state = self.lock();
        state.left.remove(&course);
        if let Some(bar) = state.steps.remove(&course).and_then(|step| step.bar) {
            bar.finish_and_clear();
        }
    }

    pub(super) fn tell(&self, text: &str) {
        match self.style {
            Style::Json => write_line(&json!({ "event": "note", "text": text }).to_string()),
            Style::Quiet => {}
            Style::Plain | Style::Live { .. } => self.write_line(&format!("note: {text}")),
        }
    }

    /// Writes a line, above those that are live.
    fn write_line(&self, line: &str) {
        match self.style {
            Style::Live { .. } => self.lines.suspend(|| write_line(line)),
            _ => write_line(line),
        }
    }

    fn live_line(&self, doing: &str, has_color: bool) -> ProgressBar {
        let bar = ProgressBar::new_spinner().with_message(doing.to_owned());
        let template = if has_color {
            "{spinner:.cyan} {wide_msg} {elapsed:.dim}"
        } else {
            "{spinner} {wide_msg} {elapsed}"
        };
        bar.set_style(ProgressStyle::with_template(template).expect("the template is a constant"));
        let bar = self.lines.add(bar);
        bar.enable_steady_tick(Duration::from_millis(100));
        bar
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
