//! Page bytes -> columns -> [`RecordBatch`], without I/O and without a tree of values.
//!
//! Invariants: a record is one row, whatever is in it; every batch has exactly the planned schema; what does not fit its
//! column is NULL there and whole in the rescued data column. Batches are independent of pages: builders just go on.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::{self, Write as _};

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::column::{Builder, Misfit, Shape, text};
use crate::error::{Error, Result};
use crate::extent::Micros;
use crate::scan::{Column, Scan, Source};
use crate::seen::Seen;
use crate::wire::line;

mod versions;

use versions::Versions;

/// What a page said besides its records.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Where the next page begins; none on the last.
    pub offset: Option<String>,
    /// Records in the page.
    pub records: usize,
    /// Records that were not on a page before.
    pub new_records: usize,
}

/// Reads pages into columns.
pub struct Decoder {
    schema: SchemaRef,
    columns: Vec<Column>,
    builders: Vec<Builder>,
    /// For each column the row it was last filled in, counted from 1.
    filled: Vec<usize>,
    by_field: HashMap<String, usize>,
    /// Where the columns of these sources are.
    record_id: Option<usize>,
    created_time: Option<usize>,
    rescued: Option<usize>,
    versions: Versions,
    table_name: String,
    fail_on_bad_value: bool,
    /// Asked for only because something has to be.
    unwanted_field: Option<String>,
    seen: Seen,
    /// Records of pages are noted, but are no rows.
    only_gone: bool,
    left: u64,
    rows: usize,
    bytes: usize,
    /// The row's misfits so far, as the inside of a JSON array.
    misfits: String,
    /// Misfits that no column keeps.
    dropped: u64,
    /// Why a strict read stopped.
    stopped: Option<Error>,
}

impl Decoder {
    /// A decoder for the pages of one read.
    pub fn new(scan: &Scan) -> Self {
        let position = |wanted: &Source| scan.columns.iter().position(|column| column.source == *wanted);
        let by_field = scan.columns.iter().enumerate().filter_map(|(index, column)| match &column.source {
            Source::Field(field) => Some((field.id.clone(), index)),
            _ => None,
        });
        let by_field: HashMap<String, usize> = by_field.collect();
        let unwanted_field = by_field.is_empty().then(|| scan.primary_field_id.clone());
        Self {
            schema: scan.schema(),
            builders: scan.columns.iter().map(|column| Builder::new(&shape(column))).collect(),
            filled: vec![0; scan.columns.len()],
            by_field,
            record_id: position(&Source::RecordId),
            created_time: position(&Source::CreatedTime),
            rescued: position(&Source::Rescued),
            versions: Versions::new(scan),
            table_name: scan.table_name.clone(),
            fail_on_bad_value: scan.fail_on_bad_value,
            unwanted_field,
            columns: scan.columns.clone(),
            seen: Seen::default(),
            only_gone: scan.only_gone,
            left: scan.max_records.unwrap_or(u64::MAX),
            rows: 0,
            bytes: 0,
            misfits: String::new(),
            dropped: 0,
            stopped: None,
        }
    }

    /// Appends the records of a page, but for those that were on one before.
    ///
    /// # Errors
    /// [`Error::Data`] for a page that is not JSON of the documented form, and, in a strict read, for the first value that
    /// does not fit. The decoder is of no use afterwards.
    pub fn page(&mut self, body: &[u8]) -> Result<Page> {
        let body_text = std::str::from_utf8(body).map_err(|error| {
            Error::Data(format!("a page of records that is not UTF-8 from byte {} on", error.valid_up_to()))
        })?;
        self.bytes += body.len();
        let mut json = serde_json::Deserializer::from_str(body_text);
        let page = json.deserialize_map(PageVisitor(self)).and_then(|page| json.end().map(|()| page));
        page.map_err(|error| {
            let undocumented =
                || Error::Data(format!("a page of records of an undocumented form: {}", line(&error.to_string())));
            self.stopped.take().unwrap_or_else(undocumented)
        })
    }

    /// The times at which the records of the next pages changed, where a change feed told them.
    pub(crate) fn expect(&mut self, records: &[(String, Micros)]) {
        self.versions.expect(records);
    }

    /// Whether the record was on a page, or is known to be gone.
    pub(crate) fn has_seen(&self, id: &str) -> bool {
        self.seen.contains(id)
    }

