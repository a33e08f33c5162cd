//! The tables of a base's definitions: what they hold, what they cost, and what is refused.

use airtable_mock::{Mock, MockConfig};
use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::Int64Type;
use lakeflow_airtable::{AirtableConnector, Error, LakeflowConnect};
use serde_json::{Value, json};

use crate::source::{Source, rows, strings};

const TABLES: [&str; 3] = ["_airtable_fields", "_airtable_choices", "_airtable_views"];

/// A column of each field of the mock's definitions.
fn told(source: &Source, pick: impl Fn(&Value, &Value) -> Option<String>) -> Vec<Option<String>> {
    let schema = source.mock.schema(&source.mock.base_id()).expect("the schema");
    let tables = schema["tables"].as_array().expect("tables");
    let fields = |table: &Value| table["fields"].as_array().expect("fields").clone();
    tables.iter().flat_map(|table| fields(table).iter().map(|field| pick(table, field)).collect::<Vec<_>>()).collect()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

#[tokio::test]
async fn every_field_choice_and_view_of_the_base_is_a_row_and_a_read_is_one_request() {
    let source = Source::sample();
    let fields = source.read(&[("tableName", TABLES[0])]).await.expect("fields");
    assert_eq!(source.mock.requests().len(), 1);
    assert_eq!(strings(&fields, "field_id"), told(&source, |_, field| text(&field["id"])));
    assert_eq!(strings(&fields, "table"), told(&source, |table, _| text(&table["name"])));
    assert_eq!(strings(&fields, "type"), told(&source, |_, field| text(&field["type"])));
    let linked = told(&source, |_, field| text(&field["options"]["linkedTableId"]));
    assert!(linked.iter().any(Option::is_some));
    assert_eq!(strings(&fields, "linked_table_id"), linked);
    let options =
        strings(&fields, "options").into_iter().map(|text| text.map(|text| text.parse::<Value>().expect("JSON")));
    let expected =
        told(&source, |_, field| field.get("options").filter(|options| !options.is_null()).map(Value::to_string));
    assert_eq!(options.map(|value| value.map(|value| value.to_string())).collect::<Vec<_>>(), expected);
    // The columns are those of reads.
    let read = source.read(&[("tableName", "Vendors")]).await.expect("a read");
    let own = read[0].schema();
    let of_vendors = strings(&fields, "column").into_iter().zip(strings(&fields, "table"));
    for (column, _) in of_vendors.filter(|(_, table)| table.as_deref() == Some("Vendors")) {
        assert!(own.field_with_name(&column.expect("a column")).is_ok());
    }

    let choices = source.read(&[("tableName", TABLES[1])]).await.expect("choices");
    let per_field = told(&source, |_, field| field["options"]["choices"].as_array().map(|list| list.len().to_string()));
    let count: usize = per_field.into_iter().flatten().map(|count| count.parse::<usize>().expect("a number")).sum();
    assert!(count > 0);
    assert_eq!(rows(&choices), count);
    assert_eq!(choices[0].column_by_name("position").expect("position").as_primitive::<Int64Type>().value(1), 1);

    let views = source.read(&[("tableName", TABLES[2])]).await.expect("views");
    assert!(strings(&views, "view").contains(&Some("Approved, by forecast".into())));
}

#[tokio::test]
async fn a_plan_and_the_metadata_ask_for_nothing() {
    let source = Source::sample();
    for (table, keys) in TABLES.iter().zip([&["field_id"][..], &["field_id", "choice_id"], &["view_id"]]) {
        let options = source.options(&[("tableName", *table)]);
        let connector = AirtableConnector::new(options.connection).expect("a connector");
        let scan = connector.plan(&options.read).await.expect("a plan");
        assert_eq!(connector.plan_cached(&options.read).await.expect("the same"), scan);
        let metadata = connector.table_metadata(&options.read).await.expect("metadata");
        assert_eq!(
            (metadata.primary_keys, metadata.cursor_field),
            (keys.iter().map(|key| (*key).into()).collect(), None)
        );
        let error = connector.stream(scan, &options.read).expect_err("no changes").to_string();
        assert!(error.contains("cannot be streamed") && error.contains(table), "{error}");
    }
    assert_eq!(source.mock.requests().len(), 0);
}

#[tokio::test]
async fn the_numbers_of_a_read_are_told() {
    let source = Source::sample();
    let options = source.options(&[("tableName", TABLES[0])]);
    let connector = AirtableConnector::new(options.connection).expect("a connector");
    let scan = connector.plan(&options.read).await.expect("a plan");
    let size = connector.estimate_records(&scan).await.expect("sizes").remove(0);
    let mut batches = connector.read(scan);
    let batch = batches.next().await.expect("a batch").expect("no error");
    assert!(batches.next().await.is_none());
    let stats = batches.stats();
    assert_eq!((stats.rows, stats.requests, stats.is_done), (u64::try_from(batch.num_rows()).expect("few"), 1, true));
    assert_eq!((size.records, size.requests), (stats.rows, 1));
}

#[tokio::test]
async fn what_a_read_asks_for_is_heard() {
    let source = Source::sample();
    let two = source.read(&[("tableName", TABLES[0]), ("max_records", "2")]).await.expect("two rows");
    assert_eq!(rows(&two), 2);
    let options = source.options(&[("tableName", " _AIRTABLE_FIELDS ")]);
    let connector = AirtableConnector::new(options.connection).expect("a connector");
    let scan = connector.plan(&options.read).await.expect("a plan");
    let schema = json!({"type": "struct", "fields": [
        {"name": "is_primary", "type": "boolean", "nullable": true, "metadata": {}},
        {"name": "Field", "type": "string", "nullable": true, "metadata": {}},
    ]});
    let scan = scan.select(&schema.to_string()).expect("a selection").head(1);
    let batch = connector.read(scan).next().await.expect("a batch").expect("no error");
    assert_eq!((batch.num_rows(), batch.num_columns()), (1, 2));
    assert!(batch.column(0).as_boolean().value(0));
    let error = source.error(&[("tableName", TABLES[1]), ("view", "Grid")]).await;
    assert_eq!((error.option().as_deref(), matches!(error, Error::Option(_))), (Some("view"), true));
    let error = source.error(&[("tableName", "_airtable_choice")]).await.to_string();
    assert!(error.contains("did you mean \"_airtable_choices\""), "{error}");
}

#[tokio::test]
async fn a_table_of_that_name_is_reached_by_its_id() {
    let source = Source::with_items(0);
    let fields = json!([{"name": "Name", "type": "singleLineText"}]);
    let definition = json!({"name": TABLES[0], "fields": fields});
    let made = source.mock.create_table(&source.mock.base_id(), &definition).expect("a table");
    let id = made["id"].as_str().expect("an id");
    source.mock.create_records(&source.mock.base_id(), id, &[json!({"Name": "a"})]).expect("a record");
    let ours = source.read(&[("tableName", TABLES[0])]).await.expect("definitions");
    assert_eq!(rows(&ours), 3);
    let theirs = source.read(&[("tableName", id)]).await.expect("records");
    assert_eq!(strings(&theirs, "name"), [Some("a".to_owned())]);
}

#[tokio::test]
async fn several_bases_are_read_as_one() {
    let mock = Mock::start(MockConfig { sample: false, ..MockConfig::default() }).expect("the mock starts");
    let mut bases = Vec::new();
    for name in ["One", "Two"] {
        let tables = json!([{"name": "Items", "fields": [{"name": "Name", "type": "singleLineText"}]}]);
        bases.push(mock.create_base(&json!({"name": name, "tables": tables})).expect("a base"));
    }
    mock.clear_requests();
    let source = Source { mock };
    for (namespace, requests) in [(json!(bases).to_string(), 2), ("[\"*\"]".to_owned(), 3)] {
        let given = [("base_id", ""), ("namespace", namespace.as_str()), ("tableName", TABLES[0])];
        let batches: Vec<RecordBatch> = source.read(&given).await.expect("definitions");
        let mut found = strings(&batches, "_base_id");
        found.sort();
        let mut expected: Vec<_> = bases.iter().cloned().map(Some).collect();
        expected.sort();
        assert_eq!(found, expected);
        assert_eq!(batches[0].schema().field(1).name(), "_base_id");
        assert_eq!(source.mock.requests().len(), requests);
        source.mock.clear_requests();
        let options = source.options(&given);
        let connector = AirtableConnector::new(options.connection).expect("a connector");
        assert_eq!(
            connector.table_metadata(&options.read).await.expect("metadata").primary_keys,
            ["field_id", "_base_id"]
        );
        source.mock.clear_requests();
    }
}

#[tokio::test]
async fn a_base_that_is_not_there_is_told_when_it_is_read() {
    let source = Source::sample();
    let error = source.error(&[("base_id", "app00000000000000"), ("tableName", TABLES[2])]).await;
    assert!(matches!(error, Error::Auth(_)), "{error}");
    assert!(error.to_string().contains("schema.bases:read"), "{error}");
}
