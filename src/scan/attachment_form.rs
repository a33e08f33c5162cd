//! The forms in which columns give attachments. Pure.
//!
//! Separate from the plans with them, because columns are made of these forms, and plans of columns.

use serde::{Deserialize, Serialize};

use crate::airtable::schema::Field;
use crate::columns::{Object, Shape};
use crate::options::{Attachments, ReadOptions};

/// How a column gives attachments, where it does not give them as they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentForm {
    /// Without what is another at every read: addresses and thumbnails.
    Stable,
    /// The same, with the path of the stored file.
    Stored,
}

impl AttachmentForm {
    /// The form of a field's column in a read with these options.
    pub(super) fn of(field: &Field, options: &ReadOptions) -> Option<Self> {
        let form = match options.attachments {
            Attachments::Urls => return None,
            Attachments::Stable => Self::Stable,
            Attachments::Download => Self::Stored,
        };
        Shape::of(&field.kind, &field.options).has_attachments().then_some(form)
    }

    /// The shape of a column that gives attachments in this form, from that of one that gives them as they come.
    pub(crate) fn shape(self, shape: Shape) -> Shape {
        shape.with_attachments(match self {
            Self::Stable => Object::StableAttachment,
            Self::Stored => Object::StoredAttachment,
        })
    }

    /// The shape that pages are read into, from that of such a column: a file is fetched by its address.
    pub(super) fn decoded(self, shape: Shape) -> Shape {
        match self {
            Self::Stable => shape,
            Self::Stored => shape.with_attachments(Object::Attachment),
        }
    }
}
