//! Streams of changes over real sockets: what each range gives, what it costs, and what ends a stream.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray};
use arrow::datatypes::TimestampMicrosecondType;
use lakeflow_airtable::options::IngestionType;
use lakeflow_airtable::{AirtableConnector, Error, LakeflowConnect, Offset, Options, Result, Scan, Stream};
use serde_json::json;

use crate::source::Source;

/// One row of a range, as far as these tests look at it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) changed_at: i64,
    pub(crate) is_deleted: bool,
}

/// A reader of changes that keeps its offset, as Spark does, and reads range after range.
pub(crate) struct Reader<'s> {
    pub(crate) source: &'s Source,
    pub(crate) options: Options,
    pub(crate) connector: AirtableConnector,
    pub(crate) stream: Stream,
    pub(crate) start: Option<Offset>,
}

impl<'s> Reader<'s> {
    pub(crate) async fn new(source: &'s Source, more: &[(&str, &str)]) -> Self {
        Self::started(source, more).await.expect("a stream")
    }

    pub(crate) async fn started(source: &'s Source, more: &[(&str, &str)]) -> Result<Self> {
        let options = source.options(more);
        let connector = AirtableConnector::new(options.connection.clone())?;
        let stream = connector.stream(connector.plan(&options.read).await?, &options.read)?;
        let start = Some(stream.initial());
        let reader = Self { source, options, connector, stream, start };
        if reader.options.read.ingestion_type == IngestionType::CdcWithDeletes {
            // A webhook that was made a moment ago is waited for. Who may not make one finds out in the test.
            _ = reader.latest().await;
            source.mock.advance_clock(30.0);
        }
        Ok(reader)
    }

    /// As after a crash of the driver: only the offset is left, as text.
    pub(crate) async fn restarted(self) -> Self {
        let connector = AirtableConnector::new(self.options.connection.clone()).expect("a connector");
        let plan = connector.plan(&self.options.read).await.expect("a plan");
        let stream = connector.stream(plan, &self.options.read).expect("a stream");
        Self { start: None, connector, stream, ..self }
    }

    pub(crate) async fn latest(&self) -> Result<Offset> {
        let latest = self.stream.latest(self.start.as_ref(), self.options.read.max_records_per_batch).await?;
        Ok(latest.offset)
    }

    pub(crate) async fn between(&self, start: Option<&Offset>, end: &Offset) -> Result<Vec<Row>> {
        let scan = self.stream.scan(start, end).await?;
        // As it travels to a worker.
        let mut batches = self.connector.read(Scan::from_json(&scan.to_json())?);
        let mut rows = Vec::new();
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            let ids = batch.column_by_name("id").expect("ids").as_string::<i32>();
            let names = batch.column_by_name("name").map(arrow::array::AsArray::as_string::<i32>);
            let changed = batch
                .column_by_name("_changed_at")
                .map(arrow::array::AsArray::as_primitive::<TimestampMicrosecondType>);
            let deleted = batch.column_by_name("_deleted").map(arrow::array::AsArray::as_boolean);
            rows.extend((0..batch.num_rows()).map(|row| Row {
                id: ids.value(row).to_owned(),
                name: names.filter(|names| names.is_valid(row)).map(|names| names.value(row).to_owned()),
                changed_at: changed.map_or(0, |changed| changed.value(row)),
                is_deleted: deleted.is_some_and(|deleted| deleted.value(row)),
            }));
        }
        Ok(rows)
    }

    /// The next range, read.
    pub(crate) async fn next(&mut self) -> Result<Vec<Row>> {
        let end = self.latest().await?;
        let rows = self.between(self.start.as_ref(), &end).await?;
        self.stream.commit(&end)?;
        self.start = Some(end);
        Ok(rows)
    }

    /// Why nothing more can be read.
    pub(crate) async fn settled_error(&mut self) -> Error {
        self.source.mock.advance_clock(120.0);
        self.next().await.expect_err("no range")
    }

    /// What has changed by now and is old enough to be read.
    pub(crate) async fn settled(&mut self) -> Vec<Row> {
        self.source.mock.advance_clock(120.0);
        self.next().await.expect("a range")
    }
}

