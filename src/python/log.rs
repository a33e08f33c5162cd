//! Log lines of Rust's threads -> Python's `logging`, under the name `lakeflow_airtable`.
//!
//! Lines are queued, and handed over by the Python thread that waits for the result anyway. Where that cannot be, because
//! a library takes a stream's batches on a thread of its own, a thread that lives for these lines alone takes the GIL, and
//! nothing waits for it. A full queue forgets its oldest lines. A line that Python's logger does not want is never made.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use log::{Level, LevelFilter, Log, Metadata, Record};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::token::scrub;

static QUEUE: Queue = Queue(Mutex::new(VecDeque::new()));

static IS_OURS: AtomicBool = AtomicBool::new(false);

/// The process in which a thread is handing lines over; a fork takes no thread along.
static AT_WORK: AtomicU32 = AtomicU32::new(0);

/// Lines that wait for a Python thread, at most.
const LONGEST: usize = 1_000;

/// How long the end of a read waits, where another thread hands lines over, until they are Python's.
const LAST_LINES: Duration = Duration::from_secs(1);

struct Queue(Mutex<VecDeque<(Level, String)>>);

impl Queue {
    fn take(&self) -> VecDeque<(Level, String)> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

impl Log for Queue {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level() && metadata.target().starts_with("lakeflow_airtable")
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
        IS_OURS.store(true, Ordering::Relaxed);
        log::set_max_level(LevelFilter::Info);
    }
}

/// From now on lines of DEBUG are made if Python's logger wants them.
pub(super) fn follow_level(py: Python<'_>) -> PyResult<()> {
    if IS_OURS.load(Ordering::Relaxed) {
        let wants_debug: bool = logger(py)?.call_method1("isEnabledFor", (DEBUG,))?.extract()?;
        log::set_max_level(if wants_debug { LevelFilter::Debug } else { LevelFilter::Info });
    }
    Ok(())
}

/// Gives the queued lines to Python.
pub(super) fn hand_over(py: Python<'_>) -> PyResult<()> {
    follow_level(py)?;
    for (level, line) in QUEUE.take() {
        let number = match level {
            Level::Error => 40,
            Level::Warn => 30,
            Level::Info => 20,
            Level::Debug | Level::Trace => DEBUG,
        };
        logger(py)?.call_method1("log", (number, "%s", scrub(&line)))?;
    }
    Ok(())
}

/// The same after a read, which is over whatever a handler does; only what ends more than a handler is raised.
pub(super) fn hand_over_last(py: Python<'_>) -> PyResult<()> {
    hand_over(py).or_else(|error| {
        if !error.is_instance_of::<PyException>(py) {
            return Err(error);
        }
        error.write_unraisable(py, None);
        Ok(())
    })
}

/// The same where an object is dropped, in the midst of whatever Python does: nothing of Python's runs on this thread,
/// where it would answer signals that somebody else is to be told of. Waits for a moment only.
pub(super) fn leave(py: Python<'_>) {
    let is_ending = || py.import("sys")?.call_method0("is_finalizing")?.extract::<bool>();
    let on_its_way = PyErr::take(py);
    if let Ok(false) = is_ending() {
        py.detach(wait_for_last_lines);
    }
    if let Some(error) = on_its_way {
        error.restore(py);
    }
}

/// Waits until the lines are Python's, handed over by another thread, but not for long.
pub(super) fn wait_for_last_lines() {
    let until = Instant::now() + LAST_LINES;
    while hand_over_aside() && Instant::now() < until {
        thread::sleep(Duration::from_millis(1));
    }
}

/// The same, by a thread that nobody waits for. Whether there are lines that Python does not have yet.
pub(super) fn hand_over_aside() -> bool {
    let process = std::process::id();
    if AT_WORK.load(Ordering::Acquire) == process {
        return true;
    }
    if QUEUE.is_empty() {
        return false;
    }
    if AT_WORK.swap(process, Ordering::AcqRel) != process {
        let started = thread::Builder::new().name("lakeflow-airtable-log".into()).spawn(|| {
            _ = Python::try_attach(|py| {
                if let Err(error) = hand_over(py) {
                    error.write_unraisable(py, None);
                }
            });
            AT_WORK.store(0, Ordering::Release);
        });
        if started.is_err() {
            AT_WORK.store(0, Ordering::Release);
        }
    }
    true
}

/// Python's number for it.
const DEBUG: u8 = 10;

fn logger(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static LOGGER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let made = || Ok(py.import("logging")?.call_method1("getLogger", ("lakeflow_airtable",))?.unbind());
    LOGGER.get_or_try_init(py, made).map(|logger| logger.bind(py))
}
