//! Airtable's connections, for those who live longer than a process.

use std::sync::Arc;

use pyo3::prelude::*;

use super::error::exception;
use super::runtime::PerProcess;
use crate::connector::AirtableConnector;
use crate::options::Connection;

/// Connections that are made in each process that asks for them: none survives a fork.
pub(super) struct Live {
    connection: Connection,
    made: PerProcess<AirtableConnector>,
}

impl Live {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection, made: PerProcess::new() }
    }

    pub(super) fn get(&self, py: Python<'_>) -> PyResult<Arc<AirtableConnector>> {
        self.made.get(|| AirtableConnector::new(self.connection.clone()).map_err(|error| exception(py, &error)))
    }
}
