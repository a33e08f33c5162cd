//! Fields that are added while a stream runs, over real sockets: no cell of theirs is missing after a restart.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray};
use arrow::datatypes::TimestampMicrosecondType;
use lakeflow_airtable::{Error, LakeflowConnect, Offset};
use serde_json::{Value, json};

use crate::changes::{APPEND, CDC, FEED, Reader, add, cost, edit, remove};
use crate::source::Source;

/// The cells of a text column by record, and when the record changed.
type Cells = BTreeMap<String, (Option<String>, i64)>;

impl Reader<'_> {
    /// As after a restart, at the offset that a checkpoint holds, with a plan of now.
    async fn started_again(self) -> Self {
        let text = self.start.as_ref().map(Offset::to_json);
        let mut reader = self.restarted().await;
        reader.start = text.map(|text| reader.stream.parse(&text).expect("an offset"));
        reader
    }

    /// All ranges to the end of what there is, by the cells of a column; the last row of a record counts.
    async fn cells(&mut self, column: &str) -> Cells {
        let mut cells = Cells::new();
        loop {
            let end = self.latest().await.expect("an offset");
            if self.start.as_ref() == Some(&end) {
                return cells;
            }
            let scan = self.stream.scan(self.start.as_ref(), &end).await.expect("a range");
            let mut batches = self.connector.read(scan);
            while let Some(batch) = batches.next().await {
                let batch = batch.expect("a batch");
                let ids = batch.column_by_name("id").expect("ids").as_string::<i32>();
                let texts = batch.column_by_name(column).map(arrow::array::AsArray::as_string::<i32>);
                let times = batch
                    .column_by_name("_changed_at")
                    .map(arrow::array::AsArray::as_primitive::<TimestampMicrosecondType>);
                for row in 0..batch.num_rows() {
                    let text = texts.filter(|texts| texts.is_valid(row)).map(|texts| texts.value(row).to_owned());
                    let at = times.map_or(0, |times| times.value(row));
                    if let Some((_, before)) = cells.insert(ids.value(row).to_owned(), (text, at)) {
                        assert!(before <= at, "never back");
                    }
                }
            }
            self.start = Some(end);
        }
    }
}

fn add_field(source: &Source, definition: &Value) {
    source.mock.create_field(&source.mock.base_id(), "Items", definition).expect("a field");
}

fn add_more(source: &Source) {
    add_field(source, &json!({"name": "More", "type": "singleLineText"}));
}

fn fill(source: &Source, id: &str) {
    let change = json!({"id": id, "fields": {"More": "filled"}});
    source.mock.update_records(&source.mock.base_id(), "Items", &[change]).expect("an edit");
}

fn add_filled(source: &Source) -> String {
    let fields = json!({"Name": "new", "More": "filled"});
    source.mock.create_records(&source.mock.base_id(), "Items", &[fields]).expect("a record").remove(0)
}

fn offset(stream: &Reader) -> Value {
    serde_json::from_str(&stream.start.as_ref().expect("an offset").to_json()).expect("JSON")
}

const GO_ON: (&str, &str) = ("schema_change", "continue");

