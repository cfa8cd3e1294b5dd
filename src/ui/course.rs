//! One of several things that go on at once, and the one thing that a command does otherwise, as work reports on them.

use super::Reporter;
use crate::progress::Progress;

/// The course of a command that does one thing after the other.
pub(super) const MAIN: usize = 0;

/// Work on one of several things at once, with steps of its own.
///
/// What is left in it when the command is cut off is told, until [`Course::done`].
pub struct Course<'a> {
    reporter: &'a Reporter,
    number: usize,
}

impl<'a> Course<'a> {
    pub(super) fn new(reporter: &'a Reporter, number: usize) -> Self {
        Self { reporter, number }
    }

    /// It came to its end, well or not; its last step, if that is still under way, with it.
    pub fn done(self, is_well: bool) {
        if is_well {
            self.end();
        }
        self.reporter.forget(self.number);
    }
}

impl Progress for Course<'_> {
    fn begin(&self, doing: &str) {
        self.reporter.begin_in(self.number, doing);
    }

    fn because(&self, reason: &str) {
        self.reporter.because_in(self.number, reason);
    }

    fn advise(&self, hint: &str) {
        self.reporter.advise_in(self.number, hint);
    }

    fn end(&self) {
        self.reporter.end_in(self.number);
    }

    fn note(&self, text: &str) {
        self.reporter.tell(text);
    }

    fn if_interrupted(&self, left: &str, hint: &str) {
        self.reporter.leave_in(self.number, left, hint);
    }
}

impl Progress for Reporter {
    fn begin(&self, doing: &str) {
        self.begin_in(MAIN, doing);
    }

    fn because(&self, reason: &str) {
        self.because_in(MAIN, reason);
    }

    fn advise(&self, hint: &str) {
        self.advise_in(MAIN, hint);
    }

    fn end(&self) {
        self.end_in(MAIN);
    }

    fn note(&self, text: &str) {
        self.tell(text);
    }

    fn if_interrupted(&self, left: &str, hint: &str) {
        self.leave_in(MAIN, left, hint);
    }
}
