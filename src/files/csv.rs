//! CSV as RFC 4180 has it, with a header and lines that end in `\n`. NULL is nothing, an empty text is `""`.
//!
//! Ours, because arrow-csv writes NULL and the empty text alike. Data is exact: a text that a spreadsheet would take for a
//! formula stays as it is.

use std::io::{self, Write};

use arrow::array::{
    Array, AsArray, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Schema, TimeUnit};

use super::text;

/// Bytes that are collected before they are written.
const BUFFER: usize = 64 * 1024;

pub(super) struct Csv<W> {
    out: W,
    buffer: Vec<u8>,
}

impl<W: Write> Csv<W> {
    pub(super) fn begin(schema: &Schema, out: W) -> io::Result<Self> {
        let mut csv = Self { out, buffer: Vec::with_capacity(BUFFER) };
        for (at, column) in schema.fields().iter().enumerate() {
            csv.separate(at);
            field(column.name(), &mut csv.buffer);
        }
        csv.buffer.push(b'\n');
        csv.send()?;
        Ok(csv)
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let columns: Vec<Cells<'_>> =
            batch.columns().iter().map(|column| Cells::of(column)).collect::<io::Result<_>>()?;
        for row in 0..batch.num_rows() {
            for (at, column) in columns.iter().enumerate() {
                self.separate(at);
                column.write(row, &mut self.buffer);
            }
            self.buffer.push(b'\n');
            if self.buffer.len() >= BUFFER {
                self.send()?;
            }
        }
        self.send()
    }

    fn separate(&mut self, at: usize) {
        if at > 0 {
            self.buffer.push(b',');
        }
    }

    fn send(&mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

/// A column by its type, which is looked at once.
enum Cells<'a> {
    Text(&'a StringArray),
    Float(&'a Float64Array),
    Int(&'a Int64Array),
    Bool(&'a BooleanArray),
    Date(&'a Date32Array),
    Moment(&'a TimestampMicrosecondArray),
}

impl<'a> Cells<'a> {
    fn of(column: &'a dyn Array) -> io::Result<Self> {
        Ok(match column.data_type() {
            DataType::Utf8 => Self::Text(column.as_string()),
            DataType::Float64 => Self::Float(column.as_primitive()),
            DataType::Int64 => Self::Int(column.as_primitive()),
            DataType::Boolean => Self::Bool(column.as_boolean()),
            DataType::Date32 => Self::Date(column.as_primitive()),
            DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => Self::Moment(column.as_primitive()),
            other => {
                let message = format!("csv has no text for columns of {other}");
                return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
            }
        })
    }

    fn write(&self, row: usize, out: &mut Vec<u8>) {
        match self {
            Self::Text(cells) if cells.is_valid(row) => field(cells.value(row), out),
            Self::Float(cells) if cells.is_valid(row) => match text::word(cells.value(row)) {
                None => text::float(cells.value(row), out),
                Some(word) => out.extend_from_slice(word.as_bytes()),
            },
            Self::Int(cells) if cells.is_valid(row) => text::int(cells.value(row), out),
            Self::Bool(cells) if cells.is_valid(row) => {
                out.extend_from_slice(if cells.value(row) { b"true" } else { b"false" });
            }
            Self::Date(cells) if cells.is_valid(row) => text::date(cells.value(row), out),
            Self::Moment(cells) if cells.is_valid(row) => text::moment(cells.value(row), out),
            _ => {}
        }
    }
}

/// A text, in quotes where it needs them.
fn field(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    if !bytes.is_empty() && !bytes.iter().any(|byte| matches!(byte, b'"' | b',' | b'\n' | b'\r')) {
        out.extend_from_slice(bytes);
        return;
    }
    out.push(b'"');
    for (at, part) in bytes.split(|&byte| byte == b'"').enumerate() {
        if at > 0 {
            out.extend_from_slice(b"\"\"");
        }
        out.extend_from_slice(part);
    }
    out.push(b'"');
}
