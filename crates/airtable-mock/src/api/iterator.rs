//! Listings in progress: an order of records that was frozen at the first page.
//!
//! An offset is `itr.../rec...`: the iterator and the record that the next page starts with. Any offset that
//! was handed out can be used again, because clients repeat requests. What expires is the iterator, by
//! real time without a request or by pages, and then it is gone for good.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use crate::data::id::{Ids, RecordId, is_id};
use crate::data::index::{Numbered as _, Slot};
use crate::error::ApiError;
use crate::fault::Faults;
use crate::formula::Formula;

/// More than any test has open at once; beyond it the least recently used are forgotten.
const MOST_ITERATORS: usize = 4096;

/// The frozen order.
#[derive(Debug, Clone)]
pub(crate) enum Order {
    /// The first so many slots, as they come.
    Everything(usize),
    Listed(Arc<Vec<Slot>>),
}

impl Order {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Everything(end) => *end,
            Self::Listed(slots) => slots.len(),
        }
    }

    pub(crate) fn slot(&self, position: usize) -> Option<Slot> {
        match self {
            Self::Everything(end) => (position < *end).then(|| Slot::of(position)),
            Self::Listed(slots) => slots.get(position).copied(),
        }
    }
}

/// One listing.
#[derive(Debug)]
pub(crate) struct Listing {
    table_id: String,
    order: Order,
    /// Kept to drop records that no longer match, if the faults say so.
    filter: Option<Arc<Formula>>,
    /// Where each offset that was handed out continues.
    places: HashMap<RecordId, usize>,
    first_offset: Option<RecordId>,
    pages: u32,
    used: Instant,
}

impl Listing {
    pub(crate) fn new(table_id: &str, order: Order, filter: Option<Arc<Formula>>) -> Self {
        Self {
            table_id: table_id.into(),
            order,
            filter,
            places: HashMap::new(),
            first_offset: None,
            pages: 0,
            used: Instant::now(),
        }
    }
}

/// Where a page starts, and in which order it goes on.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) iterator: String,
    pub(crate) order: Order,
    pub(crate) filter: Option<Arc<Formula>>,
    pub(crate) position: usize,
}

/// All listings in progress.
#[derive(Debug)]
pub(crate) struct Iterators {
    open: HashMap<String, Listing>,
    ids: Ids,
}

impl Iterators {
    pub(crate) fn new(seed: u64) -> Self {
        Self { open: HashMap::new(), ids: Ids::new(seed ^ 0x69_74_72) }
    }

    /// Starts a listing; gives its first place.
    pub(crate) fn start(&mut self, listing: Listing) -> Place {
        if self.open.len() >= MOST_ITERATORS {
            let oldest = self.open.iter().min_by_key(|(_, listing)| listing.used).map(|(id, _)| id.clone());
            oldest.map(|id| self.open.remove(&id));
        }
        let id = self.ids.fresh("itr");
        let (order, filter) = (listing.order.clone(), listing.filter.clone());
        self.open.insert(id.clone(), listing);
        Place { iterator: id, order, filter, position: 0 }
    }

    /// The listing and place that an offset continues.
    ///
    /// # Errors
    /// `INVALID_OFFSET_VALUE` for what was never an offset of this table, and
    /// `LIST_RECORDS_ITERATOR_NOT_AVAILABLE` for a listing that expired.
    pub(crate) fn resume(&mut self, offset: &str, table_id: &str, faults: &Faults) -> Result<Place, ApiError> {
        let parts = offset.split_once('/').filter(|(iterator, _)| is_id("itr", iterator));
        let (id, record) = parts
            .and_then(|(iterator, record)| Some((iterator, RecordId::parse(record)?)))
            .ok_or_else(|| ApiError::bad_offset(offset))?;
        let listing = self.open.get_mut(id).ok_or_else(ApiError::iterator_gone)?;
        let idle = listing.used.elapsed().as_secs_f64();
        let expired = faults.iterator_seconds.is_some_and(|most| idle > most)
            || faults.iterator_pages.is_some_and(|most| listing.pages >= most);
        if expired {
            self.open.remove(id);
            return Err(ApiError::iterator_gone());
        }
        let place = listing.places.get(&record).copied();
        let place = place.filter(|_| listing.table_id == table_id).ok_or_else(|| ApiError::bad_offset(offset))?;
        listing.used = Instant::now();
        let (order, filter) = (listing.order.clone(), listing.filter.clone());
        Ok(Place { iterator: id.to_owned(), order, filter, position: place })
    }

    /// Notes that a page was served and where the next one starts; gives its offset.
    pub(crate) fn hand_out(&mut self, id: &str, next: Option<(RecordId, usize)>, repeat: bool) -> Option<String> {
        let listing = self.open.get_mut(id)?;
        listing.pages += 1;
        let (mut record, place) = next?;
        listing.places.insert(record, place);
        let first = *listing.first_offset.get_or_insert(record);
        if repeat {
            record = first;
        }
        Some(format!("{id}/{record}"))
    }

    pub(crate) fn forget(&mut self, id: &str) {
        self.open.remove(id);
    }
}
