//! Pages of payloads, and what a cursor makes of them.

use serde_json::{Value, json};

use super::*;
use crate::airtable::schema::Table;
use crate::options::Options;

fn plan() -> Scan {
    let table: Table = serde_json::from_value(json!({"id": "tblA", "name": "A", "primaryFieldId": "fldA",
        "fields": [{"id": "fldA", "name": "A", "type": "number"}]}))
    .expect("a table");
    let options = [("token", "patA"), ("ingestion_type", "cdc_with_deletes")];
    Scan::new("appA", &table, &Options::parse(options).expect("options").read).expect("a plan")
}

/// A payload of a transaction that created so many records.
fn payload(transaction: u64, records: &[&str]) -> Value {
    let created: serde_json::Map<String, Value> = records.iter().map(|id| ((*id).to_owned(), json!({}))).collect();
    json!({"baseTransactionNumber": transaction, "changedTablesById": {"tblA": {"createdRecordsById": created}}})
}

fn failure() -> Value {
    json!({"error": true, "code": "INVALID_HOOK"})
}

fn page(payloads: &[Value], cursor: u64, might_have_more: bool) -> Payloads {
    let page = json!({"payloads": payloads, "cursor": cursor, "mightHaveMore": might_have_more});
    Payloads::read(&page.to_string(), "tblA").expect("a page")
}

fn gone(number: u64) -> Result<Step, Lost> {
    Err(missing("achA", number))
}

#[test]
fn a_range_is_read_page_by_page_to_its_end() {
    let one = |n: u64| payload(n, &["recA"]);
    let nothing: [Value; 0] = [];
    let failed = || Err(Lost::Failed("webhook achA failed: INVALID_HOOK".into()));
    // From payload 5 on: the end of the range, the pages, and what follows the last of them.
    for (end, pages, expected) in [
        (Some(7), vec![page(&[one(1), one(2)], 7, false)], Ok(Step::Done)),
        (Some(9), vec![page(&[one(1), one(2)], 7, true)], Ok(Step::Ask(7))),
        (Some(9), vec![page(&[one(1), one(2)], 7, true), page(&[one(3), one(4)], 9, false)], Ok(Step::Done)),
        // A transaction that begins in the range is read to its end.
        (Some(7), vec![page(&[one(1), one(2)], 7, true)], Ok(Step::Ask(7))),
        (Some(7), vec![page(&[one(1), one(2)], 7, true), page(&[one(2), one(2)], 9, true)], Ok(Step::Ask(9))),
        (Some(7), vec![page(&[one(1), one(2)], 7, true), page(&[one(3)], 8, true)], Ok(Step::Done)),
        (Some(6), vec![page(&[one(1), one(2), one(2)], 8, true)], Ok(Step::Done)),
        (Some(7), vec![page(&[one(1), one(2)], 7, true), page(&nothing, 7, false)], Ok(Step::Done)),
        // A range without an end goes on while there is more.
        (None, vec![page(&[one(1), one(2)], 7, true)], Ok(Step::Ask(7))),
        (None, vec![page(&[one(1), one(2)], 7, false)], Ok(Step::Done)),
        (None, vec![page(&nothing, 5, true)], Ok(Step::Done)),
        // What was announced is waited for.
        (Some(7), vec![page(&nothing, 5, false)], Ok(Step::AskLater(5))),
        // Payloads that were let go, and a webhook that has failed.
        (Some(9), vec![page(&[one(1), one(2)], 8, true)], gone(5)),
        (Some(9), vec![page(&[one(1), one(2)], 1, true)], gone(5)),
        (Some(9), vec![page(&[one(1)], 6, true), page(&[one(3)], 8, true)], gone(6)),
        (Some(9), vec![page(&[one(1), failure()], 7, true)], failed()),
        // Beyond the range nothing is looked at.
        (Some(6), vec![page(&[one(1), failure()], 7, true)], Ok(Step::Done)),
    ] {
        let mut cursor = PayloadCursor::new(&plan(), "achA", 5, end);
        assert_eq!(cursor.start(), Step::Ask(5));
        let last = pages.iter().map(|page| cursor.accept(page, 0)).last();
        assert_eq!(last, Some(expected), "{end:?} {pages:?}");
    }
    assert_eq!(PayloadCursor::new(&plan(), "achA", 5, Some(5)).start(), Step::Done);
}

#[test]
fn what_was_announced_is_waited_for_but_not_for_ever() {
    let nothing = page(&[], 5, false);
    let mut cursor = PayloadCursor::new(&plan(), "achA", 5, Some(7));
    for _ in 0..PATIENCE {
        assert_eq!(cursor.accept(&nothing, 0), Ok(Step::AskLater(5)));
    }
    assert_eq!(cursor.accept(&nothing, 0), gone(5));
}

#[test]
fn the_oldest_payloads_may_be_gone() {
    for (pages, expected) in [
        (vec![page(&[payload(1, &["recA"])], 5, true)], Ok(Step::Ask(5))),
        (vec![page(&[], 7, false)], Ok(Step::Done)),
        // But not what follows the first page.
        (vec![page(&[payload(1, &["recA"])], 5, true), page(&[payload(2, &["recB"])], 7, false)], gone(5)),
    ] {
        let mut cursor = PayloadCursor::from_oldest(&plan(), "achA", Some(9));
        assert_eq!(cursor.start(), Step::Ask(1));
        let last = pages.iter().map(|page| cursor.accept(page, 0)).last();
        assert_eq!(last, Some(expected), "{pages:?}");
    }
}

