//! A read as its consumer holds it: batches, one after the other, from a task that reads ahead.
//!
//! Invariants: nothing is asked for before the first batch is; a reader that dies is an error, never the end of a table;
//! a consumer that does not come back holds up a bounded number of rows, and one that goes stops the task.

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures_core::Stream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::airtable::client::Client;
use crate::error::Result;
use crate::read::names::LinkNames;
use crate::read::reader::died;
use crate::read::stats::{End, Progress, Stats};
use crate::read::{bases, task};
use crate::scan::Scan;

/// The batches of a read, in order. Nothing is asked for before the first one is.
#[derive(Debug)]
pub struct Batches {
    schema: SchemaRef,
    state: State,
    progress: Arc<Progress>,
}

#[derive(Debug)]
enum State {
    New(Box<New>),
    Running { batches: mpsc::Receiver<Result<RecordBatch>>, task: JoinHandle<()> },
    Ended,
}

/// What a read begins with.
#[derive(Debug, Clone)]
struct New {
    client: Arc<Client>,
    names: Arc<LinkNames>,
    scan: Scan,
}

impl Batches {
    pub(crate) fn new(client: Arc<Client>, names: Arc<LinkNames>, scan: Scan) -> Self {
        // Each base has a count of its own.
        let calls = scan.others.is_empty().then(|| client.calls(&scan.base_id));
        let progress = Progress::new(&scan.table_name, false, calls);
        Self::of(client, names, scan, progress)
    }

    /// The same for a question of our own about ids and times, which logs no lines about itself.
    pub(crate) fn quiet(client: Arc<Client>, scan: Scan) -> Self {
        let progress = Progress::new(&scan.table_name, true, None);
        Self::beside(client, scan, progress)
    }

    /// The same for what another read needs to know, which has the progress.
    pub(super) fn beside(client: Arc<Client>, scan: Scan, progress: Progress) -> Self {
        Self::of(client, Self::names(false), scan, progress)
    }

    /// Names of linked records for reads that share them: for a minute, or as long as these are where they are of one run.
    pub(crate) fn names(are_of_one_run: bool) -> Arc<LinkNames> {
        LinkNames::new(are_of_one_run, |client, scan, progress| Box::pin(Self::beside(client, scan, progress)))
    }

    fn of(client: Arc<Client>, names: Arc<LinkNames>, scan: Scan, progress: Progress) -> Self {
        let schema = scan.schema();
        Self { schema, state: State::New(Box::new(New { client, names, scan })), progress: Arc::new(progress) }
    }

    /// The schema of every batch.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// What the read has given so far, and what that has cost.
    pub fn stats(&self) -> Stats {
        self.progress.stats()
    }

    /// The same for whoever looks while another thread reads.
    #[cfg_attr(not(feature = "python"), allow(dead_code, reason = "Python looks from another thread"))]
    pub(crate) fn progress(&self) -> Arc<Progress> {
        self.progress.clone()
    }

    /// The next batch, or `None` after the last. Must be awaited in a tokio runtime; may be dropped and called again.
    ///
    /// # Errors
    /// What the requests and the decoder fail with; nothing comes after an error.
    pub async fn next(&mut self) -> Option<Result<RecordBatch>> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<RecordBatch>>> {
        if let State::New(parts) = &self.state {
            let New { client, names, scan } = (**parts).clone();
            // One batch waits in the channel while the next is put together.
            let (sender, batches) = mpsc::channel(1);
            let progress = self.progress.clone();
            progress.begin();
            let task = if scan.others.is_empty() {
                tokio::spawn(progress.clone().told(task::run(client, names, scan, progress, sender)))
            } else {
                tokio::spawn(progress.clone().told(bases::run(client, names, scan, progress, sender)))
            };
            self.state = State::Running { batches, task };
        }
        let State::Running { batches, task } = &mut self.state else { return Poll::Ready(None) };
        let next = match ready!(batches.poll_recv(context)) {
            // Without a word: at the end of the table, or because the reader died.
            None => ready!(Pin::new(task).poll(context)).err().map(|error| Err(died(error))),
            next => next,
        };
        match &next {
            Some(Ok(batch)) => self.progress.give(batch.num_rows()),
            Some(Err(_)) => self.stop(End::Failed),
            None => self.stop(End::Complete),
        }
        Poll::Ready(next)
    }

    fn stop(&mut self, end: End) {
        if let State::Running { task, .. } = std::mem::replace(&mut self.state, State::Ended) {
            task.abort();
            self.progress.end(end);
        }
    }
}

/// The same as [`Batches::next`], for whoever combines streams. Must be polled in a tokio runtime.
impl Stream for Batches {
    type Item = Result<RecordBatch>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll(context)
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        self.stop(End::Closed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[tokio::test]
    async fn a_reader_that_dies_is_not_the_end_of_the_table() {
        let task = tokio::spawn(async { panic!("the reason") });
        let error = died(task.await.expect_err("a panic"));
        assert!(matches!(&error, Error::Data(text) if text.contains("the reason")), "{error}");
        let (sender, batches) = mpsc::channel(1);
        drop(sender);
        let schema = Arc::new(arrow::datatypes::Schema::empty());
        let task = tokio::spawn(async { panic!("the reason") });
        let progress = Arc::new(Progress::new("Items", false, None));
        progress.begin();
        let mut batches = Batches { schema, state: State::Running { batches, task }, progress };
        assert!(batches.next().await.is_some_and(|next| next.is_err()));
        assert!(batches.stats().is_done);
        assert!(batches.next().await.is_none());
    }
}
