//! The form of a page: `{"records": [{"id": ..., "createdTime": ..., "fields": {...}}], "offset": ...}`, keys in any order
//! and any number; the order that Airtable uses is read in one go. What becomes of the records is for [`Rows`].
//!
//! Invariant: a page is read to its end or refused, and what of it was read before it is refused is never given.

use std::borrow::Cow;

use super::fault::Fault;
use super::field_order::{FieldOrder, Role};
use super::rows::Rows;
use crate::id::is_id;
use crate::json::{Json, Kind};

/// What a page said besides its records.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Where the next page begins; none on the last.
    pub offset: Option<String>,
    /// Records in the page.
    pub records: usize,
    /// Records that were not on a page before.
    pub new_records: usize,
}

/// Reads a page from its beginning to its end.
pub(super) fn read(json: &mut Json<'_>, order: &mut FieldOrder, rows: &mut Rows) -> Result<Page, Fault> {
    let mut page = Page::default();
    let mut has_records = false;
    let mut has_more = open_object(json, "no object with records")?;
    while has_more {
        match json.key()? {
            "records" => {
                let seen = rows.records();
                page.records += records(json, order, rows)?;
                page.new_records += rows.records() - seen;
                has_records = true;
            }
            "offset" => page.offset = offset(json)?,
            _ => _ = json.skip()?,
        }
        has_more = json.next_in_object()?;
    }
    json.end()?;
    if has_records { Ok(page) } else { Err(Fault::Undocumented("no list of records", json.position())) }
}

/// Reads the list of records; gives how many there are.
fn records(json: &mut Json<'_>, order: &mut FieldOrder, rows: &mut Rows) -> Result<usize, Fault> {
    let mut records = 0;
    check(json, Kind::Array, "no list of records")?;
    let mut has_more = json.open_array()?;
    while has_more {
        record(json, order, rows)?;
        records += 1;
        has_more = json.next_in_array()?;
    }
    Ok(records)
}

fn record(json: &mut Json<'_>, order: &mut FieldOrder, rows: &mut Rows) -> Result<(), Fault> {
    let mut begun: Option<(Cow<'_, str>, bool)> = None;
    let (mut created_time, mut early_cells, mut comment_count) = (None, None, None);
    let start = json.position();
    let mut has_more = open_object(json, "no object for a record")?;
    while has_more {
        match (Member::read(json)?, &begun) {
            (Member::Id, None) => {
                let at = json.position();
                check(json, Kind::Text, "a record without an id")?;
                let id = json.string()?.unescaped().filter(|id| is_id(id));
                let id = id.ok_or(Fault::Undocumented("a record without an id", at))?;
                let is_new = rows.begin(&id);
                begun = Some((id, is_new));
            }
            (Member::CreatedTime, _) => created_time = Some(json.skip()?),
            (Member::CommentCount, _) => comment_count = Some(json.skip()?),
            (Member::Fields, Some((id, true))) => cells(json, id, order, rows)?,
            (Member::Fields, None) => {
                early_cells = Some(json.position());
                json.skip()?;
            }
            _ => _ = json.skip()?,
        }
        has_more = json.next_in_object()?;
    }
    let (id, is_new) = begun.ok_or(Fault::Undocumented("a record without an id", start))?;
    if !is_new {
        return Ok(());
    }
    if let Some(early) = early_cells {
        let end = json.position();
        json.go_to(early);
        cells(json, &id, order, rows)?;
        json.go_to(end);
    }
    if let Some(raw) = created_time {
        rows.created(&id, raw)?;
    }
    if let Some(raw) = comment_count {
        rows.commented(&id, raw)?;
    }
    rows.end(&id);
    Ok(())
}

/// Reads a record's cells by field id.
fn cells(json: &mut Json<'_>, id: &str, order: &mut FieldOrder, rows: &mut Rows) -> Result<(), Fault> {
    order.restart();
    let mut has_more = open_object(json, "no object with a record's cells by field id")?;
    while has_more {
        if let Some(role) = order.guess(json) {
            cell(json, role, id, rows)?;
        } else {
            cell_of_key(json, id, order, rows)?;
        }
        has_more = json.next_in_object()?;
    }
    Ok(())
}

/// Reads a cell whose key was not expected.
#[cold]
fn cell_of_key(json: &mut Json<'_>, id: &str, order: &mut FieldOrder, rows: &mut Rows) -> Result<(), Fault> {
    let key = json.key()?;
    if let Some(role) = order.find(key) {
        return cell(json, role, id, rows);
    }
    let key = key.to_owned();
    rows.unplanned(&key, json.skip()?);
    Ok(())
}

#[inline]
fn cell(json: &mut Json<'_>, role: Role, id: &str, rows: &mut Rows) -> Result<(), Fault> {
    if role.tells_edits {
        let start = json.position();
        rows.edited(json.skip()?);
        json.go_to(start);
    }
    if let Some(index) = role.other {
        let start = json.position();
        rows.cell(index, id, json)?;
        json.go_to(start);
    }
    match role.column {
        Some(index) => rows.cell(index, id, json),
        None => Ok(json.skip().map(|_| ())?),
    }
}

/// A record's keys.
#[derive(Clone, Copy)]
enum Member {
    Id,
    CreatedTime,
    Fields,
    CommentCount,
    Other,
}

impl Member {
    fn read(json: &mut Json<'_>) -> Result<Self, Fault> {
        const USUAL: [(&str, Member); 4] = [
            ("id", Member::Id),
            ("createdTime", Member::CreatedTime),
            ("fields", Member::Fields),
            ("commentCount", Member::CommentCount),
        ];
        if let Some((_, usual)) = USUAL.iter().find(|(name, _)| json.is_key(name)) {
            return Ok(*usual);
        }
        let key = json.key()?;
        Ok(USUAL.iter().find(|(name, _)| *name == key).map_or(Self::Other, |(_, usual)| *usual))
    }
}

/// Refuses a value of another kind.
pub(super) fn check(json: &mut Json<'_>, kind: Kind, wanted: &'static str) -> Result<(), Fault> {
    match json.kind() {
        found if found == kind => Ok(()),
        Kind::None => Err(Fault::NotJson),
        _ => Err(Fault::Undocumented(wanted, json.position())),
    }
}

pub(super) fn open_object(json: &mut Json<'_>, wanted: &'static str) -> Result<bool, Fault> {
    check(json, Kind::Object, wanted)?;
    Ok(json.open_object()?)
}

pub(super) fn offset(json: &mut Json<'_>) -> Result<Option<String>, Fault> {
    const WANTED: &str = "no string for an offset";
    if json.kind() == Kind::Null {
        json.null()?;
        return Ok(None);
    }
    let at = json.position();
    check(json, Kind::Text, WANTED)?;
    let offset = json.string()?.unescaped().ok_or(Fault::Undocumented(WANTED, at))?;
    Ok(Some(offset.into_owned()))
}
