//! Records made and deleted, with their links and comments.

use super::edit::{keep_inverse, put_cell, stamp_ms, unsettle};
use crate::data::base::Base;
use crate::data::cells::Cells;
use crate::data::id::RecordId;
use crate::data::index::{FieldIndex, TableIndex};
use crate::data::link::link_json;
use crate::data::record::Record;
use crate::data::transaction::Transaction;

/// A new record without cells.
pub(crate) fn create_record(base: &mut Base, tx: &mut Transaction, t: TableIndex, id: Option<RecordId>) -> RecordId {
    let id = id.unwrap_or_else(|| base.ids.record());
    let created_ms = stamp_ms(base, tx.now_ms);
    let table = &mut base[t];
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
    unsettle(base, tx, t, id);
    id
}

/// Removes a record, its links and its comments. `false` if there is none.
pub(crate) fn delete_record(base: &mut Base, tx: &mut Transaction, t: TableIndex, id: RecordId) -> bool {
    if base[t].records.slot_of(id).is_none() {
        return false;
    }
    let links: Vec<FieldIndex> =
        base[t].live_fields().filter(|(_, field)| field.kind == "multipleRecordLinks").map(|(f, _)| f).collect();
    for f in links {
        let old = base.linked_ids(t, id, f);
        keep_inverse(base, tx, (t, f), id, &old, &[]);
    }
    unlink_one_sided(base, tx, t, id);
    unsettle(base, tx, t, id);
    base[t].records.remove(id);
    base[t].pinned.retain(|(record, _)| *record != id);
    base.comments.remove(&id);
    tx.changed.remove(&(t, id));
    if !tx.created.remove(&(t, id)) {
        tx.destroyed.push((t, id));
    }
    true
}

/// Takes a record out of link cells that have no field on the other side.
fn unlink_one_sided(base: &mut Base, tx: &mut Transaction, t: TableIndex, id: RecordId) {
    let mut cells = Vec::new();
    for other in base.tables.indices() {
        for (f, field) in base[other].live_fields() {
            let points_here = field.kind == "multipleRecordLinks"
                && base.linked_table(other, f) == Some(t)
                && base.inverse_of(other, f).is_none();
            if points_here {
                cells.extend(base.records_linking_to(other, f, id).into_iter().map(|(_, holder)| (other, holder, f)));
            }
        }
    }
    for (other, holder, f) in cells {
        let mut ids = base.linked_ids(other, holder, f);
        ids.retain(|linked| *linked != id);
        put_cell(base, tx, other, holder, f, link_json(&ids).as_deref());
    }
}
