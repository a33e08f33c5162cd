//! What answers depend on: the data, the clock, the listings in progress and the faults in force.
//!
//! Each part has its own lock; none is held while something is sent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::iterator::Iterators;
use crate::change::follow::set_manners;
use crate::clock::Clock;
use crate::data::file::made_up;
use crate::data::index::{BaseIndex, TableIndex};
use crate::data::store::Store;
use crate::error::ApiError;
use crate::fault::Faults;

/// Airtable, as far as there is any here.
#[derive(Debug)]
pub(crate) struct Airtable {
    store: RwLock<Store>,
    pub(crate) clock: Clock,
    pub(crate) iterators: Mutex<Iterators>,
    faults: RwLock<Arc<Faults>>,
    /// `http://127.0.0.1:PORT`
    origin: String,
    answers: AtomicU64,
}

/// A thread that panicked while holding a lock left data that is at worst half-written; for a test server
/// going on beats failing everywhere after the first failure.
pub(crate) fn unpoison<T>(result: Result<T, PoisonError<T>>) -> T {
    result.unwrap_or_else(PoisonError::into_inner)
}

impl Airtable {
    pub(crate) fn new(store: Store, seed: u64, origin: String) -> Self {
        Self {
            store: RwLock::new(store),
            clock: Clock::default(),
            iterators: Mutex::new(Iterators::new(seed)),
            faults: RwLock::default(),
            origin,
            answers: AtomicU64::new(0),
        }
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Store> {
        unpoison(self.store.read())
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Store> {
        unpoison(self.store.write())
    }

    pub(crate) fn faults(&self) -> Arc<Faults> {
        let faults = unpoison(self.faults.read());
        Arc::clone(&faults)
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        set_manners(&mut self.write(), (&faults).into(), self.clock.now_ms());
        *unpoison(self.faults.write()) = Arc::new(faults);
    }

    /// The bytes of an attachment's file, or of a picture of it. Those that nobody gave have the size that is told.
    pub(crate) fn file(&self, id: &str, kind: &str, size: Option<usize>) -> Vec<u8> {
        let store = self.read();
        let given = store.bases.iter().find_map(|base| base.files.get(id)).filter(|_| kind == "original");
        let mut bytes = given.map_or_else(|| made_up(id, kind, size), <[u8]>::to_vec);
        let off = self.faults().attachment_bytes_off;
        let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX).saturating_add(off);
        bytes.resize(usize::try_from(length).unwrap_or_default(), b'?');
        bytes
    }

    /// What attachment URLs begin with in this answer: address, expiry and, if asked for, a nonce.
    pub(crate) fn signature(&self) -> String {
        let faults = self.faults();
        let lifetime = i64::try_from(faults.attachment_url_seconds).unwrap_or(i64::MAX / 2000) * 1000;
        let mut expires = self.clock.now_ms() + lifetime;
        if lifetime >= 7_200_000 {
            // Airtable's expiries are full hours, so URLs stay the same for a while.
            expires -= expires.rem_euclid(3_600_000) - 3_600_000;
        }
        let nonce = if faults.attachment_urls_change { self.answers.fetch_add(1, Ordering::Relaxed) } else { 0 };
        format!("{}/_mock/attachments/{expires}/{nonce}", self.origin)
    }
}

/// The index of a base and of a table in it.
///
/// # Errors
/// The 403 of an unknown one.
pub(crate) fn locate(store: &Store, base: &str, table: &str) -> Result<(BaseIndex, TableIndex), ApiError> {
    let b = store.bases.position(|other| other.id == base).ok_or_else(ApiError::forbidden)?;
    let t = store[b].table(table).ok_or_else(ApiError::forbidden)?;
    Ok((b, t))
}
