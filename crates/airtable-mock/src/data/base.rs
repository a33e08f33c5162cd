//! A base: tables whose records refer to each other, and what hangs on them.
//!
//! A base is self-contained (its own id source, people, webhooks and comments), so that everything that
//! changes it needs one mutable borrow and nothing else.

use std::collections::HashMap;
use std::ops::{Index, IndexMut};
use std::sync::Arc;

use serde_json::{Value, json};

use super::comment::Comment;
use super::file::Files;
use super::id::{Ids, RecordId};
use super::index::{FieldIndex, List, TableIndex};
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
    pub(crate) tables: List<TableIndex, Table>,
    pub(crate) comments: HashMap<RecordId, Vec<Comment>>,
    /// The files of attachments that were given with their bytes.
    pub(crate) files: Files,
    pub(crate) webhooks: Vec<Webhook>,
    /// Notifications that wait to be sent.
    pub(crate) pings: Vec<Ping>,
    /// All computed fields by table and index, each after those that it reads.
    pub(crate) order: Vec<(TableIndex, FieldIndex)>,
    /// The number of the last transaction.
    pub(crate) transaction: u64,
    pub(crate) manners: Manners,
}

impl Base {
    /// Finds a table by id or else by exact name.
    pub(crate) fn table(&self, name_or_id: &str) -> Option<TableIndex> {
        let by_id = self.tables.position(|table| table.id == name_or_id);
        by_id.or_else(|| self.tables.position(|table| table.name == name_or_id))
    }

    /// The table that holds a record.
    pub(crate) fn table_of(&self, record: RecordId) -> Option<TableIndex> {
        self.tables.position(|table| table.records.slot_of(record).is_some())
    }

    /// The table that a link field of `table` points to.
    pub(crate) fn linked_table(&self, table: TableIndex, link: FieldIndex) -> Option<TableIndex> {
        self.table(self.tables.get(table)?.fields.get(link)?.option_text("linkedTableId")?)
    }

    /// The field on the other side of a link: its table and index.
    pub(crate) fn inverse_of(&self, table: TableIndex, link: FieldIndex) -> Option<(TableIndex, FieldIndex)> {
        let other = self.linked_table(table, link)?;
        let id = self[table][link].option_text("inverseLinkFieldId")?;
        Some((other, self[other].field(id)?))
    }

    pub(crate) fn person(&self, index: u16) -> Option<&Person> {
        self.people.get(usize::from(index))
    }

    /// The record ids in a link cell.
    pub(crate) fn linked_ids(&self, table: TableIndex, record: RecordId, link: FieldIndex) -> Vec<RecordId> {
        let cell = self[table].records.get(record).and_then(|record| record.cells.get(link));
        cell.map(link_ids).unwrap_or_default()
    }

    /// The text by which a record is known: its primary field's.
    pub(crate) fn record_name(&self, table: TableIndex, record: RecordId) -> String {
        let table = &self[table];
        let cell = table.records.get(record).and_then(|record| record.cells.get(table.primary));
        cell.and_then(|json| serde_json::from_slice(json).ok()).map(|json: Value| plain_text(&json)).unwrap_or_default()
    }

    /// The records whose cell in a link field names a record, found by looking at all of them.
    pub(crate) fn records_linking_to(
        &self,
        t: TableIndex,
        link: FieldIndex,
        id: RecordId,
    ) -> Vec<(TableIndex, RecordId)> {
        let links = |record: &&Record| record.cells.get(link).is_some_and(|json| link_ids(json).contains(&id));
        self[t].records.iter().filter(links).map(|record| (t, record.id)).collect()
    }

    /// A cell as text, as `cellFormat=string` and upserts want it.
    pub(crate) fn cell_text(&self, t: TableIndex, f: FieldIndex, json: &[u8]) -> String {
        match self.linked_table(t, f) {
            Some(linked) if self[t][f].kind == "multipleRecordLinks" => {
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

impl Index<TableIndex> for Base {
    type Output = Table;

    fn index(&self, table: TableIndex) -> &Table {
        &self.tables[table]
    }
}

impl IndexMut<TableIndex> for Base {
    fn index_mut(&mut self, table: TableIndex) -> &mut Table {
        &mut self.tables[table]
    }
}
