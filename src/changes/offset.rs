//! How far a stream of changes has come: small JSON objects that Spark keeps in its checkpoints and shows in its progress,
//! so there is no secret in them. Pure.
//!
//! | read so far | offset, besides `version`, `base`, `table` and `mode` |
//! |---|---|
//! | nothing | |
//! | everything before a moment | `until` |
//! | the records up to an id, of those of a window | `since` (left out where the window has no beginning), `until`, `after` |
//! | so many parts of the first load that began at a moment | `until` (that moment), `part`, `parts` (how many there are) |
//! | the payloads of a webhook before a number | `webhook`, `next`, `at` (when that was the newest); `part` and `parts`, or `after`, as above, while the table itself is read in parts; `unread`, records that could not be read yet, and when the feed told of them |
//!
//! Besides: `fields`, those that the stream reads, and whether they are all of the table's; and, where the table had others
//! before the end of what was read, `known_until` or `known_next`, up to where it certainly had not; `changed_from`, while
//! rows come again because of that: they are no older.
//!
//! Invariants: the same position is always the same text, because Spark compares texts; an offset of another table, base,
//! mode or a newer version is refused, never taken for one of ours.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::id::is_id;
use crate::options::IngestionType;
use crate::read::parts::Parts;
use crate::scan::Scan;
use crate::time::{Micros, Seconds, seconds, timestamp_micros, utc, utc_micros};

/// The newest form.
const VERSION: u64 = 3;

/// The form of offsets within a first load, in its parts. Who does not know it would take it for all of the load.
const OF_PARTS: u64 = 3;

/// The form of others that tell of unread records or of fields. The rest is written in the first form.
const OF_FIELDS: u64 = 2;

/// The first word of `fields`, for all of a table's.
const ALL: &str = "all";

/// The first word of `fields`, for a selection.
const SOME: &str = "some";

/// How far a stream has come. What is in it is the stream's business; [`Offset::to_json`] is what is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offset {
    /// `app...`.
    pub(super) base_id: String,
    /// `tbl...`.
    pub(super) table_id: String,
    /// What the stream gives.
    pub(super) mode: Mode,
    /// What of it was given.
    pub(super) position: Position,
    /// The fields that it was given with; none where it was given without, and in old offsets.
    pub(super) known: Option<Known>,
}

/// The fields that a stream reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fields {
    /// Whether they were all of the table's.
    pub(super) are_all: bool,
    /// A fingerprint of each id, because ids are long and offsets many.
    pub(super) ids: BTreeSet<u32>,
}

/// What a stream knew of its table's fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) fields: Fields,
    /// Before this the table had no others: a second, or the number of a payload. None where that holds for all that was
    /// given.
    pub(super) sure: Option<i64>,
    /// While rows come again: they are no older than this.
    pub(super) changed_from: Option<Micros>,
}

/// Records that a feed has told of and that could not be read yet, and when it told of them last.
pub(super) type Unread = BTreeMap<String, Micros>;

/// What a stream gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    /// Records that were created or edited.
    Cdc,
    /// All changes, deletes among them.
    CdcWithDeletes,
    /// The deletes alone.
    Deletes,
    /// Records that were created.
    Append,
    /// What became of every cell.
    ChangeLog,
}

impl Mode {
    /// The mode of streams with a plan.
    ///
    /// # Errors
    /// [`Error::Option`] for plans of snapshots, and for those that stop after a number of records.
    pub(super) fn of(plan: &Scan) -> Result<Self> {
        if let Some(max_records) = plan.max_records {
            return Err(Error::Option(
                format!(
                    "option max_records is {max_records}: a stream that stopped there would leave changes out; \
                 max_records_per_batch bounds its batches"
                )
                .into(),
            ));
        }
        match plan.ingestion_type {
            IngestionType::Cdc => Ok(Self::Cdc),
            IngestionType::CdcWithDeletes if plan.only_gone => Ok(Self::Deletes),
            IngestionType::CdcWithDeletes => Ok(Self::CdcWithDeletes),
            IngestionType::Append => Ok(Self::Append),
            IngestionType::ChangeLog => Ok(Self::ChangeLog),
            IngestionType::Snapshot => Err(Error::Option(
                "option ingestion_type is snapshot, which has no changes to stream: set it to cdc, cdc_with_deletes, \
                 append or change_log, or read the table as a batch"
                    .into(),
            )),
        }
    }

    /// Whether it is told by a webhook.
    pub(super) fn is_feed(self) -> bool {
        matches!(self, Self::CdcWithDeletes | Self::Deletes | Self::ChangeLog)
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Cdc => "cdc",
            Self::CdcWithDeletes => "cdc_with_deletes",
            Self::Deletes => "deletes",
            Self::Append => "append",
            Self::ChangeLog => "change_log",
        }
    }
}

