//! `Batches`: a read as Python sees it, an iterator of record batches and an Arrow stream.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use super::arrow::{Batch, stream_capsule};
use super::consumer::Consumer;
use super::error::{exception, record_batch_function};
use super::exported::{Exported, FORKED};
use super::held::{Held, Place, Read};
use super::interrupts::give_back;
use super::log;
use super::runtime::{LOOK_UP, runtime, wait_and_keep, wait_unless};
use super::schema::Schema;
use super::stats::ReadStats;
use super::whole::{Whole, library};
use super::write::{Output, refuse_bool, told_by};
use crate::files::Format;
use crate::read;
use crate::read::stats::Progress;
use crate::token::scrub;

/// The record batches of one read: iterate over it, or hand it to a library that takes `__arrow_c_stream__`. It is read
/// once; requests begin with the first batch, and memory holds a few of them, however large the table is.
///
/// Batches have the columns of `schema`, and as many rows as a few pages have: hundreds or thousands. Iterating raises this package's exceptions, and `KeyboardInterrupt` within a second of Ctrl-C; a
/// library that takes the stream raises an exception of its own, with the same text.
#[pyclass(frozen, module = "lakeflow_airtable._native")]
pub(super) struct Batches {
    table: String,
    schema: SchemaRef,
    progress: Arc<Progress>,
    place: Place,
}

impl Batches {
    pub(super) fn new(py: Python<'_>, table: &str, batches: read::Batches) -> Self {
        let (schema, progress) = (batches.schema(), batches.progress());
        Self { table: table.to_owned(), schema, progress, place: Place::of(Read::new(py, batches)) }
    }

    /// A read that is closed meanwhile is an error: a file of its first rows is no copy.
    fn next_to_write(&self, py: Python<'_>, read: &mut Read) -> PyResult<Option<RecordBatch>> {
        if let Some(next) = read.pending.take() {
            return next.map(Some).map_err(|error| exception(py, &error));
        }
        match wait_unless(py, self.place.closed(), read.batches.next())? {
            Some(next) if !self.place.is_closed() => next.transpose().map_err(|error| exception(py, &error)),
            _ => Err(PyValueError::new_err("this read was closed while it was written: what is there is not whole")),
        }
    }

    /// The next batch as what Python is to have; one that was not made is the next one again. Where none has come within
    /// the patience, it is one without rows.
    fn next_as<T>(
        &self,
        py: Python<'_>,
        patience: Option<Duration>,
        hand_over: impl FnOnce(RecordBatch) -> PyResult<T>,
    ) -> PyResult<Option<T>> {
        let Some(mut read) = self.place.borrow(Held::Lent)? else { return Ok(None) };
        self.place.begin();
        read.give_signals_back(py);
        if read.pending.is_none() {
            let batches = &mut read.batches;
            let next = async {
                let Some(patience) = patience else { return batches.next().await };
                let none_yet = || Some(Ok(RecordBatch::new_empty(self.schema.clone())));
                tokio::time::timeout(patience, batches.next()).await.unwrap_or_else(|_| none_yet())
            };
            match wait_and_keep(py, self.place.closed(), next) {
                Ok((Some(Some(next)), raised)) => {
                    read.pending = Some(next);
                    // Interrupted: what came is the next one.
                    if let Err(error) = raised {
                        self.place.put_back(Held::Here(read));
                        return Err(error);
                    }
                }
                Ok((Some(None), raised)) => {
                    self.place.put_back(Held::Gone("read to its end"));
                    return raised.map(|()| None);
                }
                Ok((None, _)) => {
                    self.place.put_back(Held::Gone("closed"));
                    drop(read);
                    log::hand_over_last(py)?;
                    return Ok(None);
                }
                // Interrupted: the read can go on.
                Err(error) => {
                    self.place.put_back(Held::Here(read));
                    return Err(error);
                }
            }
        }
        let batch = match &read.pending {
            Some(Ok(batch)) => batch.clone(),
            Some(Err(error)) => {
                let raised = exception(py, error);
                self.place.put_back(Held::Gone("ended by an error"));
                return Err(raised);
            }
            None => return Ok(None),
        };
        let made = hand_over(batch);
        if made.is_ok() {
            read.pending = None;
        }
        if self.place.is_closed() {
            self.place.put_back(Held::Gone("closed"));
            drop(read);
            log::hand_over_last(py)?;
        } else {
            self.place.put_back(Held::Here(read));
        }
        made.map(Some)
    }

