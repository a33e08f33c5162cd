//! What a payload says of one table's cells: from what, to what, by whom.
//!
//! Invariants: the same payload is always read in the same order, by kind of change, record and field; a cell's value is the
//! text that came; a null is a key that is left out.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Deserializer, Value};

use super::payload::{OfTable, Said, object, part};
use crate::error::line;
use crate::id;

/// What became of the cells of a table, and by whom.
#[derive(Debug, Default)]
pub(crate) struct CellChanges {
    /// The way by which the change came in, as Airtable calls it; none where that is not told.
    pub(crate) source: Option<String>,
    /// Who made it; none where it was nobody, or that is not told.
    pub(crate) user: Option<User>,
    /// Records that were created, then those that were changed, then those that were destroyed; each by their ids.
    pub(crate) records: Vec<RecordCells>,
}

/// A person, as far as payloads tell.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, expecting = "an object")]
pub(crate) struct User {
    pub(crate) id: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
}

impl User {
    /// As JSON, without what is not told.
    pub(crate) fn to_json(&self) -> String {
        let parts = [("id", &self.id), ("email", &self.email), ("name", &self.name)];
        let told = parts.into_iter().filter_map(|(key, part)| Some((key, part.as_deref()?)));
        let told: Vec<String> = told.map(|(key, part)| format!("\"{key}\":{}", Value::from(part))).collect();
        format!("{{{}}}", told.join(","))
    }
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    Created,
    Updated,
    Deleted,
}

/// What became of the cells of a record.
#[derive(Debug)]
pub(crate) struct RecordCells {
    pub(crate) id: String,
    pub(crate) word: Word,
    /// By their fields' ids; none where cells are not told of.
    pub(crate) cells: Option<BTreeMap<String, CellChange>>,
}

/// From what to what; none where a cell was or is empty.
#[derive(Debug, Default)]
pub(crate) struct CellChange {
    pub(crate) old: Option<Box<RawValue>>,
    pub(crate) new: Option<Box<RawValue>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ActionParts<'a> {
    source: Option<String>,
    #[serde(borrow)]
    source_metadata: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SourceParts {
    user: Option<User>,
}

/// A record's object in a payload, whichever change it tells of.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default, expecting = "an object")]
struct RecordParts<'a> {
    #[serde(borrow)]
    cell_values_by_field_id: Option<Cells<'a>>,
    #[serde(borrow)]
    current: Option<CellsParts<'a>>,
    #[serde(borrow)]
    previous: Option<CellsParts<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default, expecting = "an object")]
struct CellsParts<'a> {
    #[serde(borrow)]
    cell_values_by_field_id: Option<Cells<'a>>,
}

type Cells<'a> = HashMap<String, Option<&'a RawValue>>;

type Records<'a> = BTreeMap<String, Option<RecordParts<'a>>>;

impl OfTable for CellChanges {
    fn read(said: &Said<'_>) -> Result<Self, String> {
        let Some(table) = &said.table else { return Ok(Self::default()) };
        let mut records = Vec::new();
        for (id, record) in records_of(table.created_records_by_id, "createdRecordsById")? {
            let cells = record.and_then(|record| record.cell_values_by_field_id);
            records.push(record_cells(id, Word::Created, cells, None)?);
        }
        for (id, record) in records_of(table.changed_records_by_id, "changedRecordsById")? {
            let RecordParts { current, previous, .. } = record.unwrap_or_default();
            let current = current.and_then(|cells| cells.cell_values_by_field_id);
            let previous = previous.and_then(|cells| cells.cell_values_by_field_id);
            records.push(record_cells(id, Word::Updated, current, previous)?);
        }
        let mut destroyed = part(table.destroyed_record_ids, "destroyedRecordIds", |json| id::several(json))?;
        destroyed.sort_unstable();
        records.extend(destroyed.into_iter().map(|id| RecordCells { id, word: Word::Deleted, cells: None }));
        let (source, user) = action(said.action)?;
        Ok(Self { source, user, records })
    }
}

fn records_of<'a>(raw: Option<&'a RawValue>, key: &str) -> Result<Records<'a>, String> {
    let records = part(raw, key, |json| id::keys::<_, Option<RecordParts>>(json))?;
    Ok(records.into_iter().collect())
}

/// Of a record that was changed the present cells say which, and the previous ones what they held.
fn record_cells(id: String, word: Word, new: Option<Cells<'_>>, old: Option<Cells<'_>>) -> Result<RecordCells, String> {
    let old = old.unwrap_or_default();
    let cells = new.map(|new| new.into_iter().map(|(field, new)| cell(&id, field, new, &old)).collect());
    Ok(RecordCells { cells: cells.transpose()?, id, word })
}

fn cell(record: &str, field: String, new: Option<&RawValue>, old: &Cells<'_>) -> Result<(String, CellChange), String> {
    if !id::is_id(&field) {
        return Err(line(&format!("its cells of record {record}: {}", id::no_id(&field))));
    }
    let old = old.get(&field).copied().flatten();
    Ok((field, CellChange { old: old.map(ToOwned::to_owned), new: new.map(ToOwned::to_owned) }))
}

/// The way in, and the person.
fn action(raw: Option<&RawValue>) -> Result<(Option<String>, Option<User>), String> {
    let Some(raw) = raw.filter(|raw| raw.get() != "null") else { return Ok((None, None)) };
    let action: ActionParts = object(raw).map_err(|why| format!("its actionMetadata: {why}"))?;
    let told = part(action.source_metadata, "sourceMetadata", |json: &mut Deserializer<_>| {
        Option::<SourceParts>::deserialize(json)
    })?;
    Ok((action.source, told.and_then(|told| told.user)))
}

#[cfg(test)]
mod tests;
