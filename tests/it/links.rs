//! Linked records by their names: what comes, what is asked for it, and what cannot be named.

use airtable_mock::{Mock, MockConfig};
use arrow::array::RecordBatch;
use arrow::util::display::array_value_to_string;
use lakeflow_airtable::{AirtableConnector, Error, LakeflowConnect, Result};
use serde_json::{Value, json};

use crate::source::{Source, strings};

/// A mock with a table of so many parts, and tables `Orders 0` and so on whose records link to parts.
fn shop(parts: usize, tables: usize) -> (Source, Vec<String>) {
    let mock = Mock::start(MockConfig { sample: false, ..MockConfig::default() }).expect("the mock starts");
    let base = base(&mock, "Shop", tables);
    let source = Source { mock };
    let records: Vec<Value> = (0..parts).map(|n| json!({"Code": format!("part {n}")})).collect();
    let parts = source.mock.create_records(&base, "Parts", &records).expect("records");
    for table in 0..tables {
        let orders: Vec<Value> = (0..250)
            .map(|n| json!({"Number": n, "Parts": [parts[n % parts.len()], parts[(n + 1) % parts.len()]]}))
            .collect();
        source.mock.create_records(&base, &format!("Orders {table}"), &orders).expect("records");
    }
    source.mock.clear_requests();
    (source, parts)
}

fn base(mock: &Mock, name: &str, tables: usize) -> String {
    let mut all = vec![json!({"name": "Parts", "fields": [{"name": "Code", "type": "singleLineText"}]})];
    let link = json!({"linkedTableId": "Parts", "isReversed": false});
    for table in 0..tables {
        all.push(json!({"name": format!("Orders {table}"), "fields": [
            {"name": "Number", "type": "number", "options": {"precision": 0}},
            {"name": "Parts", "type": "multipleRecordLinks", "options": link, "mock": {"oneSided": true}},
        ]}));
    }
    mock.create_base(&json!({"name": name, "tables": all})).expect("a base")
}

/// Ids of tables by their names.
fn table_id(source: &Source, name: &str) -> String {
    let schema = source.mock.schema(&source.mock.base_id()).expect("a schema");
    let tables = schema["tables"].as_array().expect("tables").clone();
    let table = tables.into_iter().find(|table| table["name"] == name).expect("the table");
    table["id"].as_str().expect("an id").to_owned()
}

/// Requests for records of a table since the last look.
fn pages_of(source: &Source, table: &str) -> usize {
    let id = table_id(source, table);
    source.mock.requests().iter().filter(|request| request.path.ends_with(&id)).count()
}

async fn read(connector: &AirtableConnector, source: &Source, more: &[(&str, &str)]) -> Result<Vec<RecordBatch>> {
    let scan = connector.plan_cached(&source.options(more).read).await?;
    let schema = scan.schema();
    let mut batches = connector.read(scan);
    let mut all = Vec::new();
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        assert_eq!(batch.schema(), schema);
        all.push(batch);
    }
    Ok(all)
}

fn shown(batches: &[RecordBatch], column: &str) -> Vec<String> {
    let show = |batch: &RecordBatch| {
        let cells = batch.column_by_name(column).expect("the column").clone();
        (0..batch.num_rows()).map(|row| array_value_to_string(&cells, row).expect("shown")).collect::<Vec<_>>()
    };
    batches.iter().flat_map(show).collect()
}

