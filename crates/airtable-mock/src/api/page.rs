//! Records as JSON, by copying finished cells.
//!
//! This is the hot path of the server: a page of a hundred records must cost little more than the copying
//! of its bytes, or benchmarks would measure the mock instead of the client.

use super::query::RecordShape;
use super::text::cell_string;
use crate::clock::{whole_second, write_stamp};
use crate::data::base::Base;
use crate::data::cells::UNSIGNED;
use crate::data::field::Field;
use crate::data::index::{FieldIndex, List, TableIndex};
use crate::data::link::link_ids;
use crate::data::record::Record;
use crate::error::ApiError;

/// Writes records of one table in one shape.
pub(crate) struct PageWriter<'a> {
    base: &'a Base,
    table: TableIndex,
    shape: &'a RecordShape,
    /// For each field, its key if it is wanted.
    keys: List<FieldIndex, Option<&'a [u8]>>,
    /// For each field, whether its cell can be copied as it is.
    plain: List<FieldIndex, bool>,
    signature: &'a str,
}

impl<'a> PageWriter<'a> {
    /// A writer for the named fields, or for all.
    ///
    /// # Errors
    /// `UNKNOWN_FIELD_NAME`
    pub(crate) fn new(
        base: &'a Base,
        table: TableIndex,
        fields: Option<&[String]>,
        shape: &'a RecordShape,
        signature: &'a str,
    ) -> Result<Self, ApiError> {
        let of = &base[table];
        let mut wanted: List<FieldIndex, bool> = of.fields.iter().map(|_| fields.is_none()).collect();
        for name in fields.into_iter().flatten() {
            wanted[of.field(name).ok_or_else(|| ApiError::unknown_field(name))?] = true;
        }
        let key = |(field, wanted): (&'a Field, &bool)| {
            let key = if shape.by_id { &*field.key_by_id } else { &*field.key_by_name };
            (*wanted && field.alive).then_some(key)
        };
        let keys = of.fields.iter().zip(&wanted).map(key).collect();
        let plain = of
            .fields
            .iter()
            .map(|field| {
                let as_objects = shape.link_objects && field.kind == "multipleRecordLinks";
                shape.as_text_in.is_none() && !field.has_urls && !as_objects
            })
            .collect();
        Ok(Self { base, table, shape, keys, plain, signature })
    }

    /// Appends one record.
    pub(crate) fn write(&self, out: &mut Vec<u8>, record: &Record) {
        out.extend_from_slice(b"{\"id\":\"");
        record.id.write_to(out);
        out.extend_from_slice(b"\",\"createdTime\":\"");
        write_stamp(out, whole_second(record.created_ms));
        out.extend_from_slice(b"\"");
        if self.shape.comment_count {
            let count = self.base.comments.get(&record.id).map_or(0, Vec::len);
            out.extend_from_slice(format!(",\"commentCount\":{count}").as_bytes());
        }
        out.extend_from_slice(b",\"fields\":{");
        let mut first = true;
        for (field, json) in record.cells.iter() {
            let Some(Some(key)) = self.keys.get(field) else {
                continue;
            };
            if !first {
                out.push(b',');
            }
            first = false;
            out.extend_from_slice(key);
            if self.plain[field] {
                out.extend_from_slice(json);
            } else {
                self.write_special(out, field, json);
            }
        }
        out.extend_from_slice(b"}}");
    }

    fn write_special(&self, out: &mut Vec<u8>, field: FieldIndex, json: &[u8]) {
        if let Some(zone) = &self.shape.as_text_in {
            let text = cell_string(self.base, self.table, field, json, zone);
            out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
        } else if self.base[self.table][field].has_urls {
            sign(out, json, self.signature);
        } else {
            let ids = link_ids(json).into_iter().map(|id| serde_json::json!({"id": id.to_string()}));
            out.extend_from_slice(ids.collect::<serde_json::Value>().to_string().as_bytes());
        }
    }
}

/// Copies a cell with every unsigned attachment URL replaced by a working one.
fn sign(out: &mut Vec<u8>, json: &[u8], signature: &str) {
    let text = String::from_utf8_lossy(json);
    out.extend_from_slice(text.replace(UNSIGNED, signature).as_bytes());
}
