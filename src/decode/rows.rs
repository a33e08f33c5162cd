//! Rows under construction: cells -> columns, one record after the other. What a page looks like is not known here.
//!
//! Invariants: a record is one row, and comes once, however often it is begun; between two records every column has as
//! many entries as there are rows; a cell that does not fit its column is NULL there, and kept, counted or an error.

use std::collections::HashSet;

use arrow::array::{Array as _, ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::filter;
use arrow::datatypes::SchemaRef;

use super::change_columns::ChangeColumns;
use super::fault::Fault;
use super::misfits::Misfits;
use super::seen::Seen;
use crate::columns::{Builder, Misfit, Shape};
use crate::error::{Error, Result, line};
use crate::json::Json;
use crate::scan::{Column, Scan, Selection, Source};
use crate::time::Micros;

/// The rows since the last batch, and which records have been rows.
// Plain facts of the plan.
#[allow(clippy::struct_excessive_bools)]
pub(crate) struct Rows {
    schema: SchemaRef,
    columns: Vec<Column>,
    builders: Vec<Builder>,
    /// For each column the row it was last filled in, counted from 1.
    filled: Vec<usize>,
    /// Where the columns of these sources are.
    record_id: Option<usize>,
    base_id: Option<(usize, String)>,
    /// Columns that no field of this base has.
    absent: Vec<usize>,
    created_time: Option<usize>,
    comment_count: Option<usize>,
    rescued: Option<usize>,
    changes: ChangeColumns,
    table_name: String,
    fail_on_bad_value: bool,
    seen: Seen,
    /// Records of pages are noted, but are no rows.
    only_gone: bool,
    /// Records that are gone are noted, but are no rows.
    leaves_out_gone: bool,
    left: u64,
    /// Which rows are wanted is decided when they are complete, by a condition.
    sifts: bool,
    /// Records that a condition has left out, where it matters that they are there all the same.
    left_out: Option<LeftOut>,
    count: usize,
    misfits: Misfits,
}

/// Records that were read and are not given.
#[derive(Default)]
struct LeftOut {
    /// Of the rows that are to be sifted.
    rows: Vec<String>,
    ids: HashSet<String>,
}

impl Rows {
    /// No rows yet of a read.
    pub(super) fn new(scan: &Scan) -> Self {
        let position = |wanted: &Source| scan.columns.iter().position(|column| column.source == *wanted);
        Self {
            schema: scan.schema(),
            builders: scan.columns.iter().map(builder).collect(),
            filled: vec![0; scan.columns.len()],
            record_id: position(&Source::RecordId),
            base_id: position(&Source::BaseId).map(|index| (index, scan.base_id.clone())),
            absent: absent(scan),
            created_time: position(&Source::CreatedTime),
            comment_count: position(&Source::CommentCount),
            rescued: position(&Source::Rescued),
            changes: ChangeColumns::new(scan),
            table_name: scan.table_name.clone(),
            fail_on_bad_value: scan.fail_on_bad_value,
            columns: scan.columns.clone(),
            seen: Seen::default(),
            only_gone: scan.only_gone,
            leaves_out_gone: scan.leaves_out_gone,
            left: scan.max_records.unwrap_or(u64::MAX),
            sifts: scan.restriction.is_some(),
            left_out: matters_what_is_left_out(scan).then(LeftOut::default),
            count: 0,
            misfits: Misfits::new(position(&Source::Rescued).is_some(), scan.restriction.is_some()),
        }
    }

    /// Rows since the last batch.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Records in all.
    pub(super) fn records(&self) -> usize {
        self.seen.len()
    }

    /// As many records as were wanted have come.
    pub(super) fn is_satisfied(&self) -> bool {
        self.left == 0
    }

    /// Values in the rescued data column.
    pub(super) fn rescued_values(&self) -> u64 {
        self.misfits.rescued()
    }

    /// Values that became NULL without being kept.
    pub(super) fn dropped(&self) -> u64 {
        self.misfits.dropped()
    }

    /// Whether the record was on a page, or is known to be gone.
    pub(crate) fn has_seen(&self, id: &str) -> bool {
        self.seen.contains(id)
    }

    /// The same, but for records that do not fulfil the condition: these are as good as not there.
    pub(crate) fn has_met(&self, id: &str) -> bool {
        self.has_seen(id) && !self.has_left_out(id)
    }

    /// The ids of all records so far that fulfil the condition.
    pub(crate) fn ids(&self) -> impl Iterator<Item = String> {
        self.seen.ids().filter(|id| !self.has_left_out(id))
    }

    fn has_left_out(&self, id: &str) -> bool {
        self.left_out.as_ref().is_some_and(|left_out| left_out.ids.contains(id))
    }

    /// The times at which the records of the next pages changed, where a change feed told them.
    pub(crate) fn expect(&mut self, records: &[(String, Micros)]) {
        self.changes.expect(records);
    }

    /// Begins a record's row; false where the record is not wanted, and has none.
    pub(super) fn begin(&mut self, id: &str) -> bool {
        // Where a condition decides, it decides on rows, wanted or not.
        if self.left == 0 || !self.seen.insert(id) || self.only_gone && !self.sifts {
            return false;
        }
        if !self.sifts {
            self.left -= 1;
        }
        if let Some(left_out) = &mut self.left_out {
            left_out.rows.push(id.to_owned());
        }
        self.row(id);
        true
    }

    fn row(&mut self, id: &str) {
        self.count += 1;
        if let Some(index) = self.record_id {
            self.builders[index].append_text(id);
            self.filled[index] = self.count;
        }
        if let Some((index, base_id)) = &self.base_id {
            self.builders[*index].append_text(base_id);
            self.filled[*index] = self.count;
        }
        for index in &self.absent {
            self.builders[*index].append_null();
            self.filled[*index] = self.count;
        }
    }

    /// Reads one cell of the row that was begun; the first one, where a column has several.
    ///
    /// # Errors
    /// [`Fault::NotJson`] for what is no value, and, in a strict read, [`Fault::BadValue`] for one that does not fit.
    #[inline]
    pub(super) fn cell(&mut self, index: usize, id: &str, json: &mut Json<'_>) -> Result<(), Fault> {
        if self.filled[index] == self.count {
            json.skip()?;
            return Ok(());
        }
        self.filled[index] = self.count;
        let start = json.position();
        match self.builders[index].append(json)? {
            None => Ok(()),
            Some(misfit) => self.misfit(index, id, json.since(start), misfit).map_err(Fault::BadValue),
        }
    }

    /// A cell that does not fit its column.
    #[cold]
    fn misfit(&mut self, index: usize, id: &str, raw: &str, misfit: Misfit) -> Result<()> {
        let column = &self.columns[index];
        if column.is_tacit {
            return Ok(());
        }
        let (name, field_id) = match &column.source {
            Source::Field(field) => (field.name.as_str(), Some(field.id.as_str())),
            _ => (column.name.as_str(), None),
        };
        let reason = reason(misfit, &shape(column));
        if self.fail_on_bad_value {
            return Err(Error::Data(
                format!(
                    "table {:?}, record {id}, field {name:?}: {reason}, but the cell is {}: correct it, or read with \
                 on_bad_value rescue",
                    self.table_name,
                    line(raw)
                )
                .into(),
            ));
        }
        self.misfits.note(self.count, Some(name), field_id, raw, &reason);
        Ok(())
    }

    /// A cell of a field that the read knows nothing of.
    pub(super) fn unplanned(&mut self, field_id: &str, raw: &str) {
        self.misfits.note(self.count, None, Some(field_id), raw, "field is not in the plan of this read");
    }

    /// A cell that tells when the record was last edited, whether or not a column has it.
    pub(super) fn edited(&mut self, raw: &str) {
        self.changes.edited(raw);
    }

    /// The record's time of creation.
    ///
    /// # Errors
    /// As for [`Rows::cell`].
    pub(super) fn created(&mut self, id: &str, raw: &str) -> Result<(), Fault> {
        self.changes.created(raw);
        if let Some(index) = self.created_time {
            self.cell(index, id, &mut Json::new(raw))?;
        }
        Ok(())
    }

    /// The number of the record's comments.
    ///
    /// # Errors
    /// As for [`Rows::cell`].
    pub(super) fn commented(&mut self, id: &str, raw: &str) -> Result<(), Fault> {
        match self.comment_count {
            Some(index) => self.cell(index, id, &mut Json::new(raw)),
            None => Ok(()),
        }
    }

    /// Ends the row: what was not sent is empty.
    pub(super) fn end(&mut self, id: &str) {
        for index in self.changes.end(id, &mut self.builders).into_iter().flatten() {
            self.filled[index] = self.count;
        }
        if let Some(index) = self.rescued {
            match self.misfits.end_row() {
                None => self.builders[index].append_empty(),
                Some(misfits) => self.builders[index].append_text(&misfits),
            }
            self.filled[index] = self.count;
        }
        for (builder, filled) in self.builders.iter_mut().zip(&mut self.filled) {
            if *filled != self.count {
                builder.append_empty();
                *filled = self.count;
            }
        }
    }

    /// Appends a row that tells of a record's end: its id, and NULL wherever Airtable would have the value. None for a
    /// record that was on a page, or is known to be gone, and where another stream tells of it.
    pub(crate) fn gone(&mut self, id: &str, at: Micros) {
        let was_left_out = self.left_out.as_mut().is_some_and(|left_out| left_out.ids.remove(id));
        if !self.seen.insert(id) && !was_left_out || self.leaves_out_gone {
            return;
        }
        self.row(id);
        for index in self.changes.fill(at, true, &mut self.builders).into_iter().flatten() {
            self.filled[index] = self.count;
        }
        for (builder, filled) in self.builders.iter_mut().zip(&mut self.filled) {
            if *filled != self.count {
                builder.append_null();
                *filled = self.count;
            }
        }
    }

    /// The rows since the last batch.
    ///
    /// # Errors
    /// [`Error::Data`] for an empty cell in a column that the user's schema calls NOT NULL.
    pub(super) fn finish(&mut self) -> Result<RecordBatch> {
        let arrays = self.arrays();
        self.batch(arrays)
    }

    /// Those of the rows since the last batch that are wanted of all that fulfil a condition.
    ///
    /// # Errors
    /// As for [`Rows::finish`], and what the condition fails with.
    pub(super) fn sift(
        &mut self,
        fulfilled: impl FnOnce(&[ArrayRef], usize) -> Result<BooleanArray>,
    ) -> Result<RecordBatch> {
        let rows = self.count;
        let arrays = self.arrays();
        let truths = fulfilled(&arrays, rows)?;
        let fulfils = |row: usize| truths.is_valid(row) && truths.value(row);
        if let Some(LeftOut { rows, ids }) = &mut self.left_out {
            ids.extend(rows.drain(..).enumerate().filter(|(row, _)| !fulfils(*row)).map(|(_, id)| id));
        }
        let mut left = if self.only_gone { 0 } else { self.left };
        let wanted: Vec<bool> = (0..rows)
            .map(|row| {
                let is_wanted = left > 0 && fulfils(row);
                left -= u64::from(is_wanted);
                is_wanted
            })
            .collect();
        if !self.only_gone {
            self.left = left;
        }
        self.misfits.forget_all_but(&wanted);
        let wanted = BooleanArray::from(wanted);
        let arrays = arrays.iter().map(|array| filter(array, &wanted)).collect::<Result<_, _>>();
        let table = &self.table_name;
        self.batch(
            arrays
                .map_err(|error| Error::Data(format!("table {table:?}: rows that cannot be chosen: {error}").into()))?,
        )
    }

    /// The columns since the last batch.
    fn arrays(&mut self) -> Vec<ArrayRef> {
        self.filled.fill(0);
        self.count = 0;
        self.builders.iter_mut().map(Builder::finish).collect()
    }

    fn batch(&self, arrays: Vec<ArrayRef>) -> Result<RecordBatch> {
        batch(&self.table_name, &self.columns, &self.schema, arrays)
    }
}

/// The columns of a table as a batch.
///
/// # Errors
/// [`Error::Data`] for an empty value in a column that the schema calls NOT NULL.
pub(super) fn batch(
    table_name: &str,
    columns: &[Column],
    schema: &SchemaRef,
    arrays: Vec<ArrayRef>,
) -> Result<RecordBatch> {
    for (column, array) in columns.iter().zip(&arrays) {
        if !column.nullable && array.null_count() > 0 {
            return Err(Error::Data(
                format!(
                    "table {table_name:?}: column {:?} is NOT NULL in the schema, but {} records have no value that fits it: \
                     leave NOT NULL out",
                    column.name,
                    array.null_count()
                )
                .into(),
            ));
        }
    }
    RecordBatch::try_new(schema.clone(), arrays)
        .map_err(|error| Error::Data(format!("table {table_name:?}: columns that do not make a batch: {error}").into()))
}

/// Whether a record that is there and does not fulfil the condition may be one that went, or one that was known before.
fn matters_what_is_left_out(scan: &Scan) -> bool {
    let may_go = matches!(scan.selection, Selection::Listed(_)) || scan.known_ids.is_some();
    scan.restriction.is_some() && may_go
}

fn absent(scan: &Scan) -> Vec<usize> {
    let columns = scan.columns.iter().enumerate();
    columns.filter(|(_, column)| matches!(column.source, Source::Absent(_))).map(|(index, _)| index).collect()
}

pub(super) fn builder(column: &Column) -> Builder {
    match &column.source {
        Source::Field(field) => Builder::of_field(&field.kind, &field.shape),
        _ => Builder::new(&shape(column)),
    }
}

fn shape(column: &Column) -> Shape {
    match &column.source {
        Source::RecordId | Source::BaseId | Source::Rescued => Shape::Text,
        Source::Absent(shape) => shape.clone(),
        Source::CreatedTime | Source::ChangedAt { .. } => Shape::Timestamp,
        Source::Deleted => Shape::Bool,
        Source::CommentCount => Shape::Int,
        Source::Field(field) => field.shape.clone(),
        Source::Fact(fact) => fact.shape.clone(),
        Source::Log(column) => column.shape(),
    }
}

pub(super) fn reason(misfit: Misfit, shape: &Shape) -> String {
    match misfit {
        Misfit::ErrorValue => "error value".to_owned(),
        Misfit::SpecialValue => "special value".to_owned(),
        Misfit::HalfCharacter => "half of a surrogate pair, which is no character".to_owned(),
        Misfit::Unfit => format!("expected {}", shape.expected()),
    }
}

#[cfg(test)]
mod tests;
