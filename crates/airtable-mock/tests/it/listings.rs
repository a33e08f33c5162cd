//! Listings: frozen orders, cursors that expire, odd pages, wrong parameters.

use std::time::Duration;

use airtable_mock::{Faults, MissingRecord};
use serde_json::{Value, json};

use super::client::{Bench, names, offset};

#[test]
fn order_is_frozen_and_values_are_live() {
    let bench = Bench::with_items(10);
    let base = bench.mock.base_id();
    let first = bench.items("pageSize=4&sort%5B0%5D%5Bfield%5D=N&filterByFormula=%7BN%7D%3C9").json();
    assert_eq!(names(&first), ["item 0", "item 1", "item 2", "item 3"]);
    let records = bench.mock.records(&base, "Items").expect("the table");
    let id = |n: usize| records[n]["id"].as_str().expect("an id");
    bench
        .mock
        .update_records(&base, "Items", &[json!({"id": id(5), "fields": {"Name": "moved", "N": 100}})])
        .expect("an update");
    bench.mock.delete_records(&base, "Items", &[id(4), id(6)]).expect("deleted");
    bench.mock.create_records(&base, "Items", &[json!({"Name": "late", "N": 1})]).expect("created");
    let second = bench.items(&format!("pageSize=4&offset={}", offset(&first))).json();
    assert_eq!(names(&second), ["moved", "item 7"], "deleted records leave gaps, edited ones keep their place");
    let third = bench.items(&format!("pageSize=4&offset={}", offset(&second))).json();
    assert_eq!((names(&third), third.get("offset")), (vec!["item 8".to_owned()], None));
    let again = bench.items(&format!("pageSize=4&offset={}", offset(&first))).json();
    assert_eq!(names(&again), names(&second), "a page can be asked for again");
}

#[test]
fn records_that_stop_matching_can_be_dropped() {
    let bench = Bench::with_items(6);
    bench.mock.set_faults(Faults { drop_unmatched: true, ..Faults::default() });
    let first = bench.items("pageSize=3&filterByFormula=%7BN%7D%3C5").json();
    let base = bench.mock.base_id();
    let id = bench.mock.records(&base, "Items").expect("the table")[3]["id"].clone();
    bench.mock.update_records(&base, "Items", &[json!({"id": id, "fields": {"N": 50}})]).expect("an update");
    let second = bench.items(&format!("pageSize=3&offset={}", offset(&first))).json();
    assert_eq!(names(&second), ["item 4"]);
}

#[test]
fn iterators_expire_by_pages_and_by_time() {
    let bench = Bench::with_items(10);
    let gone = json!({"error": {"type": "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"}});
    bench.mock.set_faults(Faults { iterator_pages: Some(2), ..Faults::default() });
    let first = bench.items("pageSize=2").json();
    let second = bench.items(&format!("pageSize=2&offset={}", offset(&first))).json();
    let third = bench.items(&format!("pageSize=2&offset={}", offset(&second)));
    assert_eq!((third.status, third.json()), (422, gone.clone()));
    bench.mock.set_faults(Faults { iterator_seconds: Some(0.05), ..Faults::default() });
    let first = bench.items("pageSize=2").json();
    std::thread::sleep(Duration::from_millis(120));
    let second = bench.items(&format!("pageSize=2&offset={}", offset(&first)));
    assert_eq!((second.status, second.json()), (422, gone));
}

