//! The rule of windows, as tables: a position, what is known, and what follows.

use std::time::Duration;

use super::*;
use crate::changes::offset::FeedPosition;
use crate::read::Certainty;

const CDC: Windows = Windows { repeats: true, lookback: 60 };
const APPEND: Windows = Windows { repeats: false, lookback: 60 };

fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

fn cut(since: Option<Seconds>, until: Seconds, after: &str) -> Position {
    Position::Cut(Cut { since, until, after: after.into() })
}

fn feed() -> Position {
    Position::Feed(FeedPosition { webhook_id: "achA".into(), next: 1, at: 0, after: None, parts: None, unread: None })
}

fn known(now: Option<Seconds>, is_quiet: Option<bool>, ids: Option<&[String]>) -> Answers<'_> {
    Answers { now, is_quiet, ids, size: None }
}

fn load(until: Seconds, given: usize, of: usize) -> Position {
    Position::Load(Load { until, parts: Parts { given, of } })
}

fn sized(now: Option<Seconds>, records: u64) -> Answers<'static> {
    let size = Size { records, certainty: Certainty::Exact, requests: 1 };
    Answers { now, size: Some(size), ..Answers::default() }
}

fn limit(most: Option<u64>, target: Option<&Position>) -> Limit<'_> {
    Limit { max_records: most, target, of_run: false, since: None }
}

#[test]
fn the_rule_is_that_of_the_mode() {
    let minute = Duration::from_secs(60);
    assert_eq!(Windows::new(IngestionType::Cdc, minute), CDC);
    assert_eq!(Windows::new(IngestionType::Append, minute), APPEND);
}

#[test]
fn a_stream_that_has_not_begun_goes_to_the_last_settled_second() {
    let target = Position::Until(500);
    for (windows, start, most, target, known, expected) in [
        (CDC, None, None, None, Answers::default(), Step::AskTime),
        (CDC, None, None, None, known(Some(1_000), None, None), Step::Done(Position::Until(990))),
        (APPEND, None, None, None, known(Some(1_000), None, None), Step::Done(Position::Until(940))),
        (CDC, None, None, Some(&target), Answers::default(), Step::Done(target.clone())),
        // Where the start is not told, the range is not bounded.
        (CDC, None, Some(2), None, known(Some(1_000), None, None), Step::Done(Position::Until(990))),
        (CDC, Some(Position::Start), Some(2), None, Answers::default(), Step::AskSize),
        (APPEND, Some(Position::Start), Some(2), None, sized(None, 3), Step::AskTime),
        (CDC, Some(Position::Start), Some(2), None, sized(Some(1_000), 3), Step::Done(load(990, 1, 3))),
        (APPEND, Some(Position::Start), Some(2), None, sized(Some(1_000), 3), Step::Done(load(940, 1, 3))),
        (CDC, Some(Position::Start), Some(2), Some(&target), sized(None, 3), Step::Done(load(500, 1, 3))),
        (CDC, Some(Position::Start), Some(3), None, sized(Some(1_000), 3), Step::Done(Position::Until(990))),
        (CDC, Some(feed()), None, None, known(Some(1_000), None, None), Step::Done(Position::Until(990))),
    ] {
        let step = windows.next(start.as_ref(), limit(most, target), known);
        assert_eq!(step, expected, "{windows:?} {start:?} {most:?} {target:?} {known:?}");
    }
}

