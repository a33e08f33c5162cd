//! What of a base a scan gives rows of: a table's records, or something that is found in them or beside them. Pure.

use serde::{Deserialize, Serialize};

use crate::options::TablePart;

/// The tables that are none of Airtable's, and what their rows are.
const TABLES: [(&str, Part); 3] =
    [("_airtable_fields", Part::Fields), ("_airtable_choices", Part::Choices), ("_airtable_views", Part::Views)];

/// What their names begin with, behind the `_` that is easily forgotten.
const PREFIX: &str = "airtable";

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
    /// The comments on records.
    Comments,
    /// The fields of a base's tables.
    Fields,
    /// The choices of its select fields.
    Choices,
    /// The views of its tables.
    Views,
}

impl Part {
    /// Whether the columns that are read are the columns that are given.
    pub(crate) fn is_records(self) -> bool {
        self == Self::Records
    }

    /// What of a table such an option asks for.
    pub(crate) fn of_option(part: TablePart) -> Self {
        match part {
            TablePart::Records => Self::Records,
            TablePart::Links => Self::Links,
            TablePart::Attachments => Self::Attachments,
            TablePart::Comments => Self::Comments,
        }
    }

    /// What the rows of a table of this name are, where it is none of Airtable's.
    pub(crate) fn of_table(name: &str) -> Option<Self> {
        let name = name.trim();
        TABLES.iter().find(|(table, _)| table.eq_ignore_ascii_case(name)).map(|(_, part)| *part)
    }

    /// Whether the rows are definitions of a base.
    pub(crate) fn is_definitions(self) -> bool {
        self.table().is_some()
    }

    /// The name of the table that has such rows, where it is none of Airtable's.
    pub(crate) fn table(self) -> Option<&'static str> {
        TABLES.iter().find(|(_, part)| *part == self).map(|(table, _)| *table)
    }

    /// The names of such tables that somebody may have meant who has asked for another.
    pub(super) fn tables_like(wanted: &str) -> impl Iterator<Item = &'static str> {
        let is_like = wanted.trim().trim_start_matches('_').to_lowercase().starts_with(PREFIX);
        TABLES.iter().map(|(table, _)| *table).filter(move |_| is_like)
    }

    /// The columns that name a row.
    pub(crate) fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Records => &["id"],
            Self::Links | Self::Attachments => &["id", "field_id", "position"],
            Self::Comments => &["comment_id"],
            Self::Fields => &["field_id"],
            Self::Choices => &["field_id", "choice_id"],
            Self::Views => &["view_id"],
        }
    }

    /// What cannot be streamed where the rows are no records, and why.
    pub(crate) fn has_no_changes(self) -> (&'static str, &'static str) {
        const NO_HISTORY: &str = "Airtable tells what the definitions of a base are, and not how they have changed";
        match self {
            Self::Records => ("records", "the plan is of a snapshot"),
            Self::Links => ("links", "changes are told of records, and not of what has gone from their cells"),
            Self::Attachments => {
                ("attachments", "changes are told of records, and not of what has gone from their cells")
            }
            Self::Comments => ("comments", "Airtable tells of changes of records alone"),
            Self::Fields | Self::Choices | Self::Views => ("the rows", NO_HISTORY),
        }
    }

    // By reference, as serde asks for it.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub(super) fn is_default(part: &Self) -> bool {
        part.is_records()
    }
}
