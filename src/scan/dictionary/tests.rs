//! What the tables of definitions have, for which options, and what they refuse.

use serde::Deserialize as _;

use super::*;
use crate::airtable::schema::Tables;
use crate::options::Options;

fn options(pairs: &[(&str, &str)]) -> ReadOptions {
    Options::parse([("token", "patX")].into_iter().chain(pairs.iter().copied())).expect("valid").read
}

fn tables() -> Vec<Table> {
    let choices = json!([{"id": "sel1", "name": "new", "color": "blueLight2"}, {"id": "sel2", "name": "old"}, null]);
    let fields = json!([
        {"id": "fld1", "name": "Name", "type": "singleLineText", "description": "who"},
        {"id": "fld2", "name": "State (!)", "type": "singleSelect", "options": {"choices": choices}},
        {"id": "fld3", "name": "Parts", "type": "multipleRecordLinks", "options": {"linkedTableId": "tbl2"}},
        {"id": "fld4", "name": "State of parts", "type": "multipleLookupValues", "options":
            {"result": {"type": "singleSelect", "options": {"choices": choices}}}},
        {"name": "lost", "type": "email", "options": "odd"},
    ]);
    let views = json!([{"id": "viw1", "name": "Grid", "type": "grid"}, {"id": "viw2", "name": "Odd"}]);
    let first = json!({"id": "tbl1", "name": "T", "primaryFieldId": "fld1", "fields": fields, "views": views});
    let told = json!({"tables": [first, {"id": "tbl2", "name": "U", "fields": []}]});
    Tables::deserialize(told).expect("lenient").tables
}

/// One column of the rows, and whether each row has the plan's columns.
fn column(part: Part, name: &str) -> Vec<Value> {
    let planned = plan("app1", part, &options(&[])).expect("a plan");
    let names: Vec<&str> = planned.columns.iter().map(|column| column.name.as_str()).collect();
    let naming = Naming::of(&options(&[]));
    let rows = rows(part, &tables(), &naming);
    for row in &rows {
        assert_eq!(row.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names);
    }
    rows.into_iter().flatten().filter(|(told, _)| *told == name).map(|(_, value)| value).collect()
}

#[test]
fn every_field_is_a_row() {
    for (name, expected) in [
        ("table_id", json!(["tbl1", "tbl1", "tbl1", "tbl1", "tbl1"])),
        ("field_id", json!(["fld1", "fld2", "fld3", "fld4", null])),
        ("field", json!(["Name", "State (!)", "Parts", "State of parts", "lost"])),
        ("column", json!(["name", "state", "parts", "state_of_parts", null])),
        ("description", json!(["who", null, null, null, null])),
        ("is_primary", json!([true, false, false, false, false])),
        ("is_computed", json!([false, false, false, true, false])),
        ("linked_table_id", json!([null, null, "tbl2", null, null])),
    ] {
        assert_eq!(Value::from(column(Part::Fields, name)), expected, "{name}");
    }
    assert_eq!(column(Part::Fields, "options")[4], json!("odd"));
}

#[test]
fn a_lookup_has_no_choices_of_its_own_and_what_is_odd_is_null() {
    for (name, expected) in [
        ("field_id", json!(["fld2", "fld2", "fld2"])),
        ("choice_id", json!(["sel1", "sel2", null])),
        ("name", json!(["new", "old", null])),
        ("color", json!(["blueLight2", null, null])),
        ("position", json!([0, 1, 2])),
    ] {
        assert_eq!(Value::from(column(Part::Choices, name)), expected, "{name}");
    }
    assert_eq!(Value::from(column(Part::Views, "type")), json!(["grid", null]));
}

#[test]
fn columns_are_called_as_the_options_say() {
    for (rule, expected) in [("snake", "state"), ("original", "State (!)"), ("id", "fld2")] {
        let planned = plan("app1", Part::Fields, &options(&[("column_names", rule)])).expect("a plan");
        let plan = Scan::from_json(&planned.to_json()).expect("the same");
        let row = rows(Part::Fields, &tables(), &plan.naming).swap_remove(1);
        assert!(row.contains(&("column", json!(expected))), "{row:?}");
    }
}

#[test]
fn names_have_no_case_and_are_hinted_at() {
    for (name, part) in [
        ("_airtable_fields", Some(Part::Fields)),
        (" _Airtable_Views ", Some(Part::Views)),
        ("_airtable_choices", Some(Part::Choices)),
        ("_airtable_field", None),
        ("airtable_fields", None),
    ] {
        assert_eq!(Part::of_table(name), part, "{name}");
    }
    let error = crate::scan::find_table(&tables(), "_airtable_field", "app1").expect_err("misspelt").to_string();
    assert!(error.contains("did you mean \"_airtable_fields\""), "{error}");
    for (name, hint) in [
        ("airtable_fields", "; did you mean \"_airtable_fields\""),
        ("__airtable_views", "; did you mean \"_airtable_views\""),
        ("Airtable Choices", "; did you mean \"_airtable_choices\""),
    ] {
        let error = crate::scan::find_table(&tables(), name, "app1").expect_err("misspelt").to_string();
        assert!(error.contains(hint), "{error}");
    }
    let error = crate::scan::find_table(&tables(), "Fields", "app1").expect_err("no such table").to_string();
    assert!(!error.contains("_airtable"), "{error}");
}

#[test]
fn options_about_records_are_refused_by_name() {
    for (option, value) in [
        ("view", "Grid"),
        ("filter_formula", "{A}"),
        ("fields", "A"),
        ("ingestion_type", "cdc"),
        ("ingestion_type", "append"),
    ] {
        let error = plan("app1", Part::Views, &options(&[(option, value)])).expect_err("refused");
        assert_eq!(error.option().as_deref(), Some(option));
        let text = error.to_string();
        assert!(text.contains("table _airtable_views") && text.contains("leave"), "{text}");
    }
    plan("app1", Part::Views, &options(&[("max_records", "3"), ("nested", "json")])).expect("of every read");
}

#[test]
fn a_plan_of_another_table_name_is_none() {
    let plan = plan("app1", Part::Fields, &options(&[])).expect("a plan");
    for (from, to) in [("_airtable_fields", "_airtable_views"), ("_airtable_fields", "../tbl1")] {
        let text = plan.to_json().replace(&format!("\"table_id\":\"{from}\""), &format!("\"table_id\":\"{to}\""));
        assert_ne!(text, plan.to_json());
        assert!(Scan::from_json(&text).is_err(), "{to}");
    }
}
