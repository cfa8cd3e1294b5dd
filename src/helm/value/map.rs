//! Maps, which are shared and change for all who hold them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Pairs, TooDeep, Value, Walk, release};

/// A map that all its holders see change.
#[derive(Clone, Default)]
pub(crate) struct Map {
    entries: Rc<Shared>,
    of: Entries,
    is_nil: bool,
}

/// What all holders of a map have in common.
#[derive(Default)]
struct Shared(RefCell<BTreeMap<Rc<str>, Value>>);

impl Drop for Shared {
    fn drop(&mut self) {
        release(self.0.take().into_values());
    }
}

/// What Go's type says about a map with string keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Entries {
    #[default]
    Any,
    /// Helm's `common.Values`: the same as any, but by another name.
    Values,
    /// Text only; what is missing is empty text.
    Strings,
}

impl Map {
    /// A map of text, such as `split` yields.
    pub(crate) fn of_strings<K: Into<Rc<str>>>(
        entries: impl IntoIterator<Item = (K, String)>,
    ) -> Self {
        let entries = entries.into_iter().map(|(key, text)| (key, text.into()));
        Self {
            of: Entries::Strings,
            ..entries.collect()
        }
    }

    /// Go's nil map: like an empty one, but `null` in JSON and YAML.
    pub(crate) fn nil(of: Entries) -> Self {
        Self {
            of,
            is_nil: true,
            ..Self::default()
        }
    }

    pub(crate) fn is_nil(&self) -> bool {
        self.is_nil
    }

    /// The same map under Helm's name for values.
    pub(crate) fn as_values(&self) -> Self {
        Self {
            of: Entries::Values,
            ..self.clone()
        }
    }

    /// The Go type.
    pub(super) fn type_name(&self) -> &'static str {
        match self.of {
            Entries::Any => "map[string]interface {}",
            Entries::Values => "common.Values",
            Entries::Strings => "map[string]string",
        }
    }

    pub(super) fn deep_equal_but(
        &self,
        other: &Self,
        known: &mut Pairs,
        walk: &mut Walk,
    ) -> Result<bool, TooDeep> {
        if (self.of, self.is_nil, self.len()) != (other.of, other.is_nil, other.len()) {
            return Ok(false);
        }
        let pair = ((self.address(), 0, 0), (other.address(), 0, 0));
        if self.is_same(other) || !known.insert(pair) {
            return Ok(true);
        }
        for (key, value) in self.entries() {
            match other.get(&key) {
                Some(other) if value.deep_equal_but(&other, known, walk)? => {}
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    pub(crate) fn of(&self) -> Entries {
        self.of
    }

    /// What a field or an index yields, whether or not the key is there.
    pub(crate) fn field(&self, key: &str) -> Value {
        self.get(key).unwrap_or_else(|| match self.of {
            Entries::Any | Entries::Values => Value::Nil,
            Entries::Strings => "".into(),
        })
    }

    /// The value of `key`.
    pub(crate) fn get(&self, key: &str) -> Option<Value> {
        self.entries.0.borrow().get(key).cloned()
    }

    pub(crate) fn insert(&self, key: impl Into<Rc<str>>, value: impl Into<Value>) {
        self.entries.0.borrow_mut().insert(key.into(), value.into());
    }

    pub(crate) fn remove(&self, key: &str) {
        self.entries.0.borrow_mut().remove(key);
    }

    pub(crate) fn contains_key(&self, key: &str) -> bool {
        self.entries.0.borrow().contains_key(key)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.0.borrow().len()
    }

    /// The entries as they are now, in key order; later changes do not show.
    pub(crate) fn entries(&self) -> Vec<(Rc<str>, Value)> {
        self.entries
            .0
            .borrow()
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    /// Takes everything out, for all who hold it.
    pub(crate) fn clear(&self) {
        self.entries.0.take();
    }

    /// Whether both are the same map, not merely equal ones.
    pub(crate) fn is_same(&self, other: &Map) -> bool {
        Rc::ptr_eq(&self.entries, &other.entries)
    }

    /// What tells the map from every other one there is.
    pub(super) fn address(&self) -> usize {
        Rc::as_ptr(&self.entries).addr()
    }

    pub(super) fn deep_copy_on(&self, walk: &mut Walk) -> Result<Self, TooDeep> {
        let entries = self.entries().into_iter();
        let copies = entries.map(|(key, value)| Ok((key, value.deep_copy_on(walk)?)));
        Ok(Self {
            of: self.of,
            is_nil: self.is_nil,
            ..copies.collect::<Result<_, _>>()?
        })
    }

    /// Moves the lists and maps in it out, if nobody else holds it.
    pub(super) fn take_nested(&mut self, into: &mut Vec<Value>) {
        if let Some(shared) = Rc::get_mut(&mut self.entries) {
            let values = std::mem::take(shared.0.get_mut()).into_values();
            into.extend(values.filter(Value::nests));
        }
    }
}

impl<K: Into<Rc<str>>> FromIterator<(K, Value)> for Map {
    fn from_iter<T: IntoIterator<Item = (K, Value)>>(entries: T) -> Self {
        let map = entries
            .into_iter()
            .map(|(key, value)| (key.into(), value))
            .collect();
        Self {
            entries: Rc::new(Shared(RefCell::new(map))),
            ..Self::default()
        }
    }
}
