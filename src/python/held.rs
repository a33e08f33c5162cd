//! Where a read is while Python has its `Batches`: here, with a thread that waits for a batch, or gone and why.
//!
//! Invariant: no lock is held while anybody waits. Whoever needs the read takes it out, and puts it back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;

use super::exported::FORKED;
use super::interrupts::{Interrupts, give_back};
use crate::error::Error;
use crate::read;

/// A read, and what belongs to it.
pub(super) struct Read {
    pub(super) batches: read::Batches,
    /// What was taken and has not reached Python yet: an interrupt in between must not lose it.
    pub(super) pending: Option<Result<RecordBatch, Error>>,
    /// From now on, because a library may ask for the stream on a thread that cannot know.
    pub(super) interrupts: Option<Interrupts>,
}

impl Read {
    pub(super) fn new(py: Python<'_>, batches: read::Batches) -> Self {
        Self { batches, pending: None, interrupts: Interrupts::watch(py) }
    }

    /// From now on Python answers signals itself.
    pub(super) fn give_signals_back(&mut self, py: Python<'_>) {
        if self.interrupts.take().is_some() {
            give_back(py);
        }
    }
}

/// Where a read is.
pub(super) enum Held {
    Here(Box<Read>),
    /// A thread waits for a batch.
    Lent,
    Gone(&'static str),
}

/// The place of one read.
pub(super) struct Place {
    held: Mutex<Held>,
    /// Somebody has asked for a batch.
    is_begun: AtomicBool,
    /// Whoever waits for a batch gives the read up when it sees this.
    is_closed: AtomicBool,
    process: u32,
}

impl Place {
    pub(super) fn of(read: Read) -> Self {
        let (is_begun, is_closed) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { held: Mutex::new(Held::Here(Box::new(read))), is_begun, is_closed, process: std::process::id() }
    }

    /// The process in which the read began.
    pub(super) fn process(&self) -> u32 {
        self.process
    }

    pub(super) fn is_of_this_process(&self) -> bool {
        self.process == std::process::id()
    }

    pub(super) fn begin(&self) {
        self.is_begun.store(true, Ordering::Relaxed);
    }

    /// Nothing was taken from it yet.
    pub(super) fn is_whole(&self) -> bool {
        !self.is_begun.load(Ordering::Relaxed) && matches!(&*self.lock(), Held::Here(_))
    }

    /// What a wait for a batch looks at.
    pub(super) fn closed(&self) -> &AtomicBool {
        &self.is_closed
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    /// Takes the read out; none where it is gone.
    pub(super) fn borrow(&self, leave: Held) -> PyResult<Option<Box<Read>>> {
        if !self.is_of_this_process() {
            return Err(PyRuntimeError::new_err(FORKED));
        }
        let mut held = self.lock();
        match std::mem::replace(&mut *held, leave) {
            Held::Here(read) => Ok(Some(read)),
            Held::Lent => {
                *held = Held::Lent;
                Err(PyValueError::new_err("another thread is waiting for a batch of this read"))
            }
            Held::Gone(why) => {
                *held = Held::Gone(why);
                Ok(None)
            }
        }
    }

    pub(super) fn put_back(&self, held: Held) {
        *self.lock() = held;
    }

    /// Stops the read, also one that another thread waits for.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        let mut held = self.lock();
        if matches!(*held, Held::Here(_)) {
            *held = Held::Gone("closed");
        }
    }

    /// What is there, for the last time: it is dropped, or left to the process that it belongs to.
    pub(super) fn last(&mut self) -> &mut Held {
        self.held.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// In words that end "this read was ...".
    pub(super) fn state(&self) -> &'static str {
        match &*self.lock() {
            Held::Gone(why) => why,
            Held::Lent => "begun",
            Held::Here(_) if self.is_begun.load(Ordering::Relaxed) => "begun",
            Held::Here(_) => "not begun",
        }
    }

    /// Why there is nothing to be had of it.
    pub(super) fn gone(&self) -> PyErr {
        PyValueError::new_err(format!("this read was {}: begin another with read()", self.state()))
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
