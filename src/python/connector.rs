//! `Connector` and `Scan`: options and plans as Python sees them. A body is convert, wait, wrap.

use std::collections::BTreeMap;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::arrow::Schema;
use super::batches::Batches;
use super::error::exception;
use super::runtime::{PerProcess, wait};
use crate::changes::Limit;
use crate::changes::offset::Offset;
use crate::connector::{AirtableConnector, LakeflowConnect};
use crate::error::Error;
use crate::options::{OPTIONS, Options};
use crate::scan;

/// Options as Python gives them.
type Given = BTreeMap<String, String>;

/// Airtable behind a set of options. Making one checks the options and sends nothing.
#[pyclass(frozen, module = "lakeflow_airtable._native")]
pub(super) struct Connector {
    given: Given,
    options: Options,
    /// Connections do not survive a fork.
    live: PerProcess<AirtableConnector>,
}

impl Connector {
    fn connector(&self, py: Python<'_>) -> PyResult<Arc<AirtableConnector>> {
        self.live.get(|| AirtableConnector::new(self.options.connection.clone()).map_err(|error| exception(py, &error)))
    }

    /// The options of one call, which go before the connector's.
    fn call_options(&self, py: Python<'_>, table: Option<&str>, more: Option<Given>) -> PyResult<Options> {
        let mut all = self.given.clone();
        all.extend(more.into_iter().flatten().map(|(key, value)| (key.to_lowercase(), value)));
        all.extend(table.map(|name| ("tablename".to_owned(), name.to_owned())));
        Options::parse(all).map_err(|error| exception(py, &error))
    }

    /// The connector's own connections, or new ones for a call that says where else to go or as whom.
    fn connector_for(&self, py: Python<'_>, options: &Options) -> PyResult<Arc<AirtableConnector>> {
        if options.connection == self.options.connection {
            return self.connector(py);
        }
        let other = AirtableConnector::new(options.connection.clone()).map_err(|error| exception(py, &error))?;
        Ok(Arc::new(other))
    }
}

fn answered<T>(py: Python<'_>, answer: PyResult<Result<T, Error>>) -> PyResult<T> {
    answer?.map_err(|error| exception(py, &error))
}

fn offset(py: Python<'_>, scan: &Scan, text: &str) -> PyResult<Offset> {
    Offset::parse(text, &scan.0).map_err(|error| exception(py, &error))
}

#[pymethods]
impl Connector {
    #[new]
    fn new(py: Python<'_>, options: Given) -> PyResult<Self> {
        let given: Given = options.into_iter().map(|(key, value)| (key.to_lowercase(), value)).collect();
        let options = Options::parse(given.clone()).map_err(|error| exception(py, &error));
        super::log::hand_over(py)?;
        Ok(Self { given, options: options?, live: PerProcess::new() })
    }

    /// The ids of the bases that the token sees; none where `base_id` fixes one.
    fn list_namespaces(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let connector = self.connector(py)?;
        let bases = answered(py, wait(py, connector.list_namespaces()))?;
        Ok(bases.into_iter().map(|base| base.id).collect())
    }

    /// The names of the tables in a base: that of `base_id`, or of the namespace given by id or name.
    #[pyo3(signature = (namespace = None))]
    fn list_tables(&self, py: Python<'_>, namespace: Option<&str>) -> PyResult<Vec<String>> {
        let connector = self.connector(py)?;
        let namespace = namespace.or(self.options.read.namespace.as_deref());
        answered(py, wait(py, connector.list_tables(namespace)))
    }

    /// Plans a read: one request.
    #[pyo3(signature = (table = None, options = None))]
    fn plan(&self, py: Python<'_>, table: Option<&str>, options: Option<Given>) -> PyResult<Scan> {
        let options = self.call_options(py, table, options)?;
        let connector = self.connector_for(py, &options)?;
        answered(py, wait(py, connector.plan(&options.read))).map(Scan)
    }

    /// Plans a read from the definitions that this connector was told last: a request only where they lack the table.
    #[pyo3(signature = (table = None, options = None))]
    fn plan_cached(&self, py: Python<'_>, table: Option<&str>, options: Option<Given>) -> PyResult<Scan> {
        let options = self.call_options(py, table, options)?;
        let connector = self.connector_for(py, &options)?;
        answered(py, wait(py, connector.plan_cached(&options.read))).map(Scan)
    }