pub(crate) fn ids(rows: &[Row]) -> Vec<&str> {
    let mut ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    ids.sort_unstable();
    ids
}

pub(crate) fn edit(source: &Source, id: &str, name: &str) {
    let change = json!({"id": id, "fields": {"Name": name}});
    source.mock.update_records(&source.mock.base_id(), "Items", &[change]).expect("an edit");
}

pub(crate) fn add(source: &Source, name: &str) -> String {
    let made = source.mock.create_records(&source.mock.base_id(), "Items", &[json!({"Name": name})]);
    made.expect("a record").remove(0)
}

pub(crate) fn remove(source: &Source, id: &str) {
    source.mock.delete_records(&source.mock.base_id(), "Items", &[id]).expect("a deletion");
}

pub(crate) fn cost(source: &Source) -> BTreeMap<String, u64> {
    let counts = source.mock.request_counts();
    source.mock.clear_requests();
    counts
}

pub(crate) const CDC: (&str, &str) = ("ingestion_type", "cdc");
pub(crate) const FEED: (&str, &str) = ("ingestion_type", "cdc_with_deletes");
pub(crate) const APPEND: (&str, &str) = ("ingestion_type", "append");

#[tokio::test]
async fn a_window_gives_what_was_created_or_edited_in_it() {
    let source = Source::with_items(250);
    let all = source.all_ids();
    let mut stream = Reader::new(&source, &[CDC]).await;
    assert_eq!(stream.settled().await.len(), 250);
    assert!(stream.settled().await.is_empty(), "nothing is new");
    edit(&source, &all[7], "edited");
    let new = add(&source, "new");
    remove(&source, &all[8]);
    cost(&source);
    let rows = stream.settled().await;
    let mut expected = [all[7].as_str(), new.as_str()];
    expected.sort_unstable();
    assert_eq!(ids(&rows), expected);
    // Whether there is something, and what: the size of the table does not matter.
    assert_eq!(cost(&source), BTreeMap::from([("list_records".to_owned(), 2)]));
}

#[tokio::test]
async fn no_second_is_in_two_windows_or_in_none() {
    for hidden_milliseconds in [false, true] {
        let source = Source::with_items(0);
        source.faults(json!({"hidden_milliseconds": hidden_milliseconds}));
        let mut stream = Reader::new(&source, &[APPEND, ("lookback_seconds", "0")]).await;
        stream.settled().await;
        let (mut made, mut given) = (Vec::new(), Vec::new());
        for _ in 0..40 {
            made.push(add(&source, "x"));
            // The bounds of windows fall on every part of a second, and on the seconds of the records.
            source.mock.advance_clock(0.3);
            given.extend(stream.next().await.expect("a range"));
        }
        given.extend(stream.settled().await);
        made.sort();
        assert_eq!(ids(&given), made, "hidden milliseconds: {hidden_milliseconds}");
    }
}

#[tokio::test]
async fn records_that_show_late_are_found_by_looking_back() {
    let source = Source::with_items(3);
    let id = source.all_ids().remove(0);
    let mut stream = Reader::new(&source, &[CDC]).await;
    stream.settled().await;
    source.faults(json!({"visibility_delay_ms": 40_000}));
    edit(&source, &id, "late");
    source.mock.advance_clock(20.0);
    assert!(stream.next().await.expect("a range").iter().all(|row| row.name.as_deref() != Some("late")));
    source.mock.advance_clock(30.0);
    let rows = stream.next().await.expect("a range");
    assert!(rows.iter().any(|row| row.id == id && row.name.as_deref() == Some("late")), "{rows:?}");
}

