//! Plans from definitions and options.

use arrow::datatypes::DataType;

use super::*;
use crate::options::Options;
use crate::scan::chosen::as_json;

fn table() -> Table {
    serde_json::from_value(json!({
        "id": "tblVendors", "name": "Vendors", "primaryFieldId": "fldName",
        "fields": [
            {"id": "fldName", "name": "Name", "type": "singleLineText", "description": "Legal name"},
            {"id": "fldCost", "name": "Unit Cost", "type": "currency", "description": "",
             "options": {"precision": 2, "symbol": "$"}},
            {"id": "fldCost2", "name": "unit_cost", "type": "autoNumber"},
            {"id": "fldTags", "name": "Tags", "type": "multipleSelects", "options": {"choices": []}},
            {"id": "fldDay", "name": "Day", "type": "date"},
        ],
        "views": [{"id": "viwGrid", "name": "Grid view", "type": "grid"}]
    }))
    .expect("a table")
}

fn plan(pairs: &[(&str, &str)]) -> Result<Scan> {
    let pairs = [("token", "patX")].into_iter().chain(pairs.iter().copied());
    let options = Options::parse(pairs).expect("valid options");
    Scan::new("appX", &table(), &options.read)
}

fn names(scan: &Scan) -> Vec<&str> {
    scan.columns.iter().map(|column| column.name.as_str()).collect()
}

#[test]
fn columns_come_in_the_promised_order() {
    let scan = plan(&[]).expect("a plan");
    let expected =
        ["id", "createdTime", "name", "unit_cost_fldcost", "unit_cost_fldcost2", "tags", "day", "_rescued_data"];
    assert_eq!(names(&scan), expected);
    let schema = scan.schema();
    assert!(!schema.field(0).is_nullable() && schema.fields()[1..].iter().all(|field| field.is_nullable()));
    let metadata = schema.field(2).metadata();
    assert_eq!(metadata["airtable_field_id"], "fldName");
    assert_eq!(metadata["airtable_field_name"], "Name");
    assert_eq!(metadata["airtable_field_type"], "singleLineText");
    assert_eq!(metadata["comment"], "Legal name");
    assert!(!schema.field(3).metadata().contains_key("comment"));
    let spark: Value = serde_json::from_str(&scan.spark_schema()).expect("JSON");
    assert_eq!(spark["fields"][2]["metadata"]["comment"], "Legal name");
    assert_eq!(spark["fields"][0]["nullable"], false);
}

#[test]
fn chosen_fields_keep_the_tables_order_and_their_names() {
    let scan =
        plan(&[("fields", "[\"fldTags\",\"UNIT_COST\",\"Name\"]"), ("rescued_data_column", "")]).expect("a plan");
    assert_eq!(names(&scan), ["id", "createdTime", "name", "unit_cost_fldcost2", "tags"]);
    assert_eq!(scan.field_ids(), ["fldName", "fldCost2", "fldTags"]);
    let none = plan(&[("fields", "[]")]).expect("a plan");
    assert_eq!(none.field_ids(), ["fldName"]);
}

#[test]
fn the_rescued_column_has_a_name_of_its_own() {
    for name in ["id", "createdtime", "_DELETED"] {
        let text = plan(&[("rescued_data_column", name)]).expect_err("refused").to_string();
        assert!(text.contains(&format!("rescued_data_column is {name:?}")), "{text}");
    }
    assert!(plan(&[("rescued_data_column", "misfits")]).is_ok());
    let text = plan(&[("rescued_data_column", &"x".repeat(256))]).expect_err("refused").to_string();
    assert!(text.contains("256 characters") && text.contains("at most 255"), "{text}");
}

#[test]
fn nested_cells_may_be_json() {
    let scan = plan(&[("nested", "json")]).expect("a plan");
    assert_eq!(scan.schema().field(5).data_type(), &DataType::Utf8);
}

