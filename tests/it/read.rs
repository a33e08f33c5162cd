//! Whole reads over real sockets: pages, cursors, and what Airtable does to them.

use std::time::Duration;

use futures_core::Stream;
use lakeflow_airtable::{AirtableConnector, Error, LakeflowConnect, Options, Scan};
use serde_json::{Value, json};

use crate::source::{Source, rows, strings};

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

#[tokio::test]
async fn the_sample_base_is_read_whole() {
    let source = Source::sample();
    let base = source.mock.base_id();
    for table in source.connector(&[]).list_tables(None).await.expect("tables") {
        let batches = source.read(&[("tableName", &table)]).await.expect("a read");
        let records = source.mock.records(&base, &table).expect("the table");
        assert!(!records.is_empty());
        assert_eq!(rows(&batches), records.len(), "{table}");
        let ids = sorted(strings(&batches, "id").into_iter().flatten().collect());
        assert_eq!(
            ids,
            sorted(records.iter().map(|r| r["id"].as_str().expect("an id").to_owned()).collect()),
            "{table}"
        );
        for column in batches[0].schema().fields() {
            assert!(
                batches.iter().all(|batch| batch.column_by_name(column.name()).is_some()),
                "{table}.{}",
                column.name()
            );
        }
    }
}

#[tokio::test]
async fn pages_follow_each_other_and_ask_for_the_planned_fields_only() {
    let source = Source::with_items(250);
    assert_eq!(source.ids(&[("fields", "Name")]).await, source.all_ids());
    let requests = source.mock.requests();
    let pages: Vec<_> = requests.iter().filter(|request| request.endpoint == "list_records").collect();
    assert_eq!(pages.len(), 3);
    assert_eq!(requests.len(), 4);
    for page in pages {
        assert_eq!(page.query.matches("fields%5B%5D=fld").count(), 1, "{}", page.query);
        assert!(
            page.query.contains("pageSize=100") && page.query.contains("returnFieldsByFieldId=true"),
            "{}",
            page.query
        );
    }
}

