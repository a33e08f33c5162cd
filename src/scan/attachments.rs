//! Attachments in plans: the form in which columns give them, and the part of a table that they are. Pure.
//!
//! Invariant: no plan holds the address of a file, and only one that stores files says where.

use serde::{Deserialize, Serialize};

use super::columns::{Column, FieldSource, Source};
use super::selection::{Listed, Selection};
use super::{Part, Scan, VERSION_OF_REFINED, comments, linked};
use crate::airtable::schema::{Field, Table};
use crate::columns::{Object, Shape};
use crate::error::{Error, Result};
use crate::options::{Attachments, ReadOptions, TablePart};

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
}

impl FieldSource {
    /// The shape that pages are read into: a file is fetched by its address.
    pub(super) fn decoded_shape(&self) -> Shape {
        match self.attachments {
            Some(AttachmentForm::Stored) => self.shape.clone().with_attachments(Object::Attachment),
            _ => self.shape.clone(),
        }
    }
}

/// A plan with what options say of attachments.
///
/// # Errors
/// [`Error::Option`] for fields that hold none where only these are read.
pub(super) fn planned(scan: Scan, table: &Table, options: &ReadOptions) -> Result<Scan> {
    let scan = match options.part {
        TablePart::Records => scan,
        TablePart::Comments => Scan { part: Part::Comments, columns: comments::columns(options), ..scan },
        TablePart::Links => linked::part(scan, table, options)?,
        TablePart::Attachments => part(scan, table, options)?,
    };
    let is_refined = !scan.part.is_records() || scan.columns.iter().any(|column| column.attachments().is_some());
    let version = if is_refined { VERSION_OF_REFINED } else { scan.version };
    Ok(Scan { version, attachment_location: options.attachment_location.clone(), ..scan })
}

/// The plan whose rows are the attachments of the plan's columns.
fn part(scan: Scan, table: &Table, options: &ReadOptions) -> Result<Scan> {
    let mut hidden = Vec::new();
    for column in scan.columns {
        let Source::Field(source) = &column.source else { continue };
        let Some(field) = table.fields.iter().find(|field| field.id == source.id) else { continue };
        let shape = Shape::of(&field.kind, &field.options);
        if shape.has_attachments() {
            let attachments = AttachmentForm::of(field, options);
            let shape = attachments.map_or(shape.clone(), |form| form.shape(shape));
            let source = FieldSource { shape, attachments, ..source.clone() };
            hidden.push(Column { source: Source::Field(source), ..column });
        } else if options.fields.is_some() {
            return Err(Error::Option(
                format!(
                    "option fields has {:?}, of type {}, and option part is attachments: name fields that hold attachments",
                    field.name, field.kind
                )
                .into(),
            ));
        }
    }
    // Where there is no such field there is nothing to ask for.
    let selection = if hidden.is_empty() { Selection::Listed(Listed::default()) } else { scan.selection };
    hidden.insert(0, Column::new("id", false, Source::RecordId));
    Ok(Scan { part: Part::Attachments, columns: columns(options.attachments), hidden, selection, ..scan })
}

fn columns(attachments: Attachments) -> Vec<Column> {
    use Shape::{Int, Text};
    let mut facts = vec![
        ("field_id", Text, false, "id of the field"),
        ("field", Text, false, "name of the field"),
        ("position", Int, false, "place in the cell, from 0"),
        ("attachment_id", Text, true, "id of the attachment"),
        ("filename", Text, true, "name of the file"),
        ("size", Int, true, "bytes of the file"),
        ("type", Text, true, "media type of the file"),
        ("width", Int, true, "width of an image, in pixels"),
        ("height", Int, true, "height of an image, in pixels"),
    ];
    match attachments {
        Attachments::Urls => facts.push(("url", Text, true, "address of the file, which lasts two hours")),
        Attachments::Stable => {}
        Attachments::Download => {
            facts.push(("path", Text, true, "where the file is stored; NULL where it cannot be had"));
        }
    }
    let id = Column::new("id", false, Source::RecordId);
    let facts = facts.into_iter().map(|(name, shape, nullable, comment)| Column::fact(name, shape, nullable, comment));
    std::iter::once(id).chain(facts).collect()
}
