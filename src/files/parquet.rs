//! Parquet, in row groups of a number of rows, with the Arrow schema, so that Arrow's readers find the same columns again.

use std::io::{self, Write};

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression as Codec, ZstdLevel};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use arrow::datatypes::SchemaRef;

use super::format::{Compression, Format};

pub(super) type Parquet<W> = ArrowWriter<W>;

/// A row group that has become this large ends, whatever its rows: until its end it is in memory.
const LARGEST_ROW_GROUP: usize = 128 * 1024 * 1024;

/// A file whose row groups are filled from as many batches as it takes.
pub(super) fn begin<W: Write + Send>(schema: &SchemaRef, format: Format, out: W) -> io::Result<Parquet<W>> {
    let codec = match format.compression {
        Compression::None => Codec::UNCOMPRESSED,
        Compression::Zstd => Codec::ZSTD(ZstdLevel::default()),
        Compression::Snappy => Codec::SNAPPY,
        Compression::Gzip => Codec::GZIP(::parquet::basic::GzipLevel::default()),
    };
    let properties = WriterProperties::builder()
        .set_compression(codec)
        .set_max_row_group_row_count(Some(format.row_group_size))
        .set_max_row_group_bytes(Some(LARGEST_ROW_GROUP))
        .build();
    ArrowWriter::try_new(out, schema.clone(), Some(properties)).map_err(error)
}

/// The I/O error that is in it, so that its number is not lost.
pub(super) fn error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        error => io::Error::other(error),
    }
}
