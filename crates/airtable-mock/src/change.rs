//! Changing records: one transaction at a time, with both sides of links and all computed cells.
//!
//! A transaction notes the previous value of every cell it touches, its own computed consequences
//! included; webhook payloads are made of these notes. Nothing else may write cells.

pub(crate) mod input;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::clock::whole_second;
use crate::data::base::{Base, field_index, link_ids, link_json};
use crate::data::cells::Cells;
use crate::data::id::RecordId;
use crate::data::record::{Edit, Record};

/// Who changes something, and by which way in.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    /// As in webhook payloads: `client` or `publicApi`.
    pub(crate) source: String,
    /// Index of the person.
    pub(crate) person: u16,
}

impl Actor {
    pub(crate) fn api(person: u16) -> Self {
        Self { source: "publicApi".into(), person }
    }

    /// A person at the screen.
    pub(crate) fn client() -> Self {
        Self { source: "client".into(), person: 0 }
    }
}

/// Changes of the schema in one transaction.
#[derive(Debug, Default)]
pub(crate) struct SchemaChange {
    pub(crate) created_tables: Vec<String>,
    pub(crate) destroyed_tables: Vec<String>,
    /// Table id, and its previous name and description as far as they changed.
    pub(crate) metadata: Vec<(String, Value)>,
    /// Table id and field id.
    pub(crate) created_fields: Vec<(String, String)>,
    pub(crate) destroyed_fields: Vec<(String, String)>,
    /// Table id, field id, and its previous name and type as far as they changed.
    pub(crate) changed_fields: Vec<(String, String, Value)>,
}

impl SchemaChange {
    pub(crate) fn is_empty(&self) -> bool {
        self.created_tables.is_empty()
            && self.destroyed_tables.is_empty()
            && self.metadata.is_empty()
            && self.created_fields.is_empty()
            && self.destroyed_fields.is_empty()
            && self.changed_fields.is_empty()
    }
}

/// The cells of one record as they were before the transaction.
pub(crate) type Previous = BTreeMap<u16, Option<Vec<u8>>>;

/// What happened, noted while it happens.
#[derive(Debug)]
pub(crate) struct Transaction {
    pub(crate) now_ms: i64,
    pub(crate) actor: Actor,
    silent: bool,
    pub(crate) changed: BTreeMap<(usize, RecordId), Previous>,
    pub(crate) created: BTreeSet<(usize, RecordId)>,
    pub(crate) destroyed: Vec<(usize, RecordId)>,
    pub(crate) schema: SchemaChange,
}

impl Transaction {
    pub(crate) fn new(now_ms: i64, actor: Actor) -> Self {
        Self {
            now_ms,
            actor,
            silent: false,
            changed: BTreeMap::new(),
            created: BTreeSet::new(),
            destroyed: Vec::new(),
            schema: SchemaChange::default(),
        }
    }

    /// One that leaves no trace in modification times and webhooks: loading, and the passing of time.
    pub(crate) fn silent(now_ms: i64) -> Self {
        Self { silent: true, ..Self::new(now_ms, Actor::client()) }
    }

    pub(crate) fn touched_records(&self) -> impl Iterator<Item = (usize, RecordId)> {
        let changed = self.changed.keys().filter(|key| !self.created.contains(key));
        self.created.iter().chain(changed).copied()
    }

    fn note(&mut self, t: usize, id: RecordId, field: u16, previous: Option<Vec<u8>>) {
        self.changed.entry((t, id)).or_default().entry(field).or_insert(previous);
    }
}

impl Base {
    /// Ends a transaction: computed cells follow, webhooks hear of it.
    pub(crate) fn commit(&mut self, mut tx: Transaction) {
        if tx.silent {
            self.recompute_all(&mut tx);
            return;
        }
        self.recompute(&mut tx);
        if tx.changed.is_empty() && tx.created.is_empty() && tx.destroyed.is_empty() && tx.schema.is_empty() {
            return;
        }
        self.transaction += 1;
        self.tell_webhooks(&tx);
    }

    /// Sets a cell and notes what was there; neither an edit nor a link's other side.
    pub(crate) fn put_cell(&mut self, tx: &mut Transaction, t: usize, id: RecordId, field: u16, json: Option<&[u8]>) {
        self.unsettle(tx, t, id);
        let Some(record) = self.tables[t].records.get_mut(id) else {
            return;
        };
        let previous = record.cells.get(field).map(<[u8]>::to_vec);
        record.cells.set(field, json);
        if !tx.silent {
            tx.note(t, id, field, previous);
        }
    }

    /// Lets readers see a record as it was for a while, if changes are slow to show.
    fn unsettle(&mut self, tx: &Transaction, t: usize, id: RecordId) {
        let delay = self.manners.visibility_delay_ms;
        if delay == 0 || tx.silent {
            return;
        }
        let records = &mut self.tables[t].records;
        if let Some(slot) = records.slot_of(id) {
            let before = if tx.created.contains(&(t, id)) { None } else { records.at(slot).cloned() };
            records.unsettle(slot, before, tx.now_ms + delay, tx.now_ms);
        }
    }

