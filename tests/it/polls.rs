//! How often streams ask: what all streams of a base share, and what each is told in spite of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use lakeflow_airtable::{LakeflowConnect, Latest};
use serde_json::json;

use crate::changes::{APPEND, CDC, FEED, Reader, cost, edit};
use crate::source::Source;
use crate::webhooks::futures;

const HOUR: (&str, &str) = ("poll_seconds", "3600");
const ALWAYS: (&str, &str) = ("poll_seconds", "0");

/// Streams with connections of their own, which have read everything.
async fn streams<'s>(source: &'s Source, count: usize, more: &[(&str, &str)]) -> Vec<Reader<'s>> {
    let mut streams = Vec::new();
    for _ in 0..count {
        let mut stream = Reader::new(source, more).await;
        stream.settled().await;
        streams.push(stream);
    }
    cost(source);
    streams
}

async fn polled(stream: &Reader<'_>) -> Latest {
    stream.stream.poll(stream.start.as_ref(), None).await.expect("an offset")
}

fn is_new(stream: &Reader<'_>, latest: &Latest) -> bool {
    Some(&latest.offset) != stream.start.as_ref()
}

/// The file that streams of the source's base share.
fn file(source: &Source) -> PathBuf {
    let base = source.mock.base_id();
    let port = source.mock.url().rsplit(':').next().unwrap_or_default().to_owned();
    let files = std::fs::read_dir(std::env::temp_dir()).expect("a directory").flatten().map(|entry| entry.path());
    let is_it = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.contains(&base) && name.contains(&port) && path.extension().is_some_and(|end| end == "heads")
    };
    files.into_iter().find(is_it).expect("the file")
}

fn asked(lists: u64) -> BTreeMap<String, u64> {
    if lists == 0 { BTreeMap::new() } else { BTreeMap::from([("list_webhooks".to_owned(), lists)]) }
}

#[tokio::test]
async fn idle_streams_of_a_base_cost_what_one_costs() {
    for count in [1, 5, 20] {
        let source = Source::with_items(3);
        let streams = streams(&source, count, &[FEED, HOUR]).await;
        for _ in 0..3 {
            for stream in &streams {
                let latest = polled(stream).await;
                let rest = stream.stream.rest_after(&latest);
                assert!(!is_new(stream, &latest) && !latest.has_more && rest <= Duration::from_secs(3_600));
                assert!(rest > Duration::from_secs(3_000), "{rest:?}");
            }
        }
        assert_eq!(cost(&source), asked(1), "{count} streams");
    }
}

#[tokio::test]
async fn whoever_did_not_begin_at_the_start_rests_too() {
    let source = Source::with_items(3);
    let mut streams = streams(&source, 2, &[FEED, HOUR]).await;
    for stream in &mut streams {
        // As the library's first question: nobody has looked what could not be read.
        stream.start = Some(stream.stream.latest(None, None).await.expect("an offset").offset);
    }
    cost(&source);
    for stream in &streams {
        assert!(!is_new(stream, &polled(stream).await));
    }
    assert_eq!(cost(&source), asked(1));
}

#[tokio::test]
async fn streams_that_ask_at_the_same_time_ask_once() {
    let source = Source::with_items(3);
    let streams = streams(&source, 8, &[FEED, HOUR]).await;
    source.faults(json!({"delay_ms": 100}));
    let latest = futures(streams.iter().map(polled)).await;
    assert!(streams.iter().zip(&latest).all(|(stream, latest)| !is_new(stream, latest)));
    assert_eq!(cost(&source), asked(1));
}

#[tokio::test]
async fn a_stream_that_may_ask_always_does_and_tells_the_others() {
    let source = Source::with_items(3);
    let id = source.all_ids().remove(0);
    let always = streams(&source, 1, &[FEED, ALWAYS]).await.remove(0);
    let mut rare = streams(&source, 2, &[FEED, HOUR]).await;
    for _ in 0..2 {
        assert!(!is_new(&always, &polled(&always).await));
    }
    assert_eq!(cost(&source), asked(2));
    assert!(!is_new(&rare[0], &polled(&rare[0]).await));
    assert_eq!(cost(&source), asked(0), "known by the other one");
    edit(&source, &id, "new");
    source.mock.advance_clock(60.0);
    assert!(!is_new(&rare[0], &polled(&rare[0]).await), "within its time nobody need have asked");
    assert_eq!(cost(&source), asked(0));
    assert!(is_new(&always, &polled(&always).await));
    cost(&source);
    for stream in &mut rare {
        let latest = polled(stream).await;
        let rows = stream.between(stream.start.as_ref(), &latest.offset).await.expect("a range");
        assert_eq!(rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), [id.as_str()]);
        stream.start = Some(latest.offset);
        assert_eq!(cost(&source).get("list_webhooks"), Some(&1), "it has moved, so each asks");
    }
    // And then they rest again.
    for stream in &rare {
        assert!(!is_new(stream, &polled(stream).await));
    }
    assert_eq!(cost(&source), asked(1));
}

