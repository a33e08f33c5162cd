//! The data of a server, plain: nothing here knows how cells are computed or who hears of a change.
//!
//! | file | holds |
//! |---|---|
//! | `store`, `base`, `table`, `field`, `view`, `record` | Airtable's things, by Airtable's words |
//! | `cells`, `link`, `plain` | cells: packed, of links, as a person reads them |
//! | `file`, `comment`, `person`, `webhook`, `specification` | what hangs on a base |
//! | `transaction` | notes of a change while it is made |
//! | `manners` | what faults change about how a base behaves |
//! | `id`, `index` | names and places |

pub(crate) mod base;
pub(crate) mod cells;
pub(crate) mod comment;
pub(crate) mod field;
pub(crate) mod file;
pub(crate) mod id;
pub(crate) mod index;
pub(crate) mod link;
pub(crate) mod manners;
pub(crate) mod person;
pub(crate) mod plain;
pub(crate) mod record;
pub(crate) mod specification;
pub(crate) mod store;
pub(crate) mod table;
pub(crate) mod transaction;
pub(crate) mod view;
pub(crate) mod webhook;
