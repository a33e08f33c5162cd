//! Attachments: the forms in which they are given, their files, and what becomes of a read when a file cannot be had.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use airtable_mock::{Mock, MockConfig};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use lakeflow_airtable::{AirtableConnector, LakeflowConnect};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::source::{Source, rows, strings};

/// A mock whose table `Items` has a field `Files` of attachments, and one that looks them up; each record has as many
/// files as its number, of 100 bytes each.
fn source(counts: &[usize]) -> Source {
    let mock = Mock::start(MockConfig { sample: false, ..MockConfig::default() }).expect("the mock starts");
    let base = json!({"name": "Shop", "tables": [{"name": "Items", "fields": [
        {"name": "Name", "type": "singleLineText"},
        {"name": "Files", "type": "multipleAttachments", "options": {"isReversed": false}},
        {"name": "Of", "type": "multipleRecordLinks", "options": {"linkedTableId": "Items"}},
    ]}]});
    let base = mock.create_base(&base).expect("a base");
    let lookup = json!({"name": "Theirs", "type": "multipleLookupValues",
        "options": {"recordLinkFieldId": "Of", "fieldIdInLinkedTable": "Files"}});
    mock.create_field(&base, "Items", &lookup).expect("a field");
    let records: Vec<Value> = counts
        .iter()
        .enumerate()
        .map(|(number, count)| {
            let file = |file| {
                json!({"url": "https://files.example.com/x", "filename": format!("{number}-{file}.png"),
                "size": 100, "type": "image/png", "width": 7})
            };
            json!({"Name": format!("item {number}"), "Files": (0..*count).map(file).collect::<Vec<_>>()})
        })
        .collect();
    mock.create_records(&base, "Items", &records).expect("records");
    mock.advance_clock(60.0);
    mock.clear_requests();
    Source { mock }
}

fn location() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

fn text(directory: &TempDir) -> &str {
    directory.path().to_str().expect("text")
}

/// The files below a directory, without those directories.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("listed").map(|entry| entry.expect("an entry").path());
    let mut found: Vec<PathBuf> =
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
    found.sort();
    found
}

fn properties(batch: &RecordBatch, column: &str) -> Vec<String> {
    let DataType::List(item) = batch.column_by_name(column).expect("the column").data_type().clone() else {
        panic!("no list")
    };
    let DataType::Struct(fields) = item.data_type() else { panic!("no structs") };
    fields.iter().map(|field| field.name().clone()).collect()
}

/// A text property of all attachments, in their order.
fn texts(batches: &[RecordBatch], column: &str, property: &str) -> Vec<Option<String>> {
    let of = |batch: &RecordBatch| {
        let items = batch.column_by_name(column).expect("the column").as_list::<i32>().values().clone();
        let texts = items.as_struct().column_by_name(property).expect("the property").as_string::<i32>().clone();
        texts.iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>()
    };
    batches.iter().flat_map(of).collect()
}

/// Requests to the host of files since the last look.
fn fetched(source: &Source) -> usize {
    let fetched = source.mock.requests().iter().filter(|request| request.endpoint == "attachment").count();
    source.mock.clear_requests();
    fetched
}

#[tokio::test]
async fn stable_columns_are_the_same_at_every_read() {
    let source = source(&[2, 0, 1]);
    source.faults(json!({"attachment_urls_change": true}));
    for more in [&[("attachments", "stable")][..], &[("attachments", "stable"), ("nested", "json")]] {
        let (one, two) = (source.read(more).await.expect("a read"), source.read(more).await.expect("a read"));
        assert_eq!(one, two, "{more:?}");
    }
    let batches = source.read(&[("attachments", "stable")]).await.expect("a read");
    assert_eq!(properties(&batches[0], "files"), ["id", "filename", "size", "type", "width", "height"]);
    assert_eq!(properties(&batches[0], "theirs"), ["id", "filename", "size", "type", "width", "height"]);
    let urls = source.read(&[]).await.expect("a read");
    assert_eq!(texts(&batches, "files", "id"), texts(&urls, "files", "id"));
    let json =
        source.read(&[("attachments", "stable"), ("nested", "json"), ("fields", "Files")]).await.expect("a read");
    let cells = strings(&json, "files");
    let cell: Value = serde_json::from_str(cells[0].as_deref().expect("a cell")).expect("JSON");
    let keys: BTreeSet<&String> = cell[1].as_object().expect("an attachment").keys().collect();
    let expected = ["filename", "height", "id", "size", "type", "width"].map(str::to_owned);
    assert_eq!(keys, expected.iter().collect());
    assert_eq!(cells[1], None);
    assert_eq!(fetched(&source), 0);
}

