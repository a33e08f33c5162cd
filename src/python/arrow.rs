//! Arrow data leaves for Python by the `PyCapsule` interface, and by nothing else.
//!
//! Memory is shared, not copied: a capsule that nobody consumes frees what it holds, one that was consumed does nothing.

use arrow::array::{Array, RecordBatch, RecordBatchReader, StructArray};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ffi::{FFI_ArrowSchema, to_ffi};
use arrow::ffi_stream::FFI_ArrowArrayStream;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

/// An Arrow schema. Libraries take it by `__arrow_c_schema__`, as in `pyarrow.schema(schema)`.
#[pyclass(frozen, module = "lakeflow_airtable._native")]
#[derive(Clone)]
pub(super) struct Schema(pub(super) SchemaRef);

#[pymethods]
impl Schema {
    /// The schema as a capsule of the Arrow C data interface.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let schema = FFI_ArrowSchema::try_from(self.0.as_ref()).map_err(|error| internal(&error))?;
        PyCapsule::new_with_value(py, schema, c"arrow_schema")
    }

    /// The columns' names, in order.
    #[getter]
    fn names(&self) -> Vec<String> {
        self.0.fields().iter().map(|field| field.name().clone()).collect()
    }

    fn __len__(&self) -> usize {
        self.0.fields().len()
    }

    fn __repr__(&self) -> String {
        let field = |field: &arrow::datatypes::FieldRef| format!("{}: {}", field.name(), field.data_type());
        format!("<lakeflow_airtable.Schema {}>", self.0.fields().iter().map(field).collect::<Vec<_>>().join(", "))
    }
}

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

fn internal(error: &ArrowError) -> PyErr {
    PyRuntimeError::new_err(format!("cannot hand Arrow data to Python: {error}"))
}
