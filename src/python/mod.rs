//! The Python module `lakeflow_airtable._native`: the only place that knows pyo3.

use pyo3::prelude::*;

#[cfg(feature = "mock")]
mod mock;

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    #[cfg(feature = "mock")]
    mock::register(module)?;
    Ok(())
}
