//! What options must or cannot be given together. Pure.

use crate::error::{Error, Result};
use crate::options::table::DELETE_FLOW;
use crate::options::typed::{Attachments, IngestionType, Links, ReadOptions, SchemaChange, TablePart};

/// Checks what is read, and how its changes are followed.
///
/// # Errors
/// [`Error::Option`] for options that miss or exclude one another.
pub(super) fn check(read: &ReadOptions) -> Result<()> {
    check_log(read)?;
    check_lost_feed(read)?;
    check_bases(read)?;
    check_attachments(read)?;
    check_links(read)?;
    check_part(read)
}

/// Each base has a change feed and a progress of its own, which no one offset tells.
fn check_bases(read: &ReadOptions) -> Result<()> {
    if read.bases.is_empty() || read.ingestion_type == IngestionType::Snapshot {
        return Ok(());
    }
    Err(Error::Option(
        format!(
            "option namespace names several bases, and ingestion_type is {}: the changes of each base go their own way, \
             so several are read as snapshots only: leave ingestion_type out, or name one base",
            read.ingestion_type.as_str()
        )
        .into(),
    ))
}

/// What a stream needs that is to go on after its feed was lost.
fn check_lost_feed(read: &ReadOptions) -> Result<()> {
    if !read.reread_when_lost {
        return Ok(());
    }
    if read.state_location.is_none() {
        return Err(Error::Option(
            "option on_lost_feed is reread, but option state_location is missing: name a directory that driver and \
             workers share, where the ids of known records are kept"
                .into(),
        ));
    }
    if read.deletes_only {
        return Err(Error::Option(format!(
            "option on_lost_feed is reread, but {DELETE_FLOW} is true: a stream of deletes alone does not know what it \
             should have deleted: set on_lost_feed to fail, or take deletes from the one stream of all changes"
        ).into()));
    }
    Ok(())
}

/// Files are stored where somebody says, and nowhere else.
fn check_attachments(read: &ReadOptions) -> Result<()> {
    match (read.attachments, &read.attachment_location) {
        (Attachments::Download, None) => Err(Error::Option(
            "option attachments is download, but option attachment_location is missing: name a directory that driver and \
             workers share, where the files are stored"
                .into(),
        )),
        (Attachments::Urls | Attachments::Stable, Some(_)) => Err(Error::Option(
            format!(
                "option attachment_location is for attachments=download, and option attachments is {}: set that to \
                 download, or leave attachment_location out",
                read.attachments.as_str()
            )
            .into(),
        )),
        _ => Ok(()),
    }
}

/// What a log of changes cannot be narrowed by, and what it cannot do.
fn check_log(read: &ReadOptions) -> Result<()> {
    if read.ingestion_type != IngestionType::ChangeLog {
        return Ok(());
    }
    let refused = [
        (
            "view",
            read.view.is_some(),
            "Airtable tells which cells of a table changed, and not which records a view had then: leave it out (the web \
             address of a table may name one, too), and choose rows of the log by option where",
        ),
        (
            "filter_formula",
            read.filter_formula.is_some(),
            "Airtable tells which cells of a table changed, and not which records fulfilled a formula then: leave it out, \
             and choose rows of the log by option where",
        ),
        (
            "max_records",
            read.max_records.is_some(),
            "a log that stopped there would leave changes out: max_records_per_batch bounds its batches",
        ),
        (
            "attachments",
            read.attachments != Attachments::Urls,
            "a log keeps cells as they were told, with the addresses of that moment: leave it out",
        ),
        (
            "on_lost_feed",
            read.reread_when_lost,
            "what a lost feed told cannot be read again: set it to fail, and a gap is an error",
        ),
        (
            "schema_change",
            read.schema_change == SchemaChange::Fail,
            "a log has the same columns whatever becomes of the table's fields: leave it out",
        ),
    ];
    match refused.into_iter().find(|(_, is_given, _)| *is_given) {
        None => Ok(()),
        Some((name, _, why)) => {
            Err(Error::Option(format!("option {name} is given, and ingestion_type is change_log: {why}").into())
                .of_option(name))
        }
    }
}

/// A stream tells of changes of its own table alone.
fn check_links(read: &ReadOptions) -> Result<()> {
    if read.links == Links::Ids {
        return Ok(());
    }
    if read.part != TablePart::Records {
        let (links, part) = (read.links.as_str(), read.part.as_str());
        let said = format!(
            "option links is {links}, and option part is {part}: names stand in the cells of records: leave links out, and \
             join the linked table where names are wanted"
        );
        return Err(Error::Option(said.into()).of_option("links"));
    }
    if read.ingestion_type == IngestionType::Snapshot {
        return Ok(());
    }
    Err(Error::Option(
        format!(
            "option links is {}, and ingestion_type is {}: a name that changes in the linked table changes no record of \
             this one, so a stream would leave old names in its copy: leave links out and join the linked table by its \
             ids, or read snapshots of the names, or of part=links",
            read.links.as_str(),
            read.ingestion_type.as_str()
        )
        .into(),
    )
    .of_option("links"))
}

/// A change tells of a record, and not of which rows of a part have gone.
fn check_part(read: &ReadOptions) -> Result<()> {
    if read.part == TablePart::Records {
        return Ok(());
    }
    let is_of_cells = matches!(read.part, TablePart::Links | TablePart::Attachments);
    if is_of_cells && !read.bases.is_empty() && read.max_records.is_some() {
        return Err(Error::Option(
            "option max_records counts records, and option part reads what is in them: leave max_records out, or read one \
             base"
                .into(),
        ));
    }
    if !is_of_cells && read.fields.is_some() {
        return Err(Error::Option(
            format!(
                "option fields chooses columns of records, and part is {}, whose columns are always the same: leave \
                 fields out, and choose columns after they are read",
                read.part.as_str()
            )
            .into(),
        ));
    }
    if read.ingestion_type == IngestionType::Snapshot {
        return Ok(());
    }
    Err(Error::Option(
        format!(
            "option part is {}, and ingestion_type is {}: changes are told of records, and not of what has gone from their \
             cells, so parts are read as snapshots only: leave ingestion_type out, or part",
            read.part.as_str(),
            read.ingestion_type.as_str()
        )
        .into(),
    ))
}