#[tokio::test]
async fn reads_that_are_planned_together_ask_once() {
    let source = Source::sample();
    let connector = source.connector(&[]);
    let tables = connector.list_tables(None).await.expect("tables");
    for table in &tables {
        let read = source.options(&[("tableName", table)]).read;
        let known = connector.plan_cached(&read).await.expect("a plan");
        assert_eq!(connector.table_metadata(&read).await.expect("known").primary_keys, ["id"]);
        assert_eq!(source.connector(&[]).plan(&read).await.expect("a plan"), known);
    }
    let schemas = || source.mock.requests().iter().filter(|request| request.endpoint == "get_schema").count();
    assert_eq!(schemas(), 1 + tables.len());

    // What is not known is asked for, and what is old is not taken for new.
    let base = source.mock.base_id();
    source.mock.create_table(&base, &json!({"name": "Late", "fields": [{"name": "Name"}]})).expect("a table");
    let late = source.options(&[("tableName", "Late")]).read;
    assert_eq!(connector.plan_cached(&late).await.expect("a plan").table_name, "Late");
    assert_eq!(schemas(), 2 + tables.len());
    let cdc = source.options(&[("tableName", "Late"), ("ingestion_type", "cdc")]).read;
    assert!(connector.plan_cached(&cdc).await.expect("a plan").changed_at > 0);
    source.mock.remove_table(&base, "Late").expect("removed");
    assert_eq!(connector.plan_cached(&late).await.expect("a plan").table_name, "Late");
    assert!(matches!(connector.plan(&late).await, Err(Error::NotFound(_))));
    assert!(matches!(connector.plan_cached(&late).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn a_base_is_looked_up_by_its_name_once() {
    let source = Source::sample();
    let bare = [("token", source.mock.token().to_owned()), ("base_url", source.mock.url())];
    let connector = AirtableConnector::new(Options::parse(bare.clone()).expect("options").connection).expect("one");
    for table in ["Vendors", "Notes"] {
        let given = [("tableName", table.to_owned()), ("namespace", "[\"Launch Archive\"]".to_owned())];
        let read = Options::parse(bare.iter().cloned().chain(given)).expect("options").read;
        assert_eq!(connector.plan_cached(&read).await.expect("a plan").table_name, table);
    }
    let asked: Vec<String> = source.mock.requests().into_iter().map(|request| request.endpoint.clone()).collect();
    assert_eq!(asked, ["list_bases", "get_schema"]);
}

#[tokio::test]
async fn an_empty_table_is_no_batch() {
    assert!(Source::with_items(0).read(&[]).await.expect("a read").is_empty());
}

#[tokio::test]
async fn short_and_empty_pages_are_no_end() {
    let source = Source::with_items(130);
    source.faults(json!({"page_size": 7, "empty_last_page": true}));
    assert_eq!(source.ids(&[]).await.len(), 130);
    assert_eq!(source.pages(), 20);
}

#[tokio::test]
async fn an_expired_cursor_loses_and_doubles_nothing() {
    let source = Source::with_items(1_050);
    // Each listing lives for four pages; the one that begins anew must get further than the one before it.
    let gone = |after: u64| json!({"after": after, "times": 1, "path": "offset=", "action": "iterator_gone"});
    source.faults(json!({"rules": [gone(0), gone(5), gone(20)]}));
    assert_eq!(source.ids(&[]).await, source.all_ids());
    assert!(source.pages() > 11 + 1 + 5);
}

#[tokio::test]
async fn records_made_and_deleted_between_pages_do_not_disturb() {
    let source = Source::with_items(300);
    let base = source.mock.base_id();
    let options = source.options(&[("page_size", "50")]);
    let connector = AirtableConnector::new(options.connection.clone()).expect("a connector");
    let scan = connector.plan(&options.read).await.expect("a plan");
    source.faults(
        json!({"delay_ms": 120, "rules": [{"after": 3, "times": 1, "path": "offset=", "action": "iterator_gone"}]}),
    );
    let before = source.all_ids();
    let mut batches = connector.read(scan);
    let mut ids = Vec::new();
    let mut round = 0;
    while let Some(batch) = batches.next().await {
        ids.extend(strings(&[batch.expect("a batch")], "id").into_iter().flatten());
        if round == 0 {
            source.mock.delete_records(&base, "Items", &[&before[299]]).expect("deleted");
            source.mock.create_records(&base, "Items", &[json!({"Name": "late"})]).expect("created");
        }
        round += 1;
    }
    assert!(round > 1, "batches came while pages were under way");
    let unique: std::collections::HashSet<&String> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len());
    assert!(before[..299].iter().all(|id| unique.contains(id)));
}

#[tokio::test]
async fn a_record_on_two_pages_is_one_row() {
    let source = Source::with_items(250);
    source.faults(json!({"duplicates_per_page": 10}));
    assert_eq!(source.ids(&[]).await, source.all_ids());
}

#[tokio::test]
async fn cursors_that_lead_nowhere_end() {
    let source = Source::with_items(250);
    for (fault, hint) in
        [("repeat_offset", "came back to where it was"), ("endless_empty_pages", "the read was stopped")]
    {
        source.faults(json!({fault: true}));
        let error = source.error(&[]).await;
        assert!(matches!(&error, Error::Data(text) if text.contains(hint) && text.starts_with("GET http")), "{error}");
    }
}

#[tokio::test]
async fn filters_views_and_limits_are_airtables_business() {
    let source = Source::with_items(250);
    assert_eq!(source.ids(&[("filter_formula", "{N} >= 200")]).await, source.all_ids()[200..]);
    assert_eq!(source.ids(&[("max_records", "130")]).await, source.all_ids()[..130]);
    assert_eq!(source.pages(), 3 + 2 - 2);
}

#[tokio::test]
async fn a_long_formula_goes_by_post() {
    let source = Source::with_items(120);
    let ids = source.all_ids();
    let formula = ids.iter().map(|id| format!("RECORD_ID()='{id}'")).collect::<Vec<_>>().join(",");
    let long = format!("OR({formula},{})", vec!["{N}=100000"; 1_200].join(","));
    assert_eq!(source.ids(&[("filter_formula", &long)]).await, ids);
    let requests = source.mock.requests();
    let posts: Vec<_> = requests.iter().filter(|request| request.method == "POST").collect();
    assert_eq!(posts.len(), 2);
    assert!(posts.iter().all(|post| post.path.ends_with("/listRecords") && post.query.is_empty()));
    let body: Value = serde_json::from_str(&posts[1].body).expect("JSON");
    assert!(body["offset"].is_string() && body["returnFieldsByFieldId"] == true && body["pageSize"] == 100);
}

#[tokio::test]
async fn a_consumer_that_stops_holds_up_the_reader() {
    let source = Source::with_items(5_000);
    let options = source.options(&[]);
    let connector = AirtableConnector::new(options.connection.clone()).expect("a connector");
    let scan = connector.plan(&options.read).await.expect("a plan");
    let mut batches = connector.read(scan);
    assert_eq!(source.pages(), 0, "nothing is asked for before the first batch is");
    batches.next().await.expect("a batch").expect("a batch");
    tokio::time::sleep(Duration::from_millis(500)).await;
    let ahead = source.pages();
    assert!(ahead <= 31, "{ahead} pages were read for a consumer that took one batch");
    drop(batches);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(source.pages() <= 1, "a read that nobody wants stops");
}

#[tokio::test]
async fn the_first_batch_comes_after_the_first_page() {
    let source = Source::with_items(1_000);
    source.faults(json!({"rules": [{"path": "offset=", "action": {"delay": {"ms": 2_000}}}]}));
    let options = source.options(&[]);
    let connector = AirtableConnector::new(options.connection.clone()).expect("a connector");
    let scan = connector.plan(&options.read).await.expect("a plan");
    let mut batches = connector.read(scan);
    let first = batches.next().await.expect("a batch").expect("a batch");
    assert_eq!(first.num_rows(), 100);
    assert_eq!(source.pages(), 1);
}

#[tokio::test]
async fn batches_of_long_texts_are_bounded_by_their_bytes() {
    let source = Source::with_items(0);
    let long = "long ".repeat(20_000);
    let records = vec![json!({"Name": long}); 600];
    source.mock.create_records(&source.mock.base_id(), "Items", &records).expect("created");
    let batches = source.read(&[]).await.expect("a read");
    assert_eq!(rows(&batches), 600);
    assert!(batches.iter().all(|batch| batch.num_rows() <= 200), "at most two pages of 10 MB");
}

#[tokio::test]
async fn what_does_not_fit_is_rescued_or_refused_by_name() {
    let source = Source::with_items(3);
    let (base, ids) = (source.mock.base_id(), source.all_ids());
    source.mock.set_raw_cell(&base, "Items", &ids[1], "N", &json!("seven")).expect("set");
    let batches = source.read(&[]).await.expect("a read");
    let kept: Vec<Value> =
        serde_json::from_str(strings(&batches, "_rescued_data")[1].as_deref().expect("kept")).expect("JSON");
    assert_eq!(
        (&kept[0]["field"], &kept[0]["value"], &kept[0]["reason"]),
        (&json!("N"), &json!("seven"), &json!("expected a number"))
    );
    let error = source.error(&[("on_bad_value", "fail")]).await.to_string();
    assert!(
        error.starts_with(&format!("table \"Items\", record {}, field \"N\": expected a number", ids[1])),
        "{error}"
    );
}

#[tokio::test]
async fn odd_definitions_survive() {
    let source = Source::with_items(2);
    let base = source.mock.base_id();
    for definition in [
        json!({"type": "hologram", "options": {"depth": 3}}),
        json!({"type": "number", "options": null}),
        json!({"type": "formula", "options": {"isValid": false, "result": null}}),
        json!({"type": "multipleLookupValues", "options": {"isValid": false}}),
        json!({"type": "rollup"}),
    ] {
        source.mock.set_raw_field(&base, "Items", "N", &definition).expect("set");
        let batches = source.read(&[]).await.expect("a read");
        assert_eq!(rows(&batches), 2, "{definition}");
    }
}

#[tokio::test]
async fn a_field_removed_after_planning_is_an_error_and_not_a_column_of_nulls() {
    let source = Source::with_items(2);
    let options = source.options(&[]);
    let connector = AirtableConnector::new(options.connection.clone()).expect("a connector");
    let scan = connector.plan(&options.read).await.expect("a plan");
    source.mock.remove_field(&source.mock.base_id(), "Items", "N").expect("removed");
    let error = connector.read(scan).next().await.expect("an answer").expect_err("refused");
    assert!(
        matches!(&error, Error::NotFound(text) if text.contains("removed from the table after the read was planned")),
        "{error}"
    );
}

#[tokio::test]
async fn a_plan_is_read_on_another_machine_as_it_was_made() {
    let source = Source::with_items(5);
    let options = source.options(&[("fields", "N")]);
    let connector = AirtableConnector::new(options.connection.clone()).expect("a connector");
    let text = connector.plan(&options.read).await.expect("a plan").to_json();
    assert!(!text.contains(source.mock.token()));
    let base = source.mock.base_id();
    source.mock.rename_field(&base, "Items", "N", "Number").expect("renamed");
    let elsewhere = AirtableConnector::new(options.connection).expect("a connector");
    let batch =
        elsewhere.read(Scan::from_json(&text).expect("a plan")).next().await.expect("a batch").expect("a batch");
    assert_eq!(batch.schema().field(2).name(), "n");
    assert_eq!(batch.num_rows(), 5);
}

#[tokio::test]
async fn namespaces_are_bases_by_id_or_name() {
    let source = Source::sample();
    let bases = source.mock.bases();
    let options = |namespace: &str| {
        let pairs = [
            ("token", source.mock.token().to_owned()),
            ("base_url", source.mock.url()),
            ("requests_per_second", "100000".to_owned()),
            ("namespace", namespace.to_owned()),
        ];
        Options::parse(pairs).expect("valid options")
    };
    let connector = AirtableConnector::new(options("").connection).expect("a connector");
    let found = connector.list_namespaces().await.expect("bases");
    assert_eq!(
        found.iter().map(|base| &base.id).collect::<Vec<_>>(),
        bases.iter().map(|(id, _)| id).collect::<Vec<_>>()
    );
    for (id, name) in &bases {
        let by_id = connector.list_tables(Some(id)).await.expect("tables");
        assert_eq!(connector.list_tables(Some(name)).await.expect("tables"), by_id);
        let mut read = options(&json!([name]).to_string()).read;
        read.table = Some(by_id[0].clone());
        assert_eq!(&connector.plan(&read).await.expect("a plan").base_id, id);
    }
    let closed = json!({"name": "Closed", "permissionLevel": "none", "tables": []});
    let closed = source.mock.create_base(&closed).expect("a base");
    let listed = connector.list_namespaces().await.expect("bases");
    assert_eq!(listed.len(), found.len(), "a base of which nothing can be read is not listed");
    let error = connector.list_tables(Some("Closed")).await.expect_err("closed").to_string();
    assert!(error.contains("no such base") && !error.contains(&closed), "{error}");
    let error = connector.list_tables(Some("Nowhere")).await.expect_err("unknown").to_string();
    assert!(error.contains("namespace \"Nowhere\": the token sees no such base"), "{error}");
    assert!(
        error.contains("; it sees \"") && error.contains(&format!("{} is {:?}", bases[0].0, bases[0].1)),
        "{error}"
    );
    source.mock.create_base(&json!({"name": bases[0].1, "tables": []})).expect("a base of the same name");
    let error = connector.list_tables(Some(&format!("{}s", bases[0].1))).await.expect_err("unknown").to_string();
    assert!(error.contains("did you mean") && error.matches(&format!(" is {:?}", bases[0].1)).count() == 2, "{error}");
    let error = connector.list_tables(None).await.expect_err("none given").to_string();
    assert!(error.contains("neither option base_id nor option namespace"), "{error}");
    let fixed = source.connector(&[]);
    assert!(fixed.list_namespaces().await.expect("none").is_empty());
    let own = fixed.list_tables(None).await.expect("tables");
    source.mock.create_base(&json!({"name": &bases[0].1, "tables": []})).expect("a base of the same name");
    for itself in [&bases[0].0, &bases[0].1] {
        assert_eq!(fixed.list_tables(Some(itself)).await.expect("the base itself"), own);
    }
    let error = fixed.list_tables(Some(&bases[1].0)).await.expect_err("two").to_string();
    assert!(error.contains("give one of them only"), "{error}");
}

#[tokio::test]
async fn batches_are_a_stream_like_others() {
    let source = Source::with_items(250);
    let options = source.options(&[]);
    let connector = AirtableConnector::new(options.connection).expect("a connector");
    let mut batches = std::pin::pin!(connector.read(connector.plan(&options.read).await.expect("a plan")));
    let mut rows = 0;
    while let Some(batch) = std::future::poll_fn(|context| Stream::poll_next(batches.as_mut(), context)).await {
        rows += batch.expect("a batch").num_rows();
    }
    assert_eq!(rows, 250);
}

/// A page of bases that leads to another.
fn bases(ids: &[&str], offset: Option<&str>) -> Value {
    let bases: Vec<Value> = ids.iter().map(|id| json!({"id": id, "name": id, "permissionLevel": "read"})).collect();
    let mut page = json!({"bases": bases});
    if let Some(offset) = offset {
        page["offset"] = json!(offset);
    }
    json!({"respond": {"status": 200, "body": page}})
}

async fn listed_bases(source: &Source) -> lakeflow_airtable::Result<Vec<String>> {
    let connection = lakeflow_airtable::options::Connection { base_id: None, ..source.options(&[]).connection };
    let connector = AirtableConnector::new(connection)?;
    Ok(connector.list_namespaces().await?.into_iter().map(|base| base.id).collect())
}

#[tokio::test]
async fn a_list_of_bases_that_leads_nowhere_ends() {
    let rule = |path: &str, action: &Value| json!({"path": path, "action": action});
    let to = |path: &str, ids: &[&str], offset: &str| rule(path, &bases(ids, Some(offset)));
    for (rules, said) in [
        (vec![to("meta/bases", &["appA"], "itr1")], "came back to where it was"),
        (
            vec![
                to("offset=itr1", &["appB"], "itr2"),
                to("offset=itr2", &["appC"], "itr1"),
                to("meta/bases", &["appA"], "itr1"),
            ],
            "came back to where it was",
        ),
        (
            // A circle that does not lead back to its beginning.
            vec![
                to("offset=itr1", &[], "itr2"),
                to("offset=itr2", &["appC"], "itr3"),
                to("offset=itr3", &["appA"], "itr2"),
                to("meta/bases", &["appA"], "itr1"),
            ],
            "came back to where it was",
        ),
        (
            (0..60)
                .map(|n| {
                    json!({"after": n, "times": 1, "path": "meta/bases",
                "action": bases(&["appA"], Some(&format!("itr{n}")))})
                })
                .collect(),
            "pages without a new base",
        ),
        (vec![rule("offset=", &json!("iterator_gone")), to("meta/bases", &["appA"], "itr1")], "page cursor expired"),
    ] {
        let source = Source::with_items(0);
        source.faults(json!({"rules": rules}));
        let error = listed_bases(&source).await.expect_err(said);
        assert!(
            matches!(&error, Error::Data(text) if text.contains(said) && text.contains("/v0/meta/bases")),
            "{error}"
        );
        assert!(source.mock.requests().len() < 30, "{said}: {}", source.mock.requests().len());
    }
}

#[tokio::test]
async fn a_list_of_bases_begins_again_where_its_cursor_is_lost_and_names_each_once() {
    for lost in ["iterator_gone", "bad_offset"] {
        let source = Source::with_items(0);
        source.faults(json!({"rules": [
            {"path": "offset=itr2", "times": 1, "action": lost},
            {"path": "offset=itr2", "action": bases(&["appD"], None)},
            {"path": "offset=itr1", "action": bases(&["appB", "appC"], Some("itr2"))},
            {"path": "meta/bases", "action": bases(&["appA", "appB"], Some("itr1"))},
        ]}));
        assert_eq!(listed_bases(&source).await.expect("bases"), ["appA", "appB", "appC", "appD"], "{lost}");
    }
}

/// Ids become parts of addresses, paths and formulas.
#[tokio::test]
async fn what_cannot_be_an_id_is_refused_where_it_comes_in() {
    let source = Source::with_items(3);
    let answers = |path: &str, body: serde_json::Value| {
        let action = json!({"respond": {"status": 200, "body": body}});
        source.faults(json!({"rules": [{"path": path, "action": action}]}));
    };
    for id in ["../../x", "rec'", "rec\n1", ""] {
        let record = json!({"id": id, "createdTime": "2024-01-01T00:00:00.000Z", "fields": {}});
        answers("/Items", json!({"records": [record]}));
        answers("/tbl", json!({"records": [record]}));
        let error = source.error(&[]).await;
        assert!(matches!(&error, Error::Data(text) if text.contains("a record without an id")), "{error}");
    }
    // One of the list is passed over, and the one that is made says the same.
    answers("/webhooks", json!({"webhooks": [{"id": "../../x", "cursorForNextPayload": 1}], "id": "../../x"}));
    let options = source.options(&[("ingestion_type", "cdc_with_deletes")]);
    let connector = AirtableConnector::new(options.connection.clone()).expect("a connector");
    let stream =
        connector.stream(connector.plan(&options.read).await.expect("a plan"), &options.read).expect("a stream");
    let error = stream.latest(None, None).await.expect_err("no webhook's id");
    assert!(error.to_string().contains("is no id: ids have letters and digits only"), "{error}");
}
