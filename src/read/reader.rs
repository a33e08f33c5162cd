//! The task behind a read: follows the plan, and hands batches on while the next page is under way.
//!
//! Invariants: every record is given exactly once, however often the cursor expires; a cursor that leads nowhere ends in
//! an error, not in a loop.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::airtable::client::Client;
use crate::airtable::formula::{check_record_id, ids_formula};
use crate::airtable::request::Request;
use crate::decode::Decoder;
use crate::error::{Error, Result};
use crate::read::id_store::IdStore;
use crate::scan::selection::{Listed, Selection};
use crate::scan::{KnownIds, Scan};

/// Rows of one batch. From some 500 on Spark's rate no longer grows with them, and what is read ahead of a consumer that
/// stops is lost budget: ten pages are two seconds of it.
pub(super) const ROWS: usize = 1_000;

/// JSON bytes of one batch, for tables of long texts.
pub(super) const BYTES: usize = 16 << 20;

/// A consumer that waits is given what there is, but not more often than this: small batches cost Spark a fifth to a half
/// of its rate, and matter only where pages come quickly.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

/// The task behind [`Batches`].
pub(super) struct Reader {
    pub(super) client: Arc<Client>,
    pub(super) scan: Scan,
    pub(super) decoder: Decoder,
    pub(super) flushed: Instant,
}

/// Records asked for by name in one request: what one page holds, and what a formula of documented length can name.
const IDS: usize = 100;

impl Reader {
    pub(super) fn new(client: Arc<Client>, scan: Scan) -> Self {
        let decoder = Decoder::new(&scan);
        // The first page is handed on at once. (A machine that has just started knows no earlier time.)
        let flushed = Instant::now().checked_sub(PAUSE).unwrap_or_else(Instant::now);
        Self { client, scan, decoder, flushed }
    }

    pub(super) async fn run(mut self, batches: mpsc::Sender<Result<RecordBatch>>) {
        match self.select(&batches).await {
            Ok(()) if self.decoder.dropped() > 0 => log::warn!(
                "table {:?}: {} values did not fit their columns and are NULL: read with a rescued data column to keep them",
                self.scan.table_name,
                self.decoder.dropped()
            ),
            Ok(()) => {}
            // Where nobody listens any more nobody misses it.
            Err(error) => _ = batches.send(Err(self.client.scrub(error))).await,
        }
    }

    async fn select(&mut self, batches: &mpsc::Sender<Result<RecordBatch>>) -> Result<()> {
        match self.scan.selection.clone() {
            Selection::All => self.pages(None, true, batches).await?,
            Selection::Window(window) => self.pages(window.formula(), true, batches).await?,
            Selection::Listed(listed) => self.listed(&listed, batches).await?,
        }
        if let Some(known) = self.scan.known_ids.clone() {
            self.known(known, batches).await?;
        }
        self.flush(batches).await
    }

    /// Reads records by name, and tells of those that are gone.
    async fn listed(&mut self, listed: &Listed, batches: &mpsc::Sender<Result<RecordBatch>>) -> Result<()> {
        for some in listed.present.chunks(IDS) {
            if batches.is_closed() {
                return Ok(());
            }
            for (id, _) in some {
                check_record_id(id)?;
            }
            self.decoder.rows.expect(some);
            self.pages(Some(ids_formula(some.iter().map(|(id, _)| id.as_str()))), false, batches).await?;
            for (id, at) in some.iter().filter(|_| listed.absent_are_gone) {
                if !self.decoder.rows.has_seen(id) {
                    self.gone(id, *at, batches).await?;
                }
            }
        }
        for (id, at) in &listed.gone {
            self.gone(id, *at, batches).await?;
        }
        Ok(())
    }

    /// Notes the records of this read, and tells which of earlier ones have vanished, if that is wanted.
    async fn known(&mut self, known: KnownIds, batches: &mpsc::Sender<Result<RecordBatch>>) -> Result<()> {
        if batches.is_closed() || self.decoder.is_satisfied() {
            // Not all records were met.
            return Ok(());
        }
        let files = IdStore::new(&known.directory);
        files.write(&known.file, self.decoder.rows.ids())?;
        if known.tell_vanished {
            for id in files.all_but(&known.file)? {
                self.gone(&id, self.scan.changed_at, batches).await?;
            }
        }
        Ok(())
    }

    async fn gone(&mut self, id: &str, at: i64, batches: &mpsc::Sender<Result<RecordBatch>>) -> Result<()> {
        self.decoder.rows.gone(id, at);
        if self.decoder.rows() >= ROWS { self.flush(batches).await } else { Ok(()) }
    }

    pub(super) async fn flush(&mut self, batches: &mpsc::Sender<Result<RecordBatch>>) -> Result<()> {
        if self.decoder.rows() > 0 {
            let batch = self.decoder.finish()?;
            // A closed channel ends the loop that called.
            _ = batches.send(Ok(batch)).await;
            self.flushed = Instant::now();
        }
        Ok(())
    }

    /// Adds the request to an error of a layer that does not know it.
    pub(super) fn about(&self, request: &Request, error: Error) -> Error {
        match error {
            Error::Data(text) if !text.starts_with("table ") => {
                Error::Data(format!("{}: {text}", self.client.name(request)))
            }
            other => other,
        }
    }
}
