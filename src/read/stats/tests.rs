use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::*;

/// 1,234 rows in 3.2 seconds, by 13 requests.
fn stats() -> Stats {
    Stats {
        rows: 1_234,
        requests: 13,
        waited: Duration::from_millis(440),
        bytes: 500_000,
        elapsed: Duration::from_millis(3_200),
        ..Stats::default()
    }
}

#[test]
fn a_line_says_what_a_read_gave_and_what_it_cost() {
    let usual = stats();
    let cases = [
        (usual, Some(End::Complete), "1,234 rows in 3.2 s (386 a second), 13 requests, 0.4 s waited for the budget"),
        (
            Stats { retries: 1, ..usual },
            Some(End::Complete),
            "1,234 rows in 3.2 s (386 a second), 13 requests, 1 retry, 0.4 s waited for the budget",
        ),
        (
            Stats { retries: 1_002, penalties: 2, rescued_values: 1, ..usual },
            Some(End::Failed),
            "ended by an error after 1,234 rows in 3.2 s (386 a second), 13 requests, 1,002 retries, 2 answers of 429, \
             0.4 s waited for the budget, 1 rescued value",
        ),
        (
            Stats { rows: 1, requests: 1, penalties: 1, rescued_values: 2_000, waited: Duration::ZERO, ..usual },
            Some(End::Closed),
            "closed after 1 row in 3.2 s (0 a second), 1 request, 1 answer of 429, 0.0 s waited for the budget, \
             2,000 rescued values",
        ),
        (
            Stats { calls_this_month: Some(41_230), ..usual },
            Some(End::Complete),
            "1,234 rows in 3.2 s (386 a second), 13 requests, 0.4 s waited for the budget, 41,230 calls to the base this \
             month",
        ),
        (
            Stats { files_fetched: 2_000, file_bytes: 100_000_000, files_there: 1, files_missed: 2, ..usual },
            Some(End::Complete),
            "1,234 rows in 3.2 s (386 a second), 13 requests, 0.4 s waited for the budget, 2,000 files fetched \
             (100,000,000 bytes), 1 there already, 2 that cannot be had",
        ),
        (
            Stats { files_fetched: 1, file_bytes: 1, ..usual },
            None,
            "1,234 rows so far in 3.2 s (386 a second), 13 requests, 0.4 s waited for the budget, 1 file fetched (1 byte)",
        ),
        (Stats::default(), Some(End::Complete), "0 rows in 0.0 s, 0 requests, 0.0 s waited for the budget"),
        (usual, None, "1,234 rows so far in 3.2 s (386 a second), 13 requests, 0.4 s waited for the budget"),
        (
            Stats { expected_rows: Some(3_000), ..usual },
            None,
            "1,234 rows so far in 3.2 s (386 a second, about 41 % of the table), 13 requests, 0.4 s waited for the budget",
        ),
        (
            Stats { rows: 0, expected_rows: Some(3_000), ..usual },
            None,
            "0 rows so far in 3.2 s (about 0 % of the table), 13 requests, 0.4 s waited for the budget",
        ),
        // What was guessed is no matter any more.
        (
            Stats { expected_rows: Some(3_000), ..usual },
            Some(End::Closed),
            "closed after 1,234 rows in 3.2 s (386 a second), 13 requests, 0.4 s waited for the budget",
        ),
    ];
    for (stats, end, expected) in cases {
        assert_eq!(Line(&stats, end).to_string(), expected);
    }
}

#[test]
fn numbers_have_commas_at_thousands() {
    let cases =
        [(0, "0"), (999, "999"), (1_000, "1,000"), (999_999, "999,999"), (u64::MAX, "18,446,744,073,709,551,615")];
    for (number, expected) in cases {
        assert_eq!(Thousands(number).to_string(), expected);
    }
}

#[test]
fn a_share_is_never_all_before_the_end() {
    for (rows, expected, percent_told) in [
        (0, None, None),
        (5, Some(0), Some(99)),
        (1, Some(200), Some(0)),
        (40, Some(100), Some(40)),
        (9, Some(9), Some(99)),
    ] {
        let stats = Stats { rows, expected_rows: expected, ..Stats::default() };
        assert_eq!(percent(&stats), percent_told, "{rows} of {expected:?}");
    }
}

#[test]
fn what_is_fed_is_told() {
    let progress = Progress::new("Items", false, None);
    assert_eq!(progress.stats(), Stats::default(), "nothing has begun");
    progress.begin();
    progress.give(100);
    progress.give(20);
    progress.rescued(3);
    progress.expect(Some(480));
    let stats = progress.stats();
    assert_eq!((stats.rows, stats.rescued_values, stats.expected_rows, stats.is_done), (120, 3, Some(480), false));
    // A guess that was too low is not kept.
    progress.expect(Some(60));
    assert_eq!(progress.stats().expected_rows, Some(120));
    progress.expect(None);
    assert_eq!(progress.stats().expected_rows, None);
}

#[test]
fn only_a_read_to_its_end_has_counted_all_rows() {
    for (end, expected) in [(End::Complete, Some(7)), (End::Failed, Some(480)), (End::Closed, Some(480))] {
        let progress = Progress::new("Items", false, None);
        progress.begin();
        progress.give(7);
        progress.expect(Some(480));
        progress.end(end);
        let stats = progress.stats();
        assert!(stats.is_done);
        assert_eq!(stats.expected_rows, expected, "{end:?}");
        assert_eq!(progress.stats(), stats, "the time stands still");
    }
}

#[test]
fn a_read_that_never_began_does_not_end_either() {
    let progress = Progress::new("Items", false, None);
    progress.end(End::Closed);
    assert_eq!(progress.stats(), Stats::default());
}

/// Runs a read, and gives the lines that it tells while its consumer does something with them.
async fn told(progress: &Progress, consumer: impl AsyncFnOnce(&mut UnboundedReceiver<String>)) {
    let (sender, mut lines) = unbounded_channel();
    let say = |line| sender.send(line).expect("a consumer");
    progress.begin();
    progress.tell(consumer(&mut lines), Duration::from_millis(2), say).await;
}

#[tokio::test]
async fn a_long_read_tells_what_is_new_and_nothing_twice() {
    let progress = Progress::new("Items", false, None);
    told(&progress, async |lines| {
        for rows in ["1 row", "2 rows", "3 rows"] {
            progress.give(1);
            let line = lines.recv().await.expect("a line");
            assert!(line.starts_with(&format!("table \"Items\": {rows} so far in ")), "{line}");
        }
        progress.tally().sent();
        let line = lines.recv().await.expect("a line");
        assert!(line.contains(", 1 request, "), "{line}");
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(lines.try_recv().is_err(), "nothing is new");
    })
    .await;
}

#[tokio::test]
async fn a_question_of_our_own_tells_nothing() {
    let progress = Progress::new("Items", true, None);
    told(&progress, async |lines| {
        progress.give(1);
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(lines.try_recv().is_err());
    })
    .await;
}
