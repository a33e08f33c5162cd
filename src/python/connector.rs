//! `Connector`: Airtable behind a set of options, as Python sees it. A body is convert, wait, wrap.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::json;

use super::batches::Batches;
use super::error::{answered, exception};
use super::live::Live;
use super::runtime::wait;
use super::scan::Scan;
use super::stream::Stream;
use super::text::{self, Given, Name};
use crate::connector::{AirtableConnector, LakeflowConnect};
use crate::error::Error;
use crate::options::{OPTIONS, Options, Others};
use crate::token::scrub;

/// The option that names the table, which a call may name otherwise.
const TABLE: &str = "tableName";

/// Whether a key names the table, by the option's name or its alias.
fn is_table(key: &str) -> bool {
    let row = OPTIONS.iter().find(|row| row.name == TABLE);
    row.is_some_and(|row| row.names().any(|name| key.eq_ignore_ascii_case(name)))
}

/// Airtable behind a set of options. Making one checks the options and sends nothing.
#[pyclass(frozen, module = "lakeflow_airtable._native")]
pub(super) struct Connector {
    given: text::Options,
    others: Others,
    options: Options,
    live: Arc<Live>,
}

impl Connector {
    fn connector(&self, py: Python<'_>) -> PyResult<Arc<AirtableConnector>> {
        self.live.get(py)
    }

    /// The options of one call, which go before the connector's.
    fn call_options(&self, py: Python<'_>, table: Option<Name>, more: Option<Given>) -> PyResult<Options> {
        let mut more = more.map(|more| more.checked(py)).transpose()?.unwrap_or_default();
        if let Some(table) = table.map(|table| table.checked(py)).transpose()? {
            let other = more.iter().find(|(key, name)| is_table(key) && !name.is_empty() && **name != table);
            // A framework hands on what a read was given: there the call's table is the one that is meant.
            if let (Some((_, other)), Others::Refused) = (other, self.others) {
                let said =
                    format!("the call names two tables, {table:?} and by option {TABLE} {other:?}: give one of them");
                return Err(exception(py, &Error::Option(said.into())));
            }
            more.retain(|key, _| !is_table(key));
            more.insert(TABLE.to_owned(), table);
        }
        let all = Options::parse_call(self.others, self.given.clone(), more);
        all.map_err(|error| exception(py, &error))
    }

    /// The connector's own connections, or new ones for a call that says where else to go or as whom.
    fn live_for(&self, options: &Options) -> Arc<Live> {
        if options.connection == self.options.connection {
            self.live.clone()
        } else {
            Arc::new(Live::new(options.connection.clone()))
        }
    }
}

#[pymethods]
impl Connector {
    /// With `among_others` Spark and Unity Catalog may have added options of their own, which are let through. Reads of one
    /// run share the names of linked records however long it lasts.
    #[new]
    #[pyo3(signature = (options, *, among_others = false, of_one_run = false))]
    fn new(py: Python<'_>, options: Given, among_others: bool, of_one_run: bool) -> PyResult<Self> {
        let others = if among_others { Others::LetThrough } else { Others::Refused };
        let given = options.checked(py)?;
        let options = Options::parse_among(others, given.clone()).map_err(|error| exception(py, &error));
        super::log::hand_over(py)?;
        let options = options?;
        let live = Live::new(options.connection.clone());
        let live = Arc::new(if of_one_run { live.of_one_run() } else { live });
        Ok(Self { given, others, options, live })
    }

    /// The ids of the bases that the token sees; none where `base_id` fixes one.
    fn list_namespaces(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let connector = self.connector(py)?;
        let bases = answered(py, wait(py, connector.list_namespaces()))?;
        Ok(bases.into_iter().map(|base| base.id).collect())
    }

    /// The bases that the token sees, as JSON: a list of (id, name, permission level).
    fn list_bases(&self, py: Python<'_>) -> PyResult<String> {
        let connector = self.connector(py)?;
        let bases = answered(py, wait(py, connector.list_bases()))?;
        let told: Vec<_> = bases.iter().map(|base| (&base.id, &base.name, base.permission_level())).collect();
        Ok(json!(told).to_string())
    }

    /// Whose token it is, as JSON: `id` of the user, and `scopes` where Airtable tells them.
    fn account(&self, py: Python<'_>) -> PyResult<String> {
        let connector = self.connector(py)?;
        let account = answered(py, wait(py, connector.account()))?;
        Ok(json!({ "id": account.id, "scopes": account.scopes() }).to_string())
    }

    /// How many webhooks a base has.
    #[allow(clippy::needless_pass_by_value)] // Python's text becomes one of ours.
    fn webhook_count(&self, py: Python<'_>, base_id: Name) -> PyResult<usize> {
        let base_id = base_id.checked(py)?;
        let connector = self.connector(py)?;
        answered(py, wait(py, connector.webhook_count(&base_id)))
    }

    /// The budget of a base as it is now, as JSON: `path`, `requests_per_second`, `wait_seconds`, `blocked_seconds`,
    /// `is_eased`.
    fn budget(&self, py: Python<'_>, base_id: Name) -> PyResult<String> {
        let state = self.connector(py)?.budget(&base_id.checked(py)?);
        Ok(json!({
            "path": state.path.to_string_lossy(),
            "requests_per_second": self.options.connection.requests_per_second,
            "wait_seconds": state.wait.as_secs_f64(),
            "blocked_seconds": state.blocked.as_secs_f64(),
            "is_eased": state.is_eased,
        })
        .to_string())
    }