#[test]
fn wrong_parameters_have_their_errors() {
    let bench = Bench::with_items(3);
    let base = bench.mock.base_id();
    let cases = [
        ("offset=nonsense", "INVALID_OFFSET_VALUE"),
        ("offset=itr00000000000000", "INVALID_OFFSET_VALUE"),
        ("offset=itr00000000000000%2Frec00000000000000", "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"),
        ("pageSize=101", "INVALID_REQUEST_UNKNOWN"),
        ("fields[]=Nope", "UNKNOWN_FIELD_NAME"),
        ("sort[0][field]=Nope", "UNKNOWN_FIELD_NAME"),
        ("view=Nope", "VIEW_NAME_NOT_FOUND"),
        ("view=viw00000000000000", "VIEW_ID_NOT_FOUND"),
        ("filterByFormula=%7BNope%7D", "INVALID_FILTER_BY_FORMULA"),
        ("cellFormat=string", "INVALID_REQUEST_UNKNOWN"),
    ];
    for (query, kind) in cases {
        let (status, body) = bench.error_of(&format!("/v0/{base}/Items?{query}"));
        assert_eq!((status, body["error"]["type"].as_str()), (422, Some(kind)), "{query}");
    }
    assert_eq!(bench.error_of("/v0/nowhere").1, json!({"error": "NOT_FOUND"}));
    let long = format!("/v0/{base}/Items?view={}", "x".repeat(16_000));
    assert_eq!(bench.get(&long).status, 414);
    let broken =
        bench.client.post(format!("{}/v0/{base}/Items", bench.mock.url())).bearer_auth(bench.mock.token()).body("{");
    let status = bench.runtime.block_on(broken.send()).expect("an answer").status();
    assert_eq!(status, 400);
}

#[test]
fn odd_pages() {
    let bench = Bench::with_items(5);
    let base = bench.mock.base_id();
    let pages = |faults: Faults, most: usize| {
        bench.mock.set_faults(faults);
        let mut pages: Vec<Value> = vec![bench.items("pageSize=2").json()];
        while pages.len() < most && pages[pages.len() - 1].get("offset").is_some() {
            let next = offset(&pages[pages.len() - 1]);
            pages.push(bench.get(&format!("/v0/{base}/Items?pageSize=2&offset={next}")).json());
        }
        pages
    };
    let lengths = |pages: &[Value]| pages.iter().map(|page| names(page).len()).collect::<Vec<_>>();
    assert_eq!(lengths(&pages(Faults::default(), 9)), [2, 2, 1]);
    assert_eq!(lengths(&pages(Faults { page_size: Some(1), ..Faults::default() }, 9)), [1, 1, 1, 1, 1]);
    assert_eq!(lengths(&pages(Faults { empty_last_page: true, ..Faults::default() }, 9)), [2, 2, 1, 0]);
    assert_eq!(lengths(&pages(Faults { endless_empty_pages: true, ..Faults::default() }, 7)), [2, 2, 1, 0, 0, 0, 0]);
    let doubled = pages(Faults { duplicates_per_page: 1, ..Faults::default() }, 9);
    assert_eq!(
        doubled.iter().flat_map(names).collect::<Vec<_>>(),
        ["item 0", "item 1", "item 1", "item 2", "item 3", "item 3", "item 4"]
    );
    let repeated = pages(Faults { repeat_offset: true, ..Faults::default() }, 6);
    assert_eq!(repeated.len(), 6);
    assert!(repeated.iter().all(|page| page["offset"] == repeated[0]["offset"]));
}

#[test]
fn changes_can_be_slow_to_show() {
    let bench = Bench::with_items(2);
    let base = bench.mock.base_id();
    bench.mock.set_faults(Faults { visibility_delay_ms: 60_000, ..Faults::default() });
    let id = bench.mock.records(&base, "Items").expect("the table")[0]["id"].clone();
    bench.mock.update_records(&base, "Items", &[json!({"id": id, "fields": {"Name": "new"}})]).expect("an update");
    bench.mock.create_records(&base, "Items", &[json!({"Name": "third"})]).expect("created");
    assert_eq!(names(&bench.items("").json()), ["item 0", "item 1"]);
    bench.mock.advance_clock(61.0);
    assert_eq!(names(&bench.items("").json()), ["new", "item 1", "third"]);
}

#[test]
fn missing_records_are_reported_three_ways() {
    let bench = Bench::with_items(1);
    let path = format!("/v0/{}/Items/recDoesNotExist00", bench.mock.base_id());
    let cases = [
        (MissingRecord::Model, 404, json!({"error": {"type": "MODEL_ID_NOT_FOUND", "message": "Record not found"}})),
        (MissingRecord::Object, 404, json!({"error": {"type": "NOT_FOUND"}})),
        (MissingRecord::Bare, 404, json!({"error": "NOT_FOUND"})),
    ];
    for (missing_record, status, body) in cases {
        bench.mock.set_faults(Faults { missing_record, ..Faults::default() });
        assert_eq!(bench.error_of(&path), (status, body));
    }
}
