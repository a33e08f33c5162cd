//! `lakeflow_airtable._native.Mock`: the mock Airtable for Python tests.

use pyo3::prelude::*;

/// Adds the mock's classes to the module.
pub(super) fn register(_module: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
