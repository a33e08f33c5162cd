//! What becomes of a stream whose feed has lost changes: an error, or, where that is wanted, a read of the whole table in
//! which the records that have vanished since are told from what is known of before.
//!
//! Invariant: where changes are lost, nobody is told otherwise.

use std::path::Path;

use crate::changes::offset::{FeedPosition, Offset, Position};
use crate::error::{Error, Result};
use crate::fingerprint::fingerprint;
use crate::options::ReadOptions;
use crate::read::id_store::IdStore;
use crate::read::lost_log;
use crate::scan::{KnownIds, Scan};
use crate::time::Seconds;

/// Files of ranges beside each other before they are made one.
const MOST_FILES: usize = 50;

/// Why a range of the feed cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lost {
    /// Payloads are missing, or the webhook is.
    Gone(String),
    /// The webhook says itself that it tells no more.
    Failed(String),
}

/// The way out of a loss: a read of the whole table, if that may be.
///
/// A webhook that says itself that it tells no more is no exception: the next question looks at it, and goes on with another.
///
/// # Errors
/// [`Error::Data`] where it may not: it is not wanted, or nothing is known of before.
pub(super) fn check(plan: &Scan, options: &ReadOptions, end: &FeedPosition, loss: &Lost) -> Result<()> {
    let (Lost::Gone(why) | Lost::Failed(why)) = loss;
    let Some(store) = id_store(plan, options) else { return Err(lost_error(plan, why)) };
    if !store.has_other_full(&full_file(end)) {
        return Err(Error::Data(format!(
            "table {:?}: changes are lost: {why}; and option state_location holds no full read from before, so that \
             vanished records cannot be told: empty the target, and start with a new checkpoint",
            plan.table_name
        ).into()));
    }
    Ok(())
}

/// The time that a full read after a loss gives its rows: later than anything that was told before, whose times are finer.
pub(super) fn stamp(end: &FeedPosition) -> Seconds {
    end.at + 1
}

/// The error for a loss that nothing mends.
pub(super) fn lost_error(plan: &Scan, why: &str) -> Error {
    if plan.is_log() {
        return lost_log(plan, why);
    }
    Error::Data(format!(
        "table {:?}: changes are lost: {why}: start with a new checkpoint and an empty target; or set on_lost_feed to \
         reread from the first run on, which reads the table again and tells which records have vanished",
        plan.table_name
    ).into())
}

/// The ids that a stream knows; none where it need not know any.
pub(super) fn id_store(plan: &Scan, options: &ReadOptions) -> Option<IdStore> {
    directory(plan, options).map(IdStore::new)
}

/// Where a full read notes its ids; none where it need not.
pub(super) fn known_ids(
    plan: &Scan,
    options: &ReadOptions,
    end: &FeedPosition,
    tell_vanished: bool,
) -> Option<KnownIds> {
    let directory = directory(plan, options)?;
    Some(KnownIds { directory, file: full_file(end), tell_vanished })
}

/// Lets go of what is known of the time before a full read that has arrived, and makes one file of many.
///
/// # Errors
/// [`Error::Option`] for a directory that cannot be read or written.
pub(super) fn forget_before(plan: &Scan, options: &ReadOptions, end: &Offset) -> Result<()> {
    let (Some(store), Position::Feed(end)) = (id_store(plan, options), &end.position) else { return Ok(()) };
    store.keep_since(&full_file(end), |name| {
        range_of(name, end).is_some_and(|(first, _)| first >= end.next) || is_later_full(name, end)
    });
    let arrived = |name: &str| range_of(name, end).is_some_and(|(_, last)| last <= end.next);
    store.fold(&range_file(&end.webhook_id, 0, end.next), arrived, MOST_FILES)
}

/// What a range's records are noted as. Ranges that hold nothing but what was awaited have the same numbers, so their
/// names tell what is awaited still.
pub(super) fn feed_file(last: &FeedPosition, end: &FeedPosition) -> String {
    let name = range_file(&end.webhook_id, last.next, end.next);
    if last.next < end.next { name } else { format!("{name}-{:016x}", fingerprint(&format!("{:?}", end.unread))) }
}

fn range_file(webhook_id: &str, first: u64, end: u64) -> String {
    format!("feed-{webhook_id}-{first}-{end}")
}

