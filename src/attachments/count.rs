//! How many files a read has fetched. Any thread may look.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of files.
#[derive(Debug, Default)]
pub(crate) struct FileCount {
    fetched: AtomicU64,
    bytes: AtomicU64,
    there: AtomicU64,
    missed: AtomicU64,
}

/// What a count says at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    /// Files that were fetched and stored.
    pub(crate) fetched: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// Files that were there already.
    pub(crate) there: u64,
    /// Files that cannot be had.
    pub(crate) missed: u64,
}

impl FileCount {
    pub(super) fn fetched(&self, bytes: u64) {
        self.fetched.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn there(&self) {
        self.there.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn missed(&self) {
        self.missed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn counted(&self) -> Counted {
        Counted {
            fetched: self.fetched.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            there: self.there.load(Ordering::Relaxed),
            missed: self.missed.load(Ordering::Relaxed),
        }
    }
}
