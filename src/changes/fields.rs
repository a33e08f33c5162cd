//! What a stream knows of its table's fields, and how far it goes back when they are others than before. A plan is made
//! once, so a field that is added later is not read before the stream is started again; what was edited meanwhile is then
//! read again. Where a field may always have been there, the whole table is. Pure.
//!
//! Invariant: every cell of a field that the plan has, and that the stream did not read, is read again under the plan.

use std::fmt::{Display, Formatter};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::changes::SETTLED_SECONDS;
use crate::changes::offset::{Fields, Known, Offset, Position};
use crate::fingerprint::fingerprint;
use crate::options::{IngestionType, SchemaChange};
use crate::scan::{Scan, Source};
use crate::time::{Micros, Seconds, micros, utc};

/// A running stream looks at its table's definition once in this time.
const LOOK_SECONDS: Seconds = 600;

/// A plan that was made so long ago is as good as a look.
const FRESH_SECONDS: Seconds = 60;

/// It is before every record's id.
const BEFORE_ALL: &str = "";

/// The types whose cells somebody edits. Airtable adds types without notice, and what is not known may be computed.
const EDITABLE: [&str; 21] = [
    "barcode",
    "checkbox",
    "currency",
    "date",
    "dateTime",
    "duration",
    "email",
    "multilineText",
    "multipleAttachments",
    "multipleCollaborators",
    "multipleRecordLinks",
    "multipleSelects",
    "number",
    "percent",
    "phoneNumber",
    "rating",
    "richText",
    "singleCollaborator",
    "singleLineText",
    "singleSelect",
    "url",
];

/// The fields of a plan; none for a stream of deletes, which gives no cells, and for a log, which gives what became of them.
pub(super) fn fields_of(plan: &Scan) -> Option<Fields> {
    let ids = read_fields(plan).map(|(id, _)| short_id(id)).collect();
    (!plan.only_gone && !plan.is_log()).then_some(Fields { are_all: plan.has_all_fields, ids })
}

/// Ids and types of the fields that a plan reads.
fn read_fields(plan: &Scan) -> impl Iterator<Item = (&str, &str)> {
    plan.columns.iter().filter_map(|column| match &column.source {
        Source::Field(field) => Some((field.id.as_str(), field.kind.as_str())),
        _ => None,
    })
}

/// A field's id as offsets name it: half of a fingerprint, which tells the fields of a table apart.
fn short_id(id: &str) -> u32 {
    let [a, b, c, d, ..] = fingerprint(id).to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// What a plan has that a stream did not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lack {
    /// Fields that were added to the table while the stream ran, and whose cells somebody edits.
    Added,
    /// Fields whose cells nobody edits, and that were added while the stream ran.
    AddedComputed,
    /// Fields that may always have been there.
    Unknown,
}

/// What a plan has that a stream with `known` fields did not read; none where that is nothing.
fn lack(plan: &Scan, known: Option<&Fields>) -> Option<Lack> {
    let Some(known) = known else { return Some(Lack::Unknown) };
    let mut lacked = read_fields(plan).filter(|(id, _)| !known.ids.contains(&short_id(id))).peekable();
    lacked.peek()?;
    Some(match known.are_all {
        false => Lack::Unknown,
        true if lacked.all(|(_, kind)| EDITABLE.contains(&kind)) => Lack::Added,
        true => Lack::AddedComputed,
    })
}

/// How far a stream goes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Back {
    /// Where it goes on.
    pub(super) position: Position,
    /// Rows that come again are no older than this, which is later than they were given before.
    pub(super) changed_from: Micros,
}

impl Display for Back {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match &self.position {
            Position::Start | Position::Load(_) => write!(f, "the whole table is read again"),
            Position::Until(until) => write!(f, "what was touched since {} is read again", utc(*until)),
            Position::Cut(cut) => write!(f, "what was touched since {} is read again", utc(cut.until)),
            Position::Feed(last) if last.after.is_some() => write!(f, "the whole table is read again"),
            Position::Feed(last) => write!(f, "what the change feed told from payload {} on is read again", last.next),
        }
    }
}

