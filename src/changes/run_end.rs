//! How far a stream goes in a run, where it ends somewhere.
//!
//! Apart from the stream, so that one that is made anew in another process ends its run where the first would have.
//!
//! Invariant: a run ends where its source was when the run began, or later. So streams of one run may share what one of
//! them was told since then: nothing that was there before is left out by it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::airtable::words::wall;
use crate::changes::Since;
use crate::changes::offset::Offset;

/// How old the answers are at most by which a run ends, however long ago it began.
const OLDEST: Duration = Duration::from_secs(600);

/// How far streams go in this run.
#[derive(Debug, Default)]
pub struct RunEnd(Mutex<Stop>);

#[derive(Debug, Clone, Default)]
pub(super) enum Stop {
    #[default]
    Never,
    /// Where the source is when it is asked next, or was found since the run began.
    AtLatest(Began),
    /// What was found since the run began will do on the way; none for the caller's own end.
    At(Box<Offset>, Option<Began>),
}

/// When a run began, by this machine's clock in microseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Began(u64);

impl Began {
    /// What may be shared now.
    pub(super) fn since(self) -> Since {
        let oldest = u64::try_from(OLDEST.as_micros()).unwrap_or(u64::MAX);
        Since::Run(self.0.max(wall().saturating_sub(oldest)))
    }
}

impl RunEnd {
    /// From now on streams go no further than the source does when one of them is asked next. Said again, the first time
    /// counts.
    pub fn stop_at_latest(&self) {
        self.stop_at_latest_of(SystemTime::now());
    }

    /// The same for one of several streams of a run that began at a time: what others of this machine were told since then
    /// is as good as what this one would be. Everything that was there when the run began is before its end.
    pub fn stop_at_latest_of(&self, began: SystemTime) {
        let began = began.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let mut stop = self.lock();
        if matches!(*stop, Stop::Never) {
            *stop = Stop::AtLatest(Began(u64::try_from(began).unwrap_or(u64::MAX)));
        }
    }

    pub(super) fn get(&self) -> Stop {
        self.lock().clone()
    }

    pub(super) fn set(&self, end: Offset, began: Option<Began>) {
        *self.lock() = Stop::At(Box::new(end), began);
    }

    fn lock(&self) -> MutexGuard<'_, Stop> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