#[tokio::test]
async fn names_stand_in_the_places_of_the_ids() {
    let (source, parts) = shop(150, 1);
    let first = [("tableName", "Orders 0"), ("max_records", "1")];
    for (links, nested, expected) in [
        ("ids", "struct", format!("[{}, {}]", parts[0], parts[1])),
        ("names", "struct", "[part 0, part 1]".into()),
        ("both", "struct", format!("[{{id: {}, name: part 0}}, {{id: {}, name: part 1}}]", parts[0], parts[1])),
        ("names", "json", r#"["part 0","part 1"]"#.into()),
        ("both", "json", json!([{"id": parts[0], "name": "part 0"}, {"id": parts[1], "name": "part 1"}]).to_string()),
    ] {
        let more = [&first[..], &[("links", links), ("nested", nested)]].concat();
        let batches = source.read(&more).await.expect("a read");
        assert_eq!(shown(&batches, "parts"), [expected], "{links} {nested}");
    }
}

#[tokio::test]
async fn a_linked_table_is_read_once_for_the_tables_of_a_run() {
    for is_run in [true, false] {
        let (source, _) = shop(250, 5);
        let connector = source.connector(&[]);
        let connector = if is_run { connector.of_one_run() } else { connector };
        for table in 0..5 {
            let name = format!("Orders {table}");
            let batches = read(&connector, &source, &[("tableName", &name), ("links", "names")]).await.expect("a read");
            let mut names = shown(&batches, "parts");
            assert_eq!(names.len(), 250);
            names.sort();
            assert_eq!(names[0], "[part 0, part 1]");
            assert!(names.iter().all(|cell| cell.starts_with("[part ") && cell.contains(", part ")), "{names:?}");
        }
        // One for the definitions, three for the names, three for each table.
        assert_eq!((pages_of(&source, "Parts"), source.mock.requests().len()), (3, 1 + 3 + 5 * 3), "{is_run}");
        let asked = source.mock.requests();
        let names = asked.iter().filter(|request| request.path.ends_with(&table_id(&source, "Parts")));
        assert!(names.into_iter().all(|request| request.query.matches("fields%5B%5D=").count() == 1));
    }
}

#[tokio::test]
async fn reads_side_by_side_wait_for_the_same_names() {
    let (source, _) = shop(120, 3);
    let connector = source.connector(&[]);
    let [a, b, c] = ["Orders 0", "Orders 1", "Orders 2"].map(|name| [("tableName", name), ("links", "both")]);
    let reads =
        tokio::join!(read(&connector, &source, &a), read(&connector, &source, &b), read(&connector, &source, &c));
    for batches in [reads.0, reads.1, reads.2] {
        assert!(shown(&batches.expect("a read"), "parts").iter().all(|cell| cell.matches("name: part").count() == 2));
    }
    assert_eq!(pages_of(&source, "Parts"), 2);
}

#[tokio::test]
async fn nothing_is_asked_for_names_without_a_link() {
    let (source, _) = shop(120, 1);
    let options = [("tableName", "Orders 0"), ("links", "names"), ("filter_formula", "{Number} < 0")];
    assert!(source.read(&options).await.expect("a read").is_empty());
    assert_eq!(pages_of(&source, "Parts"), 0);
    source.read(&[("tableName", "Orders 0"), ("links", "names"), ("fields", "Number")]).await.expect("a read");
    assert_eq!(pages_of(&source, "Parts"), 0);
    let connector = source.connector(&[]);
    let scan = connector.plan(&source.options(&[("tableName", "Orders 0"), ("links", "names")]).read).await;
    let mut batches = connector.read(scan.expect("a plan"));
    while let Some(batch) = batches.next().await {
        batch.expect("a batch");
    }
    assert_eq!((pages_of(&source, "Parts"), batches.stats().requests), (2, 3 + 2), "its requests are the read's");
}

#[tokio::test]
async fn records_that_are_gone_or_nameless_are_null_in_their_places() {
    let (source, parts) = shop(3, 1);
    let base = source.mock.base_id();
    let order = source.mock.records(&base, "Orders 0").expect("records")[0]["id"].as_str().expect("an id").to_owned();
    source.mock.update_records(&base, "Parts", &[json!({"id": parts[1], "fields": {"Code": null}})]).expect("updated");
    let gone = "rec0000000000gone";
    let links = json!([gone, parts[0], parts[1], null, parts[2], 7]);
    source.mock.set_raw_cell(&base, "Orders 0", &order, "Parts", &links).expect("set");
    let one = [("tableName", "Orders 0"), ("filter_formula", "{Number} = 0")];
    let read = async |links: &str| source.read(&[&one[..], &[("links", links)]].concat()).await.expect("a read");
    assert_eq!(shown(&read("names").await, "parts"), ["[, part 0, , , part 2, ]"]);
    let both = read("both").await;
    let [first, second, third] = [0, 1, 2].map(|at| &parts[at]);
    assert_eq!(
        shown(&both, "parts"),
        [format!(
            "[{{id: {gone}, name: }}, {{id: {first}, name: part 0}}, {{id: {second}, name: }}, , {{id: {third}, name: part 2}}, ]"
        )]
    );
    assert!(strings(&both, "_rescued_data")[0].as_ref().is_some_and(|rescued| rescued.contains("a text")));
}

#[tokio::test]
async fn a_linked_table_that_may_not_be_read_leaves_null_or_ends_a_strict_read() {
    for action in [json!("forbidden"), json!({"not_found": {"bare": false}})] {
        let (source, _) = shop(30, 2);
        source.faults(json!({"rules": [{"path": table_id(&source, "Parts"), "action": action}]}));
        let connector = source.connector(&[]);
        for table in ["Orders 0", "Orders 1"] {
            let batches = read(&connector, &source, &[("tableName", table), ("links", "names")]).await.expect("a read");
            let cells = shown(&batches, "parts");
            assert_eq!((cells.len(), cells.iter().all(|cell| cell == "[, ]")), (250, true));
        }
        assert_eq!(pages_of(&source, "Parts"), 1, "it was asked once");
        let strict = [("tableName", "Orders 0"), ("links", "names"), ("on_bad_value", "fail")];
        let error = read(&connector, &source, &strict).await.expect_err("a strict read");
        let text = error.to_string();
        assert!(matches!(error, Error::NotFound(_) | Error::Auth(_)), "{error:?}");
        assert!(
            text.starts_with("table \"Orders 0\": the names of records in linked table \"Parts\" cannot be read: "),
            "{text}"
        );
        assert!(text.ends_with("or leave option links out") && !text.contains(source.mock.token()), "{text}");
    }
}

#[tokio::test]
async fn a_linked_table_that_is_refused_half_way_leaves_null_for_all_its_names() {
    let (source, _) = shop(250, 1);
    for action in [json!("forbidden"), json!({"not_found": {"bare": true}})] {
        source.faults(json!({"rules": [{"path": table_id(&source, "Parts"), "after": 1, "action": action}]}));
        let batches = source.read(&[("tableName", "Orders 0"), ("links", "names")]).await.expect("a read");
        let cells = shown(&batches, "parts");
        assert_eq!((cells.len(), cells.iter().all(|cell| cell == "[, ]")), (250, true));
    }
}

#[tokio::test]
async fn a_failure_that_passes_is_asked_again_and_one_that_stays_ends_the_read() {
    let (source, _) = shop(30, 1);
    let parts = table_id(&source, "Parts");
    let connector = source.connector(&[("max_retries", "0")]);
    source.faults(json!({"rules": [{"path": parts, "times": 1, "action": {"retriable": {}}}]}));
    let options = [("tableName", "Orders 0"), ("links", "names"), ("max_retries", "0")];
    let error = read(&connector, &source, &options).await.expect_err("a failure");
    assert!(error.to_string().contains(&parts), "{error}");
    let batches = read(&connector, &source, &options).await.expect("the next read asks again");
    assert_eq!(shown(&batches, "parts").len(), 250);
}

#[tokio::test]
async fn names_of_every_kind_of_primary_field_are_texts() {
    let source = Source { mock: Mock::start(MockConfig { sample: false, ..MockConfig::default() }).expect("a mock") };
    let mock = &source.mock;
    let kinds = [
        (json!({"type": "number", "options": {"precision": 1}}), json!(2.5), "2.5"),
        (json!({"type": "date", "options": {"dateFormat": {"name": "iso"}}}), json!("2024-05-01"), "2024-05-01"),
        (json!({"type": "barcode"}), json!({"text": "4006381333931", "type": "ean13"}), "4006381333931"),
        (json!({"type": "multilineText"}), json!("two\nlines, \"é\""), "two\nlines, \"é\""),
        (json!({"type": "percent", "options": {"precision": 0}}), json!(0.5), "0.5"),
    ];
    for (number, (field, value, name)) in kinds.into_iter().enumerate() {
        let mut primary = field;
        primary["name"] = json!("Primary");
        let link = json!({"linkedTableId": "Linked", "isReversed": false});
        let tables = json!([
            {"name": "Linked", "fields": [primary], "records": [{"fields": {"Primary": value}}]},
            {"name": "Items", "fields": [
                {"name": "Name", "type": "singleLineText"},
                {"name": "Links", "type": "multipleRecordLinks", "options": link, "mock": {"oneSided": true}},
            ]},
        ]);
        let base = mock.create_base(&json!({"name": format!("Base {number}"), "tables": tables})).expect("a base");
        let linked = mock.records(&base, "Linked").expect("records")[0]["id"].clone();
        mock.create_records(&base, "Items", &[json!({"Name": "a", "Links": [linked]})]).expect("a record");
        let batches = source.read(&[("base_id", &base), ("links", "names")]).await.expect("a read");
        assert_eq!(shown(&batches, "links"), [format!("[{name}]")]);
    }
}

#[tokio::test]
async fn a_condition_narrows_the_records_and_not_their_names() {
    let (source, _) = shop(5, 1);
    let narrowed = [("tableName", "Orders 0"), ("where", "number >= 2 AND number < 4"), ("links", "names")];
    let names = source.read(&narrowed).await.expect("a read");
    assert_eq!(shown(&names, "parts"), ["[part 2, part 3]", "[part 3, part 4]"]);
    let few = [("tableName", "Orders 0"), ("max_records", "1"), ("view", ""), ("links", "names")];
    assert_eq!(shown(&source.read(&few).await.expect("a read"), "parts"), ["[part 0, part 1]"]);
}

#[tokio::test]
async fn each_of_several_bases_has_linked_tables_of_its_own() {
    let (source, parts) = shop(20, 1);
    let second = base(&source.mock, "Second", 1);
    let other = source.mock.create_records(&second, "Parts", &[json!({"Code": "other"})]).expect("a record");
    // A record of the first base is none of the second.
    let order = json!({"Number": 1});
    let orders = source.mock.create_records(&second, "Orders 0", &[order]).expect("a record");
    let links = json!([other[0], parts[0]]);
    source.mock.set_raw_cell(&second, "Orders 0", &orders[0], "Parts", &links).expect("set");
    let namespace = json!([source.mock.base_id(), second]).to_string();
    let options = [("base_id", ""), ("namespace", &*namespace), ("tableName", "Orders 0"), ("links", "names")];
    let batches = source.read(&options).await.expect("a read");
    let rows = strings(&batches, "_base_id").into_iter().zip(shown(&batches, "parts"));
    let of_second: Vec<String> =
        rows.filter(|(base, _)| base.as_ref() == Some(&second)).map(|(_, cell)| cell).collect();
    assert_eq!(of_second, ["[other, ]"]);
    assert_eq!(shown(&batches, "parts").len(), 251);
}

#[tokio::test]
async fn lookups_of_links_are_named_as_links_are() {
    let source = Source::sample();
    let mock = &source.mock;
    let lookup = json!({"name": "Vendors of replaced", "type": "multipleLookupValues",
        "options": {"recordLinkFieldId": "Replaces", "fieldIdInLinkedTable": "Vendors"}});
    mock.create_field(&mock.base_id(), "SKU Candidates", &lookup).expect("a field");
    let fields = r#"["Vendors of replaced", "Vendors"]"#;
    let read = async |links: &str| {
        let options = [("tableName", "SKU Candidates"), ("fields", fields), ("links", links), ("max_records", "1000")];
        source.read(&options).await.expect("a read")
    };
    let vendors = source.read(&[("tableName", "Vendors")]).await.expect("a read");
    let vendors: Vec<_> = strings(&vendors, "id").into_iter().zip(strings(&vendors, "name")).collect();
    let by_name = |cell: String| {
        let name = |cell: String, (id, name): &(Option<String>, Option<String>)| {
            cell.replace(id.as_deref().unwrap_or("no id"), name.as_deref().unwrap_or_default())
        };
        vendors.iter().fold(cell, name)
    };
    let (ids, names) = (read("ids").await, read("names").await);
    for column in ["vendors_of_replaced", "vendors"] {
        let cells = shown(&ids, column);
        assert!(cells.iter().any(|cell| cell.contains("rec")), "{column} has links");
        assert_eq!(shown(&names, column), cells.into_iter().map(by_name).collect::<Vec<_>>(), "{column}");
    }
}

#[tokio::test]
async fn each_linked_record_is_a_row() {
    let (source, parts) = shop(5, 1);
    let base = source.mock.base_id();
    let records = source.mock.records(&base, "Orders 0").expect("records");
    let id = |at: usize| records[at]["id"].as_str().expect("an id").to_owned();
    let gone = "rec0000000000gone";
    let links = json!([gone, null, parts[4], parts[0]]);
    source.mock.set_raw_cell(&base, "Orders 0", &id(0), "Parts", &links).expect("set");
    source.mock.set_raw_cell(&base, "Orders 0", &id(1), "Parts", &Value::Null).expect("set");
    source.mock.clear_requests();
    let options = [("tableName", "Orders 0"), ("part", "links"), ("filter_formula", "{Number} < 3")];
    let batches = source.read(&options).await.expect("a read");
    assert_eq!(source.mock.requests().len(), 2, "the definitions, and one page");
    let columns = ["id", "position", "linked_id", "field", "linked_table_id"].map(|column| shown(&batches, column));
    let [ids, positions, linked, fields, tables] = columns;
    assert_eq!(ids, [id(0), id(0), id(0), id(2), id(2)]);
    assert_eq!(positions, ["0", "2", "3", "0", "1"]);
    assert_eq!(linked, [gone, &parts[4], &parts[0], &parts[2], &parts[3]]);
    assert!(fields.iter().all(|field| field == "Parts"));
    assert!(tables.iter().all(|table| *table == table_id(&source, "Parts")));
    assert!(shown(&batches, "field_id").iter().all(|field| field.starts_with("fld")));
}

#[tokio::test]
async fn a_table_without_links_has_no_rows_and_costs_nothing_to_read() {
    let (source, _) = shop(5, 1);
    assert!(source.read(&[("tableName", "Parts"), ("part", "links")]).await.expect("a read").is_empty());
    assert_eq!(source.mock.requests().len(), 1);
    let options = source.options(&[("tableName", "Parts"), ("part", "links")]);
    let connector = source.connector(&[]);
    let metadata = connector.table_metadata(&options.read).await.expect("metadata");
    assert_eq!(metadata.primary_keys, ["id", "field_id", "position"]);
}

#[tokio::test]
async fn the_links_of_several_bases_come_with_their_base() {
    let (source, parts) = shop(5, 1);
    let second = base(&source.mock, "Second", 1);
    let other = source.mock.create_records(&second, "Parts", &[json!({"Code": "other"})]).expect("a record");
    source.mock.create_records(&second, "Orders 0", &[json!({"Number": 1, "Parts": other})]).expect("a record");
    let namespace = json!([source.mock.base_id(), second]).to_string();
    let options = [("base_id", ""), ("namespace", &*namespace), ("tableName", "Orders 0"), ("part", "links")];
    let batches = source.read(&options).await.expect("a read");
    let schema = batches[0].schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["id", "_base_id", "field_id", "field", "position", "linked_table_id", "linked_id"]);
    let rows = strings(&batches, "_base_id").into_iter().zip(shown(&batches, "linked_id"));
    let (of_second, of_first): (Vec<_>, Vec<_>) = rows.partition(|(base, _)| base.as_ref() == Some(&second));
    assert_eq!(of_second, [(Some(second.clone()), other[0].clone())]);
    assert_eq!((of_first.len(), parts.contains(&of_first[0].1)), (500, true));
}