    /// A person's edit of a cell: stamps it, keeps the other side of a link, frees a pinned cell.
    pub(crate) fn edit_cell(&mut self, tx: &mut Transaction, t: usize, id: RecordId, f: usize, json: Option<&[u8]>) {
        let field = field_index(f);
        self.tables[t].pinned.remove(&(id, field));
        let Some(record) = self.tables[t].records.get(id) else {
            return;
        };
        let old = record.cells.get(field).map(<[u8]>::to_vec);
        if old.as_deref() == json {
            return;
        }
        self.put_cell(tx, t, id, field, json);
        self.stamp_edit(tx, t, id, field);
        if self.tables[t].fields[f].kind == "multipleRecordLinks" {
            let ids = |cell: Option<&[u8]>| cell.map(link_ids).unwrap_or_default();
            self.keep_inverse(tx, (t, f), id, &ids(old.as_deref()), &ids(json));
        }
    }

    fn stamp_edit(&mut self, tx: &Transaction, t: usize, id: RecordId, field: u16) {
        if tx.silent || tx.created.contains(&(t, id)) {
            return;
        }
        let ms = self.stamp_ms(tx.now_ms);
        if let Some(record) = self.tables[t].records.get_mut(id) {
            record.note_edit(Edit { field, ms, person: tx.actor.person });
        }
    }

    fn stamp_ms(&self, now_ms: i64) -> i64 {
        if self.manners.whole_seconds { whole_second(now_ms) } else { now_ms }
    }

    /// Adds and removes a record in the cells on the other side of a link.
    fn keep_inverse(
        &mut self,
        tx: &mut Transaction,
        link: (usize, usize),
        id: RecordId,
        old: &[RecordId],
        new: &[RecordId],
    ) {
        let Some((other, inverse)) = self.inverse_of(link.0, link.1) else {
            return;
        };
        let gone = old.iter().filter(|other| !new.contains(other)).map(|other| (*other, false));
        let come = new.iter().filter(|other| !old.contains(other)).map(|other| (*other, true));
        for (partner, linked) in gone.chain(come).collect::<Vec<_>>() {
            let mut ids = self.linked_ids(other, partner, inverse);
            let had = ids.len();
            ids.retain(|other| *other != id);
            if linked {
                ids.push(id);
            } else if ids.len() == had {
                continue;
            }
            self.put_cell(tx, other, partner, field_index(inverse), link_json(&ids).as_deref());
            // Linking a record from the other table counts as an edit of it.
            self.stamp_edit(tx, other, partner, field_index(inverse));
        }
    }

    /// A new record without cells.
    pub(crate) fn create_record(&mut self, tx: &mut Transaction, t: usize, id: Option<RecordId>) -> RecordId {
        let id = id.unwrap_or_else(|| self.ids.record());
        let created_ms = self.stamp_ms(tx.now_ms);
        let table = &mut self.tables[t];
        table.next_auto += 1;
        let record = Record {
            id,
            created_ms,
            auto_number: table.next_auto,
            created_by: tx.actor.person,
            cells: Cells::default(),
            edits: None,
        };
        table.records.push(record);
        tx.created.insert((t, id));
        self.unsettle(tx, t, id);
        id
    }

    /// Removes a record, its links and its comments. `false` if there is none.
    pub(crate) fn delete_record(&mut self, tx: &mut Transaction, t: usize, id: RecordId) -> bool {
        if self.tables[t].records.slot_of(id).is_none() {
            return false;
        }
        let links: Vec<usize> = self.tables[t]
            .live_fields()
            .filter(|(_, field)| field.kind == "multipleRecordLinks")
            .map(|(f, _)| f)
            .collect();
        for f in links {
            let old = self.linked_ids(t, id, f);
            self.keep_inverse(tx, (t, f), id, &old, &[]);
        }
        self.unlink_one_sided(tx, t, id);
        self.unsettle(tx, t, id);
        self.tables[t].records.remove(id);
        self.tables[t].pinned.retain(|(record, _)| *record != id);
        self.comments.remove(&id);
        tx.changed.remove(&(t, id));
        if !tx.created.remove(&(t, id)) {
            tx.destroyed.push((t, id));
        }
        true
    }

    /// Takes a record out of link cells that have no field on the other side.
    fn unlink_one_sided(&mut self, tx: &mut Transaction, t: usize, id: RecordId) {
        let mut cells = Vec::new();
        for other in 0..self.tables.len() {
            for (f, field) in self.tables[other].live_fields() {
                let points_here = field.kind == "multipleRecordLinks"
                    && self.linked_table(other, f) == Some(t)
                    && self.inverse_of(other, f).is_none();
                if points_here {
                    cells.extend(
                        self.records_linking_to(other, f, id).into_iter().map(|(_, holder)| (other, holder, f)),
                    );
                }
            }
        }
        for (other, holder, f) in cells {
            let mut ids = self.linked_ids(other, holder, f);
            ids.retain(|linked| *linked != id);
            self.put_cell(tx, other, holder, field_index(f), link_json(&ids).as_deref());
        }
    }

    /// Puts any JSON into a cell, as a value that no computation replaces. `null` empties the cell.
    pub(crate) fn pin_cell(&mut self, tx: &mut Transaction, t: usize, id: RecordId, f: usize, json: &Value) {
        let bytes = (!json.is_null()).then(|| json.to_string().into_bytes());
        self.tables[t].pinned.insert((id, field_index(f)));
        self.put_cell(tx, t, id, field_index(f), bytes.as_deref());
    }
}

/// `sourceMetadata` of an actor, for webhook payloads.
pub(crate) fn source_metadata(base: &Base, actor: &Actor) -> Option<Value> {
    match actor.source.as_str() {
        "client" | "publicApi" => {
            let mut user = base.person(actor.person)?.cell();
            user["permissionLevel"] = json!("create");
            Some(json!({"user": user}))
        }
        _ => None,
    }
}
