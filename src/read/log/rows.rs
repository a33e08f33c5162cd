//! Payloads -> rows of a log of changes. Pure.
//!
//! Invariants: every cell that changed is one row, and a record of whose cells nothing is told is one; the rows of a payload
//! are the same, in the same order, whenever it is read; every batch has exactly the planned schema.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Int64Builder, NullBufferBuilder, RecordBatch, StringBuilder, StructArray, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Fields};

use super::values::{as_in_records, is_empty};
use crate::airtable::cell_changes::{CellChange, CellChanges, RecordCells, User, Word};
use crate::airtable::payload::Payload;
use crate::error::{Error, Result, line};
use crate::scan::{Column, LogColumn, LoggedField, Scan, Source};

/// The fields of a log.
#[derive(Debug)]
pub(super) struct Logged {
    by_id: HashMap<String, LoggedField>,
    /// Others are logged, too.
    are_all: bool,
}

/// What is told of one cell, or of a record alone.
struct Told<'p> {
    record: &'p RecordCells,
    cell: Option<(&'p str, &'p CellChange)>,
}

impl Logged {
    pub(super) fn new(scan: &Scan) -> Self {
        let by_id = scan.logged.iter().map(|field| (field.id.clone(), field.clone())).collect();
        Self { by_id, are_all: scan.has_all_fields }
    }

    /// How many rows a payload's part of the table is.
    pub(super) fn count(&self, change: &CellChanges) -> u64 {
        self.told(change).count() as u64
    }

    fn told<'p>(&self, change: &'p CellChanges) -> impl Iterator<Item = Told<'p>> {
        change.records.iter().flat_map(|record| self.told_of(record))
    }

    fn told_of<'p>(&self, record: &'p RecordCells) -> Vec<Told<'p>> {
        let alone = || vec![Told { record, cell: None }];
        let Some(cells) = &record.cells else { return alone() };
        let is_logged = |id: &str, cell: &CellChange| {
            let field = self.by_id.get(id);
            let is_set = cell.new.as_ref().is_some_and(|new| !is_empty(field, new));
            (self.are_all || field.is_some()) && (record.word != Word::Created || is_set)
        };
        let logged = cells.iter().filter(|(id, cell)| is_logged(id, cell));
        let rows: Vec<Told> = logged.map(|(id, cell)| Told { record, cell: Some((id, cell)) }).collect();
        // That a record was created is told even where it has no cells.
        if rows.is_empty() && record.word == Word::Created { alone() } else { rows }
    }
}

/// The rows under construction.
pub(super) struct LogRows {
    scan: Scan,
    fields: Logged,
    columns: Vec<Building>,
    count: usize,
    bytes: usize,
}

/// A column under construction.
enum Building {
    Text(StringBuilder),
    Moment(TimestampMicrosecondBuilder),
    Number(Int64Builder),
    People(Box<People>),
}

struct People {
    fields: Fields,
    texts: [StringBuilder; 3],
    is_there: NullBufferBuilder,
}

/// One row.
struct Row<'r> {
    id: &'r str,
    word: Word,
    field_id: Option<&'r str>,
    field: Option<&'r str>,
    old: Option<String>,
    new: Option<String>,
    at: i64,
    user: Option<&'r User>,
    user_as_json: Option<&'r str>,
    source: Option<&'r str>,
    transaction: i64,
}

impl LogRows {
    pub(super) fn new(scan: &Scan) -> Self {
        let columns = scan.columns.iter().map(Building::of).collect();
        Self { scan: scan.clone(), fields: Logged::new(scan), columns, count: 0, bytes: 0 }
    }

