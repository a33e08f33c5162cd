//! What payloads say, as tables.

use serde_json::json;

use super::*;
use crate::airtable::payload::Payloads;
use crate::airtable::schema::Table;
use crate::options::Options;

fn plan(options: &[(&str, &str)]) -> Scan {
    let table: Table = serde_json::from_value(json!({"id": "tblA", "name": "A", "primaryFieldId": "fldA",
        "fields": [{"id": "fldA", "name": "A", "type": "number"}, {"id": "fldB", "name": "B", "type": "number"}]}))
    .expect("a table");
    let all = [("token", "patA"), ("ingestion_type", "cdc_with_deletes")].iter().chain(options).copied();
    Scan::new("appA", &table, &Options::parse(all).expect("options").read).expect("a plan")
}

fn changed(options: &[(&str, &str)], payloads: &[serde_json::Value]) -> Changed {
    let mut changed = Changed::new(&plan(options));
    for payload in payloads {
        let page = json!({"payloads": [payload], "cursor": 2}).to_string();
        let page = Payloads::read(&page, "tblA").expect("a page");
        changed.add(&page.payloads[0], 7).expect("a payload");
    }
    changed
}

fn of_table(second: u32, change: &serde_json::Value) -> serde_json::Value {
    json!({"timestamp": format!("1970-01-01T00:00:{second:02}.000Z"), "baseTransactionNumber": second,
        "changedTablesById": {"tblA": change, "tblB": {"destroyedRecordIds": ["recOther"]}}})
}

#[test]
fn the_last_word_on_a_record_counts() {
    let payloads = [
        of_table(1, &json!({"createdRecordsById": {"rec1": {}, "rec2": {}}})),
        of_table(
            2,
            &json!({"changedRecordsById": {"rec1": {"current": {"cellValuesByFieldId": {"fldB": 1}}}, "rec3": {}}}),
        ),
        of_table(3, &json!({"destroyedRecordIds": ["rec2", "rec4"]})),
        of_table(4, &json!({"createdRecordsById": {"rec4": {"createdTime": "x"}}})),
    ];
    let changed = changed(&[], &payloads);
    assert_eq!(changed.newest, Some(4_000_000));
    assert!(!changed.definition);
    assert_eq!(changed.present().collect::<Vec<_>>(), ["rec1", "rec3", "rec4"]);
    let at = |id: &str, second: i64| (id.to_owned(), second * 1_000_000);
    let expected = Listed {
        present: vec![at("rec1", 2), at("rec3", 2), at("rec4", 4)],
        gone: vec![at("rec2", 3)],
        absent_are_gone: false,
    };
    assert_eq!(changed.listed(&plan(&[])), expected);
}

#[test]
fn a_stream_of_deletes_tells_them_last_and_looks_only_where_records_may_leave() {
    let payloads = [of_table(1, &json!({"changedRecordsById": {"rec1": {}}, "destroyedRecordIds": ["rec2"]}))];
    let gone = vec![("rec2".to_owned(), 1_000_001)];
    let deletes = ("isDeleteFlow", "true");
    for (options, present, absent_are_gone) in [
        (vec![deletes], vec![], false),
        (vec![deletes, ("filter_formula", "{A}")], vec![("rec1".to_owned(), 1_000_001)], true),
    ] {
        let listed = changed(&options, &payloads).listed(&plan(&options));
        assert_eq!(listed, Listed { present, gone: gone.clone(), absent_are_gone }, "{options:?}");
    }
}

#[test]
fn records_that_are_read_anyhow_give_way_to_what_payloads_say() {
    let mut changed = changed(&[], &[of_table(1, &json!({"destroyedRecordIds": ["rec2"]}))]);
    changed.also(["rec1".to_owned(), "rec2".to_owned()], 5);
    assert_eq!(changed.present().collect::<Vec<_>>(), ["rec1"]);
}

#[test]
fn changes_of_fields_that_are_not_read_do_not_matter_unless_they_may_decide_what_is_read() {
    let payload =
        [of_table(1, &json!({"changedRecordsById": {"rec1": {"current": {"cellValuesByFieldId": {"fldB": 1}}}}}))];
    for (options, count) in [
        (vec![], 1),
        (vec![("fields", "A")], 0),
        (vec![("fields", "B")], 1),
        (vec![("fields", "A"), ("filter_formula", "{B}")], 1),
    ] {
        assert_eq!(changed(&options, &payload).len(), count, "{options:?}");
    }
    // Which fields it was is not told.
    for record in [json!(null), json!({}), json!({"current": null}), json!({"current": {"cellValuesByFieldId": null}})]
    {
        let payload = [of_table(1, &json!({"changedRecordsById": {"rec1": record}}))];
        assert_eq!(changed(&[("fields", "A")], &payload).len(), 1, "{record}");
    }
}

#[test]
fn of_a_payload_that_cannot_be_read_nothing_is_taken() {
    let odd = of_table(9, &json!({"createdRecordsById": {"rec2": {}}, "destroyedRecordIds": ["rec/1"]}));
    let page = Payloads::read(&json!({"payloads": [odd], "cursor": 3}).to_string(), "tblA").expect("a page");
    let mut changed = changed(&[], &[of_table(1, &json!({"createdRecordsById": {"rec1": {}}}))]);
    let why = changed.add(&page.payloads[0], 7).expect_err("an id that is none");
    assert!(why.starts_with("its destroyedRecordIds: \"rec/1\" is no id"), "{why}");
    assert_eq!((changed.present().collect::<Vec<_>>(), changed.newest), (vec!["rec1".to_owned()], Some(1_000_000)));
}