    /// What a pipeline needs to know about a table: `primary_keys`, `cursor_field`, `ingestion_type`.
    #[pyo3(signature = (table, options = None))]
    fn metadata<'py>(&self, py: Python<'py>, table: &str, options: Option<Given>) -> PyResult<Bound<'py, PyDict>> {
        let options = self.call_options(py, Some(table), options)?;
        let connector = self.connector_for(py, &options)?;
        let metadata = answered(py, wait(py, connector.table_metadata(&options.read)))?;
        let dict = PyDict::new(py);
        dict.set_item("primary_keys", metadata.primary_keys)?;
        dict.set_item("cursor_field", metadata.cursor_field)?;
        dict.set_item("ingestion_type", metadata.ingestion_type.as_str())?;
        Ok(dict)
    }

    /// The batches of a plan. Requests begin with the first one.
    #[pyo3(signature = (scan, options = None))]
    fn read(&self, py: Python<'_>, scan: &Scan, options: Option<Given>) -> PyResult<Batches> {
        let options = self.call_options(py, None, options)?;
        Ok(Batches::new(self.connector_for(py, &options)?.read(scan.0.clone())))
    }

    /// The offset at which a stream of a plan begins.
    #[allow(clippy::unused_self)] // A method like its sisters.
    fn initial_offset(&self, py: Python<'_>, scan: &Scan) -> PyResult<String> {
        offset(py, scan, "{}").map(|offset| offset.to_json())
    }

    /// The end of the next range of changes from `start` on, as JSON; `start` itself where nothing is new.
    #[pyo3(signature = (scan, start = None, limit = None, target = None, options = None))]
    fn latest_offset(
        &self,
        py: Python<'_>,
        scan: &Scan,
        start: Option<&str>,
        limit: Option<u64>,
        target: Option<&str>,
        options: Option<Given>,
    ) -> PyResult<String> {
        let options = self.call_options(py, None, options)?;
        let connector = self.connector_for(py, &options)?;
        let start = start.map(|text| offset(py, scan, text)).transpose()?;
        let target = target.map(|text| offset(py, scan, text)).transpose()?;
        let limit = Limit { max_records: limit, target: target.as_ref() };
        let latest = wait(py, connector.latest_offset(&scan.0, &options.read, start.as_ref(), limit));
        answered(py, latest).map(|latest| latest.to_json())
    }

    /// The scan of the changes between two offsets.
    #[pyo3(signature = (scan, start, end, options = None))]
    fn changes(
        &self,
        py: Python<'_>,
        scan: &Scan,
        start: Option<&str>,
        end: &str,
        options: Option<Given>,
    ) -> PyResult<Scan> {
        let options = self.call_options(py, None, options)?;
        let connector = self.connector_for(py, &options)?;
        let start = start.map(|text| offset(py, scan, text)).transpose()?;
        let end = offset(py, scan, end)?;
        answered(py, wait(py, connector.changes(&scan.0, &options.read, start.as_ref(), &end))).map(Scan)
    }

    /// Says that everything before `end` has arrived.
    #[pyo3(signature = (scan, end, options = None))]
    fn commit(&self, py: Python<'_>, scan: &Scan, end: &str, options: Option<Given>) -> PyResult<()> {
        let options = self.call_options(py, None, options)?;
        let end = offset(py, scan, end)?;
        let connector = self.connector_for(py, &options)?;
        connector.commit(&scan.0, &options.read, &end).map_err(|error| exception(py, &error))
    }

    fn __repr__(&self) -> String {
        let connection = &self.options.connection;
        let base = connection.base_id.as_deref().unwrap_or("every base of its token");
        format!("<lakeflow_airtable Connector to {base} at {}>", connection.base_url)
    }
}

/// The resolved plan of a read: table, columns and filters, and no token.
#[pyclass(frozen, module = "lakeflow_airtable._native")]
#[derive(Clone)]
pub(super) struct Scan(scan::Scan);

#[pymethods]
impl Scan {
    /// Reads what `to_json` wrote.
    #[staticmethod]
    fn from_json(py: Python<'_>, text: &str) -> PyResult<Self> {
        scan::Scan::from_json(text).map(Self).map_err(|error| exception(py, &error))
    }

    /// The plan as text, for another process.
    fn to_json(&self) -> String {
        self.0.to_json()
    }

    /// The Arrow schema of every batch.
    #[getter]
    fn schema(&self) -> Schema {
        Schema(self.0.schema())
    }

    /// The schema as Spark writes a `StructType` in JSON.
    fn spark_schema(&self) -> String {
        self.0.spark_schema()
    }

    /// The plan with the columns of a user's schema, given as Spark's JSON of a `StructType`.
    fn select(&self, py: Python<'_>, spark_schema: &str) -> PyResult<Self> {
        self.0.select(spark_schema).map(Self).map_err(|error| exception(py, &error))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        Ok((slf.get_type().getattr("from_json")?, (slf.get().to_json(),)))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| other.get().0 == self.0)
    }

    fn __repr__(&self) -> String {
        format!(
            "<lakeflow_airtable Scan of {:?} in {}, {} columns>",
            self.0.table_name,
            self.0.base_id,
            self.0.columns.len()
        )
    }
}

/// Every option there is: a list of `{"name", "aliases", "default", "required", "kind", "meaning"}`.
#[pyfunction]
pub(super) fn option_table(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    let row = |row: &crate::options::OptionRow| {
        let dict = PyDict::new(py);
        dict.set_item("name", row.name)?;
        dict.set_item("aliases", row.aliases.to_vec())?;
        dict.set_item("default", row.default)?;
        dict.set_item("required", row.required)?;
        dict.set_item("kind", row.kind)?;
        dict.set_item("meaning", row.meaning)?;
        Ok(dict)
    };
    OPTIONS.iter().map(row).collect()
}
