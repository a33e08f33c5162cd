//! Everything the server knows about bases: one value behind one lock.

use std::ops::{Index, IndexMut};
use std::sync::Arc;

use super::base::Base;
use super::id::Ids;
use super::index::{BaseIndex, List};
use super::manners::Manners;
use super::person::Person;

/// The bases, and the people who may be named in them.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub(crate) bases: List<BaseIndex, Base>,
    pub(crate) people: Arc<Vec<Person>>,
    pub(crate) manners: Manners,
    pub(crate) ids: Ids,
    /// That of the last base.
    pub(crate) seed: u64,
}

impl Store {
    pub(crate) fn new(seed: u64, people: Vec<Person>) -> Self {
        Self {
            bases: List::default(),
            people: Arc::new(people),
            manners: Manners::default(),
            ids: Ids::new(seed),
            seed,
        }
    }

    /// Finds a base by id or else by name.
    pub(crate) fn base(&self, id_or_name: &str) -> Option<BaseIndex> {
        let by_id = self.bases.position(|base| base.id == id_or_name);
        by_id.or_else(|| self.bases.position(|base| base.name == id_or_name))
    }
}

impl Index<BaseIndex> for Store {
    type Output = Base;

    fn index(&self, base: BaseIndex) -> &Base {
        &self.bases[base]
    }
}

impl IndexMut<BaseIndex> for Store {
    fn index_mut(&mut self, base: BaseIndex) -> &mut Base {
        &mut self.bases[base]
    }
}