#[tokio::test]
async fn the_time_of_a_change_is_the_fields_where_the_table_has_one() {
    let source = Source::with_items(2);
    let base = source.mock.base_id();
    source.mock.advance_clock(1_000.0);
    let ids = source.all_ids();
    let mut stream = Reader::new(&source, &[CDC]).await;
    let rows = stream.settled().await;
    let whole = stream.stream.scan(None, stream.start.as_ref().expect("an offset")).await.expect("a plan");
    let until = whole.changed_at;
    assert!(rows.iter().all(|row| row.changed_at == until && !row.is_deleted), "{rows:?} {until}");

    let field = json!({"name": "Edited", "type": "lastModifiedTime",
        "options": {"referencedFieldIds": [], "result": {"type": "dateTime"}}});
    source.mock.create_field(&base, "Items", &field).expect("a field");
    source.faults(json!({"blank_modified_until_edited": true}));
    edit(&source, &ids[0], "edited");
    let edited = source.mock.last_modified(&base, "Items", &ids[0]).expect("known").expect("edited");
    // Only the name is wanted; the time is asked for all the same.
    let mut stream = Reader::new(&source, &[CDC, ("fields", "Name")]).await;
    let rows = stream.settled().await;
    let at = |id: &str| rows.iter().find(|row| row.id == id).expect("the row").changed_at;
    assert_eq!(micros(&edited), at(&ids[0]));
    assert!(at(&ids[1]) < at(&ids[0]) - 900_000_000, "never edited: when it was created");
    assert_eq!(stream.stream.plan().schema().fields().len(), 6);
}

pub(crate) fn micros(text: &str) -> i64 {
    chrono::DateTime::parse_from_rfc3339(text).expect("a time").timestamp_micros()
}

#[tokio::test]
async fn a_table_that_loses_its_field_of_edits_says_so_and_goes_on_after_a_restart() {
    let source = Source::with_items(3);
    let base = source.mock.base_id();
    let field = json!({"name": "Edited", "type": "lastModifiedTime",
        "options": {"referencedFieldIds": [], "result": {"type": "dateTime"}}});
    source.mock.create_field(&base, "Items", &field).expect("a field");
    let mut stream = Reader::new(&source, &[CDC, ("fields", "Name")]).await;
    stream.settled().await;
    source.mock.remove_field(&base, "Items", "Edited").expect("removed");
    edit(&source, &source.all_ids()[0], "edited");
    source.mock.advance_clock(120.0);
    let error = stream.next().await.expect_err("the field is gone");
    assert!(matches!(&error, Error::NotFound(text) if text.contains("start the read again")), "{error}");
    let start = stream.start.clone();
    let mut stream = stream.restarted().await;
    stream.start = start;
    let rows = stream.next().await.expect("a range");
    assert_eq!(rows.iter().filter(|row| row.name.as_deref() == Some("edited")).count(), 1);
}

#[tokio::test]
async fn this_machines_clock_does_not_matter() {
    for skew in [-60.0, 60.0, -86_400.0] {
        let source = Source::with_items(0);
        source.mock.advance_clock(skew);
        let mut stream = Reader::new(&source, &[APPEND, ("lookback_seconds", "0")]).await;
        stream.next().await.expect("a range");
        let id = add(&source, "new");
        source.mock.advance_clock(5.0);
        assert!(stream.next().await.expect("a range").is_empty(), "{skew}: too young");
        source.mock.advance_clock(10.0);
        assert_eq!(ids(&stream.next().await.expect("a range")), [id], "{skew}");
    }
}

#[tokio::test]
async fn offsets_never_go_back() {
    let source = Source::with_items(3);
    for mode in [CDC, FEED, APPEND] {
        let mut stream = Reader::new(&source, &[mode]).await;
        stream.settled().await;
        let before = stream.start.clone().expect("an offset");
        source.mock.advance_clock(-3_600.0);
        assert_eq!(stream.latest().await.expect("an offset"), before);
        source.mock.advance_clock(3_600.0);
    }
}

#[tokio::test]
async fn a_window_too_large_for_a_batch_is_cut_and_goes_on_after_a_restart() {
    for mode in [CDC, APPEND, FEED] {
        let source = Source::with_items(230);
        let all = source.all_ids();
        let mut stream = Reader::new(&source, &[mode, ("max_records_per_batch", "50")]).await;
        source.mock.advance_clock(120.0);
        let mut given = Vec::new();
        let mut rounds = 0;
        while given.len() < 230 {
            rounds += 1;
            assert!(rounds < 20, "{mode:?}: {} of 230", given.len());
            let rows = stream.next().await.expect("a range");
            // By the shares of ids: about so many.
            assert!(rows.len() <= 75, "{mode:?}: {}", rows.len());
            given.extend(rows);
            if rounds == 2 {
                let start = stream.start.clone().map(|offset| offset.to_json());
                stream = stream.restarted().await;
                stream.start = start.map(|text| stream.stream.parse(&text).expect("an offset"));
            }
        }
        let mut expected = all.clone();
        expected.sort();
        assert_eq!(ids(&given), expected, "{mode:?}");
        assert!(stream.settled().await.is_empty(), "{mode:?}");
        // And once more, with a window that has a beginning.
        for id in &all[..60] {
            edit(&source, id, "edited");
        }
        source.mock.advance_clock(120.0);
        let mut count = 0;
        loop {
            let rows = stream.next().await.expect("a range");
            assert!(rows.len() <= 50, "{mode:?}");
            count += rows.len();
            if rows.is_empty() {
                break;
            }
            assert!(count <= 60, "{mode:?}");
        }
        assert_eq!(count, if mode == APPEND { 0 } else { 60 }, "{mode:?}");
    }
}

