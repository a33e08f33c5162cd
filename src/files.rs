//! Files: batches as JSON lines, CSV, Arrow or Parquet (feature `files`).
//!
//! Pure sinks: they take batches, write bytes, and know nothing of reads or paths. Invariants: what does not fit a format is
//! refused before the first byte; a file of no rows is a whole file; memory holds one batch, and one row group of Parquet.
//!
//! | file | is |
//! |---|---|
//! | `format` | what is to be written: the format, its compression, its row groups |
//! | `json_lines`, `csv`, `ipc`, `parquet` | a format each |
//! | `text` | numbers, days and moments as the text formats have them |
//!
//! ```
//! use std::sync::Arc;
//!
//! use lakeflow_airtable::arrow::array::{ArrayRef, Float64Array, RecordBatch};
//! use lakeflow_airtable::files::{Format, Writer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let price: ArrayRef = Arc::new(Float64Array::from(vec![Some(9.5), None]));
//! let batch = RecordBatch::try_from_iter([("price", price)])?;
//! let format = Format::parse("jsonl", None, None)?;
//! let mut file = Vec::new();
//! let mut writer = Writer::begin(format, &batch.schema(), &mut file)?;
//! writer.write(&batch)?;
//! writer.finish()?;
//! assert_eq!(file, b"{\"price\":9.5}\n{\"price\":null}\n");
//! # Ok(())
//! # }
//! ```

use std::io::{self, Write};

use ::arrow::array::RecordBatch;
use ::arrow::datatypes::SchemaRef;

mod csv;
mod format;
mod ipc;
mod json_lines;
mod parquet;
mod text;

pub use format::{Compression, Format, Kind};

/// A file that is being written. Without [`Writer::finish`] it is not whole.
pub struct Writer<W: Write + Send>(Sink<W>);

enum Sink<W: Write + Send> {
    JsonLines(json_lines::JsonLines<W>),
    Csv(csv::Csv<W>),
    Arrow(Box<ipc::Ipc<W>>),
    Parquet(Box<parquet::Parquet<W>>),
}

impl<W: Write + Send> Writer<W> {
    /// Begins a file for batches of this schema.
    ///
    /// # Errors
    /// What [`Format::check`] finds, and what `out` fails with.
    pub fn begin(format: Format, schema: &SchemaRef, out: W) -> io::Result<Self> {
        format.check(schema).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        Ok(Self(match format.kind {
            Kind::JsonLines => Sink::JsonLines(json_lines::begin(out)),
            Kind::Csv => Sink::Csv(csv::Csv::begin(schema, out)?),
            Kind::Arrow => Sink::Arrow(Box::new(ipc::begin(schema, format.compression, out)?)),
            Kind::Parquet => Sink::Parquet(Box::new(parquet::begin(schema, format, out)?)),
        }))
    }

    /// Writes the rows of a batch, which has the schema that the file was begun with.
    ///
    /// # Errors
    /// What `out` fails with.
    pub fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        match &mut self.0 {
            Sink::JsonLines(sink) => sink.write(batch).map_err(ipc::error),
            Sink::Csv(sink) => sink.write(batch),
            Sink::Arrow(sink) => sink.write(batch).map_err(ipc::error),
            Sink::Parquet(sink) => sink.write(batch).map_err(parquet::error),
        }
    }

    /// Writes what the format has at its end.
    ///
    /// # Errors
    /// What `out` fails with.
    pub fn finish(self) -> io::Result<()> {
        match self.0 {
            Sink::JsonLines(mut sink) => sink.finish().map_err(ipc::error),
            // Lines are all that it has.
            Sink::Csv(_) => Ok(()),
            Sink::Arrow(mut sink) => sink.finish().map_err(ipc::error),
            Sink::Parquet(mut sink) => sink.finish().map(drop).map_err(parquet::error),
        }
    }
}

#[cfg(test)]
mod tests;
