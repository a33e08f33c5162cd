//! Pages in, batches out.

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Float64Type};
use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::*;
use crate::airtable::schema::Table;
use crate::options::Options;

pub(crate) fn scan(pairs: &[(&str, &str)]) -> Scan {
    let table = json!({
        "id": "tblT", "name": "T", "primaryFieldId": "fldName",
        "fields": [
            {"id": "fldName", "name": "Name", "type": "singleLineText"},
            {"id": "fldMargin", "name": "Margin", "type": "formula", "options": {"result": {"type": "number"}}},
            {"id": "fldDone", "name": "Done", "type": "checkbox"},
            {"id": "fldTags", "name": "Tags", "type": "multipleSelects"},
            {"id": "fldWho", "name": "Who", "type": "singleCollaborator"},
            {"id": "fldDay", "name": "Day", "type": "date"},
            {"id": "fldNew", "name": "New", "type": "hologram"},
        ],
    });
    let table: Table = serde_json::from_value(table).expect("a table");
    let options = Options::parse([("token", "patX")].into_iter().chain(pairs.iter().copied())).expect("valid");
    Scan::new("appX", &table, &options.read).expect("a plan")
}

fn decode(pairs: &[(&str, &str)], pages: &[Value]) -> (RecordBatch, Decoder) {
    let mut decoder = Decoder::new(&scan(pairs));
    for page in pages {
        decoder.page(page.to_string().as_bytes()).expect("a page");
    }
    (decoder.finish().expect("a batch"), decoder)
}

fn strings(batch: &RecordBatch, column: &str) -> Vec<Option<String>> {
    let column = batch.column_by_name(column).expect("the column");
    column.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
}

#[test]
fn absent_cells_are_empty_and_a_record_without_cells_is_a_row() {
    let page = json!({"records": [
        {"id": "rec1", "createdTime": "2022-09-12T21:03:48.000Z", "fields": {"fldName": "a", "fldMargin": 0, "fldDone": true}},
        {"id": "rec2", "createdTime": "2022-09-12T21:03:48.000Z", "fields": {}},
        {"id": "rec3"},
    ], "offset": "itr1/rec3"});
    let mut decoder = Decoder::new(&scan(&[]));
    let read = decoder.page(page.to_string().as_bytes()).expect("a page");
    assert_eq!(read, Page { offset: Some("itr1/rec3".into()), records: 3, new_records: 3 });
    let batch = decoder.finish().expect("a batch");
    assert_eq!(strings(&batch, "id"), ["rec1", "rec2", "rec3"].map(|id| Some(id.into())));
    assert_eq!(strings(&batch, "name"), [Some("a".into()), None, None]);
    let margin = batch.column_by_name("margin").expect("margin").as_primitive::<Float64Type>();
    assert_eq!(margin.iter().collect::<Vec<_>>(), [Some(0.0), None, None]);
    let done = batch.column_by_name("done").expect("done").as_boolean();
    assert_eq!(done.iter().collect::<Vec<_>>(), [Some(true), Some(false), Some(false)]);
    assert_eq!(batch.column_by_name("createdTime").expect("createdTime").null_count(), 1);
    assert_eq!(batch.column_by_name("_rescued_data").expect("rescued").null_count(), 3);
}

#[test]
fn every_batch_has_exactly_the_planned_schema() {
    let scan = scan(&[]);
    let mut decoder = Decoder::new(&scan);
    for round in 0..3 {
        let page = json!({"records": [{"id": format!("rec{round}"), "fields": {"fldNew": {"a": [1]}}}]});
        decoder.page(page.to_string().as_bytes()).expect("a page");
        assert_eq!(decoder.finish().expect("a batch").schema(), scan.schema());
    }
    assert_eq!(decoder.finish().expect("an empty batch").num_rows(), 0);
}

