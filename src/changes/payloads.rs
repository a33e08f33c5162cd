//! Payloads of a webhook -> which records changed or went, and when. Pure.
//!
//! Payloads tell cells in another form than records do, and only those that changed. So they are taken for no more than
//! which records changed: these are read again by id, and their cells have the form that they have everywhere.

use std::collections::{BTreeMap, HashSet};

use crate::airtable::payload::{Payload, RecordChange};
use crate::changes::offset::Unread;
use crate::scan::selection::MOST_LOOKED_FOR;
use crate::scan::{Column, Listed, Scan, Source};
use crate::time::Micros;

/// What is known of a record after some payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Change {
    at: Micros,
    word: Word,
    /// The transaction that said so: its number, or that of the payload where it has none.
    transaction: Transaction,
}

/// What was said last of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// Nothing: it is read anyhow.
    None,
    /// Nothing since a payload before these said that it is there, and it could not be read.
    Awaited,
    Changed,
    Created,
    Gone,
    /// Created and destroyed in one transaction, whose order is not told.
    CreatedAndGone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transaction {
    Of(u64),
    Payload(u64),
}

impl Word {
    /// What two words of one transaction come to. A record that went cannot be edited after that, but can come back.
    fn with(self, next: Self) -> Self {
        match (self, next) {
            (Self::Created | Self::CreatedAndGone, Self::Gone)
            | (Self::Gone | Self::CreatedAndGone, Self::Created)
            | (Self::CreatedAndGone, Self::Changed) => Self::CreatedAndGone,
            (Self::Gone, Self::Changed) => Self::Gone,
            (Self::Created, Self::Changed) => Self::Created,
            _ => next,
        }
    }

    /// What a word of a later transaction makes of it.
    fn then(self, next: Self) -> Self {
        match (self, next) {
            // It has not been read since it was created.
            (Self::Created | Self::CreatedAndGone, Self::Changed) => Self::Created,
            _ => next,
        }
    }
}

/// What some payloads say of one table: for each record only the last.
#[derive(Debug, Clone)]
pub(super) struct Changed {
    /// The fields that are read; none where a change of any of them matters.
    fields: Option<HashSet<String>>,
    /// The fields of the plan.
    planned: HashSet<String>,
    records: BTreeMap<String, Change>,
    payloads: u64,
    /// Something was said of the table's definition.
    pub(super) definition: bool,
    /// The table has got a field that is not in the plan.
    pub(super) new_field: bool,
    /// When the last change was made.
    pub(super) newest: Option<Micros>,
}

impl Changed {
    pub(super) fn new(plan: &Scan) -> Self {
        // Whether a record is in a view or fulfils a formula may depend on fields that are not read; what a condition
        // depends on is read.
        let all = plan.has_all_fields || plan.view_id.is_some() || plan.filter_formula.is_some();
        let is_field = |column: &Column| matches!(column.source, Source::Field(_));
        let has_field = plan.decoded().columns.iter().any(is_field);
        let fields = (!all && has_field).then(|| plan.field_ids().into_iter().map(str::to_owned).collect());
        Self {
            fields,
            planned: plan.field_ids().into_iter().map(str::to_owned).collect(),
            records: BTreeMap::new(),
            payloads: 0,
            definition: false,
            new_field: false,
            newest: None,
        }
    }