    /// Every batch, for a method that makes one thing of them.
    fn whole(&self, py: Python<'_>, method: &str) -> PyResult<Whole> {
        if !self.place.is_whole() {
            return Err(PyValueError::new_err(format!(
                "{method}() gives the whole of a read, and this one was {}: begin another with read(), or take the rest \
                 batch by batch",
                self.place.state()
            )));
        }
        let mut batches = Vec::new();
        loop {
            match self.next_as(py, None, Ok) {
                Ok(Some(batch)) => batches.push(batch),
                Ok(None) if self.place.is_closed() => {
                    return Err(PyValueError::new_err(format!("{method}(): this read was closed before its end")));
                }
                Ok(None) => return Ok(Whole { schema: self.schema.clone(), batches }),
                Err(error) => {
                    // What was taken is gone with this call.
                    return Err(self.close(py).err().unwrap_or(error));
                }
            }
        }
    }

    /// Which read this is, and how far it is.
    fn told(&self) -> String {
        let state = match self.place.state() {
            "begun" => "reading",
            other => other,
        };
        let rows = self.progress.stats().rows;
        format!("Batches of {:?}: {} columns, {rows} rows so far, {state}", self.table, self.schema.fields().len())
    }
}

/// Columns that a `repr` names.
const SHOWN_COLUMNS: usize = 12;

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
        if self.place.is_of_this_process() {
            Ok(self.progress.stats().into())
        } else {
            Err(PyRuntimeError::new_err(FORKED))
        }
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let record_batch = record_batch_function(py)?;
        self.next_as(py, None, |batch| record_batch.call1((Batch(batch),)))
    }

    /// The next batch as an object with `__arrow_c_array__`, for who has no pyarrow; None after the last. Where none has
    /// come within a tenth of a second, it is one without rows: the caller may have signals of its own to look at.
    fn next_native(&self, py: Python<'_>) -> PyResult<Option<Batch>> {
        self.next_as(py, Some(LOOK_UP), |batch| Ok(Batch(batch)))
    }

    /// The whole read as a `pyarrow.Table`, in memory. Only where no batch was taken yet.
    ///
    /// Raises:
    ///     `AirtableError`: Of this package's own types, whatever goes wrong in the read.
    ///     `ValueError`: The read was begun, closed or handed over before.
    ///     `ImportError`: pyarrow is not installed.
    fn to_arrow<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let pyarrow = library(py, "pyarrow", "to_arrow()")?;
        pyarrow.getattr("table")?.call1((self.whole(py, "to_arrow")?,))
    }

    /// The whole read as a `polars.DataFrame`, in memory; without pyarrow. Only where no batch was taken yet.
    ///
    /// Raises:
    ///     `AirtableError`: Of this package's own types, whatever goes wrong in the read.
    ///     `ValueError`: The read was begun, closed or handed over before.
    ///     `ImportError`: polars is not installed.
    fn to_polars<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let polars = library(py, "polars", "to_polars()")?;
        polars.getattr("DataFrame")?.call1((self.whole(py, "to_polars")?,))
    }

    /// The whole read as a `pandas.DataFrame`, in memory, as pyarrow makes it. Only where no batch was taken yet.
    ///
    /// Raises:
    ///     `AirtableError`: Of this package's own types, whatever goes wrong in the read.
    ///     `ValueError`: The read was begun, closed or handed over before.
    ///     `ImportError`: pandas or pyarrow is not installed.
    fn to_pandas<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        library(py, "pandas", "to_pandas()")?;
        let pyarrow = library(py, "pyarrow", "to_pandas()")?;
        let table = pyarrow.getattr("table")?.call1((self.whole(py, "to_pandas")?,))?;
        table.call_method0("to_pandas")
    }

    fn __repr__(&self) -> String {
        let names: Vec<&str> = self.schema.fields().iter().map(|field| field.name().as_str()).collect();
        let more = names.len().saturating_sub(SHOWN_COLUMNS);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let names = names[..names.len().min(SHOWN_COLUMNS)].join(", ");
        scrub(&format!("<lakeflow_airtable.{} ({names}{more})>", self.told())).into_owned()
    }

    fn _repr_html_(&self) -> String {
        self.schema().html(&self.told())
    }

    /// The rest of the read as a stream of the Arrow C interface: errors reach the consumer as its own kind.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        drop(requested_schema);
        let Some(read) = self.place.borrow(Held::Gone("handed to another library"))? else {
            return Err(self.place.gone());
        };
        let Read { batches, pending, interrupts } = *read;
        let pending = pending.map(|next| next.map_err(|error| ArrowError::ExternalError(error.into())));
        let (schema, runtime, process) = (self.schema.clone(), runtime()?, self.place.process());
        let (batches, stopped, consumer) = (Some(batches), None, Consumer::new(py, interrupts)?);
        self.place.begin();
        stream_capsule(py, Box::new(Exported { batches, pending, stopped, consumer, schema, runtime, process }))
    }

    /// Writes the rest of the read to a path, whose file is made or emptied, or to a file descriptor, which stays open.
    /// The format is that of the path's ending where none is given. Returns the number of rows.
    #[pyo3(signature = (target, format = None, *, compression = None, row_group_size = None))]
    fn write<'py>(
        &self,
        py: Python<'py>,
        target: &Bound<'py, PyAny>,
        format: Option<&str>,
        compression: Option<&str>,
        row_group_size: Option<i64>,
    ) -> PyResult<u64> {
        refuse_bool(target)?;
        let format = match format {
            Some(name) => name.to_owned(),
            None => told_by(py, target)?,
        };
        let asked = Format::parse(&format, compression, row_group_size)
            .and_then(|format| format.check(&self.schema).map(|()| format));
        let format = asked.map_err(|error| exception(py, &error))?;
        let Some(mut read) = self.place.borrow(Held::Lent)? else { return Err(self.place.gone()) };
        read.give_signals_back(py);
        let output = match Output::open(py, target) {
            Ok(output) => output,
            // Nothing was asked for: the read can go elsewhere.
            Err(error) => {
                self.place.put_back(Held::Here(read));
                return Err(error);
            }
        };
        self.place.begin();
        let written = output.write(py, format, &self.schema, |py| self.next_to_write(py, &mut read));
        drop(read);
        self.place.put_back(Held::Gone(if written.is_ok() { "read to its end" } else { "ended by an error" }));
        written.and_then(|rows| log::hand_over_last(py).map(|()| rows))
    }

    /// Stops the read, also one that another thread waits for: no further request is sent.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        if !self.place.is_of_this_process() {
            return Ok(());
        }
        self.place.close();
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
        if !self.place.is_of_this_process() {
            // The task that fills it lives in the parent.
            std::mem::forget(std::mem::replace(self.place.last(), Held::Lent));
            return;
        }
        // Also what a stream took that ended on a thread which could not give it back.
        let has_asked = self.progress.stats().requests > 0;
        let held = self.place.last();
        let is_ended_here = matches!(held, Held::Here(_)) && has_asked;
        *held = Held::Gone("dropped");
        _ = Python::try_attach(|py| {
            give_back(py);
            if is_ended_here {
                log::leave(py);
            }
        });
    }
}
