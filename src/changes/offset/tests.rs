use super::*;
use crate::airtable::schema::Table;
use crate::options::Options;

fn plan(options: &[(&str, &str)]) -> Scan {
    let table: Table = serde_json::from_value(serde_json::json!({
        "id": "tblA", "name": "A", "primaryFieldId": "fldA", "fields": [{"id": "fldA", "name": "A", "type": "singleLineText"}]
    }))
    .expect("a table");
    let all = [("token", "patA")].iter().chain(options).copied();
    Scan::new("appA", &table, &Options::parse(all).expect("options").read).expect("a plan")
}

#[test]
fn positions_are_written_and_read_back() {
    let cdc = plan(&[("ingestion_type", "cdc")]);
    let feed = plan(&[("ingestion_type", "cdc_with_deletes")]);
    let cut = |since| Position::Cut(Cut { since, until: 60, after: "recA".into() });
    for (plan, position, rest) in [
        (&cdc, Position::Start, ""),
        (&cdc, Position::Until(0), r#","until":"1970-01-01T00:00:00Z""#),
        (&cdc, cut(None), r#","until":"1970-01-01T00:01:00Z","after":"recA""#),
        (&cdc, cut(Some(0)), r#","since":"1970-01-01T00:00:00Z","until":"1970-01-01T00:01:00Z","after":"recA""#),
        (
            &feed,
            Position::Feed(FeedPosition {
                webhook_id: "achA".into(),
                next: 17,
                at: 0,
                after: None,
                parts: None,
                unread: None,
            }),
            r#","webhook":"achA","next":17,"at":"1970-01-01T00:00:00Z""#,
        ),
    ] {
        let offset = Offset::new(plan, position).expect("streams");
        let text = offset.to_json();
        let start = format!(r#"{{"version":1,"base":"appA","table":"tblA","mode":"{}""#, offset.mode.as_str());
        assert_eq!(text, format!("{start}{rest}}}"));
        assert_eq!(Offset::parse(&text, plan), Ok(offset));
    }
    assert_eq!(Offset::parse("{}", &cdc), Offset::new(&cdc, Position::Start));
}

#[test]
fn what_was_given_is_not_gone_back_to() {
    let offset =
        |position| Offset { base_id: "appA".into(), table_id: "tblA".into(), mode: Mode::Cdc, position, known: None };
    let cut = |until| Position::Cut(Cut { since: None, until, after: "recA".into() });
    let load = |until| Position::Load(Load { until, parts: Parts { given: 1, of: 2 } });
    let feed = |webhook: &str, next| {
        Position::Feed(FeedPosition { webhook_id: webhook.into(), next, at: 0, after: None, parts: None, unread: None })
    };
    for (one, other, expected) in [
        (Position::Start, Position::Start, false),
        (Position::Start, Position::Until(0), true),
        (Position::Until(0), Position::Start, false),
        (Position::Until(1), Position::Until(2), true),
        (Position::Until(2), Position::Until(2), false),
        (Position::Until(1), cut(2), true),
        (Position::Start, load(0), true),
        (Position::Until(1), load(2), true),
        (load(1), load(1), false),
        (Position::Until(2), load(2), false),
        // The end of the window in which the other stopped half-way.
        (Position::Until(2), cut(2), false),
        (feed("achA", 1), feed("achA", 2), true),
        (feed("achA", 2), feed("achA", 2), false),
        (feed("achA", 1), feed("achB", 2), false),
    ] {
        assert_eq!(offset(one.clone()).is_before(&offset(other.clone())), expected, "{one:?} {other:?}");
    }
}

#[test]
fn what_offsets_tell_besides_is_written_and_read_back_in_the_second_form() {
    let cdc = plan(&[("ingestion_type", "cdc")]);
    let feed = plan(&[("ingestion_type", "cdc_with_deletes")]);
    let known = |sure, changed_from| {
        let fields = Fields { are_all: true, ids: [0xab, 1].into() };
        Some(Known { fields, sure, changed_from })
    };
    let at = |unread: Option<&[(&str, Micros)]>| {
        let unread = unread.map(|unread| unread.iter().map(|(id, at)| ((*id).to_owned(), *at)).collect());
        Position::Feed(FeedPosition { webhook_id: "achA".into(), next: 17, at: 0, after: None, parts: None, unread })
    };
    let fields = r#""fields":"all 00000001 000000ab""#;
    for (plan, position, known, rest) in [
        (&cdc, Position::Until(60), known(None, None), fields.to_owned()),
        (&cdc, Position::Until(60), known(Some(0), None), format!(r#"{fields},"known_until":"1970-01-01T00:00:00Z""#)),
        (
            &cdc,
            Position::Cut(Cut { since: None, until: 60, after: "recA".into() }),
            known(None, Some(1)),
            format!(r#""after":"recA",{fields},"changed_from":"1970-01-01T00:00:00.000001Z""#),
        ),
        (&feed, at(Some(&[])), None, r#""unread":{}"#.to_owned()),
        (
            &feed,
            at(Some(&[("recA", 1_500_000), ("recB", 0)])),
            known(Some(5), None),
            format!(
                r#""unread":{{"recA":"1970-01-01T00:00:01.500Z","recB":"1970-01-01T00:00:00Z"}},{fields},"known_next":5"#
            ),
        ),
    ] {
        let offset = Offset { known, ..Offset::new(plan, position).expect("streams") };
        let text = offset.to_json();
        assert!(text.starts_with(r#"{"version":2,"#) && text.ends_with(&format!("{rest}}}")), "{text}");
        assert_eq!(Offset::parse(&text, plan), Ok(offset));
    }
    let start = r#"{"version":2,"base":"appA","table":"tblA","mode":"cdc","until":"1970-01-01T00:00:00Z""#;
    for rest in [
        r#""fields":"x""#,
        r#""fields":"all x""#,
        r#""fields":"all","known_until":"soon""#,
        r#""fields":"some","changed_from":"soon""#,
    ] {
        assert!(Offset::parse(&format!("{start},{rest}}}"), &cdc).is_err(), "{rest}");
    }
}

#[test]
fn places_of_a_first_load_are_written_and_read_back_in_the_third_form() {
    let cdc = plan(&[("ingestion_type", "cdc")]);
    let feed = plan(&[("ingestion_type", "cdc_with_deletes")]);
    let parts = Parts { given: 2, of: 40 };
    let in_feed = FeedPosition {
        webhook_id: "achA".into(),
        next: 17,
        at: 0,
        after: None,
        parts: Some(parts),
        unread: Some(Unread::default()),
    };
    for (plan, position, rest) in [
        (&cdc, Position::Load(Load { until: 0, parts }), r#""until":"1970-01-01T00:00:00Z","part":2,"parts":40"#),
        (
            &feed,
            Position::Feed(in_feed),
            r#""webhook":"achA","next":17,"at":"1970-01-01T00:00:00Z","part":2,"parts":40,"unread":{}"#,
        ),
    ] {
        let offset = Offset::new(plan, position).expect("streams");
        let text = offset.to_json();
        assert!(text.starts_with(r#"{"version":3,"#) && text.ends_with(&format!("{rest}}}")), "{text}");
        assert_eq!(Offset::parse(&text, plan), Ok(offset));
    }
    let start = r#"{"version":3,"base":"appA","table":"tblA","mode":"cdc""#;
    let until = r#""until":"1970-01-01T00:00:00Z""#;
    for rest in [
        format!(r#"{until},"part":2"#),
        format!(r#"{until},"parts":2"#),
        format!(r#"{until},"part":0,"parts":2"#),
        format!(r#"{until},"part":2,"parts":2"#),
        format!(r#"{until},"part":2,"parts":100000"#),
        format!(r#"{until},"part":1,"parts":2,"after":"recA""#),
        r#""part":1,"parts":2"#.to_owned(),
    ] {
        assert!(Offset::parse(&format!("{start},{rest}}}"), &cdc).is_err(), "{rest}");
    }
}

#[test]
fn offsets_of_other_streams_are_refused() {
    let cdc = plan(&[("ingestion_type", "cdc")]);
    for (text, expected) in [
        (r#"{"version":1,"base":"appB","table":"tblA","mode":"cdc"}"#, "stream of base appB"),
        (r#"{"version":1,"base":"appA","table":"tblB","mode":"cdc"}"#, "stream of table tblB"),
        (r#"{"version":1,"base":"appA","table":"tblA","mode":"append"}"#, "stream of mode append"),
        (r#"{"version":4,"something":"else"}"#, "version 4"),
        (r#"{"offset":5}"#, "none of this source's"),
        (r#"{"version":1,"base":"appA","table":"tblA","mode":"cdc","until":"soon"}"#, "none of this source's"),
        (
            r#"{"version":1,"base":"appA","table":"tblA","mode":"cdc","webhook":"achA","next":1,"at":"1970-01-01T00:00:00Z"}"#,
            "none of this source's",
        ),
        (r#"{"version":1,"base":"appA","table":"tblA","mode":"cdc","after":"recA"}"#, "none of this source's"),
        ("nonsense", "none of this source's"),
    ] {
        let error = Offset::parse(text, &cdc).expect_err(text);
        assert!(matches!(&error, Error::Option(message) if message.contains(expected)), "{text}: {error}");
    }
}

#[test]
fn snapshots_and_samples_are_no_streams() {
    let error = Mode::of(&plan(&[])).expect_err("a snapshot");
    assert!(error.to_string().contains("cdc_with_deletes"), "{error}");
    let error = Mode::of(&plan(&[("ingestion_type", "append"), ("max_records", "5")])).expect_err("a sample");
    assert!(error.to_string().contains("max_records_per_batch"), "{error}");
}