#[tokio::test]
async fn addresses_are_in_no_rescued_data_of_columns_without_them() {
    let source = source(&[1, 1]);
    let (base, ids) = (source.mock.base_id(), source.all_ids());
    let odd = json!([{"id": "attOdd00000000000", "url": "https://files.example.com/secret", "filename": "a.png",
        "size": "large", "type": "image/png", "thumbnails": {"small": {"url": "https://files.example.com/secret"}}}]);
    source.mock.set_raw_cell(&base, "Items", &ids[0], "Files", &odd).expect("set");
    source.mock.set_raw_cell(&base, "Items", &ids[0], "Name", &json!({"url": "https://example.com"})).expect("set");
    source.mock.advance_clock(60.0);
    source.faults(json!({"rules": [{"path": "/_mock/attachments/", "action": "forbidden"}]}));
    let directory = location();
    let download = [("attachments", "download"), ("attachment_location", text(&directory))];
    for (more, entries) in [(&[("attachments", "stable")][..], 2), (&download, 3)] {
        let told = rescued(&source.read(more).await.expect("a read"));
        assert_eq!(told[0].as_array().map(Vec::len), Some(entries), "{told:?}");
        assert_eq!(told[0][0]["value"], json!({"url": "https://example.com"}));
        let kept = json!([{"id": "attOdd00000000000", "filename": "a.png", "size": "large", "type": "image/png"}]);
        assert_eq!((&told[0][1]["value"], told[0][1]["field"].as_str()), (&kept, Some("Files")));
    }
    let given = rescued(&source.read(&[]).await.expect("a read"));
    assert_eq!(given[0][1]["value"], odd, "where addresses are given the value is as it was sent");
}

#[tokio::test]
async fn files_are_stored_once_under_their_names() {
    let source = source(&[2, 0, 1]);
    let directory = location();
    let all = [("attachments", "download"), ("attachment_location", text(&directory))];
    let batches = source.read(&all).await.expect("a read");
    assert_eq!(properties(&batches[0], "files"), ["id", "path", "filename", "size", "type", "width", "height"]);
    assert_eq!(batches[0].schema().metadata().len(), 0);
    let (ids, paths) = (texts(&batches, "files", "id"), texts(&batches, "files", "path"));
    let names = texts(&batches, "files", "filename");
    assert_eq!(names, ["0-0.png", "0-1.png", "2-0.png"].map(|name| Some(name.to_owned())));
    for ((id, name), path) in ids.iter().zip(&names).zip(&paths) {
        let (id, name) = (id.as_deref().expect("an id"), name.as_deref().expect("a name"));
        let expected = directory.path().join(&id[3..5]).join(id).join(name);
        assert_eq!(path.as_deref(), expected.to_str());
        assert!(fs::read_to_string(&expected).expect("stored").starts_with(&format!("original of {id}\n")));
        assert_eq!(fs::metadata(&expected).expect("stored").len(), 100);
    }
    assert_eq!(files(directory.path()).len(), 3);
    assert!(strings(&batches, "_rescued_data").iter().all(Option::is_none));
    let asked: Vec<_> = source.mock.requests();
    assert!(asked.iter().filter(|asked| asked.endpoint == "attachment").all(|asked| !asked.authorized));
    assert_eq!(fetched(&source), 3);
    // What is there with its size is not fetched again.
    fs::write(paths[0].as_deref().expect("a path"), "cut").expect("written");
    assert_eq!(source.read(&all).await.expect("a read"), batches);
    assert_eq!(fetched(&source), 1);
    assert_eq!(fs::metadata(paths[0].as_deref().expect("a path")).expect("stored").len(), 100);
    // The same as JSON.
    let json = source.read(&[&all[..], &[("nested", "json"), ("fields", "Files")]].concat()).await.expect("a read");
    let cell: Value = serde_json::from_str(strings(&json, "files")[0].as_deref().expect("a cell")).expect("JSON");
    assert_eq!(cell[0]["path"].as_str(), paths[0].as_deref());
    assert!(cell[0]["url"].is_null() && cell[0]["thumbnails"].is_null() && cell[0]["size"] == 100);
}

