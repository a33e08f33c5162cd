//! How far streams go back, and when they look, as tables.

use serde_json::{Value, json};

use super::*;
use crate::airtable::schema::Table;
use crate::changes::offset::{Cut, FeedPosition, Unread};
use crate::options::Options;

fn plan(fields: &[(&str, &str)], options: &[(&str, &str)]) -> Scan {
    let fields: Vec<Value> = fields.iter().map(|(id, kind)| json!({"id": id, "name": id, "type": kind})).collect();
    let table: Table =
        serde_json::from_value(json!({"id": "tblA", "name": "A", "primaryFieldId": "fldA", "fields": fields}))
            .expect("a table");
    let all = [("token", "patA")].iter().chain(options).copied();
    Scan::new("appA", &table, &Options::parse(all).expect("options").read).expect("a plan")
}

const CDC: &[(&str, &str)] = &[("ingestion_type", "cdc")];
const APPEND: &[(&str, &str)] = &[("ingestion_type", "append")];
const FEED: &[(&str, &str)] = &[("ingestion_type", "cdc_with_deletes")];
const A: (&str, &str) = ("fldA", "singleLineText");
const B: (&str, &str) = ("fldB", "number");
const F: (&str, &str) = ("fldF", "formula");

fn cut(since: Option<Seconds>) -> Position {
    Position::Cut(Cut { since, until: 900, after: "recB".into() })
}

fn feed(next: u64, unread: Option<Unread>) -> Position {
    Position::Feed(FeedPosition { webhook_id: "achA".into(), next, at: 900, after: None, parts: None, unread })
}

#[test]
fn fields_are_known_by_their_ids() {
    let of = |fields: &[(&str, &str)], options| fields_of(&plan(fields, options));
    assert_eq!(of(&[A, B], CDC), of(&[B, A], CDC), "in any order");
    assert_ne!(of(&[A, B], CDC), of(&[A], CDC));
    let only_a = of(&[A, B], &[("ingestion_type", "cdc"), ("fields", "fldA")]).expect("known");
    let all = of(&[A], CDC).expect("known");
    assert_eq!((&only_a.ids, only_a.are_all, all.are_all), (&all.ids, false, true));
    assert_eq!(
        of(&[A], &[("ingestion_type", "cdc_with_deletes"), ("isDeleteFlow", "true")]),
        None,
        "deletes have none"
    );
}

#[test]
fn what_is_lacked_is_told_from_what_may_always_have_been_there() {
    let (all, only_a) = (fields_of(&plan(&[A, F], CDC)), fields_of(&plan(&[A, B], &[CDC[0], ("fields", "fldA")])));
    let next_year = ("fldC", "newComputedType");
    for (known, fields, options, expected) in [
        (&all, &[A, F][..], CDC, None),
        // What was removed from the table is not lacked.
        (&all, &[A], CDC, None),
        (&all, &[A, F, B], CDC, Some(Lack::Added)),
        (&all, &[A, F, next_year], CDC, Some(Lack::AddedComputed)),
        (&all, &[A, F, B, next_year], CDC, Some(Lack::AddedComputed)),
        (&only_a, &[A, B], &[CDC[0], ("fields", "fldA")], None),
        (&only_a, &[A, B], &[CDC[0], ("fields", "fldB")], Some(Lack::Unknown)),
        (&only_a, &[A, B], CDC, Some(Lack::Unknown)),
        (&None, &[A], CDC, Some(Lack::Unknown)),
    ] {
        assert_eq!(lack(&plan(fields, options), known.as_ref()), expected, "{known:?} {fields:?}");
    }
}