#[tokio::test]
async fn cells_of_a_field_that_was_added_come_after_a_restart() {
    for (mode, most, hours) in [
        (CDC, "100", 0),
        (CDC, "2", 0),
        (CDC, "100", 3),
        (APPEND, "100", 0),
        (APPEND, "2", 3),
        (FEED, "100", 0),
        (FEED, "2", 3),
    ] {
        let source = Source::with_items(5);
        let all = source.all_ids();
        let mut stream = Reader::new(&source, &[mode, GO_ON, ("max_records_per_batch", most)]).await;
        source.mock.advance_clock(700.0);
        assert_eq!(stream.cells("name").await.len(), 5);
        add_more(&source);
        fill(&source, &all[0]);
        let new = add_filled(&source);
        source.mock.advance_clock(120.0);
        let first = stream.cells("more").await;
        assert!(first.contains_key(&new), "{mode:?} {most}: {first:?}");
        assert!(first.values().all(|(text, _)| text.is_none()), "the plan does not have it");
        for _ in 0..hours {
            edit(&source, &all[1], &format!("edited at {}", source.mock.now()));
            if mode == APPEND {
                add(&source, "one more");
            }
            source.mock.advance_clock(3_600.0);
            stream.cells("more").await;
        }
        let mut stream = stream.started_again().await;
        source.mock.advance_clock(120.0);
        let cells = stream.cells("more").await;
        let mut expected = vec![new.as_str()];
        if mode != APPEND {
            expected.push(&all[0]);
        }
        for id in expected {
            let (text, at) = cells.get(id).unwrap_or_else(|| panic!("{mode:?} {most} {hours}: {id} in {cells:?}"));
            assert_eq!(text.as_deref(), Some("filled"), "{mode:?} {most} {hours}");
            assert!(mode == APPEND || *at > first[id].1, "{mode:?}: later than the row without the cell");
        }
        assert!(!cells.contains_key(&all[4]), "{mode:?} {most}: only what was touched since");
        source.mock.advance_clock(700.0);
        assert_eq!(stream.cells("more").await, Cells::new(), "{mode:?}: once");
    }
}

#[tokio::test]
async fn rows_that_come_again_are_later_than_before_also_where_a_field_tells_the_time() {
    for most in ["100", "1"] {
        let source = Source::with_items(4);
        let all = source.all_ids();
        add_field(
            &source,
            &json!({"name": "Edited", "type": "lastModifiedTime",
            "options": {"referencedFieldIds": [], "result": {"type": "dateTime"}}}),
        );
        let mut stream = Reader::new(&source, &[CDC, ("max_records_per_batch", most)]).await;
        source.mock.advance_clock(700.0);
        stream.cells("name").await;
        add_more(&source);
        fill(&source, &all[0]);
        fill(&source, &all[1]);
        source.mock.advance_clock(200.0);
        let first = stream.cells("more").await;
        let mut stream = stream.started_again().await;
        source.mock.advance_clock(120.0);
        let again = stream.cells("more").await;
        for id in &all[..2] {
            assert_eq!(again[id].0.as_deref(), Some("filled"), "{most}");
            assert!(again[id].1 > first[id].1, "{most}: {again:?} {first:?}");
        }
        // And a later edit is later still.
        edit(&source, &all[0], "edited");
        source.mock.advance_clock(200.0);
        assert!(stream.cells("name").await[&all[0]].1 > again[&all[0]].1, "{most}");
    }
}

#[tokio::test]
async fn a_computed_field_has_cells_that_nobody_edits_so_the_whole_table_comes_again() {
    let source = Source::with_items(5);
    let mut stream = Reader::new(&source, &[CDC, ("max_records_per_batch", "2")]).await;
    source.mock.advance_clock(700.0);
    let before = stream.cells("name").await;
    add_field(&source, &json!({"name": "Shout", "type": "formula", "options": {"formula": "UPPER({Name})"}}));
    let mut stream = stream.started_again().await;
    source.mock.advance_clock(60.0);
    let cells = stream.cells("shout").await;
    assert_eq!(cells.len(), 5);
    for (id, (text, at)) in &cells {
        assert!(text.as_deref().is_some_and(|text| text.starts_with("ITEM")), "{cells:?}");
        assert!(*at > before[id].1);
    }
}

#[tokio::test]
async fn a_stream_that_is_to_fail_says_which_field_was_added_and_goes_on_after_a_restart() {
    for mode in [CDC, APPEND, FEED] {
        let source = Source::with_items(5);
        let all = source.all_ids();
        let mut stream = Reader::new(&source, &[mode, ("schema_change", "fail")]).await;
        source.mock.advance_clock(700.0);
        stream.cells("name").await;
        add_more(&source);
        fill(&source, &all[0]);
        let new = add_filled(&source);
        // Nothing was edited after that: it is noticed all the same.
        source.mock.advance_clock(700.0);
        let error = stream.next().await.expect_err("it has a field more");
        let text = error.to_string();
        assert!(matches!(error, Error::Data(_)), "{text}");
        for word in ["\"More\"", "fld", "was added", "start the stream again"] {
            assert!(text.contains(word), "{mode:?}: {text}");
        }
        let mut stream = stream.started_again().await;
        let cells = stream.cells("more").await;
        assert_eq!(cells[&new].0.as_deref(), Some("filled"), "{mode:?}");
    }
}

