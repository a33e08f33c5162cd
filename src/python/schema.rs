//! `Schema` and `Column`: the columns of a read as Python sees them.

use std::iter;

use arrow::datatypes::{Field, SchemaRef};
use arrow::ffi::FFI_ArrowSchema;
use pyo3::exceptions::{PyIndexError, PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyIterator, PyList};

use super::arrow::internal;
use super::html;
use crate::columns::sql_type_of_arrow;
use crate::error::{line, nearest_or_all};
use crate::token::scrub;

/// The columns of a read: a sequence of `Column`, which are also found by their names. Libraries take it by
/// `__arrow_c_schema__`, as in `pyarrow.schema(schema)`.
///
/// Two schemas are equal when their columns are: names, types, whether they may be NULL, and what Airtable says of them.
#[pyclass(frozen, module = "lakeflow_airtable._native")]
#[derive(Clone)]
pub(super) struct Schema(pub(super) SchemaRef);

/// One column of a schema.
///
/// | attribute | is |
/// |---|---|
/// | `name` | what the read calls it |
/// | `type` | the type in SQL's words, as in `ARRAY<STRING>` |
/// | `arrow_type` | the type in Arrow's words, as in `Utf8` |
/// | `nullable` | false where no row is without a value |
/// | `field_id` | the Airtable field's id, `fld...`; None for columns that are no field's, such as `id` |
/// | `field_name` | the Airtable field's name, or None |
/// | `field_type` | Airtable's word for the field's type, such as `singleSelect`, or None |
/// | `comment` | what the base's makers wrote about the field, or what the column is where it is no field's |
#[pyclass(frozen, eq, get_all, module = "lakeflow_airtable._native")]
#[derive(Clone, PartialEq)]
pub(super) struct Column {
    name: String,
    r#type: String,
    arrow_type: String,
    nullable: bool,
    field_id: Option<String>,
    field_name: Option<String>,
    field_type: Option<String>,
    comment: Option<String>,
}

impl Column {
    fn of(field: &Field) -> Self {
        let told = |key: &str| field.metadata().get(key).cloned();
        Self {
            name: field.name().clone(),
            r#type: sql_type_of_arrow(field.data_type()),
            arrow_type: field.data_type().to_string(),
            nullable: field.is_nullable(),
            field_id: told("airtable_field_id"),
            field_name: told("airtable_field_name"),
            field_type: told("airtable_field_type"),
            comment: told("comment"),
        }
    }

    fn not_null(&self) -> &'static str {
        if self.nullable { "" } else { " NOT NULL" }
    }
}

#[pymethods]
impl Column {
    fn __repr__(&self) -> String {
        let of = self.field_id.as_ref().map(|id| {
            let (name, kind) = (self.field_name.as_deref(), self.field_type.as_deref());
            format!(" of {id} {:?}, {}", name.unwrap_or_default(), kind.unwrap_or_default())
        });
        let repr = format!("<Column {:?} {}{}{}>", self.name, self.r#type, self.not_null(), of.unwrap_or_default());
        scrub(&repr).into_owned()
    }
}

/// Rows of cells as columns of text, each as wide as its widest cell.
fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or_default();
    let widths: [usize; N] = std::array::from_fn(width);
    let shown = rows.iter().map(|row| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    });
    shown.collect::<Vec<_>>().join("\n")
}