/// What of the stream was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Position {
    /// Nothing.
    Start,
    /// Everything before this moment.
    Until(Seconds),
    /// Everything before the window, and of the window's records those up to an id.
    Cut(Cut),
    /// Some parts of the first load.
    Load(Load),
    /// Everything before a payload of a webhook.
    Feed(FeedPosition),
}

/// A place inside a window whose records were too many for one batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cut {
    /// Where the window begins; none where it has no beginning.
    pub(super) since: Option<Seconds>,
    /// Where it ends.
    pub(super) until: Seconds,
    /// The last record that was given, in the order of ids.
    pub(super) after: String,
}

/// A place inside the first load of a stream of windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Load {
    /// When it began: where the first window ends.
    pub(super) until: Seconds,
    /// The parts that were given.
    pub(super) parts: Parts,
}

/// A place in a webhook's payloads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FeedPosition {
    /// `ach...`.
    pub(super) webhook_id: String,
    /// The number of the first payload that was not given.
    pub(super) next: u64,
    /// When no later payload was there.
    pub(super) at: Seconds,
    /// The last record that was given, in the order of ids, while the first read of the table is under way in parts.
    pub(super) after: Option<String>,
    /// The parts of the table that were given, while its first load is under way.
    pub(super) parts: Option<Parts>,
    /// What was told of and could not be read; none where nobody has looked.
    pub(super) unread: Option<Unread>,
}

/// The text's form.
#[derive(Serialize, Deserialize)]
struct Written {
    version: u64,
    base: String,
    table: String,
    mode: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    webhook: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    part: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parts: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unread: Option<BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fields: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    known_until: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    known_next: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    changed_from: Option<String>,
}

impl Offset {
    /// The position in a plan's stream.
    ///
    /// # Errors
    /// As [`Mode::of`].
    pub(super) fn new(plan: &Scan, position: Position) -> Result<Self> {
        let mode = Mode::of(plan)?;
        Ok(Self { base_id: plan.base_id.clone(), table_id: plan.table_id.clone(), mode, position, known: None })
    }

    /// Less of the stream was given at this offset than at another one of it. Places in two webhooks do not compare.
    pub(super) fn is_before(&self, other: &Self) -> bool {
        match (&self.position, &other.position) {
            (Position::Start, other) => *other != Position::Start,
            (
                Position::Until(this),
                Position::Until(other)
                | Position::Cut(Cut { until: other, .. })
                | Position::Load(Load { until: other, .. }),
            ) => this < other,
            (Position::Feed(this), Position::Feed(other)) => {
                this.webhook_id == other.webhook_id && this.next < other.next
            }
            _ => false,
        }
    }

    /// Reads an offset of a plan's stream; `{}` is the start.
    ///
    /// # Errors
    /// [`Error::Option`] for an offset of another stream or a newer version, or what is no offset at all.
    pub fn parse(text: &str, plan: &Scan) -> Result<Self> {
        let none =
            || Error::Option(format!("the checkpoint's offset is none of this source's: {}", shortened(text)).into());
        let value: Value = serde_json::from_str(text).map_err(|_| none())?;
        if value.as_object().is_some_and(serde_json::Map::is_empty) {
            return Self::new(plan, Position::Start);
        }
        let version = value["version"].as_u64().ok_or_else(none)?;
        if version > VERSION {
            return Err(Error::Option(format!(
                "the checkpoint's offset is of version {version}, but this is lakeflow-airtable {}, which reads up to \
                 {VERSION}: install the version that wrote it, or a later one",
                env!("CARGO_PKG_VERSION")
            ).into()));
        }
        let written: Written = serde_json::from_value(value).map_err(|_| none())?;
        let mode = Mode::of(plan)?;
        let expected = [("base", &plan.base_id), ("table", &plan.table_id)];
        for ((what, expected), found) in expected.into_iter().zip([&written.base, &written.table]) {
            if expected != found {
                return Err(another(&format!("{what} {found}"), &format!("{what} {expected}")));
            }
        }
        if written.mode != mode.as_str() {
            return Err(another(&format!("mode {}", written.mode), &format!("mode {}", mode.as_str())));
        }
        let position = written.position().ok_or_else(none)?;
        let known = written.known().ok_or_else(none)?;
        let is_feed = mode.is_feed();
        match position {
            Position::Feed(_) if !is_feed => Err(none()),
            Position::Until(_) | Position::Cut(_) | Position::Load(_) if is_feed => Err(none()),
            position => Ok(Self { known, ..Self::new(plan, position)? }),
        }
    }

