//! The Python module `lakeflow_airtable._native`: the only place that knows pyo3. Nothing starts at its import.
//!
//! | file | is |
//! |---|---|
//! | `connector`, `scan`, `schema`, `stream`, `batches`, `stats`, `mock` | the classes, each a noun of Rust's |
//! | `held`, `whole` | where a read is while Python has it, and every batch of it at once |
//! | `html` | tables as notebooks show them |
//! | `facts` | functions: facts of which Rust keeps the one copy |
//! | `text` | what Python gives as text |
//! | `arrow`, `error`, `log` | how data, errors and log lines leave for Python |
//! | `write` | the files of Python's that batches are written to |
//! | `exported`, `consumer`, `interrupts`, `wakeup` | libraries that take a stream: how they see log lines and Ctrl-C |
//! | `runtime`, `live` | what is made in each process, and how Python waits |

use pyo3::prelude::*;

mod arrow;
mod batches;
mod connector;
mod consumer;
mod error;
mod exported;
mod facts;
mod held;
mod html;
mod interrupts;
mod live;
mod log;
mod mock;
mod runtime;
mod scan;
mod schema;
mod stats;
mod stream;
mod text;
#[cfg(unix)]
mod wakeup;
mod whole;
mod write;

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    log::install();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<connector::Connector>()?;
    module.add_class::<scan::Scan>()?;
    module.add_class::<stream::Stream>()?;
    module.add_class::<batches::Batches>()?;
    module.add_class::<schema::Schema>()?;
    module.add_class::<schema::Column>()?;
    module.add_class::<stats::ReadStats>()?;
    module.add_function(wrap_pyfunction!(facts::option_table, module)?)?;
    module.add_function(wrap_pyfunction!(facts::option_meant, module)?)?;
    module.add_function(wrap_pyfunction!(facts::build_info, module)?)?;
    module.add_function(wrap_pyfunction!(facts::calls_a_month, module)?)?;
    module.add_function(wrap_pyfunction!(facts::check_format, module)?)?;
    module.add_function(wrap_pyfunction!(facts::format_of_file, module)?)?;
    module.add_function(wrap_pyfunction!(facts::nearest_names, module)?)?;
    module.add_function(wrap_pyfunction!(facts::html_table, module)?)?;
    module.add_function(wrap_pyfunction!(facts::scrub, module)?)?;
    module.add_function(wrap_pyfunction!(facts::snake_name, module)?)?;
    module.add_function(wrap_pyfunction!(facts::sql_type, module)?)?;
    module.add_function(wrap_pyfunction!(facts::primary_keys, module)?)?;
    module.add_function(wrap_pyfunction!(facts::web_place, module)?)?;
    mock::register(module)?;
    Ok(())
}
