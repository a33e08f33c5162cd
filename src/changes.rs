//! How far a stream of changes has come, and the scans of what is new. A plan and two offsets become the scan that reads
//! what changed in between; the reader neither knows nor asks why it reads those records.
//!
//! There are two kinds of range. Windows of time go over what Airtable knows of every record. Numbers of payloads go over
//! the change feed of a webhook, which Airtable keeps for seven days.
//!
//! | file | is |
//! |---|---|
//! | `stream` | [`Stream`]: a planned table's changes, as Spark, pipelines and the library ask for them |
//! | `run_end` | how far it goes in a run that ends |
//! | `offset` | how far it has come, as checkpoints keep it |
//! | `windows` | pure: where the next window ends, and what lies between two positions |
//! | `course` | pure: where a change feed goes next |
//! | `feed` | that, with its requests, and what lies between two positions |
//! | `log_feed` | the same for a log of changes, which reads payloads and no records |
//! | `payload_reader` | the payloads between two positions, asked for page by page |
//! | `payloads`, `payload_cursor` | pure: what payloads come to, and page after page of them |
//! | `unread` | pure: records that were told of and cannot be read yet |
//! | `webhook` | pure: which webhook is polled |
//! | `webhooks` | the webhooks of a base: asked for, looked at, read and made |
//! | `heads` | how far they were found to be, for all streams of the base |
//! | `reread` | what becomes of a stream whose feed has lost changes |
//! | `definition` | pure: a plan beside the table as it is now |
//! | `fields` | pure: what a stream knows of its table's fields, and how far it goes back when they are others |
//! | `listing` | the ids of some records, the table's definition, and the service's time |
//!
//! Invariants: an end that was given is never before the start; a range that is read again, after a crash, is the same
//! range, of which cells are read as they are then.

use crate::error::Error;
use crate::time::Seconds;

mod course;
mod definition;
mod feed;
mod fields;
mod heads;
mod listing;
mod log_feed;
mod offset;
mod payload_cursor;
mod payload_reader;
mod payloads;
mod reread;
mod run_end;
mod stream;
mod unread;
mod webhook;
mod webhooks;
mod windows;

pub(crate) use heads::Lists;
pub use offset::Offset;
pub use run_end::RunEnd;
pub use stream::{Latest, Stream};

/// How old a change must be before its record is read. Airtable is eventually consistent: a record that is read at once
/// may be given as it was before. Connectors that read it in production keep this distance.
pub(crate) const SETTLED_SECONDS: Seconds = 10;

/// What becomes of a stream whose table has got a field.
const BEHIND: &str =
    "the stream goes on without it: start it again to have it; what was edited meanwhile is then read again";

/// What the end of the next range may be.
#[derive(Debug, Clone, Copy, Default)]
struct Limit<'o> {
    /// Records of the batch; none for all.
    max_records: Option<u64>,
    /// A position beyond which the stream does not go in this run.
    target: Option<&'o offset::Position>,
    /// The end is that of a run, whose batches find out themselves what they can read.
    of_run: bool,
    /// What was asked for since need not be asked for again; none for what is to be known as it is now.
    since: Option<Since>,
}

/// How old an answer may be, by this machine's clock in microseconds.
#[derive(Debug, Clone, Copy)]
enum Since {
    /// The last time that a stream had to ask.
    Poll(u64),
    /// The begin of a run, of which this stream is one of several.
    Run(u64),
}

impl Since {
    fn moment(self) -> u64 {
        match self {
            Self::Poll(moment) | Self::Run(moment) => moment,
        }
    }
}

/// Without the service's time nothing can be said of what has settled, and this machine's clock is another one.
pub(crate) fn no_date() -> Error {
    Error::Data(
        "the answers have no Date header, by which reads of changes tell the service's time: let the proxy before Airtable \
         pass it on"
            .into(),
    )
}

fn other_kind() -> Error {
    Error::Option(
        "the offsets are of different kinds of streams: give every stream a checkpointLocation of its own".into(),
    )
}