#[tokio::test]
async fn a_reader_that_forgot_its_place_in_a_cut_window_loses_nothing() {
    for mode in [CDC, APPEND] {
        let source = Source::with_items(120);
        let mut stream = Reader::new(&source, &[mode, ("max_records_per_batch", "50")]).await;
        source.mock.advance_clock(120.0);
        let mut given = stream.next().await.expect("a range");
        given.extend(stream.next().await.expect("a range"));
        let new = add(&source, "new");
        source.mock.advance_clock(120.0);
        // A Spark that tells no start: the end is what there is.
        let start = stream.start.take();
        let end = stream.latest().await.expect("an offset");
        let rest = stream.between(start.as_ref(), &end).await.expect("a range");
        assert!(ids(&rest).contains(&new.as_str()));
        given.extend(rest);
        let mut expected = source.all_ids();
        expected.sort();
        let mut all = ids(&given);
        if mode == CDC {
            all.dedup();
        }
        assert_eq!(all, expected, "{mode:?}");
    }
}

#[tokio::test]
async fn a_target_ends_a_run_although_the_table_goes_on_changing() {
    for mode in [CDC, APPEND, FEED] {
        let source = Source::with_items(30);
        let mut stream = Reader::new(&source, &[mode]).await;
        stream.settled().await;
        for _ in 0..25 {
            add(&source, "before");
        }
        source.mock.advance_clock(120.0);
        stream.stream.stop_at_latest();
        let (mut count, mut has_more) = (0, true);
        while has_more {
            let latest = stream.stream.latest(stream.start.as_ref(), Some(10)).await.expect("an offset");
            edit(&source, &add(&source, "after"), "after");
            source.mock.advance_clock(120.0);
            let rows = stream.between(stream.start.as_ref(), &latest.offset).await.expect("a range");
            assert!(rows.len() <= 10, "{mode:?}");
            count += rows.len();
            (stream.start, has_more) = (Some(latest.offset), latest.has_more);
            assert!(count <= 25, "{mode:?}");
        }
        let latest = stream.latest().await.expect("an offset");
        assert_eq!(Some(latest), stream.start, "{mode:?}: the run has ended");
        assert_eq!(count, 25, "{mode:?}");
    }
}

#[tokio::test]
async fn a_bounded_run_from_the_start_ends_with_what_was_there() {
    for (mode, most) in [(CDC, 12), (APPEND, 12), (FEED, 12), (CDC, 100), (APPEND, 100), (FEED, 100)] {
        let source = Source::with_items(30);
        source.mock.advance_clock(600.0);
        let mut stream = Reader::new(&source, &[mode]).await;
        stream.stream.stop_at_latest();
        let (mut given, mut ranges) = (BTreeSet::new(), 0);
        loop {
            let latest = stream.stream.latest(stream.start.as_ref(), Some(most)).await.expect("an offset");
            // The run takes its time, and the clock goes on.
            source.mock.advance_clock(2.0);
            let rows = stream.between(stream.start.as_ref(), &latest.offset).await.expect("a range");
            // By the shares of ids: about so many.
            assert!(rows.len() as u64 <= most + most / 2, "{mode:?} {most}: {}", rows.len());
            given.extend(rows.into_iter().map(|row| row.id));
            ranges += 1;
            stream.start = Some(latest.offset);
            if !latest.has_more {
                break;
            }
            assert!(ranges < 9, "{mode:?} {most}: the run does not end");
        }
        assert_eq!(given, source.all_ids().into_iter().collect(), "{mode:?} {most}");
        assert_eq!(ranges == 1, most >= 30, "{mode:?} {most}: {ranges}");
    }
}