/// How far a stream goes back from an offset; none where it need not. A feed that ends when a field
/// is added has given nothing without it.
pub(super) fn back(offset: &Offset, plan: &Scan, schema_change: SchemaChange) -> Option<Back> {
    if fields_of(plan).is_none() || offset.position == Position::Start {
        return None;
    }
    let known = offset.known.as_ref();
    let lack = lack(plan, known.map(|known| &known.fields))?;
    let sure = known.and_then(|known| known.sure);
    // What nobody edits is in no window of edits, and a feed need not tell of it.
    let is_whole = match lack {
        Lack::Unknown => true,
        Lack::AddedComputed => plan.ingestion_type != IngestionType::Append,
        Lack::Added => false,
    };
    let since = |since: Seconds| Position::Until(sure.map_or(since, |sure| sure.min(since)));
    let (position, changed_from) = match &offset.position {
        Position::Start => return None,
        Position::Until(until) => (if is_whole { Position::Start } else { since(*until) }, micros(*until) - 1),
        Position::Cut(cut) => (cut.since.filter(|_| !is_whole).map_or(Position::Start, since), micros(cut.until) - 1),
        // The load begins again.
        Position::Load(load) => (Position::Start, micros(load.until) - 1),
        Position::Feed(last) => {
            let mut back = last.clone();
            if is_whole {
                // Beside the payloads all records of the table are read.
                (back.after, back.parts) = (Some(BEFORE_ALL.to_owned()), None);
            } else {
                back.next = match sure {
                    Some(sure) => u64::try_from(sure).unwrap_or_default().min(last.next),
                    // Nobody has looked what the payloads before it told: all that are there are read.
                    None if last.unread.is_none() && schema_change == SchemaChange::Continue => 0,
                    None => return None,
                };
            }
            (Position::Feed(back), micros(last.at + 1) - 1)
        }
    };
    Some(Back { position, changed_from })
}

/// What a running stream has seen of its table's definition.
#[derive(Debug)]
pub(super) struct Looks(Mutex<Seen>);

#[derive(Debug, Clone, Copy)]
struct Seen {
    /// When the table certainly had no other fields than the plan; 0 where that is not known.
    complete_at: Seconds,
    looked_at: Option<Seconds>,
    is_behind: bool,
}

impl Looks {
    pub(super) fn new(plan: &Scan) -> Self {
        // A plan of changes knows when it was made.
        let complete_at = if plan.changed_at > 0 { plan.changed_at / 1_000_000 + SETTLED_SECONDS } else { 0 };
        Self(Mutex::new(Seen { complete_at, looked_at: None, is_behind: false }))
    }

    /// Whether it is time to look.
    pub(super) fn is_due(&self, now: Seconds) -> bool {
        let seen = self.lock();
        !seen.is_behind
            && match seen.looked_at {
                Some(at) => now - at >= LOOK_SECONDS,
                None => now - seen.complete_at >= FRESH_SECONDS,
            }
    }

    /// The table had the plan's fields, and no others.
    pub(super) fn complete(&self, now: Seconds) {
        let mut seen = self.lock();
        (seen.complete_at, seen.looked_at) = (now.max(seen.complete_at), Some(now));
    }

    /// The table had others.
    pub(super) fn fell_behind(&self) {
        self.lock().is_behind = true;
    }

    /// What offsets that are made from `start` on say: `settled` seconds before a look everything was read before it.
    pub(super) fn known(&self, plan: &Scan, start: Option<&Offset>, settled: Seconds) -> Option<Known> {
        let fields = fields_of(plan)?;
        if !fields.are_all {
            // Others may always have been there.
            return Some(Known { fields, sure: None, changed_from: None });
        }
        let mine = self.lock().complete_at - settled;
        let of_start = start.and_then(|start| match (&start.known, &start.position) {
            (Some(known), position) if known.fields == fields => known.sure.or(match position {
                Position::Until(until) => Some(*until),
                Position::Cut(cut) => cut.since,
                _ => None,
            }),
            _ => None,
        });
        Some(Known { fields, sure: Some(of_start.map_or(mine, |sure| sure.max(mine))), changed_from: None })
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
