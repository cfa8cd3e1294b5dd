//! Lists, which never change.

use std::ops::Deref;
use std::rc::Rc;

use super::{Pairs, TooDeep, Value};

/// A list; Go tells apart what it may hold, and an empty one from none at all.
#[derive(Clone)]
pub(crate) struct List {
    items: Rc<Vec<Value>>,
    of: Items,
    is_nil: bool,
}

/// What Go's type says about the items of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Items {
    Any,
    Strings,
    Ints,
    Lists,
    Maps,
}

impl List {
    pub(crate) fn new(items: Vec<Value>, of: Items) -> Self {
        Self {
            items: Rc::new(items),
            of,
            is_nil: false,
        }
    }

    /// Go's nil list: like an empty one, but `null` in JSON and YAML.
    pub(crate) fn nil(of: Items) -> Self {
        Self {
            is_nil: true,
            ..Self::new(Vec::new(), of)
        }
    }

    pub(crate) fn is_nil(&self) -> bool {
        self.is_nil
    }

    /// A part of the list, of the same type.
    pub(crate) fn part(&self, items: &[Value]) -> Self {
        Self::new(items.to_vec(), self.of)
    }

    /// The Go type.
    pub(super) fn type_name(&self) -> &'static str {
        match self.of {
            Items::Any => "[]interface {}",
            Items::Strings => "[]string",
            Items::Ints => "[]int",
            Items::Lists => "[][]interface {}",
            Items::Maps => "[]map[string]interface {}",
        }
    }

    pub(super) fn deep_copy_at(&self, depth: usize) -> Result<Self, TooDeep> {
        let items = self.iter().map(|item| item.deep_copy_at(depth + 1));
        Ok(Self {
            items: Rc::new(items.collect::<Result<_, _>>()?),
            ..self.clone()
        })
    }

    pub(super) fn deep_equal_but(&self, other: &Self, known: &mut Pairs) -> bool {
        self.len() == other.len()
            && (self.of, self.is_nil) == (other.of, other.is_nil)
            && self
                .iter()
                .zip(other.iter())
                .all(|(left, right)| left.deep_equal_but(right, known))
    }

    pub(crate) fn takes_any(&self) -> bool {
        self.of == Items::Any
    }
}

impl Deref for List {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.items
    }
}
