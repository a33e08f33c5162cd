//! `Scan`: a plan as Python sees it, which travels as text.

use pyo3::prelude::*;

use super::error::exception;
use super::schema::Schema;
use super::whole::Whole;
use crate::scan;
use crate::token::scrub;

/// The resolved plan of a read: table, columns and filters, and no token.
#[pyclass(frozen, module = "lakeflow_airtable._native")]
#[derive(Clone)]
pub(super) struct Scan(pub(super) scan::Scan);

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

    /// The plan that ends after so many rows at least, or earlier where this one does. Of a part nobody knows in how many
    /// records these are.
    fn head(&self, rows: u64) -> Self {
        Self(if self.0.part.is_records() { self.0.head(rows) } else { self.0.clone() })
    }

    /// The plan whose rows fulfil a condition as well.
    fn restricted(&self, py: Python<'_>, condition: &str) -> PyResult<Self> {
        self.0.restricted(condition).map(Self).map_err(|error| exception(py, &error))
    }

    /// A plan for each base that it reads, in their order.
    fn bases(&self) -> Vec<Self> {
        self.0.bases().into_iter().map(Self).collect()
    }

    /// No rows of the plan's schema.
    fn empty(&self) -> Whole {
        Whole { schema: self.0.schema(), batches: Vec::new() }
    }

    /// The schema as Spark writes a `StructType` in JSON.
    fn spark_schema(&self) -> String {
        self.0.spark_schema()
    }

    /// The plan with the columns of a user's schema, given as Spark's JSON of a `StructType`.
    fn select(&self, py: Python<'_>, spark_schema: &str) -> PyResult<Self> {
        self.0.select(spark_schema).map(Self).map_err(|error| exception(py, &error))
    }

    /// Raises where the plan is of a stream that cannot be read as a batch.
    fn check_batch(&self, py: Python<'_>) -> PyResult<()> {
        self.0.check_batch().map_err(|error| exception(py, &error))
    }

    /// The plan whose streams leave deletes to a stream of deletes alone.
    fn without_deletes(&self) -> Self {
        Self(self.0.without_deletes())
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        Ok((slf.get_type().getattr("from_json")?, (slf.get().to_json(),)))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| other.get().0 == self.0)
    }

    fn __repr__(&self) -> String {
        let more = if self.0.others.is_empty() { String::new() } else { format!(" and {} more", self.0.others.len()) };
        let shown = format!(
            "<lakeflow_airtable Scan of {:?} in {}{more}, {} columns>",
            self.0.table_name,
            self.0.base_id,
            self.0.columns.len()
        );
        scrub(&shown).into_owned()
    }
}
