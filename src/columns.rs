//! What a column is: Airtable type -> [`Shape`] -> Arrow type, Spark type, and the builder that reads cells into it.
//!
//! | file | is |
//! |---|---|
//! | `shape` | the one type table, and the objects that Airtable documents |
//! | `builder`, `marker` | cells into an Arrow array, and what a cell is that is no value |
//! | `texts` | what takes more than a text in columns of texts |
//! | `sql` | types as people write them |

mod builder;
mod marker;
mod shape;
mod sql;
mod texts;

pub(crate) use builder::Builder;
pub(crate) use marker::{Misfit, moment};
pub(crate) use shape::is_computed;
pub use shape::{Object, Shape};
pub(crate) use sql::sql_type;
#[cfg(any(test, feature = "python"))]
pub(crate) use sql::sql_type_of_arrow;
