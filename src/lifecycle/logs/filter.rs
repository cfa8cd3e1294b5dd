//! Which lines of a log are wanted.

use std::collections::VecDeque;

use super::LogRequest;
use crate::driver::component::Lines;
use crate::host::log::LogLine;

/// Picks out lines, and of these the last ones.
pub(super) struct Filter {
    lines: Option<Lines>,
    /// How many of the last lines are kept; `None` for all, as they come.
    pub(super) keep: Option<usize>,
    kept: VecDeque<Vec<u8>>,
}

impl Filter {
    pub(super) fn new(request: &LogRequest) -> Self {
        let lines = request.component.own_lines();
        Self {
            keep: request.tail.filter(|_| lines.is_some()),
            lines,
            kept: VecDeque::new(),
        }
    }

    /// A line that is wanted at once.
    pub(super) fn take(&mut self, line: LogLine) -> Option<Vec<u8>> {
        if let Some(lines) = &mut self.lines
            && !lines.take(&line.text)
        {
            return None;
        }
        let Some(keep) = self.keep else {
            return Some(line.text);
        };
        self.kept.push_back(line.text);
        if self.kept.len() > keep {
            self.kept.pop_front();
        }
        None
    }

    /// The lines that were kept, now that no more come.
    pub(super) fn last_lines(&mut self) -> Vec<Vec<u8>> {
        self.kept.drain(..).collect()
    }
}