#[test]
fn definitions_are_noticed() {
    for change in [
        json!({"createdFieldsById": {"fldC": {"name": "C", "type": "number"}}}),
        json!({"changedFieldsById": {"fldA": {"current": {"name": "Z"}}}}),
        json!({"destroyedFieldIds": ["fldA"]}),
    ] {
        assert!(changed(&[], &[of_table(1, &change)]).definition, "{change}");
    }
    assert!(changed(&[], &[json!({"destroyedTableIds": ["tblA"]})]).definition);
    assert!(!changed(&[], &[json!({"destroyedTableIds": ["tblB"]})]).definition);
}

/// `rec1` after some words of transactions: whether it is read, and whether it is gone if it is not there.
#[test]
fn a_record_that_is_created_and_destroyed_is_read_and_gone_if_it_is_not_there() {
    let created = || json!({"createdRecordsById": {"rec1": {}}});
    let edited = || json!({"changedRecordsById": {"rec1": {}}});
    let destroyed = || json!({"destroyedRecordIds": ["rec1"]});
    let both = || json!({"createdRecordsById": {"rec1": {}}, "destroyedRecordIds": ["rec1"]});
    let edited_and_destroyed = || json!({"changedRecordsById": {"rec1": {}}, "destroyedRecordIds": ["rec1"]});
    for (payloads, is_read, may_be_gone) in [
        (vec![(1, both())], true, true),
        // The parts of one transaction have no order.
        (vec![(1, created()), (1, destroyed())], true, true),
        (vec![(1, destroyed()), (1, created())], true, true),
        (vec![(1, created()), (1, edited()), (1, destroyed())], true, true),
        (vec![(1, edited_and_destroyed())], false, true),
        (vec![(1, destroyed()), (1, edited())], false, true),
        // Transactions have one.
        (vec![(1, created()), (2, destroyed())], false, true),
        (vec![(1, destroyed()), (2, created())], true, false),
        (vec![(1, both()), (2, destroyed())], false, true),
        (vec![(1, both()), (2, edited())], true, false),
        (vec![(1, destroyed()), (2, both())], true, true),
    ] {
        let given: Vec<_> = payloads.iter().map(|(second, change)| of_table(*second, change)).collect();
        for options in [vec![], vec![("isDeleteFlow", "true")]] {
            let listed = changed(&options, &given).listed(&plan(&options));
            let is_read = is_read && (options.is_empty() || may_be_gone);
            assert_eq!(
                (!listed.present.is_empty(), !listed.gone.is_empty()),
                (is_read, may_be_gone),
                "{options:?} {payloads:?}"
            );
        }
    }
}

#[test]
fn records_are_unsure_where_nothing_says_that_they_went() {
    let payloads = [
        of_table(1, &json!({"createdRecordsById": {"recOld": {}}})),
        of_table(5, &json!({"createdRecordsById": {"recNew": {}, "recBrief": {}}})),
        of_table(6, &json!({"changedRecordsById": {"recNew": {}, "recEdited": {}}})),
        of_table(7, &json!({"destroyedRecordIds": ["recBrief"]})),
    ];
    let filter = ("filter_formula", "{A}");
    for (options, expected) in [
        (vec![], vec!["recEdited", "recNew"]),
        // What is edited may leave a filter.
        (vec![filter], vec!["recNew"]),
        // Deletes need no records, unless they may leave.
        (vec![("isDeleteFlow", "true")], vec![]),
        (vec![("isDeleteFlow", "true"), filter], vec!["recNew"]),
    ] {
        let unsure = changed(&options, &payloads).unsure(&plan(&options), 2_000_000);
        assert_eq!(unsure.keys().collect::<Vec<_>>(), expected, "{options:?}");
    }
}

#[test]
fn a_great_many_edits_are_not_asked_for_twice() {
    for (count, expected) in [(500, 501), (501, 1)] {
        let mut edits: serde_json::Map<String, serde_json::Value> =
            (0..count).map(|number| (format!("rec{number}"), json!({}))).collect();
        let payload = of_table(
            1,
            &json!({"changedRecordsById": std::mem::take(&mut edits), "createdRecordsById": {"recNew": {}}}),
        );
        assert_eq!(changed(&[], &[payload]).unsure(&plan(&[]), 0).len(), expected, "{count}");
    }
}

#[test]
fn what_is_awaited_gives_way_to_what_payloads_say() {
    let mut changed =
        changed(&[], &[of_table(3, &json!({"changedRecordsById": {"recA": {}}, "destroyedRecordIds": ["recB"]}))]);
    let unread: Unread = ["recA", "recB", "recC"].map(|id| (id.to_owned(), 1_000_000)).into();
    changed.also_awaited(&unread);
    assert_eq!(changed.awaited(), [("recC".to_owned(), 1_000_000)].into());
    changed.leave_out(&changed.awaited());
    let listed = changed.listed(&plan(&[]));
    assert_eq!(listed.present, [("recA".to_owned(), 3_000_000)]);
    assert_eq!(listed.gone, [("recB".to_owned(), 3_000_000)]);
}