#[tokio::test]
async fn a_running_stream_looks_at_the_definition_once_in_ten_minutes() {
    for (mode, fields, expected) in [(CDC, "", 6), (APPEND, "", 6), (CDC, "Name", 0), (FEED, "", 0)] {
        let source = Source::with_items(3);
        let mut stream = Reader::new(&source, &[mode, ("fields", fields)]).await;
        stream.next().await.expect("the table");
        cost(&source);
        for _ in 0..60 {
            source.mock.advance_clock(61.0);
            stream.next().await.expect("a range");
        }
        let looks = cost(&source).get("get_schema").copied().unwrap_or_default();
        assert_eq!(looks, expected, "{mode:?} {fields}");
    }
}

#[tokio::test]
async fn a_field_that_was_added_between_the_plan_and_the_start_is_noticed() {
    for mode in [CDC, APPEND, FEED] {
        let source = Source::with_items(3);
        let mut stream = Reader::new(&source, &[mode]).await;
        add_more(&source);
        source.mock.advance_clock(3_600.0);
        let new = add_filled(&source);
        source.mock.advance_clock(120.0);
        if mode == FEED {
            let error = stream.next().await.expect_err("nothing was read yet");
            assert!(error.to_string().contains("was added"), "{error}");
        } else {
            assert!(stream.cells("more").await[&new].0.is_none());
        }
        let mut stream = stream.started_again().await;
        source.mock.advance_clock(120.0);
        assert_eq!(stream.cells("more").await[&new].0.as_deref(), Some("filled"), "{mode:?}");
    }
}

#[tokio::test]
async fn a_range_that_is_read_again_under_another_plan_has_its_cells() {
    let source = Source::with_items(3);
    let all = source.all_ids();
    let mut stream = Reader::new(&source, &[CDC]).await;
    source.mock.advance_clock(700.0);
    stream.cells("name").await;
    add_more(&source);
    fill(&source, &all[0]);
    source.mock.advance_clock(120.0);
    // The range was written down, and the driver died before it was read.
    let (start, end) = (stream.start.clone(), stream.latest().await.expect("an offset"));
    let stream = stream.started_again().await;
    let scan = stream.stream.scan(start.as_ref(), &end).await.expect("a range");
    assert_eq!(scan, stream.stream.scan(start.as_ref(), &end).await.expect("the same range"));
    assert!(scan.changed_from > 0);
    // Once more from its end, because that was told under the old plan.
    let mut stream = stream;
    stream.start = Some(end);
    source.mock.advance_clock(120.0);
    assert_eq!(stream.cells("more").await[&all[0]].0.as_deref(), Some("filled"));
    let known = offset(&stream);
    assert!(known["fields"].is_string() && known["changed_from"].is_null(), "{known}");
}

/// The offset as a version before wrote it, which knew nothing of fields.
fn of_old_version(offset: &mut Value) -> String {
    let old = offset.as_object_mut().expect("an object");
    assert!(old.remove("fields").is_some());
    for key in ["known_until", "known_next", "changed_from", "unread"] {
        old.remove(key);
    }
    old.insert("version".into(), json!(1));
    offset.to_string()
}

