//! A base: tables whose records refer to each other, and what hangs on them.
//!
//! A base is self-contained (its own id source, people, webhooks and comments), so that everything that
//! changes it needs one mutable borrow and nothing else.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::comment::Comment;
use super::id::{Ids, RecordId};
use super::table::Table;
use crate::webhook::{Ping, Webhook};

/// A person who can own tokens, edit cells and be named in collaborator cells.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) email: Option<String>,
    pub(crate) name: String,
}

impl Person {
    /// The cell value of a collaborator.
    pub(crate) fn cell(&self) -> Value {
        match &self.email {
            Some(email) => json!({"id": self.id, "email": email, "name": self.name}),
            None => json!({"id": self.id, "name": self.name}),
        }
    }
}

/// What tests may change about how a base behaves; copied from the faults whenever these are set.
#[derive(Debug, Clone, Copy, PartialEq)]
// Independent switches are what this is for.
#[allow(clippy::struct_excessive_bools)]
pub(crate) struct Manners {
    /// Stamps are whole seconds throughout, not only where they are shown.
    pub(crate) whole_seconds: bool,
    /// `lastModifiedTime` is empty until the first edit.
    pub(crate) blank_until_edited: bool,
    /// How long readers do not see a change.
    pub(crate) visibility_delay_ms: i64,
    /// The most records in one webhook payload.
    pub(crate) records_per_payload: usize,
    /// Payloads are numbered but not kept.
    pub(crate) lose_payloads: bool,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            whole_seconds: true,
            blank_until_edited: false,
            visibility_delay_ms: 0,
            records_per_payload: usize::MAX,
            lose_payloads: false,
        }
    }
}

/// A base.
#[derive(Debug, Clone)]
pub(crate) struct Base {
    pub(crate) id: String,
    pub(crate) name: String,
    /// `none`, `read`, `comment`, `edit` or `create`.
    pub(crate) permission: String,
    pub(crate) people: Arc<Vec<Person>>,
    pub(crate) ids: Ids,
    pub(crate) tables: Vec<Table>,
    pub(crate) comments: HashMap<RecordId, Vec<Comment>>,
    pub(crate) webhooks: Vec<Webhook>,
    /// Notifications that wait to be sent.
    pub(crate) pings: Vec<Ping>,
    /// All computed fields by table and index, each after those that it reads.
    pub(crate) order: Vec<(usize, usize)>,
    /// The number of the last transaction.
    pub(crate) transaction: u64,
    pub(crate) manners: Manners,
}

impl Base {
    /// Finds a table by id or else by exact name.
    pub(crate) fn table(&self, name_or_id: &str) -> Option<usize> {
        self.tables
            .iter()
            .position(|table| table.id == name_or_id)
            .or_else(|| self.tables.iter().position(|table| table.name == name_or_id))
    }

    /// The table that holds a record.
    pub(crate) fn table_of(&self, record: RecordId) -> Option<usize> {
        self.tables.iter().position(|table| table.records.slot_of(record).is_some())
    }

    /// The table that a link field of `table` points to.
    pub(crate) fn linked_table(&self, table: usize, link: usize) -> Option<usize> {
        self.table(self.tables.get(table)?.fields.get(link)?.option_text("linkedTableId")?)
    }

    /// The field on the other side of a link: its table and index.
    pub(crate) fn inverse_of(&self, table: usize, link: usize) -> Option<(usize, usize)> {
        let other = self.linked_table(table, link)?;
        let id = self.tables[table].fields[link].option_text("inverseLinkFieldId")?;
        Some((other, self.tables[other].field(id)?))
    }

    pub(crate) fn person(&self, index: u16) -> Option<&Person> {
        self.people.get(usize::from(index))
    }

    /// The record ids in a link cell.
    pub(crate) fn linked_ids(&self, table: usize, record: RecordId, link: usize) -> Vec<RecordId> {
        let cell = self.tables[table].records.get(record).and_then(|record| record.cells.get(field_index(link)));
        cell.map(link_ids).unwrap_or_default()
    }

    /// The text by which a record is known: its primary field's.
    pub(crate) fn record_name(&self, table: usize, record: RecordId) -> String {
        let table = &self.tables[table];
        let cell = table.records.get(record).and_then(|record| record.cells.get(field_index(table.primary)));
        cell.and_then(|json| serde_json::from_slice(json).ok())
            .map(|json: Value| crate::compute::value::plain_text(&json))
            .unwrap_or_default()
    }
}

/// A field's index as it is stored in cells.
pub(crate) fn field_index(index: usize) -> u16 {
    u16::try_from(index).expect("a table has at most 500 live fields and never 65,536 in its life")
}

/// The record ids in the JSON of a link cell.
pub(crate) fn link_ids(json: &[u8]) -> Vec<RecordId> {
    let ids: Vec<&str> = serde_json::from_slice(json).unwrap_or_default();
    ids.into_iter().filter_map(RecordId::parse).collect()
}

/// The JSON of a link cell; `None` if it is empty.
pub(crate) fn link_json(ids: &[RecordId]) -> Option<Vec<u8>> {
    if ids.is_empty() {
        return None;
    }
    let mut out = vec![b'['];
    for (index, id) in ids.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.push(b'"');
        id.write_to(&mut out);
        out.push(b'"');
    }
    out.push(b']');
    Some(out)
}
