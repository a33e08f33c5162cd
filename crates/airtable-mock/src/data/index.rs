//! Places in lists: the bases of a server, the tables of a base, the fields, views and records of a table.
//!
//! Each kind of list has an index of its own, so that a table's place cannot be taken for a field's. Indices are
//! made where something is pushed or found, and stay right: what is removed leaves its place empty, but for
//! tables, after whose removal everything is planned anew.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// An index, by its number.
pub(crate) trait Numbered: Copy {
    fn of(number: usize) -> Self;
    fn number(self) -> usize;
}

/// A base of a store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BaseIndex(u32);

/// A table of a base.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TableIndex(u32);

/// A field of a table, removed ones included: a table has at most 500 live fields, and never 65,536 in its life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FieldIndex(u16);

/// A view of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ViewIndex(u32);

/// Where a record of a table is kept, which is also the order of creation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Slot(u32);

macro_rules! numbered {
    ($($index:ident($number:ty)),*) => {
        $(impl Numbered for $index {
            fn of(number: usize) -> Self {
                Self(<$number>::try_from(number).expect("lists are much shorter than their indices could count"))
            }

            fn number(self) -> usize {
                self.0 as usize
            }
        })*
    };
}

numbered!(BaseIndex(u32), TableIndex(u32), FieldIndex(u16), ViewIndex(u32), Slot(u32));

impl FieldIndex {
    /// From the form in which cells are packed.
    pub(crate) fn from_le_bytes(bytes: [u8; 2]) -> Self {
        Self(u16::from_le_bytes(bytes))
    }

    pub(crate) fn to_le_bytes(self) -> [u8; 2] {
        self.0.to_le_bytes()
    }
}

/// The first so many indices.
pub(crate) fn first<I: Numbered>(count: usize) -> impl DoubleEndedIterator<Item = I> {
    (0..count).map(I::of)
}

/// A list whose items are named by an index of its own.
#[derive(Clone)]
pub(crate) struct List<I, T> {
    items: Vec<T>,
    index: PhantomData<I>,
}

impl<I: Numbered, T> List<I, T> {
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(crate) fn get(&self, index: I) -> Option<&T> {
        self.items.get(index.number())
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.items.iter_mut()
    }

    /// All items with their indices.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (I, &T)> {
        self.items.iter().enumerate().map(|(number, item)| (I::of(number), item))
    }

    /// All indices; the list is free meanwhile.
    pub(crate) fn indices(&self) -> impl DoubleEndedIterator<Item = I> + use<I, T> {
        first(self.items.len())
    }

    /// The first item that passes a test.
    pub(crate) fn position(&self, test: impl FnMut(&T) -> bool) -> Option<I> {
        self.items.iter().position(test).map(I::of)
    }

    pub(crate) fn push(&mut self, item: T) -> I {
        self.items.push(item);
        I::of(self.items.len() - 1)
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        self.items.pop()
    }

    /// Takes an item out; those after it move up.
    pub(crate) fn remove(&mut self, index: I) -> T {
        self.items.remove(index.number())
    }

    pub(crate) fn reserve(&mut self, more: usize) {
        self.items.reserve(more);
    }
}

impl<I, T> Default for List<I, T> {
    fn default() -> Self {
        Self { items: Vec::new(), index: PhantomData }
    }
}

impl<I, T: fmt::Debug> fmt::Debug for List<I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.items.fmt(f)
    }
}

impl<I: Numbered, T> Index<I> for List<I, T> {
    type Output = T;

    fn index(&self, index: I) -> &T {
        &self.items[index.number()]
    }
}

impl<I: Numbered, T> IndexMut<I> for List<I, T> {
    fn index_mut(&mut self, index: I) -> &mut T {
        &mut self.items[index.number()]
    }
}

impl<I, T> Extend<T> for List<I, T> {
    fn extend<A: IntoIterator<Item = T>>(&mut self, items: A) {
        self.items.extend(items);
    }
}

impl<I, T> FromIterator<T> for List<I, T> {
    fn from_iter<A: IntoIterator<Item = T>>(items: A) -> Self {
        Self { items: items.into_iter().collect(), index: PhantomData }
    }
}

impl<I, T> IntoIterator for List<I, T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'l, I, T> IntoIterator for &'l List<I, T> {
    type Item = &'l T;
    type IntoIter = std::slice::Iter<'l, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

impl<'l, I, T> IntoIterator for &'l mut List<I, T> {
    type Item = &'l mut T;
    type IntoIter = std::slice::IterMut<'l, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter_mut()
    }
}