#[tokio::test]
async fn an_offset_that_knows_no_fields_has_the_whole_table_come_again_once() {
    for (mode, most) in [(CDC, "100"), (CDC, "2"), (APPEND, "100"), (FEED, "100"), (FEED, "2")] {
        let source = Source::with_items(5);
        let all = source.all_ids();
        let mut stream = Reader::new(&source, &[mode, ("max_records_per_batch", most)]).await;
        source.mock.advance_clock(700.0);
        let before = stream.cells("name").await;
        let text = of_old_version(&mut offset(&stream));
        add_more(&source);
        fill(&source, &all[0]);
        source.mock.advance_clock(700.0);
        let mut stream = stream.restarted().await;
        stream.start = Some(stream.stream.parse(&text).expect("an offset"));
        let cells = stream.cells("more").await;
        assert_eq!(cells.len(), 5, "{mode:?} {most}");
        assert_eq!(cells[&all[0]].0.as_deref(), Some("filled"), "{mode:?} {most}");
        for (id, (_, at)) in &cells {
            assert!(mode == APPEND || *at > before[id].1, "{mode:?} {most}: later than before");
        }
        source.mock.advance_clock(700.0);
        assert_eq!(stream.cells("more").await, Cells::new(), "{mode:?} {most}: once");
    }
}

#[tokio::test]
async fn cells_of_a_field_that_a_stream_is_told_to_read_from_now_on_come_whole() {
    for (mode, most) in [(CDC, "100"), (CDC, "2"), (APPEND, "2"), (FEED, "100"), (FEED, "2")] {
        for wider in ["Name,N", ""] {
            let source = Source::with_items(5);
            let all = source.all_ids();
            let options = [mode, ("max_records_per_batch", most), ("fields", "Name")];
            let mut stream = Reader::new(&source, &options).await;
            source.mock.advance_clock(700.0);
            let before = stream.cells("name").await;
            let text = stream.start.as_ref().expect("an offset").to_json();
            remove(&source, &all[4]);
            edit(&source, &all[3], "edited");
            source.mock.advance_clock(700.0);
            let options = [mode, ("max_records_per_batch", most), ("fields", wider)];
            let mut stream = Reader::new(&source, &options).await;
            stream.start = Some(stream.stream.parse(&text).expect("an offset"));
            let cells = stream.cells("name").await;
            for id in &all[..4] {
                assert!(cells.contains_key(id), "{mode:?} {most} {wider:?}: {id} in {cells:?}");
                assert!(mode == APPEND || cells[id].1 > before[id].1, "{mode:?} {most}: later than before");
            }
            assert_eq!(cells.contains_key(&all[4]), mode == FEED, "{mode:?}: only a feed tells deletes");
            // A delete has no cells.
            assert!(mode != FEED || cells[&all[4]].0.is_none(), "{cells:?}");
            source.mock.advance_clock(700.0);
            assert_eq!(stream.cells("name").await, Cells::new(), "{mode:?} {most}: once");
        }
    }
}

#[tokio::test]
async fn a_stream_that_is_told_to_read_less_goes_on_where_it_was() {
    for mode in [CDC, APPEND, FEED] {
        let source = Source::with_items(5);
        let mut stream = Reader::new(&source, &[mode]).await;
        source.mock.advance_clock(700.0);
        stream.cells("name").await;
        let text = stream.start.as_ref().expect("an offset").to_json();
        let mut stream = Reader::new(&source, &[mode, ("fields", "Name")]).await;
        stream.start = Some(stream.stream.parse(&text).expect("an offset"));
        source.mock.advance_clock(700.0);
        assert_eq!(stream.cells("name").await, Cells::new(), "{mode:?}");
        let new = add(&source, "new");
        source.mock.advance_clock(700.0);
        assert_eq!(stream.cells("name").await.into_keys().collect::<Vec<_>>(), [new], "{mode:?}");
    }
}

#[tokio::test]
async fn a_plan_is_as_old_as_the_definitions_that_it_is_made_of() {
    let source = Source::with_items(3);
    let options = source.options(&[CDC]);
    let connector = source.connector(&[]);
    let told = connector.plan(&options.read).await.expect("a plan").changed_at;
    source.mock.advance_clock(300.0);
    // Whatever is asked tells the service's time.
    connector.webhook_count(&source.mock.base_id()).await.expect("a count");
    let planned = connector.plan_cached(&options.read).await.expect("a plan").changed_at;
    assert_eq!(planned, told, "a field may have come since then");
    let anew = connector.plan(&options.read).await.expect("a plan").changed_at;
    assert!(anew >= told + 299_000_000, "{anew} after {told}");
}
