//! Attachments in plans: which columns give them in another form, and the part of a table that they are. Pure.
//!
//! Invariant: no plan holds the address of a file, and only one that stores files says where.

use super::attachment_form::AttachmentForm;
use super::columns::{Column, FieldSource, Source};
use super::selection::{Listed, Selection};
use super::{Part, Scan, VERSION_OF_REFINED, comments, linked};
use crate::airtable::schema::Table;
use crate::columns::Shape;
use crate::error::{Error, Result};
use crate::options::{Attachments, ReadOptions, TablePart};

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
    let version = if scan.is_plain() { scan.version } else { scan.version.max(VERSION_OF_REFINED) };
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
