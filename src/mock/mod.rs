//! The mock Airtable.
pub mod formula;
