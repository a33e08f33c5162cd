//! What comes, and what is to be done about it.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

mod expiry;

/// What comes of the page that a walk asked for.
#[derive(Debug, Clone)]
enum Event {
    /// A page with so many new records. The end of its bytes tells the offset of the next one.
    Page(usize, usize, String),
    /// The same, but the offset stands elsewhere in the page.
    Odd(usize, usize, String),
    /// The last page.
    Last(usize, usize),
    Fails(usize, Failure),
}

fn page(walk: usize, new_records: usize, offset: &str) -> Event {
    Event::Page(walk, new_records, offset.to_owned())
}

fn odd(walk: usize, new_records: usize, offset: &str) -> Event {
    Event::Odd(walk, new_records, offset.to_owned())
}

fn last(walk: usize, new_records: usize) -> Event {
    Event::Last(walk, new_records)
}

fn status(walk: usize, status: u16, kind: &str) -> Event {
    let body = serde_json::json!({"error": {"type": kind}}).to_string();
    Event::Fails(walk, Failure::from_answer(status, body.as_bytes(), None))
}

fn expired(walk: usize) -> Event {
    status(walk, 422, "LIST_RECORDS_ITERATOR_NOT_AVAILABLE")
}

fn busy(walk: usize) -> Event {
    status(walk, 503, "")
}

fn timeout(walk: usize) -> Event {
    Event::Fails(walk, Failure::Timeout { limit: Duration::from_secs(1) })
}

fn broken(walk: usize) -> Event {
    Event::Fails(walk, Failure::Broken { cause: "reset".into() })
}

/// Does what is to be done, as far as it can be seen from here.
struct Reader {
    walks: Walks,
    /// Walks with a page on its way.
    out: BTreeSet<usize>,
    records: usize,
    at: Duration,
}

impl Reader {
    fn new(mut walks: Walks) -> Self {
        let first = walks.start();
        let mut reader = Self { walks, out: BTreeSet::new(), records: 0, at: Duration::ZERO };
        assert_eq!(reader.ask(&first), "0@-");
        reader
    }

    /// By one cursor.
    fn alone() -> Self {
        Self::new(Walks::new(None, false, None))
    }

    fn limited() -> Self {
        Self::new(Walks::new(None, true, Some(Split::new(4.5, 100))))
    }

    /// Ten pages into a table for which the sample is wanted with the next one: answers take 0.4 s.
    fn slow() -> Self {
        let mut reader = Self::new(Walks::new(Some("{N}>1".into()), false, Some(Split::new(4.5, 100))));
        for number in 1..=10 {
            assert_eq!(reader.take(&page(0, 100, &format!("p{number}"))), format!("0@p{number} /"));
        }
        reader
    }

    /// At the moment at which a large table has been divided.
    fn divided() -> Self {
        let mut reader = Self::slow();
        for event in [page(0, 100, "p11"), page(1, 100, "s1"), page(0, 100, "p12")] {
            reader.take(&event);
        }
        reader
    }

    /// What is done, as a line: before a page is decoded, a stroke, and after.
    fn take(&mut self, event: &Event) -> String {
        let (Event::Page(walk, ..) | Event::Odd(walk, ..) | Event::Last(walk, _) | Event::Fails(walk, _)) = *event;
        assert!(self.out.remove(&walk), "{event:?} of a page that is not on its way");
        let (new_records, offset, is_at_end) = match event {
            Event::Page(_, new, offset) => (*new, Some(offset), true),
            Event::Odd(_, new, offset) => (*new, Some(offset), false),
            Event::Last(_, new) => (*new, None, false),
            Event::Fails(walk, failure) => return self.recover(*walk, failure),
        };
        let took = Duration::from_millis(400);
        self.at += if walk == 0 { took } else { Duration::ZERO };
        let arrival = Arrival { walk, at: self.at, took, bytes: 50_000, records: self.records };
        let (arrived, next) = self.walks.arrive(arrival, offset.filter(|_| is_at_end).map(String::as_str));
        let before = self.follow(&next);
        self.records += new_records;
        let read = Page { offset: offset.cloned(), records: new_records, new_records };
        let after = match self.walks.advance(&arrived, read) {
            Ok(next) => self.follow(&next),
            Err(error) => error.to_string(),
        };
        let end = if self.walks.is_read() { "all is read" } else { "" };
        format!("{before} / {after}{end}").trim().to_owned()
    }

