//! `Output`: a file of Python's that batches are written to.
//!
//! Batches become bytes in Rust, without the GIL; Python's own `io.FileIO` opens and writes. It answers signals also where a
//! pipe is full or nobody reads it, its errors are `OSError` with their numbers, and it takes descriptors that are not ours.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use pyo3::exceptions::{PyOSError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyInt};

use super::error::exception;
use super::text::Shown;
use crate::error::Error;
use crate::files::{Format, Kind, Writer};

/// Bytes that go to Python at once.
const CHUNK: usize = 1024 * 1024;

/// Where batches go: a path, or a file descriptor, which stays open.
pub(super) struct Output<'py> {
    file: Bound<'py, PyAny>,
    /// As the user gave it; none for a descriptor.
    path: Option<Bound<'py, PyAny>>,
}

/// Refuses a bool, which Python counts among the numbers: as a descriptor True would be stdout.
pub(super) fn refuse_bool(target: &Bound<'_, PyAny>) -> PyResult<()> {
    if target.is_instance_of::<PyBool>() {
        return Err(PyTypeError::new_err(format!("write() takes a path or a file descriptor, not the bool {target}")));
    }
    Ok(())
}

/// The format that a path's ending tells.
pub(super) fn told_by(py: Python<'_>, target: &Bound<'_, PyAny>) -> PyResult<String> {
    let refused = |why: String| {
        let say = format!("format is not given, and {why}: give format as jsonl, csv, arrow or parquet");
        Err(exception(py, &Error::Option(say.into())))
    };
    if target.is_instance_of::<PyInt>() {
        return refused("a descriptor tells none".to_owned());
    }
    let path = py.import("os")?.call_method1("fsdecode", (target,))?.extract::<Shown>()?;
    match Kind::of_file(&path.0) {
        Some(kind) => Ok(kind.to_string()),
        None => refused(format!("{:?} does not end as a file of a format does", path.0)),
    }
}

impl<'py> Output<'py> {
    /// Opens it; a file is made, or emptied.
    pub(super) fn open(py: Python<'py>, target: &Bound<'py, PyAny>) -> PyResult<Self> {
        let is_path = !target.is_instance_of::<PyInt>();
        let target = if is_path { py.import("os")?.call_method1("fspath", (target,))? } else { target.clone() };
        let keywords = PyDict::new(py);
        keywords.set_item("closefd", is_path)?;
        let file = py.import("io")?.getattr("FileIO")?.call((&target, "wb"), Some(&keywords))?;
        Ok(Self { file, path: is_path.then_some(target) })
    }

    /// Writes what `next` gives until it gives nothing, and closes the file. Returns the number of rows.
    pub(super) fn write(
        &self,
        py: Python<'py>,
        format: Format,
        schema: &SchemaRef,
        next: impl FnMut(Python<'py>) -> PyResult<Option<RecordBatch>>,
    ) -> PyResult<u64> {
        let rows = self.write_all(py, format, schema, next);
        // A network's file system may tell only here that the disk is full.
        let closed = self.file.call_method0("close").map(drop);
        let rows = rows.and_then(|rows| closed.map(|()| rows));
        rows.map_err(|error| self.named(py, error))
    }

    fn write_all(
        &self,
        py: Python<'py>,
        format: Format,
        schema: &SchemaRef,
        mut next: impl FnMut(Python<'py>) -> PyResult<Option<RecordBatch>>,
    ) -> PyResult<u64> {
        let made = Made::default();
        let mut writer = Writer::begin(format, schema, made.clone())?;
        let mut rows = 0;
        while let Some(batch) = next(py)? {
            rows += batch.num_rows() as u64;
            py.detach(|| writer.write(&batch))?;
            self.send(py, &made)?;
        }
        py.detach(|| writer.finish())?;
        self.send(py, &made)?;
        Ok(rows)
    }

    /// Hands over what was made until now.
    fn send(&self, py: Python<'py>, made: &Made) -> PyResult<()> {
        for chunk in made.take().chunks(CHUNK) {
            let mut rest = chunk;
            while !rest.is_empty() {
                py.check_signals()?;
                match self.file.call_method1("write", (PyBytes::new(py, rest),))?.extract::<Option<usize>>()? {
                    Some(written) => rest = rest.get(written..).unwrap_or_default(),
                    None => self.wait(py)?,
                }
            }
        }
        py.check_signals()
    }

    /// Waits until a descriptor that does not block takes more.
    fn wait(&self, py: Python<'py>) -> PyResult<()> {
        let nothing: [u8; 0] = [];
        py.import("select")?.call_method1("select", (nothing, [&self.file], nothing)).map(drop)
    }

    /// An error of the system's with the path.
    fn named(&self, py: Python<'py>, error: PyErr) -> PyErr {
        if let Some(path) = &self.path
            && error.is_instance_of::<PyOSError>(py)
            && let Err(other) = set_file_name(error.value(py), path)
        {
            return other;
        }
        error
    }
}

fn set_file_name(error: &Bound<'_, PyAny>, path: &Bound<'_, PyAny>) -> PyResult<()> {
    // Of an error of a connection, which is an `OSError` as well, there is no number.
    if !error.getattr("errno")?.is_none() && error.getattr("filename")?.is_none() {
        error.setattr("filename", path)?;
    }
    Ok(())
}

/// Bytes that were made and not written yet.
#[derive(Clone, Default)]
struct Made(Arc<Mutex<Vec<u8>>>);

impl Made {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Made {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
