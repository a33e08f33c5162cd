//! Arrow data leaves for Python by the `PyCapsule` interface, and by nothing else.
//!
//! Memory is shared, not copied: a capsule that nobody consumes frees what it holds, one that was consumed does nothing.

use arrow::array::{Array, RecordBatch, RecordBatchReader, StructArray};
use arrow::error::ArrowError;
use arrow::ffi::{FFI_ArrowSchema, to_ffi};
use arrow::ffi_stream::FFI_ArrowArrayStream;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

/// One record batch on its way to Python.
#[pyclass(frozen, module = "lakeflow_airtable._native")]
pub(super) struct Batch(pub(super) RecordBatch);

#[pymethods]
impl Batch {
    /// The batch as a pair of capsules of the Arrow C data interface.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        // The interface lets a producer keep to its own schema, and the planned one is the only one there is.
        drop(requested_schema);
        let schema = FFI_ArrowSchema::try_from(self.0.schema_ref().as_ref()).map_err(|error| internal(&error))?;
        let (array, _) = to_ffi(&StructArray::from(self.0.clone()).into_data()).map_err(|error| internal(&error))?;
        Ok((
            PyCapsule::new_with_value(py, schema, c"arrow_schema")?,
            PyCapsule::new_with_value(py, array, c"arrow_array")?,
        ))
    }
}

/// A stream of batches as a capsule.
pub(super) fn stream_capsule(
    py: Python<'_>,
    reader: Box<dyn RecordBatchReader + Send>,
) -> PyResult<Bound<'_, PyCapsule>> {
    PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(reader), c"arrow_array_stream")
}

pub(super) fn internal(error: &ArrowError) -> PyErr {
    PyRuntimeError::new_err(format!("cannot hand Arrow data to Python: {error}"))
}
