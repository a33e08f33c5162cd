//! Tables and fields: made, changed and removed.
//!
//! | file | holds |
//! |---|---|
//! | `load` | bases and tables from JSON, with their records |
//! | `field` | a field put into a table, under a name that no other has |
//! | `reference` | what fields refer to: names become ids, links get their other side |
//! | `alter` | the changes that the API allows, and those of Airtable's own screens |

pub(crate) mod alter;
pub(crate) mod field;
pub(crate) mod load;
pub(crate) mod reference;