#[test]
fn what_was_told_is_what_the_range_says() {
    let mut cursor = PayloadCursor::new(&plan(), "achA", 5, Some(7));
    let payloads = [payload(1, &["recA"]), payload(2, &["recB"]), payload(2, &["recC"]), payload(3, &["recD"])];
    assert_eq!(cursor.accept(&page(&payloads, 9, true), 4), Ok(Step::Done));
    assert_eq!(cursor.changed.present().collect::<Vec<_>>(), ["recA", "recB", "recC"]);
    assert_eq!(cursor.changed.newest, Some(4), "the fallback, where payloads tell no time");
}

#[test]
fn a_batch_ends_after_whole_transactions() {
    // Payloads 5 to 9: transaction 1 of one record, 2 of two in two payloads, 3 of three, 4 of one.
    let payloads = [
        payload(1, &["recA"]),
        payload(2, &["recB"]),
        payload(2, &["recC"]),
        payload(3, &["recD", "recE", "recF"]),
        payload(4, &["recG"]),
    ];
    for (most, head, expected) in [
        (1, 10, 6),
        (2, 10, 6),
        (3, 10, 8),
        (5, 10, 8),
        (6, 10, 9),
        (7, 10, 10),
        (99, 10, 10),
        // The run ends before.
        (99, 7, 7),
        (2, 7, 7),
        (0, 10, 6),
    ] {
        let mut batch = BatchEnd::new(&plan(), 5, head, most);
        assert_eq!(batch.next(), Some(5));
        assert_eq!(batch.accept(page(&payloads, 10, false)), Some(expected), "{most} {head}");
        // The same, a payload a page.
        let mut batch = BatchEnd::new(&plan(), 5, head, most);
        let mut end = None;
        while let (Some(number), None) = (batch.next(), end) {
            let at = usize::try_from(number - 5).expect("small");
            end = batch.accept(page(&payloads[at..=at], number + 1, true));
        }
        assert_eq!(end, Some(expected), "{most} {head}, page by page");
    }
}

#[test]
fn a_transaction_too_large_for_a_batch_is_one() {
    let payloads = [payload(1, &["recA", "recB", "recC"]), payload(1, &["recD"]), payload(2, &["recE"])];
    let mut batch = BatchEnd::new(&plan(), 5, 8, 2);
    assert_eq!(batch.accept(page(&payloads, 8, false)), Some(7));
    // With nothing after it, it ends with the range.
    let mut batch = BatchEnd::new(&plan(), 5, 7, 2);
    assert_eq!(batch.accept(page(&payloads[..2], 7, false)), Some(7));
}

#[test]
fn a_batch_of_payloads_that_do_not_come_ends_with_the_range() {
    let mut batch = BatchEnd::new(&plan(), 5, 9, 2);
    assert_eq!(batch.accept(page(&[payload(1, &["recA"])], 6, true)), None);
    assert_eq!(batch.next(), Some(6));
    assert_eq!(batch.accept(page(&[], 6, false)), Some(9));
    assert_eq!(BatchEnd::new(&plan(), 5, 5, 2).next(), None);
}

fn odd() -> Value {
    json!({"baseTransactionNumber": 8, "changedTablesById": {"tblA": {"destroyedRecordIds": ["rec/1"]}}})
}

#[test]
fn a_payload_that_cannot_be_read_is_lost_where_it_matters() {
    let one = |n: u64| payload(n, &["recA"]);
    let why = "its destroyedRecordIds: \"rec/1\" is no id";
    // From payload 5 on.
    for (end, pages, lost) in [
        (Some(7), vec![page(&[one(1), odd()], 7, false)], Some(6)),
        (None, vec![page(&[odd(), one(1)], 7, false)], Some(5)),
        (Some(9), vec![page(&[one(1), one(2)], 7, true), page(&[one(3), odd()], 9, false)], Some(8)),
        // A transaction is read to its end.
        (Some(6), vec![page(&[one(8), odd()], 7, true)], Some(6)),
        // Beyond the range nothing is looked at.
        (Some(6), vec![page(&[one(1), odd()], 7, true)], None),
    ] {
        let mut cursor = PayloadCursor::new(&plan(), "achA", 5, end);
        let last = pages.iter().map(|page| cursor.accept(page, 0)).last().expect("a page");
        match (lost, last) {
            (None, last) => assert_eq!(last, Ok(Step::Done), "{pages:?}"),
            (Some(number), Err(Lost::Gone(text))) => {
                let start = format!("payload {number} of webhook achA cannot be read: {why}");
                assert!(text.starts_with(&start) && !text.contains("webhook_id"), "{text}");
            }
            (_, last) => panic!("{last:?}: {pages:?}"),
        }
    }
    let mut cursor = PayloadCursor::from_oldest(&plan(), "achA", Some(9));
    let lost = cursor.accept(&page(&[one(1), odd()], 7, true), 0);
    let is_told =
        |text: &str| text.starts_with("payload 6 of webhook achA") && text.contains("unless webhook_id names");
    assert!(matches!(&lost, Err(Lost::Gone(text)) if is_told(text)), "{lost:?}");
}

#[test]
fn a_batch_with_a_payload_that_cannot_be_read_ends_with_the_range_which_then_fails() {
    for (payloads, head, expected) in [
        (vec![payload(1, &["recA"]), odd(), payload(2, &["recB", "recC"]), payload(3, &["recD"])], 9, 9),
        (vec![odd(), payload(2, &["recB", "recC"]), payload(3, &["recD"])], 8, 8),
        // A batch that is full before it, and a range that ends before it.
        (vec![payload(1, &["recA", "recB"]), odd()], 7, 6),
        (vec![payload(1, &["recA"]), odd()], 6, 6),
    ] {
        let mut batch = BatchEnd::new(&plan(), 5, head, 2);
        let cursor = 5 + payloads.len() as u64;
        assert_eq!(batch.accept(page(&payloads, cursor, false)), Some(expected), "{payloads:?}");
    }
}