#[tokio::test]
async fn a_read_tells_how_many_files_it_had() {
    let source = source(&[1; 250]);
    let directory = location();
    let options = source.options(&[("attachments", "download"), ("attachment_location", text(&directory))]);
    let connector = AirtableConnector::new(options.connection).expect("a connector");
    let scan = connector.plan(&options.read).await.expect("a plan");
    assert_eq!(lakeflow_airtable::Scan::from_json(&scan.to_json()).expect("a plan"), scan);
    for (fetched, there) in [(250, 0), (0, 250)] {
        let mut batches = connector.read(scan.clone());
        let mut rows = 0;
        while let Some(batch) = batches.next().await {
            rows += batch.expect("a batch").num_rows();
        }
        let stats = batches.stats();
        assert_eq!((rows, stats.files_fetched, stats.files_there, stats.files_missed), (250, fetched, there, 0));
        assert_eq!((stats.file_bytes, stats.rescued_values), (100 * fetched, 0));
    }
    assert_eq!(files(directory.path()).len(), 250);
}

#[tokio::test]
async fn each_attachment_is_a_row_of_the_part() {
    let source = source(&[2, 0, 1]);
    let ids = source.all_ids();
    let own = ["id", "field_id", "field", "position", "attachment_id", "filename", "size", "type", "width", "height"];
    let directory = location();
    let place = ("attachment_location", text(&directory));
    for (more, last) in [
        (&[][..], Some("url")),
        (&[("attachments", "stable")], None),
        (&[("attachments", "download"), place], Some("path")),
        (&[("nested", "json")], Some("url")),
    ] {
        let batches = source.read(&[&[("part", "attachments")], more].concat()).await.expect("a read");
        let schema = batches[0].schema();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, own.into_iter().chain(last).collect::<Vec<_>>());
        assert_eq!(strings(&batches, "id"), [&ids[0], &ids[0], &ids[2]].map(|id| Some(id.clone())));
        assert_eq!(strings(&batches, "filename"), ["0-0.png", "0-1.png", "2-0.png"].map(|name| Some(name.to_owned())));
        assert!(strings(&batches, "field").iter().all(|field| field.as_deref() == Some("Files")));
        let positions = batches[0].column_by_name("position").expect("the column").as_primitive::<Int64Type>();
        assert_eq!(positions.values(), &[0, 1, 0]);
        let sizes = batches[0].column_by_name("size").expect("the column").as_primitive::<Int64Type>();
        assert_eq!(sizes.values(), &[100, 100, 100]);
        if let Some(last) = last {
            assert!(strings(&batches, last).iter().all(Option::is_some), "{last}");
        }
    }
    assert_eq!(files(directory.path()).len(), 3);
    // Of chosen rows the files are fetched, and of no others.
    let (other, chosen) = (location(), "filename = '0-1.png' OR position = 0 AND id = 'recNone0000000000'");
    let all = [
        ("part", "attachments"),
        ("attachments", "download"),
        ("attachment_location", text(&other)),
        ("where", chosen),
    ];
    let batches = source.read(&all).await.expect("a read");
    assert_eq!((strings(&batches, "filename"), files(other.path()).len()), (vec![Some("0-1.png".to_owned())], 1));
    assert!(strings(&batches, "path").iter().all(Option::is_some));
    let all = [&all[..3], &[("where", "path LIKE '%0-0.png'")]].concat();
    assert_eq!(rows(&source.read(&all).await.expect("a read")), 1);
    assert_eq!(files(other.path()).len(), 3, "whether there is a path is known when all are fetched");
    let error = source.error(&[("part", "attachments"), ("fields", "Name")]).await.to_string();
    assert!(error.contains("option fields has \"Name\", of type singleLineText"), "{error}");
    // A user's columns.
    let options = source.options(&[("part", "attachments"), ("attachments", "download"), place]);
    let connector = AirtableConnector::new(options.connection).expect("a connector");
    let schema =
        json!({"type": "struct", "fields": [{"name": "path", "type": "string", "nullable": true, "metadata": {}}]});
    let scan = connector.plan(&options.read).await.expect("a plan").select(&schema.to_string()).expect("the columns");
    let batch = connector.read(scan).next().await.expect("a batch").expect("a batch");
    assert_eq!((batch.num_rows(), batch.num_columns()), (3, 1));
}

