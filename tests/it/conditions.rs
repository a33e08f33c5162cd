//! The option `where` over real sockets: which rows come, what they cost, and what Airtable may do meanwhile.

use std::time::Duration;

use airtable_mock::{Mock, MockConfig};
use lakeflow_airtable::{AirtableConnector, Error, LakeflowConnect, Scan};
use serde_json::{Value, json};

use crate::changes::{APPEND, CDC, FEED, Reader, Row, add, cost, edit, ids, remove};
use crate::source::{Source, rows, strings};

/// Records in stages, of which every eighth is at its launch.
fn launches(count: usize) -> Source {
    let mock = Mock::start(MockConfig { sample: false, ..MockConfig::default() }).expect("the mock starts");
    let choices = json!([{"name": "Launch"}, {"name": "Lab"}]);
    let base = json!({"name": "Stock", "tables": [{"name": "Items", "fields": [
        {"name": "Name", "type": "singleLineText"},
        {"name": "N", "type": "number", "options": {"precision": 0}},
        {"name": "Stage", "type": "singleSelect", "options": {"choices": choices}},
        {"name": "Notes", "type": "multilineText"},
        {"name": "Even", "type": "number", "options": {"precision": 0}},
    ]}]});
    let base = mock.create_base(&base).expect("a base");
    let record = |n: usize| {
        let stage = if n.is_multiple_of(8) { "Launch" } else { "Lab" };
        json!({"Name": format!("item {n}"), "N": n, "Stage": stage, "Notes": format!("note {}", n % 3), "Even": if n.is_multiple_of(2) { n } else { 0 }})
    };
    mock.create_records(&base, "Items", &(0..count).map(record).collect::<Vec<_>>()).expect("records");
    mock.clear_requests();
    Source { mock }
}

/// The ids of the records whose cells fulfil what is asked.
fn expected(source: &Source, is_wanted: impl Fn(&Value) -> bool) -> Vec<String> {
    let records = source.mock.records(&source.mock.base_id(), "Items").expect("the table");
    let wanted = records.iter().filter(|record| is_wanted(&record["fields"]));
    let mut ids: Vec<String> = wanted.map(|record| record["id"].as_str().expect("an id").to_owned()).collect();
    ids.sort();
    ids
}

async fn found(source: &Source, options: &[(&str, &str)]) -> Vec<String> {
    let mut ids = source.ids(options).await;
    ids.sort();
    ids
}

fn number(cells: &Value) -> i64 {
    cells["N"].as_i64().expect("a number")
}

#[tokio::test]
async fn a_read_is_as_short_as_what_airtable_can_decide() {
    let source = launches(1_000);
    let hundred: Vec<String> = source.all_ids().into_iter().step_by(10).collect();
    let list = format!("id IN ('{}')", hundred.join("','"));
    for (condition, pages, count) in [
        (list.as_str(), 1, 100),
        ("stage = 'Launch'", 2, 125),
        ("stage = 'Launch' AND notes = 'note 1'", 2, 41),
        ("n < 250", 3, 250),
        ("n BETWEEN 100 AND 199 AND name LIKE 'item 1%'", 2, 100),
        ("stage IS NULL", 1, 0),
        ("notes = 'note 1'", 10, 333),
    ] {
        let given = source.ids(&[("where", condition)]).await;
        // One page more at most, where a bound is widened.
        let asked = source.pages();
        assert!(asked == pages || asked + 1 == pages, "{condition}: {asked} pages");
        assert_eq!(given.len(), count, "{condition}");
    }
    let ids = expected(&source, |cells| number(cells) % 8 == 0 && cells["Notes"] == "note 1");
    assert_eq!(found(&source, &[("where", "stage = 'Launch' AND notes = 'note 1'")]).await, ids);
}

