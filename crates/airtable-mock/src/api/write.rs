//! Creating, updating, upserting and deleting records by the API.
//!
//! A request is one transaction: its cells are checked before any record changes, so that a refused request
//! leaves no record behind.

use serde_json::{Value, json};

use super::page::PageWriter;
use super::query::RecordShape;
use super::route::Replace;
use crate::change::commit::commit;
use crate::change::edit::edit_cell;
use crate::change::input::{Cell, accept};
use crate::change::record::{create_record, delete_record};
use crate::data::base::Base;
use crate::data::id::RecordId;
use crate::data::index::{FieldIndex, TableIndex};
use crate::data::transaction::{Actor, Transaction};
use crate::error::ApiError;

/// The most records in one request.
const MOST_RECORDS: usize = 10;

/// Converted cells of one record.
type Row = Vec<(FieldIndex, Cell)>;

/// The parts of a request body.
pub(crate) struct WriteBody<'a> {
    records: Vec<&'a Value>,
    /// A record by itself, answered by itself.
    single: bool,
    typecast: bool,
    shape: RecordShape,
    merge_on: Option<Vec<&'a str>>,
}

impl<'a> WriteBody<'a> {
    /// Reads a body of `records`, or of a single record's `fields`.
    ///
    /// # Errors
    /// 422 for a missing or wrong part.
    pub(crate) fn read(body: &'a Value) -> Result<Self, ApiError> {
        let is = |key: &str| body.get(key).and_then(Value::as_bool).unwrap_or(false);
        let single = body.get("records").is_none();
        let records: Vec<&Value> = match body.get("records") {
            None => vec![body],
            Some(records) => records.as_array().ok_or_else(ApiError::invalid_request)?.iter().collect(),
        };
        if records.is_empty() || records.len() > MOST_RECORDS {
            return Err(ApiError::invalid_request());
        }
        if records.iter().any(|record| !record.get("fields").is_some_and(Value::is_object)) {
            return Err(ApiError::missing_key("fields"));
        }
        let merge_on = match body.get("performUpsert") {
            None => None,
            Some(upsert) => {
                let names =
                    upsert.get("fieldsToMergeOn").and_then(Value::as_array).ok_or_else(ApiError::invalid_request)?;
                let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
                if names.is_empty() || names.len() > 3 {
                    return Err(ApiError::invalid_request());
                }
                Some(names)
            }
        };
        let shape = RecordShape { by_id: is("returnFieldsByFieldId"), ..RecordShape::default() };
        Ok(Self { records, single, typecast: is("typecast"), shape, merge_on })
    }
}

/// `POST /v0/{base}/{table}`
///
/// # Errors
/// 422 for a field or value that is not accepted.
pub(crate) fn create_records(
    base: &mut Base,
    t: TableIndex,
    body: &WriteBody<'_>,
    actor: Actor,
    now_ms: i64,
    signature: &str,
) -> Result<Vec<u8>, ApiError> {
    let mut tx = Transaction::new(now_ms, actor);
    let mut rows = Vec::new();
    for record in &body.records {
        rows.push(accept_row(base, &mut tx, t, record, body.typecast, None)?);
    }
    let mut ids = Vec::new();
    for row in rows {
        ids.push(insert(base, &mut tx, t, row));
    }
    commit(base, tx);
    answer(base, t, &ids, body, None, signature)
}

/// `PATCH` and `PUT /v0/{base}/{table}`, upserts included.
///
/// # Errors
/// 422 for an unknown record, or a field or value that is not accepted.
pub(crate) fn update_records(
    base: &mut Base,
    t: TableIndex,
    body: &WriteBody<'_>,
    replace: Replace,
    actor: Actor,
    now_ms: i64,
    signature: &str,
) -> Result<Vec<u8>, ApiError> {
    let mut tx = Transaction::new(now_ms, actor);
    let mut rows = Vec::new();
    for record in &body.records {
        let target = update_target(base, &mut tx, t, record, body)?;
        rows.push((target, accept_row(base, &mut tx, t, record, body.typecast, target)?));
    }
    let (mut ids, mut created, mut updated) = (Vec::new(), Vec::new(), Vec::new());
    for (target, row) in rows {
        let id = if let Some(id) = target {
            overwrite(base, &mut tx, t, id, row, replace);
            updated.push(id);
            id
        } else {
            let id = insert(base, &mut tx, t, row);
            created.push(id);
            id
        };
        ids.push(id);
    }
    commit(base, tx);
    let outcome = body.merge_on.is_some().then_some((created, updated));
    answer(base, t, &ids, body, outcome, signature)
}

