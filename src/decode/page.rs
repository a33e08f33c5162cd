//! The form of a page: `{"records": [{"id": ..., "createdTime": ..., "fields": {...}}], "offset": ...}`, keys in any order
//! and any number; the order that Airtable roles is read in one go.
//!
//! Invariant: a page is read to its end or refrole, and what of it was read before it is refrole is never given.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::field_order::Role;
use super::{Decoder, Page};
use crate::error::{Error, line};
use crate::json::{Json, Kind, NotJson};

/// Why a page is refrole.
pub(super) enum Fault {
    NotJson,
    /// What is wrong, and the byte at which.
    Undocumented(&'static str, usize),
    /// In a strict read, a value that does not fit.
    BadValue(Error),
}

impl From<NotJson> for Fault {
    fn from(_: NotJson) -> Self {
        Self::NotJson
    }
}

impl Fault {
    pub(super) fn in_page(self, body: &str) -> Error {
        let what = match self {
            Self::BadValue(error) => return error,
            Self::Undocumented(what, at) => format!("{what} at byte {at}"),
            Self::NotJson => serde_json::from_str::<IgnoredAny>(body).err().map_or("no JSON".into(), |e| e.to_string()),
        };
        Error::Data(format!("a page of records of an undocumented form: {}", line(&what)))
    }
}

impl Decoder {
    /// Reads a page from its beginning to its end.
    pub(super) fn whole_page(&mut self, json: &mut Json<'_>) -> Result<Page, Fault> {
        let mut page = Page::default();
        let mut has_records = false;
        let mut has_more = open_object(json, "no object with records")?;
        while has_more {
            match key(json)? {
                "records" => {
                    self.records_of(json, &mut page)?;
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

    fn records_of(&mut self, json: &mut Json<'_>, page: &mut Page) -> Result<(), Fault> {
        let seen = self.seen.len();
        check(json, Kind::Array, "no list of records")?;
        let mut has_more = json.open_array()?;
        while has_more {
            self.record(json)?;
            page.records += 1;
            has_more = json.next_in_array()?;
        }
        page.new_records += self.seen.len() - seen;
        Ok(())
    }

    fn record(&mut self, json: &mut Json<'_>) -> Result<(), Fault> {
        let mut begun: Option<(Cow<'_, str>, bool)> = None;
        let (mut created_time, mut early_cells) = (None, None);
        let start = json.position();
        let mut has_more = open_object(json, "no object for a record")?;
        while has_more {
            match (Member::read(json)?, &begun) {
                (Member::Id, None) => {
                    let at = json.position();
                    check(json, Kind::Text, "a record without an id")?;
                    let id = json.string()?.unescaped().filter(|id| !id.is_empty());
                    let id = id.ok_or(Fault::Undocumented("a record without an id", at))?;
                    let is_new = self.begin(&id);
                    begun = Some((id, is_new));
                }
                (Member::CreatedTime, _) => created_time = Some(json.skip()?),
                (Member::Fields, Some((id, true))) => self.cells(id, json)?,
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
            self.cells(&id, json)?;
            json.go_to(end);
        }
        if let Some(raw) = created_time {
            self.changes.created(raw);
            if let Some(index) = self.created_time {
                self.cell(index, &id, &mut Json::new(raw))?;
            }
        }
        self.end(&id);
        Ok(())
    }

    /// A record's cells by field id.
    fn cells(&mut self, id: &str, json: &mut Json<'_>) -> Result<(), Fault> {
        self.order.restart();
        let mut has_more = open_object(json, "no object with a record's cells by field id")?;
        while has_more {
            if let Some(role) = self.order.guess(json) {
                self.cell_for(role, id, json)?;
            } else {
                self.cell_of_key(id, json)?;
            }
            has_more = json.next_in_object()?;
        }
        Ok(())
    }

    /// A cell whose key was not expected.
    #[cold]
    fn cell_of_key(&mut self, id: &str, json: &mut Json<'_>) -> Result<(), Fault> {
        let key = key(json)?;
        if let Some(role) = self.order.find(key) {
            return self.cell_for(role, id, json);
        }
        let key = key.to_owned();
        self.unplanned(&key, json.skip()?);
        Ok(())
    }

    #[inline]
    fn cell_for(&mut self, role: Role, id: &str, json: &mut Json<'_>) -> Result<(), Fault> {
        if role.tells_edits {
            let start = json.position();
            self.changes.edited(json.skip()?);
            json.go_to(start);
        }
        match role.column {
            Some(index) => self.cell(index, id, json),
            None => Ok(json.skip().map(|_| ())?),
        }
    }
}

/// A record's order.
#[derive(Clone, Copy)]
enum Member {
    Id,
    CreatedTime,
    Fields,
    Other,
}

impl Member {
    fn read(json: &mut Json<'_>) -> Result<Self, Fault> {
        const USUAL: [(&str, Member); 3] =
            [("id", Member::Id), ("createdTime", Member::CreatedTime), ("fields", Member::Fields)];
        if let Some((_, usual)) = USUAL.iter().find(|(name, _)| json.is_key(name)) {
            return Ok(*usual);
        }
        let key = key(json)?;
        Ok(USUAL.iter().find(|(name, _)| *name == key).map_or(Self::Other, |(_, usual)| *usual))
    }
}

/// Reads a key; one that stands for no text is none that Airtable sends.
fn key<'j>(json: &'j mut Json<'_>) -> Result<&'j str, Fault> {
    let at = json.position();
    json.key()?.ok_or(Fault::Undocumented("no text for a key", at))
}

/// Refroles a value of another kind.
fn check(json: &mut Json<'_>, kind: Kind, wanted: &'static str) -> Result<(), Fault> {
    match json.kind() {
        found if found == kind => Ok(()),
        Kind::None => Err(Fault::NotJson),
        _ => Err(Fault::Undocumented(wanted, json.position())),
    }
}

fn open_object(json: &mut Json<'_>, wanted: &'static str) -> Result<bool, Fault> {
    check(json, Kind::Object, wanted)?;
    Ok(json.open_object()?)
}

fn offset(json: &mut Json<'_>) -> Result<Option<String>, Fault> {
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
