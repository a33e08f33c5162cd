//! What is read of cells, as tables.

use serde_json::{Value, json};

use super::*;
use crate::airtable::payload::Payloads;

fn read(payload: &Value) -> Result<CellChanges, String> {
    let page = json!({"payloads": [payload], "cursor": 8}).to_string();
    let mut page = Payloads::<CellChanges>::read(&page, "tblA").expect("a page");
    page.payloads.remove(0).into_change()
}

fn of_table(change: &Value) -> Value {
    json!({"changedTablesById": {"tblB": 5, "tblA": change}})
}

/// Of each record its id and word, and its cells as `field: old -> new`.
fn shown(payload: &Value) -> Vec<String> {
    let text = |value: &Option<Box<RawValue>>| value.as_ref().map_or("none".to_owned(), |raw| raw.get().to_owned());
    let shown = |record: &RecordCells| match &record.cells {
        None => format!("{} {:?}", record.id, record.word),
        Some(cells) => {
            let cells =
                cells.iter().map(|(field, cell)| format!("{field}: {} -> {}", text(&cell.old), text(&cell.new)));
            format!("{} {:?} {:?}", record.id, record.word, cells.collect::<Vec<_>>())
        }
    };
    read(payload).expect("a payload").records.iter().map(shown).collect()
}

#[test]
fn every_cell_is_told_with_what_it_held_in_one_order() {
    let payload = of_table(&json!({
        "createdRecordsById": {
            "rec2": {"createdTime": "x", "cellValuesByFieldId": {"fldB": 1, "fldA": "a"}},
            "rec1": {"createdTime": "x", "cellValuesByFieldId": {}},
            "rec3": {"createdTime": "x"},
            "rec4": null,
        },
        "changedRecordsById": {
            "rec6": {"current": {"cellValuesByFieldId": {"fldB": null, "fldA": [1, 2]}},
                     "previous": {"cellValuesByFieldId": {"fldA": {"x": 1.50}, "fldB": false, "fldC": 9}},
                     "unchanged": {"cellValuesByFieldId": {"fldD": 5}}},
            "rec5": {"current": {"cellValuesByFieldId": {"fldA": 2}}},
            "rec7": {"current": {"cellValuesByFieldId": {}}},
            "rec8": {"current": null},
            "rec9": null,
        },
        "destroyedRecordIds": ["recB", "recA"],
    }));
    let expected = [
        "rec1 Created []",
        r#"rec2 Created ["fldA: none -> \"a\"", "fldB: none -> 1"]"#,
        "rec3 Created",
        "rec4 Created",
        r#"rec5 Updated ["fldA: none -> 2"]"#,
        r#"rec6 Updated ["fldA: {\"x\":1.5} -> [1,2]", "fldB: false -> none"]"#,
        "rec7 Updated []",
        "rec8 Updated",
        "rec9 Updated",
        "recA Deleted",
        "recB Deleted",
    ];
    assert_eq!(shown(&payload), expected);
}

#[test]
fn values_are_kept_as_they_are_written() {
    let page = r#"{"payloads":[{"changedTablesById":{"tblA":{"createdRecordsById":{"rec1":{"cellValuesByFieldId":
        {"fldA":1.50,"fldB":12345678901234567890123,"fldC":[ 1 , 2 ],"fldD":"\u0041"}}}}}}],"cursor":2}"#;
    let mut page = Payloads::<CellChanges>::read(page, "tblA").expect("a page");
    let change = page.payloads.remove(0).into_change().expect("a payload");
    let cells = change.records[0].cells.as_ref().expect("cells");
    let texts: Vec<&str> = cells.values().filter_map(|cell| cell.new.as_deref()).map(RawValue::get).collect();
    assert_eq!(texts, ["1.50", "12345678901234567890123", "[ 1 , 2 ]", "\"\\u0041\""]);
}

