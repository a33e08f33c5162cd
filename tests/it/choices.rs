//! Conditions about rows that are no records: which of them come, in which columns, and what that costs.

use airtable_mock::{Mock, MockConfig};
use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::util::display::array_value_to_string;
use lakeflow_airtable::{AirtableConnector, LakeflowConnect};
use serde_json::{Value, json};

use crate::source::{Source, rows};

/// A base with parts, and orders of which each has links to three of them.
fn base(mock: &Mock, name: &str) -> String {
    let link = json!({"linkedTableId": "Parts", "isReversed": false});
    let tables = json!([
        {"name": "Parts", "fields": [{"name": "Code", "type": "singleLineText"}]},
        {"name": "Orders", "fields": [
            {"name": "Number", "type": "number", "options": {"precision": 0}},
            {"name": "Parts", "type": "multipleRecordLinks", "options": link, "mock": {"oneSided": true}},
        ]},
    ]);
    let base = mock.create_base(&json!({"name": name, "tables": tables})).expect("a base");
    let codes: Vec<Value> = (0..7).map(|n| json!({"Code": format!("part {n}")})).collect();
    let parts = mock.create_records(&base, "Parts", &codes).expect("records");
    let links = |n: usize| (0..3).map(|at| parts[(n + at) % 7].clone()).collect::<Vec<_>>();
    let orders: Vec<Value> = (0..250).map(|n| json!({"Number": n, "Parts": links(n)})).collect();
    mock.create_records(&base, "Orders", &orders).expect("records");
    base
}

fn source() -> Source {
    let mock = Mock::start(MockConfig { sample: false, ..MockConfig::default() }).expect("the mock starts");
    base(&mock, "Shop");
    let source = Source { mock };
    let base = source.mock.base_id();
    for (n, id) in ids(&source, "Orders").iter().enumerate().step_by(25) {
        for number in 0..3 {
            let comment = json!({"text": format!("order {n}, comment {number}")});
            source.mock.add_comment(&base, "Orders", id, &comment).expect("a comment");
        }
    }
    source.mock.clear_requests();
    source
}

fn ids(source: &Source, table: &str) -> Vec<String> {
    let records = source.mock.records(&source.mock.base_id(), table).expect("records");
    records.iter().map(|record| record["id"].as_str().expect("an id").to_owned()).collect()
}

/// The rows as texts, in order of these texts.
fn shown(batches: &[RecordBatch]) -> Vec<Vec<String>> {
    // Moments as numbers: there are no names of zones here.
    let plain = |cells: &ArrayRef| match cells.data_type() {
        DataType::Timestamp(..) => cast(cells, &DataType::Int64).expect("microseconds"),
        _ => cells.clone(),
    };
    let row = |batch: &RecordBatch, row| {
        batch.columns().iter().map(|cells| array_value_to_string(&plain(cells), row).expect("shown")).collect()
    };
    let mut all: Vec<Vec<String>> =
        batches.iter().flat_map(|batch| (0..batch.num_rows()).map(|at| row(batch, at)).collect::<Vec<_>>()).collect();
    all.sort();
    all
}

/// What `where` gives, and what is left when the rows of the whole read are chosen by hand.
async fn both(
    source: &Source,
    options: &[(&str, &str)],
    condition: &str,
    fulfils: impl Fn(&dyn Fn(&str) -> String) -> bool,
) -> Vec<Vec<String>> {
    let all = source.read(options).await.expect("a whole read");
    let schema = all[0].schema();
    let of = |row: &[String], name: &str| row[schema.index_of(name).expect("the column")].clone();
    let expected: Vec<_> = shown(&all).into_iter().filter(|row| fulfils(&|name| of(row, name))).collect();
    let chosen = source.read(&[options, &[("where", condition)]].concat()).await.expect("a read with a condition");
    assert!(chosen.iter().all(|batch| batch.schema() == schema && batch.num_rows() > 0), "{condition}");
    let chosen = shown(&chosen);
    assert_eq!(chosen, expected, "{condition}");
    assert!(!chosen.is_empty() && chosen.len() < rows(&all), "{condition}: {} of {}", chosen.len(), rows(&all));
    chosen
}

#[tokio::test]
async fn a_condition_about_links_chooses_links() {
    let source = source();
    let links = [("tableName", "Orders"), ("part", "links")];
    let (part, order) = (ids(&source, "Parts")[2].clone(), ids(&source, "Orders")[4].clone());
    both(&source, &links, "position >= 1 AND field = 'Parts'", |cell| cell("position") != "0").await;
    both(&source, &links, &format!("linked_id = '{part}'"), |cell| cell("linked_id") == part).await;
    both(&source, &links, &format!("id = '{order}' OR linked_id = '{part}'"), |cell| {
        cell("id") == order || cell("linked_id") == part
    })
    .await;
}