#[tokio::test]
async fn equal_times_mean_equal_cells() {
    let source = Source::with_items(2);
    let base = source.mock.base_id();
    let field = json!({"name": "Edited", "type": "lastModifiedTime",
        "options": {"referencedFieldIds": [], "result": {"type": "dateTime"}}});
    source.mock.create_field(&base, "Items", &field).expect("a field");
    source.mock.set_clock("2026-12-01T00:00:05.100Z").expect("a time");
    let id = source.all_ids().remove(0);
    let mut stream = Reader::new(&source, &[CDC]).await;
    // The first batch holds what was edited this very second, and another edit follows in it.
    edit(&source, &id, "first");
    let first = stream.next().await.expect("a range");
    edit(&source, &id, "second");
    let second = stream.settled().await;
    let of = |rows: &[Row]| rows.iter().find(|row| row.id == id).expect("the row").clone();
    assert_eq!((of(&first).name.as_deref(), of(&second).name.as_deref()), (Some("first"), Some("second")));
    assert!(of(&first).changed_at < of(&second).changed_at, "{first:?} {second:?}");
    assert_eq!(of(&second).changed_at, micros("2026-12-01T00:00:05Z"));
}

#[tokio::test]
async fn a_clock_that_is_put_back_holds_a_read_up_for_seconds_only() {
    let source = Source::with_items(3);
    let mut stream = Reader::new(&source, &[FEED]).await;
    stream.settled().await;
    edit(&source, &source.all_ids()[0], "edited");
    source.mock.advance_clock(-3_600.0);
    let read = tokio::time::timeout(std::time::Duration::from_secs(40), stream.next()).await;
    assert_eq!(read.expect("within seconds").expect("a range").len(), 1);
}

#[tokio::test]
async fn a_record_that_is_looked_for_again_does_not_go_back_in_time() {
    let source = Source::with_items(3);
    let mut stream = Reader::new(&source, &[FEED]).await;
    let new = add(&source, "new");
    source.mock.advance_clock(20.0);
    // Without a start nobody looks whether what was created just before can be read: the next range does.
    let end = stream.stream.latest(None, None).await.expect("an offset").offset;
    let first = stream.between(None, &end).await.expect("the table");
    stream.start = Some(end);
    edit(&source, &source.all_ids()[0], "edited");
    let next = stream.settled().await;
    let at = |rows: &[Row]| rows.iter().find(|row| row.id == new).map(|row| row.changed_at).expect("the record");
    assert!(at(&first) <= at(&next), "{first:?} {next:?}");
}

#[tokio::test]
async fn a_removed_table_ends_its_stream() {
    let source = Source::with_items(3);
    let base = source.mock.base_id();
    source.mock.create_table(&base, &json!({"name": "Other", "fields": [{"name": "A"}]})).expect("a table");
    let mut stream = Reader::new(&source, &[FEED]).await;
    stream.settled().await;
    source.mock.remove_table(&base, "Items").expect("removed");
    source.mock.advance_clock(120.0);
    let error = stream.next().await.expect_err("no table");
    assert!(matches!(&error, Error::NotFound(text) if text.contains("was removed from base")), "{error}");
}

#[tokio::test]
async fn an_empty_table_is_a_stream_too() {
    for mode in [CDC, FEED, APPEND] {
        let source = Source::with_items(0);
        let mut stream = Reader::new(&source, &[mode]).await;
        assert!(stream.settled().await.is_empty());
        let id = add(&source, "first");
        assert_eq!(ids(&stream.settled().await), [id], "{mode:?}");
    }
}

#[tokio::test]
async fn a_batch_read_of_a_change_mode_is_the_table_with_its_columns() {
    let source = Source::with_items(3);
    for (mode, columns) in [(CDC, 7), (FEED, 7), (APPEND, 5)] {
        let batches = source.read(&[mode]).await.expect("a read");
        assert_eq!((batches[0].num_rows(), batches[0].num_columns()), (3, columns), "{mode:?}");
    }
}
