//! Every type of Airtable's field model has a row here: what it becomes in Arrow and in Spark.

use serde_json::{Value, json};

use super::*;
use crate::columns::{sql_type, sql_type_of_arrow};

const TYPES: &[&str] = &[
    "singleLineText",
    "email",
    "url",
    "multilineText",
    "richText",
    "phoneNumber",
    "number",
    "percent",
    "currency",
    "rating",
    "duration",
    "checkbox",
    "singleSelect",
    "multipleSelects",
    "date",
    "dateTime",
    "createdTime",
    "lastModifiedTime",
    "singleCollaborator",
    "multipleCollaborators",
    "createdBy",
    "lastModifiedBy",
    "multipleRecordLinks",
    "multipleLookupValues",
    "lookup",
    "rollup",
    "formula",
    "count",
    "autoNumber",
    "barcode",
    "button",
    "multipleAttachments",
    "externalSyncSource",
    "aiText",
    "manualSort",
];

fn ddl(spark: &Value) -> String {
    match spark {
        Value::String(name) => name.clone(),
        array if array["type"] == "array" => format!("array<{}>", ddl(&array["elementType"])),
        record => {
            let fields = record["fields"].as_array().expect("fields").iter();
            let field = |f: &Value| format!("{}:{}", f["name"].as_str().expect("a name"), ddl(&f["type"]));
            format!("struct<{}>", fields.map(field).collect::<Vec<_>>().join(","))
        }
    }
}

