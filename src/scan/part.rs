//! What of a base a scan gives rows of: a table's records, or something that is found in them or beside them. Pure.

use serde::{Deserialize, Serialize};

use crate::options::TablePart;

/// What the rows of a scan are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Records.
    #[default]
    Records,
    /// The linked records in the cells of records.
    Links,
    /// The attachments in the cells of records.
    Attachments,
}

impl Part {
    /// Whether the columns that are read are the columns that are given.
    pub(crate) fn is_records(self) -> bool {
        self == Self::Records
    }

    /// The columns that name a row.
    pub(crate) fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Records => &["id"],
            Self::Links | Self::Attachments => &["id", "field_id", "position"],
        }
    }

    // By reference, as serde asks for it.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub(super) fn is_default(part: &Self) -> bool {
        part.is_records()
    }
}

impl From<TablePart> for Part {
    fn from(part: TablePart) -> Self {
        match part {
            TablePart::Records => Self::Records,
            TablePart::Links => Self::Links,
            TablePart::Attachments => Self::Attachments,
        }
    }
}
