//! `Whole`: every batch of a read at once, for libraries that make one thing of them.
//!
//! The read is done before a library sees any of it, so what goes wrong is raised as what it is, and not as an error of
//! the library.

use arrow::array::{RecordBatch, RecordBatchIterator};
use arrow::datatypes::SchemaRef;
use pyo3::exceptions::{PyImportError, PyModuleNotFoundError};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use super::arrow::stream_capsule;

/// All batches of a read; a library may take them as often as it likes.
#[pyclass(frozen, module = "lakeflow_airtable._native")]
pub(super) struct Whole {
    pub(super) schema: SchemaRef,
    pub(super) batches: Vec<RecordBatch>,
}

#[pymethods]
impl Whole {
    /// The batches as a stream of the Arrow C interface. Memory is shared.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        drop(requested_schema);
        let batches = self.batches.clone().into_iter().map(Ok);
        stream_capsule(py, Box::new(RecordBatchIterator::new(batches, self.schema.clone())))
    }
}

/// A library that `wanted` needs; where it is missing, an `ImportError` says so.
pub(super) fn library<'py>(py: Python<'py>, name: &str, wanted: &str) -> PyResult<Bound<'py, PyModule>> {
    py.import(name).map_err(|error| {
        if !error.is_instance_of::<PyModuleNotFoundError>(py) {
            return error;
        }
        PyImportError::new_err(format!("{wanted} needs {name}, which is not installed: pip install {name}"))
    })
}
