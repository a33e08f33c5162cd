//! Text as Python gives it. Python's may hold half of a surrogate pair, which is no Unicode text and which Rust cannot hold.

use std::borrow::Cow;
use std::collections::BTreeMap;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::error::exception;
use crate::error::{Error, Result};

/// Options under the names that Python wrote.
pub(super) type Options = BTreeMap<String, String>;

/// Options as Python gives them. What is wrong with them is said by the call: pyo3 adds lines of its own to what an
/// argument raises.
pub(super) struct Given(Result<Options>);

impl Given {
    pub(super) fn checked(self, py: Python<'_>) -> PyResult<Options> {
        self.0.map_err(|error| exception(py, &error))
    }
}

impl FromPyObject<'_, '_> for Given {
    type Error = PyErr;

    fn extract(dict: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let mut given = Options::new();
        for (key, value) in dict.cast::<PyDict>()?.iter() {
            let (key, value) = (key.cast::<PyString>()?, value.cast::<PyString>()?);
            let pair = text(key, |shown| format!("the option name {shown:?}"))
                .and_then(|key| Ok((text(value, |_| format!("option {key}"))?, key)));
            match pair {
                Ok((value, key)) => _ = given.insert(key, value),
                Err(error) => return Ok(Self(Err(error))),
            }
        }
        Ok(Self(Ok(given)))
    }
}

/// The name of something in Airtable.
pub(super) struct Name(Result<String>);

impl Name {
    pub(super) fn checked(self, py: Python<'_>) -> PyResult<String> {
        self.0.map_err(|error| exception(py, &error))
    }
}

impl FromPyObject<'_, '_> for Name {
    type Error = PyErr;

    fn extract(name: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let name = name.cast::<PyString>()?;
        Ok(Self(text(&name, |shown| format!("the name {shown:?}"))))
    }
}

/// Text for a message, of which as much is taken as can be.
pub(super) struct Shown(pub(super) String);

impl FromPyObject<'_, '_> for Shown {
    type Error = PyErr;

    fn extract(text: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        Ok(Self(text.cast::<PyString>()?.to_string_lossy().into_owned()))
    }
}

fn text(text: &Bound<'_, PyString>, what: impl FnOnce(Cow<'_, str>) -> String) -> Result<String> {
    text.to_cow().map(Cow::into_owned).map_err(|_| {
        let what = what(text.to_string_lossy());
        let said = "is not valid Unicode: it has half of a surrogate pair; write the whole character";
        Error::Option(format!("{what} {said}").into())
    })
}
