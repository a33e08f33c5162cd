//! Several bases read as one table: what comes, what it costs, and what is told before anything is read.

use std::collections::BTreeSet;

use airtable_mock::{Grant, Mock, MockConfig};
use lakeflow_airtable::{AirtableConnector, Error, LakeflowConnect};
use serde_json::{Value, json};

use crate::source::{Source, rows, strings};

/// A mock with bases that have a table `Items`, each with so many records; every second one has a further field.
fn source(counts: &[usize]) -> (Source, Vec<String>) {
    let config = MockConfig { sample: false, ..MockConfig::default() };
    let mock = Mock::start(config).expect("the mock starts");
    let mut bases = Vec::new();
    for (number, count) in counts.iter().enumerate() {
        let mut fields = vec![json!({"name": "Name", "type": "singleLineText"})];
        if number % 2 == 1 {
            fields.push(
                json!({"name": "Done", "type": "checkbox", "options": {"color": "greenBright", "icon": "check"}}),
            );
        }
        let base = json!({"name": format!("Shop {number}"), "tables": [{"name": "Items", "fields": fields}]});
        let base = mock.create_base(&base).expect("a base");
        let records: Vec<Value> = (0..*count).map(|n| json!({"Name": format!("item {number}.{n}")})).collect();
        mock.create_records(&base, "Items", &records).expect("records");
        bases.push(base);
    }
    mock.clear_requests();
    (Source { mock }, bases)
}

fn listed(bases: &[impl AsRef<str>]) -> String {
    json!(bases.iter().map(AsRef::as_ref).collect::<Vec<_>>()).to_string()
}

/// Requests by their endpoint since the last look.
fn asked(source: &Source, endpoint: &str) -> usize {
    source.mock.requests().iter().filter(|request| request.endpoint == endpoint).count()
}

#[tokio::test]
async fn all_rows_of_all_bases_come_once_with_their_base() {
    let (source, bases) = source(&[250, 0, 30, 101]);
    let batches = source.read(&[("base_id", ""), ("namespace", &listed(&bases))]).await.expect("a read");
    let pairs: BTreeSet<_> = strings(&batches, "_base_id").into_iter().zip(strings(&batches, "id")).collect();
    assert_eq!((rows(&batches), pairs.len()), (381, 381));
    let mut expected = BTreeSet::new();
    for base in &bases {
        for record in source.mock.records(base, "Items").expect("records") {
            expected.insert((Some(base.clone()), record["id"].as_str().map(str::to_owned)));
        }
    }
    assert_eq!(pairs, expected);
    // A checkbox is false where it is not ticked, and nothing where the base has none.
    for batch in &batches {
        use arrow::array::{Array as _, AsArray as _};
        let base_ids = batch.column_by_name("_base_id").expect("the column").as_string::<i32>().clone();
        let done = batch.column_by_name("done").expect("the column").as_boolean().clone();
        for row in 0..batch.num_rows() {
            let has_field = [&bases[1], &bases[3]].into_iter().any(|base| base == base_ids.value(row));
            assert_eq!(done.is_valid(row), has_field);
        }
    }
}

#[tokio::test]
async fn a_plan_costs_one_request_for_each_base_and_two_reads_planned_together_no_more() {
    let (source, bases) = source(&[1; 12]);
    let options = source.options(&[("base_id", ""), ("namespace", &listed(&bases))]);
    let connector = AirtableConnector::new(options.connection).expect("a connector");
    let scan = connector.plan_cached(&options.read).await.expect("a plan");
    assert_eq!(scan.bases().len(), 12);
    connector.plan_cached(&options.read).await.expect("the same plan");
    let metadata = connector.table_metadata(&options.read).await.expect("metadata");
    assert_eq!(metadata.primary_keys, ["id", "_base_id"]);
    assert_eq!(source.mock.requests().len(), 12);
    let by_name: Vec<String> = (0..12).map(|number| format!("Shop {number}")).collect();
    let options = source.options(&[("base_id", ""), ("namespace", &listed(&by_name))]);
    source.mock.clear_requests();
    let connector = AirtableConnector::new(options.connection).expect("a connector");
    assert_eq!(connector.plan(&options.read).await.expect("a plan"), scan, "names cost one request more");
    assert_eq!(source.mock.requests().len(), 13);
}

