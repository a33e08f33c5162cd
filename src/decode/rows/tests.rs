//! Records in, rows out: what stands in them, and what is refused.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::json;

use super::*;
use crate::decode::tests::scan;

/// What happens to rows.
enum Step {
    /// A record with cells, by the names of their columns; one that is no column's is unplanned.
    Record(&'static str, &'static [(&'static str, &'static str)]),
    /// The same, where no row is wanted.
    Refused(&'static str),
    Gone(&'static str),
}

use Step::{Gone, Record, Refused};

/// Takes the steps with the columns `id`, `createdTime`, `name`, `done`, and those that the options add.
fn take(pairs: &[(&str, &str)], only_gone: bool, steps: &[Step]) -> Result<Rows, Fault> {
    let scan = Scan { only_gone, ..scan(&[&[("fields", "Name,Done")], pairs].concat()) };
    let mut rows = Rows::new(&scan);
    for step in steps {
        match step {
            Record(id, cells) => {
                assert!(rows.begin(id), "{id} is wanted");
                for (name, raw) in *cells {
                    match scan.columns.iter().position(|column| column.name == *name) {
                        Some(index) => rows.cell(index, id, &mut Json::new(raw))?,
                        None => rows.unplanned(name, raw),
                    }
                }
                rows.end(id);
            }
            Refused(id) => assert!(!rows.begin(id), "{id} is not wanted"),
            Gone(id) => rows.gone(id, 1_000_000),
        }
    }
    Ok(rows)
}

/// The rows of a batch, each with its values side by side.
fn lines(batch: &RecordBatch) -> Vec<String> {
    let options = FormatOptions::new().with_null("-");
    // Arrow does not know UTC without a crate for time zones.
    let shown = |array: &ArrayRef| match array.as_primitive_opt::<TimestampMicrosecondType>() {
        Some(times) => Arc::new(times.clone().with_timezone_opt(None::<&str>)),
        None => array.clone(),
    };
    let arrays: Vec<ArrayRef> = batch.columns().iter().map(shown).collect();
    let columns: Vec<_> =
        arrays.iter().map(|array| ArrayFormatter::try_new(array, &options).expect("a text")).collect();
    (0..batch.num_rows())
        .map(|row| columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join(" "))
        .collect()
}

const NONE_KEPT: (&str, &str) = ("rescued_data_column", "");
const TWO: (&str, &str) = ("max_records", "2");
const DELETES: (&str, &str) = ("ingestion_type", "cdc_with_deletes");

/// What it shows, the options, what happens, and the rows that come of it.
type Case = (&'static str, &'static [(&'static str, &'static str)], &'static [Step], &'static [&'static str]);

#[test]
fn records_become_rows() {
    let cases: [Case; 7] = [
        (
            "what was not sent is empty",
            &[NONE_KEPT],
            &[
                Record("rec1", &[("name", r#""a""#), ("done", "true")]),
                Record("rec2", &[]),
                Record("rec3", &[("done", "null"), ("createdTime", r#""2022-09-12T21:03:48.000Z""#)]),
            ],
            &["rec1 - a true", "rec2 - - false", "rec3 2022-09-12T21:03:48 - false"],
        ),
        (
            "a record comes once",
            &[NONE_KEPT],
            &[Record("rec1", &[]), Refused("rec1"), Record("rec2", &[]), Refused("rec1")],
            &["rec1 - - false", "rec2 - - false"],
        ),
        (
            "no more come than are wanted",
            &[NONE_KEPT, TWO],
            &[Record("rec1", &[]), Refused("rec1"), Record("rec2", &[]), Refused("rec3")],
            &["rec1 - - false", "rec2 - - false"],
        ),
        (
            "the first of two cells counts, even where it is no value",
            &[NONE_KEPT],
            &[Record("rec1", &[("name", r#""a""#), ("name", r#""b""#), ("done", "7"), ("done", "true")])],
            &["rec1 - a -"],
        ),
        (
            "what does not fit is kept, one row's apart from the next one's",
            &[],
            &[
                Record("rec1", &[("name", "7"), ("fldOther", "[ 1 ]")]),
                Record("rec2", &[]),
                Record("rec3", &[("createdTime", "{}")]),
            ],
            &[
                r#"rec1 - - false [{"field":"Name","field_id":"fldName","value":7,"reason":"expected a text"},{"field":null,"field_id":"fldOther","value":[ 1 ],"reason":"field is not in the plan of this read"}]"#,
                "rec2 - - false -",
                r#"rec3 - - false [{"field":"createdTime","field_id":null,"value":{},"reason":"expected a time from year 1 to 9999, to the microsecond"}]"#,
            ],
        ),
        (
            "a record that is gone has NULL for everything, and comes once",
            &[NONE_KEPT, DELETES],
            &[Gone("rec1"), Gone("rec1"), Refused("rec1"), Record("rec2", &[]), Gone("rec2")],
            &["rec1 - - - 1970-01-01T00:00:01 true", "rec2 - - false 1970-01-01T00:00:00 false"],
        ),
        (
            "records that are gone are told beyond those wanted",
            &[NONE_KEPT, DELETES, TWO],
            &[Gone("rec1"), Record("rec2", &[]), Record("rec3", &[]), Gone("rec4")],
            &[
                "rec1 - - - 1970-01-01T00:00:01 true",
                "rec2 - - false 1970-01-01T00:00:00 false",
                "rec3 - - false 1970-01-01T00:00:00 false",
                "rec4 - - - 1970-01-01T00:00:01 true",
            ],
        ),
    ];
    for (what, pairs, steps, expected) in cases {
        let mut rows = take(pairs, false, steps).unwrap_or_else(|fault| panic!("{what}: {fault:?}"));
        assert_eq!((rows.count(), rows.dropped() > 0), (expected.len(), what.contains("no value")), "{what}");
        let batch = rows.finish().expect("a batch");
        assert_eq!(lines(&batch), *expected, "{what}");
        assert_eq!((rows.count(), batch.schema()), (0, rows.schema.clone()), "{what}");
    }
}

#[test]
fn the_gone_are_left_to_another_stream() {
    let scan = scan(&[("ingestion_type", "cdc_with_deletes"), ("fields", "Name")]).without_deletes();
    let mut rows = Rows::new(&scan);
    rows.gone("recGone", 1);
    assert!(!rows.begin("recGone"), "it is known to be gone");
    assert!(rows.begin("recA"));
    rows.end("recA");
    assert_eq!((rows.count(), rows.records()), (1, 2));
    let deletes = Scan { only_gone: true, ..scan };
    assert!(!deletes.without_deletes().leaves_out_gone);
}

#[test]
fn where_only_the_gone_are_wanted_the_others_are_noted() {
    let steps = [Refused("rec1"), Gone("rec1"), Gone("rec2"), Refused("rec3")];
    let mut rows = take(&[NONE_KEPT, DELETES], true, &steps).expect("no cell");
    assert_eq!(lines(&rows.finish().expect("a batch")), ["rec2 - - - 1970-01-01T00:00:01 true"]);
    assert!(rows.has_seen("rec3") && !rows.has_seen("rec4"));
    assert_eq!((rows.records(), rows.is_satisfied()), (3, false));
}

#[test]
fn what_is_not_kept_is_counted() {
    let cells = [Record("rec1", &[("name", "7"), ("fldOther", "1"), ("done", "{}")])];
    for (pairs, dropped) in [(&[NONE_KEPT][..], 3), (&[], 0)] {
        assert_eq!(take(pairs, false, &cells).expect("rescued").dropped(), dropped);
    }
}

#[test]
fn a_cell_is_refused_by_what_is_wrong_with_it() {
    for (raw, expected) in [
        (r#""a""#, None),
        ("7", Some("table \"T\", record rec1, field \"Name\": expected a text, but the cell is 7: correct it")),
        (r#"{"error":"E"}"#, Some("field \"Name\": error value, but the cell is {\"error\":\"E\"}: correct it")),
        (r#"{"specialValue":"NaN"}"#, Some("field \"Name\": special value, but")),
        ("nothing", Some("NotJson")),
        (r#""a"#, Some("NotJson")),
    ] {
        let mut rows = take(&[("on_bad_value", "fail")], false, &[]).expect("no cell");
        assert!(rows.begin("rec1"));
        let said = match rows.cell(2, "rec1", &mut Json::new(raw)) {
            Err(Fault::BadValue(Error::Data(text))) => Some(text.to_string()),
            other => other.err().map(|fault| format!("{fault:?}")),
        };
        assert!(said.is_some() == expected.is_some(), "{raw}: {said:?}");
        assert!(said.unwrap_or_default().contains(expected.unwrap_or_default()), "{raw}");
    }
}

#[test]
fn a_promise_of_the_users_schema_is_kept_or_refused() {
    let wanted = |nullable: bool| {
        let field = |name: &str, nullable: bool| json!({"name": name, "type": "string", "nullable": nullable});
        json!({"fields": [field("id", true), field("name", nullable)]}).to_string()
    };
    for (nullable, cell, expected) in [
        (false, r#""a""#, Ok(vec!["rec1 a".to_owned()])),
        (true, "null", Ok(vec!["rec1 -".to_owned()])),
        (false, "null", Err("column \"name\" is NOT NULL in the schema, but 1 records have no value that fits it")),
        (false, "7", Err("table \"T\": column \"name\" is NOT NULL")),
    ] {
        let mut rows = Rows::new(&scan(&[]).select(&wanted(nullable)).expect("a selection"));
        assert!(rows.begin("rec1"));
        rows.cell(1, "rec1", &mut Json::new(cell)).expect("no strict read");
        rows.end("rec1");
        match (rows.finish(), expected) {
            (Ok(batch), Ok(expected)) => assert_eq!(lines(&batch), expected),
            (Err(error), Err(hint)) => assert!(error.to_string().contains(hint), "{error}"),
            (given, _) => panic!("{nullable} {cell}: {given:?}"),
        }
    }
}

#[test]
fn the_time_of_a_change_is_the_fields_the_creations_the_feeds_or_the_reads() {
    let mut scan = scan(&[NONE_KEPT, ("ingestion_type", "cdc"), ("fields", "[]")]);
    scan.changed_at = 9_000_000;
    let told = [("rec1".to_owned(), 5_000_000)];
    let (two, three, late) =
        (r#""1970-01-01T00:00:02.000Z""#, r#""1970-01-01T00:00:03.000Z""#, r#""1970-01-01T00:01:00.000Z""#);
    for (field_id, is_told, created, edited, expected) in [
        (None, false, None, None, 9_000_000),
        (None, true, Some(two), None, 5_000_000),
        (Some("fldT"), false, Some(two), None, 2_000_000),
        (Some("fldT"), true, Some(two), Some(three), 3_000_000),
        (Some("fldT"), true, Some(two), Some("null"), 2_000_000),
        // Another edit may follow in the same second.
        (Some("fldT"), false, None, Some(late), 8_999_999),
        (Some("fldT"), true, None, Some(late), 4_999_999),
    ] {
        for column in &mut scan.columns {
            if let Source::ChangedAt { field_id: of } = &mut column.source {
                *of = field_id.map(str::to_owned);
            }
        }
        let mut rows = Rows::new(&scan);
        rows.expect(if is_told { &told } else { &[] });
        for id in ["rec1", "rec2"] {
            assert!(rows.begin(id));
            // Of the first record only: nothing of it is left for the second.
            let of_first = |raw: Option<&'static str>| raw.filter(|_| id == "rec1");
            if let Some(raw) = of_first(edited) {
                rows.edited(raw);
            }
            if let Some(raw) = of_first(created) {
                rows.created(id, raw).expect("a time");
            }
            rows.end(id);
        }
        let batch = rows.finish().expect("a batch");
        let times = batch.column_by_name("_changed_at").expect("the column");
        let times = times.as_primitive::<TimestampMicrosecondType>();
        assert_eq!(times.values(), &[expected, 9_000_000], "{field_id:?} {is_told} {created:?} {edited:?}");
    }
}

#[test]
fn rows_that_come_again_are_no_older_than_the_plan_says() {
    let mut scan = scan(&[NONE_KEPT, ("ingestion_type", "cdc"), ("fields", "[]")]);
    (scan.changed_at, scan.changed_from) = (9_000_000, 2_999_999);
    for column in &mut scan.columns {
        if let Source::ChangedAt { field_id } = &mut column.source {
            *field_id = Some("fldT".to_owned());
        }
    }
    let mut rows = Rows::new(&scan);
    for (id, edited) in [("rec1", r#""1970-01-01T00:00:02.000Z""#), ("rec2", r#""1970-01-01T00:00:03.000Z""#)] {
        assert!(rows.begin(id));
        rows.edited(edited);
        rows.end(id);
    }
    rows.gone("rec3", 1_000_000);
    let batch = rows.finish().expect("a batch");
    let times = batch.column_by_name("_changed_at").expect("the column");
    assert_eq!(times.as_primitive::<TimestampMicrosecondType>().values(), &[2_999_999, 3_000_000, 1_000_000]);
}