    /// Appends a row that tells of a record's end: its id, and NULL wherever Airtable would have the value.
    pub(crate) fn gone(&mut self, id: &str, at: Micros) {
        if !self.seen.insert(id) {
            return;
        }
        self.row(id);
        for index in self.versions.fill(at, true, &mut self.builders).into_iter().flatten() {
            self.filled[index] = self.rows;
        }
        for (builder, filled) in self.builders.iter_mut().zip(&mut self.filled) {
            if *filled != self.rows {
                builder.append_null();
                *filled = self.rows;
            }
        }
    }

    /// The ids of all records so far.
    pub(crate) fn ids(&self) -> impl Iterator<Item = String> {
        self.seen.ids()
    }

    /// Rows since the last batch.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of JSON since the last batch: what the columns weigh, roughly.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Records in all.
    pub fn records(&self) -> usize {
        self.seen.len()
    }

    /// As many records as were wanted have come.
    pub fn is_satisfied(&self) -> bool {
        self.left == 0
    }

    /// Values that became NULL without being kept, because the read has no rescued data column.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The rows since the last batch.
    ///
    /// # Errors
    /// [`Error::Data`] for an empty cell in a column that the user's schema calls NOT NULL.
    pub fn finish(&mut self) -> Result<RecordBatch> {
        let arrays: Vec<_> = self.builders.iter_mut().map(Builder::finish).collect();
        self.filled.fill(0);
        (self.rows, self.bytes) = (0, 0);
        for (column, array) in self.columns.iter().zip(&arrays) {
            if !column.nullable && array.null_count() > 0 {
                return Err(Error::Data(format!(
                    "table {:?}: column {:?} is NOT NULL in the schema, but {} records have no value that fits it: leave \
                     NOT NULL out",
                    self.table_name,
                    column.name,
                    array.null_count()
                )));
            }
        }
        RecordBatch::try_new(self.schema.clone(), arrays).map_err(|error| {
            Error::Data(format!("table {:?}: columns that do not make a batch: {error}", self.table_name))
        })
    }

    /// Begins a record's row; false where the record is not wanted.
    fn begin(&mut self, id: &str) -> bool {
        if self.left == 0 || !self.seen.insert(id) || self.only_gone {
            return false;
        }
        self.left -= 1;
        self.row(id);
        true
    }

    fn row(&mut self, id: &str) {
        self.rows += 1;
        if let Some(index) = self.record_id {
            self.builders[index].append_text(id);
            self.filled[index] = self.rows;
        }
    }

    /// One cell of the row that was begun.
    fn cell(&mut self, index: usize, id: &str, raw: &str) -> Result<()> {
        if self.filled[index] == self.rows {
            return Ok(());
        }
        self.filled[index] = self.rows;
        let Err(misfit) = self.builders[index].append(raw) else {
            return Ok(());
        };
        let column = &self.columns[index];
        let (name, field_id) = match &column.source {
            Source::Field(field) => (field.name.as_str(), Some(field.id.as_str())),
            _ => (column.name.as_str(), None),
        };
        let reason = reason(misfit, &shape(column));
        if self.fail_on_bad_value {
            return Err(Error::Data(format!(
                "table {:?}, record {id}, field {name:?}: {reason}, but the cell is {}: correct it, or read with \
                 on_bad_value rescue",
                self.table_name,
                line(raw)
            )));
        }
        match self.rescued {
            Some(_) => rescue(&mut self.misfits, Some(name), field_id, raw, &reason),
            None => self.dropped += 1,
        }
        Ok(())
    }

    /// Ends the row: what was not sent is empty.
    fn end(&mut self, id: &str) {
        for index in self.versions.end(id, &mut self.builders).into_iter().flatten() {
            self.filled[index] = self.rows;
        }
        if let Some(index) = self.rescued {
            if self.misfits.is_empty() {
                self.builders[index].append_empty();
            } else {
                self.misfits.push(']');
                self.builders[index].append_text(&self.misfits);
                self.misfits.clear();
            }
            self.filled[index] = self.rows;
        }
        for (builder, filled) in self.builders.iter_mut().zip(&mut self.filled) {
            if *filled != self.rows {
                builder.append_empty();
                *filled = self.rows;
            }
        }
    }
}

fn shape(column: &Column) -> Shape {
    match &column.source {
        Source::RecordId | Source::Rescued => Shape::Text,
        Source::CreatedTime | Source::ChangedAt { .. } => Shape::Timestamp,
        Source::Deleted => Shape::Bool,
        Source::Field(field) => field.shape.clone(),
    }
}

