//! Lists, which never change.

use std::ops::Deref;
use std::rc::Rc;

use super::room::{Item, room_for};
use super::{Address, Entries, Map, Pairs, TooDeep, Value, Walk, release};

/// A list, or a part of one; Go tells apart what it may hold, and an empty one from none at all.
#[derive(Clone)]
pub(crate) struct List {
    whole: Rc<Whole>,
    start: usize,
    end: usize,
}

/// What parts of a list have in common.
struct Whole {
    items: Vec<Value>,
    of: Items,
    is_nil: bool,
    /// How many items Go has room for; a slice reaches up to there.
    room: usize,
}

impl Drop for Whole {
    fn drop(&mut self) {
        release(std::mem::take(&mut self.items).into_iter());
    }
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

impl Items {
    /// What Go fills room with.
    fn zero(self) -> Value {
        match self {
            Self::Any => Value::Nil,
            Self::Strings => "".into(),
            Self::Ints => Value::Int(0),
            Self::Lists => Value::List(List::nil(Self::Any)),
            Self::Maps => Value::Map(Map::nil(Entries::Any)),
        }
    }

    /// An item in Go's memory.
    fn in_memory(self) -> Item {
        Item {
            size: match self {
                Self::Any | Self::Strings => 16,
                Self::Lists => 24,
                Self::Ints | Self::Maps => 8,
            },
            has_pointers: self != Self::Ints,
        }
    }
}

impl List {
    /// A list without more room than its items take.
    pub(crate) fn new(items: Vec<Value>, of: Items) -> Self {
        Self::with_room(items, of, 0)
    }

    /// A list that Go makes with so much room and appends to, item by item.
    pub(crate) fn appended(items: Vec<Value>, of: Items, room: usize) -> Self {
        let room = room_for(items.len(), room, 1, of.in_memory());
        Self::with_room(items, of, room)
    }

    /// Two lists, the second of which Go appends as a whole to the first, which has no more room.
    pub(crate) fn joined(first: &[Value], second: &[Value]) -> Self {
        let items = [first, second].concat();
        let room = room_for(
            items.len(),
            first.len(),
            second.len(),
            Items::Any.in_memory(),
        );
        Self::with_room(items, Items::Any, room)
    }

    /// A list with room for so many items, or as many as there are.
    pub(crate) fn with_room(items: Vec<Value>, of: Items, room: usize) -> Self {
        Self {
            start: 0,
            end: items.len(),
            whole: Rc::new(Whole {
                room: room.max(items.len()),
                items,
                of,
                is_nil: false,
            }),
        }
    }

    /// Go's nil list: like an empty one, but `null` in JSON and YAML.
    pub(crate) fn nil(of: Items) -> Self {
        let whole = Whole {
            items: Vec::new(),
            of,
            is_nil: true,
            room: 0,
        };
        Self {
            whole: Rc::new(whole),
            start: 0,
            end: 0,
        }
    }

    pub(crate) fn is_nil(&self) -> bool {
        self.whole.is_nil
    }

    /// A part of the list and of the room behind it, as far as that goes.
    pub(crate) fn part(&self, start: usize, end: usize) -> Option<Self> {
        let Whole {
            items, of, room, ..
        } = &*self.whole;
        if start > end || end > room - self.start {
            return None;
        }
        let (start, end) = (self.start + start, self.start + end);
        if end <= items.len() {
            return Some(Self {
                whole: self.whole.clone(),
                start,
                end,
            });
        }
        let mut filled = items.get(start..).unwrap_or_default().to_vec();
        filled.resize(end - start, of.zero());
        Some(Self::with_room(filled, *of, room - start))
    }

    /// The Go type.
    pub(super) fn type_name(&self) -> &'static str {
        match self.whole.of {
            Items::Any => "[]interface {}",
            Items::Strings => "[]string",
            Items::Ints => "[]int",
            Items::Lists => "[][]interface {}",
            Items::Maps => "[]map[string]interface {}",
        }
    }

    pub(super) fn deep_copy_on(&self, walk: &mut Walk) -> Result<Self, TooDeep> {
        if self.is_nil() {
            return Ok(self.clone());
        }
        let items = self.iter().map(|item| item.deep_copy_on(walk));
        let items = items.collect::<Result<_, _>>()?;
        let room = self.whole.room - self.start;
        Ok(Self::with_room(items, self.whole.of, room))
    }

    pub(super) fn deep_equal_but(
        &self,
        other: &Self,
        known: &mut Pairs,
        walk: &mut Walk,
    ) -> Result<bool, TooDeep> {
        if self.len() != other.len()
            || (self.whole.of, self.is_nil()) != (other.whole.of, other.is_nil())
        {
            return Ok(false);
        }
        let pair = (self.address(), other.address());
        if pair.0 == pair.1 || !known.insert(pair) {
            return Ok(true);
        }
        for (left, right) in self.iter().zip(other.iter()) {
            if !left.deep_equal_but(right, known, walk)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn address(&self) -> Address {
        (Rc::as_ptr(&self.whole).addr(), self.start, self.end)
    }

    /// Moves the lists and maps in it out, if nobody else holds it.
    pub(super) fn take_nested(&mut self, into: &mut Vec<Value>) {
        if let Some(whole) = Rc::get_mut(&mut self.whole) {
            into.extend(
                std::mem::take(&mut whole.items)
                    .into_iter()
                    .filter(Value::nests),
            );
        }
    }

    pub(crate) fn takes_any(&self) -> bool {
        self.whole.of == Items::Any
    }
}

impl Deref for List {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.whole.items[self.start..self.end]
    }
}
