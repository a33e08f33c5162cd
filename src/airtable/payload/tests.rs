//! What is read of a payload, as tables.

use serde_json::json;

use super::*;

/// The payload, as a stream of the table tblA has it.
fn read(payload: &Value) -> Payload {
    let page = json!({"payloads": [payload], "cursor": 8}).to_string();
    Payloads::<RecordChanges>::read(&page, "tblA").expect("a page").payloads.remove(0)
}

/// Created, changed, destroyed, and whether something is said of the definition.
type Said = (Vec<String>, Vec<String>, Vec<String>, bool);

/// What it says.
fn said(payload: &Value) -> Result<Said, String> {
    let payload = read(payload);
    let change = payload.change()?;
    let mut created: Vec<String> = change.created_records.keys().cloned().collect();
    created.sort();
    let changed = change.changed_records.keys().cloned().collect();
    Ok((created, changed, change.destroyed_records.clone(), change.definition))
}

fn of_table(change: &Value) -> Value {
    json!({"changedTablesById": {"tblA": change}})
}

#[test]
fn a_failure_is_told_in_many_forms() {
    let no_code = Some("an error without a code");
    for (payload, expected) in [
        (json!({"error": true, "code": "INVALID_HOOK"}), Some("INVALID_HOOK")),
        (json!({"code": "INVALID_HOOK"}), Some("INVALID_HOOK")),
        (json!({"error": "INVALID_HOOK"}), Some("INVALID_HOOK")),
        (json!({"error": {"type": "INVALID_HOOK"}}), Some("INVALID_HOOK")),
        (json!({"error": {"type": "INVALID_HOOK", "message": "gone"}, "code": null}), Some("INVALID_HOOK")),
        (json!({"error": {"code": "INVALID_HOOK"}}), Some("INVALID_HOOK")),
        (json!({"error": {"type": "OTHER"}, "code": "INVALID_HOOK"}), Some("INVALID_HOOK")),
        (json!({"error": null, "code": "INVALID_HOOK"}), Some("INVALID_HOOK")),
        (json!({"error": "two\nlines"}), Some("two lines")),
        (json!({"error": true, "code": 500}), Some("500")),
        (json!({"error": true}), no_code),
        (json!({"error": true, "code": null}), no_code),
        (json!({"error": {}}), no_code),
        (json!({"error": ["INVALID_HOOK"]}), no_code),
        (json!({"error": ""}), no_code),
        (json!({"error": null}), None),
        (json!({"error": null, "code": null}), None),
        (json!({"error": false}), None),
        (json!({}), None),
    ] {
        assert_eq!(read(&payload).failure(), expected, "{payload}");
    }
}

#[test]
fn a_null_is_a_key_that_is_left_out() {
    let whole = json!({"timestamp": "1970-01-01T00:00:01.000Z", "baseTransactionNumber": 4, "error": false,
        "code": null, "destroyedTableIds": ["tblB"], "changedTablesById": {"tblB": {}, "tblA": {
            "createdRecordsById": {"rec1": {"createdTime": "x"}}, "changedRecordsById": {"rec2": {}},
            "destroyedRecordIds": ["rec3"], "createdFieldsById": {}, "changedFieldsById": {}, "destroyedFieldIds": []}}});
    let all = said(&whole).expect("a payload");
    assert_eq!(all, (vec!["rec1".into()], vec!["rec2".into()], vec!["rec3".into()], false));
    let paths = ["", "/changedTablesById", "/changedTablesById/tblA"];
    let mut keys = 0;
    for path in paths {
        for key in whole.pointer(path).and_then(Value::as_object).expect("an object").keys() {
            let (mut null, mut left_out) = (whole.clone(), whole.clone());
            null.pointer_mut(path).expect("there")[key] = Value::Null;
            left_out.pointer_mut(path).and_then(Value::as_object_mut).expect("there").remove(key);
            assert_eq!(said(&null), said(&left_out), "{null}");
            assert!(said(&null).is_ok() && read(&null).failure().is_none(), "{null}");
            assert_eq!(read(&null).at(), read(&left_out).at(), "{null}");
            keys += 1;
        }
    }
    assert_eq!(keys, 6 + 2 + 6);
    // Records of which nothing is told.
    for record in [json!(null), json!({"current": null}), json!({"current": {"cellValuesByFieldId": null}})] {
        let payload = read(&of_table(&json!({"changedRecordsById": {"rec1": record}})));
        let change = payload.change().expect("a change");
        let fields = change.changed_records["rec1"].as_ref().and_then(RecordChange::fields).map(Iterator::count);
        assert_eq!(fields, None, "{record}: any field may have changed");
    }
    let created = of_table(&json!({"createdRecordsById": {"rec1": null}}));
    assert_eq!(said(&created).map(|said| said.0), Ok(vec!["rec1".to_owned()]));
}

