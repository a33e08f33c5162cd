//! `Batches`: a read as Python sees it, an iterator of record batches and an Arrow stream.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use tokio::runtime::Runtime;

use super::arrow::{Batch, Schema, stream_capsule};
use super::consumer::Consumer;
use super::error::{exception, record_batch_function};
use super::interrupts::{Interrupts, give_back};
use super::log;
use super::runtime::{LOOK_UP, runtime, wait_unless};
use super::stats::ReadStats;
use crate::read;
use crate::read::stats::Progress;

/// The record batches of one read: iterate over it, or hand it to a library that takes `__arrow_c_stream__`. It is read
/// once; requests begin with the first batch, and memory holds a few of them, however large the table is.
#[pyclass(frozen, module = "lakeflow_airtable._native")]
pub(super) struct Batches {
    schema: SchemaRef,
    progress: Arc<Progress>,
    held: Mutex<Held>,
    /// Whoever waits for a batch gives the read up when it sees this.
    is_closed: AtomicBool,
    process: u32,
}

enum Held {
    Here(Box<Read>),
    /// A thread waits for a batch.
    Lent,
    Gone(&'static str),
}

struct Read {
    batches: read::Batches,
    /// A batch that was taken and has not reached Python yet: an interrupt in between must not lose it.
    pending: Option<RecordBatch>,
    /// From now on, because a library may ask for the stream on a thread that cannot know.
    interrupts: Option<Interrupts>,
}

impl Batches {
    pub(super) fn new(py: Python<'_>, batches: read::Batches) -> Self {
        let (schema, progress) = (batches.schema(), batches.progress());
        let read = Read { batches, pending: None, interrupts: Interrupts::watch(py) };
        let held = Mutex::new(Held::Here(Box::new(read)));
        Self { schema, progress, held, is_closed: AtomicBool::new(false), process: std::process::id() }
    }

    fn is_of_this_process(&self) -> bool {
        self.process == std::process::id()
    }

