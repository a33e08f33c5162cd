//! `Interrupts`: Ctrl-C as a thread sees it that is not Python's main thread.
//!
//! Python runs signal handlers on its main thread, and only while that thread runs Python. duckdb and deltalake take a
//! stream's batches on threads of their own while the main thread waits inside them, so nobody would look. What Python
//! has for this is `signal.set_wakeup_fd`: its own handler writes the number of each signal there.
//!
//! Invariants: the place is taken only where it is free, and only on the main thread; it is given back, by the main
//! thread, when no stream is left; a forked child never writes into its parent's. Python's handlers stay as they are.

use std::io::Read as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use pyo3::prelude::*;

use super::runtime::PerProcess;

static WATCH: PerProcess<Watch> = PerProcess::new();

/// Where this process's signals are written, and what was read of them.
struct Watch {
    written: UnixStream,
    writer: UnixStream,
    /// `signal.set_wakeup_fd`, looked up before anything is in flight.
    set_wakeup_fd: Py<PyAny>,
    /// How often Ctrl-C was pressed.
    interrupts: AtomicU64,
    /// The signals that came since the main thread last answered them: a bit each.
    unanswered: AtomicU64,
    /// Streams that are not over yet.
    streams: AtomicUsize,
    is_set: AtomicBool,
}

impl Watch {
    fn of_this_process(py: Python<'_>) -> PyResult<Arc<Self>> {
        WATCH.get(|| {
            let (written, writer) = UnixStream::pair()?;
            written.set_nonblocking(true)?;
            writer.set_nonblocking(true)?;
            let hooks = pyo3::types::PyDict::new(py);
            hooks.set_item("after_in_child", wrap_pyfunction!(forget_the_parents, py)?)?;
            py.import("os")?.call_method("register_at_fork", (), Some(&hooks))?;
            let set_wakeup_fd = py.import("signal")?.getattr("set_wakeup_fd")?.unbind();
            let (interrupts, unanswered, streams, is_set) = Default::default();
            Ok(Self { written, writer, set_wakeup_fd, interrupts, unanswered, streams, is_set })
        })
    }

    /// Whether this watch is what Python writes to, set now if nobody else's is. On the main thread only.
    fn set(&self, py: Python<'_>) -> PyResult<bool> {
        let ours = self.writer.as_raw_fd();
        let before = self.set_wakeup_fd(py, ours)?;
        if before != -1 && before != ours {
            self.set_wakeup_fd(py, before)?;
            return Ok(false);
        }
        self.is_set.store(true, Ordering::Relaxed);
        Ok(true)
    }

    fn unset(&self, py: Python<'_>) -> PyResult<()> {
        let before = self.set_wakeup_fd(py, -1)?;
        if before != self.writer.as_raw_fd() {
            self.set_wakeup_fd(py, before)?;
        }
        self.is_set.store(false, Ordering::Relaxed);
        Ok(())
    }

    fn set_wakeup_fd(&self, py: Python<'_>, fd: i32) -> PyResult<i32> {
        let settings = pyo3::types::PyDict::new(py);
        settings.set_item("warn_on_full_buffer", false)?;
        self.set_wakeup_fd.bind(py).call((fd,), Some(&settings))?.extract()
    }

    /// Counts what was written since the last time. Any thread may look first: all read the count.
    fn count(&self) -> u64 {
        let mut signals = [0; 64];
        while let Ok(read @ 1..) = (&self.written).read(&mut signals) {
            for signal in &signals[..read] {
                self.unanswered.fetch_or(1 << (signal % 64), Ordering::Relaxed);
                self.interrupts.fetch_add(u64::from(*signal == SIGINT), Ordering::Relaxed);
            }
        }
        self.interrupts.load(Ordering::Relaxed)
    }
}

/// On every Unix there is.
const SIGINT: u8 = 2;

/// A child has its parent's setting, and would write its own signals there.
#[pyfunction]
fn forget_the_parents(py: Python<'_>) -> PyResult<()> {
    match WATCH.of_another_process() {
        Some(watch) if watch.is_set.load(Ordering::Relaxed) => watch.unset(py),
        _ => Ok(()),
    }
}

/// Whether Ctrl-C was pressed since a stream began. It lives as long as the stream.
pub(super) struct Interrupts {
    watch: Arc<Watch>,
    before: u64,
}

impl Interrupts {
    /// `None` where it cannot be known: not on the main thread, where somebody else listens to signals, and where
    /// Ctrl-C is answered by a handler that need not end anything.
    pub(super) fn watch(py: Python<'_>) -> Option<Self> {
        let watch = Watch::of_this_process(py).ok()?;
        if !ctrl_c_raises(py).ok()? || !watch.set(py).ok()? {
            return None;
        }
        watch.streams.fetch_add(1, Ordering::Relaxed);
        let before = watch.count();
        Some(Self { watch, before })
    }

    pub(super) fn are_there(&self) -> bool {
        self.watch.count() > self.before
    }

    /// Python's main thread has answered what there was.
    pub(super) fn were_answered(&mut self) {
        self.before = self.watch.count();
        self.watch.unanswered.store(0, Ordering::Relaxed);
    }

    /// The signals that the main thread is answering, but for Ctrl-C.
    pub(super) fn others(&self) -> Vec<u8> {
        _ = self.watch.count();
        let unanswered = self.watch.unanswered.load(Ordering::Relaxed);
        (1..64).filter(|signal| *signal != SIGINT && unanswered & (1 << signal) != 0).collect()
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        self.watch.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Python's own handler, or that of a `SparkContext`, which raises the same.
fn ctrl_c_raises(py: Python<'_>) -> PyResult<bool> {
    let signal = py.import("signal")?;
    let handler = signal.call_method1("getsignal", (SIGINT,))?;
    let module = handler.getattr_opt("__module__")?.and_then(|name| name.extract::<String>().ok());
    Ok(handler.is(signal.getattr("default_int_handler")?) || module.is_some_and(|name| name.starts_with("pyspark.")))
}

/// Ends the watch where no stream is left and this is the main thread; otherwise it stays until that is so.
pub(super) fn give_back(py: Python<'_>) {
    let Some(watch) = WATCH.made() else { return };
    if watch.is_set.load(Ordering::Relaxed) && watch.streams.load(Ordering::Relaxed) == 0 {
        // Objects are dropped while an exception is on its way, which must not meet another.
        let on_its_way = PyErr::take(py);
        _ = watch.unset(py);
        if let Some(error) = on_its_way {
            error.restore(py);
        }
    }
}