#[tokio::test]
async fn what_is_not_ours_is_no_answer() {
    let source = Source::with_items(3);
    let streams = streams(&source, 2, &[FEED, HOUR]).await;
    polled(&streams[0]).await;
    let path = file(&source);
    let whole = std::fs::read(&path).expect("bytes");
    let mut older = whole.clone();
    older[0] ^= 1;
    for bytes in [&b"somebody's own"[..], b"", &whole[..whole.len() - 8], &older] {
        std::fs::write(&path, bytes).expect("written");
        cost(&source);
        assert!(!is_new(&streams[1], &polled(&streams[1]).await));
        assert_eq!(cost(&source), asked(1), "{} bytes", bytes.len());
        assert!(!is_new(&streams[0], &polled(&streams[0]).await));
        assert_eq!(cost(&source), asked(0), "it is ours again");
    }
    // Nobody can write there: each asks, as if there were no others.
    std::fs::remove_file(&path).expect("removed");
    std::fs::create_dir(&path).expect("a directory");
    for stream in &streams {
        assert!(!is_new(stream, &polled(stream).await));
    }
    assert_eq!(cost(&source), asked(2));
    std::fs::remove_dir(&path).expect("removed");
}

#[tokio::test]
async fn a_run_sees_what_was_there_when_it_began_and_its_streams_share_what_they_are_told() {
    let source = Source::with_items(3);
    let id = source.all_ids().remove(0);
    let mut streams = streams(&source, 3, &[FEED, HOUR]).await;
    polled(&streams[0]).await;
    // Nothing is new: one of the run's streams asks, whatever others were told before it began.
    let began = SystemTime::now();
    cost(&source);
    for stream in &streams {
        stream.stream.stop_at_latest_of(began);
        assert!(!is_new(stream, &stream.stream.latest(stream.start.as_ref(), None).await.expect("an offset")));
    }
    assert_eq!(cost(&source), asked(1));
    // Something was new before the next run began.
    edit(&source, &id, "new");
    source.mock.advance_clock(60.0);
    let began = SystemTime::now();
    for stream in &mut streams {
        let start = stream.start.clone();
        let connector = source.connector(&[]);
        let plan = stream.stream.plan().clone();
        stream.stream = connector.stream(plan, &stream.options.read).expect("a stream");
        stream.stream.stop_at_latest_of(began);
        let latest = stream.stream.latest(start.as_ref(), None).await.expect("an offset");
        assert_eq!(stream.between(start.as_ref(), &latest.offset).await.expect("a range").len(), 1);
    }
}

#[tokio::test]
async fn streams_of_one_connector_list_the_webhooks_once_in_a_run() {
    let source = Source::with_items(3);
    let ids = source.all_ids();
    let streams = streams(&source, 4, &[FEED]).await;
    edit(&source, &ids[0], "new");
    source.mock.advance_clock(60.0);
    let connector = source.connector(&[]);
    let began = SystemTime::now();
    for (number, stream) in streams.iter().enumerate() {
        let of_run = connector.stream(stream.stream.plan().clone(), &stream.options.read).expect("a stream");
        of_run.stop_at_latest_of(began);
        let latest = of_run.latest(stream.start.as_ref(), None).await.expect("an offset");
        let scan = of_run.scan(stream.start.as_ref(), &latest.offset).await.expect("a plan");
        let mut batches = connector.read(scan);
        let mut rows = 0;
        while let Some(batch) = batches.next().await {
            rows += batch.expect("a batch").num_rows();
        }
        assert_eq!(rows, 1);
        // What happens meanwhile is for the next run.
        edit(&source, &ids[1], &format!("meanwhile {number}"));
        source.mock.advance_clock(60.0);
        let again = of_run.latest(Some(&latest.offset), None).await.expect("an offset");
        assert_eq!(again.offset, latest.offset);
    }
    assert_eq!(cost(&source).get("list_webhooks"), Some(&1));
    let next = connector.stream(streams[0].stream.plan().clone(), &streams[0].options.read).expect("a stream");
    next.stop_at_latest();
    let latest = next.latest(streams[0].start.as_ref(), None).await.expect("an offset");
    let scan = next.scan(streams[0].start.as_ref(), &latest.offset).await.expect("a plan");
    let mut batches = connector.read(scan);
    let mut rows = 0;
    while let Some(batch) = batches.next().await {
        rows += batch.expect("a batch").num_rows();
    }
    assert_eq!(rows, 2, "a run that begins later asks for itself");
}

