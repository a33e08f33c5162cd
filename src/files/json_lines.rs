//! JSON lines: an object a row, with every column. Doubles that are no JSON numbers are words, and times are texts.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, AsArray, Date32Array, Float64Array, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, FieldRef, TimeUnit};
use arrow::error::ArrowError;
use arrow_json::writer::{LineDelimited, NullableEncoder};
use arrow_json::{Encoder, EncoderFactory, EncoderOptions, Writer, WriterBuilder};

use super::text;

pub(super) type JsonLines<W> = Writer<W, LineDelimited>;

/// A file of JSON lines.
pub(super) fn begin<W: Write>(out: W) -> JsonLines<W> {
    WriterBuilder::new().with_explicit_nulls(true).with_encoder_factory(Arc::new(Encoders)).build(out)
}

/// What arrow-json writes otherwise, or not at all: NaN as null, and times by the names of time zones.
#[derive(Debug)]
struct Encoders;

impl EncoderFactory for Encoders {
    fn make_default_encoder<'a>(
        &self,
        _: &'a FieldRef,
        array: &'a dyn Array,
        _: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        let encoder: Box<dyn Encoder + 'a> = match array.data_type() {
            DataType::Float64 => Box::new(Floats(array.as_primitive())),
            DataType::Date32 => Box::new(Dates(array.as_primitive())),
            DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => Box::new(Moments(array.as_primitive())),
            _ => return Ok(None),
        };
        Ok(Some(NullableEncoder::new(encoder, array.nulls().cloned())))
    }
}

struct Floats<'a>(&'a Float64Array);
struct Dates<'a>(&'a Date32Array);
struct Moments<'a>(&'a TimestampMicrosecondArray);

impl Encoder for Floats<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        let value = self.0.value(row);
        match text::word(value) {
            None => text::float(value, out),
            Some(word) => quoted(out, |out| out.extend_from_slice(word.as_bytes())),
        }
    }
}

impl Encoder for Dates<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        quoted(out, |out| text::date(self.0.value(row), out));
    }
}

impl Encoder for Moments<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        quoted(out, |out| text::moment(self.0.value(row), out));
    }
}

fn quoted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    write(out);
    out.push(b'"');
}
