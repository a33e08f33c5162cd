//! Scan -> pages -> batches. Follows the page cursor, or several, starts again when one expires, and hands batches on
//! while the next page is under way.
//!
//! Invariants: every record is given exactly once, however often the cursor expires; a cursor that leads nowhere ends in
//! an error, not in a loop; a consumer that does not come back holds up a bounded number of rows, then everything.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::client::{Client, Request};
use crate::decode::Decoder;
use crate::error::{Error, Result};
use crate::extent::{Extent, Listed, check_record_id, ids_formula};
use crate::known::KnownFiles;
use crate::scan::{KnownIds, Scan};

mod gauge;
mod pages;
mod request;
mod share;

/// Rows of one batch. From some 500 on Spark's rate no longer grows with them, and what is read ahead of a consumer that
/// stops is lost budget: ten pages are two seconds of it.
const ROWS: usize = 1_000;

/// JSON bytes of one batch, for tables of long texts.
const BYTES: usize = 16 << 20;

/// A consumer that waits is given what there is, but not more often than this: small batches cost Spark a fifth to a half
/// of its rate, and matter only where pages come quickly.
const PAUSE: Duration = Duration::from_millis(100);

/// The batches of a read, in order. Nothing is asked for before the first one is.
#[derive(Debug)]
pub struct Batches {
    schema: SchemaRef,
    state: State,
}

#[derive(Debug)]
enum State {
    New(Box<(Arc<Client>, Scan)>),
    Running { batches: mpsc::Receiver<Result<RecordBatch>>, task: JoinHandle<()> },
    Ended,
}

impl Batches {
    pub(crate) fn new(client: Arc<Client>, scan: Scan) -> Self {
        Self { schema: scan.schema(), state: State::New(Box::new((client, scan))) }
    }

    /// The schema of every batch.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// The next batch, or `None` after the last. Must be awaited in a tokio runtime; may be dropped and called again.
    ///
    /// # Errors
    /// What the requests and the decoder fail with; nothing comes after an error.
    pub async fn next(&mut self) -> Option<Result<RecordBatch>> {
        if let State::New(parts) = &self.state {
            let (client, scan) = (parts.0.clone(), parts.1.clone());
            // One batch waits in the channel while the next is put together.
            let (sender, batches) = mpsc::channel(1);
            let task = tokio::spawn(Reader::new(client, scan).run(sender));
            self.state = State::Running { batches, task };
        }
        let State::Running { batches, task } = &mut self.state else { return None };
        let next = match batches.recv().await {
            // Without a word: at the end of the table, or because the reader died.
            None => task.await.err().map(|error| Err(died(error))),
            next => next,
        };
        if !matches!(next, Some(Ok(_))) {
            self.stop();
        }
        next
    }

    fn stop(&mut self) {
        if let State::Running { task, .. } = std::mem::replace(&mut self.state, State::Ended) {
            task.abort();
        }
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A reader that stops without saying so must not look like the end of the table.
fn died(error: tokio::task::JoinError) -> Error {
    let why = match error.try_into_panic() {
        Ok(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
        }
        Err(error) => error.to_string(),
    };
    Error::Data(format!("the read ended before the table did, by a fault of this package: {why}: please report it"))
}

/// The task behind [`Batches`].
struct Reader {
    client: Arc<Client>,
    scan: Scan,
    decoder: Decoder,
    flushed: Instant,
}

/// Records asked for by name in one request: what one page holds, and what a formula of documented length can name.
const IDS: usize = 100;

impl Reader {
    fn new(client: Arc<Client>, scan: Scan) -> Self {
        let decoder = Decoder::new(&scan);
        // The first page is handed on at once. (A machine that has just started knows no earlier time.)
        let flushed = Instant::now().checked_sub(PAUSE).unwrap_or_else(Instant::now);
        Self { client, scan, decoder, flushed }
    }

    async fn run(mut self, batches: mpsc::Sender<Result<RecordBatch>>) {
        match self.extent(&batches).await {
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

    async fn extent(&mut self, batches: &mpsc::Sender<Result<RecordBatch>>) -> Result<()> {
        match self.scan.extent.clone() {
            Extent::All => self.pages(None, true, batches).await?,
            Extent::Window(window) => self.pages(window.formula(), true, batches).await?,
            Extent::Listed(listed) => self.listed(&listed, batches).await?,
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
            self.decoder.expect(some);
            self.pages(Some(ids_formula(some.iter().map(|(id, _)| id.as_str()))), false, batches).await?;
            for (id, at) in some.iter().filter(|_| listed.absent_are_gone) {
                if !self.decoder.has_seen(id) {
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
        let files = KnownFiles::new(&known.directory);
        files.write(&known.file, self.decoder.ids())?;
        if known.tell_vanished {
            for id in files.all_but(&known.file)? {
                self.gone(&id, self.scan.changed_at, batches).await?;
            }
        }
        Ok(())
    }

    async fn gone(&mut self, id: &str, at: i64, batches: &mpsc::Sender<Result<RecordBatch>>) -> Result<()> {
        self.decoder.gone(id, at);
        if self.decoder.rows() >= ROWS { self.flush(batches).await } else { Ok(()) }
    }

    async fn flush(&mut self, batches: &mpsc::Sender<Result<RecordBatch>>) -> Result<()> {
        if self.decoder.rows() > 0 {
            let batch = self.decoder.finish()?;
            // A closed channel ends the loop that called.
            _ = batches.send(Ok(batch)).await;
            self.flushed = Instant::now();
        }
        Ok(())
    }

    /// Adds the request to an error of a layer that does not know it.
    fn about(&self, request: &Request, error: Error) -> Error {
        match error {
            Error::Data(text) if !text.starts_with("table ") => {
                Error::Data(format!("{}: {text}", self.client.name(request)))
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reader_that_dies_is_not_the_end_of_the_table() {
        let task = tokio::spawn(async { panic!("the reason") });
        let error = died(task.await.expect_err("a panic"));
        assert!(matches!(&error, Error::Data(text) if text.contains("the reason")), "{error}");
        let (sender, batches) = mpsc::channel(1);
        drop(sender);
        let schema = Arc::new(arrow::datatypes::Schema::empty());
        let task = tokio::spawn(async { panic!("the reason") });
        let mut batches = Batches { schema, state: State::Running { batches, task } };
        assert!(batches.next().await.is_some_and(|next| next.is_err()));
        assert!(batches.next().await.is_none());
    }
}