#[test]
fn nothing_in_the_part_of_another_table_matters() {
    for other in [
        json!(null),
        json!(5),
        json!("x"),
        json!([]),
        json!({"createdRecordsById": {"../rec": {}}}),
        json!({"changedRecordsById": {"rec\n": null}}),
        json!({"destroyedRecordIds": [1, null, "rec'"]}),
        json!({"destroyedRecordIds": {"rec1": {}}}),
    ] {
        let payload = json!({"changedTablesById": {"tblB": other, "tbl/../C": other,
            "tblA": {"destroyedRecordIds": ["rec1"]}}, "destroyedTableIds": [other, "tblB"]});
        assert_eq!(said(&payload), Ok((vec![], vec![], vec!["rec1".into()], false)), "{payload}");
    }
    // However deep.
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let page = format!(r#"{{"payloads":[{{"changedTablesById":{{"tblB":{deep}}}}}],"cursor":2}}"#);
    let page = Payloads::<RecordChanges>::read(&page, "tblA").expect("a page");
    assert!(page.payloads[0].change().is_ok());
}

#[test]
fn what_cannot_be_read_of_its_own_part_is_never_taken_for_nothing() {
    for (payload, why) in [
        (of_table(&json!({"createdRecordsById": {"rec/1": {}}})), "its createdRecordsById: \"rec/1\" is no id"),
        (of_table(&json!({"changedRecordsById": {"rec'": {}}})), "its changedRecordsById: \"rec'\" is no id"),
        (of_table(&json!({"destroyedRecordIds": ["rec1", ""]})), "its destroyedRecordIds: \"\" is no id"),
        (of_table(&json!({"destroyedRecordIds": ["rec1", null]})), "its destroyedRecordIds: invalid type: null"),
        (of_table(&json!({"destroyedRecordIds": {"rec1": {}}})), "its destroyedRecordIds: invalid type: map"),
        (of_table(&json!({"createdRecordsById": ["rec1"]})), "its createdRecordsById: invalid type: sequence"),
        (of_table(&json!({"changedRecordsById": {"rec1": 5}})), "its changedRecordsById: invalid type: integer `5`"),
        (of_table(&json!({"createdFieldsById": "fldA"})), "its createdFieldsById: invalid type: string"),
        (of_table(&json!({"changedFieldsById": [1]})), "its changedFieldsById: invalid type: sequence"),
        (of_table(&json!({"destroyedFieldIds": true})), "its destroyedFieldIds: invalid type: boolean"),
        (of_table(&json!([])), "its changedTablesById.tblA: [] is no object"),
        (of_table(&json!("rec1")), "its changedTablesById.tblA: \"rec1\" is no object"),
        (json!({"changedTablesById": ["tblA"]}), "its changedTablesById: invalid type: sequence"),
        (json!({"changedTablesById": 5}), "its changedTablesById: invalid type: integer `5`"),
        (json!(null), "null is no object"),
        (json!([]), "[] is no object"),
        (json!("payload"), "\"payload\" is no object"),
    ] {
        let error = said(&payload).expect_err("a part that cannot be read");
        assert!(error.starts_with(why), "{payload}: {error}");
    }
}

#[test]
fn a_definition_is_looked_at_where_the_table_may_be_gone() {
    for (ids, expected) in [
        (json!(["tblA"]), true),
        (json!(["tblB", "tblA"]), true),
        (json!({"tblA": {}}), true),
        (json!("tblB"), true),
        (json!(["tblB", null, 5]), false),
        (json!([]), false),
        (json!(null), false),
    ] {
        let said = said(&json!({"destroyedTableIds": ids})).expect("a payload");
        assert_eq!(said.3, expected, "{ids}");
    }
}

#[test]
fn odd_times_and_numbers_are_none() {
    for (key, value) in [
        ("timestamp", json!(5)),
        ("timestamp", json!("yesterday")),
        ("baseTransactionNumber", json!("4")),
        ("baseTransactionNumber", json!(-4)),
    ] {
        let mut payload = of_table(&json!({"destroyedRecordIds": ["rec1"]}));
        payload[key] = value.clone();
        let read = read(&payload);
        assert_eq!((read.at(), read.base_transaction_number), (None, None), "{key}: {value}");
        assert_eq!(said(&payload).map(|said| said.2), Ok(vec!["rec1".to_owned()]), "{key}: {value}");
        assert!(!read.is_same_transaction(&read), "{key}: {value}");
    }
}

#[test]
fn a_page_has_payloads_and_the_number_after_them() {
    for (page, expected) in [
        (json!({"payloads": [{}, {}], "cursor": 8, "mightHaveMore": true}), Some((vec![6, 7], true))),
        (json!({"payloads": [null, {}], "cursor": 8, "mightHaveMore": null}), Some((vec![6, 7], false))),
        (json!({"payloads": [], "cursor": 8}), Some((vec![], false))),
        // Nobody could say then what is missing.
        (json!({"payloads": null, "cursor": 8}), None),
        (json!({"cursor": 8}), None),
        (json!({"payloads": [], "cursor": null}), None),
        (json!({"payloads": []}), None),
    ] {
        let read = Payloads::<RecordChanges>::read(&page.to_string(), "tblA").ok();
        let read = read.map(|page| (page.numbered().map(|(number, _)| number).collect(), page.might_have_more));
        assert_eq!(read, expected, "{page}");
    }
}
