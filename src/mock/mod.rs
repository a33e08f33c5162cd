//! The mock Airtable.
