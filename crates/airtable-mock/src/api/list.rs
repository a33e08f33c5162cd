//! `GET /v0/{base}/{table}`, `POST .../listRecords`, and `GET .../{record}`.
//!
//! The first page freezes which records are listed and in which order; each page then reads the cells as
//! they are when it is served.

use std::sync::Arc;

use super::iterator::{Iterators, Listing, Order, Place};
use super::page::PageWriter;
use super::query::{ListQuery, RecordShape};
use super::sort::sort_slots;
use crate::compute::row::Reader;
use crate::data::base::Base;
use crate::data::id::RecordId;
use crate::data::index::{Numbered, Slot, TableIndex};
use crate::error::ApiError;
use crate::fault::Faults;
use crate::formula::Formula;

/// What listing needs besides the base.
pub(crate) struct Circumstances<'a> {
    pub(crate) faults: &'a Faults,
    pub(crate) now_ms: i64,
    /// What unsigned attachment URLs begin with when they are sent.
    pub(crate) signature: &'a str,
}

/// What the first page decided.
pub(crate) struct Frozen {
    order: Order,
    filter: Option<Arc<Formula>>,
}

/// Decides which records a listing has and in which order.
///
/// # Errors
/// 422 for an unknown view or field, or a formula that does not compile.
pub(crate) fn freeze(
    base: &Base,
    t: TableIndex,
    query: &ListQuery,
    with: &Circumstances<'_>,
) -> Result<Frozen, ApiError> {
    let now_ms = with.now_ms;
    let table = &base[t];
    let view = query.view.as_deref().map(|name| table.view(name).ok_or_else(|| unknown_view(name))).transpose()?;
    let view = view.map(|view| &table.views[view]);
    let filter = query.formula.as_deref().map(|text| compile(base, t, text, with.faults)).transpose()?;
    let mut by = Vec::new();
    for (name, descending) in &query.sort {
        by.push((table.field(name).ok_or_else(|| ApiError::unknown_field(name))?, *descending));
    }
    if by.is_empty()
        && let Some(view) = view
    {
        by.extend(view.sort.iter().filter_map(|(name, descending)| Some((table.field(name)?, *descending))));
    }
    let of_view = view.and_then(|view| view.filter.as_ref());
    let everything = filter.is_none() && of_view.is_none() && by.is_empty() && query.max_records.is_none();
    let end = table.records.end();
    if everything {
        return Ok(Frozen { order: Order::Everything(end), filter: None });
    }
    let matches = |slot: &Slot| {
        table.records.seen(*slot, now_ms).is_some_and(|record| {
            let row = Reader::new(base, t, record, now_ms);
            [of_view, filter.as_ref()].into_iter().flatten().all(|formula| formula.eval(&row).is_truthy())
        })
    };
    let most = query.max_records.unwrap_or(usize::MAX);
    let mut slots: Vec<Slot> = if by.is_empty() {
        table.records.slots().filter(matches).take(most).collect()
    } else {
        table.records.slots().filter(matches).collect()
    };
    if !by.is_empty() {
        sort_slots(base, t, &mut slots, &by, now_ms);
        slots.truncate(most);
    }
    Ok(Frozen { order: Order::Listed(Arc::new(slots)), filter: filter.map(Arc::new) })
}

fn unknown_view(name: &str) -> ApiError {
    let kind = if crate::data::id::is_id("viw", name) { "VIEW_ID_NOT_FOUND" } else { "VIEW_NAME_NOT_FOUND" };
    ApiError::invalid(kind, format!("View {name} not found"))
}

fn compile(base: &Base, t: TableIndex, text: &str, faults: &Faults) -> Result<Formula, ApiError> {
    let table = &base[t];
    let find = |name: &str| {
        if faults.field_ids_in_formulas { table.field_in_formula(name) } else { table.field_named_in_formula(name) }
    };
    Formula::compile(text, &|name| find(name).map(Numbered::number))
        .map_err(|error| ApiError::bad_formula(&error.to_string()))
}