fn result(kind: &str) -> Value {
    json!({"isValid": true, "result": {"type": kind, "options": {}}})
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn every_type_has_its_column() {
    let none = Value::Null;
    let person = "struct<id:string,email:string,name:string>";
    let thumbnail = "struct<url:string,width:long,height:long>";
    let file = format!(
        "struct<id:string,url:string,filename:string,size:long,type:string,width:long,height:long,\
         thumbnails:struct<small:{thumbnail},large:{thumbnail},full:{thumbnail}>>"
    );
    let rows: Vec<(&str, Value, String)> = vec![
        ("singleLineText", none.clone(), "string".into()),
        ("email", none.clone(), "string".into()),
        ("url", none.clone(), "string".into()),
        ("multilineText", none.clone(), "string".into()),
        ("richText", none.clone(), "string".into()),
        ("phoneNumber", none.clone(), "string".into()),
        ("number", json!({"precision": 0}), "double".into()),
        ("percent", json!({"precision": 2}), "double".into()),
        ("currency", json!({"precision": 2, "symbol": "$"}), "double".into()),
        ("duration", json!({"durationFormat": "h:mm"}), "double".into()),
        ("rating", json!({"max": 5}), "long".into()),
        ("count", json!({"isValid": false, "recordLinkFieldId": null}), "long".into()),
        ("autoNumber", none.clone(), "long".into()),
        ("checkbox", json!({"icon": "check"}), "boolean".into()),
        ("singleSelect", json!({"choices": []}), "string".into()),
        ("multipleSelects", json!({"choices": []}), "array<string>".into()),
        ("date", json!({"dateFormat": {"name": "iso"}}), "date".into()),
        ("dateTime", json!({"timeZone": "utc"}), "timestamp".into()),
        ("createdTime", none.clone(), "timestamp".into()),
        ("createdTime", result("date"), "date".into()),
        ("lastModifiedTime", json!({"isValid": false, "referencedFieldIds": null, "result": null}), "timestamp".into()),
        ("lastModifiedTime", result("date"), "date".into()),
        ("singleCollaborator", json!({}), person.into()),
        ("createdBy", none.clone(), person.into()),
        ("lastModifiedBy", none.clone(), person.into()),
        ("multipleCollaborators", json!({}), format!("array<{person}>")),
        ("multipleRecordLinks", json!({"linkedTableId": "tbl1"}), "array<string>".into()),
        ("multipleAttachments", json!({"isReversed": false}), format!("array<{file}>")),
        ("barcode", none.clone(), "struct<text:string,type:string>".into()),
        ("button", none.clone(), "struct<label:string,url:string>".into()),
        ("aiText", json!({}), "struct<state:string,value:string,isStale:boolean,errorType:string>".into()),
        ("externalSyncSource", json!({"choices": []}), "string".into()),
        ("manualSort", none.clone(), "string".into()),
        ("formula", result("number"), "double".into()),
        ("formula", result("dateTime"), "timestamp".into()),
        ("formula", result("checkbox"), "boolean".into()),
        ("formula", json!({"isValid": false, "result": null}), "string".into()),
        ("formula", none.clone(), "string".into()),
        ("formula", json!("odd"), "string".into()),
        ("rollup", result("currency"), "double".into()),
        ("rollup", json!({"result": {}}), "string".into()),
        ("multipleLookupValues", result("number"), "array<double>".into()),
        ("multipleLookupValues", result("multipleSelects"), "array<string>".into()),
        ("multipleLookupValues", result("multipleAttachments"), format!("array<{file}>")),
        (
            "multipleLookupValues",
            json!({"result": {"type": "formula", "options": result("date")}}),
            "array<date>".into(),
        ),
        ("multipleLookupValues", json!({"isValid": false, "result": null}), "array<string>".into()),
        ("lookup", result("rating"), "array<long>".into()),
        ("lookup", json!({"result": {"type": "lookup", "options": result("number")}}), "array<double>".into()),
        ("hologram", none.clone(), "string".into()),
        ("", none, "string".into()),
    ];
    for (kind, options, expected) in &rows {
        assert_eq!(ddl(&Shape::of(kind, options).spark_type()), *expected, "{kind} {options}");
    }
    for kind in TYPES {
        assert!(rows.iter().any(|row| row.0 == *kind), "{kind} has no row above");
    }
}

#[test]
fn only_the_checkbox_itself_is_false_when_empty() {
    assert_eq!(Shape::of("checkbox", &Value::Null), Shape::Checkbox);
    assert_eq!(Shape::of("formula", &result("checkbox")), Shape::Bool);
    assert_eq!(Shape::of("lookup", &result("checkbox")), Shape::Lookup(Box::new(Shape::Bool)));
}

#[test]
fn what_a_user_may_read_a_column_as() {
    let person = Shape::Struct(Object::Collaborator);
    for (shape, wanted, expected) in [
        (Shape::Float, json!("double"), Some(Shape::Float)),
        (Shape::Float, json!("long"), Some(Shape::Int)),
        (Shape::Float, json!("string"), Some(Shape::Any)),
        (Shape::Float, json!("integer"), None),
        (Shape::Int, json!("double"), Some(Shape::Float)),
        // Midnight of which zone? Spark's cast knows.
        (Shape::Date, json!("timestamp"), None),
        (Shape::Date, json!("timestamp_ntz"), None),
        (Shape::Timestamp, json!("date"), None),
        (Shape::Timestamp, json!("timestamp_ntz"), None),
        (Shape::Date, json!("string"), Some(Shape::Any)),
        (person.clone(), json!("string"), Some(Shape::Json)),
        (person.clone(), person.spark_type(), Some(person)),
    ] {
        assert_eq!(shape.read_as(&wanted), expected, "{shape:?} as {wanted}");
    }
}

#[test]
fn a_shape_survives_its_plan() {
    for kind in TYPES {
        let shape = Shape::of(kind, &result("multipleAttachments"));
        let text = serde_json::to_string(&shape).expect("serialisable");
        assert_eq!(serde_json::from_str::<Shape>(&text).expect(&text), shape);
    }
}

#[test]
fn both_types_are_the_same_in_sql() {
    for kind in TYPES {
        for inner in TYPES {
            let shape = Shape::of(kind, &result(inner));
            assert_eq!(sql_type_of_arrow(&shape.data_type()), sql_type(&shape.spark_type()), "{kind} {inner}");
        }
    }
}
