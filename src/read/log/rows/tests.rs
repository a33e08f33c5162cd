//! What payloads come to, as tables.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use serde_json::{Value, json};

use super::*;
use crate::airtable::payload::Payloads;
use crate::airtable::schema::Table;
use crate::options::Options;

fn plan(options: &[(&str, &str)]) -> Scan {
    let table: Table = serde_json::from_value(json!({"id": "tblA", "name": "A", "primaryFieldId": "fldA", "fields": [
        {"id": "fldB", "name": "Of B", "type": "singleSelect"}, {"id": "fldA", "name": "Of A", "type": "number"},
        {"id": "fldC", "name": "Of C", "type": "checkbox"}]}))
    .expect("a table");
    let all = [("token", "patA"), ("ingestion_type", "change_log")].iter().chain(options).copied();
    Scan::new("appA", &table, &Options::parse(all).expect("options").read).expect("a plan")
}

fn payload(payload: &Value) -> Payload<CellChanges> {
    let page = json!({"payloads": [payload], "cursor": 8}).to_string();
    Payloads::read(&page, "tblA").expect("a page").payloads.remove(0)
}

fn of_table(change: &Value) -> Value {
    json!({"timestamp": "1970-01-01T00:00:01.500Z", "baseTransactionNumber": 7,
        "actionMetadata": {"source": "client", "sourceMetadata": {"user": {"id": "usrA", "name": "A"}}},
        "changedTablesById": {"tblA": change, "tblB": {"destroyedRecordIds": ["recX"]}}})
}

/// Each row as `id change field_id field old -> new`.
fn shown(scan: &Scan, change: &Value) -> Vec<String> {
    let mut rows = LogRows::new(scan);
    rows.add(&payload(&of_table(change))).expect("a payload");
    assert_eq!(rows.count() as u64, Logged::new(scan).count(payload(&of_table(change)).change().expect("a change")));
    let batch = rows.finish().expect("a batch");
    assert_eq!((rows.count(), batch.schema()), (0, scan.schema()));
    let text = |column: &str, row: usize| {
        let column = batch.column_by_name(column).expect("a column").as_string::<i32>();
        if column.is_null(row) { "-".to_owned() } else { column.value(row).to_owned() }
    };
    let row = |row| {
        let [id, change, field_id, field, old, new] =
            ["id", "change", "field_id", "field", "old_value", "new_value"].map(|column| text(column, row));
        format!("{id} {change} {field_id} {field} {old} -> {new}")
    };
    (0..batch.num_rows()).map(row).collect()
}

#[test]
fn every_cell_that_changed_is_a_row() {
    let select = json!({"id": "selA", "name": "Red"});
    let created = json!({"createdTime": "x", "cellValuesByFieldId": {"fldB": select, "fldA": 5, "fldC": false}});
    let changed = json!({"current": {"cellValuesByFieldId": {"fldA": null, "fldC": false, "fldZ": select}},
        "previous": {"cellValuesByFieldId": {"fldA": 1.50, "fldC": true}},
        "unchanged": {"cellValuesByFieldId": {"fldB": select}}});
    let all = json!({
        "createdRecordsById": {"rec2": created, "rec1": {"cellValuesByFieldId": {"fldA": null}}, "rec3": null},
        "changedRecordsById": {"rec5": changed, "rec4": {"current": {"cellValuesByFieldId": {}}}, "rec6": {}},
        "destroyedRecordIds": ["rec8", "rec7"],
    });
    assert_eq!(
        shown(&plan(&[]), &all),
        [
            "rec1 created - - - -> -",
            "rec2 created fldA Of A - -> 5",
            "rec2 created fldB Of B - -> \"Red\"",
            "rec3 created - - - -> -",
            "rec5 updated fldA Of A 1.5 -> -",
            "rec5 updated fldC Of C true -> -",
            // A field that the plan does not know: without a name, and in the form of payloads.
            "rec5 updated fldZ - - -> {\"id\":\"selA\",\"name\":\"Red\"}",
            "rec6 updated - - - -> -",
            "rec7 deleted - - - -> -",
            "rec8 deleted - - - -> -",
        ]
    );
    // Of some fields only: which records came and went is told all the same.
    assert_eq!(
        shown(&plan(&[("fields", "Of B")]), &all),
        [
            "rec1 created - - - -> -",
            "rec2 created fldB Of B - -> \"Red\"",
            "rec3 created - - - -> -",
            "rec6 updated - - - -> -",
            "rec7 deleted - - - -> -",
            "rec8 deleted - - - -> -",
        ]
    );
    assert_eq!(shown(&plan(&[]), &json!({"createdFieldsById": {"fldN": {}}})), [""; 0]);
}

