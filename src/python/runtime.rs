//! The tokio runtime behind Python's calls, and waiting in a way that Python can interrupt.
//!
//! A runtime does not survive `fork`, and Spark, `multiprocessing` and notebooks fork: what is made in one process is
//! never used in another. Nothing is made at import.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::runtime::Runtime;

/// Ctrl-C is answered within this time.
pub(super) const LOOK_UP: Duration = Duration::from_millis(100);

static RUNTIME: PerProcess<Runtime> = PerProcess::new();

/// A value that is made once in each process that needs it.
pub(super) struct PerProcess<T> {
    made: Mutex<Option<(u32, Arc<T>)>>,
}

impl<T> PerProcess<T> {
    pub(super) const fn new() -> Self {
        Self { made: Mutex::new(None) }
    }

    /// This process's value, made now if there is none. It is made outside the lock, which is held for a moment only, so
    /// that a fork does not meet it held.
    pub(super) fn get(&self, make: impl FnOnce() -> PyResult<T>) -> PyResult<Arc<T>> {
        let process = std::process::id();
        if let Some((_, value)) = self.lock().as_ref().filter(|(owner, _)| *owner == process) {
            return Ok(value.clone());
        }
        let value = Arc::new(make()?);
        let mut slot = self.lock();
        if let Some((_, other)) = slot.as_ref().filter(|(owner, _)| *owner == process) {
            return Ok(other.clone());
        }
        // The parent's value is left alone: dropping it here would wait for threads that this process does not have.
        std::mem::forget(slot.replace((process, value.clone())));
        Ok(value)
    }

    /// This process's value, if there is one.
    #[cfg(unix)]
    pub(super) fn made(&self) -> Option<Arc<T>> {
        let process = std::process::id();
        self.lock().as_ref().filter(|(owner, _)| *owner == process).map(|(_, value)| value.clone())
    }

    /// The value of the process that this one was forked from.
    #[cfg(unix)]
    pub(super) fn of_another_process(&self) -> Option<Arc<T>> {
        let process = std::process::id();
        self.lock().as_ref().filter(|(owner, _)| *owner != process).map(|(_, value)| value.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(u32, Arc<T>)>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        let made = self.made.get_mut().unwrap_or_else(PoisonError::into_inner);
        if made.as_ref().is_some_and(|(owner, _)| *owner != std::process::id()) {
            // Made before a fork: see `get`.
            std::mem::forget(made.take());
        }
    }
}

/// This process's runtime.
pub(super) fn runtime() -> PyResult<Arc<Runtime>> {
    RUNTIME.get(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("lakeflow-airtable")
            .enable_all()
            .build();
        runtime.map_err(|error| PyRuntimeError::new_err(format!("cannot start a thread for requests: {error}")))
    })
}

/// Waits for a future without holding the GIL, looking up for signals and log lines.
pub(super) fn wait<F>(py: Python<'_>, future: F) -> PyResult<F::Output>
where
    F: Future + Send,
    F::Output: Send,
{
    let never = AtomicBool::new(false);
    Ok(wait_unless(py, &never, future)?.expect("nobody sets the flag"))
}

/// The same; `None` as soon as the flag is found set.
pub(super) fn wait_unless<F>(py: Python<'_>, flag: &AtomicBool, future: F) -> PyResult<Option<F::Output>>
where
    F: Future + Send,
    F::Output: Send,
{
    let (answer, raised) = wait_and_keep(py, flag, future)?;
    raised.map(|()| answer)
}

/// The same for an answer that must not be lost: beside it stands what a signal's handler raised when it was there
/// already. The caller keeps the one and raises the other.
pub(super) fn wait_and_keep<F>(
    py: Python<'_>,
    flag: &AtomicBool,
    future: F,
) -> PyResult<(Option<F::Output>, PyResult<()>)>
where
    F: Future + Send,
    F::Output: Send,
{
    let runtime = runtime()?;
    super::log::follow_level(py)?;
    let mut future = pin!(future);
    loop {
        let answer = py.detach(|| runtime.block_on(async { tokio::time::timeout(LOOK_UP, future.as_mut()).await }));
        // Signals first: whatever of Python runs afterwards would answer them, too.
        let signals = py.check_signals();
        let Ok(answer) = answer else {
            signals.and_then(|()| super::log::hand_over(py))?;
            if flag.load(Ordering::Relaxed) {
                return Ok((None, Ok(())));
            }
            continue;
        };
        // An answer is never lost to a log handler that fails.
        let raised = signals.and_then(|()| super::log::hand_over_last(py));
        return Ok((Some(answer), raised));
    }
}
