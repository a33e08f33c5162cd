//! Unions of columns, and what is said of bases that cannot be read.

use serde_json::{Value, json};

use super::*;
use crate::options::Options;

fn table(id: &str, fields: &[(&str, &str)]) -> Table {
    let letters = |name: &str| name.replace(|c: char| !c.is_ascii_alphanumeric(), "");
    let field =
        |(name, kind): &(&str, &str)| json!({"id": format!("fld{id}{}", letters(name)), "name": name, "type": kind});
    let fields: Vec<Value> = fields.iter().map(field).collect();
    let first = fields[0]["id"].clone();
    serde_json::from_value(
        json!({"id": format!("tbl{id}"), "name": "Orders", "primaryFieldId": first, "fields": fields}),
    )
    .expect("a table")
}

fn told(base: &str, fields: &[(&str, &str)]) -> Told {
    Told { base_id: format!("app{base}"), tables: Ok(Arc::new(vec![table(base, fields)])) }
}

fn refused(base: &str) -> Told {
    Told { base_id: format!("app{base}"), tables: Err(Error::Auth(format!("GET app{base}: refused").into())) }
}

fn without(base: &str) -> Told {
    Told { base_id: format!("app{base}"), tables: Ok(Arc::new(Vec::new())) }
}

fn options(pairs: &[(&str, &str)]) -> ReadOptions {
    let given = [("token", "patX"), ("namespace", "[\"appA\",\"appB\"]")];
    let pairs =
        given.into_iter().filter(|(key, _)| !pairs.iter().any(|(other, _)| key == other)).chain(pairs.iter().copied());
    Options::parse(pairs).expect("valid").read
}

fn planned(told: &[Told], pairs: &[(&str, &str)]) -> Result<Scan> {
    plan(told, "Orders", &options(pairs))
}

fn names(scan: &Scan) -> Vec<&str> {
    scan.columns.iter().map(|column| column.name.as_str()).collect()
}

#[test]
fn columns_are_the_union_in_the_order_of_the_bases() {
    let text = "singleLineText";
    for (bases, pairs, expected) in [
        (
            &[&[("Name", text), ("Price", "number")][..], &[("Price", "percent"), ("Sold", "date"), ("Name", text)]][..],
            &[][..],
            &["name", "price", "sold", "_rescued_data"][..],
        ),
        // Text and a choice are one type, and so are two spellings of a name.
        (
            &[&[("Name", text)], &[("NAME", "singleSelect")]],
            &[("column_names", "original")],
            &["Name", "_rescued_data"],
        ),
        (&[&[("Name", text)], &[("Name", text)]], &[("rescued_data_column", "")], &["name"]),
        (&[&[("A", text)], &[("B", text)], &[("C", text), ("A", text)]], &[], &["a", "b", "c", "_rescued_data"]),
        // A field that one base has is asked of that one alone.
        (
            &[&[("Name", text), ("Price", "number")], &[("Name", text)]],
            &[("fields", "Price")],
            &["price", "_rescued_data"],
        ),
        (&[&[("Name", text)], &[("Name", text)]], &[("fields", "[]")], &["_rescued_data"]),
    ] {
        let told: Vec<Told> = bases.iter().zip(["A", "B", "C"]).map(|(fields, base)| told(base, fields)).collect();
        let scan = planned(&told, pairs).expect("a plan");
        let mut all = vec!["id", "_base_id", "createdTime"];
        all.extend(expected);
        assert_eq!(names(&scan), all);
        let parts = scan.bases();
        assert_eq!(parts.len(), bases.len());
        for (part, base) in parts.iter().zip(["appA", "appB", "appC"]) {
            assert_eq!(part.schema(), scan.schema(), "to the metadata");
            assert_eq!(part.spark_schema(), scan.spark_schema());
            assert_eq!((part.base_id.as_str(), part.others.len()), (base, 0));
        }
        assert!(!scan.schema().field(1).is_nullable());
        assert_eq!(Scan::from_json(&scan.to_json()).expect("a plan"), scan);
    }
}

#[test]
fn each_base_is_asked_for_its_own_fields() {
    let scan = planned(&[told("A", &[("X", "number")]), told("B", &[("Y", "checkbox"), ("X", "number")])], &[]);
    let parts = scan.expect("a plan").bases();
    assert_eq!(parts[0].field_ids(), ["fldAX"]);
    assert_eq!(parts[1].field_ids(), ["fldBX", "fldBY"]);
    assert!(matches!(parts[0].columns[4].source, Source::Absent(_)));
    assert_eq!(parts[1].schema().field(3).metadata()["airtable_field_id"], "fldAX");
    assert_eq!(parts[0].schema().field(4).metadata()["airtable_field_id"], "fldBY");
}

