//! Computed fields: their plan, records as formulas see them, and the cells that come of it. Nothing here writes.

pub(crate) mod cell;
pub(crate) mod plan;
pub(crate) mod row;
pub(crate) mod value;
