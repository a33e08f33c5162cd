//! `lakeflow_airtable._native.Mock`: the mock Airtable for Python.
//!
//! JSON crosses the border as text: `lakeflow_airtable.mock` turns it into Python objects, so that this file
//! is conversion only. The interpreter is released while the mock works.

use std::net::{IpAddr, SocketAddr};

use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::airtable::lock_file;
use airtable_mock::{Faults, FieldSpec, Grant, Kinds, Mock, MockConfig, MockError};

fn parse<T: DeserializeOwned>(json: &str) -> PyResult<T> {
    serde_json::from_str(json).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// Plain data always serialises; should it not, the caller learns it as any other refusal.
fn text(data: &impl Serialize) -> PyResult<String> {
    serde_json::to_string(data).map_err(|error| PyValueError::new_err(error.to_string()))
}

fn refused(error: &MockError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// A running mock Airtable server; `lakeflow_airtable.mock.MockAirtable` is its friendly face.
#[pyclass(name = "Mock", module = "lakeflow_airtable._native")]
struct PyMock(Option<Mock>);

impl PyMock {
    /// Runs without the interpreter's lock.
    fn with<T: Send>(&self, py: Python<'_>, run: impl FnOnce(&Mock) -> Result<T, MockError> + Send) -> PyResult<T> {
        let mock = self.0.as_ref().ok_or_else(|| PyRuntimeError::new_err("the mock is stopped"))?;
        py.detach(|| run(mock)).map_err(|error| refused(&error))
    }

    fn json(&self, py: Python<'_>, run: impl FnOnce(&Mock) -> Result<Value, MockError> + Send) -> PyResult<String> {
        self.with(py, |mock| run(mock).map(|json| json.to_string()))
    }
}

#[pymethods]
impl PyMock {
    #[new]
    #[pyo3(signature = (*, host="127.0.0.1", port=0, token=None, sample=true, faults="{}", seed=1))]
    fn new(
        py: Python<'_>,
        host: &str,
        port: u16,
        token: Option<String>,
        sample: bool,
        faults: &str,
        seed: u64,
    ) -> PyResult<Self> {
        let host: IpAddr =
            host.parse().map_err(|_| PyValueError::new_err(format!("host is not an IP address: {host}")))?;
        let defaults = MockConfig::default();
        let config = MockConfig {
            address: SocketAddr::new(host, port),
            token: token.unwrap_or(defaults.token),
            sample,
            faults: parse(faults)?,
            seed,
        };
        let mock = py.detach(|| Mock::start(config)).map_err(|error| PyOSError::new_err(error.to_string()))?;
        Ok(Self(Some(mock)))
    }

    /// Stops the server; again is fine.
    fn stop(&mut self, py: Python<'_>) {
        let Some(mock) = self.0.take() else { return };
        py.detach(|| {
            let url = mock.url();
            drop(mock);
            lock_file::remove_those_of(&format!("{url}/"));
        });
    }

    #[getter]
    fn url(&self, py: Python<'_>) -> PyResult<String> {
        self.with(py, |mock| Ok(mock.url()))
    }

    #[getter]
    fn token(&self, py: Python<'_>) -> PyResult<String> {
        self.with(py, |mock| Ok(mock.token().to_owned()))
    }

    #[getter]
    fn base_id(&self, py: Python<'_>) -> PyResult<String> {
        self.with(py, |mock| Ok(mock.base_id()))
    }

    fn bases(&self, py: Python<'_>) -> PyResult<Vec<(String, String)>> {
        self.with(py, |mock| Ok(mock.bases()))
    }

    fn faults(&self, py: Python<'_>) -> PyResult<String> {
        text(&self.with(py, |mock| Ok(mock.faults()))?)
    }

    fn set_faults(&self, py: Python<'_>, faults: &str) -> PyResult<()> {
        let faults: Faults = parse(faults)?;
        self.with(py, |mock| {
            mock.set_faults(faults);
            Ok(())
        })
    }

    fn reset_faults(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, |mock| {
            mock.reset_faults();
            Ok(())
        })
    }

    fn requests(&self, py: Python<'_>) -> PyResult<String> {
        text(&self.with(py, |mock| Ok(mock.requests()))?)
    }

    fn request_counts(&self, py: Python<'_>) -> PyResult<String> {
        text(&self.with(py, |mock| Ok(mock.request_counts()))?)
    }

    fn clear_requests(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, |mock| {
            mock.clear_requests();
            Ok(())
        })
    }

    fn now(&self, py: Python<'_>) -> PyResult<String> {
        self.with(py, |mock| Ok(mock.now()))
    }

    fn advance_clock(&self, py: Python<'_>, seconds: f64) -> PyResult<()> {
        self.with(py, |mock| {
            mock.advance_clock(seconds);
            Ok(())
        })
    }

    fn set_clock(&self, py: Python<'_>, now: &str) -> PyResult<()> {
        self.with(py, |mock| mock.set_clock(now))
    }

    fn add_token(&self, py: Python<'_>, token: &str, grant: &str) -> PyResult<()> {
        let grant: Grant = parse(grant)?;
        self.with(py, |mock| {
            mock.add_token(token, grant);
            Ok(())
        })
    }

    fn authorize(
        &self,
        py: Python<'_>,
        client_id: &str,
        client_secret: Option<&str>,
        grant: &str,
    ) -> PyResult<(String, String)> {
        let grant: Grant = parse(grant)?;
        self.with(py, |mock| {
            let tokens = mock.authorize(client_id, client_secret, grant);
            Ok((tokens.access_token, tokens.refresh_token))
        })
    }

    fn remove_token(&self, py: Python<'_>, token: &str) -> PyResult<()> {
        self.with(py, |mock| {
            mock.remove_token(token);
            Ok(())
        })
    }

    fn set_permission(&self, py: Python<'_>, base: &str, level: &str) -> PyResult<()> {
        self.with(py, |mock| mock.set_permission(base, level))
    }

    fn create_base(&self, py: Python<'_>, definition: &str) -> PyResult<String> {
        let definition: Value = parse(definition)?;
        self.with(py, |mock| mock.create_base(&definition))
    }

    fn create_table(&self, py: Python<'_>, base: &str, definition: &str) -> PyResult<String> {
        let definition: Value = parse(definition)?;
        self.json(py, |mock| mock.create_table(base, &definition))
    }

    #[allow(clippy::too_many_arguments)]
    fn generate_table(
        &self,
        py: Python<'_>,
        base: &str,
        name: &str,
        records: usize,
        fields: usize,
        types: Option<Vec<(String, String)>>,
        scalars: bool,
        seed: u64,
    ) -> PyResult<String> {
        let kinds = if scalars { Kinds::Scalars } else { Kinds::Mixed };
        let fields = types.map_or_else(
            || FieldSpec::mixture(kinds, fields),
            |types| types.into_iter().map(|(name, kind)| FieldSpec { name, kind }).collect(),
        );
        self.with(py, |mock| mock.generate_table(base, name, records, &fields, seed))
    }

    fn schema(&self, py: Python<'_>, base: &str) -> PyResult<String> {
        self.json(py, |mock| mock.schema(base))
    }

    fn records(&self, py: Python<'_>, base: &str, table: &str) -> PyResult<String> {
        self.json(py, |mock| mock.records(base, table).map(Value::Array))
    }

    fn create_records(&self, py: Python<'_>, base: &str, table: &str, fields: &str) -> PyResult<Vec<String>> {
        let fields: Vec<Value> = parse(fields)?;
        self.with(py, |mock| mock.create_records(base, table, &fields))
    }

    fn update_records(&self, py: Python<'_>, base: &str, table: &str, records: &str) -> PyResult<Vec<String>> {
        let records: Vec<Value> = parse(records)?;
        self.with(py, |mock| mock.update_records(base, table, &records))
    }

    #[allow(clippy::needless_pass_by_value)]
    fn delete_records(&self, py: Python<'_>, base: &str, table: &str, ids: Vec<String>) -> PyResult<()> {
        self.with(py, |mock| mock.delete_records(base, table, &ids.iter().map(String::as_str).collect::<Vec<_>>()))
    }

    #[allow(clippy::too_many_arguments)]
    fn add_attachment(
        &self,
        py: Python<'_>,
        base: &str,
        table: &str,
        record: &str,
        field: &str,
        filename: &str,
        content: &[u8],
        kind: Option<&str>,
    ) -> PyResult<String> {
        self.with(py, |mock| mock.add_attachment((base, table, record, field), filename, content, kind))
    }

    fn set_raw_cell(
        &self,
        py: Python<'_>,
        base: &str,
        table: &str,
        record: &str,
        field: &str,
        json: &str,
    ) -> PyResult<()> {
        let json: Value = parse(json)?;
        self.with(py, |mock| mock.set_raw_cell(base, table, record, field, &json))
    }

    fn set_raw_field(&self, py: Python<'_>, base: &str, table: &str, field: &str, definition: &str) -> PyResult<()> {
        let definition: Value = parse(definition)?;
        self.with(py, |mock| mock.set_raw_field(base, table, field, &definition))
    }

    fn create_field(&self, py: Python<'_>, base: &str, table: &str, definition: &str) -> PyResult<String> {
        let definition: Value = parse(definition)?;
        self.json(py, |mock| mock.create_field(base, table, &definition))
    }

    fn update_field(&self, py: Python<'_>, base: &str, table: &str, field: &str, change: &str) -> PyResult<String> {
        let change: Value = parse(change)?;
        self.json(py, |mock| mock.update_field(base, table, field, &change))
    }

    fn remove_field(&self, py: Python<'_>, base: &str, table: &str, field: &str) -> PyResult<()> {
        self.with(py, |mock| mock.remove_field(base, table, field))
    }

    fn update_table(&self, py: Python<'_>, base: &str, table: &str, change: &str) -> PyResult<String> {
        let change: Value = parse(change)?;
        self.json(py, |mock| mock.update_table(base, table, &change))
    }

    fn remove_table(&self, py: Python<'_>, base: &str, table: &str) -> PyResult<()> {
        self.with(py, |mock| mock.remove_table(base, table))
    }

    fn add_comment(&self, py: Python<'_>, base: &str, table: &str, record: &str, comment: &str) -> PyResult<String> {
        let comment: Value = parse(comment)?;
        self.with(py, |mock| mock.add_comment(base, table, record, &comment))
    }

    fn last_modified(&self, py: Python<'_>, base: &str, table: &str, record: &str) -> PyResult<Option<String>> {
        self.with(py, |mock| mock.last_modified(base, table, record))
    }

    fn __repr__(&self) -> String {
        // Never the token.
        self.0.as_ref().map_or_else(|| "Mock(stopped)".into(), |mock| format!("Mock(url={:?})", mock.url()))
    }
}

/// Adds the mock's classes to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyMock>()
}