#[test]
fn fields_are_wanted_of_every_base_that_has_their_column() {
    let text = "singleLineText";
    let bases = [
        told("A", &[("Name", text), ("Unit Price", "number")]),
        told("B", &[("unit-price", "number"), ("NAME", text), ("Sold", "date")]),
        told("C", &[("Sold", "date")]),
    ];
    for (wanted, columns, ids) in [
        (r#"["fldAName"]"#, &["name"][..], [&["fldAName"][..], &["fldBNAME"], &[]]),
        ("fldBNAME", &["name"], [&["fldAName"], &["fldBNAME"], &[]]),
        (r#"["Name", "fldBNAME"]"#, &["name"], [&["fldAName"], &["fldBNAME"], &[]]),
        ("Unit Price", &["unit_price"], [&["fldAUnitPrice"], &["fldBunitprice"], &[]]),
        ("fldCSold, fldAName", &["name", "sold"], [&["fldAName"], &["fldBNAME", "fldBSold"], &["fldCSold"]]),
        ("[]", &[], [&[], &[], &[]]),
    ] {
        let scan = planned(&bases, &[("fields", wanted)]).expect(wanted);
        assert_eq!(names(&scan)[3..], [columns, &["_rescued_data"]].concat(), "{wanted}");
        let parts = scan.bases();
        let own: Vec<Vec<&str>> =
            parts.iter().map(|part| part.columns.iter().filter_map(Column::field_id).collect()).collect();
        assert_eq!(own, ids, "{wanted}");
    }
    // By their ids the columns are others.
    let scan = planned(&bases, &[("fields", "fldAName"), ("column_names", "id")]).expect("a plan");
    assert_eq!(names(&scan)[3..], ["fldAName", "_rescued_data"]);
    let error = planned(&bases, &[("fields", "Name,Prize")]).expect_err("refused").to_string();
    assert!(error.contains("3 of 3 bases cannot be read") && error.contains("has \"Prize\""), "{error}");
}

#[test]
fn a_schema_that_is_given_chooses_for_every_base() {
    let scan = planned(&[told("A", &[("X", "number")]), told("B", &[("Y", "number")])], &[]).expect("a plan");
    let field = |name: &str, kind: &str| json!({"name": name, "type": kind, "nullable": true});
    let wanted =
        json!({"type": "struct", "fields": [field("y", "string"), field("_base_id", "string"), field("x", "double")]});
    let chosen = scan.select(&wanted.to_string()).expect("chosen");
    for part in chosen.bases() {
        assert_eq!(names(&part), ["y", "_base_id", "x"]);
        assert_eq!(part.schema(), chosen.schema());
    }
    assert!(matches!(chosen.others[0].columns[2].source, Source::Absent(_)));
}

#[test]
fn two_types_of_one_column_are_named_with_their_bases() {
    let told = [told("A", &[("X", "number"), ("Y", "date")]), told("B", &[("X", "singleLineText"), ("Y", "checkbox")])];
    let error = planned(&told, &[]).expect_err("refused");
    assert!(matches!(error, Error::Option(_)), "{error}");
    for part in
        ["\"x\" is DOUBLE in base appA and STRING in base appB", "\"y\" is DATE in base appA and BOOLEAN in base appB"]
    {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert!(planned(&told, &[("fields", "[]")]).is_ok());
}

#[test]
fn all_that_keeps_bases_from_being_read_is_told_at_once() {
    let good = || told("A", &[("X", "number")]);
    let error = planned(&[good(), refused("B"), without("C"), refused("D")], &[]).expect_err("refused");
    assert!(matches!(error, Error::Auth(_)), "of the first's kind: {error:?}");
    let text = error.to_string();
    assert!(text.contains("3 of 4 bases") && !text.contains('\n'), "{text}");
    for base in ["appB", "appC", "appD"] {
        assert!(text.contains(base), "{text}");
    }
    let view = planned(&[good(), told("B", &[("X", "number")])], &[("view", "Mine")]).expect_err("no such view");
    assert!(view.to_string().contains("base appA: ") && view.to_string().contains("base appB: "), "{view}");
    let field = planned(&[good(), told("B", &[("Y", "number")])], &[("fields", "[\"Z\",\"Y\"]")]).expect_err("none");
    assert!(field.to_string().contains("option fields has \"Z\""), "{field}");
}

#[test]
fn every_base_means_those_that_have_the_table() {
    let every = &[("namespace", "[\"*\"]")];
    let good = || told("A", &[("X", "number")]);
    let scan = planned(&[without("C"), good(), without("B")], every).expect("a plan");
    assert_eq!((scan.base_id.as_str(), scan.others.len()), ("appA", 0));
    assert_eq!(names(&scan)[1], "_base_id");
    let refusal = planned(&[good(), refused("B")], every).expect_err("nobody knows whether it has it");
    assert!(refusal.to_string().contains("appB"), "{refusal}");
    let none = planned(&[without("A"), without("B")], every).expect_err("none has it");
    assert!(matches!(none, Error::NotFound(_)) && none.to_string().contains("none of the token's 2 bases"), "{none}");
}