#[tokio::test]
async fn records_that_are_named_by_id_are_all_that_is_asked_for() {
    let source = source();
    let orders = ids(&source, "Orders");
    let condition = format!("id IN ('{}', '{}') AND position = 0", orders[4], orders[9]);
    let options = [("tableName", "Orders"), ("part", "links"), ("where", &*condition)];
    assert_eq!(rows(&source.read(&options).await.expect("a read")), 2);
    assert_eq!(source.mock.requests().len(), 2, "the definitions, and one page");
    source.mock.clear_requests();
    let options = [("tableName", "Orders"), ("part", "comments"), ("where", &*format!("id = '{}'", orders[25]))];
    assert_eq!(rows(&source.read(&options).await.expect("a read")), 3);
    assert_eq!(source.mock.requests().len(), 3, "the definitions, one page, and the comments of one record");
    // A formula of the user's holds besides.
    let options = [&options[..], &[("filter_formula", "{Number} < 20")]].concat();
    assert_eq!(rows(&source.read(&options).await.expect("a read")), 0);
}

#[tokio::test]
async fn a_condition_about_comments_chooses_comments() {
    let source = source();
    let comments = [("tableName", "Orders"), ("part", "comments")];
    both(&source, &comments, "text LIKE '%comment 2'", |cell| cell("text").ends_with("comment 2")).await;
    both(&source, &comments, "created_time IS NOT NULL AND text LIKE 'order 50,%'", |cell| {
        cell("text").starts_with("order 50,")
    })
    .await;
}

#[tokio::test]
async fn a_condition_about_definitions_chooses_definitions() {
    let source = Source::sample();
    let fields = [("tableName", "_airtable_fields")];
    both(&source, &fields, "linked_table_id IS NOT NULL", |cell| !cell("linked_table_id").is_empty()).await;
    both(&source, &fields, "is_computed AND table = 'Vendors'", |cell| {
        cell("is_computed") == "true" && cell("table") == "Vendors"
    })
    .await;
    both(&source, &[("tableName", "_airtable_choices")], "position = 0", |cell| cell("position") == "0").await;
}

#[tokio::test]
async fn a_condition_may_be_about_the_base_and_about_columns_that_are_not_given() {
    let source = source();
    let second = base(&source.mock, "Second");
    let namespace = json!([source.mock.base_id(), second]).to_string();
    let bases = [("base_id", ""), ("namespace", &*namespace)];
    let condition = format!("_base_id = '{second}' AND position = 2");
    let links = [&bases[..], &[("tableName", "Orders"), ("part", "links")]].concat();
    let chosen = both(&source, &links, &condition, |cell| cell("_base_id") == second && cell("position") == "2").await;
    assert_eq!(chosen.len(), 250);
    let fields = [&bases[..], &[("tableName", "_airtable_fields")]].concat();
    both(&source, &fields, &format!("_base_id = '{second}' AND is_primary"), |cell| {
        cell("_base_id") == second && cell("is_primary") == "true"
    })
    .await;

    let options = source.options(&[("tableName", "Orders"), ("part", "links"), ("where", "position = 1")]);
    let connector = AirtableConnector::new(options.connection).expect("a connector");
    let plan = connector.plan(&options.read).await.expect("a plan");
    let wanted = json!({"type": "struct", "fields": [{"name": "linked_id", "type": "string"}]}).to_string();
    let plan = plan.select(&wanted).expect("one column").restricted("field = 'Parts'").expect_err("not given");
    assert!(plan.to_string().contains("no column \"field\""), "{plan}");
    let plan = connector.plan(&options.read).await.expect("a plan").select(&wanted).expect("one column");
    let mut batches = connector.read(plan.head(40));
    let mut count = 0;
    while let Some(batch) = batches.next().await {
        let batch = batch.expect("a batch");
        assert_eq!(batch.schema(), plan.schema());
        count += batch.num_rows();
    }
    assert_eq!(count, 40, "rows are counted that fulfil the condition");
}

#[tokio::test]
async fn max_records_counts_the_rows_that_are_chosen() {
    let source = source();
    let comments = [("tableName", "Orders"), ("part", "comments"), ("where", "text LIKE '%comment 2'")];
    let options = [&comments[..], &[("max_records", "4")]].concat();
    let chosen = shown(&source.read(&options).await.expect("a read"));
    assert_eq!(chosen.len(), 4);
    let all = shown(&source.read(&comments).await.expect("a read"));
    assert!(chosen.iter().all(|row| all.contains(row)));
    let namespace = json!([source.mock.base_id(), base(&source.mock, "Second")]).to_string();
    let fields = [
        ("base_id", ""),
        ("namespace", &*namespace),
        ("tableName", "_airtable_fields"),
        ("where", "is_primary"),
        ("max_records", "3"),
    ];
    assert_eq!(rows(&source.read(&fields).await.expect("a read")), 3);
}

#[tokio::test]
async fn a_mistake_points_at_its_place() {
    let source = source();
    for (options, condition, expected) in [
        (&[("tableName", "Orders"), ("part", "links")][..], "Number = 1", "the read has no column \"Number\""),
        (&[("tableName", "Orders"), ("part", "links")], "position = '1'", "column \"position\" (BIGINT)"),
        (&[("tableName", "Orders"), ("part", "comments")], "author = 'x'", "column \"author\""),
        (&[("tableName", "_airtable_views")], "viw = 'x'", "did you mean \"view\""),
    ] {
        let error = source.read(&[options, &[("where", condition)]].concat()).await.expect_err(condition).to_string();
        assert!(error.starts_with("option where: at character 1") && error.contains(expected), "{error}");
    }
}