#[tokio::test]
async fn every_base_that_has_the_table_is_read() {
    let (source, _) = source(&[3, 4]);
    source
        .mock
        .create_base(&json!({"name": "Other", "tables": [{"name": "Notes", "fields": [
        {"name": "Name", "type": "singleLineText"}]}]}))
        .expect("a base");
    assert_eq!(rows(&source.read(&[("base_id", ""), ("namespace", "[\"*\"]")]).await.expect("a read")), 7);
    let error = source.error(&[("base_id", ""), ("namespace", "*"), ("tableName", "Itens")]).await;
    assert!(matches!(error, Error::NotFound(_)) && error.to_string().contains("\"Items\""), "{error}");
}

#[tokio::test]
async fn a_number_of_records_is_that_of_all_bases_together() {
    let (source, bases) = source(&[120, 50, 100]);
    for (most, expected, pages) in [("130", 130, 3), ("120", 120, 2), ("1", 1, 1), ("1000", 270, 4)] {
        source.mock.clear_requests();
        let namespace = listed(&bases);
        let more = [("base_id", ""), ("namespace", namespace.as_str()), ("max_records", most)];
        assert_eq!(rows(&source.read(&more).await.expect("a read")), expected, "{most}");
        assert_eq!(asked(&source, "list_records"), pages, "{most}");
    }
}

#[tokio::test]
async fn a_token_of_sixty_bases_of_which_three_refuse_is_told_before_anything_is_read() {
    let (source, bases) = source(&[1; 60]);
    let refusing = [&bases[3], &bases[31], &bases[59]];
    let seen = bases.iter().filter(|base| !refusing.contains(base)).cloned().collect();
    source.mock.add_token("patSome", Grant { bases: Some(seen), ..Grant::default() });
    let error = source.error(&[("token", "patSome"), ("base_id", ""), ("namespace", &listed(&bases))]).await;
    let text = error.to_string();
    assert!(text.contains("3 of 60 bases") && !text.contains("patSome") && !text.contains('\n'), "{text}");
    assert!(refusing.into_iter().all(|base| text.contains(base.as_str())), "{text}");
    assert!(!text.contains(bases[0].as_str()), "{text}");
    assert_eq!((asked(&source, "list_records"), source.mock.requests().len()), (0, 60));
}

#[tokio::test]
async fn a_base_that_refuses_while_it_is_read_ends_the_read_with_its_name() {
    let (source, bases) = source(&[10, 10]);
    let options = source.options(&[("base_id", ""), ("namespace", &listed(&bases))]);
    let connector = AirtableConnector::new(options.connection).expect("a connector");
    let mut batches = connector.read(connector.plan(&options.read).await.expect("a plan"));
    source.mock.remove_table(&bases[1], "Items").expect("removed");
    let error = loop {
        match batches.next().await {
            Some(Ok(_)) => {}
            Some(Err(error)) => break error,
            None => panic!("a table that has gone is no end of the read"),
        }
    };
    assert!(error.to_string().contains(bases[1].as_str()), "{error}");
    assert!(batches.next().await.is_none());
}

#[tokio::test]
async fn a_token_that_is_not_accepted_is_told_once() {
    let (source, bases) = source(&[1; 5]);
    let error = source.error(&[("token", "patNone"), ("base_id", ""), ("namespace", &listed(&bases))]).await;
    assert!(matches!(error, Error::Auth(_)) && !error.to_string().contains("of 5 bases"), "{error}");
}

#[tokio::test]
async fn one_base_under_two_names_and_names_of_none_are_told() {
    let (source, bases) = source(&[1, 1]);
    let error =
        source.error(&[("base_id", ""), ("namespace", &listed(&[bases[0].as_str(), "Shop 0", "Shop 9"]))]).await;
    let text = error.to_string();
    assert!(text.contains("names base") && text.contains("\"Shop 9\""), "{text}");
}

#[tokio::test]
async fn the_size_and_the_counts_are_those_of_all_bases() {
    let (source, bases) = source(&[250, 30]);
    let options = source.options(&[("base_id", ""), ("namespace", &listed(&bases))]);
    let connector = AirtableConnector::new(options.connection).expect("a connector");
    let scan = connector.plan(&options.read).await.expect("a plan");
    let sizes = connector.estimate_records(&scan).await.expect("sizes");
    let [large, small] = sizes.as_slice() else { panic!("two bases: {sizes:?}") };
    assert!((170..=370).contains(&large.records), "{large:?}");
    assert_eq!((small.records, small.requests), (30, 1));
    source.mock.clear_requests();
    let mut batches = connector.read(scan);
    while let Some(batch) = batches.next().await {
        batch.expect("a batch");
    }
    let stats = batches.stats();
    assert_eq!((stats.rows, stats.expected_rows, stats.is_done), (280, Some(280), true));
    assert_eq!(stats.requests, u64::try_from(source.mock.requests().len()).expect("few"));
}
