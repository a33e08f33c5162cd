//! One record, and the records of one table.
//!
//! Records live in slots that are never reused: the order of slots is the order of creation, a frozen
//! listing is a list of slots, and a deleted record leaves an empty slot that such a listing skips.
//! Who edited which field and when is kept only for records that were edited after their creation.

use std::collections::HashMap;

use super::cells::Cells;
use super::id::RecordId;
use super::index::{FieldIndex, List, Slot};

/// The last edit of one field of one record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Edit {
    pub(crate) field: FieldIndex,
    pub(crate) ms: i64,
    pub(crate) person: u16,
}

/// One record of a table.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) id: RecordId,
    pub(crate) created_ms: i64,
    pub(crate) auto_number: u32,
    pub(crate) created_by: u16,
    pub(crate) cells: Cells,
    /// Boxed twice on purpose: most records are never edited, and one word is less than three.
    #[allow(clippy::box_collection)]
    pub(crate) edits: Option<Box<Vec<Edit>>>,
}

impl Record {
    /// Notes an edit of a field by a person.
    pub(crate) fn note_edit(&mut self, edit: Edit) {
        let edits = self.edits.get_or_insert_default();
        match edits.iter_mut().find(|old| old.field == edit.field) {
            Some(old) => *old = edit,
            None => edits.push(edit),
        }
    }

    /// The latest edit of any of these fields; of any field at all if the list is empty.
    pub(crate) fn last_edit(&self, fields: &[FieldIndex]) -> Option<Edit> {
        let of_interest = |edit: &&Edit| fields.is_empty() || fields.contains(&edit.field);
        self.edits.as_deref()?.iter().filter(of_interest).max_by_key(|edit| edit.ms).copied()
    }
}

/// What readers still see of a record that was changed a moment ago.
#[derive(Debug, Clone)]
struct Unsettled {
    visible_at_ms: i64,
    before: Option<Record>,
}

/// All records of a table, by slot.
#[derive(Debug, Clone, Default)]
pub(crate) struct Records {
    slots: List<Slot, Option<Record>>,
    by_id: HashMap<RecordId, Slot>,
    unsettled: HashMap<Slot, Unsettled>,
}

impl Records {
    /// All slots, empty ones included: a listing of everything.
    pub(crate) fn slots(&self) -> impl DoubleEndedIterator<Item = Slot> + use<> {
        self.slots.indices()
    }

    /// How many slots there are.
    pub(crate) fn end(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn reserve(&mut self, more: usize) {
        self.slots.reserve(more);
        self.by_id.reserve(more);
    }

    pub(crate) fn push(&mut self, record: Record) -> Slot {
        let id = record.id;
        let slot = self.slots.push(Some(record));
        self.by_id.insert(id, slot);
        slot
    }

    pub(crate) fn remove(&mut self, id: RecordId) -> Option<Record> {
        let slot = self.by_id.remove(&id)?;
        self.slots[slot].take()
    }

    pub(crate) fn slot_of(&self, id: RecordId) -> Option<Slot> {
        self.by_id.get(&id).copied()
    }

    pub(crate) fn get(&self, id: RecordId) -> Option<&Record> {
        self.at(self.slot_of(id)?)
    }

    pub(crate) fn get_mut(&mut self, id: RecordId) -> Option<&mut Record> {
        let slot = self.slot_of(id)?;
        self.slots[slot].as_mut()
    }

    pub(crate) fn at(&self, slot: Slot) -> Option<&Record> {
        self.slots.get(slot)?.as_ref()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Record> {
        self.slots.iter().flatten()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Record> {
        self.slots.iter_mut().flatten()
    }

    /// What a reader sees in this slot at this time, given that changes take a while to show.
    pub(crate) fn seen(&self, slot: Slot, now_ms: i64) -> Option<&Record> {
        if !self.unsettled.is_empty()
            && let Some(change) = self.unsettled.get(&slot)
            && change.visible_at_ms > now_ms
        {
            return change.before.as_ref();
        }
        self.at(slot)
    }

    /// Remembers what readers keep seeing in a slot until `visible_at_ms`.
    pub(crate) fn unsettle(&mut self, slot: Slot, before: Option<Record>, visible_at_ms: i64, now_ms: i64) {
        self.unsettled.retain(|_, change| change.visible_at_ms > now_ms);
        self.unsettled.entry(slot).or_insert(Unsettled { visible_at_ms, before });
    }
}
