//! Payloads of webhooks as they come: of each, what it says of one table. Pure.
//!
//! Who reads them says how much of that table's part is wanted: [`RecordChanges`], which records changed, or what became of
//! each cell, which stands in `cell_changes`.
//!
//! A webhook tells of all tables of its base, and a stream reads one of them. The others' parts are passed over as they are,
//! unread and without a copy: nothing in them stops a stream that they are not about, and large ones cost no memory.
//!
//! Invariants: a null is a key that is left out. What cannot be read of the table's own part is kept as just that, and is
//! never taken for nothing.

// What matters of some objects is their keys.
#![allow(clippy::zero_sized_map_values)]

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::de::StrRead;
use serde_json::value::RawValue;
use serde_json::{Deserializer, Value};

use crate::error::line;
use crate::id;
use crate::time::{Micros, timestamp_micros};

/// An object of which the keys matter.
type Keys = HashMap<String, IgnoredAny>;

/// `GET /v0/bases/{baseId}/webhooks/{webhookId}/payloads`.
#[derive(Debug)]
#[allow(clippy::struct_field_names)] // Airtable's name for it.
pub(crate) struct Payloads<T = RecordChanges> {
    pub(crate) payloads: Vec<Payload<T>>,
    /// The number after that of the last payload.
    pub(crate) cursor: u64,
    pub(crate) might_have_more: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageParts<'a> {
    #[serde(borrow)]
    payloads: Vec<&'a RawValue>,
    cursor: u64,
    might_have_more: Option<bool>,
}

impl<T: OfTable> Payloads<T> {
    /// A page of them, for one table.
    ///
    /// # Errors
    /// Where it is no page. What single payloads say is looked at when it is needed.
    pub(crate) fn read(text: &str, table_id: &str) -> serde_json::Result<Self> {
        let page: PageParts = serde_json::from_str(text)?;
        Ok(Self {
            payloads: page.payloads.into_iter().map(|payload| Payload::read(payload, table_id)).collect(),
            cursor: page.cursor,
            might_have_more: page.might_have_more.unwrap_or_default(),
        })
    }
}

impl<T> Payloads<T> {
    /// Each with its number.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (u64, &Payload<T>)> {
        (self.cursor.saturating_sub(self.payloads.len() as u64)..).zip(&self.payloads)
    }
}

/// What one transaction changed, or a part of it.
#[derive(Debug)]
pub(crate) struct Payload<T = RecordChanges> {
    at: Option<Micros>,
    pub(crate) base_transaction_number: Option<u64>,
    failure: Option<String>,
    change: Result<T, String>,
}

/// What is read of a payload about one table.
pub(crate) trait OfTable: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn read(said: &Said<'_>) -> Result<Self, String>;
}

/// What a payload says, as far as it may be about one table.
pub(crate) struct Said<'a> {
    /// The table's own part; none where it has none.
    pub(super) table: Option<TableParts<'a>>,
    is_destroyed: bool,
    /// Who made the change, and by which way in.
    pub(super) action: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct PayloadParts<'a> {
    timestamp: Value,
    base_transaction_number: Value,
    error: Value,
    code: Value,
    #[serde(borrow)]
    action_metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    changed_tables_by_id: Option<&'a RawValue>,
    #[serde(borrow)]
    destroyed_table_ids: Option<&'a RawValue>,
}

/// Which of the table's records a payload says have changed.
#[derive(Debug, Default)]
pub(crate) struct RecordChanges {
    pub(crate) created_records: Keys,
    pub(crate) changed_records: HashMap<String, Option<RecordChange>>,
    pub(crate) destroyed_records: Vec<String>,
    pub(crate) created_fields: Keys,
    /// Something is said of the table's definition, or may be.
    pub(crate) definition: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct TableParts<'a> {
    #[serde(borrow)]
    pub(super) created_records_by_id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) changed_records_by_id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) destroyed_record_ids: Option<&'a RawValue>,
    #[serde(borrow)]
    created_fields_by_id: Option<&'a RawValue>,
    #[serde(borrow)]
    changed_fields_by_id: Option<&'a RawValue>,
    #[serde(borrow)]
    destroyed_field_ids: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "an object")]
pub(crate) struct RecordChange {
    current: Option<Cells>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "an object")]
struct Cells {
    cell_values_by_field_id: Option<Keys>,
}

impl<T: OfTable> Payload<T> {
    fn read(raw: &RawValue, table_id: &str) -> Self {
        let parts: PayloadParts = match object(raw) {
            Ok(parts) => parts,
            Err(why) => return Self { at: None, base_transaction_number: None, failure: None, change: Err(why) },
        };
        Self {
            at: parts.timestamp.as_str().and_then(timestamp_micros),
            base_transaction_number: parts.base_transaction_number.as_u64(),
            failure: failure(&parts.error, &parts.code),
            change: said(&parts, table_id).and_then(|said| T::read(&said)),
        }
    }
}

