//! Walks through values, which may share parts and contain themselves: a small one can have no end.

use super::super::engine::Fault;

/// How deep a walk may go.
const MAX_DEPTH: usize = 1000;
/// What a walk may cost, about in bytes.
const MAX_COST: usize = 256 << 20;
/// What a value costs at least.
const COST: usize = 64;
/// What a copy of a map costs beside what is in it.
pub(super) const MAP: usize = 512;

/// The value nests deeper, or holds more, than anything readable; one that contains itself nests for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooDeep;

impl From<TooDeep> for Fault {
    fn from(_: TooDeep) -> Self {
        Self::new("the value contains itself, nests too deep, or is too large")
    }
}

/// A walk under way, which ends where Go would go on until its stack or memory ends.
pub(crate) struct Walk {
    depth: usize,
    cost: usize,
}

impl Walk {
    pub(crate) fn new() -> Self {
        Self { depth: 0, cost: 0 }
    }

    /// One level deeper, to something that costs so many bytes more.
    pub(crate) fn enter(&mut self, bytes: usize) -> Result<(), TooDeep> {
        self.depth += 1;
        self.cost = self.cost.saturating_add(bytes + COST);
        if self.depth > MAX_DEPTH || self.cost > MAX_COST {
            return Err(TooDeep);
        }
        Ok(())
    }

    /// Back again. Where a walk fails, nobody goes on with it.
    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }
}
