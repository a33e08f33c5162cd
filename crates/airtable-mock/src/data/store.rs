//! Everything the server knows about bases: one value behind one lock.

use std::sync::Arc;

use serde_json::Value;

use super::base::{Base, Manners, Person};
use super::id::Ids;
use crate::change::Transaction;
use crate::error::ApiError;

/// The bases, and the people who may be named in them.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub(crate) bases: Vec<Base>,
    pub(crate) people: Arc<Vec<Person>>,
    pub(crate) manners: Manners,
    ids: Ids,
    seed: u64,
}

impl Store {
    pub(crate) fn new(seed: u64, people: Vec<Person>) -> Self {
        Self { bases: Vec::new(), people: Arc::new(people), manners: Manners::default(), ids: Ids::new(seed), seed }
    }

    /// Finds a base by id or else by name.
    pub(crate) fn base(&self, id_or_name: &str) -> Option<usize> {
        self.bases
            .iter()
            .position(|base| base.id == id_or_name)
            .or_else(|| self.bases.iter().position(|base| base.name == id_or_name))
    }

    /// Makes a base from JSON (see `load`); gives its index.
    ///
    /// # Errors
    /// A missing or doubled name inside the base.
    pub(crate) fn create_base(&mut self, definition: &Value, now_ms: i64) -> Result<usize, ApiError> {
        let text = |key: &str| definition.get(key).and_then(Value::as_str).map(str::to_owned);
        self.seed = self.seed.wrapping_add(1);
        let mut base = Base {
            id: text("id").unwrap_or_else(|| self.ids.fresh("app")),
            name: text("name").unwrap_or_else(|| "Untitled Base".into()),
            permission: text("permissionLevel").unwrap_or_else(|| "create".into()),
            people: Arc::clone(&self.people),
            ids: Ids::new(self.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
            tables: Vec::new(),
            comments: std::collections::HashMap::new(),
            webhooks: Vec::new(),
            pings: Vec::new(),
            order: Vec::new(),
            transaction: 0,
            manners: self.manners,
        };
        let mut tx = Transaction::silent(now_ms);
        let tables: Vec<&Value> = definition.get("tables").and_then(Value::as_array).into_iter().flatten().collect();
        base.load_tables(&mut tx, &tables)?;
        base.commit(tx);
        self.bases.push(base);
        Ok(self.bases.len() - 1)
    }

    /// Takes over how bases are to behave; cells that depend on it are computed anew.
    pub(crate) fn set_manners(&mut self, manners: Manners, now_ms: i64) {
        let stamps_changed = self.manners.blank_until_edited != manners.blank_until_edited;
        self.manners = manners;
        for base in &mut self.bases {
            base.manners = manners;
            if stamps_changed {
                base.recompute_all(&mut Transaction::silent(now_ms));
            }
        }
    }
}
