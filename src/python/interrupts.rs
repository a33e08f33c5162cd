//! Signals in the midst of a library's code: whether there are some, and how Python raises what they are answered by.
//!
//! What a thread that is not the main thread sees of them is in `wakeup`, on Unix.

use pyo3::PyTypeInfo as _;
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::PyType;

#[cfg(unix)]
pub(super) use super::wakeup::{Interrupts, give_back};

/// Elsewhere only the main thread sees Ctrl-C.
#[cfg(not(unix))]
pub(super) struct Interrupts;

#[cfg(not(unix))]
impl Interrupts {
    pub(super) fn watch(_: Python<'_>) -> Option<Self> {
        None
    }

    pub(super) fn are_there(&self) -> bool {
        false
    }

    pub(super) fn were_answered(&mut self) {}

    pub(super) fn others(&self) -> Vec<u8> {
        Vec::new()
    }
}

#[cfg(not(unix))]
pub(super) fn give_back(_: Python<'_>) {}

/// Lets Python raise what a signal's handler raised in the midst of a library's code: the library gets an error, and
/// Python its exception as soon as it runs again on this thread. For any but Ctrl-C the signal is there once more, so that
/// its handler raises again.
pub(super) fn raise_later(py: Python<'_>, raised: &PyErr, interrupts: Option<&Interrupts>) -> PyResult<()> {
    if raised.is_instance_of::<PyKeyboardInterrupt>(py) {
        return raise_on_this_thread(py, &PyKeyboardInterrupt::type_object(py));
    }
    let interrupt_main = py.import("_thread")?.getattr("interrupt_main")?;
    for signal in interrupts.map(Interrupts::others).unwrap_or_default() {
        interrupt_main.call1((signal,))?;
    }
    Ok(())
}

/// By Python's own function for it, which has no other name in Python. A signal would do the same, but Python answers
/// signals while it writes, too: it could not even print the library's error.
fn raise_on_this_thread(py: Python<'_>, kind: &Bound<'_, PyType>) -> PyResult<()> {
    let ctypes = py.import("ctypes")?;
    let thread = ctypes.getattr("c_ulong")?.call1((py.import("_thread")?.call_method0("get_ident")?,))?;
    let kind = ctypes.getattr("py_object")?.call1((kind,))?;
    ctypes.getattr("pythonapi")?.getattr("PyThreadState_SetAsyncExc")?.call1((thread, kind))?;
    Ok(())
}