#[tokio::test]
async fn a_condition_needs_no_column_that_is_given() {
    let source = launches(60);
    let wanted = expected(&source, |cells| number(cells) > 40);
    for fields in ["Name", "[]", "N"] {
        assert_eq!(found(&source, &[("fields", fields), ("where", "n > 40")]).await, wanted, "{fields}");
    }
    let batches = source.read(&[("fields", "Name"), ("where", "n > 40")]).await.expect("a read");
    let names: Vec<String> = batches[0].schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["id", "createdTime", "name", "_rescued_data"]);

    // A schema gives columns as other types; a condition is about the table's own.
    let options = source.options(&[("where", "n > 40 AND id IS NOT NULL")]);
    let connector = AirtableConnector::new(options.connection).expect("a connector");
    let plan = connector.plan(&options.read).await.expect("a plan");
    let schema = json!({"type": "struct", "fields": [{"name": "n", "type": "string", "nullable": true}]});
    let plan = plan.select(&schema.to_string()).expect("a selection");
    let plan = Scan::from_json(&plan.to_json()).expect("a plan that travels");
    let mut read = connector.read(plan);
    let mut texts = Vec::new();
    while let Some(batch) = read.next().await {
        texts.extend(strings(&[batch.expect("a batch")], "n").into_iter().flatten());
    }
    texts.sort();
    assert_eq!(texts, (41..60).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn misfits_of_what_is_not_given_are_nobodys() {
    let source = launches(30);
    let (base, all) = (source.mock.base_id(), source.all_ids());
    source.mock.set_raw_cell(&base, "Items", &all[20], "N", &json!("many")).expect("a cell");
    source.mock.set_raw_cell(&base, "Items", &all[21], "Name", &json!(21)).expect("a cell");
    source.mock.set_raw_cell(&base, "Items", &all[2], "Name", &json!(2)).expect("a cell");
    for strict in ["rescue", "fail"] {
        let options = [("fields", "Stage"), ("where", "n >= 10"), ("on_bad_value", strict)];
        let batches = source.read(&options).await.expect("a read");
        assert_eq!(rows(&batches), 19);
        assert!(strings(&batches, "_rescued_data").iter().all(Option::is_none));
    }
    let read = source.options(&[("fields", "Name"), ("where", "n >= 10")]);
    let connector = AirtableConnector::new(read.connection).expect("a connector");
    let mut batches = connector.read(connector.plan(&read.read).await.expect("a plan"));
    let mut rescued = 0;
    while let Some(batch) = batches.next().await {
        rescued += strings(&[batch.expect("a batch")], "_rescued_data").iter().flatten().count();
    }
    assert_eq!((rescued, batches.stats().rescued_values, batches.stats().rows), (1, 1, 19));
}

#[tokio::test]
async fn a_number_of_records_is_of_those_that_fulfil_the_condition() {
    let source = launches(1_000);
    for (most, pages) in [("5", 1), ("30", 1), ("300", 9)] {
        let batches = source.read(&[("max_records", most), ("where", "notes = 'note 2'")]).await.expect("a read");
        assert_eq!(rows(&batches).to_string(), most);
        assert!(strings(&batches, "notes").iter().all(|note| note.as_deref() == Some("note 2")));
        let asked = source.pages();
        assert!(asked <= pages, "{most}: {asked} pages");
    }
    assert_eq!(source.ids(&[("max_records", "900"), ("where", "notes = 'note 2'")]).await.len(), 333);
}

#[tokio::test]
async fn it_combines_with_a_formula_a_view_and_several_cursors() {
    let source = launches(3_000);
    let wanted = expected(&source, |cells| number(cells) >= 1_000 && cells["Stage"] == "Launch");
    let options = [("filter_formula", "{N}>=1000"), ("where", "stage = 'Launch'")];
    assert_eq!(found(&source, &options).await, wanted);
    let wanted = expected(&source, |cells| cells["Notes"] != "note 0");
    source.faults(json!({"delay_ms": 100}));
    assert_eq!(found(&source, &[("where", "notes <> 'note 0'")]).await, wanted);
    source.faults(json!({}));
    // A formula of the user's that is refused is an error all the same.
    let error = source.error(&[("filter_formula", "{Nothing}"), ("where", "stage = 'Launch'")]).await;
    assert!(matches!(&error, Error::Rejected(_)) && error.option().as_deref() == Some("filter_formula"), "{error}");
}

#[tokio::test]
async fn a_field_that_has_another_name_is_read_all_the_same() {
    for (swapped, options) in [(false, vec![]), (true, vec![]), (true, vec![("max_records", "30")])] {
        let source = launches(300);
        let wanted = expected(&source, |cells| cells["Stage"] == "Launch");
        let options = source.options(&[vec![("where", "stage = 'Launch'")], options].concat());
        let connector = AirtableConnector::new(options.connection).expect("a connector");
        let plan = connector.plan(&options.read).await.expect("a plan");
        let base = source.mock.base_id();
        source.mock.rename_field(&base, "Items", "Stage", "Phase").expect("renamed");
        if swapped {
            // The old name is another field's, and Airtable finds nothing wrong.
            source.mock.rename_field(&base, "Items", "Notes", "Stage").expect("renamed");
        }
        let found = ids_by(&connector, plan).await;
        let most = options.read.max_records.map_or(wanted.len(), |most| most.try_into().expect("few"));
        assert!(found.len() == most && found.iter().all(|id| wanted.contains(id)), "{swapped} {most}: {found:?}");
    }
}

#[tokio::test]
async fn names_that_change_in_the_middle_of_a_read_lose_and_double_nothing() {
    // So many pages come twice that a read which did not know why would stop.
    let source = launches(4_000);
    let wanted = expected(&source, |cells| number(cells) >= 100);
    let options = source.options(&[("where", "n >= 100")]);
    let connector = AirtableConnector::new(options.connection).expect("a connector");
    let plan = connector.plan(&options.read).await.expect("a plan");
    let base = source.mock.base_id();
    source.faults(json!({"delay_ms": 30}));
    let change = async {
        while source.mock.request_counts().get("list_records").is_none_or(|asked| *asked < 3) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        source.mock.rename_field(&base, "Items", "N", "Number").expect("renamed");
        source.mock.rename_field(&base, "Items", "Even", "N").expect("renamed");
    };
    let (found, ()) = tokio::join!(ids_by(&connector, plan), change);
    assert_eq!(found.len(), wanted.len());
    assert_eq!(found, wanted);
    let asked = source.mock.request_counts()["list_records"];
    assert!(asked >= 39 + 40, "read again from the start: {asked} pages");
}

#[tokio::test]
async fn where_nobody_tells_whether_names_have_held_all_is_read() {
    let source = launches(300);
    let options = source.options(&[("where", "stage = 'Launch'"), ("max_retries", "0")]);
    let connector = AirtableConnector::new(options.connection).expect("a connector");
    let plan = connector.plan(&options.read).await.expect("a plan");
    let rule = json!({"path": "/meta/bases", "times": 9, "action": {"respond": {"status": 403}}});
    source.faults(json!({"rules": [rule]}));
    assert_eq!(ids_by(&connector, plan).await.len(), 38);
    assert_eq!(source.pages(), 1 + 3);
}

#[tokio::test]
async fn a_read_looks_once_whether_its_names_have_held() {
    for (condition, count, requests) in
        [("stage = 'Launch'", 125, 3), ("notes = 'note 1'", 333, 10), ("id IN ('recNobody00000000')", 0, 1)]
    {
        let source = launches(1_000);
        let options = source.options(&[("where", condition)]);
        let connector = AirtableConnector::new(options.connection).expect("a connector");
        let plan = connector.plan(&options.read).await.expect("a plan");
        source.mock.clear_requests();
        assert_eq!(ids_by(&connector, plan).await.len(), count);
        let asked = source.mock.request_counts();
        assert_eq!(
            asked.values().sum::<u64>(),
            requests,
            "{condition}: pages, and one where names were sent: {asked:?}"
        );
    }
}

/// The ids of a plan's rows, in their order.
async fn ids_by(connector: &AirtableConnector, plan: Scan) -> Vec<String> {
    let mut read = connector.read(Scan::from_json(&plan.to_json()).expect("a plan"));
    let mut found = Vec::new();
    while let Some(batch) = read.next().await {
        found.extend(strings(&[batch.expect("a batch")], "id").into_iter().flatten());
    }
    found.sort();
    found
}

#[tokio::test]
async fn what_is_wrong_is_told_before_anything_is_read() {
    let source = launches(3);
    for (condition, said) in [
        (
            "stge = 'Launch'",
            "option where: at character 1, \"stge = 'Launch'\": the read has no column \"stge\"; did you mean",
        ),
        ("stage = ", "at its end"),
        ("n = 'x'", "column \"n\" (DOUBLE) is not compared with a text"),
        ("Stage = 'x') OR (1=1", "a bracket that was not opened"),
    ] {
        let error = source.error(&[("where", condition)]).await;
        assert!(matches!(error, Error::Option(_)), "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
    assert_eq!(source.pages(), 0);
    // Quotes in a text end no text.
    for text in ["x'') OR (1=1", "\\'),TRUE(),(\\'", "{Stage}\"", "'' OR ''''=''"] {
        let condition = format!("name = '{text}' OR stage = '{text}'");
        assert!(source.ids(&[("where", &condition)]).await.is_empty(), "{condition}");
    }
    let terms: Vec<String> = (0..1_000).map(|n| format!("n = {}", n * 2)).collect();
    assert_eq!(source.ids(&[("where", &terms.join(" OR "))]).await.len(), 2);
}

fn alive(rows: &[Row]) -> Vec<String> {
    let mut ids: Vec<String> = rows.iter().filter(|row| !row.is_deleted).map(|row| row.id.clone()).collect();
    ids.sort();
    ids
}

fn gone(rows: &[Row]) -> Vec<&str> {
    rows.iter().filter(|row| row.is_deleted).map(|row| row.id.as_str()).collect()
}

const ITEMS: (&str, &str) = ("where", "name LIKE 'item%' AND n >= 0");

#[tokio::test]
async fn a_record_that_no_longer_fulfils_it_leaves_the_target() {
    for only in ["false", "true"] {
        let source = Source::with_items(5);
        let all = source.all_ids();
        let options = [FEED, ITEMS, ("isDeleteFlow", only), ("fields", "N")];
        let mut stream = Reader::new(&source, &options).await;
        stream.settled().await;
        edit(&source, &all[0], "other");
        edit(&source, &all[1], "item again");
        remove(&source, &all[2]);
        let new = add(&source, "no such item");
        let rows = stream.settled().await;
        let mut went = gone(&rows);
        went.retain(|id| *id != new);
        went.sort_unstable();
        let mut expected = [all[0].as_str(), all[2].as_str()];
        expected.sort_unstable();
        assert_eq!(went, expected, "{only}");
        assert_eq!(alive(&rows), if only == "true" { vec![] } else { vec![all[1].clone()] }, "{only}");
        edit(&source, &all[0], "item once more");
        let rows = stream.settled().await;
        assert_eq!(alive(&rows), if only == "true" { vec![] } else { vec![all[0].clone()] }, "{only}");
    }
}

#[tokio::test]
async fn first_loads_in_parts_and_windows_give_what_fulfils_it() {
    for mode in [CDC, APPEND, FEED] {
        let source = Source::with_items(1_200);
        let all = source.all_ids();
        let options = [mode, ("where", "n >= 300 AND name LIKE 'item%'"), ("max_records_per_batch", "300")];
        let mut stream = Reader::new(&source, &options).await;
        source.mock.advance_clock(120.0);
        let mut given = Vec::new();
        loop {
            let rows = stream.settled().await;
            if rows.is_empty() {
                break;
            }
            given.extend(rows);
        }
        let mut wanted: Vec<String> = all[300..].to_vec();
        wanted.sort();
        assert_eq!(alive(&given), wanted, "{mode:?}");
        edit(&source, &all[0], "item edited");
        edit(&source, &all[500], "item edited");
        let rows = stream.settled().await;
        let edited = if mode == APPEND { vec![] } else { vec![all[500].clone()] };
        assert_eq!(alive(&rows), edited, "{mode:?}");
        // A record that never fulfilled it comes as deleted at most, which does no harm.
        assert!(gone(&rows).iter().all(|id| *id == all[0]), "{mode:?}");
    }
}

#[tokio::test]
async fn a_lost_feed_tells_what_no_longer_fulfils_it() {
    let source = Source::with_items(50);
    let all = source.all_ids();
    let directory = tempfile::tempdir().expect("a directory");
    let location = directory.path().to_str().expect("a path").to_owned();
    let options = [FEED, ITEMS, ("on_lost_feed", "reread"), ("state_location", location.as_str())];
    let mut stream = Reader::new(&source, &options).await;
    assert_eq!(stream.settled().await.len(), 50);
    crate::webhooks::lose(&source, "deleted").await;
    edit(&source, &all[0], "other");
    remove(&source, &all[1]);
    let rows = stream.settled().await;
    let mut went = gone(&rows);
    went.sort_unstable();
    let mut expected = [all[0].as_str(), all[1].as_str()];
    expected.sort_unstable();
    assert_eq!(went, expected);
    assert_eq!(alive(&rows).len(), 48);
}

#[tokio::test]
async fn a_stream_at_rest_asks_no_more_than_without_it() {
    for mode in [CDC, FEED] {
        let mut asked = Vec::new();
        for condition in [None, Some(ITEMS)] {
            let source = Source::with_items(10);
            let options: Vec<_> = [mode].into_iter().chain(condition).collect();
            let mut stream = Reader::new(&source, &options).await;
            source.mock.advance_clock(120.0);
            stream.settled().await;
            source.mock.advance_clock(120.0);
            cost(&source);
            assert!(ids(&stream.next().await.expect("a range")).is_empty());
            asked.push(cost(&source).values().sum::<u64>());
        }
        assert_eq!(asked[0], asked[1], "{mode:?}");
    }
}

#[tokio::test]
async fn several_bases_are_asked_by_their_own_names() {
    let mock = Mock::start(MockConfig { sample: false, ..MockConfig::default() }).expect("the mock starts");
    let mut bases = Vec::new();
    for (number, field) in ["Price", "price", "Other"].iter().enumerate() {
        let base = json!({"name": format!("Shop {number}"), "tables": [{"name": "Items", "fields": [
            {"name": "Name", "type": "singleLineText"}, {"name": field, "type": "number", "options": {"precision": 0}},
        ]}]});
        let base = mock.create_base(&base).expect("a base");
        let records: Vec<Value> = (0..250).map(|n| json!({"Name": format!("{number}.{n}"), *field: n})).collect();
        mock.create_records(&base, "Items", &records).expect("records");
        bases.push(base);
    }
    mock.clear_requests();
    let source = Source { mock };
    let several =
        [("base_id", ""), ("namespace", &*json!(bases).to_string())].map(|(key, value)| (key, value.to_owned()));
    let several: Vec<(&str, &str)> = several.iter().map(|(key, value)| (*key, value.as_str())).collect();
    for (condition, fields, count, pages) in [
        ("price >= 240", "Name", 20, 5),
        ("price IS NULL", "Name", 250, 5),
        ("other < 10 OR price < 10", "Name", 30, 9),
        ("_base_id <> 'app' AND name = '1.7'", "[]", 1, 3),
    ] {
        let options = [&several[..], &[("where", condition), ("fields", fields)]].concat();
        let batches = source.read(&options).await.expect("a read");
        assert_eq!(rows(&batches), count, "{condition}");
        let asked = source.pages();
        assert!(asked <= pages, "{condition}: {asked} pages");
    }
    let options = [&several[..], &[("where", "price >= 100"), ("max_records", "200")]].concat();
    assert_eq!(rows(&source.read(&options).await.expect("a read")), 200);
}
