//! The objects that Airtable documents, by name, so that a plan stays small and readable.

use arrow::datatypes::{Field as ArrowField, Fields};
use serde::{Deserialize, Serialize};

use crate::columns::Shape;

/// An object that Airtable documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Object {
    /// A person, or a group of them, which has no address.
    Collaborator,
    /// A file.
    Attachment,
    /// The previews of a file.
    Thumbnails,
    /// One preview.
    Thumbnail,
    /// A scanned code.
    Barcode,
    /// A label that opens an address.
    Button,
    /// What a language model wrote.
    AiText,
}

impl Object {
    /// Properties and their shapes, in order.
    pub(crate) fn properties(self) -> Vec<(&'static str, Shape)> {
        use Shape::{Bool, Int, Struct, Text};
        match self {
            Self::Collaborator => vec![("id", Text), ("email", Text), ("name", Text)],
            Self::Attachment => vec![
                ("id", Text),
                ("url", Text),
                ("filename", Text),
                ("size", Int),
                ("type", Text),
                ("width", Int),
                ("height", Int),
                ("thumbnails", Struct(Self::Thumbnails)),
            ],
            Self::Thumbnails => {
                let one = Struct(Self::Thumbnail);
                vec![("small", one.clone()), ("large", one.clone()), ("full", one)]
            }
            Self::Thumbnail => vec![("url", Text), ("width", Int), ("height", Int)],
            Self::Barcode => vec![("text", Text), ("type", Text)],
            Self::Button => vec![("label", Text), ("url", Text)],
            Self::AiText => vec![("state", Text), ("value", Text), ("isStale", Bool), ("errorType", Text)],
        }
    }

    /// The properties as the fields of an Arrow struct.
    pub(crate) fn arrow_fields(self) -> Fields {
        let field = |(name, shape): (&str, Shape)| ArrowField::new(name, shape.data_type(), true);
        self.properties().into_iter().map(field).collect()
    }
}
