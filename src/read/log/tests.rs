//! Where batches of a log end, as tables.

use serde_json::{Value, json};

use super::*;
use crate::airtable::schema::Table;
use crate::options::Options;

fn plan() -> Scan {
    let table: Table = serde_json::from_value(json!({"id": "tblA", "name": "A", "primaryFieldId": "fldA",
        "fields": [{"id": "fldA", "name": "A", "type": "number"}]}))
    .expect("a table");
    let options = Options::parse([("token", "patA"), ("ingestion_type", "change_log")]).expect("options");
    Scan::new("appA", &table, &options.read).expect("a plan")
}

/// A page of payloads with so many rows each, that ends before a number.
fn page(rows: &[usize], cursor: u64) -> Payloads<CellChanges> {
    let ids = |rows: usize| (0..rows).map(|n| format!("rec{n}")).collect::<Vec<_>>();
    let payload = |rows: &usize| json!({"changedTablesById": {"tblA": {"destroyedRecordIds": ids(*rows)}}});
    let payloads: Vec<Value> = rows.iter().map(payload).collect();
    Payloads::read(&json!({"payloads": payloads, "cursor": cursor}).to_string(), "tblA").expect("a page")
}

#[test]
fn a_batch_ends_after_whole_payloads() {
    // Payloads 5 to 10.
    let rows = [1, 2, 0, 4, 1, 1];
    for (most, end, expected) in [
        (1, 11, 6),
        (2, 11, 6),
        (3, 11, 7),
        (6, 11, 8),
        (7, 11, 9),
        (8, 11, 10),
        (9, 11, 11),
        (99, 11, 11),
        // The run ends before.
        (99, 7, 7),
        (1, 6, 6),
        // One at least.
        (0, 11, 6),
    ] {
        let mut batch = LogBatchEnd::new(&plan(), 5, end, most);
        assert_eq!(batch.accept(&page(&rows, 11)), Some(expected), "{most} {end}");
        // The same, a payload a page.
        let (mut batch, mut told) = (LogBatchEnd::new(&plan(), 5, end, most), None);
        while told.is_none() {
            let number = batch.next();
            let at = usize::try_from(number - 5).expect("small");
            told = batch.accept(&page(&rows[at..=at], number + 1));
        }
        assert_eq!(told, Some(expected), "{most} {end}, a payload a page");
    }
}

#[test]
fn what_comes_before_a_gap_is_a_batch() {
    let odd = || {
        let page = json!({"payloads": [{}, {"changedTablesById": {"tblA": 5}}, {}], "cursor": 8});
        Payloads::read(&page.to_string(), "tblA").expect("a page")
    };
    for (pages, expected) in [
        (vec![page(&[], 5)], 11),
        (vec![page(&[1], 8)], 11),
        (vec![page(&[1], 6), page(&[], 6)], 6),
        (vec![page(&[1], 6), page(&[1], 9)], 6),
        (vec![odd()], 6),
    ] {
        let mut batch = LogBatchEnd::new(&plan(), 5, 11, 99);
        let told: Vec<_> = pages.iter().map(|page| batch.accept(page)).collect();
        assert_eq!(told.last(), Some(&Some(expected)), "{pages:?}");
    }
    let mut batch = LogBatchEnd::new(&plan(), 6, 11, 99);
    assert_eq!(batch.accept(&page(&[], 6)), Some(11), "the read fails there");
}