    /// Takes the read out, so that no lock is held while waiting.
    fn borrow(&self, leave: Held) -> PyResult<Option<Box<Read>>> {
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

    fn put_back(&self, held: Held) {
        *self.lock() = held;
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const FORKED: &str = "this read was begun before the process forked: begin it again here";

#[pymethods]
impl Batches {
    /// The schema of every batch.
    #[getter]
    fn schema(&self) -> Schema {
        Schema(self.schema.clone())
    }

    /// What the read has given so far, and what that has cost: of this moment, also while another thread or a library
    /// reads, and when the read is over.
    #[getter]
    fn stats(&self) -> PyResult<ReadStats> {
        if self.is_of_this_process() { Ok(self.progress.stats().into()) } else { Err(PyRuntimeError::new_err(FORKED)) }
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let record_batch = record_batch_function(py)?;
        let Some(mut read) = self.borrow(Held::Lent)? else { return Ok(None) };
        if read.interrupts.take().is_some() {
            // Here Python answers signals itself.
            give_back(py);
        }
        if read.pending.is_none() {
            match wait_unless(py, &self.is_closed, read.batches.next()) {
                Ok(Some(Some(Ok(batch)))) => read.pending = Some(batch),
                Ok(Some(Some(Err(error)))) => {
                    self.put_back(Held::Gone("ended by an error"));
                    return Err(exception(py, &error));
                }
                Ok(Some(None)) => self.put_back(Held::Gone("read to its end")),
                Ok(None) => {
                    self.put_back(Held::Gone("closed"));
                    drop(read);
                    log::hand_over_last(py)?;
                    return Ok(None);
                }
                // Interrupted: the read can go on.
                Err(error) => {
                    self.put_back(Held::Here(read));
                    return Err(error);
                }
            }
        }
        let Some(batch) = read.pending.clone() else { return Ok(None) };
        let made = record_batch.call1((Batch(batch),));
        if made.is_ok() {
            read.pending = None;
        }
        if self.is_closed.load(Ordering::Relaxed) {
            self.put_back(Held::Gone("closed"));
            drop(read);
            log::hand_over_last(py)?;
        } else {
            self.put_back(Held::Here(read));
        }
        made.map(Some)
    }

    /// The rest of the read as a stream of the Arrow C interface: errors reach the consumer as its own kind.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        drop(requested_schema);
        let Some(read) = self.borrow(Held::Gone("handed to another library"))? else {
            let held = self.lock();
            let why = if let Held::Gone(why) = &*held { why } else { "in use" };
            return Err(PyValueError::new_err(format!("this read was {why}: begin another with read()")));
        };
        let Read { batches, pending, interrupts } = *read;
        let (schema, runtime, process) = (self.schema.clone(), runtime()?, self.process);
        let (batches, stopped, consumer) = (Some(batches), None, Consumer::new(py, interrupts)?);
        stream_capsule(py, Box::new(Stream { batches, pending, stopped, consumer, schema, runtime, process }))
    }

    /// Stops the read, also one that another thread waits for: no further request is sent.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        if !self.is_of_this_process() {
            return Ok(());
        }
        self.is_closed.store(true, Ordering::Relaxed);
        let mut held = self.lock();
        if matches!(*held, Held::Here(_)) {
            *held = Held::Gone("closed");
        }
        drop(held);
        give_back(py);
        log::hand_over_last(py)
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_error))]
    fn __exit__(&self, py: Python<'_>, _error: &Bound<'_, pyo3::types::PyTuple>) -> PyResult<()> {
        self.close(py)
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        if !self.is_of_this_process() {
            // The task that fills it lives in the parent.
            let held = self.held.get_mut().unwrap_or_else(PoisonError::into_inner);
            std::mem::forget(std::mem::replace(held, Held::Lent));
            return;
        }
        // Also what a stream took that ended on a thread which could not give it back.
        let held = self.held.get_mut().unwrap_or_else(PoisonError::into_inner);
        let is_ended_here = matches!(held, Held::Here(_)) && self.progress.stats().requests > 0;
        *held = Held::Gone("dropped");
        _ = Python::try_attach(|py| {
            give_back(py);
            if is_ended_here {
                log::leave(py);
            }
        });
    }
}

/// A read that blocks, for consumers in other languages.
struct Stream {
    /// Taken out only where it must not be dropped.
    batches: Option<read::Batches>,
    pending: Option<RecordBatch>,
    /// Why the read ended before its end.
    stopped: Option<String>,
    consumer: Consumer,
    schema: SchemaRef,
    runtime: Arc<Runtime>,
    process: u32,
}

impl Stream {
    fn wait(&mut self) -> Option<Result<RecordBatch, ArrowError>> {
        let mut next = pin!(self.batches.as_mut()?.next());
        loop {
            let answer = self.runtime.block_on(async { tokio::time::timeout(LOOK_UP, next.as_mut()).await });
            match answer {
                Ok(answer) => {
                    return answer.map(|batch| batch.map_err(|error| ArrowError::ExternalError(error.into())));
                }
                Err(_) => {
                    if let Err(why) = self.consumer.look_up() {
                        self.stopped = Some(why.clone());
                        return Some(Err(ArrowError::ExternalError(why.into())));
                    }
                }
            }
        }
    }
}

impl Iterator for Stream {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.process != std::process::id() {
            return Some(Err(ArrowError::InvalidArgumentError(FORKED.into())));
        }
        if let Some(why) = &self.stopped {
            return Some(Err(ArrowError::ExternalError(why.clone().into())));
        }
        if let Some(batch) = self.pending.take() {
            return Some(Ok(batch));
        }
        let next = self.wait();
        if !matches!(next, Some(Ok(_))) && self.batches.take().is_some() {
            self.consumer.leave(self.stopped.is_some());
        }
        next
    }
}

impl RecordBatchReader for Stream {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            // Its task and its runtime live in the parent.
            std::mem::forget(self.batches.take());
            std::mem::forget(self.runtime.clone());
        } else if self.batches.take().is_some() {
            self.consumer.leave(self.stopped.is_some());
        }
    }
}
