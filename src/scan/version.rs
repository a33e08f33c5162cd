//! The forms of plans: a worker with an older wheel refuses what it does not know. Pure.

use serde_json::Value;

use crate::error::{Error, Result};

/// The form of a plan of records.
pub(super) const VERSION: u32 = 2;

/// The form of a plan of several bases, and of each of them.
pub(super) const VERSION_OF_SEVERAL: u32 = 3;

/// The form of a plan whose rows are not the records as they are read.
pub(super) const VERSION_OF_REFINED: u32 = 4;

/// The form of a plan of a log of changes.
pub(super) const VERSION_OF_LOG: u32 = 5;

/// The form of a plan that chooses of rows that are no records: the newest.
pub(super) const VERSION_OF_CHOICE: u32 = 6;

/// Checks a plan's form before the rest of it is read: a newer one may hold what this version has no name for.
///
/// # Errors
/// [`Error::Data`] for a form that this version does not know.
pub(super) fn check(version: &Value) -> Result<()> {
    let known = u64::from(VERSION)..=u64::from(VERSION_OF_CHOICE);
    match version.as_u64() {
        Some(version) if !known.contains(&version) => Err(Error::Data(
            format!(
                "a plan of version {version}, but this is lakeflow-airtable {}, which reads versions {VERSION} to \
                 {VERSION_OF_CHOICE}: install the same wheel on the driver and on every worker",
                env!("CARGO_PKG_VERSION")
            )
            .into(),
        )),
        _ => Ok(()),
    }
}
