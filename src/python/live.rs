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
    is_of_one_run: bool,
    made: PerProcess<AirtableConnector>,
}

impl Live {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection, is_of_one_run: false, made: PerProcess::new() }
    }

    /// For reads that belong together.
    pub(super) fn of_one_run(self) -> Self {
        Self { is_of_one_run: true, ..self }
    }

    pub(super) fn get(&self, py: Python<'_>) -> PyResult<Arc<AirtableConnector>> {
        self.made.get(|| {
            let made = AirtableConnector::new(self.connection.clone()).map_err(|error| exception(py, &error))?;
            Ok(if self.is_of_one_run { made.of_one_run() } else { made })
        })
    }
}