    /// Appends the rows of a payload.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(super) fn add(&mut self, payload: &Payload<CellChanges>) -> std::result::Result<(), String> {
        let change = payload.change()?;
        let told: Vec<Told> = self.fields.told(change).collect();
        if told.is_empty() {
            return Ok(());
        }
        // Rows are the same whenever they are read: nothing stands in for what is not told.
        let at = payload.at().ok_or("it has no timestamp that can be read")?;
        let number = payload.base_transaction_number.and_then(|number| i64::try_from(number).ok());
        let transaction = number.ok_or("it has no baseTransactionNumber that can be read")?;
        let user_as_json = change.user.as_ref().map(User::to_json);
        for Told { record, cell } in told {
            let field = cell.and_then(|(id, _)| self.fields.by_id.get(id));
            let value = |raw: &Option<Box<serde_json::value::RawValue>>| as_in_records(field, raw.as_deref()?);
            let row = Row {
                id: &record.id,
                word: record.word,
                field_id: cell.map(|(id, _)| id),
                field: field.map(|field| field.name.as_str()),
                old: cell.and_then(|(_, cell)| value(&cell.old)),
                new: cell.and_then(|(_, cell)| value(&cell.new)),
                at,
                user: change.user.as_ref(),
                user_as_json: user_as_json.as_deref(),
                source: change.source.as_deref(),
                transaction,
            };
            self.bytes += [&row.old, &row.new].into_iter().flatten().map(String::len).sum::<usize>();
            self.count += 1;
            for (column, building) in self.scan.columns.iter().zip(&mut self.columns) {
                building.append(&column.source, &row);
            }
        }
        Ok(())
    }

    /// Rows since the last batch.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Bytes of their values.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The rows since the last batch.
    ///
    /// # Errors
    /// [`Error::Data`] for an empty value in a column that the user's schema calls NOT NULL.
    pub(super) fn finish(&mut self) -> Result<RecordBatch> {
        (self.count, self.bytes) = (0, 0);
        let columns = self.columns.iter_mut().map(Building::finish).collect();
        RecordBatch::try_new(self.scan.schema(), columns).map_err(|error| {
            let why = line(&error.to_string());
            Error::Data(format!("table {:?}: the rows do not fit the schema: {why}", self.scan.table_name).into())
        })
    }
}

impl Building {
    fn of(column: &Column) -> Self {
        match column.data_type() {
            DataType::Timestamp(..) => Self::Moment(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            DataType::Int64 => Self::Number(Int64Builder::new()),
            DataType::Struct(fields) => Self::People(Box::new(People {
                fields,
                texts: std::array::from_fn(|_| StringBuilder::new()),
                is_there: NullBufferBuilder::new(0),
            })),
            _ => Self::Text(StringBuilder::new()),
        }
    }

    fn append(&mut self, source: &Source, row: &Row<'_>) {
        match self {
            Self::Text(texts) => texts.append_option(row.text(source)),
            Self::Moment(moments) => moments.append_value(row.at),
            Self::Number(numbers) => numbers.append_value(row.transaction),
            Self::People(people) => people.append(row.user),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(texts) => Arc::new(texts.finish()),
            Self::Moment(moments) => Arc::new(moments.finish()),
            Self::Number(numbers) => Arc::new(numbers.finish()),
            Self::People(people) => people.finish(),
        }
    }
}

impl People {
    fn append(&mut self, user: Option<&User>) {
        let [id, email, name] = &mut self.texts;
        id.append_option(user.and_then(|user| user.id.as_deref()));
        email.append_option(user.and_then(|user| user.email.as_deref()));
        name.append_option(user.and_then(|user| user.name.as_deref()));
        self.is_there.append(user.is_some());
    }

    fn finish(&mut self) -> ArrayRef {
        let texts = self.texts.iter_mut().map(|texts| Arc::new(texts.finish()) as ArrayRef).collect();
        Arc::new(StructArray::new(self.fields.clone(), texts, self.is_there.finish()))
    }
}

impl Row<'_> {
    fn text(&self, source: &Source) -> Option<&str> {
        let Source::Log(column) = source else { return Some(self.id) };
        match column {
            LogColumn::Change => Some(match self.word {
                Word::Created => "created",
                Word::Updated => "updated",
                Word::Deleted => "deleted",
            }),
            LogColumn::FieldId => self.field_id,
            LogColumn::Field => self.field,
            LogColumn::OldValue => self.old.as_deref(),
            LogColumn::NewValue => self.new.as_deref(),
            LogColumn::Source => self.source,
            LogColumn::ChangedByJson => self.user_as_json,
            LogColumn::ChangedAt | LogColumn::ChangedBy | LogColumn::Transaction => None,
        }
    }
}

#[cfg(test)]
mod tests;