#[test]
fn misfits_are_kept_whole() {
    let page = json!({"records": [{"id": "rec1", "createdTime": "soon", "fields": {
        "fldName": 7, "fldMargin": {"error": "#ERROR!"}, "fldTags": ["a", 1], "fldDay": {"specialValue": "NaN"}, "fldGone": [1],
    }}]});
    let (batch, decoder) = decode(&[], &[page]);
    let kept = strings(&batch, "_rescued_data")[0].clone().expect("misfits");
    let mut kept: Vec<Value> = serde_json::from_str(&kept).expect("JSON");
    kept.sort_by_key(|one| one["field"].to_string());
    let one = |field: Value, id: Value, value: Value, reason: &str| json!({"field": field, "field_id": id, "value": value, "reason": reason});
    let expected = [
        one("Day".into(), "fldDay".into(), json!({"specialValue": "NaN"}), "special value"),
        one("Margin".into(), "fldMargin".into(), json!({"error": "#ERROR!"}), "error value"),
        one("Name".into(), "fldName".into(), json!(7), "expected a text"),
        one("Tags".into(), "fldTags".into(), json!(["a", 1]), "expected an array, each item a text"),
        one(
            "createdTime".into(),
            Value::Null,
            json!("soon"),
            "expected a time from year 1 to 9999, to the microsecond",
        ),
        one(Value::Null, "fldGone".into(), json!([1]), "field is not in the plan of this read"),
    ];
    assert_eq!(kept, expected);
    assert_eq!(decoder.dropped(), 0);
    let tags = batch.column_by_name("tags").expect("tags").as_list::<i32>().value(0);
    assert_eq!(tags.as_string::<i32>().iter().collect::<Vec<_>>(), [Some("a"), None]);
}