    /// How many requests this connector has sent, to all bases.
    #[getter]
    fn requests(&self, py: Python<'_>) -> PyResult<u64> {
        Ok(self.connector(py)?.requests())
    }

    /// The calls to a base in this month of UTC by all programs of this machine; None where that cannot be known.
    fn calls_this_month(&self, py: Python<'_>, base_id: Name) -> PyResult<Option<u64>> {
        Ok(self.connector(py)?.calls_this_month(&base_id.checked(py)?))
    }

    /// The definitions of a base's tables, as JSON: a list of `TableDefinition`.
    #[pyo3(signature = (namespace = None, options = None))]
    fn definitions(&self, py: Python<'_>, namespace: Option<Name>, options: Option<Given>) -> PyResult<String> {
        let mut options = self.call_options(py, None, options)?;
        let namespace = namespace.map(|name| name.checked(py)).transpose()?;
        if namespace.is_some() {
            options.read.bases.clear();
        }
        options.read.namespace = namespace.or(options.read.namespace);
        let connector = self.live_for(&options).get(py)?;
        let tables = answered(py, wait(py, connector.definitions(&options.read)))?;
        Ok(json!(tables).to_string())
    }

    /// The names of the tables in a base: that of `base_id`, or of the namespace given by id or name; of several bases where
    /// the options name several.
    #[pyo3(signature = (namespace = None))]
    fn list_tables(&self, py: Python<'_>, namespace: Option<Name>) -> PyResult<Vec<String>> {
        let connector = self.connector(py)?;
        let namespace = namespace.map(|name| name.checked(py)).transpose()?;
        answered(
            py,
            match namespace {
                Some(namespace) => wait(py, connector.list_tables(Some(&namespace))),
                None => wait(py, connector.list_tables_of(&self.options.read)),
            },
        )
    }

    /// The tables of every base that the token sees, by name, or by id where several have the name.
    fn list_tables_of_all(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let connector = self.connector(py)?;
        answered(py, wait(py, connector.list_tables_of_all()))
    }

    /// Plans a read: one request.
    #[pyo3(signature = (table = None, options = None))]
    fn plan(&self, py: Python<'_>, table: Option<Name>, options: Option<Given>) -> PyResult<Scan> {
        let options = self.call_options(py, table, options)?;
        let connector = self.live_for(&options).get(py)?;
        answered(py, wait(py, connector.plan(&options.read))).map(Scan)
    }

    /// Plans a read from the definitions that this connector was told last: a request only where they lack the table.
    #[pyo3(signature = (table = None, options = None))]
    fn plan_cached(&self, py: Python<'_>, table: Option<Name>, options: Option<Given>) -> PyResult<Scan> {
        let options = self.call_options(py, table, options)?;
        let connector = self.live_for(&options).get(py)?;
        answered(py, wait(py, connector.plan_cached(&options.read))).map(Scan)
    }

    /// What a pipeline needs to know about a table: `primary_keys`, `cursor_field`, `ingestion_type`.
    #[pyo3(signature = (table, options = None))]
    fn metadata<'py>(&self, py: Python<'py>, table: Name, options: Option<Given>) -> PyResult<Bound<'py, PyDict>> {
        let options = self.call_options(py, Some(table), options)?;
        let connector = self.live_for(&options).get(py)?;
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
        scan.0.check_batch().map_err(|error| exception(py, &error))?;
        let batches = self.live_for(&options).get(py)?.read(scan.0.clone());
        Ok(Batches::new(py, &scan.0.table_name, batches))
    }

    /// Of each base how many records a plan reads, what that number is worth (`exact`, `about`, `at_least`), and the
    /// requests for it.
    #[pyo3(signature = (scan, options = None))]
    fn estimate_records(
        &self,
        py: Python<'_>,
        scan: &Scan,
        options: Option<Given>,
    ) -> PyResult<Vec<(u64, &'static str, u32)>> {
        let options = self.call_options(py, None, options)?;
        let connector = self.live_for(&options).get(py)?;
        let sizes = answered(py, wait(py, connector.estimate_records(&scan.0)))?;
        Ok(sizes.into_iter().map(|size| (size.records, size.certainty.as_str(), size.requests)).collect())
    }

    /// The changes of a plan's table; `like` is an earlier stream of the same, whose lists of ids it takes over.
    #[pyo3(signature = (scan, options = None, like = None))]
    fn stream(
        &self,
        py: Python<'_>,
        scan: &Scan,
        options: Option<Given>,
        like: Option<&Bound<'_, Stream>>,
    ) -> PyResult<Stream> {
        let options = self.call_options(py, None, options)?;
        Stream::new(py, self.live_for(&options), scan.clone(), options.read, like.map(Bound::get))
    }

    fn __repr__(&self) -> String {
        let connection = &self.options.connection;
        let base = connection.base_id.as_deref().unwrap_or("every base of its token");
        scrub(&format!("<lakeflow_airtable Connector to {base} at {}>", connection.base_url)).into_owned()
    }
}
