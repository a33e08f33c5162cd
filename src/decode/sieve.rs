//! The rows of a page -> those that fulfil the plan's condition. Page by page, so that what a read is to know of its records
//! (how many there are still to come, which of them are gone) is of those that it gives.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;

use super::rows::Rows;
use crate::error::{Error, Result};
use crate::scan::{Column, Restriction, Scan};

/// What is kept of the rows since the last batch.
pub(super) struct Sieve {
    restriction: Restriction,
    columns: Vec<Column>,
    kept: Vec<RecordBatch>,
    rows: usize,
}

impl Sieve {
    /// For a scan as it is decoded; none where every row is wanted.
    pub(super) fn new(scan: &Scan) -> Option<Self> {
        let restriction = scan.restriction.clone()?;
        Some(Self { restriction, columns: scan.columns.clone(), kept: Vec::new(), rows: 0 })
    }

    /// Rows that are kept.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Keeps what rows there are, whatever they are.
    pub(super) fn pass(&mut self, rows: &mut Rows) -> Result<()> {
        if rows.count() > 0 {
            let batch = rows.finish()?;
            self.keep(batch);
        }
        Ok(())
    }

    /// Keeps those that fulfil the condition.
    pub(super) fn sift(&mut self, rows: &mut Rows) -> Result<()> {
        if rows.count() == 0 {
            return Ok(());
        }
        let batch = rows.sift(|cells, count| self.restriction.fulfilled(&self.columns, cells, count))?;
        if batch.num_rows() > 0 {
            self.keep(batch);
        }
        Ok(())
    }

    fn keep(&mut self, batch: RecordBatch) {
        self.rows += batch.num_rows();
        self.kept.push(batch);
    }

    /// The rows since the last batch.
    pub(super) fn finish(&mut self, rows: &mut Rows) -> Result<RecordBatch> {
        self.pass(rows)?;
        self.rows = 0;
        let mut kept = std::mem::take(&mut self.kept);
        match kept.len() {
            0 => rows.finish(),
            1 => Ok(kept.remove(0)),
            _ => concat_batches(&kept[0].schema(), &kept)
                .map_err(|error| Error::Data(format!("rows that do not make a batch: {error}").into())),
        }
    }
}
