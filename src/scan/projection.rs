//! Which columns of a plan a user's schema wants, in which order, and as what. Pure.
//!
//! Invariant: what does not fit the wanted type is rescued, as everywhere; a type that would lose more is refused.

use serde_json::Value;

use crate::columns::sql_type;
use crate::error::{Error, Result, nearest_or_all};
use crate::scan::columns::{Column, FieldSource, Source};
use crate::scan::lookup::find;

/// The columns that a schema, given as Spark's JSON of a `StructType`, wants of all columns of a table.
///
/// # Errors
/// [`Error::NotFound`] for a column that the table does not have; [`Error::Option`] for a type that a column cannot be
/// read as.
pub(super) fn columns(table: &str, all: &[Column], spark_schema: &str) -> Result<Vec<Column>> {
    let wanted: Value = serde_json::from_str(spark_schema)
        .map_err(|error| Error::Option(format!("the schema is not Spark's JSON of a StructType: {error}").into()))?;
    let wanted = wanted["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
    if wanted.is_empty() {
        return Err(Error::Option("the schema has no columns: name at least one, such as id STRING".into()));
    }
    let columns = wanted.iter().map(|field| column(table, all, field)).collect::<Result<Vec<_>>>()?;
    for (index, column) in columns.iter().enumerate() {
        let is_same = |other: &Column| other.source == column.source && other.told_as == column.told_as;
        if columns[..index].iter().any(is_same) {
            return Err(Error::Option(format!("column {:?} is in the schema twice: name it once", column.name).into()));
        }
    }
    Ok(columns)
}

fn column(table: &str, all: &[Column], wanted: &Value) -> Result<Column> {
    let name = wanted["name"].as_str().unwrap_or_default();
    let Some(column) = find(all, name, |column| (&column.name, &column.name)) else {
        let near = nearest_or_all(name, "it has", all.iter().map(|column| column.name.as_str()));
        return Err(Error::NotFound(
            format!("column {name:?} of the schema: table {table:?} has none such{near}").into(),
        ));
    };
    let spark_type = &wanted["type"];
    let source = match &column.source {
        Source::Absent(shape) => shape.read_as(spark_type).map(Source::Absent),
        Source::Field(field) => {
            field.shape.read_as(spark_type).map(|shape| Source::Field(FieldSource { shape, ..field.clone() }))
        }
        source => (*spark_type == column.spark_type()).then(|| source.clone()),
    };
    let Some(source) = source else {
        let (own, wanted) = (sql_type(&column.spark_type()), sql_type(spark_type));
        let cast = if is_cast_of_time(&column.spark_type(), spark_type) {
            // Where a plan is made Spark does not tell the session's time zone, which the answer depends on.
            format!(
                ": leave it {own} in the schema, and write cast(`{}` AS {wanted}) in the query, where Spark knows the \
                 session's time zone",
                name.replace('`', "``")
            )
        } else {
            String::new()
        };
        return Err(Error::Option(
            format!(
                "column {name:?} of the schema: table {table:?} gives {own}, which cannot be read as {wanted}{cast}"
            )
            .into(),
        ));
    };
    // The name in the user's spelling and the user's NOT NULL: Spark compares batches with the schema it was given.
    let nullable = wanted["nullable"].as_bool().unwrap_or(true);
    Ok(Column { name: name.to_owned(), nullable, source, told_as: column.told_as.clone(), is_tacit: false })
}

/// Both are days or moments, or lists of these: what one is as the other, Spark's cast knows.
fn is_cast_of_time(own: &Value, wanted: &Value) -> bool {
    match (own.as_str(), wanted.as_str()) {
        (Some(own), Some(wanted)) => {
            [own, wanted].iter().all(|name| matches!(*name, "date" | "timestamp" | "timestamp_ntz"))
        }
        // Structs have no such thing, and what they have in its place has none either.
        _ => match (own.get("elementType"), wanted.get("elementType")) {
            (Some(own), Some(wanted)) => is_cast_of_time(own, wanted),
            _ => false,
        },
    }
}
