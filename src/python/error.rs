//! The one map from [`Error`] to the exceptions of `lakeflow_airtable.errors`.
//!
//! They are defined in Python, where each can also be the built-in that it resembles, be pickled and be read about.

use pyo3::PyTypeInfo;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use crate::error::Error;

/// The exception for an error.
pub(super) fn exception(py: Python<'_>, error: &Error) -> PyErr {
    let name = match error {
        Error::Option(_) => "OptionError",
        Error::Auth(_) => "AuthError",
        Error::NotFound(_) => "NotFoundError",
        Error::RateLimit(_) => "RateLimitError",
        Error::Rejected(_) => "RejectedError",
        Error::Transport(_) => "TransportError",
        Error::Data(_) => "DataError",
    };
    match py.import("lakeflow_airtable.errors").and_then(|module| module.getattr(name)) {
        Ok(class) => made(&class, error).map_or_else(|other| other, PyErr::from_value),
        Err(other) => other,
    }
}

fn made<'py>(class: &Bound<'py, PyAny>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let facts = PyDict::new(class.py());
    facts.set_item("status", error.status())?;
    facts.set_item("kind", error.kind())?;
    facts.set_item("option", error.option())?;
    facts.set_item("request", error.request())?;
    class.call((error.to_string(),), Some(&facts))
}

/// An answer that was waited for, with its error as an exception.
pub(super) fn answered<T>(py: Python<'_>, answer: PyResult<Result<T, Error>>) -> PyResult<T> {
    answer?.map_err(|error| exception(py, &error))
}

/// `pyarrow.record_batch`, looked up once.
pub(super) fn record_batch_function(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static FUNCTION: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let found = FUNCTION.get_or_try_init(py, || match py.import("pyarrow") {
        Ok(module) => module.getattr("record_batch").map(Bound::unbind),
        Err(error) if error.get_type(py).is(pyo3::exceptions::PyModuleNotFoundError::type_object(py)) => {
            Err(pyo3::exceptions::PyImportError::new_err(
                "iterating gives pyarrow.RecordBatch, and pyarrow is not installed: pip install pyarrow, or hand the \
                 stream to a library that takes __arrow_c_stream__, such as polars or duckdb",
            ))
        }
        Err(error) => Err(error),
    })?;
    Ok(found.bind(py))
}