fn directory(plan: &Scan, options: &ReadOptions) -> Option<String> {
    let location = options.state_location.as_ref().filter(|_| options.reread_when_lost)?;
    // Streams of different parts of a table know different records.
    let mut part = format!("{:?} {:?}", plan.view_id, plan.filter_formula);
    if let Some(restriction) = &plan.restriction {
        part = format!("{part} {:?}", restriction.text);
    }
    let name = format!("{}-{}-{:016x}", plan.base_id, plan.table_id, fingerprint(&part));
    Some(Path::new(location).join(name).to_string_lossy().into_owned())
}

fn full_file(end: &FeedPosition) -> String {
    format!("full-{}-{}", end.webhook_id, end.next)
}

/// Whether a file is that of a full read further on in the same feed.
fn is_later_full(name: &str, end: &FeedPosition) -> bool {
    let number = name.strip_prefix(&format!("full-{}-", end.webhook_id)).and_then(|number| number.parse::<u64>().ok());
    number.is_some_and(|number| number > end.next)
}

/// The numbers in the name of a range's file.
fn range_of(name: &str, end: &FeedPosition) -> Option<(u64, u64)> {
    let mut numbers = name.strip_prefix(&format!("feed-{}-", end.webhook_id))?.split('-').map(str::parse::<u64>);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::airtable::schema::Table;
    use crate::options::Options;

    fn planned(options: &[(&str, &str)]) -> (Scan, ReadOptions) {
        let table: Table = serde_json::from_value(json!({"id": "tblA", "name": "A", "primaryFieldId": "fldA",
            "fields": [{"id": "fldA", "name": "A", "type": "number"}]}))
        .expect("a table");
        let all = [("token", "patA"), ("ingestion_type", "cdc_with_deletes")].iter().chain(options).copied();
        let read = Options::parse(all).expect("options").read;
        (Scan::new("appA", &table, &read).expect("a plan"), read)
    }

    fn at(webhook_id: &str, next: u64) -> FeedPosition {
        FeedPosition { webhook_id: webhook_id.into(), next, at: 0, after: None, parts: None, unread: None }
    }

    #[test]
    fn a_loss_is_mended_only_where_that_is_wanted_and_possible() {
        let directory = tempfile::tempdir().expect("a directory");
        let location = directory.path().to_str().expect("a path");
        let reread = [("on_lost_feed", "reread"), ("state_location", location)];
        let (gone, failed) = (Lost::Gone("it went".into()), Lost::Failed("it failed".into()));
        let (plan, options) = planned(&reread);
        let check = |loss: &Lost| check(&plan, &options, &at("achA", 5), loss);
        let error = check(&gone).expect_err("nothing is known");
        assert!(error.to_string().contains("no full read from before"), "{error}");
        let store = id_store(&plan, &options).expect("it knows ids");
        store.write(&full_file(&at("achA", 1)), std::iter::empty()).expect("written");
        assert_eq!(check(&gone), Ok(()));
        assert_eq!(check(&failed), Ok(()));
        let (plan, options) = planned(&[]);
        let error = super::check(&plan, &options, &at("achA", 5), &gone).expect_err("not wanted");
        assert!(error.to_string().contains("set on_lost_feed to reread"), "{error}");
        assert!(id_store(&plan, &options).is_none());
    }

    #[test]
    fn names_of_files_are_read_back() {
        let end = at("achA", 5);
        for (name, range, is_later_full) in [
            (feed_file(&at("achA", 1), &end), Some((1, 5)), false),
            (feed_file(&end, &end), Some((5, 5)), false),
            (feed_file(&at("achB", 1), &at("achB", 5)), None, false),
            (full_file(&at("achA", 5)), None, false),
            (full_file(&at("achA", 6)), None, true),
            (full_file(&at("achB", 6)), None, false),
            ("feed-achA-x-5".to_owned(), None, false),
        ] {
            assert_eq!((range_of(&name, &end), self::is_later_full(&name, &end)), (range, is_later_full), "{name}");
        }
    }

    #[test]
    fn streams_of_other_parts_of_a_table_know_other_records() {
        let given = [("on_lost_feed", "reread"), ("state_location", "/state")];
        let named = |more: &[(&str, &str)]| {
            let (plan, options) = planned(&[&given[..], more].concat());
            directory(&plan, &options).expect("a directory")
        };
        // As earlier versions named it: what they noted is found.
        assert_eq!(named(&[]), "/state/appA-tblA-7f6b22809eabd0d7");
        assert_ne!(named(&[]), named(&[("filter_formula", "{A}")]));
        assert_ne!(named(&[]), named(&[("where", "a > 1")]));
        assert_ne!(named(&[("where", "a > 2")]), named(&[("where", "a > 1")]));
    }
}
