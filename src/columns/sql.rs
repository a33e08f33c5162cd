//! Spark's types as people write them in SQL. The one place, for messages, listings and the command line.

#[cfg(any(test, feature = "python"))]
use arrow::datatypes::{DataType, FieldRef};
use serde_json::Value;

/// A type of Spark's JSON schemas in SQL's words: `ARRAY<STRUCT<id: STRING>>`.
pub(crate) fn sql_type(spark_type: &Value) -> String {
    if let Some(name) = spark_type.as_str() {
        return if name == "long" { "BIGINT".into() } else { name.to_uppercase() };
    }
    match spark_type["type"].as_str() {
        Some("array") => {
            let not_null = if spark_type["containsNull"] == false { " NOT NULL" } else { "" };
            format!("ARRAY<{}{not_null}>", sql_type(&spark_type["elementType"]))
        }
        Some("struct") => {
            let field = |field: &Value| {
                let not_null = if field["nullable"] == false { " NOT NULL" } else { "" };
                format!("{}: {}{not_null}", field["name"].as_str().unwrap_or("?"), sql_type(&field["type"]))
            };
            let fields = spark_type["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
            format!("STRUCT<{}>", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        other => other.unwrap_or("an unknown type").to_uppercase(),
    }
}

/// An Arrow type of ours in the same words.
#[cfg(any(test, feature = "python"))]
pub(crate) fn sql_type_of_arrow(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 => "STRING".into(),
        DataType::Float64 => "DOUBLE".into(),
        DataType::Int64 => "BIGINT".into(),
        DataType::Boolean => "BOOLEAN".into(),
        DataType::Date32 => "DATE".into(),
        DataType::Timestamp(..) => "TIMESTAMP".into(),
        DataType::List(item) => format!("ARRAY<{}>", sql_type_of_arrow(item.data_type())),
        DataType::Struct(fields) => {
            let field = |field: &FieldRef| format!("{}: {}", field.name(), sql_type_of_arrow(field.data_type()));
            format!("STRUCT<{}>", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}