#[tokio::test]
async fn every_webhook_of_a_run_is_kept_alive() {
    for shares_a_connector in [true, false] {
        let source = Source::with_items(3);
        // One for records, and one for the log; each of them is asked about first on some days.
        let mut streams = Vec::new();
        for mode in [FEED, ("ingestion_type", "change_log"), FEED] {
            let mut stream = Reader::new(&source, &[mode]).await;
            stream.settled().await;
            streams.push(stream);
        }
        for day in 0..24 {
            source.mock.advance_clock(86_400.0);
            let (connector, began) = (source.connector(&[]), SystemTime::now());
            cost(&source);
            for number in 0..streams.len() {
                let stream = &streams[(day + number) % streams.len()];
                let (plan, own) = (stream.stream.plan().clone(), source.connector(&[]));
                let connector = if shares_a_connector { &connector } else { &own };
                let of_run = connector.stream(plan, &stream.options.read).expect("a stream");
                of_run.stop_at_latest_of(began);
                let latest = of_run.latest(stream.start.as_ref(), None).await;
                assert!(!is_new(stream, &latest.unwrap_or_else(|error| panic!("day {day}: {error}"))));
            }
            let cost = cost(&source);
            assert_eq!(cost.get("list_payloads").copied(), Some(2), "day {day}: one for each webhook: {cost:?}");
            assert!(cost["list_webhooks"] <= if shares_a_connector { 1 } else { 3 }, "day {day}: {cost:?}");
        }
    }
}

#[tokio::test]
async fn idle_streams_keep_their_webhook_alive_together() {
    let source = Source::with_items(3);
    let streams = streams(&source, 8, &[FEED, HOUR]).await;
    futures(streams.iter().map(polled)).await;
    for _ in 0..90 {
        source.mock.advance_clock(7_200.0);
        // As an hour later by this machine's clock.
        std::fs::remove_file(file(&source)).expect("removed");
        cost(&source);
        futures(streams.iter().map(polled)).await;
        let cost = cost(&source);
        assert_eq!(cost, BTreeMap::from([("list_payloads".to_owned(), 1), ("list_webhooks".to_owned(), 1)]));
    }
}

#[tokio::test]
async fn a_webhook_that_fails_is_noticed_by_streams_that_rest() {
    let source = Source::with_items(3);
    let rare = streams(&source, 2, &[FEED, HOUR]).await;
    for stream in &rare {
        polled(stream).await;
    }
    source.faults(json!({"fail_webhooks": "INVALID_HOOK"}));
    edit(&source, &source.all_ids()[0], "untold");
    source.faults(json!({}));
    source.mock.advance_clock(60.0);
    // Somebody may ask again, and the others know that it has moved.
    let always = Reader { options: source.options(&[FEED, ALWAYS]), ..Reader::new(&source, &[FEED, ALWAYS]).await };
    _ = always.stream.poll(rare[0].start.as_ref(), None).await;
    for stream in &rare {
        let latest = stream.stream.poll(stream.start.as_ref(), None).await;
        let ended = match latest {
            Ok(latest) => stream.stream.scan(stream.start.as_ref(), &latest.offset).await.map(drop),
            Err(error) => Err(error),
        };
        let error = ended.expect_err("changes are lost");
        assert!(error.to_string().contains("INVALID_HOOK"), "{error}");
    }
}

#[tokio::test]
async fn windows_are_asked_for_each_by_itself() {
    for mode in [CDC, APPEND] {
        let source = Source::with_items(3);
        let streams = streams(&source, 2, &[mode, HOUR]).await;
        // What the last window read is out of the next one that looks back.
        source.mock.advance_clock(120.0);
        for stream in &streams {
            let latest = polled(stream).await;
            assert!(!is_new(stream, &latest));
            assert_eq!(stream.stream.rest_after(&latest), Duration::from_secs(3_600));
        }
        assert_eq!(cost(&source).get("list_records"), Some(&2));
    }
}