    fn recover(&mut self, walk: usize, failure: &Failure) -> String {
        match self.walks.fail(walk, failure, self.records) {
            Ok(Recovery::Restart(ask)) => format!("again {}", self.ask(&ask)),
            Ok(Recovery::Cut(ask)) => format!("cut {}", self.ask(&ask)),
            Ok(Recovery::Whole(ask)) => format!("whole {}", self.ask(&ask)),
            Ok(Recovery::NoSample) => "no sample".to_owned(),
            Ok(Recovery::Again(ask)) => format!("once more {}", self.ask(&ask)),
            Ok(Recovery::Later) => "later".to_owned(),
            Ok(Recovery::Join(ask)) => {
                self.out.clear();
                format!("join {}", self.ask(&ask))
            }
            Ok(Recovery::None) => "fail".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    fn follow(&mut self, next: &Next) -> String {
        let asks: Vec<String> = next.asks.iter().map(|ask| self.ask(ask)).collect();
        next.divided.map(|cursors| format!("by {cursors}: ")).unwrap_or_default() + &asks.join(" ")
    }

    fn ask(&mut self, ask: &Ask) -> String {
        assert!(self.out.insert(ask.walk), "walk {} has two pages on their way", ask.walk);
        format!("{}@{}", ask.walk, ask.offset.as_deref().unwrap_or("-"))
    }
}

/// What it shows, where it begins, what comes, and what is to be done then.
type Case = (&'static str, fn() -> Reader, Vec<(Event, &'static str)>);

fn check(cases: Vec<Case>) {
    for (what, reader, steps) in cases {
        let mut reader = reader();
        for (number, (event, expected)) in steps.into_iter().enumerate() {
            let done = reader.take(&event);
            let is_expected = match expected.strip_suffix('*') {
                Some(start) => done.starts_with(start),
                None => done == expected,
            };
            assert!(is_expected, "{what}: step {number}: {event:?}: {done:?} instead of {expected:?}");
        }
    }
}

#[test]
fn one_cursor() {
    check(vec![
        ("no record at all", Reader::alone, vec![(last(0, 0), "/ all is read")]),
        (
            "the next page is asked for before one is decoded",
            Reader::alone,
            vec![(page(0, 100, "a"), "0@a /"), (page(0, 100, "b"), "0@b /"), (last(0, 1), "/ all is read")],
        ),
        (
            "where its offset is found only by decoding, after that",
            Reader::alone,
            vec![(odd(0, 100, "a"), "/ 0@a"), (page(0, 100, "b"), "0@b /"), (last(0, 1), "/ all is read")],
        ),
        (
            "where the number of records is limited, no page more than necessary is asked for",
            Reader::limited,
            vec![(page(0, 100, "a"), "/ 0@a"), (odd(0, 100, "b"), "/ 0@b"), (last(0, 1), "/ all is read")],
        ),
        (
            "an offset that comes again is not asked for",
            Reader::alone,
            vec![(page(0, 100, "a"), "0@a /"), (page(0, 100, "a"), "/ the page cursor came back to where it was*")],
        ),
        (
            "a cursor that expires begins again",
            Reader::alone,
            vec![
                (page(0, 100, "a"), "0@a /"),
                (expired(0), "again 0@-"),
                (page(0, 0, "a"), "0@a /"),
                (page(0, 100, "b"), "0@b /"),
                (expired(0), "again 0@-"),
                (last(0, 0), "/ all is read"),
            ],
        ),
        ("a first page has no cursor that could expire", Reader::alone, vec![(expired(0), "fail")]),
        ("a failure", Reader::alone, vec![(page(0, 100, "a"), "0@a /"), (busy(0), "fail")]),
        ("silence", Reader::alone, vec![(page(0, 100, "a"), "0@a /"), (timeout(0), "fail")]),
    ]);
}

#[test]
fn a_limited_read_is_one_cursors_however_slow() {
    let mut reader = Reader::limited();
    for number in 0..100 {
        assert_eq!(reader.take(&page(0, 100, &format!("p{number}"))), format!("/ 0@p{number}"));
    }
}

/// The records of a page count as soon as they are known: those of the tenth, once it is decoded.
#[test]
fn the_sample_is_wanted_after_ten_pages_and_a_thousand_records() {
    for (event, expected) in [(page as fn(_, _, &str) -> _, 11), (odd, 10)] {
        let mut reader = Reader::new(Walks::new(None, false, Some(Split::new(4.5, 100))));
        let is_alone = |number: &usize| !reader.take(&event(0, 100, &format!("p{number}"))).contains("1@-");
        assert_eq!((1..100).take_while(is_alone).last(), Some(expected - 1));
    }
}

#[test]
fn the_sample() {
    check(vec![
        (
            "it is asked for beside the first cursor, and waits for what comes of it",
            Reader::slow,
            vec![
                (page(0, 100, "p11"), "1@- 0@p11 /"),
                (page(1, 100, "s1"), "/"),
                (page(0, 100, "p12"), "by 3: 1@s1 2@- 3@- 4@- /"),
            ],
        ),
        (
            "where the offset is found only by decoding, after that",
            Reader::slow,
            vec![
                (odd(0, 100, "p11"), "/ 1@- 0@p11"),
                (page(1, 100, "s1"), "/"),
                (odd(0, 100, "p12"), "/ by 3: 1@s1 2@- 3@- 4@-"),
            ],
        ),
        (
            "read to its end, it is not asked for again",
            Reader::slow,
            vec![
                (page(0, 100, "p11"), "1@- 0@p11 /"),
                (last(1, 50), "/"),
                (page(0, 100, "p12"), "by 3: 2@- 3@- 4@- /"),
            ],
        ),
        (
            "the first cursor does not wait for it",
            Reader::slow,
            vec![(page(0, 100, "p11"), "1@- 0@p11 /"), (page(0, 100, "p12"), "0@p12 /"), (last(0, 1), "/ all is read")],
        ),
        (
            "a small one is the sample of a table that is not divided",
            Reader::slow,
            vec![
                (page(0, 100, "p11"), "1@- 0@p11 /"),
                (last(1, 5), "/"),
                (page(0, 100, "p12"), "0@p12 /"),
                (last(0, 1), "/ all is read"),
            ],
        ),
        (
            "after the last page nothing is divided",
            Reader::slow,
            vec![(page(0, 100, "p11"), "1@- 0@p11 /"), (page(1, 100, "s1"), "/"), (last(0, 100), "/ all is read")],
        ),
        (
            "nor is the table where it is refused",
            Reader::slow,
            vec![
                (page(0, 100, "p11"), "1@- 0@p11 /"),
                (status(1, 422, "INVALID_FILTER_BY_FORMULA"), "no sample"),
                (page(0, 100, "p12"), "0@p12 /"),
                (page(0, 100, "p13"), "0@p13 /"),
            ],
        ),
        (
            "or does not come for another reason",
            Reader::slow,
            vec![
                (page(0, 100, "p11"), "1@- 0@p11 /"),
                (status(1, 429, ""), "no sample"),
                (page(0, 100, "p12"), "0@p12 /"),
            ],
        ),
        (
            "while it is out, the first cursor may expire",
            Reader::slow,
            vec![
                (page(0, 100, "p11"), "1@- 0@p11 /"),
                (expired(0), "again 0@-"),
                (page(1, 100, "s1"), "/"),
                (page(0, 0, "q1"), "by 3: 1@s1 2@- 3@- 4@- /"),
            ],
        ),
        ("or fail", Reader::slow, vec![(page(0, 100, "p11"), "1@- 0@p11 /"), (busy(0), "fail")]),
    ]);
}

#[test]
fn several_cursors() {
    check(vec![
        (
            "each share is read to its end, and so is the sample",
            Reader::divided,
            vec![
                (page(2, 100, "a1"), "2@a1 /"),
                (odd(3, 100, "b1"), "/ 3@b1"),
                (page(1, 100, "s2"), "1@s2 /"),
                (last(4, 100), "/"),
                (last(1, 9), "/"),
                (last(3, 9), "/"),
                (last(2, 9), "/"),
            ],
        ),
        (
            "the sample, too, begins again",
            Reader::divided,
            vec![(expired(1), "again 1@-"), (page(1, 0, "s1"), "1@s1 /")],
        ),
        (
            "a share that is not answered goes on from where it was, when the others are done",
            Reader::divided,
            vec![
                (page(2, 100, "a1"), "2@a1 /"),
                (busy(2), "later"),
                (last(1, 9), "/"),
                (page(3, 100, "b1"), "3@b1 /"),
                (last(3, 9), "/"),
                (last(4, 9), "/ 2@a1"),
                (page(2, 100, "a2"), "2@a2 /"),
                (timeout(2), "once more 2@a2"),
                (last(2, 9), "/"),
            ],
        ),
        (
            "so do several, one by one",
            Reader::divided,
            vec![
                (page(2, 100, "a1"), "2@a1 /"),
                (page(3, 100, "b1"), "3@b1 /"),
                (busy(2), "later"),
                (timeout(3), "later"),
                (last(4, 9), "/"),
                (busy(1), "once more 2@a1"),
                (last(2, 9), "/ 3@b1"),
                (expired(3), "again 3@-"),
                (page(3, 0, "b1"), "3@b1 /"),
                (last(3, 9), "/ 1@s1"),
                (last(1, 9), "/"),
            ],
        ),
        (
            "one that is not answered by itself either is the first cursor's again, from where that was left",
            Reader::divided,
            vec![
                (busy(2), "later"),
                (last(1, 9), "/"),
                (last(3, 9), "/"),
                (last(4, 9), "/ 2@-"),
                (busy(2), "join 0@p12"),
                (page(0, 100, "p13"), "0@p13 /"),
                (page(0, 100, "p14"), "0@p14 /"),
                (last(0, 1), "/ all is read"),
            ],
        ),
        ("so is one that is refused", Reader::divided, vec![(status(2, 422, "INVALID"), "join 0@p12")]),
        ("so is one with a first page that has expired", Reader::divided, vec![(expired(2), "join 0@p12")]),
        ("so is the sample", Reader::divided, vec![(status(1, 403, ""), "join 0@p12"), (last(0, 1), "/ all is read")]),
        (
            "a first cursor that expired meanwhile begins again, and fails as one cursor does",
            Reader::divided,
            vec![
                (status(4, 422, "INVALID"), "join 0@p12"),
                (expired(0), "again 0@-"),
                (page(0, 0, "q1"), "0@q1 /"),
                (busy(0), "fail"),
            ],
        ),
        ("a call over the budget is not made in another form", Reader::divided, vec![(status(2, 429, ""), "fail")]),
        ("nor one that did not reach the service", Reader::divided, vec![(broken(2), "fail")]),
    ]);
}

#[test]
fn pages_that_were_read_elsewhere_explain_those_that_bring_nothing() {
    for (mut reader, walk, expected) in [
        (Reader::slow(), 0, 20),
        // Of thirteen pages of the first cursor and the sample.
        (Reader::divided(), 2, 20 + 13),
    ] {
        let fails =
            |number: &usize| !reader.take(&page(walk, 0, &format!("a{number}"))).contains("without a new record");
        assert_eq!((0..1000).take_while(fails).count(), expected);
    }
}

#[test]
fn each_walk_has_the_formula_of_its_records() {
    let walks = Reader::divided().walks;
    let formulas: Vec<&str> = (0..5).filter_map(|walk| walks.formula(walk)).collect();
    assert_eq!(formulas[0], "{N}>1");
    assert_eq!(Some(formulas[1].to_owned()), Share::SAMPLE.formula(Some("{N}>1")));
    let shares: Vec<String> = shares::shares(3).iter().filter_map(|share| share.formula(Some("{N}>1"))).collect();
    assert_eq!(formulas[2..], shares);
    assert_eq!(Reader::alone().walks.formula(0), None);
}

proptest! {
    /// Until all is read, or there is an error, a page is on its way; and no walk ever has two (which `ask` asserts).
    #[test]
    fn whatever_comes_a_read_goes_on_or_ends(events in prop::collection::vec((any::<prop::sample::Index>(), 0..20_u8), 0..200)) {
        let mut reader = Reader::slow();
        for (number, (which, kind)) in events.into_iter().enumerate() {
            let walk = *which.get(&reader.out.iter().copied().collect::<Vec<_>>());
            let offset = format!("x{number}");
            let done = reader.take(&match kind {
                0 => last(walk, 10),
                1 => expired(walk),
                2 => busy(walk),
                3 => broken(walk),
                7 => status(walk, 422, "INVALID"),
                4..=6 => odd(walk, 100, &offset),
                _ => page(walk, 100, &offset),
            });
            let has_ended = done == "fail" || done.contains("the page cursor");
            if has_ended || reader.walks.is_read() {
                return Ok(());
            }
            if reader.out.is_empty() {
                prop_assert!(reader.walks.is_divided, "nothing is on its way, and nothing is read");
                let shares = reader.walks.each.iter().filter(|walk| walk.part != Part::All);
                prop_assert!(shares.into_iter().all(|walk| !walk.cursor.has_more), "a share is not read to its end");
                return Ok(());
            }
        }
    }
}
