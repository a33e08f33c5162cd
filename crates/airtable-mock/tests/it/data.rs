//! What tests can put into a base, and take out of it.

use airtable_mock::{FieldSpec, Kinds};
use serde_json::{Value, json};

use super::client::Bench;

#[test]
fn raw_cells_and_fields_can_be_anything() {
    let bench = Bench::with_items(1);
    let base = bench.mock.base_id();
    let id = bench.mock.records(&base, "Items").expect("the table")[0]["id"].as_str().expect("an id").to_owned();
    let odd = json!({"specialValue": "NaN", "deep": [[1, null]]});
    bench.mock.set_raw_cell(&base, "Items", &id, "N", &odd).expect("a raw cell");
    assert_eq!(bench.items("").json()["records"][0]["fields"]["N"], odd);
    bench.mock.update_records(&base, "Items", &[json!({"id": id, "fields": {"N": 4}})]).expect("an update");
    assert_eq!(bench.items("").json()["records"][0]["fields"]["N"], 4);
    bench.mock.set_raw_field(&base, "Items", "N", &json!({"type": "hologram", "options": null})).expect("a raw field");
    let field = &bench.get(&format!("/v0/meta/bases/{base}/tables")).json()["tables"][0]["fields"][1];
    assert_eq!((&field["type"], field.get("options")), (&json!("hologram"), Some(&Value::Null)));
    bench.mock.set_raw_field(&base, "Items", "N", &Value::Null).expect("taken back");
    assert_eq!(bench.mock.schema(&base).expect("the schema")["tables"][0]["fields"][1]["type"], "number");
}

#[test]
fn a_removed_field_invalidates_what_was_computed_from_it() {
    let bench = Bench::sample();
    let base = bench.mock.base_id();
    bench.mock.remove_field(&base, "SKU Candidates", "Unit Cost").expect("removed");
    let schema = bench.mock.schema(&base).expect("the schema");
    let margin = schema["tables"][0]["fields"]
        .as_array()
        .expect("fields")
        .iter()
        .find(|field| field["name"] == "Margin")
        .expect("Margin");
    assert_eq!((&margin["options"]["isValid"], &margin["options"]["result"]), (&json!(false), &Value::Null));
    let vendors = bench.mock.records(&base, "Vendors").expect("the table");
    assert!(vendors.iter().all(|record| { record["fields"].get("Average unit cost").is_none_or(Value::is_object) }));
    assert_eq!(bench.get(&format!("/v0/{base}/SKU%20Candidates?fields[]=Unit+Cost")).status, 422);
}

#[test]
fn generated_tables_are_the_same_each_time() {
    let bench = Bench::with_items(0);
    let base = bench.mock.base_id();
    for (name, kinds) in [("Mixed", Kinds::Mixed), ("Mixed again", Kinds::Mixed), ("Scalars", Kinds::Scalars)] {
        bench.mock.generate_table(&base, name, 500, &FieldSpec::mixture(kinds, 20), 7).expect("a table");
    }
    let fields = |name: &str| -> Vec<Value> {
        let records = bench.mock.records(&base, name).expect("the table");
        records.into_iter().map(|mut record| record["fields"].take()).collect()
    };
    let mixed = fields("Mixed");
    assert_eq!(mixed, fields("Mixed again"));
    let values = || mixed.iter().flat_map(|fields| fields.as_object().expect("fields").values());
    assert!(
        values().any(|value| value.get("error").is_some()) && values().any(|value| value.get("specialValue").is_some())
    );
    let scalars = fields("Scalars");
    assert!(
        scalars
            .iter()
            .flat_map(|fields| fields.as_object().expect("fields").values())
            .all(|value| !value.is_array() && !value.is_object())
    );
}
