//! Rows that are no records -> those of them that fulfil the plan's condition, and no more than are wanted.

use arrow::array::RecordBatch;
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use tokio::sync::mpsc;

use crate::error::{Error, Result};
use crate::scan::{Column, Restriction, Scan};

/// What is given of the rows that are read.
pub(super) struct Choose {
    schema: SchemaRef,
    choice: Restriction,
    /// What is read.
    columns: Vec<Column>,
    left: usize,
}

impl Choose {
    /// For the plan that chooses, and for what is read before: see [`Scan::before_choice`].
    pub(super) fn new(scan: &Scan, choice: &Restriction, before: &Scan) -> Self {
        Self {
            schema: scan.schema(),
            columns: before.columns.clone(),
            choice: choice.clone(),
            left: scan.max_records.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX)),
        }
    }

    /// Takes batches until there are no more, or no more rows are wanted, and hands on those that have rows left.
    pub(super) async fn run(
        mut self,
        mut read: mpsc::Receiver<Result<RecordBatch>>,
        batches: mpsc::Sender<Result<RecordBatch>>,
    ) {
        while self.left > 0 {
            let batch = tokio::select! {
                biased;
                () = batches.closed() => return,
                batch = read.recv() => batch,
            };
            let Some(batch) = batch else { return };
            let chosen = batch.and_then(|batch| self.of(&batch));
            let is_over = chosen.is_err();
            if chosen.as_ref().is_ok_and(|batch| batch.num_rows() == 0) {
                continue;
            }
            // Where nobody listens any more nobody misses it.
            if batches.send(chosen).await.is_err() || is_over {
                return;
            }
        }
    }

    /// The rows of a batch that are given, with the columns that are.
    fn of(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let truths = self.choice.fulfilled(&self.columns, batch.columns(), batch.num_rows())?;
        let chosen = self.given(batch).and_then(|given| filter_record_batch(&given, &truths));
        let chosen = chosen.map_err(|error| Error::Data(format!("rows that cannot be chosen: {error}").into()))?;
        let chosen = chosen.slice(0, chosen.num_rows().min(self.left));
        self.left -= chosen.num_rows();
        Ok(chosen)
    }

    fn given(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let columns = batch.columns().iter().take(self.schema.fields().len()).cloned().collect();
        RecordBatch::try_new(self.schema.clone(), columns)
    }
}
