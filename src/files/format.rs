//! `Format`: what is to be written, as it is asked for, and what it has no place for.

use std::fmt;

use arrow::datatypes::{DataType, FieldRef, Schema};

use crate::error::{Error, Result};

/// Rows of one row group of Parquet, where nothing else is asked for.
const ROW_GROUP_SIZE: usize = 100_000;

/// A format of files, with its compression and the size of its row groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    pub(super) kind: Kind,
    pub(super) compression: Compression,
    pub(super) row_group_size: usize,
}

/// The formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One JSON object a row.
    JsonLines,
    /// Comma-separated values.
    Csv,
    /// Arrow's file format.
    Arrow,
    /// Parquet.
    Parquet,
}

/// How data is made smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// The usual one of Parquet's today.
    Zstd,
    /// Quicker and larger.
    Snappy,
    /// For readers that know no other.
    Gzip,
}

const KINDS: [(&str, Kind); 4] =
    [("jsonl", Kind::JsonLines), ("csv", Kind::Csv), ("arrow", Kind::Arrow), ("parquet", Kind::Parquet)];

const ENDINGS: [(&str, Kind); 7] = [
    (".jsonl", Kind::JsonLines),
    (".ndjson", Kind::JsonLines),
    (".csv", Kind::Csv),
    (".arrow", Kind::Arrow),
    (".ipc", Kind::Arrow),
    (".feather", Kind::Arrow),
    (".parquet", Kind::Parquet),
];

const COMPRESSIONS: [(&str, Compression); 4] = [
    ("zstd", Compression::Zstd),
    ("snappy", Compression::Snappy),
    ("gzip", Compression::Gzip),
    ("none", Compression::None),
];

impl Kind {
    /// The format that a file's name tells by its ending, without regard to case.
    pub fn of_file(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        ENDINGS.iter().find(|(ending, _)| name.ends_with(ending)).map(|&(_, kind)| kind)
    }

    fn compressions(self) -> &'static [Compression] {
        match self {
            Self::JsonLines | Self::Csv => &[Compression::None],
            Self::Arrow => &[Compression::None, Compression::Zstd],
            Self::Parquet => &[Compression::Zstd, Compression::Snappy, Compression::Gzip, Compression::None],
        }
    }
}

impl Format {
    /// The format of a name (`jsonl`, `csv`, `arrow`, `parquet`). Parquet is compressed by zstd where nothing else is asked
    /// for, in row groups of 100,000 rows.
    ///
    /// # Errors
    /// [`Error::Option`] for a name, a compression or a number that does not exist, or that the format does not have.
    pub fn parse(format: &str, compression: Option<&str>, row_group_size: Option<i64>) -> Result<Self> {
        let kind = of(&KINDS, format).ok_or_else(|| {
            Error::Option(
                format!("format={format:?} does not exist: use {}", one_of(KINDS.map(|(name, _)| name))).into(),
            )
        })?;
        let possible = kind.compressions();
        let compression = match compression {
            None => possible[0],
            Some(name) => of(&COMPRESSIONS, name).filter(|it| possible.contains(it)).ok_or_else(|| {
                let possible = one_of(possible.iter().map(Compression::to_string));
                Error::Option(format!("compression={name:?} does not exist for {kind}: use {possible}").into())
            })?,
        };
        let row_group_size = match row_group_size {
            None => ROW_GROUP_SIZE,
            Some(_) if kind != Kind::Parquet => {
                return Err(Error::Option(format!("{kind} has no row groups: leave out row_group_size").into()));
            }
            Some(rows) => usize::try_from(rows).ok().filter(|&rows| rows > 0).ok_or_else(|| {
                Error::Option(format!("row_group_size={rows} is no number of rows: use 1 or more").into())
            })?,
        };
        Ok(Self { kind, compression, row_group_size })
    }

    /// Whether a file of this format has a place for every column.
    ///
    /// # Errors
    /// [`Error::Option`] that names the first column of lists or structs, if the format is CSV.
    pub fn check(&self, schema: &Schema) -> Result<()> {
        let nested = |column: &&FieldRef| column.data_type().is_nested();
        let Some(column) = schema.fields().iter().find(nested).filter(|_| self.kind == Kind::Csv) else {
            return Ok(());
        };
        let kind = if matches!(column.data_type(), DataType::Struct(_)) { "structs" } else { "lists" };
        let name = column.name();
        Err(Error::Option(format!(
            "csv has no place for lists and structs, and column {name:?} is one of {kind}: read with nested=json, or write \
             jsonl, arrow or parquet"
        ).into()))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&KINDS, self))
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&COMPRESSIONS, self))
    }
}

fn of<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.iter().find(|(known, _)| *known == name).map(|&(_, value)| value)
}

fn name_of<T: PartialEq>(table: &[(&'static str, T)], value: &T) -> &'static str {
    table.iter().find(|(_, known)| known == value).map_or("", |&(name, _)| name)
}

/// `zstd, snappy or none`.
fn one_of(names: impl IntoIterator<Item = impl ToString>) -> String {
    let mut names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    let last = names.pop().unwrap_or_default();
    if names.is_empty() { last } else { format!("{} or {last}", names.join(", ")) }
}