#[test]
fn unknown_names_are_answered_with_the_nearest() {
    for (pairs, expected) in [
        (("view", "Grid"), "option view is \"Grid\": table \"Vendors\" has no such view; did you mean \"Grid view\"?"),
        (("view", "xyz"), "option view is \"xyz\": table \"Vendors\" has no such view; it has \"Grid view\""),
        (
            ("fields", "xyz"),
            "option fields has \"xyz\": table \"Vendors\" has no such field; it has \"Name\", \"Unit Cost\", \
             \"unit_cost\", \"Tags\", \"Day\"",
        ),
        (("fields", "Nam"), "option fields has \"Nam\": table \"Vendors\" has no such field; did you mean \"Name\"?"),
    ] {
        assert_eq!(plan(&[pairs]).expect_err("refused"), Error::NotFound(expected.into()).of_option(pairs.0));
    }
    let tables = [table()];
    assert!(find_table(&tables, "tblVendors", "appX").is_ok() && find_table(&tables, "vendors", "appX").is_ok());
    let error = find_table(&tables, "Vendor", "appX").expect_err("refused").to_string();
    assert_eq!(error, "table \"Vendor\": base appX has no such table; did you mean \"Vendors\"?");
    let error = find_table(&tables, "zzz", "appX").expect_err("refused").to_string();
    assert_eq!(error, "table \"zzz\": base appX has no such table; it has \"Vendors\"");
}

#[test]
fn a_users_schema_selects_orders_and_retypes() {
    let scan = plan(&[]).expect("a plan");
    let wanted = json!({"type": "struct", "fields": [
        {"name": "tags", "type": "string", "nullable": true, "metadata": {}},
        {"name": "ID", "type": "string", "nullable": true, "metadata": {}},
        {"name": "unit_cost_fldcost", "type": "long", "nullable": false, "metadata": {}},
    ]});
    let selected = scan.select(&wanted.to_string()).expect("a selection");
    assert_eq!(names(&selected), ["tags", "ID", "unit_cost_fldcost"]);
    let schema = selected.schema();
    assert_eq!(schema.field(0).data_type(), &DataType::Utf8);
    assert_eq!((schema.field(2).data_type(), schema.field(2).is_nullable()), (&DataType::Int64, false));
    assert_eq!(selected.field_ids(), ["fldTags", "fldCost"]);
    assert_eq!(scan.select(&scan.spark_schema()).expect("the whole"), scan);
}

#[test]
fn a_schema_that_cannot_be_is_refused_by_column() {
    let scan = plan(&[]).expect("a plan");
    let refused = |name: &str, spark_type: Value| {
        let wanted = json!({"type": "struct", "fields": [{"name": name, "type": spark_type, "nullable": true}]});
        scan.select(&wanted.to_string()).expect_err("refused").to_string()
    };
    assert_eq!(
        refused("tgs", json!("string")),
        "column \"tgs\" of the schema: table \"Vendors\" has none such; did you mean \"tags\"?"
    );
    assert_eq!(
        refused("tags", json!({"type": "array", "elementType": "long", "containsNull": true})),
        "column \"tags\" of the schema: table \"Vendors\" gives ARRAY<STRING>, which cannot be read as ARRAY<BIGINT>"
    );
    let strict = json!({"type": "array", "elementType": "string", "containsNull": false});
    assert!(refused("tags", strict).ends_with("gives ARRAY<STRING>, which cannot be read as ARRAY<STRING NOT NULL>"));
    for wanted in ["timestamp", "timestamp_ntz"] {
        let text = refused("day", json!(wanted));
        let cast = format!("leave it DATE in the schema, and write cast(`day` AS {})", wanted.to_uppercase());
        assert!(text.contains(&cast), "{text}");
    }
    assert!(refused("createdTime", json!("date")).contains("cast(`createdTime` AS DATE)"));
    assert!(!refused("day", json!("long")).contains("cast("));
    assert!(refused("id", json!("long")).contains("gives STRING, which cannot be read as BIGINT"));
    assert!(scan.select("{}").is_err() && scan.select("no").is_err());
}

