//! Why a page is refused, and what its reader is told of it.

use serde::de::IgnoredAny;

use crate::error::{Error, line};
use crate::json::NotJson;

/// Why a page is refused.
#[derive(Debug)]
pub(super) enum Fault {
    NotJson,
    /// What is wrong, and the byte at which.
    Undocumented(&'static str, usize),
    /// In a strict read, a value that does not fit.
    BadValue(Error),
}

impl From<NotJson> for Fault {
    fn from(_: NotJson) -> Self {
        Self::NotJson
    }
}

impl Fault {
    /// The error for the page of such things with this body.
    pub(super) fn in_page(self, of: &str, body: &str) -> Error {
        let what = match self {
            Self::BadValue(error) => return error,
            Self::Undocumented(what, at) => format!("{what} at byte {at}"),
            Self::NotJson => serde_json::from_str::<IgnoredAny>(body).err().map_or("no JSON".into(), |e| e.to_string()),
        };
        Error::Data(format!("a page of {of} of an undocumented form: {}", line(&what)).into())
    }
}