/// The record that an entry of an update means; `None` if an upsert has to create one.
fn update_target(
    base: &mut Base,
    tx: &mut Transaction,
    t: TableIndex,
    record: &Value,
    body: &WriteBody<'_>,
) -> Result<Option<RecordId>, ApiError> {
    if let Some(id) = record.get("id").and_then(Value::as_str) {
        let known = RecordId::parse(id).filter(|id| base[t].records.get(*id).is_some());
        return known.map(Some).ok_or_else(|| ApiError::row_does_not_exist(id));
    }
    let names = body.merge_on.as_ref().ok_or_else(|| ApiError::missing_key("id"))?;
    let mut wanted = Vec::new();
    for name in names {
        let f = base[t].field(name).ok_or_else(|| ApiError::unknown_field(name))?;
        let field = &base[t][f];
        let value = [&field.name, &field.id].into_iter().find_map(|key| record["fields"].get(key));
        let value = value.cloned().unwrap_or(Value::Null);
        let cell = if field.is_writable() {
            accept(base, tx, (t, f), &value, body.typecast, None)?
        } else {
            (!value.is_null()).then(|| value.to_string().into_bytes())
        };
        wanted.push((f, cell));
    }
    let matches: Vec<RecordId> = base[t]
        .records
        .iter()
        .filter(|record| wanted.iter().all(|(field, cell)| record.cells.get(*field) == cell.as_deref()))
        .map(|record| record.id)
        .collect();
    match matches.as_slice() {
        [] => Ok(None),
        [id] => Ok(Some(*id)),
        _ => Err(ApiError::invalid(
            "INVALID_VALUE_FOR_COLUMN",
            "Cannot update more than one record for one entry of an upsert",
        )),
    }
}

fn accept_row(
    base: &mut Base,
    tx: &mut Transaction,
    t: TableIndex,
    record: &Value,
    typecast: bool,
    id: Option<RecordId>,
) -> Result<Row, ApiError> {
    let mut row = Vec::new();
    for (name, value) in record["fields"].as_object().into_iter().flatten() {
        let f = base[t].field(name).ok_or_else(|| ApiError::unknown_field(name))?;
        let current = id.and_then(|id| base[t].records.get(id)?.cells.get(f).map(<[u8]>::to_vec));
        row.push((f, accept(base, tx, (t, f), value, typecast, current.as_deref())?));
    }
    Ok(row)
}

fn insert(base: &mut Base, tx: &mut Transaction, t: TableIndex, row: Row) -> RecordId {
    let id = create_record(base, tx, t, None);
    for (f, cell) in row {
        edit_cell(base, tx, t, id, f, cell.as_deref());
    }
    id
}

fn overwrite(base: &mut Base, tx: &mut Transaction, t: TableIndex, id: RecordId, row: Row, replace: Replace) {
    if replace == Replace::All {
        let named: Vec<FieldIndex> = row.iter().map(|(f, _)| *f).collect();
        let others = base[t].live_fields().filter(|(f, field)| field.is_writable() && !named.contains(f));
        for f in others.map(|(f, _)| f).collect::<Vec<_>>() {
            edit_cell(base, tx, t, id, f, None);
        }
    }
    for (f, cell) in row {
        edit_cell(base, tx, t, id, f, cell.as_deref());
    }
}

/// `DELETE`, one or several; nothing is deleted if one is unknown.
///
/// # Errors
/// 422 for more than ten, or for an unknown record.
pub(crate) fn delete_records(
    base: &mut Base,
    t: TableIndex,
    ids: &[&str],
    actor: Actor,
    now_ms: i64,
) -> Result<Vec<Value>, ApiError> {
    if ids.is_empty() || ids.len() > MOST_RECORDS {
        return Err(ApiError::invalid_request());
    }
    let mut known = Vec::new();
    for id in ids {
        let record = RecordId::parse(id).filter(|id| base[t].records.get(*id).is_some());
        known.push(record.ok_or_else(|| ApiError::row_does_not_exist(id))?);
    }
    let mut tx = Transaction::new(now_ms, actor);
    for id in &known {
        delete_record(base, &mut tx, t, *id);
    }
    commit(base, tx);
    Ok(known.iter().map(|id| json!({"id": id.to_string(), "deleted": true})).collect())
}

/// The records as they are after the write.
fn answer(
    base: &Base,
    t: TableIndex,
    ids: &[RecordId],
    body: &WriteBody<'_>,
    outcome: Option<(Vec<RecordId>, Vec<RecordId>)>,
    signature: &str,
) -> Result<Vec<u8>, ApiError> {
    let writer = PageWriter::new(base, t, None, &body.shape, signature)?;
    let records: Vec<_> = ids.iter().filter_map(|id| base[t].records.get(*id)).collect();
    let mut out = Vec::new();
    if let (true, [record]) = (body.single, records.as_slice()) {
        writer.write(&mut out, record);
        return Ok(out);
    }
    out.extend_from_slice(b"{\"records\":[");
    for (index, record) in records.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        writer.write(&mut out, record);
    }
    out.push(b']');
    if let Some((created, updated)) = outcome {
        let texts = |ids: Vec<RecordId>| ids.iter().map(ToString::to_string).collect::<Value>().to_string();
        let tail = format!(",\"createdRecords\":{},\"updatedRecords\":{}", texts(created), texts(updated));
        out.extend_from_slice(tail.as_bytes());
    }
    out.push(b'}');
    Ok(out)
}