impl<T> Payload<T> {
    /// Whether another payload tells of the same transaction.
    pub(crate) fn is_same_transaction(&self, other: &Self) -> bool {
        self.base_transaction_number.is_some() && self.base_transaction_number == other.base_transaction_number
    }

    /// Why the webhook tells nothing more, if that is what it says.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// When the change was made.
    pub(crate) fn at(&self) -> Option<Micros> {
        self.at
    }

    /// What it says of the table.
    ///
    /// # Errors
    /// Why that cannot be read.
    pub(crate) fn change(&self) -> Result<&T, &str> {
        self.change.as_ref().map_err(String::as_str)
    }

    /// The same, for keeps.
    #[cfg(test)]
    pub(super) fn into_change(self) -> Result<T, String> {
        self.change
    }
}

impl RecordChange {
    /// The fields whose cells changed; none where they are not told.
    pub(crate) fn fields(&self) -> Option<impl Iterator<Item = &String>> {
        self.current.as_ref().and_then(|cells| cells.cell_values_by_field_id.as_ref()).map(HashMap::keys)
    }
}

/// The code of a failure, in whichever form it is told.
fn failure(error: &Value, code: &Value) -> Option<String> {
    if code.is_null() && matches!(error, Value::Null | Value::Bool(false)) {
        return None;
    }
    let told = [code, error, &error["type"], &error["code"]].into_iter().find_map(|value| match value {
        Value::String(code) => Some(line(code)).filter(|code| !code.is_empty()),
        Value::Number(code) => Some(code.to_string()),
        _ => None,
    });
    Some(told.unwrap_or_else(|| "an error without a code".to_owned()))
}

fn said<'a>(payload: &PayloadParts<'a>, table_id: &str) -> Result<Said<'a>, String> {
    let tables: HashMap<String, &RawValue> =
        part(payload.changed_tables_by_id, "changedTablesById", |json| HashMap::deserialize(json))?;
    let table = tables
        .get(table_id)
        .filter(|table| table.get() != "null")
        .map(|table| object(table).map_err(|why| format!("its changedTablesById.{table_id}: {why}")));
    Ok(Said {
        table: table.transpose()?,
        is_destroyed: payload.destroyed_table_ids.is_some_and(|ids| may_hold(ids, table_id)),
        action: payload.action_metadata,
    })
}

impl OfTable for RecordChanges {
    fn read(said: &Said<'_>) -> Result<Self, String> {
        let Some(table) = &said.table else {
            return Ok(Self { definition: said.is_destroyed, ..Self::default() });
        };
        let created_fields = part(table.created_fields_by_id, "createdFieldsById", |json| Keys::deserialize(json))?;
        let changed_fields = part(table.changed_fields_by_id, "changedFieldsById", |json| Keys::deserialize(json))?;
        let destroyed_fields =
            part(table.destroyed_field_ids, "destroyedFieldIds", |json| Vec::<IgnoredAny>::deserialize(json))?;
        Ok(Self {
            created_records: part(table.created_records_by_id, "createdRecordsById", |json| id::keys(json))?,
            changed_records: part(table.changed_records_by_id, "changedRecordsById", |json| id::keys(json))?,
            destroyed_records: part(table.destroyed_record_ids, "destroyedRecordIds", |json| id::several(json))?,
            definition: said.is_destroyed
                || !created_fields.is_empty()
                || !changed_fields.is_empty()
                || !destroyed_fields.is_empty(),
            created_fields,
        })
    }
}

/// Whether a list of ids has this one. A list that is none may: asking for the definition once more does no harm.
fn may_hold(ids: &RawValue, id: &str) -> bool {
    serde_json::from_str::<Vec<Value>>(ids.get()).map_or(true, |ids| ids.iter().any(|listed| listed == id))
}

/// Reads what a key holds; nothing where there is no such key.
pub(super) fn part<'a, T: Default>(
    raw: Option<&'a RawValue>,
    key: &str,
    read: impl FnOnce(&mut Deserializer<StrRead<'a>>) -> serde_json::Result<T>,
) -> Result<T, String> {
    let Some(raw) = raw else { return Ok(T::default()) };
    read(&mut Deserializer::from_str(raw.get())).map_err(|error| line(&format!("its {key}: {error}")))
}

/// Reads an object. Serde would take a list for one whose keys are left out.
pub(super) fn object<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, String> {
    if !raw.get().starts_with('{') {
        return Err(line(&format!("{} is no object", raw.get())));
    }
    serde_json::from_str(raw.get()).map_err(|error| line(&error.to_string()))
}

#[cfg(test)]
mod tests;
