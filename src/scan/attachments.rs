//! The part of a table that its attachments are. Pure.

use super::attachment_form::AttachmentForm;
use super::columns::{Column, FieldSource, Source};
use crate::airtable::schema::Table;
use crate::columns::Shape;
use crate::error::{Error, Result};
use crate::options::{Attachments, ReadOptions};

/// What a plan gives, and reads for it, whose rows are the attachments in the cells of such columns: the second list has the
/// record's id and the columns that hold any.
///
/// # Errors
/// [`Error::Option`] for fields that hold none.
pub(super) fn part(given: Vec<Column>, table: &Table, options: &ReadOptions) -> Result<(Vec<Column>, Vec<Column>)> {
    let mut hidden = vec![Column::new("id", false, Source::RecordId)];
    for column in given {
        let Source::Field(source) = &column.source else { continue };
        let Some(field) = table.fields.iter().find(|field| field.id == source.id) else { continue };
        let shape = Shape::of(&field.kind, &field.options);
        if shape.has_attachments() {
            let attachments = AttachmentForm::of(field, options);
            let shape = attachments.map_or(shape.clone(), |form| form.shape(shape));
            let source = FieldSource { shape, attachments, ..source.clone() };
            hidden.push(Column { source: Source::Field(source), ..column });
        } else if options.fields.is_some() {
            let (name, kind) = (&field.name, &field.kind);
            let said = format!(
                "option fields has {name:?}, of type {kind}, and option part is attachments: name fields that hold \
                 attachments"
            );
            return Err(Error::Option(said.into()).of_option("fields"));
        }
    }
    Ok((columns(options.attachments), hidden))
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
