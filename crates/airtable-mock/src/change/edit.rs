//! Edits of cells: with their stamps, and with the other side of links. Nothing else may write cells.

use serde_json::Value;

use crate::clock::whole_second;
use crate::data::base::Base;
use crate::data::id::RecordId;
use crate::data::index::{FieldIndex, TableIndex};
use crate::data::link::{link_ids, link_json};
use crate::data::record::Edit;
use crate::data::transaction::Transaction;

/// A person's edit of a cell: stamps it, keeps the other side of a link, frees a pinned cell.
pub(crate) fn edit_cell(
    base: &mut Base,
    tx: &mut Transaction,
    t: TableIndex,
    id: RecordId,
    f: FieldIndex,
    json: Option<&[u8]>,
) {
    base[t].pinned.remove(&(id, f));
    let Some(record) = base[t].records.get(id) else {
        return;
    };
    let old = record.cells.get(f).map(<[u8]>::to_vec);
    if old.as_deref() == json {
        return;
    }
    put_cell(base, tx, t, id, f, json);
    stamp_edit(base, tx, t, id, f);
    if base[t][f].kind == "multipleRecordLinks" {
        let ids = |cell: Option<&[u8]>| cell.map(link_ids).unwrap_or_default();
        keep_inverse(base, tx, (t, f), id, &ids(old.as_deref()), &ids(json));
    }
}

/// Sets a cell and notes what was there; neither an edit nor a link's other side.
pub(crate) fn put_cell(
    base: &mut Base,
    tx: &mut Transaction,
    t: TableIndex,
    id: RecordId,
    field: FieldIndex,
    json: Option<&[u8]>,
) {
    unsettle(base, tx, t, id);
    let Some(record) = base[t].records.get_mut(id) else {
        return;
    };
    let previous = record.cells.get(field).map(<[u8]>::to_vec);
    record.cells.set(field, json);
    if !tx.silent {
        tx.note(t, id, field, previous);
    }
}

/// Puts any JSON into a cell, as a value that no computation replaces. `null` empties the cell.
pub(crate) fn pin_cell(
    base: &mut Base,
    tx: &mut Transaction,
    t: TableIndex,
    id: RecordId,
    f: FieldIndex,
    json: &Value,
) {
    let bytes = (!json.is_null()).then(|| json.to_string().into_bytes());
    base[t].pinned.insert((id, f));
    put_cell(base, tx, t, id, f, bytes.as_deref());
}

/// Lets readers see a record as it was for a while, if changes are slow to show.
pub(crate) fn unsettle(base: &mut Base, tx: &Transaction, t: TableIndex, id: RecordId) {
    let delay = base.manners.visibility_delay_ms;
    if delay == 0 || tx.silent {
        return;
    }
    let records = &mut base[t].records;
    if let Some(slot) = records.slot_of(id) {
        let before = if tx.created.contains(&(t, id)) { None } else { records.at(slot).cloned() };
        records.unsettle(slot, before, tx.now_ms + delay, tx.now_ms);
    }
}

fn stamp_edit(base: &mut Base, tx: &Transaction, t: TableIndex, id: RecordId, field: FieldIndex) {
    if tx.silent || tx.created.contains(&(t, id)) {
        return;
    }
    let ms = stamp_ms(base, tx.now_ms);
    if let Some(record) = base[t].records.get_mut(id) {
        record.note_edit(Edit { field, ms, person: tx.actor.person });
    }
}

pub(crate) fn stamp_ms(base: &Base, now_ms: i64) -> i64 {
    if base.manners.whole_seconds { whole_second(now_ms) } else { now_ms }
}

/// Adds and removes a record in the cells on the other side of a link.
pub(crate) fn keep_inverse(
    base: &mut Base,
    tx: &mut Transaction,
    link: (TableIndex, FieldIndex),
    id: RecordId,
    old: &[RecordId],
    new: &[RecordId],
) {
    let Some((other, inverse)) = base.inverse_of(link.0, link.1) else {
        return;
    };
    let gone = old.iter().filter(|other| !new.contains(other)).map(|other| (*other, false));
    let come = new.iter().filter(|other| !old.contains(other)).map(|other| (*other, true));
    for (partner, linked) in gone.chain(come).collect::<Vec<_>>() {
        let mut ids = base.linked_ids(other, partner, inverse);
        let had = ids.len();
        ids.retain(|other| *other != id);
        if linked {
            ids.push(id);
        } else if ids.len() == had {
            continue;
        }
        put_cell(base, tx, other, partner, inverse, link_json(&ids).as_deref());
        // Linking a record from the other table counts as an edit of it.
        stamp_edit(base, tx, other, partner, inverse);
    }
}