#[test]
fn who_made_the_change_is_told_in_many_forms() {
    let person = json!({"id": "usrA", "email": "a@example.com", "name": "A", "permissionLevel": "create"});
    let all = (Some("usrA"), Some("a@example.com"), Some("A"));
    for (action, source, user) in [
        (json!({"source": "client", "sourceMetadata": {"user": person}}), Some("client"), Some(all)),
        (
            json!({"source": "publicApi", "sourceMetadata": {"user": {"id": "usrA"}}}),
            Some("publicApi"),
            Some((Some("usrA"), None, None)),
        ),
        (json!({"source": "formSubmission", "sourceMetadata": {"viewId": "viwA"}}), Some("formSubmission"), None),
        (json!({"source": "automation", "sourceMetadata": {"automationId": "wflA"}}), Some("automation"), None),
        (json!({"source": "system"}), Some("system"), None),
        (json!({"source": "system", "sourceMetadata": null}), Some("system"), None),
        (json!({"source": "system", "sourceMetadata": {"user": null}}), Some("system"), None),
        (json!({"source": null, "sourceMetadata": {"user": person}}), None, Some(all)),
        (json!({}), None, None),
        (json!(null), None, None),
    ] {
        let mut payload = of_table(&json!({"destroyedRecordIds": ["recA"]}));
        payload["actionMetadata"] = action;
        let read = read(&payload).expect("a payload");
        assert_eq!(read.source.as_deref(), source, "{payload}");
        let told = read.user.as_ref().map(|user| (user.id.as_deref(), user.email.as_deref(), user.name.as_deref()));
        assert_eq!(told, user, "{payload}");
    }
}

#[test]
fn a_person_can_be_told_as_json() {
    for (person, expected) in [
        (
            json!({"id": "usrA", "email": "a@example.com", "name": "A \"B\""}),
            r#"{"id":"usrA","email":"a@example.com","name":"A \"B\""}"#,
        ),
        (json!({"id": "usrA", "name": null}), r#"{"id":"usrA"}"#),
        (json!({}), "{}"),
    ] {
        let user: User = serde_json::from_value(person).expect("a person");
        assert_eq!(user.to_json(), expected);
    }
}

#[test]
fn nothing_of_another_table_matters() {
    let payload = json!({"actionMetadata": 5, "changedTablesById": {"tblB": {"createdRecordsById": 5}}});
    assert!(read(&payload).expect("a payload").records.is_empty());
}

#[test]
fn what_cannot_be_read_is_never_taken_for_nothing() {
    let record = |record: Value| of_table(&json!({"changedRecordsById": {"rec1": record}}));
    let mut action = of_table(&json!({}));
    action["actionMetadata"] = json!({"source": 5});
    let mut metadata = of_table(&json!({}));
    metadata["actionMetadata"] = json!({"source": "client", "sourceMetadata": {"user": 5}});
    for (payload, why) in [
        (of_table(&json!({"createdRecordsById": {"rec/1": {}}})), "its createdRecordsById: \"rec/1\" is no id"),
        (of_table(&json!({"createdRecordsById": {"rec1": 5}})), "its createdRecordsById: invalid type: integer `5`"),
        (record(json!({"current": 5})), "its changedRecordsById: invalid type: integer `5`"),
        (record(json!({"current": {"cellValuesByFieldId": [1]}})), "its changedRecordsById: invalid type: sequence"),
        (
            record(json!({"current": {"cellValuesByFieldId": {"fld/A": 1}}})),
            "its cells of record rec1: \"fld/A\" is no id",
        ),
        (of_table(&json!({"destroyedRecordIds": [null]})), "its destroyedRecordIds: invalid type: null"),
        (of_table(&json!([])), "its changedTablesById.tblA: [] is no object"),
        (action, "its actionMetadata: invalid type: integer `5`"),
        (metadata, "its sourceMetadata: invalid type: integer `5`"),
        (json!([]), "[] is no object"),
    ] {
        let error = read(&payload).expect_err("a part that cannot be read");
        assert!(error.starts_with(why), "{payload}: {error}");
    }
}