#[test]
fn rows_tell_when_by_whom_and_how() {
    let scan = plan(&[]);
    let mut rows = LogRows::new(&scan);
    rows.add(&payload(&of_table(&json!({"destroyedRecordIds": ["rec1"]})))).expect("a payload");
    let mut system = of_table(&json!({"destroyedRecordIds": ["rec2"]}));
    system["actionMetadata"] = json!({"source": "system"});
    rows.add(&payload(&system)).expect("a payload");
    let mut untold = of_table(&json!({"destroyedRecordIds": ["rec3"]}));
    untold["actionMetadata"] = json!(null);
    rows.add(&payload(&untold)).expect("a payload");
    let batch = rows.finish().expect("a batch");
    let column = |name: &str| batch.column_by_name(name).expect("a column");
    assert_eq!(column("_changed_at").as_primitive::<TimestampMicrosecondType>().values(), &[1_500_000; 3]);
    assert_eq!(column("transaction").as_primitive::<Int64Type>().values(), &[7; 3]);
    let sources: Vec<_> = column("source").as_string::<i32>().iter().collect();
    assert_eq!(sources, [Some("client"), Some("system"), None]);
    let people = column("changed_by").as_struct();
    assert_eq!((0..3).map(|row| people.is_null(row)).collect::<Vec<_>>(), [false, true, true]);
    let first: Vec<Option<&str>> =
        people.columns().iter().map(|texts| texts.as_string::<i32>().iter().next().flatten()).collect();
    assert_eq!(first, [Some("usrA"), None, Some("A")]);
}

#[test]
fn a_user_s_schema_chooses_and_orders_columns() {
    let field = |name: &str, kind: Value| json!({"name": name, "type": kind, "nullable": true, "metadata": {}});
    let schema =
        json!({"type": "struct", "fields": [field("transaction", json!("long")), field("Id", json!("string"))]});
    let scan = plan(&[]).select(&schema.to_string()).expect("columns");
    let mut rows = LogRows::new(&scan);
    rows.add(&payload(&of_table(&json!({"destroyedRecordIds": ["rec1"]})))).expect("a payload");
    let batch = rows.finish().expect("a batch");
    assert_eq!(
        batch.schema().fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(),
        ["transaction", "Id"]
    );
    assert_eq!(batch.column(1).as_string::<i32>().value(0), "rec1");
}

#[test]
fn what_a_row_needs_is_told_or_the_payload_cannot_be_read() {
    for (key, value, why) in [
        ("timestamp", json!(null), "it has no timestamp"),
        ("timestamp", json!("yesterday"), "it has no timestamp"),
        ("baseTransactionNumber", json!(null), "it has no baseTransactionNumber"),
        ("baseTransactionNumber", json!(-1), "it has no baseTransactionNumber"),
        ("baseTransactionNumber", json!(u64::MAX), "it has no baseTransactionNumber"),
    ] {
        let mut odd = of_table(&json!({"destroyedRecordIds": ["rec1"]}));
        odd[key] = value.clone();
        let mut rows = LogRows::new(&plan(&[]));
        let error = rows.add(&payload(&odd)).expect_err("no row");
        assert!(error.starts_with(why), "{key} {value}: {error}");
        // Of a payload about other tables it does not matter.
        odd["changedTablesById"]["tblA"] = json!(null);
        assert_eq!(rows.add(&payload(&odd)), Ok(()), "{key} {value}");
    }
}
