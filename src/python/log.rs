//! Log lines of Rust's threads -> Python's `logging`, under the name `lakeflow_airtable`.
//!
//! No thread of ours ever takes the GIL: lines are queued, and handed over by the Python thread that waits for the
//! result anyway. A full queue forgets its oldest lines.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use log::{Level, LevelFilter, Log, Metadata, Record};
use pyo3::prelude::*;

static QUEUE: Queue = Queue(Mutex::new(VecDeque::new()));

/// Lines that wait for a Python thread, at most.
const LONGEST: usize = 1_000;

struct Queue(Mutex<VecDeque<(Level, String)>>);

impl Queue {
    fn take(&self) -> VecDeque<(Level, String)> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Log for Queue {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Info && metadata.target().starts_with("lakeflow_airtable")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.len() == LONGEST {
                lines.pop_front();
            }
            lines.push_back((record.level(), record.args().to_string()));
        }
    }

    fn flush(&self) {}
}

/// Makes this crate's log lines come here.
pub(super) fn install() {
    // Fails only where another module of the same process has set a logger for Rust, which then gets the lines.
    if log::set_logger(&QUEUE).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
}

/// Gives the queued lines to Python.
pub(super) fn hand_over(py: Python<'_>) -> PyResult<()> {
    let lines = QUEUE.take();
    if lines.is_empty() {
        return Ok(());
    }
    let logger = py.import("logging")?.call_method1("getLogger", ("lakeflow_airtable",))?;
    for (level, line) in lines {
        let number = match level {
            Level::Error => 40,
            Level::Warn => 30,
            _ => 20,
        };
        logger.call_method1("log", (number, "%s", line))?;
    }
    Ok(())
}