#[tokio::test]
async fn lookups_of_attachments_are_attachments_too() {
    let source = source(&[2, 0]);
    let (base, ids) = (source.mock.base_id(), source.all_ids());
    source.mock.update_records(&base, "Items", &[json!({"id": ids[1], "fields": {"Of": [ids[0]]}})]).expect("linked");
    source.mock.advance_clock(60.0);
    let directory = location();
    let all = [("attachments", "download"), ("attachment_location", text(&directory))];
    let batches = source.read(&all).await.expect("a read");
    assert_eq!(texts(&batches, "files", "path"), texts(&batches, "theirs", "path"));
    assert_eq!(fetched(&source), 2);
    let rows = source.read(&[("part", "attachments")]).await.expect("a read");
    let fields: Vec<_> = strings(&rows, "field").into_iter().flatten().collect();
    assert_eq!(fields, ["Files", "Files", "Theirs", "Theirs"]);
}

#[tokio::test]
async fn a_table_without_attachments_has_none_and_asks_nothing() {
    let source = Source::with_items(3);
    assert!(source.read(&[("part", "attachments")]).await.expect("a read").is_empty());
    assert_eq!(source.pages(), 0);
    let directory = location();
    let all = [("attachments", "download"), ("attachment_location", text(&directory))];
    assert_eq!(rows(&source.read(&all).await.expect("a read")), 3);
}

#[tokio::test]
async fn addresses_that_have_died_are_asked_for_anew() {
    let source = source(&[1; 120]);
    let directory = location();
    let all = [("attachments", "download"), ("attachment_location", text(&directory)), ("rescued_data_column", "r")];
    for status in [403, 410] {
        let dead = json!({"respond": {"status": status}});
        let rule = json!({"path": "/_mock/attachments/", "times": 3, "action": dead});
        source.faults(json!({"rules": [rule], "attachment_urls_change": true}));
        for path in files(directory.path()) {
            fs::remove_file(path).expect("removed");
        }
        source.mock.clear_requests();
        let batches = source.read(&all).await.expect("a read");
        assert!(texts(&batches, "files", "path").iter().all(Option::is_some));
        assert!(strings(&batches, "r").iter().all(Option::is_none));
        let requests = source.mock.requests();
        let anew = requests.iter().filter(|asked| asked.query.contains("RECORD_ID")).count();
        assert!((1..=3).contains(&anew), "{anew} requests for three records");
        assert_eq!(fetched(&source), 123);
    }
}

#[tokio::test]
async fn new_addresses_come_in_pages_as_small_as_airtable_likes() {
    let source = source(&[1; 90]);
    let directory = location();
    assert_eq!(rows(&source.read(&[]).await.expect("a read")), 90);
    // Part of what is told when new addresses are asked for.
    source.faults(json!({"page_size": 40}));
    let url = format!("{}/v0/{}/Items?returnFieldsByFieldId=true", source.mock.url(), source.mock.base_id());
    let request = reqwest::Client::new().get(url).bearer_auth(source.mock.token());
    let part: Value =
        serde_json::from_str(&request.send().await.expect("a page").text().await.expect("text")).expect("JSON");
    assert!(part["records"].as_array().is_some_and(|records| records.len() == 40) && part["offset"].is_string());
    let dead = json!({"path": "/_mock/attachments/", "times": 90, "action": {"respond": {"status": 410}}});
    let table = format!("/v0/{}/tbl", source.mock.base_id());
    let part = json!({"path": table, "after": 1, "times": 1, "action": {"respond": {"status": 200, "body": part}}});
    source.faults(json!({"rules": [dead, part]}));
    let all = [("attachments", "download"), ("attachment_location", text(&directory))];
    let batches = source.read(&all).await.expect("a read");
    assert!(strings(&batches, "_rescued_data").iter().all(Option::is_none), "{:?}", rescued(&batches).first());
    assert_eq!(files(directory.path()).len(), 90);
}

#[tokio::test]
async fn an_address_that_has_died_of_age_is_replaced() {
    let source = source(&[1; 150]);
    let directory = location();
    // The first page's files are asked for when its addresses have died already.
    source.faults(json!({"attachment_url_seconds": 0}));
    let all = [("attachments", "download"), ("attachment_location", text(&directory))];
    let batches = source.read(&all).await.expect("a read");
    assert!(texts(&batches, "files", "path").iter().all(Option::is_none));
    let told: Vec<Value> = rescued(&batches);
    assert_eq!(told[0][0]["reason"], "the file cannot be had: the file host answers 410, at a new address, too");
}

