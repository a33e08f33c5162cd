//! Plan + range of offsets -> the scan that reads what changed in between.
//!
//! Two kinds of range, one in each file below: windows of time over what Airtable knows of every record, and numbers of
//! payloads of a webhook, which Airtable keeps for seven days. Whatever the range, what comes out is a [`Scan`]: the
//! reader neither knows nor asks why it reads those records.
//!
//! Invariants: an end that was given is never before the start; a range that is read again, after a crash, is the same
//! range, of which cells are read as they are then.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, AsArray};

use crate::airtable::client::Client;
use crate::changes::offset::{Mode, Offset, Position};
use crate::error::{Error, Result};
use crate::options::ReadOptions;
use crate::read::Batches;
use crate::scan::selection::{Listed, Selection};
use crate::scan::{Column, Scan, Source};
use crate::time::Seconds;

mod definition;
pub mod offset;
mod payload_cursor;
mod payloads;
mod reread;
mod webhook;
mod windows;

/// How old a change must be before its record is read. Airtable is eventually consistent: a record that is read at once
/// may be given as it was before. Connectors that read it in production keep this distance.
pub(crate) const SETTLED_SECONDS: Seconds = 10;

/// What a stream's next offset may be.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limit<'o> {
    /// Records of the batch; none for all.
    pub max_records: Option<u64>,
    /// An offset beyond which the stream does not go in this run.
    pub target: Option<&'o Offset>,
}

/// The ids in a window that was too large for one batch: asked for once, cut into many.
pub(crate) type ListedIds = Mutex<Option<(Scan, Arc<Vec<String>>)>>;

/// The changes of one planned table.
pub(crate) struct Changes<'a> {
    pub(crate) client: &'a Arc<Client>,
    pub(crate) plan: &'a Scan,
    pub(crate) options: &'a ReadOptions,
    pub(crate) listed: &'a ListedIds,
}

impl Changes<'_> {
    /// The end of the next range from `start` on.
    pub(crate) async fn latest_offset(&self, start: Option<&Offset>, limit: Limit<'_>) -> Result<Offset> {
        self.latest(start, limit).await.map_err(|error| self.client.scrub(error))
    }

    /// The scan of a range.
    pub(crate) async fn scan(&self, start: Option<&Offset>, end: &Offset) -> Result<Scan> {
        self.range(start, end).await.map_err(|error| self.client.scrub(error))
    }

    async fn latest(&self, start: Option<&Offset>, limit: Limit<'_>) -> Result<Offset> {
        let start = start.map(|offset| &offset.position);
        let position = match Mode::of(self.plan)? {
            Mode::Cdc | Mode::Append => self.latest_window(start, limit).await?,
            Mode::CdcWithDeletes | Mode::Deletes => self.latest_payload(start, limit).await?,
        };
        Offset::new(self.plan, position)
    }

    async fn range(&self, start: Option<&Offset>, end: &Offset) -> Result<Scan> {
        let start = start.map_or(&Position::Start, |offset| &offset.position);
        if *start == end.position {
            return Ok(Scan { selection: Selection::Listed(Listed::default()), known_ids: None, ..self.plan.clone() });
        }
        match &end.position {
            Position::Start => {
                Err(Error::Option("the range ends where the stream begins: exchange its offsets".into()))
            }
            Position::Until(_) | Position::Cut(_) => self.windows(start, &end.position).await,
            Position::Feed(end) => self.payloads(start, end).await,
        }
    }

    /// The ids of the records that a scan reads, in order. The last list is kept: a window that is cut into many batches is
    /// listed once.
    async fn listed_ids(&self, of: Scan) -> Result<Arc<Vec<String>>> {
        if let Some((known, ids)) = &*self.listed.lock().unwrap_or_else(PoisonError::into_inner)
            && *known == of
        {
            return Ok(ids.clone());
        }
        let ids = Arc::new(self.ids(of.selection.clone(), None).await?);
        *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = Some((of, ids.clone()));
        Ok(ids)
    }

    /// Lets go of a window's ids, of which the last batch was made.
    fn forget_listed(&self) {
        *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The ids of some records, in order.
    async fn ids(&self, selection: Selection, max_records: Option<u64>) -> Result<Vec<String>> {
        let id = Column { name: "id".into(), nullable: false, source: Source::RecordId };
        let scan = Scan {
            columns: vec![id],
            selection,
            max_records,
            known_ids: None,
            only_gone: false,
            page_size: max_records.and_then(|most| u32::try_from(most).ok()).unwrap_or(100).min(100),
            ..self.plan.clone()
        };
        let mut ids = Vec::new();
        let mut batches = Batches::new(self.client.clone(), scan);
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            let column = batch.column(0).as_string::<i32>();
            ids.extend((0..column.len()).map(|row| column.value(row).to_owned()));
        }
        ids.sort_unstable();
        Ok(ids)
    }

    /// The service's time, asked for by reading one record.
    async fn now(&self) -> Result<Seconds> {
        self.ids(Selection::All, Some(1)).await?;
        self.told_now()
    }

    /// The service's time, as the last answer told it.
    fn told_now(&self) -> Result<Seconds> {
        self.client.now().ok_or_else(no_date)
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
