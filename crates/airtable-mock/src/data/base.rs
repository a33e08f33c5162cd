//! A base: tables whose records refer to each other, and what hangs on them.
//!
//! A base is self-contained (its own id source, people, webhooks and comments), so that everything that
//! changes it needs one mutable borrow and nothing else.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::comment::Comment;
use super::id::{Ids, RecordId};
use super::link::link_ids;
use super::manners::Manners;
use super::person::Person;
use super::plain::plain_text;
use super::record::Record;
use super::table::Table;
use super::webhook::{Ping, Webhook};

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
            .map(|json: Value| super::plain::plain_text(&json))
            .unwrap_or_default()
    }

    /// The records whose cell in a link field names a record, found by looking at all of them.
    pub(crate) fn records_linking_to(&self, t: usize, link: usize, id: RecordId) -> Vec<(usize, RecordId)> {
        let links =
            |record: &&Record| record.cells.get(field_index(link)).is_some_and(|json| link_ids(json).contains(&id));
        self.tables[t].records.iter().filter(links).map(|record| (t, record.id)).collect()
    }

    /// A cell as text, as `cellFormat=string` and upserts want it.
    pub(crate) fn cell_text(&self, t: usize, f: usize, json: &[u8]) -> String {
        match self.linked_table(t, f) {
            Some(linked) if self.tables[t].fields[f].kind == "multipleRecordLinks" => {
                let names: Vec<String> = link_ids(json).into_iter().map(|id| self.record_name(linked, id)).collect();
                names.join(", ")
            }
            _ => serde_json::from_slice(json).map(|json| plain_text(&json)).unwrap_or_default(),
        }
    }

    /// `GET .../tables`
    pub(crate) fn schema(&self, with_visible_fields: bool) -> Value {
        json!({"tables": self.tables.iter().map(|table| table.definition(with_visible_fields)).collect::<Vec<_>>()})
    }
}

/// A field's index as it is stored in cells.
pub(crate) fn field_index(index: usize) -> u16 {
    u16::try_from(index).expect("a table has at most 500 live fields and never 65,536 in its life")
}