#[test]
fn a_window_begins_where_the_last_one_ended_or_earlier() {
    let (none, three) = (ids(&[]), ids(&["recA", "recB", "recC"]));
    let quiet_since = |since, of| Step::AskQuiet(Window { of, since: Some(since), until: None });
    let stay = || Step::Done(Position::Until(900));
    let (before, beyond) = (Position::Until(900), Position::Until(950));
    let busy = Some(false);
    for (windows, most, target, known, expected) in [
        (CDC, None, None, Answers::default(), quiet_since(840, Moment::Touched)),
        (APPEND, None, None, Answers::default(), quiet_since(900, Moment::Created)),
        // Nothing is asked where the run has reached its end.
        (CDC, None, Some(&before), Answers::default(), stay()),
        (CDC, None, None, known(Some(1_000), Some(true), None), stay()),
        (CDC, None, None, known(None, busy, None), Step::AskTime),
        (CDC, None, None, known(Some(1_000), busy, None), Step::Done(Position::Until(990))),
        (CDC, None, Some(&beyond), known(None, busy, None), Step::Done(beyond.clone())),
        // The service's clock went back, or what there is has not settled.
        (CDC, None, None, known(Some(905), busy, None), stay()),
        (CDC, Some(2), None, known(Some(1_000), busy, None), Step::List(Bounds { since: Some(840), until: 990 })),
        (CDC, Some(2), None, known(Some(1_000), busy, Some(&none)), stay()),
        (CDC, Some(2), None, known(Some(1_000), busy, Some(&three)), Step::Done(cut(Some(840), 990, "recB"))),
        (CDC, Some(5), None, known(Some(1_000), busy, Some(&three)), Step::Done(Position::Until(990))),
        // No batch is of nothing.
        (CDC, Some(0), None, known(Some(1_000), busy, Some(&three)), Step::Done(cut(Some(840), 990, "recA"))),
    ] {
        let step = windows.next(Some(&Position::Until(900)), limit(most, target), known);
        assert_eq!(step, expected, "{windows:?} {most:?} {target:?} {known:?}");
    }
}

#[test]
fn the_rest_of_a_cut_window_comes_first() {
    let all = ids(&["recA", "recB", "recC", "recD"]);
    let start = cut(Some(100), 900, "recB");
    let window = Bounds { since: Some(100), until: 900 };
    for (most, known, expected) in [
        (Some(1), Answers::default(), Step::List(window)),
        (Some(1), known(None, None, Some(&all)), Step::Done(cut(Some(100), 900, "recC"))),
        (Some(2), known(None, None, Some(&all)), Step::Done(Position::Until(900))),
        (None, Answers::default(), Step::AskTime),
        (None, known(Some(1_000), None, None), Step::Done(Position::Until(990))),
        // Never before the end of the window that was cut.
        (None, known(Some(500), None, None), Step::Done(Position::Until(900))),
    ] {
        assert_eq!(CDC.next(Some(&start), limit(most, None), known), expected, "{most:?} {known:?}");
    }
}

#[test]
fn a_load_goes_on_part_by_part_as_it_was_begun() {
    for (start, most, known, expected) in [
        (load(900, 1, 3), Some(1), Answers::default(), Step::Done(load(900, 2, 3))),
        (load(900, 1, 3), Some(9_999), Answers::default(), Step::Done(load(900, 2, 3))),
        (load(900, 2, 3), Some(1), Answers::default(), Step::Done(Position::Until(900))),
        (load(900, 1, 3), None, Answers::default(), Step::AskTime),
        (load(900, 1, 3), None, known(Some(1_000), None, None), Step::Done(Position::Until(990))),
        (load(900, 1, 3), None, known(Some(500), None, None), Step::Done(Position::Until(900))),
    ] {
        assert_eq!(CDC.next(Some(&start), limit(most, None), known), expected, "{start:?} {most:?} {known:?}");
    }
}

#[test]
fn what_lies_between_two_places_of_a_load() {
    let at = |given| Some(Parts { given, of: 3 });
    let parts = |until, after, upto| Range::Parts { until, after, upto };
    let rest = Load { until: 900, parts: Parts { given: 1, of: 3 } };
    let created = Window { of: Moment::Created, since: None, until: Some(950) };
    for (windows, start, end, until, expected) in [
        (CDC, Position::Start, load(900, 1, 3), 900, parts(900, None, at(1))),
        (APPEND, load(900, 1, 3), load(900, 2, 3), 900, parts(900, at(1), at(2))),
        (CDC, load(900, 2, 3), Position::Until(900), 900, parts(900, at(2), None)),
        // Another load has nothing to do with this one.
        (CDC, load(800, 1, 3), load(900, 1, 3), 900, parts(900, None, at(1))),
        (CDC, load(900, 1, 2), load(900, 2, 3), 900, parts(900, None, at(2))),
        // A reader that was started anew, without knowing of the load, set an end beyond it.
        (CDC, load(900, 1, 3), Position::Until(950), 950, Range::Selected(Selection::All)),
        (
            APPEND,
            load(900, 1, 3),
            Position::Until(950),
            950,
            Range::PartsAnd { rest: &rest, next: Bounds { since: Some(900), until: 950 } },
        ),
        (APPEND, Position::Start, Position::Until(950), 950, Range::Selected(Selection::Window(created))),
    ] {
        assert_eq!(windows.between(&start, &end), Ok((expected, until)), "{windows:?} {start:?} {end:?}");
    }
}

