//! Arrow's file format, with the schema's metadata.

use std::io::{self, Write};

use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};

use super::format::Compression;

pub(super) type Ipc<W> = FileWriter<W>;

/// A file whose batches are those that are written.
pub(super) fn begin<W: Write>(schema: &Schema, compression: Compression, out: W) -> io::Result<Ipc<W>> {
    let codec = (compression == Compression::Zstd).then_some(CompressionType::ZSTD);
    let options = IpcWriteOptions::default().try_with_compression(codec).map_err(error)?;
    FileWriter::try_new_with_options(out, schema, options).map_err(error)
}

/// The I/O error that is in it, so that its number is not lost.
pub(super) fn error(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, error) => error,
        error => io::Error::other(error),
    }
}
