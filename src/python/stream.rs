//! `Stream`: a planned table's changes as Python sees them. Offsets are JSON texts, as checkpoints keep them.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pyo3::prelude::*;

use super::error::{answered, exception};
use super::live::Live;
use super::runtime::{PerProcess, wait};
use super::scan::Scan;
use crate::changes;
use crate::changes::{Offset, RunEnd};
use crate::connector::LakeflowConnect;
use crate::options::ReadOptions;

/// The changes of a planned table, range by range, for whoever keeps the offset.
#[pyclass(frozen, module = "lakeflow_airtable._native")]
pub(super) struct Stream {
    airtable: Arc<Live>,
    plan: Scan,
    options: ReadOptions,
    /// Of all processes: a run that was to end somewhere ends there after a fork too.
    run_end: Arc<RunEnd>,
    live: PerProcess<changes::Stream>,
}

impl Stream {
    pub(super) fn new(
        py: Python<'_>,
        airtable: Arc<Live>,
        plan: Scan,
        options: ReadOptions,
        like: Option<&Self>,
    ) -> PyResult<Self> {
        let stream = Self { airtable, plan, options, run_end: Arc::default(), live: PerProcess::new() };
        let like = like.map(|like| like.live(py)).transpose()?;
        stream.live.get(|| {
            let made = stream.make(py)?;
            Ok(if let Some(like) = &like { made.sharing(like) } else { made })
        })?;
        Ok(stream)
    }

    fn live(&self, py: Python<'_>) -> PyResult<Arc<changes::Stream>> {
        self.live.get(|| self.make(py))
    }

    fn make(&self, py: Python<'_>) -> PyResult<changes::Stream> {
        let stream = self.airtable.get(py)?.stream(self.plan.0.clone(), &self.options);
        let stream = stream.map_err(|error| exception(py, &error))?;
        Ok(stream.ending_with(self.run_end.clone()))
    }
}

fn offset(py: Python<'_>, stream: &changes::Stream, text: &str) -> PyResult<Offset> {
    stream.parse(text).map_err(|error| exception(py, &error))
}

#[pymethods]
impl Stream {
    /// The offset at which the stream begins.
    fn initial_offset(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.live(py)?.initial().to_json())
    }

    /// From now on the stream goes no further than the source does when it is asked next. Said again, the first time
    /// counts. For one of several streams of a run, `began` is when the run did, in seconds since 1970: what others were
    /// told since then will do.
    #[pyo3(signature = (began = None))]
    fn stop_at_latest(&self, began: Option<f64>) {
        let began = began.and_then(|began| Duration::try_from_secs_f64(began).ok());
        let began = began.and_then(|began| SystemTime::UNIX_EPOCH.checked_add(began));
        self.run_end.stop_at_latest_of(began.unwrap_or_else(SystemTime::now));
    }

    /// From now on the stream goes no further than an offset that a stream of the same table and kind gave.
    fn stop_at(&self, py: Python<'_>, end: &str) -> PyResult<()> {
        let stream = self.live(py)?;
        stream.stop_at(offset(py, &stream, end)?);
        Ok(())
    }

    /// The end of the next range from `start` on, and whether there is more; `start` itself where nothing is new.
    #[pyo3(signature = (start = None, max_records = None))]
    fn latest(&self, py: Python<'_>, start: Option<&str>, max_records: Option<u64>) -> PyResult<(String, bool)> {
        let stream = self.live(py)?;
        let start = start.map(|text| offset(py, &stream, text)).transpose()?;
        let latest = answered(py, wait(py, stream.latest(start.as_ref(), max_records)))?;
        Ok((latest.offset.to_json(), latest.has_more))
    }

    /// The same for a stream that asks again and again, with the seconds for which it need not ask: what some stream of the
    /// base on this machine was told in the last `poll_seconds` will do.
    #[pyo3(signature = (start = None, max_records = None))]
    fn poll(&self, py: Python<'_>, start: Option<&str>, max_records: Option<u64>) -> PyResult<(String, bool, f64)> {
        let stream = self.live(py)?;
        let start = start.map(|text| offset(py, &stream, text)).transpose()?;
        let latest = answered(py, wait(py, stream.poll(start.as_ref(), max_records)))?;
        let rest = stream.rest_after(&latest);
        Ok((latest.offset.to_json(), latest.has_more, rest.as_secs_f64()))
    }

    /// How far the source is known to go, where an offset that `latest` gave is not all; None where that is not known. No
    /// request.
    fn known_end(&self, py: Python<'_>, latest: &str) -> PyResult<Option<String>> {
        let stream = self.live(py)?;
        let latest = offset(py, &stream, latest)?;
        Ok(stream.known_end(&latest).map(|end| end.to_json()))
    }

    /// The plan that reads the changes between two offsets.
    fn scan(&self, py: Python<'_>, start: Option<&str>, end: &str) -> PyResult<Scan> {
        let stream = self.live(py)?;
        let start = start.map(|text| offset(py, &stream, text)).transpose()?;
        let end = offset(py, &stream, end)?;
        answered(py, wait(py, stream.scan(start.as_ref(), &end))).map(Scan)
    }

    /// Says that everything before `end` has arrived.
    fn commit(&self, py: Python<'_>, end: &str) -> PyResult<()> {
        let stream = self.live(py)?;
        let end = offset(py, &stream, end)?;
        stream.commit(&end).map_err(|error| exception(py, &error))
    }

    fn __repr__(&self) -> String {
        let plan = &self.plan.0;
        let kind = plan.ingestion_type.as_str();
        format!("<lakeflow_airtable Stream of {:?} in {}, {kind}>", plan.table_name, plan.base_id)
    }
}