    /// The offset as text: the same for the same position.
    #[allow(clippy::missing_panics_doc)] // Strings and numbers are JSON.
    pub fn to_json(&self) -> String {
        let mut written = Written {
            version: 1,
            base: self.base_id.clone(),
            table: self.table_id.clone(),
            mode: self.mode.as_str().to_owned(),
            webhook: None,
            next: None,
            at: None,
            since: None,
            until: None,
            after: None,
            part: None,
            parts: None,
            unread: None,
            fields: self.known.as_ref().map(|known| known.fields.to_text()),
            known_until: None,
            known_next: None,
            changed_from: self.known.as_ref().and_then(|known| known.changed_from).map(utc_micros),
        };
        let sure = self.known.as_ref().and_then(|known| known.sure);
        match &self.position {
            Position::Start => {}
            Position::Until(until) => written.until = Some(utc(*until)),
            Position::Cut(cut) => {
                written.since = cut.since.map(utc);
                written.until = Some(utc(cut.until));
                written.after = Some(cut.after.clone());
            }
            Position::Load(load) => {
                written.until = Some(utc(load.until));
                (written.part, written.parts) = (Some(load.parts.given), Some(load.parts.of));
            }
            Position::Feed(feed) => {
                written.webhook = Some(feed.webhook_id.clone());
                written.next = Some(feed.next);
                written.at = Some(utc(feed.at));
                written.after.clone_from(&feed.after);
                (written.part, written.parts) = feed.parts.map(|parts| (parts.given, parts.of)).unzip();
                let text = |(id, at): (&String, &Micros)| (id.clone(), utc_micros(*at));
                written.unread = feed.unread.as_ref().map(|unread| unread.iter().map(text).collect());
            }
        }
        match &self.position {
            Position::Feed(_) => written.known_next = sure.and_then(|sure| u64::try_from(sure).ok()),
            _ => written.known_until = sure.map(utc),
        }
        if written.parts.is_some() {
            written.version = OF_PARTS;
        } else if written.fields.is_some() || written.unread.is_some() {
            written.version = OF_FIELDS;
        }
        serde_json::to_string(&written).expect("strings and numbers are JSON")
    }
}

impl Written {
    fn position(&self) -> Option<Position> {
        let time = |text: &Option<String>| text.as_deref().map(|text| seconds(text).ok_or(())).transpose().ok();
        let records = self.after.iter().chain(self.unread.iter().flat_map(BTreeMap::keys));
        if !self.webhook.iter().chain(records).all(|id| is_id(id)) {
            return None;
        }
        let parts = match (self.part, self.parts) {
            (None, None) => None,
            (Some(given), Some(of)) if self.after.is_none() && self.since.is_none() => Some(Parts::told(given, of)?),
            _ => return None,
        };
        match (&self.webhook, self.next, &self.until, &self.after) {
            (Some(webhook_id), Some(next), None, after) => {
                let (at, after) = (time(&self.at)??, after.clone());
                let moment = |(id, at): (&String, &String)| timestamp_micros(at).map(|at| (id.clone(), at)).ok_or(());
                let unread = self.unread.as_ref().map(|unread| unread.iter().map(moment).collect());
                let (webhook_id, unread) = (webhook_id.clone(), unread.transpose().ok()?);
                Some(Position::Feed(FeedPosition { webhook_id, next: next.max(1), at, after, parts, unread }))
            }
            (None, None, Some(_), None) => {
                let until = time(&self.until)??;
                Some(parts.map_or(Position::Until(until), |parts| Position::Load(Load { until, parts })))
            }
            (None, None, Some(_), Some(after)) => {
                let until = time(&self.until)??;
                Some(Position::Cut(Cut { since: time(&self.since)?, until, after: after.clone() }))
            }
            (None, None, None, None) if parts.is_none() => Some(Position::Start),
            _ => None,
        }
    }

    /// What was known of fields; the outer none for a text that says nothing.
    #[allow(clippy::option_option)] // None, and nothing that can be read, are two things.
    fn known(&self) -> Option<Option<Known>> {
        let Some(text) = &self.fields else { return Some(None) };
        let sure = match (&self.known_until, self.known_next) {
            (Some(until), None) => Some(seconds(until)?),
            (None, Some(next)) => Some(i64::try_from(next).ok()?),
            _ => None,
        };
        let changed_from = match &self.changed_from {
            Some(text) => Some(timestamp_micros(text)?),
            None => None,
        };
        Some(Some(Known { fields: Fields::from_text(text)?, sure, changed_from }))
    }
}

impl Fields {
    fn to_text(&self) -> String {
        let ids: Vec<String> = self.ids.iter().map(|id| format!("{id:08x}")).collect();
        format!("{} {}", if self.are_all { ALL } else { SOME }, ids.join(" ")).trim_end().to_owned()
    }

    fn from_text(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let are_all = match words.next()? {
            ALL => true,
            SOME => false,
            _ => return None,
        };
        let ids = words.map(|id| u32::from_str_radix(id, 16).ok()).collect::<Option<_>>()?;
        Some(Self { are_all, ids })
    }
}

fn another(found: &str, expected: &str) -> Error {
    Error::Option(
        format!(
            "the checkpoint belongs to a stream of {found}, but this stream is of {expected}: give every stream a \
         checkpointLocation of its own"
        )
        .into(),
    )
}

fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests;
