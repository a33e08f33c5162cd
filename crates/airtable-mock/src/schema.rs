//! Schema: made, read and changed.

pub(crate) mod alter;
pub(crate) mod field;
pub(crate) mod load;
pub(crate) mod reference;
