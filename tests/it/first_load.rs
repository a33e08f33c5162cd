//! The first load of a stream in parts: what it costs, and what becomes of it when the table changes or the reader dies.

use serde_json::json;

use crate::changes::{APPEND, CDC, FEED, Reader, add, cost, edit, ids, remove};
use crate::source::Source;

const MOST: (&str, &str) = ("max_records_per_batch", "300");

#[tokio::test]
async fn a_first_load_in_parts_costs_its_pages_and_a_few_requests() {
    for mode in [CDC, APPEND, FEED] {
        let source = Source::with_items(2_000);
        let mut stream = Reader::new(&source, &[mode, MOST]).await;
        source.mock.advance_clock(120.0);
        cost(&source);
        let (mut given, mut parts) = (Vec::new(), 0);
        while given.len() < 2_000 {
            given.extend(stream.next().await.expect("a range"));
            parts += 1;
            assert!(parts < 20, "{mode:?}: {} records", given.len());
        }
        let requests: u64 = cost(&source).values().sum();
        let mut expected = source.all_ids();
        expected.sort();
        assert_eq!(ids(&given), expected, "{mode:?}");
        assert!(parts >= 7, "{mode:?}: {parts}");
        // Each part's last page is not full; the size takes up to five, and a feed looks how far it is each time.
        let most = 20 + parts + 5 + if mode == FEED { 2 * parts + 5 } else { 0 };
        assert!(requests <= most, "{mode:?}: {requests} requests for {parts} parts");
    }
}

#[tokio::test]
async fn a_part_that_is_read_again_is_the_same_after_a_crash() {
    for mode in [CDC, APPEND, FEED] {
        let source = Source::with_items(700);
        let mut stream = Reader::new(&source, &[mode, MOST]).await;
        source.mock.advance_clock(120.0);
        let mut given = Vec::new();
        while given.len() < 700 {
            let start = stream.start.clone().expect("a start");
            let end = stream.latest().await.expect("an offset");
            let rows = stream.between(Some(&start), &end).await.expect("a range");
            // The process dies before it is committed, and only the offsets' texts are left.
            let (start, end) = (start.to_json(), end.to_json());
            stream = stream.restarted().await;
            let parsed = |text: &str| stream.stream.parse(text).expect("an offset");
            let again = stream.between(Some(&parsed(&start)), &parsed(&end)).await.expect("a range");
            assert_eq!(ids(&rows), ids(&again), "{mode:?} {start} {end}");
            let end = parsed(&end);
            stream.start = Some(end);
            assert!(!rows.is_empty() && rows.len() < 400, "{mode:?}: {}", rows.len());
            given.extend(rows);
        }
        let mut expected = source.all_ids();
        expected.sort();
        assert_eq!(ids(&given), expected, "{mode:?}");
        assert!(stream.settled().await.is_empty(), "{mode:?}");
    }
}

#[tokio::test]
async fn what_changes_between_parts_comes_in_the_end() {
    for mode in [CDC, APPEND, FEED] {
        let source = Source::with_items(700);
        let all = source.all_ids();
        let mut stream = Reader::new(&source, &[mode, MOST]).await;
        source.mock.advance_clock(120.0);
        let mut target = std::collections::BTreeMap::new();
        let mut apply = |rows: Vec<crate::changes::Row>| {
            for row in rows {
                let is_older = target.get(&row.id).is_some_and(|(at, _, _)| *at > row.changed_at);
                if !is_older {
                    target.insert(row.id, (row.changed_at, row.name, row.is_deleted));
                }
            }
        };
        for round in 0..3 {
            apply(stream.next().await.expect("a range"));
            // Of each part, given or not.
            for id in all.iter().skip(round).step_by(70) {
                edit(&source, id, &format!("edited {round}"));
            }
            add(&source, "new");
            remove(&source, &all[20 + round]);
            source.mock.advance_clock(5.0);
        }
        for _ in 0..12 {
            apply(stream.settled().await);
        }
        let held = target.iter().filter(|(_, (_, _, is_deleted))| !is_deleted);
        let held: Vec<_> = held.map(|(id, (_, name, _))| (id.clone(), name.clone())).collect();
        // Windows tell no deletes, and those of creation no edits.
        let gone = &all[20..23];
        let mut there = source.all_ids();
        there.sort();
        let of_table: Vec<_> = held.iter().map(|(id, _)| id).filter(|id| !gone.contains(id)).cloned().collect();
        assert_eq!(of_table, there, "{mode:?}");
        if mode == FEED {
            assert_eq!(held.len(), there.len(), "the deleted ones are told");
        }
        if mode != APPEND {
            for round in 0..3 {
                let edited = &all[140 + round];
                let name = held.iter().find(|(id, _)| id == edited).and_then(|(_, name)| name.as_deref());
                assert_eq!(name, Some(format!("edited {round}").as_str()), "{mode:?}");
            }
        }
    }
}

#[tokio::test]
async fn where_shares_are_refused_the_first_load_comes_as_one_batch() {
    for mode in [CDC, APPEND, FEED] {
        let source = Source::with_items(700);
        let error = json!({"respond": {"status": 422, "body": {"error": {"type": "INVALID_FILTER_BY_FORMULA"}}}});
        source.faults(json!({"rules": [{"path": "RECORD_ID", "action": error}]}));
        let mut stream = Reader::new(&source, &[mode, MOST]).await;
        source.mock.advance_clock(120.0);
        let given = stream.next().await.expect("a range");
        let mut expected = source.all_ids();
        expected.sort();
        assert_eq!(ids(&given), expected, "{mode:?}");
        assert!(stream.settled().await.is_empty(), "{mode:?}");
    }
}
