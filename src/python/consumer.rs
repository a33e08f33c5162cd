//! `Consumer`: the library that takes a stream's batches, as far as Python's matters go: signals and log lines.
//!
//! It may take them on any thread, with the GIL or without. On the thread that asked for the stream Python can be
//! waited for, and its signals are looked at. On any other thread that could wait for ever, because the first may hold
//! the GIL and wait for this one: there nothing waits for Python, but for a moment at the end.

use std::thread::{self, ThreadId};

use pyo3::exceptions::{PyException, PyKeyboardInterrupt};
use pyo3::prelude::*;

use super::interrupts::{Interrupts, give_back, raise_later};
use super::log;

const CTRL_C: &str = "Ctrl-C";

/// Whoever takes the batches of one stream.
pub(super) struct Consumer {
    home: ThreadId,
    /// Home is where Python answers signals.
    is_main: bool,
    interrupts: Option<Interrupts>,
}

impl Consumer {
    /// The one who asks for a stream now, on this thread, of a read that was begun with these interrupts.
    pub(super) fn new(py: Python<'_>, begun: Option<Interrupts>) -> PyResult<Self> {
        log::hand_over(py)?;
        let is_main = is_main_thread(py)?;
        let mut interrupts = if is_main { Interrupts::watch(py) } else { begun };
        if let Some(interrupts) = &mut interrupts {
            interrupts.were_answered();
        }
        Ok(Self { home: thread::current().id(), is_main, interrupts })
    }

    /// Called while it waits: log lines go to Python. An error says why it is to wait no longer.
    pub(super) fn look_up(&mut self) -> Result<(), String> {
        let is_home = self.is_home();
        if is_home {
            // Nothing is looked at while the interpreter ends.
            Python::try_attach(|py| self.answer(py)).unwrap_or(Ok(()))?;
        } else {
            log::hand_over_aside();
        }
        match &mut self.interrupts {
            Some(interrupts) if self.is_main && is_home => interrupts.were_answered(),
            Some(interrupts) if interrupts.are_there() => return Err(interrupted(CTRL_C)),
            _ => {}
        }
        Ok(())
    }

    /// Lets Python answer signals; an error is what an answer raised.
    fn answer(&self, py: Python<'_>) -> Result<(), String> {
        // First of all: whatever of Python runs afterwards would answer them, too.
        let Err(raised) = py.check_signals().and_then(|()| self.hand_over(py)) else { return Ok(()) };
        // Before the signal is there once more, for the same reason.
        let said = interrupted(&described(py, &raised));
        if let Err(error) = self.hand_over(py).and_then(|()| raise_later(py, &raised, self.interrupts.as_ref())) {
            error.write_unraisable(py, None);
        }
        Err(said)
    }

    /// An error is what the answer to a signal raised that came meanwhile, not what a handler of log lines did.
    fn hand_over(&self, py: Python<'_>) -> PyResult<()> {
        log::hand_over(py).or_else(|error| {
            let is_an_answer = self.interrupts.as_ref().is_some_and(|interrupts| !interrupts.others().is_empty());
            if is_an_answer || !error.is_instance_of::<PyException>(py) {
                return Err(error);
            }
            error.write_unraisable(py, None);
            Ok(())
        })
    }

    /// Called when the stream is over: the last lines go to Python, which is left alone where it is to raise.
    pub(super) fn leave(&mut self, is_interrupted: bool) {
        if self.is_home() && !is_interrupted {
            _ = Python::try_attach(|py| {
                // A stream may be dropped while an exception is on its way, which must not meet another.
                let on_its_way = PyErr::take(py);
                // A signal that came while the last batch was waited for: Python is to raise when it runs again.
                _ = self.answer(py);
                self.interrupts = None;
                give_back(py);
                if let Some(error) = on_its_way {
                    error.restore(py);
                }
            });
        }
        self.interrupts = None;
        if self.is_home() {
            return;
        }
        log::wait_for_last_lines();
    }

    fn is_home(&self) -> bool {
        thread::current().id() == self.home
    }
}

fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    let this: u64 = threading.call_method0("get_ident")?.extract()?;
    let main: Option<u64> = threading.call_method0("main_thread")?.getattr("ident")?.extract()?;
    Ok(main == Some(this))
}

fn described(py: Python<'_>, raised: &PyErr) -> String {
    if raised.is_instance_of::<PyKeyboardInterrupt>(py) { CTRL_C.to_owned() } else { raised.to_string() }
}

fn interrupted(by: &str) -> String {
    format!("interrupted by {by}: this read is over; begin another with read()")
}