/// One page of a listing, as JSON.
///
/// # Errors
/// 422 for a wrong parameter, an unknown name, or an offset that is wrong or too old.
pub(crate) fn list(
    base: &Base,
    t: TableIndex,
    query: &ListQuery,
    iterators: &std::sync::Mutex<Iterators>,
    with: &Circumstances<'_>,
) -> Result<Vec<u8>, ApiError> {
    let table = &base[t];
    let writer = PageWriter::new(base, t, query.fields.as_deref(), &query.shape, with.signature)?;
    let lock = || iterators.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let place = if let Some(offset) = &query.offset {
        lock().resume(offset, &table.id, with.faults)?
    } else {
        let frozen = freeze(base, t, query, with)?;
        lock().start(Listing::new(&table.id, frozen.order, frozen.filter))
    };
    let size = with.faults.page_size.map_or(query.page_size, |most| most.clamp(1, query.page_size));
    let end = (place.position + size).min(place.order.len());
    let mut out = Vec::with_capacity(64 + 512 * size);
    out.extend_from_slice(b"{\"records\":[");
    let start = place.position.saturating_sub(with.faults.duplicates_per_page);
    write_records(&mut out, base, t, &place, start..end, &writer, with);
    out.push(b']');
    let offset = next_offset(base, t, &place, end, &mut lock(), with.faults);
    if let Some(offset) = offset {
        out.extend_from_slice(format!(",\"offset\":\"{offset}\"").as_bytes());
    }
    out.push(b'}');
    Ok(out)
}

fn write_records(
    out: &mut Vec<u8>,
    base: &Base,
    t: TableIndex,
    place: &Place,
    positions: std::ops::Range<usize>,
    writer: &PageWriter<'_>,
    with: &Circumstances<'_>,
) {
    let dropping = place.filter.as_ref().filter(|_| with.faults.drop_unmatched);
    let mut first = true;
    for slot in positions.filter_map(|position| place.order.slot(position)) {
        let Some(record) = base[t].records.seen(slot, with.now_ms) else {
            continue;
        };
        if dropping.is_some_and(|filter| !filter.eval(&Reader::new(base, t, record, with.now_ms)).is_truthy()) {
            continue;
        }
        if !first {
            out.push(b',');
        }
        first = false;
        writer.write(out, record);
    }
}

/// The offset of the next page; none ends the listing.
fn next_offset(
    base: &Base,
    t: TableIndex,
    place: &Place,
    end: usize,
    iterators: &mut Iterators,
    faults: &Faults,
) -> Option<String> {
    let next = if end < place.order.len() {
        // The record may be deleted by now, but its place in the order is not.
        let slot = place.order.slot(end)?;
        Some((base[t].records.at(slot).map_or_else(|| tombstone(slot.number()), |record| record.id), end))
    } else if faults.endless_empty_pages {
        Some((tombstone(end), end))
    } else if faults.empty_last_page && place.position < end {
        Some((tombstone(BEYOND), end))
    } else if faults.repeat_offset && place.position > 0 {
        Some((tombstone(BEYOND - 1), end))
    } else {
        None
    };
    let offset = iterators.hand_out(&place.iterator, next, faults.repeat_offset);
    if offset.is_none() && place.position == 0 {
        // A listing of one page has no offset that could be used again.
        iterators.forget(&place.iterator);
    }
    offset
}

/// More than any table has records.
const BEYOND: usize = u32::MAX as usize;

/// A record id for a place where there is no record.
fn tombstone(number: usize) -> RecordId {
    RecordId::parse(&format!("rec{number:014}")).expect("fourteen digits are an id")
}

/// One record by id, wherever in the base it is.
///
/// # Errors
/// The faults' way of reporting a missing record.
pub(crate) fn get(base: &Base, id: &str, shape: &RecordShape, with: &Circumstances<'_>) -> Result<Vec<u8>, ApiError> {
    let missing = || with.faults.missing_record.error();
    let id = RecordId::parse(id).ok_or_else(missing)?;
    let t = base.table_of(id).ok_or_else(missing)?;
    let records = &base[t].records;
    let record = records.slot_of(id).and_then(|slot| records.seen(slot, with.now_ms)).ok_or_else(missing)?;
    let writer = PageWriter::new(base, t, None, shape, with.signature)?;
    let mut out = Vec::with_capacity(1024);
    writer.write(&mut out, record);
    Ok(out)
}
