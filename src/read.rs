//! Scan -> pages -> batches. Follows the page cursor, or several, starts again when one expires, and hands batches on while
//! the next page is under way.
//!
//! | file | is |
//! |---|---|
//! | `batches` | what a consumer holds: batches, one after the other |
//! | `bases` | the reads of several bases as one |
//! | `stats` | how far a read is, and the lines that say so |
//! | `task` | the task behind it, by what the rows are |
//! | `reader` | that of records |
//! | `log` | that of a log of changes, which is read from payloads and not from records |
//! | `comments` | that of comments |
//! | `definitions` | that of a base's definitions |
//! | `choose` | of rows that are no records, those that fulfil a condition |
//! | `walks`, `cursor` | where several cursors, or one, are in the pages, and which page comes next |
//! | `split`, `shares` | whether several are worth while, and which records each of them reads |
//! | `parts` | shares that a first load reads one after the other |
//! | `life` | how many records one can read before it expires, where it expires after some pages |
//! | `formula` | what Airtable is asked of a plan's condition, as long as its names are those of the fields |
//! | `request` | the request for a page |
//! | `size`, `known_size` | how many records there are, told by a few pages, or by an earlier read |
//! | `names` | the names of linked records |
//! | `id_store` | the ids of a table's records, kept for streams that lose their feed |

mod bases;
mod batches;
mod choose;
mod comments;
pub(crate) mod cursor;
mod definitions;
mod formula;
pub(crate) mod id_store;
mod known_size;
mod life;
mod log;
mod names;
pub(crate) mod parts;
mod reader;
mod request;
mod shares;
pub(crate) mod size;
mod split;
pub(crate) mod stats;
mod task;
mod walks;

pub use batches::Batches;
pub(crate) use log::{LogBatchEnd, lost as lost_log};
pub(crate) use names::LinkNames;
pub(crate) use reader::died;
pub use size::{Certainty, Size};
pub(crate) use size::{ask as ask_size, ask_each as ask_sizes};
pub use stats::Stats;
