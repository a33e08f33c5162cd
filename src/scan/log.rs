//! What the columns of a log of changes are, and the fields that it names. Pure.
//!
//! Invariant: the columns are the same for every table, so that a log goes on whatever becomes of the table's fields.

use serde::{Deserialize, Serialize};

use crate::airtable::schema::Field;
use crate::columns::{Object, Shape};
use crate::options::Nested;

/// A column of a log of changes, besides the record's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogColumn {
    /// What became of the record.
    Change,
    /// The id of the field whose cell changed.
    FieldId,
    /// The name of that field.
    Field,
    /// What the cell held.
    OldValue,
    /// What it holds now.
    NewValue,
    /// When it changed.
    ChangedAt,
    /// Who changed it.
    ChangedBy,
    /// The same as JSON.
    ChangedByJson,
    /// The way by which the change came in.
    Source,
    /// The number of the transaction in the base.
    Transaction,
}

impl LogColumn {
    /// Those of a log, in the order of the schema.
    pub(super) fn all(nested: Nested) -> [Self; 9] {
        [
            Self::Change,
            Self::FieldId,
            Self::Field,
            Self::OldValue,
            Self::NewValue,
            Self::ChangedAt,
            if nested == Nested::Json { Self::ChangedByJson } else { Self::ChangedBy },
            Self::Source,
            Self::Transaction,
        ]
    }

    /// What it is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::FieldId => "field_id",
            Self::Field => "field",
            Self::OldValue => "old_value",
            Self::NewValue => "new_value",
            Self::ChangedAt => "_changed_at",
            Self::ChangedBy | Self::ChangedByJson => "changed_by",
            Self::Source => "source",
            Self::Transaction => "transaction",
        }
    }

    /// What its values are.
    pub(crate) fn shape(self) -> Shape {
        match self {
            Self::ChangedAt => Shape::Timestamp,
            Self::ChangedBy => Shape::Struct(Object::Collaborator),
            Self::ChangedByJson => Shape::Json,
            Self::Transaction => Shape::Int,
            Self::Change | Self::FieldId | Self::Field | Self::OldValue | Self::NewValue | Self::Source => Shape::Text,
        }
    }

    /// What catalogs show about it.
    pub(super) fn comment(self) -> &'static str {
        match self {
            Self::Change => "created, updated or deleted",
            Self::FieldId => "Airtable field id; NULL in a row that is about the record alone",
            Self::Field => "the field's name when the stream was started",
            Self::OldValue => "JSON of the cell before; NULL where it was empty",
            Self::NewValue => "JSON of the cell after; NULL where it is empty",
            Self::ChangedAt => "when the change was made",
            Self::ChangedBy | Self::ChangedByJson => "who made the change; NULL where Airtable names nobody",
            Self::Source => "the way by which the change came in, as Airtable calls it",
            Self::Transaction => "number of the base's transaction, of which all rows have the same",
        }
    }

    pub(super) fn is_nullable(self) -> bool {
        !matches!(self, Self::Change | Self::ChangedAt | Self::Transaction)
    }
}

/// A field as a log of changes needs to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedField {
    /// `fld...`.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Airtable's word for its type.
    pub kind: String,
    /// The same for the result of a computed field, where Airtable tells one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
}

impl From<&Field> for LoggedField {
    fn from(field: &Field) -> Self {
        Self {
            id: field.id.clone(),
            name: field.name.clone(),
            kind: field.kind.clone(),
            result: field.options["result"]["type"].as_str().map(str::to_owned),
        }
    }
}