#[test]
fn a_stream_goes_back_as_far_as_it_may_have_lacked_a_field() {
    let until = |until| Some((Position::Until(until), 899_999_999));
    let start = Some((Position::Start, 899_999_999));
    let again = |next| Some((feed(next, Some(Unread::new())), 900_999_999));
    let (edited, computed): (&[_], &[_]) = (&[A, B], &[A, F]);
    let verified = || feed(9, Some(Unread::new()));
    let whole = |next, unread| {
        let Position::Feed(position) = feed(next, unread) else { unreachable!("a feed") };
        Some((Position::Feed(FeedPosition { after: Some(String::new()), ..position }), 900_999_999))
    };
    for (options, fields, position, sure, expected) in [
        // As it was.
        (CDC, &[A][..], Position::Until(900), Some(500), None),
        (CDC, edited, Position::Start, None, None),
        (CDC, edited, Position::Until(900), Some(500), until(500)),
        (CDC, edited, Position::Until(900), None, until(900)),
        (CDC, edited, Position::Until(900), Some(950), until(900)),
        (APPEND, edited, Position::Until(900), Some(500), until(500)),
        // What nobody edits is in no window of edits.
        (CDC, computed, Position::Until(900), Some(500), start.clone()),
        (APPEND, computed, Position::Until(900), Some(500), until(500)),
        // A window that was cut is begun again.
        (CDC, edited, cut(Some(700)), Some(500), until(500)),
        (CDC, edited, cut(Some(700)), Some(800), until(700)),
        (CDC, edited, cut(Some(700)), None, until(700)),
        (CDC, edited, cut(None), Some(500), start.clone()),
        (CDC, computed, cut(Some(700)), Some(500), start.clone()),
        (APPEND, edited, cut(None), Some(500), start.clone()),
        // A feed tells itself that a field was added, if somebody has looked.
        (FEED, edited, verified(), Some(4), again(4)),
        (FEED, edited, verified(), None, None),
        (FEED, edited, feed(9, None), None, Some((feed(0, None), 900_999_999))),
        // It need not tell the first cells of what nobody edits.
        (FEED, computed, verified(), Some(4), whole(9, Some(Unread::new()))),
        (FEED, computed, feed(9, None), None, whole(9, None)),
    ] {
        let (before, now) = (plan(&[A], options), plan(fields, options));
        let known = fields_of(&before).map(|fields| Known { fields, sure, changed_from: None });
        let offset = Offset { known, ..Offset::new(&before, position).expect("an offset") };
        let back = back(&offset, &now, SchemaChange::Continue).map(|back| (back.position, back.changed_from));
        assert_eq!(back, expected, "{fields:?} {offset:?}");
    }
}

#[test]
fn a_feed_that_ends_when_a_field_is_added_need_not_go_back() {
    let (before, now) = (plan(&[A], FEED), plan(&[A, B], FEED));
    let known = fields_of(&before).map(|fields| Known { fields, sure: None, changed_from: None });
    let offset = Offset { known, ..Offset::new(&before, feed(9, None)).expect("an offset") };
    assert_eq!(back(&offset, &now, SchemaChange::Fail), None);
}

#[test]
fn where_fields_may_always_have_been_there_the_whole_table_comes_again() {
    for (options, position, expected) in [
        (CDC, Position::Until(900), Position::Start),
        (CDC, cut(Some(700)), Position::Start),
        (APPEND, Position::Until(900), Position::Start),
        (FEED, feed(9, None), {
            let Position::Feed(position) = feed(9, None) else { unreachable!("a feed") };
            Position::Feed(FeedPosition { after: Some(String::new()), ..position })
        }),
    ] {
        let only_a = fields_of(&plan(&[A, B], &[options[0], ("fields", "fldA")]));
        // An offset of an old version, and one of a selection.
        for fields in [None, only_a] {
            let known = fields.map(|fields| Known { fields, sure: Some(500), changed_from: None });
            let offset = Offset { known, ..Offset::new(&plan(&[A], options), position.clone()).expect("an offset") };
            let now = plan(&[A, B], options);
            let found = back(&offset, &now, SchemaChange::Fail).map(|back| back.position);
            assert_eq!(found, Some(expected.clone()), "{offset:?}");
        }
    }
    let start = Offset::new(&plan(&[A], CDC), Position::Start).expect("an offset");
    assert_eq!(back(&start, &plan(&[A, B], CDC), SchemaChange::Continue), None);
}

#[test]
fn a_stream_looks_when_it_starts_and_then_once_in_ten_minutes() {
    let planned = |at| Looks::new(&Scan { changed_at: micros(at - SETTLED_SECONDS), ..plan(&[A], CDC) });
    let looks = planned(1_000);
    assert_eq!([1_000, 1_059, 1_060].map(|now| looks.is_due(now)), [false, false, true], "the plan was a look");
    looks.complete(1_060);
    assert_eq!([1_061, 1_659, 1_660].map(|now| looks.is_due(now)), [false, false, true]);
    looks.fell_behind();
    assert!(!looks.is_due(9_999), "there is nothing to find out any more");
    assert!(Looks::new(&plan(&[A], CDC)).is_due(1_000), "nobody knows when the plan was made");
}

#[test]
fn an_offset_says_up_to_where_the_table_had_no_other_fields() {
    let plan = plan(&[A], CDC);
    let looks = Looks::new(&Scan { changed_at: micros(990), ..plan.clone() });
    let sure = |start: Option<&Offset>| looks.known(&plan, start, 10).expect("all fields").sure;
    assert_eq!(sure(None), Some(990));
    let fields = fields_of(&plan).expect("all fields");
    let offset = |position, sure| {
        let known = Some(Known { fields: fields.clone(), sure, changed_from: None });
        Offset { known, ..Offset::new(&plan, position).expect("an offset") }
    };
    for (start, expected) in [
        (offset(Position::Until(2_000), None), 2_000),
        (offset(Position::Until(2_000), Some(1_500)), 1_500),
        (offset(Position::Until(500), None), 990),
        (Offset { known: None, ..offset(Position::Until(2_000), None) }, 990),
    ] {
        assert_eq!(sure(Some(&start)), Some(expected), "{start:?}");
    }
}
