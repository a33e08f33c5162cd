//! How a change in one record travels to others.
//!
//! Computed cells are stored like all others and brought up to date at the end of each transaction, so that
//! reading never computes. A record whose cells changed makes the records that read it through a link
//! follow; a record is visited a bounded number of times, so even a cycle across tables ends.

use std::collections::{HashMap, VecDeque};

use super::edit::put_cell;
use crate::clock::whole_second;
use crate::compute::cell::compute;
use crate::data::base::Base;
use crate::data::id::RecordId;
use crate::data::index::TableIndex;
use crate::data::manners::Manners;
use crate::data::record::Record;
use crate::data::store::Store;
use crate::data::transaction::Transaction;

const MOST_VISITS: u32 = 12;

/// Brings everything up to date that depends on what the transaction touched.
pub(crate) fn recompute(base: &mut Base, tx: &mut Transaction) {
    let mut queue: VecDeque<(TableIndex, RecordId)> = tx.touched_records().collect();
    let mut visits: HashMap<RecordId, u32> = HashMap::new();
    while let Some((t, id)) = queue.pop_front() {
        let visit = visits.entry(id).or_default();
        *visit += 1;
        if *visit > MOST_VISITS {
            continue;
        }
        let first = *visit == 1;
        if recompute_record(base, tx, t, id) || first {
            queue.extend(reading_records(base, t, id));
        }
    }
}

/// Brings the computed cells of a record up to date; tells whether any changed.
fn recompute_record(base: &mut Base, tx: &mut Transaction, t: TableIndex, id: RecordId) -> bool {
    let Some(record) = base[t].records.get(id) else {
        return false;
    };
    let mut fresh = record.clone();
    let mut stale = Vec::new();
    for &f in &base[t].order {
        if base[t].pinned.contains(&(id, f)) {
            continue;
        }
        let new = compute(base, t, &fresh, f, tx.now_ms);
        if new.as_deref() != fresh.cells.get(f) {
            fresh.cells.set(f, new.as_deref());
            stale.push((f, new));
        }
    }
    let changed = !stale.is_empty();
    for (f, new) in stale {
        put_cell(base, tx, t, id, f, new.as_deref());
    }
    changed
}

/// The records of other tables (or this one) whose computed cells may read this record.
fn reading_records(base: &Base, t: TableIndex, id: RecordId) -> Vec<(TableIndex, RecordId)> {
    let mut found = Vec::new();
    for &(reader, link) in &base[t].readers {
        match base.inverse_of(reader, link) {
            Some((_, inverse)) => {
                found.extend(base.linked_ids(t, id, inverse).into_iter().map(|other| (reader, other)));
            }
            None => found.extend(base.records_linking_to(reader, link, id)),
        }
    }
    found
}

/// Computes all cells of the base, after loading it or after a change of the schema. Field by field in
/// the order of the plan, once is enough.
pub(crate) fn recompute_all(base: &mut Base, tx: &mut Transaction) {
    for (t, f) in base.order.clone() {
        let table = &base[t];
        let free = |record: &&Record| !table.pinned.contains(&(record.id, f));
        let fresh: Vec<(RecordId, Option<Vec<u8>>)> = table
            .records
            .iter()
            .filter(free)
            .map(|record| (record.id, compute(base, t, record, f, tx.now_ms), record.cells.get(f)))
            .filter(|(_, new, old)| new.as_deref() != *old)
            .map(|(id, new, _)| (id, new))
            .collect();
        for (id, new) in fresh {
            put_cell(base, tx, t, id, f, new.as_deref());
        }
    }
}

/// Recomputes what depends on the time of day, at most once a second.
pub(crate) fn refresh_volatile(base: &mut Base, t: TableIndex, now_ms: i64) {
    base[t].refreshed_ms = whole_second(now_ms);
    let mut tx = Transaction::silent(now_ms);
    let ids: Vec<RecordId> = base[t].records.iter().map(|record| record.id).collect();
    for id in ids {
        recompute_record(base, &mut tx, t, id);
    }
}

/// Whether [`refresh_volatile`] has something to do.
pub(crate) fn is_stale(base: &Base, t: TableIndex, now_ms: i64) -> bool {
    !base[t].volatile.is_empty() && base[t].refreshed_ms != whole_second(now_ms)
}

/// Takes over how bases are to behave; cells that depend on it are computed anew.
pub(crate) fn set_manners(store: &mut Store, manners: Manners, now_ms: i64) {
    let stamps_changed = store.manners.blank_until_edited != manners.blank_until_edited;
    store.manners = manners;
    for base in &mut store.bases {
        base.manners = manners;
        if stamps_changed {
            recompute_all(base, &mut Transaction::silent(now_ms));
        }
    }
}
