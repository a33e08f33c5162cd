//! The two columns that tell versions of a row apart: when the record changed, and whether it is gone. They are not in
//! the pages, so they are kept apart from what is.
//!
//! Invariants: every row has a time. That of the field that knows it goes before the time of creation, which goes before
//! the time that the change feed told, which goes before the time of the whole read. And rows of a record with the same
//! time have the same cells: what the field tells is only to the second, so an edit that is so new that another may follow
//! within its second, and comes again in a later window, is told as of just before that window. Rows that come again with more columns are later than they were before.

use std::collections::HashMap;

use crate::columns::{Builder, moment};
use crate::scan::{Column, Scan, Source};
use crate::time::Micros;

/// What is known of versions besides the pages.
#[derive(Debug, Default)]
pub(super) struct ChangeColumns {
    /// Where the columns are.
    changed_at: Option<usize>,
    deleted: Option<usize>,
    /// The field whose cells are the times of the last edit.
    field_id: Option<String>,
    of_read: Micros,
    /// No row is older.
    from: Micros,
    of_record: HashMap<String, Micros>,
    /// Of the row under construction.
    edited: Option<Micros>,
    created: Option<Micros>,
}

impl ChangeColumns {
    pub(super) fn new(scan: &Scan) -> Self {
        let position = |is: fn(&Column) -> bool| scan.columns.iter().position(is);
        let field_id = scan.columns.iter().find_map(|column| match &column.source {
            Source::ChangedAt { field_id } => field_id.clone(),
            _ => None,
        });
        Self {
            changed_at: position(|column| matches!(column.source, Source::ChangedAt { .. })),
            deleted: position(|column| column.source == Source::Deleted),
            field_id,
            of_read: scan.changed_at,
            from: scan.changed_from,
            ..Self::default()
        }
    }

    /// The times at which the records of the pages to come changed.
    pub(super) fn expect(&mut self, records: &[(String, Micros)]) {
        self.of_record = records.iter().cloned().collect();
    }

    /// A cell of the field that knows the time.
    pub(super) fn edited(&mut self, raw: &str) {
        self.edited = moment(raw);
    }

    /// The record's time of creation, which stands for that of an edit that never was.
    pub(super) fn created(&mut self, raw: &str) {
        if self.field_id.is_some() {
            self.created = moment(raw);
        }
    }

    /// Fills the columns of a present record's row. Gives their places.
    pub(super) fn end(&mut self, id: &str, builders: &mut [Builder]) -> [Option<usize>; 2] {
        let told = self.of_record.get(id).copied().unwrap_or(self.of_read);
        let at = self.edited.or(self.created).map_or(told, |edited| edited.min(told - 1)).max(self.from);
        (self.edited, self.created) = (None, None);
        self.fill(at, false, builders)
    }

    /// Fills the columns of a row that tells of a record's end. Gives their places.
    pub(super) fn fill(&self, at: Micros, is_gone: bool, builders: &mut [Builder]) -> [Option<usize>; 2] {
        if let Some(index) = self.changed_at {
            builders[index].append_micros(at);
        }
        if let Some(index) = self.deleted {
            builders[index].append_bool(is_gone);
        }
        [self.changed_at, self.deleted]
    }
}