#[test]
fn what_lies_between_two_positions() {
    let window = |of, since, until| Range::Selected(Selection::Window(Window { of, since, until: Some(until) }));
    let (touched, created) = (Moment::Touched, Moment::Created);
    let rest = Cut { since: Some(100), until: 900, after: "recB".into() };
    let first = Cut { since: None, ..rest.clone() };
    let (bounds, upto) = (Bounds { since: Some(100), until: 900 }, cut(Some(100), 900, "recD"));
    let part = |after, upto| Range::Part { window: bounds, after, upto };
    for (windows, start, end, expected) in [
        (CDC, Position::Start, Position::Until(900), Range::Selected(Selection::All)),
        (APPEND, Position::Start, Position::Until(900), window(created, None, 900)),
        (CDC, Position::Until(800), Position::Until(900), window(touched, Some(740), 900)),
        (APPEND, Position::Until(800), Position::Until(900), window(created, Some(800), 900)),
        // Windows of edits may go back: what comes again does no harm.
        (CDC, Position::Until(900), Position::Until(800), window(touched, Some(840), 800)),
        (CDC, Position::Cut(rest.clone()), Position::Until(900), part(Some("recB"), None)),
        (CDC, Position::Cut(rest.clone()), Position::Until(950), window(touched, Some(100), 950)),
        (CDC, Position::Cut(first), Position::Until(950), Range::Selected(Selection::All)),
        (
            APPEND,
            Position::Cut(rest.clone()),
            Position::Until(950),
            Range::RestAnd { rest: &rest, next: Bounds { since: Some(900), until: 950 } },
        ),
        (CDC, Position::Until(800), upto.clone(), part(None, Some("recD"))),
        (CDC, Position::Start, upto.clone(), part(None, Some("recD"))),
        (CDC, Position::Cut(rest.clone()), upto.clone(), part(Some("recB"), Some("recD"))),
        // The rest of another window is part of this one.
        (CDC, cut(Some(50), 800, "recB"), upto.clone(), part(None, Some("recD"))),
    ] {
        let until = match &end {
            Position::Until(until) | Position::Cut(Cut { until, .. }) => *until,
            _ => unreachable!("no such end in the table"),
        };
        assert_eq!(windows.between(&start, &end), Ok((expected, until)), "{windows:?} {start:?} {end:?}");
    }
}

#[test]
fn ranges_that_are_none_are_refused() {
    let back = "goes back";
    let kinds = "different kinds";
    for (windows, start, end, expected) in [
        (APPEND, Position::Until(900), Position::Until(800), back),
        (APPEND, cut(None, 900, "recB"), Position::Until(800), back),
        (APPEND, load(900, 1, 3), Position::Until(800), back),
        (CDC, feed(), Position::Until(800), kinds),
        (CDC, Position::Until(800), feed(), kinds),
        (CDC, Position::Until(800), Position::Start, kinds),
    ] {
        let error = windows.between(&start, &end).expect_err("no range");
        assert!(matches!(&error, Error::Option(text) if text.contains(expected)), "{start:?} {end:?}: {error}");
    }
}

#[test]
fn parts_of_a_list() {
    let all = ids(&["recA", "recC", "recE"]);
    for (after, upto, expected) in [
        (None, None, vec!["recA", "recC", "recE"]),
        (Some("recA"), None, vec!["recC", "recE"]),
        // The record that the last batch ended with may be gone.
        (Some("recB"), Some("recD"), vec!["recC"]),
        (Some("recE"), None, vec![]),
        (Some("recE"), Some("recA"), vec![]),
    ] {
        assert_eq!(part(&all, after, upto), expected, "{after:?} {upto:?}");
    }
}
