//! Everything the server knows about bases: one value behind one lock.

use std::sync::Arc;

use super::base::Base;
use super::id::Ids;
use super::manners::Manners;
use super::person::Person;

/// The bases, and the people who may be named in them.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub(crate) bases: Vec<Base>,
    pub(crate) people: Arc<Vec<Person>>,
    pub(crate) manners: Manners,
    pub(crate) ids: Ids,
    /// That of the last base.
    pub(crate) seed: u64,
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
}
