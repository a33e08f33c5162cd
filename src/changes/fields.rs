//! What a stream knows of its table's fields, and how far it goes back when they are others than before. A plan is made
//! once, so a field that is added later is not read before the stream is started again; what was edited meanwhile is then
//! read again. Pure.
//!
//! Invariant: with every cell that somebody edits in a new field, its record is read again under a plan that has the field.

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

/// The types whose cells nobody edits.
const COMPUTED: [&str; 13] = [
    "aiText",
    "autoNumber",
    "button",
    "count",
    "createdBy",
    "createdTime",
    "externalSyncSource",
    "formula",
    "lastModifiedBy",
    "lastModifiedTime",
    "lookup",
    "multipleLookupValues",
    "rollup",
];

/// The fields of a plan; none where it has only some of the table's.
pub(super) fn fields_of(plan: &Scan) -> Option<Fields> {
    let of = |wanted: fn(&str) -> bool| {
        let mut ids: Vec<&str> = plan
            .columns
            .iter()
            .filter_map(|column| match &column.source {
                Source::Field(field) if wanted(&field.kind) => Some(field.id.as_str()),
                _ => None,
            })
            .collect();
        ids.sort_unstable();
        fingerprint(&ids.join(","))
    };
    let has_all = plan.has_all_fields && !plan.only_gone;
    has_all.then(|| Fields { all: of(|_| true), computed: of(|kind| COMPUTED.contains(&kind)) })
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
            Position::Start => write!(f, "the whole table is read again"),
            Position::Until(until) => write!(f, "what was touched since {} is read again", utc(*until)),
            Position::Cut(cut) => write!(f, "what was touched since {} is read again", utc(cut.until)),
            Position::Feed(last) => write!(f, "what the change feed told from payload {} on is read again", last.next),
        }
    }
}

/// How far a stream goes back from an offset; none where it need not. A feed that ends when a field
/// is added has given nothing without it.
pub(super) fn back(offset: &Offset, plan: &Scan, schema_change: SchemaChange) -> Option<Back> {
    let (now, known) = (fields_of(plan)?, offset.known?);
    if now == known.fields {
        return None;
    }
    let is_edits = plan.ingestion_type == IngestionType::Cdc;
    let (position, changed_from) = match &offset.position {
        Position::Start => return None,
        // What nobody edits is in no window.
        Position::Until(until) if is_edits && now.computed != known.fields.computed => {
            (Position::Start, micros(*until) - 1)
        }
        Position::Until(until) => {
            (Position::Until(known.sure.map_or(*until, |sure| sure.min(*until))), micros(*until) - 1)
        }
        Position::Cut(cut) => {
            let since = cut.since.filter(|_| !is_edits || now.computed == known.fields.computed);
            let until = |since: Seconds| Position::Until(known.sure.map_or(since, |sure| sure.min(since)));
            (since.map_or(Position::Start, until), micros(cut.until) - 1)
        }
        Position::Feed(last) => {
            let next = match known.sure {
                Some(sure) => u64::try_from(sure).unwrap_or_default(),
                // Nobody has looked what the payloads before it told: all that are there are read.
                None if last.unread.is_none() && schema_change == SchemaChange::Continue => 0,
                None => return None,
            };
            let mut back = last.clone();
            back.next = next.min(last.next);
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
