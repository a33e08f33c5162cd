//! `ReadStats`: what a read has given and cost, as Python sees it at one moment.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::read::Stats;

/// What a read has given so far, and what that has cost. It is of one moment, and does not change.
#[pyclass(frozen, eq, get_all, module = "lakeflow_airtable._native")]
#[derive(PartialEq)]
pub(super) struct ReadStats {
    /// Rows that were handed on.
    rows: u64,
    /// Requests that were sent for records, repeated ones too; not those by which the read was planned.
    requests: u64,
    /// Requests that repeat one which failed.
    retries: u64,
    /// Answers of 429: one request too many.
    penalties: u64,
    /// Seconds for which requests waited for their turn within the budget, added up: two that wait at the same time
    /// count twice.
    waited_seconds: f64,
    /// Values that do not fit their columns and are in the rescued data column, in the pages that were decoded.
    rescued_values: u64,
    /// Bytes of the answers, without compression.
    bytes: u64,
    /// Files of attachments that were fetched and stored.
    files_fetched: u64,
    /// Bytes of these files.
    file_bytes: u64,
    /// Files of attachments that were there already.
    files_there: u64,
    /// Files of attachments that cannot be had.
    files_missed: u64,
    /// Seconds since the first batch was asked for, up to the end of the read.
    seconds: f64,
    /// The rows that there will be: guessed where a large table is read by several cursors, counted when all are read,
    /// None where it is not known.
    expected_rows: Option<u64>,
    /// Calls to the base in this month of UTC, by all programs of this machine that use this package: about, and no less
    /// than, at the end of the read or now; None before it begins, and where that cannot be known.
    calls_this_month: Option<u64>,
    /// Whether the read is over: at its end, by an error, or because it was closed.
    is_done: bool,
}

impl From<Stats> for ReadStats {
    fn from(stats: Stats) -> Self {
        Self {
            rows: stats.rows,
            requests: stats.requests,
            retries: stats.retries,
            penalties: stats.penalties,
            waited_seconds: stats.waited.as_secs_f64(),
            rescued_values: stats.rescued_values,
            bytes: stats.bytes,
            files_fetched: stats.files_fetched,
            file_bytes: stats.file_bytes,
            files_there: stats.files_there,
            files_missed: stats.files_missed,
            seconds: stats.elapsed.as_secs_f64(),
            expected_rows: stats.expected_rows,
            calls_this_month: stats.calls_this_month,
            is_done: stats.is_done,
        }
    }
}

#[pymethods]
impl ReadStats {
    /// The same as a dict, by the names of the attributes.
    fn as_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item("rows", self.rows)?;
        dict.set_item("requests", self.requests)?;
        dict.set_item("retries", self.retries)?;
        dict.set_item("penalties", self.penalties)?;
        dict.set_item("waited_seconds", self.waited_seconds)?;
        dict.set_item("rescued_values", self.rescued_values)?;
        dict.set_item("bytes", self.bytes)?;
        dict.set_item("files_fetched", self.files_fetched)?;
        dict.set_item("file_bytes", self.file_bytes)?;
        dict.set_item("files_there", self.files_there)?;
        dict.set_item("files_missed", self.files_missed)?;
        dict.set_item("seconds", self.seconds)?;
        dict.set_item("expected_rows", self.expected_rows)?;
        dict.set_item("calls_this_month", self.calls_this_month)?;
        dict.set_item("is_done", self.is_done)?;
        Ok(dict)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let mut shown = Vec::new();
        let has_files = self.files_fetched + self.files_there + self.files_missed > 0;
        for (name, value) in self.as_dict(py)? {
            if !has_files && name.to_string().starts_with("file") {
                continue;
            }
            let rounded = name.to_string().ends_with("seconds");
            let value = if rounded { format!("{:.3}", value.extract::<f64>()?) } else { value.repr()?.to_string() };
            shown.push(format!("{name}={value}"));
        }
        Ok(format!("ReadStats({})", shown.join(", ")))
    }
}