fn rescued(batches: &[RecordBatch]) -> Vec<Value> {
    let texts = strings(batches, "_rescued_data").into_iter().flatten();
    texts.map(|text| serde_json::from_str(&text).expect("JSON")).collect()
}

/// Reads with a fault of the host of files, and gives the reasons why files cannot be had.
async fn reasons(source: &Source, action: Value, more: &[(&str, &str)]) -> Vec<String> {
    let directory = location();
    let faults = json!({"rules": [{"path": "/_mock/attachments/", "action": action}]});
    source.faults(faults);
    let all = [("attachments", "download"), ("attachment_location", text(&directory)), ("fields", "Files")];
    let batches = source.read(&[&all, more].concat()).await.expect("a read");
    assert_eq!(texts(&batches, "files", "path"), [None, None]);
    assert!(files(directory.path()).is_empty(), "nothing is left of what cannot be had");
    let told = rescued(&batches);
    let told = told[0].as_array().expect("a list").clone();
    let ids = texts(&batches, "files", "id");
    for (told, id) in told.iter().zip(ids) {
        assert_eq!((told["field"].as_str(), told["value"]["id"].as_str()), (Some("Files"), id.as_deref()));
        assert!(told["value"].get("url").is_none() && told["value"]["size"] == 100);
    }
    told.iter().map(|told| told["reason"].as_str().expect("a reason").to_owned()).collect()
}

#[tokio::test]
async fn a_file_that_cannot_be_had_has_no_path_and_a_reason() {
    let source = source(&[2]);
    let no_retry = [("max_retries", "0")];
    let base = source.mock.base_id();
    let api = format!("{}/v0/{base}/Items", source.mock.url());
    for (action, more, expected) in [
        (json!({"respond": {"status": 403}}), &no_retry[..], "the file host answers 403, at a new address, too"),
        (json!({"respond": {"status": 404}}), &no_retry, "the file host answers 404, at a new address, too"),
        (json!({"respond": {"status": 503}}), &no_retry, "the file host answers 503"),
        (json!({"respond": {"status": 400}}), &[], "the file host answers 400"),
        (
            json!({"respond": {"status": 200, "headers": [["content-type", "text/html"]], "body": "<html>".repeat(9)}}),
            &[],
            "answers with a page of HTML in the file's place",
        ),
        (json!({"respond": {"status": 200, "body": "half"}}), &no_retry, "tells 100 bytes, and the file host sends 4"),
        (json!({"respond": {"status": 200, "body": "x".repeat(101)}}), &no_retry, "sends 101"),
        (json!({"truncate": {"bytes": 50}}), &no_retry, "the connection broke"),
        (json!("close"), &no_retry, "the connection broke"),
        (
            json!({"redirect": {"location": "http://files.example.com/x"}}),
            &[],
            "it redirects: the address is of plain http, at files.example.com: files are fetched by https only",
        ),
        (json!({"redirect": {"location": api}}), &[], "it redirects: the address is one of the API"),
        (json!({"redirect": {"location": "file:///etc/passwd"}}), &[], "the file host answers 302"),
    ] {
        let reasons = reasons(&source, action.clone(), more).await;
        assert_eq!(reasons.len(), 2, "{action}");
        for reason in reasons {
            assert!(reason.starts_with("the file cannot be had: ") && reason.contains(expected), "{action}: {reason}");
            assert!(!reason.contains("_mock"), "an address opens the file: {reason}");
        }
    }
    let redirected = source.mock.requests();
    assert!(redirected.iter().filter(|asked| asked.path.contains("/Items")).all(|asked| asked.authorized));
}

#[tokio::test]
async fn redirects_without_end_are_given_up_and_others_followed() {
    let source = source(&[2]);
    let again = format!("{}/_mock/attachments/x", source.mock.url());
    let reasons = reasons(&source, json!({"redirect": {"location": again}}), &[]).await;
    assert!(reasons[0].contains("it redirects without end"), "{}", reasons[0]);
    let directory = location();
    let given = source.read(&[]).await.expect("a read");
    let target = texts(&given, "files", "url")[0].clone().expect("an address");
    let once = json!({"path": "/_mock/attachments/", "times": 1, "action": {"redirect": {"location": target}}});
    source.faults(json!({"rules": [once]}));
    let all = [("attachments", "download"), ("attachment_location", text(&directory))];
    let batches = source.read(&all).await.expect("a read");
    assert!(texts(&batches, "files", "path").iter().all(Option::is_some));
}