    /// Takes the next payload; `fallback` is its time if it tells none.
    ///
    /// # Errors
    /// Why what it says of the table cannot be read: then changes are lost, and nothing is taken.
    pub(super) fn add<'p>(&mut self, payload: &'p Payload, fallback: Micros) -> Result<(), &'p str> {
        let change = payload.change()?;
        let at = payload.at().unwrap_or(fallback);
        self.newest = self.newest.max(Some(at));
        self.payloads += 1;
        let transaction = payload.base_transaction_number.map_or(Transaction::Payload(self.payloads), Transaction::Of);
        self.new_field |= change.created_fields.keys().any(|id| !self.planned.contains(id));
        self.definition |= change.definition;
        for id in change.created_records.keys() {
            self.note(id, Change { at, word: Word::Created, transaction });
        }
        for (id, record) in &change.changed_records {
            if self.matters(record.as_ref()) {
                self.note(id, Change { at, word: Word::Changed, transaction });
            }
        }
        for id in &change.destroyed_records {
            self.note(id, Change { at, word: Word::Gone, transaction });
        }
        Ok(())
    }

    fn note(&mut self, id: &str, change: Change) {
        let word = match self.records.get(id) {
            None => change.word,
            Some(last) if last.transaction == change.transaction => last.word.with(change.word),
            Some(last) => last.word.then(change.word),
        };
        self.records.insert(id.to_owned(), Change { word, ..change });
    }

    fn matters(&self, record: Option<&RecordChange>) -> bool {
        match (&self.fields, record.and_then(RecordChange::fields)) {
            (Some(fields), Some(mut changed)) => changed.any(|id| fields.contains(id)),
            _ => true,
        }
    }

    /// Records so far.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// Those that are there as far as the payloads know.
    pub(super) fn present(&self) -> impl Iterator<Item = String> {
        self.records.iter().filter(|(_, change)| change.word != Word::Gone).map(|(id, _)| id.clone())
    }

    /// Records that were to be read anyhow, as of a time before all payloads.
    pub(super) fn also(&mut self, ids: impl IntoIterator<Item = String>, at: Micros) {
        for id in ids {
            self.also_as(id, at, Word::None);
        }
    }

    /// Records that were told of before all payloads and could not be read.
    pub(super) fn also_awaited(&mut self, unread: &Unread) {
        for (id, at) in unread {
            self.also_as(id.clone(), *at, Word::Awaited);
        }
    }

    /// Records that were created before all payloads, as others say.
    pub(super) fn also_created(&mut self, earlier: Self) {
        for (id, change) in earlier.records {
            if matches!(change.word, Word::Created | Word::CreatedAndGone) {
                self.records.entry(id).or_insert(change);
            }
        }
    }

    /// The same changes, none of them earlier than a time.
    pub(super) fn no_earlier_than(mut self, at: Micros) -> Self {
        for change in self.records.values_mut() {
            change.at = change.at.max(at);
        }
        self
    }

    fn also_as(&mut self, id: String, at: Micros, word: Word) {
        self.records.entry(id).or_insert(Change { at, word, transaction: Transaction::Payload(0) });
    }

    /// The records, told of no earlier than at a time, of which it is not certain that they can be read already. Those
    /// that may leave what is read are so only when they are created, and so are those of a great many edits: a record
    /// that was there before can be read, but for its newest cells, and the read itself looks again for some seconds.
    pub(super) fn unsure(&self, plan: &Scan, since: Micros) -> Unread {
        if plan.only_gone && !may_leave(plan) {
            return Unread::new();
        }
        let told_as = |word| self.records.iter().filter(move |(_, change)| change.word == word && change.at >= since);
        let edited = told_as(Word::Changed).take(MOST_LOOKED_FOR + 1).count();
        let edited = if may_leave(plan) || edited > MOST_LOOKED_FOR { 0 } else { edited };
        let unsure = told_as(Word::Created).chain(told_as(Word::Changed).take(edited));
        unsure.map(|(id, change)| (id.clone(), change.at)).collect()
    }

    /// Those that are still awaited: no payload has said more of them.
    pub(super) fn awaited(&self) -> Unread {
        let awaited = self.records.iter().filter(|(_, change)| change.word == Word::Awaited);
        awaited.map(|(id, change)| (id.clone(), change.at)).collect()
    }

    /// Leaves out what a later range reads.
    pub(super) fn leave_out(&mut self, unread: &Unread) {
        self.records.retain(|id, change| change.word == Word::Gone || !unread.contains_key(id));
    }

    /// The records to read, and those to tell of without reading. One that is in both lists is gone if it is not there.
    pub(super) fn listed(self, plan: &Scan) -> Listed {
        let mut listed = Listed { absent_are_gone: may_leave(plan), ..Listed::default() };
        for (id, Change { at, word, .. }) in self.records {
            // A record that is there is gone for a stream of deletes only where it may have left what is read.
            let is_read = !plan.only_gone || may_leave(plan) || word == Word::CreatedAndGone;
            // Pipelines lead that stream and that of all changes into one target, which goes by time: the delete is to win
            // over the row that tells of the same end.
            let at = if plan.only_gone { at + 1 } else { at };
            if word != Word::Gone && is_read {
                listed.present.push((id.clone(), at));
            }
            if matches!(word, Word::Gone | Word::CreatedAndGone) {
                listed.gone.push((id, at));
            }
        }
        listed
    }
}

/// Whether records may leave what is read without being deleted.
pub(super) fn may_leave(plan: &Scan) -> bool {
    plan.view_id.is_some() || plan.filter_formula.is_some() || plan.restriction.is_some()
}

#[cfg(test)]
mod tests;
