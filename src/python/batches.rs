//! `Batches`: a read as Python sees it, an iterator of record batches and an Arrow stream.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use tokio::runtime::Runtime;

use super::arrow::{Batch, Schema, stream_capsule};
use super::error::{exception, record_batch_function};
use super::runtime::{runtime, wait};
use crate::reader;

/// The record batches of one read: iterate over it, or hand it to a library that takes `__arrow_c_stream__`. It is read
/// once; requests begin with the first batch, and memory holds a few of them, however large the table is.
#[pyclass(frozen, module = "lakeflow_airtable._native")]
pub(super) struct Batches {
    schema: SchemaRef,
    /// None while another thread waits for a batch, and after the last.
    held: Mutex<Held>,
    process: u32,
}

enum Held {
    Here(reader::Batches),
    Lent,
    Gone(&'static str),
}

impl Batches {
    pub(super) fn new(batches: reader::Batches) -> Self {
        Self { schema: batches.schema(), held: Mutex::new(Held::Here(batches)), process: std::process::id() }
    }

    /// Takes the read out, so that no lock is held while waiting.
    fn borrow(&self, leave: Held) -> PyResult<Option<reader::Batches>> {
        if self.process != std::process::id() {
            return Err(PyRuntimeError::new_err("this read was begun before the process forked: begin it again here"));
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *held, leave) {
            Held::Here(batches) => Ok(Some(batches)),
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
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = held;
    }
}

#[pymethods]
impl Batches {
    /// The schema of every batch.
    #[getter]
    fn schema(&self) -> Schema {
        Schema(self.schema.clone())
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let make = record_batch_function(py)?;
        let Some(mut batches) = self.borrow(Held::Lent)? else {
            return Ok(None);
        };
        let next = wait(py, batches.next());
        // Interrupted, the read can go on: a batch that is ready then waits in its channel.
        let ended = matches!(next, Ok(None | Some(Err(_))));
        self.put_back(if ended { Held::Gone("read to its end") } else { Held::Here(batches) });
        match next? {
            None => Ok(None),
            Some(Ok(batch)) => make.call1((Batch(batch),)).map(Some),
            Some(Err(error)) => Err(exception(py, &error)),
        }
    }

    /// The rest of the read as a stream of the Arrow C interface: errors reach the consumer as its own kind.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        drop(requested_schema);
        let Some(batches) = self.borrow(Held::Gone("handed to another library"))? else {
            let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            let why = if let Held::Gone(why) = &*held { why } else { "in use" };
            return Err(PyValueError::new_err(format!("this read was {why}: begin another with read()")));
        };
        stream_capsule(py, Box::new(Stream { batches, schema: self.schema.clone(), runtime: runtime()? }))
    }

    /// Stops the read: no further request is sent.
    fn close(&self) -> PyResult<()> {
        drop(self.borrow(Held::Gone("closed"))?);
        Ok(())
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_error))]
    fn __exit__(&self, _error: &Bound<'_, pyo3::types::PyTuple>) -> PyResult<()> {
        self.close()
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            // The task that fills it lives in the parent.
            let held = self.held.get_mut().unwrap_or_else(PoisonError::into_inner);
            std::mem::forget(std::mem::replace(held, Held::Lent));
        }
    }
}

/// A read that blocks, for consumers in other languages.
struct Stream {
    batches: reader::Batches,
    schema: SchemaRef,
    runtime: Arc<Runtime>,
}

impl Iterator for Stream {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.runtime.block_on(self.batches.next())?;
        Some(next.map_err(|error| ArrowError::ExternalError(Box::new(error))))
    }
}

impl RecordBatchReader for Stream {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}