#[tokio::test]
async fn what_passes_is_waited_for() {
    let source = source(&[2]);
    for action in [json!({"respond": {"status": 503}}), json!("close"), json!({"truncate": {"bytes": 20}})] {
        let directory = location();
        let rule = json!({"path": "/_mock/attachments/", "times": 2, "action": action});
        source.faults(json!({"rules": [rule]}));
        let all = [("attachments", "download"), ("attachment_location", text(&directory))];
        let batches = source.read(&all).await.expect("a read");
        assert!(texts(&batches, "files", "path").iter().all(Option::is_some), "{action}");
        assert_eq!(files(directory.path()).len(), 2);
    }
    // A slow file is taken as it comes.
    let directory = location();
    let slow = json!({"path": "/_mock/attachments/", "action": {"slow": {"chunk": 30, "ms": 5}}});
    source.faults(json!({"rules": [slow]}));
    let all = [("attachments", "download"), ("attachment_location", text(&directory))];
    let batches = source.read(&all).await.expect("a read");
    assert!(texts(&batches, "files", "path").iter().all(Option::is_some));
    let stall = [("timeout_seconds", "0.2"), ("max_retries", "0")];
    let reasons = reasons(&source, json!("stall"), &stall).await;
    assert!(reasons[0].contains("did not send it within 200ms"), "{}", reasons[0]);
}

#[tokio::test]
async fn a_strict_read_stops_at_a_file_that_cannot_be_had() {
    let source = source(&[2]);
    let directory = location();
    source.faults(json!({"rules": [{"path": "/_mock/attachments/", "action": {"respond": {"status": 400}}}]}));
    let all = [("attachments", "download"), ("attachment_location", text(&directory))];
    let error = source.error(&[&all[..], &[("on_bad_value", "fail")]].concat()).await.to_string();
    let id = &source.all_ids()[0];
    let begin = format!("table \"Items\", record {id}, field \"Files\": the file \"0-0.png\" of attachment att");
    assert!(error.starts_with(&begin) && error.contains("the file host answers 400"), "{error}");
    for part in ["records", "attachments"] {
        let more = [("part", part), ("rescued_data_column", "")];
        let options = source.options(&[&all[..], &more].concat());
        let connector = AirtableConnector::new(options.connection).expect("a connector");
        let mut batches = connector.read(connector.plan(&options.read).await.expect("a plan"));
        let batch = batches.next().await.expect("a batch").expect("rows all the same");
        assert!(batch.num_rows() > 0);
        assert!(batches.next().await.is_none());
        assert_eq!((batches.stats().files_missed, batches.stats().rescued_values), (2, 0));
    }
}

#[tokio::test]
async fn a_location_in_which_nothing_can_be_stored_stops_the_read() {
    let source = source(&[1]);
    let file = tempfile::NamedTempFile::new().expect("a file");
    for place in [file.path(), Path::new("/no/such/directory")] {
        let place = place.to_str().expect("text");
        let error = source.error(&[("attachments", "download"), ("attachment_location", place)]).await;
        assert!(error.to_string().starts_with(&format!("option attachment_location: {place}: ")), "{error}");
        assert_eq!(error.option().as_deref(), Some("attachment_location"));
    }
    assert_eq!(fetched(&source), 0, "nothing is fetched in vain");
}

#[tokio::test]
async fn names_of_files_lead_nowhere_else() {
    let source = source(&[0]);
    let (base, id) = (source.mock.base_id(), source.all_ids()[0].clone());
    let names =
        ["../../../escape.txt", "/etc/passwd", "a\u{0}b\nc", "CON", "..", "end. ", &"x".repeat(300), "same", "same"];
    for name in names {
        source.mock.add_attachment((&base, "Items", &id, "Files"), name, b"bytes", None).expect("added");
    }
    source.mock.advance_clock(60.0);
    let outer = location();
    let inner = outer.path().join("inner");
    fs::create_dir(&inner).expect("made");
    let place = inner.to_str().expect("text");
    let batches = source.read(&[("attachments", "download"), ("attachment_location", place)]).await.expect("a read");
    let paths: Vec<_> = texts(&batches, "files", "path").into_iter().flatten().collect();
    assert_eq!(paths.iter().collect::<BTreeSet<_>>().len(), names.len());
    let found: Vec<_> = files(outer.path()).iter().map(|path| path.to_str().expect("text").to_owned()).collect();
    assert_eq!(found.iter().collect::<BTreeSet<_>>(), paths.iter().collect::<BTreeSet<_>>());
    assert!(paths.iter().all(|path| path.starts_with(place) && fs::read(path).expect("stored") == b"bytes"));
    assert_eq!(texts(&batches, "files", "filename")[0].as_deref(), Some(names[0]), "the name is told as it is");
}