#[test]
fn structs_of_another_form_are_refused_too() {
    let table: Table =
        serde_json::from_value(json!({"id": "tblPapers", "name": "Papers", "primaryFieldId": "fldOwner",
        "fields": [
            {"id": "fldOwner", "name": "Owner", "type": "singleCollaborator"},
            {"id": "fldFiles", "name": "Files", "type": "multipleAttachments"},
            {"id": "fldDays", "name": "Days", "type": "multipleLookupValues", "options": {"result": {"type": "date"}}},
        ]}))
        .expect("a table");
    let options = Options::parse([("token", "patX"), ("attachments", "stable")]).expect("valid options");
    let scan = Scan::new("appX", &table, &options.read).expect("a plan");
    let one = json!({"type": "struct", "fields": [{"name": "id", "type": "string", "nullable": true}]});
    let list = |item: &Value| json!({"type": "array", "elementType": item, "containsNull": true});
    for (name, wanted, expected) in [
        (
            "owner",
            one.clone(),
            "STRUCT<id: STRING, email: STRING, name: STRING>, which cannot be read as STRUCT<id: STRING>",
        ),
        ("owner", list(&one), "which cannot be read as ARRAY<STRUCT<id: STRING>>"),
        ("files", list(&one), "which cannot be read as ARRAY<STRUCT<id: STRING>>"),
        ("files", list(&list(&one)), "which cannot be read as ARRAY<ARRAY<STRUCT<id: STRING>>>"),
        ("files", json!({"type": "map", "keyType": "string"}), "which cannot be read as MAP"),
        ("days", list(&json!("timestamp")), "write cast(`days` AS ARRAY<TIMESTAMP>) in the query"),
    ] {
        let wanted = json!({"type": "struct", "fields": [{"name": name, "type": wanted, "nullable": true}]});
        let error = scan.select(&wanted.to_string()).expect_err("refused").to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_plan_travels_and_keeps_no_secret() {
    let scan = plan(&[("view", "Grid view"), ("filter_formula", "{Name}='x'")]).expect("a plan");
    let text = scan.to_json();
    assert_eq!(Scan::from_json(&text).expect("the same"), scan);
    assert!(!text.contains("patX"));
    let version = |number| format!("\"version\":{number}");
    let newer = text
        .replace(&version(super::VERSION), &version(super::version::VERSION_OF_CHOICE + 1))
        .replace("\"text\"", "\"hologram\"");
    assert!(Scan::from_json(&newer).expect_err("refused").to_string().contains("same wheel"));
    assert!(Scan::from_json("{}").is_err());
    // Doubles keep their last digit.
    for double in ["9007199254740991D", "99999999.99999999D", "1e300D", "5e-324D", "0.1D"] {
        let scan = plan(&[("where", &format!("unit_cost_fldcost = {double}"))]).expect("a plan");
        assert_eq!(Scan::from_json(&scan.to_json()).expect("the same"), scan, "{double}");
    }
}

#[test]
fn a_log_of_changes_has_its_own_columns_and_is_read_range_by_range() {
    let all =
        [("token", "patX"), ("ingestion_type", "change_log"), ("column_names", "id"), ("rescued_data_column", "x")];
    let table = table();
    let log = |more: &[(&str, &str)]| {
        let read = Options::parse(all.iter().chain(more).copied()).expect("options").read;
        Scan::new("appA", &table, &read).expect("a plan")
    };
    let scan = log(&[]);
    let names: Vec<String> = scan.schema().fields().iter().map(|field| field.name().clone()).collect();
    let expected =
        ["id", "change", "field_id", "field", "old_value", "new_value", "_changed_at", "changed_by", "source"];
    assert_eq!(names, [&expected[..], &["transaction"]].concat());
    let required: Vec<bool> = scan.schema().fields().iter().map(|field| !field.is_nullable()).collect();
    assert_eq!(required, [true, true, false, false, false, false, true, false, false, true]);
    assert_eq!(scan.logged.len(), table.fields.len());
    assert_eq!(log(&[("fields", "Name")]).logged.len(), 1);
    assert_eq!(Scan::from_json(&scan.to_json()).expect("the same"), scan);
    assert!(scan.check_batch().expect_err("no table").to_string().contains("readStream"));
    let range = |webhook_id: &str| {
        let range = PayloadRange { webhook_id: webhook_id.into(), first: 1, end: 5 };
        Scan { selection: Selection::Payloads(range), ..scan.clone() }
    };
    assert_eq!(range("achA").check_batch(), Ok(()));
    assert_eq!(Scan::from_json(&range("achA").to_json()).expect("the same"), range("achA"));
    assert!(Scan::from_json(&range("../achA").to_json()).is_err(), "it becomes part of an address");
}

#[test]
fn a_condition_reads_what_it_needs_and_gives_no_more() {
    let scan = plan(&[("fields", "Name"), ("where", "day > '2024-05-31' AND name = 'x' AND unit_cost_fldcost2 > 1")])
        .expect("a plan");
    assert_eq!(names(&scan), ["id", "createdTime", "name", "_rescued_data"]);
    assert_eq!(scan.field_ids(), ["fldName", "fldDay", "fldCost2"]);
    let decoded = scan.decoded();
    assert_eq!(names(&decoded)[4..], ["day", "unit_cost_fldcost2"]);
    assert!(decoded.columns[4].is_tacit && !decoded.columns[2].is_tacit);
    assert_eq!(decoded.decoded().columns, decoded.columns, "once and for all");
    // An older version does not know of it.
    assert_eq!(scan.version, VERSION_OF_REFINED);
    let restriction = scan.restriction.clone().expect("a condition");
    assert_eq!(
        restriction.formula.as_deref(),
        Some("AND(IF({Day},NOT(IS_BEFORE({Day},'2024-05-29T22:00:00Z'))),{Name}='x')")
    );
    assert_eq!(Scan::from_json(&scan.to_json()).expect("a plan"), scan);
    assert!(!scan.to_json().contains("patX"));
    let more = scan.restricted("name LIKE 'x%'").expect("a plan");
    let formula = more.restriction.expect("a condition").formula.expect("a formula");
    assert!(formula.ends_with("FIND('x',{Name})=1)"), "{formula}");
    assert!(scan.restricted("day IS NULL").is_err(), "not among the columns that it gives");
}

#[test]
fn a_condition_is_about_records_and_about_columns_as_they_are() {
    let error = plan(&[("ingestion_type", "cdc"), ("where", "_deleted")]).expect_err("of a change").to_string();
    assert!(error.contains("column \"_deleted\" tells of a change"), "{error}");
    let scan = plan(&[("where", "unit_cost_fldcost > 1")]).expect("a plan");
    let wanted =
        json!({"type": "struct", "fields": [{"name": "unit_cost_fldcost", "type": "string", "nullable": true}]});
    let selected = scan.select(&wanted.to_string()).expect("a selection");
    let types: Vec<DataType> = selected.decoded().columns.iter().map(Column::data_type).collect();
    assert_eq!(types, [DataType::Utf8, DataType::Float64]);
    assert_eq!(selected.field_ids(), ["fldCost"]);
    // Texts and lists are what `nested` makes of them.
    assert!(plan(&[("where", "tags = 'a'")]).is_err());
    plan(&[("where", "tags = 'a'"), ("nested", "json")]).expect("a plan");
    plan(&[("where", "fldTags IS NULL"), ("column_names", "id")]).expect("a plan");
    let renamed = |fields: Value| -> bool {
        let table: Table = serde_json::from_value(json!({"id": "tblVendors", "name": "Vendors",
            "primaryFieldId": "fldName", "fields": fields}))
        .expect("a table");
        let scan = plan(&[("where", "name = 'x'")]).expect("a plan");
        scan.restriction.expect("a condition").names_hold(&table.fields)
    };
    let field = |id: &str, name: &str, kind: &str| json!({"id": id, "name": name, "type": kind});
    assert!(renamed(json!([field("fldName", "Name", "singleLineText")])));
    assert!(!renamed(json!([
        field("fldName", "Title", "singleLineText"),
        field("fldOther", "Name", "singleLineText")
    ])));
    assert!(!renamed(json!([field("fldName", "Name", "formula")])));
    assert!(!renamed(json!([])));
}

#[test]
fn names_that_a_list_with_commas_cannot_hold_are_shown_in_json() {
    let list = "a name with a comma, or with a space at its end, needs a JSON list: ";
    for (text, expected) in [
        ("Nime ,Day", Some(r#"["Nime ","Day"]"#)),
        ("Day , Nime", Some(r#"["Day ","Nime"]"#)),
        (" Nime", Some(r#"[" Nime"]"#)),
        ("Day,  Nime", Some(r#"["Day"," Nime"]"#)),
        ("Day, Nime", None),
        ("Nime", None),
        (r#"["Nime ","Day"]"#, None),
    ] {
        let error = plan(&[("fields", text)]).expect_err(text).to_string();
        match expected {
            Some(expected) => assert!(error.ends_with(&format!("; {list}{expected}")), "{text}: {error}"),
            None => assert!(!error.contains("JSON"), "{text}: {error}"),
        }
    }
    let fields = || ["Size, cm", "Name", "x,y", "x,y,z", " a,b"].into_iter();
    for (text, expected) in [
        ("x,y,w", Some(r#"["x,y","w"]"#)),
        ("w, x,y", Some(r#"["w","x,y"]"#)),
        ("x,y,z,w", Some(r#"["x,y,z","w"]"#)),
        ("x,y,x,y,z", Some(r#"["x,y","x,y,z"]"#)),
        ("Name,Size, cm", Some(r#"["Name","Size, cm"]"#)),
        (" a,b,w", Some(r#"[" a,b","w"]"#)),
        ("x,z", None),
        ("y,x", None),
    ] {
        assert_eq!(as_json(Some(text), fields()), expected.map(|json| format!("; {list}{json}")), "{text}");
    }
    assert_eq!(as_json(Some("Size, cm"), fields()), Some(format!("; {list}[\"Size, cm\"]")));
    assert_eq!(as_json(None, fields()), None);
}