#[tokio::test]
async fn streams_of_names_are_refused_with_the_reason() {
    let given = [("token", "patX"), ("base_id", "appX")];
    for kind in ["cdc", "cdc_with_deletes", "append"] {
        for links in ["names", "both"] {
            let pairs = [&given[..], &[("links", links), ("ingestion_type", kind)]].concat();
            let error = lakeflow_airtable::Options::parse(pairs).expect_err("refused");
            let text = error.to_string();
            assert_eq!(error.option().as_deref(), Some("links"));
            assert!(text.contains(&format!("links is {links}, and ingestion_type is {kind}")), "{text}");
            assert!(text.contains("changes no record") && text.contains("join"), "{text}");
        }
        let pairs = [&given[..], &[("part", "links"), ("ingestion_type", kind)]].concat();
        let text = lakeflow_airtable::Options::parse(pairs).expect_err("refused").to_string();
        assert!(text.contains("part is links") && text.contains("snapshots only"), "{text}");
    }
    for part in ["links", "attachments"] {
        let pairs = [&given[..], &[("links", "both"), ("part", part)]].concat();
        let text = lakeflow_airtable::Options::parse(pairs).expect_err("refused").to_string();
        assert!(text.contains(&format!("links is both, and option part is {part}: names stand")), "{text}");
    }
}
