//! Page bytes -> columns -> [`RecordBatch`], without I/O and without a tree of values.
//!
//! Invariants: a record is one row, whatever is in it; every batch has exactly the planned schema; what does not fit its
//! column is NULL there and whole in the rescued data column. Batches are independent of pages: builders just go on.
//!
//! | file | is |
//! |---|---|
//! | `page` | the form of a page: what is read in which order |
//! | `rows` | the columns under construction: what becomes of a record, and of a cell |
//! | `misfits` | values that do not fit their columns |
//! | `field_order` | which cell comes next, guessed |
//! | `change_columns` | the two columns that tell versions of a row apart |
//! | `sieve` | rows into those that fulfil the plan's condition |
//! | `seen` | the ids of all records so far |
//! | `comments` | the form of a page of comments |
//! | `facts` | columns under construction of rows that are no records |
//! | `fault` | why a page is refused |

use arrow::array::RecordBatch;

use crate::error::{Error, Result};
use crate::json::Json;
use crate::scan::Scan;

mod change_columns;
mod comments;
mod facts;
mod fault;
mod field_order;
mod misfits;
mod page;
mod rows;
mod seen;
mod sieve;

pub(crate) use comments::page as comments_page;
pub(crate) use facts::Facts;
use field_order::FieldOrder;
use rows::Rows;
use sieve::Sieve;

pub use page::Page;

/// Reads pages into columns.
pub struct Decoder {
    /// What the pages are read into.
    pub(crate) rows: Rows,
    order: FieldOrder,
    bytes: usize,
    /// Where the plan has a condition.
    sieve: Option<Sieve>,
}

impl Decoder {
    /// A decoder for the pages of one read.
    pub fn new(scan: &Scan) -> Self {
        let scan = &*scan.decoded();
        Self { rows: Rows::new(scan), order: FieldOrder::new(scan), bytes: 0, sieve: Sieve::new(scan) }
    }

    /// Appends the records of a page, but for those that were on one before.
    ///
    /// # Errors
    /// [`Error::Data`] for a page that is not JSON of the documented form, and, in a strict read, for the first value that
    /// does not fit. The decoder is of no use afterwards.
    pub fn page(&mut self, body: &[u8]) -> Result<Page> {
        let body_text = std::str::from_utf8(body).map_err(|error| {
            Error::Data(format!("a page of records that is not UTF-8 from byte {} on", error.valid_up_to()).into())
        })?;
        self.bytes += body.len();
        // Rows that tell of gone records fulfil no condition, and are wanted.
        if let Some(sieve) = &mut self.sieve {
            sieve.pass(&mut self.rows)?;
        }
        let page = page::read(&mut Json::new(body_text), &mut self.order, &mut self.rows);
        let page = page.map_err(|fault| fault.in_page("records", body_text))?;
        if let Some(sieve) = &mut self.sieve {
            sieve.sift(&mut self.rows)?;
        }
        Ok(page)
    }

    /// Rows since the last batch.
    pub fn rows(&self) -> usize {
        self.rows.count() + self.sieve.as_ref().map_or(0, Sieve::rows)
    }

    /// Bytes of JSON since the last batch: what the columns weigh, roughly.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Records in all.
    pub fn records(&self) -> usize {
        self.rows.records()
    }

    /// As many records as were wanted have come.
    pub fn is_satisfied(&self) -> bool {
        self.rows.is_satisfied()
    }

    /// Values that became NULL without being kept, because the read has no rescued data column.
    pub fn dropped(&self) -> u64 {
        self.rows.dropped()
    }

    /// Values in the rescued data column, of the whole read.
    pub fn rescued(&self) -> u64 {
        self.rows.rescued_values()
    }

    /// The rows since the last batch.
    ///
    /// # Errors
    /// [`Error::Data`] for an empty cell in a column that the user's schema calls NOT NULL.
    pub fn finish(&mut self) -> Result<RecordBatch> {
        self.bytes = 0;
        match &mut self.sieve {
            Some(sieve) => sieve.finish(&mut self.rows),
            None => self.rows.finish(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
