//! Computed fields. Nothing here writes.
//!
//! | file | holds |
//! |---|---|
//! | `plan` | what each field reads, and in which order all are computed |
//! | `row`, `value` | records and cells as formulas see them |
//! | `cell` | the cell of a computed field |

pub(crate) mod cell;
pub(crate) mod plan;
pub(crate) mod row;
pub(crate) mod value;