/// Adds one misfit to the row's list, which is closed when the row ends.
fn rescue(misfits: &mut String, name: Option<&str>, field_id: Option<&str>, raw: &str, reason: &str) {
    let json =
        |text: Option<&str>| text.map_or_else(|| "null".to_owned(), |text| serde_json::Value::from(text).to_string());
    misfits.push(if misfits.is_empty() { '[' } else { ',' });
    let (name, field_id, reason) = (json(name), json(field_id), json(Some(reason)));
    // Writing to a String does not fail.
    _ = write!(misfits, "{{\"field\":{name},\"field_id\":{field_id},\"value\":{raw},\"reason\":{reason}}}");
}

fn reason(misfit: Misfit, shape: &Shape) -> String {
    match misfit {
        Misfit::ErrorValue => "error value".to_owned(),
        Misfit::SpecialValue => "special value".to_owned(),
        Misfit::Unfit => format!("expected {}", shape.expected()),
    }
}

/// `{"records": [...], "offset": "..."}`.
struct PageVisitor<'d>(&'d mut Decoder);

impl<'de> Visitor<'de> for PageVisitor<'_> {
    type Value = Page;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with records")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page, A::Error> {
        let mut page = Page::default();
        let mut has_records = false;
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            match &*key {
                "records" => {
                    map.next_value_seed(Records { decoder: &mut *self.0, page: &mut page })?;
                    has_records = true;
                }
                "offset" => page.offset = map.next_value()?,
                _ => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        if has_records { Ok(page) } else { Err(A::Error::missing_field("records")) }
    }
}

struct Records<'d, 'p> {
    decoder: &'d mut Decoder,
    page: &'p mut Page,
}

impl<'de> DeserializeSeed<'de> for Records<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Records<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let seen = self.decoder.seen.len();
        while seq.next_element_seed(OneRecord(&mut *self.decoder))?.is_some() {
            self.page.records += 1;
        }
        self.page.new_records += self.decoder.seen.len() - seen;
        Ok(())
    }
}

/// `{"id": "rec...", "createdTime": "...", "fields": {...}}`, in any order; the order that Airtable uses is read in one go.
struct OneRecord<'d>(&'d mut Decoder);

impl<'de> DeserializeSeed<'de> for OneRecord<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OneRecord<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let decoder = self.0;
        let mut begun: Option<(Cow<'de, str>, bool)> = None;
        let (mut created_time, mut early_fields) = (None, None);
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            match (&*key, &begun) {
                ("id", None) => {
                    let raw = map.next_value::<&RawValue>()?.get();
                    let id = text(raw).filter(|id| !id.is_empty());
                    let id = id.ok_or_else(|| A::Error::custom("a record without an id"))?;
                    let is_new = decoder.begin(&id);
                    begun = Some((id, is_new));
                }
                ("createdTime", _) => created_time = Some(map.next_value::<&RawValue>()?),
                ("fields", None) => early_fields = Some(map.next_value::<&RawValue>()?),
                ("fields", Some((id, true))) => map.next_value_seed(Cells { decoder: &mut *decoder, id })?,
                _ => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        let (id, is_new) = begun.ok_or_else(|| A::Error::custom("a record without an id"))?;
        if !is_new {
            return Ok(());
        }
        if let Some(fields) = early_fields {
            let mut json = serde_json::Deserializer::from_str(fields.get());
            Cells { decoder: &mut *decoder, id: &id }.deserialize(&mut json).map_err(A::Error::custom)?;
        }
        if let Some(raw) = created_time {
            decoder.versions.created(raw.get());
            if let Some(index) = decoder.created_time {
                decoder.cell(index, &id, raw.get()).map_err(|error| decoder.stop(error))?;
            }
        }
        decoder.end(&id);
        Ok(())
    }
}

impl Decoder {
    /// Carries an error of ours through serde, which knows only its own.
    fn stop<E: serde::de::Error>(&mut self, error: Error) -> E {
        let carried = E::custom(&error);
        self.stopped = Some(error);
        carried
    }
}

/// A record's cells by field id.
struct Cells<'d, 'i> {
    decoder: &'d mut Decoder,
    id: &'i str,
}

impl<'de> DeserializeSeed<'de> for Cells<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Cells<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record's cells by field id")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { decoder, id } = self;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            let raw = map.next_value::<&RawValue>()?.get();
            let tells_edits = decoder.versions.is_field(&key);
            if tells_edits {
                decoder.versions.edited(raw);
            }
            match decoder.by_field.get(&*key) {
                Some(&index) => decoder.cell(index, id, raw).map_err(|error| decoder.stop(error))?,
                None if tells_edits => {}
                None if decoder.unwanted_field.as_deref() == Some(&*key) => {}
                None if decoder.rescued.is_none() => decoder.dropped += 1,
                None => rescue(&mut decoder.misfits, None, Some(&key), raw, "field is not in the plan of this read"),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
