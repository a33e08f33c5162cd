//! A transaction: who changes something, and notes of what it changed.
//!
//! It notes the previous value of every cell that it touches, its computed consequences included; webhook payloads are
//! made of these notes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::id::RecordId;
use super::index::{FieldIndex, TableIndex};
use super::manners::Manners;
use crate::fault::ChangeSource;

/// The way by which a change comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A person at the screen.
    Client,
    PublicApi,
}

/// Who changes something, and by which way in.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    pub(crate) origin: Origin,
    /// Index of the person.
    pub(crate) person: u16,
}

impl Actor {
    pub(crate) fn api(person: u16) -> Self {
        Self { origin: Origin::PublicApi, person }
    }

    /// A person at the screen.
    pub(crate) fn client() -> Self {
        Self { origin: Origin::Client, person: 0 }
    }

    /// By which way in webhooks say that a change came.
    pub(crate) fn source(&self, manners: &Manners) -> ChangeSource {
        manners.change_source.unwrap_or(match self.origin {
            Origin::Client => ChangeSource::Client,
            Origin::PublicApi => ChangeSource::PublicApi,
        })
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
pub(crate) type Previous = BTreeMap<FieldIndex, Option<Vec<u8>>>;

/// What happened, noted while it happens.
#[derive(Debug)]
pub(crate) struct Transaction {
    pub(crate) now_ms: i64,
    pub(crate) actor: Actor,
    /// Leaves no trace in modification times and webhooks.
    pub(crate) silent: bool,
    pub(crate) changed: BTreeMap<(TableIndex, RecordId), Previous>,
    pub(crate) created: BTreeSet<(TableIndex, RecordId)>,
    pub(crate) destroyed: Vec<(TableIndex, RecordId)>,
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

    pub(crate) fn touched_records(&self) -> impl Iterator<Item = (TableIndex, RecordId)> {
        let changed = self.changed.keys().filter(|key| !self.created.contains(key));
        self.created.iter().chain(changed).copied()
    }

    pub(crate) fn note(&mut self, t: TableIndex, id: RecordId, field: FieldIndex, previous: Option<Vec<u8>>) {
        self.changed.entry((t, id)).or_default().entry(field).or_insert(previous);
    }
}
