//! What one render may use, so that no chart can hurt the machine.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How often a template may be under execution at once; Helm has the same limit.
const MAX_INCLUDES: usize = 1000;
/// How much text one render may produce, included text counted each time.
pub(super) const MAX_OUTPUT: usize = 256 << 20;
/// How many rounds all loops of a render may make together.
const MAX_ROUNDS: usize = 10_000_000;
/// How long one render may take.
const MAX_TIME: Duration = Duration::from_secs(30);
/// How often the clock is looked at.
const ROUNDS_BETWEEN_LOOKS: usize = 1024;
/// How much stack must be left to go deeper; the largest step needs far less.
const STACK_RESERVE: usize = 1 << 20;

/// Counts what a render has used.
pub(super) struct Limits {
    started: Instant,
    includes: HashMap<Rc<str>, usize>,
    written: usize,
    steps: usize,
}

impl Limits {
    /// To be made where the render begins.
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            includes: HashMap::new(),
            written: 0,
            steps: 0,
        }
    }

    pub(super) fn enter(&mut self, name: &Rc<str>) -> Result<(), String> {
        let count = self.includes.entry(name.clone()).or_insert(0);
        if *count > MAX_INCLUDES {
            return Err(format!(
                "rendering template has a nested reference name: `{name}` includes itself more than {MAX_INCLUDES} levels deep"
            ));
        }
        *count += 1;
        Ok(())
    }

    pub(super) fn leave(&mut self, name: &Rc<str>) {
        if let Some(count) = self.includes.get_mut(name) {
            *count -= 1;
        }
    }

    pub(super) fn write(&mut self, length: usize) -> Result<(), String> {
        self.written += length;
        if self.written > MAX_OUTPUT {
            return Err(format!(
                "the chart produces more than {} MiB",
                MAX_OUTPUT >> 20
            ));
        }
        Ok(())
    }

    /// One round of a loop, or one call.
    pub(super) fn step(&mut self) -> Result<(), String> {
        self.steps += 1;
        if self.steps > MAX_ROUNDS {
            return Err(format!(
                "the loops and calls of the chart make more than {MAX_ROUNDS} rounds"
            ));
        }
        if self.steps.is_multiple_of(ROUNDS_BETWEEN_LOOKS) && self.started.elapsed() > MAX_TIME {
            return Err(format!(
                "the chart takes longer than {} s",
                MAX_TIME.as_secs()
            ));
        }
        Ok(())
    }
}

/// Whether there is stack enough to go one level deeper.
pub(super) fn has_stack() -> bool {
    // Where nobody knows, the bound on includes has to do.
    stacker::remaining_stack().is_none_or(|left| left > STACK_RESERVE)
}
