//! Airtable as an Arrow-native source for Apache Spark and Databricks Lakeflow.

#[cfg(feature = "mock")]
pub mod mock;
#[cfg(feature = "python")]
mod python;
