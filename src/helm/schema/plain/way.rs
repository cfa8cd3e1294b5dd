//! The way to a schema, along which circles are seen.

use serde_json::Value;

/// How a schema was come to.
pub(super) struct Way<'w> {
    /// How many schemas lie before it.
    pub(super) length: usize,
    /// The one before it, if both are asked about the same value.
    before: Option<(&'w Value, &'w Way<'w>)>,
}

impl<'w> Way<'w> {
    /// To the first schema.
    pub(super) const START: Self = Self {
        length: 0,
        before: None,
    };

    /// On to a schema for a value inside.
    pub(super) fn inside(&self) -> Self {
        Self {
            length: self.length + 1,
            before: None,
        }
    }

    /// On to another schema for the same value.
    pub(super) fn beside(&'w self, schema: &'w Value) -> Self {
        Self {
            length: self.length + 1,
            before: Some((schema, self)),
        }
    }

    /// Whether a schema is asked again about the same value.
    pub(super) fn has_met(&self, schema: &Value) -> bool {
        self.before
            .is_some_and(|(met, way)| std::ptr::eq(met, schema) || way.has_met(schema))
    }
}