#[tokio::test]
async fn two_reads_at_once_store_the_same_files() {
    let source = source(&[3; 60]);
    source.faults(json!({"rules": [{"path": "/_mock/attachments/", "action": {"delay": {"ms": 2}}}]}));
    let directory = location();
    let all = [("attachments", "download"), ("attachment_location", text(&directory))];
    let (one, two, three) = tokio::join!(source.read(&all), source.read(&all), source.read(&all));
    let one = one.expect("a read");
    assert_eq!(one, two.expect("a read"));
    assert_eq!(one, three.expect("a read"));
    let found = files(directory.path());
    assert_eq!(found.len(), 180);
    assert!(found.iter().all(|path| fs::metadata(path).expect("stored").len() == 100));
}

#[tokio::test]
async fn bases_are_read_as_one_with_their_files() {
    let source = source(&[1, 2]);
    let other = json!({"name": "Other", "tables": [{"name": "Items", "fields": [
        {"name": "Name", "type": "singleLineText"}, {"name": "Files", "type": "multipleAttachments"}]}]});
    let other = source.mock.create_base(&other).expect("a base");
    let file = json!({"url": "https://files.example.com/x", "filename": "other.txt", "size": 9});
    source.mock.create_records(&other, "Items", &[json!({"Files": [file]})]).expect("records");
    source.mock.advance_clock(60.0);
    let listed = json!([source.mock.base_id(), other]).to_string();
    let directory = location();
    let all = [("base_id", ""), ("namespace", &listed[..])];
    let stored = [("attachments", "download"), ("attachment_location", text(&directory))];
    let batches = source.read(&[&all[..], &stored].concat()).await.expect("a read");
    assert_eq!(texts(&batches, "files", "path").into_iter().flatten().count(), 4);
    let part = source.read(&[&all[..], &stored, &[("part", "attachments")]].concat()).await.expect("a read");
    let schema = part[0].schema();
    assert_eq!((schema.field(0).name().as_str(), schema.field(1).name().as_str()), ("id", "_base_id"));
    assert_eq!(strings(&part, "_base_id").into_iter().flatten().filter(|base| *base == other).count(), 1);
    assert_eq!(rows(&part), 4);
    assert_eq!(files(directory.path()).len(), 4);
}

#[tokio::test]
async fn a_stream_fetches_the_files_of_what_changed() {
    let source = source(&[1, 1, 1]);
    let (base, ids) = (source.mock.base_id(), source.all_ids());
    let directory = location();
    let all = [
        ("attachments", "download"),
        ("attachment_location", text(&directory)),
        ("ingestion_type", "cdc"),
        ("poll_seconds", "0"),
    ];
    let options = source.options(&all);
    let connector = AirtableConnector::new(options.connection).expect("a connector");
    let plan = connector.plan(&options.read).await.expect("a plan");
    let stream = connector.stream(plan, &options.read).expect("a stream");
    let mut start = None;
    for expected in [3, 1] {
        let latest = stream.latest(start.as_ref(), None).await.expect("an end");
        let scan = stream.scan(start.as_ref(), &latest.offset).await.expect("a range");
        let mut batches = connector.read(scan);
        let mut paths = Vec::new();
        while let Some(batch) = batches.next().await {
            paths.extend(texts(&[batch.expect("a batch")], "files", "path"));
        }
        assert!(paths.iter().all(Option::is_some));
        assert_eq!(batches.stats().files_fetched, expected);
        start = Some(latest.offset);
        source.mock.add_attachment((&base, "Items", &ids[1], "Files"), "new.txt", b"new", None).expect("added");
        source.mock.advance_clock(120.0);
    }
}