impl Schema {
    pub(super) fn columns(&self) -> impl Iterator<Item = Column> + '_ {
        self.0.fields().iter().map(|field| Column::of(field))
    }

    /// The columns as a table of HTML.
    pub(super) fn html(&self, caption: &str) -> String {
        let row = |column: Column| {
            let type_ = format!("{}{}", column.r#type, column.not_null());
            let of_field = [column.field_name, column.field_type, column.field_id, column.comment];
            let of_field = of_field.into_iter().map(Option::unwrap_or_default);
            [column.name, type_].into_iter().chain(of_field).collect::<Vec<String>>()
        };
        let header = ["column", "type", "field", "Airtable's type", "field id", "comment"];
        scrub(&html::table(caption, &header, &self.columns().map(row).collect::<Vec<_>>())).into_owned()
    }

    fn at(&self, index: isize) -> PyResult<Column> {
        let count = self.0.fields().len();
        let place = if index < 0 { index.checked_add_unsigned(count) } else { Some(index) };
        let place = place.and_then(|place| usize::try_from(place).ok()).filter(|place| *place < count);
        place
            .map(|place| Column::of(self.0.field(place)))
            .ok_or_else(|| PyIndexError::new_err(format!("column {index} of a schema of {count} columns")))
    }

    fn named(&self, name: &str) -> PyResult<Column> {
        let found = self.0.fields().iter().find(|field| field.name() == name);
        found.map(|field| Column::of(field)).ok_or_else(|| {
            let near = nearest_or_all(name, "it has", self.0.fields().iter().map(|field| field.name().as_str()));
            PyKeyError::new_err(scrub(&format!("the schema has no column {name:?}{near}")).into_owned())
        })
    }
}

#[pymethods]
impl Schema {
    /// The schema as a capsule of the Arrow C data interface.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let schema = FFI_ArrowSchema::try_from(self.0.as_ref()).map_err(|error| internal(&error))?;
        PyCapsule::new_with_value(py, schema, c"arrow_schema")
    }

    /// The columns' names, in order.
    #[getter]
    fn names(&self) -> Vec<String> {
        self.0.fields().iter().map(|field| field.name().clone()).collect()
    }

    fn __len__(&self) -> usize {
        self.0.fields().len()
    }

    /// A column by its place, also from the end, or by its name; `IndexError` and `KeyError` where there is none.
    fn __getitem__(&self, wanted: &Bound<'_, PyAny>) -> PyResult<Column> {
        if let Ok(name) = wanted.extract::<&str>() {
            return self.named(name);
        }
        let index = wanted.extract::<isize>().map_err(|_| {
            let kind = wanted.get_type().name().map_or_else(|_| "something else".to_owned(), |name| name.to_string());
            PyTypeError::new_err(format!("a column is found by its place or its name, not by a {kind}"))
        })?;
        self.at(index)
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        PyList::new(py, self.columns().map(|column| Bound::new(py, column)).collect::<PyResult<Vec<_>>>()?)?.try_iter()
    }

    fn __reversed__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        let mut columns: Vec<Column> = self.columns().collect();
        columns.reverse();
        PyList::new(py, columns.into_iter().map(|column| Bound::new(py, column)).collect::<PyResult<Vec<_>>>()?)?
            .try_iter()
    }

    /// Whether there is a column of this name, or this very column.
    fn __contains__(&self, wanted: &Bound<'_, PyAny>) -> bool {
        if let Ok(name) = wanted.extract::<&str>() {
            return self.0.fields().iter().any(|field| field.name() == name);
        }
        wanted.cast::<Column>().is_ok_and(|wanted| self.columns().any(|column| column == *wanted.get()))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| other.get().0 == self.0)
    }

    fn __repr__(&self) -> String {
        let column = |column: Column| format!("{}: {}{}", column.name, column.r#type, column.not_null());
        scrub(&format!("<lakeflow_airtable.Schema {}>", self.columns().map(column).collect::<Vec<_>>().join(", ")))
            .into_owned()
    }

    /// For `print`: one line a column.
    fn __str__(&self) -> String {
        let row = |column: Column| {
            let type_ = format!("{}{}", column.r#type, column.not_null());
            let of_field = [column.field_name, column.field_type, column.field_id].map(Option::unwrap_or_default);
            let [field, field_type, field_id] = of_field;
            [column.name, type_, field, field_type, field_id].map(|cell| line(&cell))
        };
        let header = ["column", "type", "field", "Airtable's type", "field id"].map(str::to_owned);
        let rows: Vec<[String; 5]> = iter::once(header).chain(self.columns().map(row)).collect();
        scrub(&aligned(&rows)).into_owned()
    }

    fn _repr_html_(&self) -> String {
        self.html(&format!("{} columns", self.0.fields().len()))
    }
}