#[test]
fn a_computed_value_may_come_in_an_array() {
    let cells = ["[5]", "[]", "[1,2]", r##"[{"error":"#ERROR!"}]"##, "7"];
    let records =
        cells.iter().enumerate().map(|(row, cell)| format!(r#"{{"id":"rec{row}","fields":{{"fldMargin":{cell}}}}}"#));
    let page = format!(r#"{{"records":[{}]}}"#, records.collect::<Vec<_>>().join(","));
    let mut decoder = Decoder::new(&scan(&[]));
    decoder.page(page.as_bytes()).expect("a page");
    let batch = decoder.finish().expect("a batch");
    let margin = batch.column_by_name("margin").expect("margin").as_primitive::<Float64Type>();
    assert_eq!(margin.iter().collect::<Vec<_>>(), [Some(5.0), None, None, None, Some(7.0)]);
    let kept = strings(&batch, "_rescued_data");
    assert_eq!(kept.iter().map(Option::is_some).collect::<Vec<_>>(), [false, false, true, true, false]);
    let several = kept[2].as_deref().expect("misfits");
    assert!(several.contains(r#""value":[1,2],"reason":"expected a number""#), "{several}");
    // An array of a field that people fill fits no better than before.
    let (batch, _) = decode(&[], &[json!({"records": [{"id": "rec1", "fields": {"fldName": ["a"], "fldDay": []}}]})]);
    assert!(strings(&batch, "name")[0].is_none() && strings(&batch, "_rescued_data")[0].is_some());
}

#[test]
fn half_a_character_costs_no_more_than_itself() {
    let page = |key: &str| {
        format!(
            r#"{{"records":[{{"id":"rec1","n\udc00":1,"fields":{{"fldName":"a\ud83db","fldNew":{{"\ud83d":1}},"fldWho":{{"name":"\udc00"}},"{key}":"c"}}}}]}}"#
        )
    };
    let mut decoder = Decoder::new(&scan(&[]));
    decoder.page(page("fld\\ud83d").as_bytes()).expect("a page");
    let batch = decoder.finish().expect("a batch");
    assert_eq!(strings(&batch, "name"), [Some("a\u{fffd}b".into())]);
    assert_eq!(strings(&batch, "new"), [Some(r#"{"\ufffd":1}"#.into())]);
    let kept = strings(&batch, "_rescued_data")[0].clone().expect("misfits");
    for (field, raw) in [("Name", r#""a\ud83db""#), ("New", r#"{"\ud83d":1}"#), ("Who", r#"{"name":"\udc00"}"#)] {
        let reason = "half of a surrogate pair, which is no character";
        let one = format!(r#""field":"{field}","field_id":"fld{field}","value":{raw},"reason":"{reason}""#);
        assert!(kept.contains(&one), "{one} in {kept}");
    }
    assert!(kept.contains(r#""field_id":"fld"#) && kept.contains("not in the plan"), "{kept}");
    let mut strict = Decoder::new(&scan(&[("on_bad_value", "fail")]));
    let error = strict.page(page("fldDay").as_bytes()).expect_err("strict").to_string();
    assert!(error.contains(r#"field "Name": half of a surrogate pair"#) && error.contains(r"a\ud83db"), "{error}");
}

#[test]
fn a_strict_read_names_the_record() {
    let mut decoder = Decoder::new(&scan(&[("on_bad_value", "fail")]));
    let page = json!({"records": [{"id": "rec9", "fields": {"fldMargin": {"error": "#ERROR!"}}}]});
    let error = decoder.page(page.to_string().as_bytes()).expect_err("strict");
    let expected = "table \"T\", record rec9, field \"Margin\": error value, but the cell is {\"error\":\"#ERROR!\"}: \
                    correct it, or read with on_bad_value rescue";
    assert_eq!(error, Error::Data(expected.into()));
}

#[test]
fn a_record_comes_once_whatever_the_order_of_its_keys() {
    let pages = [
        json!({"records": [{"id": "rec1", "fields": {"fldName": "a"}}, {"id": "rec1", "fields": {"fldName": "b"}}]}),
        json!({"records": [{"id": "rec1", "fields": {"fldName": "c"}}, {"id": "rec2", "fields": {"fldName": "d"}}]}),
    ];
    let (batch, decoder) = decode(&[], &pages);
    assert_eq!(strings(&batch, "name"), [Some("a".into()), Some("d".into())]);
    assert_eq!(decoder.records(), 2);
    let mut decoder = Decoder::new(&scan(&[]));
    let text = br#"{"offset":null,"records":[{"fields":{"fldName":"x","fldName":"y"},"news":[{}],"createdTime":null,"id":"rec1"}]}"#;
    decoder.page(text).expect("a page");
    assert_eq!(strings(&decoder.finish().expect("a batch"), "name"), [Some("x".into())]);
}

#[test]
fn max_records_holds_even_where_the_server_sends_more() {
    let page =
        json!({"records": [{"id": "rec1", "fields": {}}, {"id": "rec2", "fields": {}}, {"id": "rec3", "fields": {}}]});
    let (batch, decoder) = decode(&[("max_records", "2")], &[page]);
    assert_eq!(batch.num_rows(), 2);
    assert!(decoder.is_satisfied());
}

#[test]
fn the_primary_field_is_no_column_where_it_was_not_wanted() {
    let page = json!({"records": [{"id": "rec1", "fields": {"fldName": "a"}}]});
    let (batch, _) = decode(&[("fields", "[]")], &[page]);
    assert_eq!(batch.num_columns(), 3);
    assert_eq!(strings(&batch, "_rescued_data"), [None]);
}

#[test]
fn pages_that_are_none_are_errors() {
    for (body, hint) in [
        (&b"{}"[..], "records"),
        (b"", "EOF"),
        (b"{\"records\":[", "EOF"),
        (b"{\"records\":[{\"id\":\"rec1\",\"fields\":{\"fldName\":\"a", "EOF"),
        (b"{\"records\":{}}", "list of records"),
        (b"{\"records\":[7]}", "a record"),
        (b"{\"records\":[{\"fields\":{}}]}", "without an id"),
        (b"{\"records\":[{\"id\":7}]}", "without an id"),
        (b"{\"records\":[{\"id\":\"\"}]}", "without an id"),
        (b"{\"records\":[{\"id\":\"rec1\",\"fields\":[]}]}", "cells by field id"),
        (b"{\"records\":[{\"fields\":[],\"id\":\"rec1\"}]}", "cells by field id"),
        (b"{\"records\":[]} x", "trailing"),
        (b"{\"records\":[],\"offset\":7}", "string"),
        (b"{\"records\":[\xff]}", "not UTF-8 from byte 12 on"),
    ] {
        let error = Decoder::new(&scan(&[])).page(body).expect_err("no page");
        let text = error.to_string();
        assert!(matches!(error, Error::Data(_)) && text.contains(hint), "{text}");
    }
}

#[test]
fn depth_and_size_of_a_cell_have_no_bound() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for field in ["fldName", "fldTags", "fldWho", "fldNew", "fldMargin"] {
        let body = format!("{{\"records\":[{{\"id\":\"rec1\",\"fields\":{{\"{field}\":{deep}}}}}]}}");
        let mut decoder = Decoder::new(&scan(&[]));
        decoder.page(body.as_bytes()).expect("a page");
        assert_eq!(decoder.finish().expect("a batch").num_rows(), 1);
    }
}

/// Any JSON, with the shapes that Airtable uses among it.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        "[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}.[0-9]{3}Z)?".prop_map(Value::from),
        Just(json!({"error": "#ERROR!"})),
        Just(json!({"specialValue": "NaN"})),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        let key = prop_oneof![
            ".{0,4}",
            Just("id".to_owned()),
            Just("fields".to_owned()),
            Just("records".to_owned()),
            Just("error".to_owned()),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map(key, inner, 0..5).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// No value is in it.
fn is_hollow(cell: &Value) -> bool {
    cell.is_null() || cell.as_array().is_some_and(|items| items.iter().all(is_hollow))
}

proptest! {
    #[test]
    fn any_cell_is_a_value_or_is_rescued(cells in prop::collection::vec(any_json(), 7), other in any_json()) {
        let ids = ["fldName", "fldMargin", "fldDone", "fldTags", "fldWho", "fldDay", "fldNew"];
        let fields: serde_json::Map<String, Value> = ids.iter().map(|id| (*id).to_owned()).zip(cells.iter().cloned()).collect();
        let page = json!({"records": [{"id": "rec1", "fields": fields}, {"id": "rec2", "fields": {"fldOther": other}}]});
        let scan = scan(&[]);
        let mut decoder = Decoder::new(&scan);
        decoder.page(page.to_string().as_bytes()).expect("a page");
        let batch = decoder.finish().expect("a batch");
        prop_assert_eq!(batch.schema(), scan.schema());
        prop_assert_eq!(batch.num_rows(), 2);
        // Whitespace is kept only in what is kept as it was written.
        let mut spacious = Decoder::new(&scan);
        spacious.page(format!("{page:#}").as_bytes()).expect("a page");
        let spacious = spacious.finish().expect("a batch");
        for (column, spaced) in batch.columns().iter().zip(spacious.columns()).filter(|(column, _)| column.data_type() != &DataType::Utf8) {
            prop_assert_eq!(column, spaced);
        }
        let kept = strings(&batch, "_rescued_data")[0].clone().unwrap_or_default();
        for (index, cell) in cells.iter().enumerate() {
            let is_null = batch.column(index + 2).is_null(0);
            let is_rescued = kept.contains(&format!("\"field_id\":\"{}\"", ids[index]));
            // What an array of a computed field holds is its value.
            let is_empty = cell.is_null() || (ids[index] == "fldMargin" && is_hollow(cell));
            prop_assert!(!is_null || is_empty || is_rescued, "{} lost", cell);
        }
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(page in any_json(), cut in 0..200_usize) {
        let text = page.to_string();
        let _ = Decoder::new(&scan(&[])).page(text.as_bytes());
        let _ = Decoder::new(&scan(&[])).page(&text.as_bytes()[..cut.min(text.len())]);
        let _ = Decoder::new(&scan(&[])).page(json!({"records": page, "offset": page}).to_string().as_bytes());
    }

    #[test]
    fn a_page_that_is_no_json_is_refused(
        cells in prop::collection::vec(any_json(), 7),
        edits in prop::collection::vec((any::<prop::sample::Index>(), "[\\[\\]{},:\"\\\\0-9.eE+\\- \\x00-\\x1fa-z]?"), 0..3),
    ) {
        let ids = ["fldName", "fldMargin", "fldDone", "fldTags", "fldWho", "fldDay", "fldNew"];
        let fields: serde_json::Map<String, Value> = ids.iter().map(|id| (*id).to_owned()).zip(cells).collect();
        let page = json!({"records": [{"id": "rec1", "createdTime": "2022-09-12T21:03:48.000Z", "fields": fields}]});
        let mut text: Vec<char> = page.to_string().chars().collect();
        for (place, new) in edits {
            let at = place.index(text.len());
            text.splice(at..=at, new.chars());
        }
        let text: String = text.into_iter().collect();
        let read = Decoder::new(&scan(&[])).page(text.as_bytes());
        match serde_json::from_str::<IgnoredAny>(&text) {
            Ok(_) => prop_assert!(read.err().is_none_or(|error| error.to_string().contains(" at byte "))),
            Err(why) => prop_assert!(read.is_err_and(|error| error.to_string().contains(" line ") || error.to_string().contains(" at byte ")), "{}", why),
        }
    }
}
