//! Machines that read one base at once: processes with a directory for temporary files each, so that they share nothing
//! but the base, and where it is given a place that all of them see.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lakeflow_airtable::{AirtableConnector, LakeflowConnect, Options};
use serde_json::json;

use crate::source::{Source, rows};

/// The options of the machine that this process is, as JSON; set by the test that starts it.
const OPTIONS: &str = "MACHINE_OPTIONS";
/// For how long it reads; it reads once at least.
const SECONDS: &str = "MACHINE_SECONDS";

/// Says what is logged on the process's output.
struct Said;

impl log::Log for Said {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        println!("said: {}", record.args());
    }

    fn flush(&self) {}
}

/// One machine, run as a process of its own by the tests below.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "is a process of the other tests"]
async fn one_machine() {
    let Ok(options) = std::env::var(OPTIONS) else { return };
    let given: Vec<(String, String)> = serde_json::from_str(&options).expect("options");
    let seconds = std::env::var(SECONDS).ok().and_then(|seconds| seconds.parse().ok()).unwrap_or_default();
    log::set_logger(&Said).expect("the first one");
    log::set_max_level(log::LevelFilter::Warn);
    let options = Options::parse(given).expect("valid options");
    let connector = AirtableConnector::new(options.connection).expect("a connector");
    let (began, mut read) = (Instant::now(), 0);
    let scan = connector.plan(&options.read).await.expect("a plan");
    while read == 0 || began.elapsed() < Duration::from_secs(seconds) {
        let mut batches = connector.read(scan.clone());
        while let Some(batch) = batches.next().await {
            read += rows(&[batch.expect("a batch")]);
            if seconds > 0 && began.elapsed() > Duration::from_secs(seconds) {
                break;
            }
        }
    }
    println!("rows: {read}");
}

/// Several machines, and the base that they read.
pub(crate) struct Machines {
    pub(crate) source: Source,
    place: Option<tempfile::TempDir>,
    temporary: Vec<tempfile::TempDir>,
}

impl Machines {
    pub(crate) fn new(records: usize, with_place: bool) -> Self {
        let source = Source::with_items(records);
        source.faults(json!({"delay_ms": 200, "requests_per_second": 5, "penalty_seconds": 30}));
        let place = with_place.then(|| tempfile::tempdir().expect("a directory"));
        Self { source, place, temporary: Vec::new() }
    }

    pub(crate) fn place(&self) -> Option<&Path> {
        self.place.as_ref().map(tempfile::TempDir::path)
    }

    pub(crate) fn start(&mut self, seconds: u64) -> Child {
        self.command(seconds, &[]).spawn().expect("a process")
    }

    /// What starts a machine; `within` are the words of a command that runs it.
    pub(crate) fn command(&mut self, seconds: u64, within: &[&str]) -> Command {
        let temporary = tempfile::tempdir().expect("a directory");
        let mut given = vec![
            ("token", self.source.mock.token().to_owned()),
            ("base_url", self.source.mock.url()),
            ("base_id", self.source.mock.base_id()),
            ("tableName", "Items".to_owned()),
            ("max_retries", "1000".to_owned()),
        ];
        if let Some(place) = self.place() {
            given.push(("budget_location", place.to_str().expect("text").to_owned()));
        }
        let program = std::env::current_exe().expect("this program");
        let words = within.iter().map(OsString::from).chain([program.into_os_string()]).collect::<Vec<_>>();
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .args(["--exact", "machines::one_machine", "--ignored", "--nocapture"])
            .env(OPTIONS, serde_json::to_string(&given).expect("JSON"))
            .env(SECONDS, seconds.to_string())
            .env("TMPDIR", temporary.path())
            .stdout(Stdio::piped());
        self.temporary.push(temporary);
        command
    }

    /// The directory for temporary files of the machine that was started last.
    pub(crate) fn temporary(&self) -> &Path {
        self.temporary.last().expect("one was started").path()
    }

    pub(crate) fn refused(&self) -> usize {
        self.source.mock.requests().iter().filter(|request| request.status == 429).count()
    }

    pub(crate) fn served(&self) -> usize {
        self.source.mock.requests().iter().filter(|request| request.status == 200).count()
    }
}

/// How many rows a machine read until it ended.
pub(crate) fn rows_of(child: Child) -> usize {
    told(child).0
}

/// The same, and what it said.
pub(crate) fn told(child: Child) -> (usize, String) {
    let output = child.wait_with_output().expect("an end");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{text}");
    let rows = text.lines().find_map(|line| line.split_once("rows: ").map(|(_, rows)| rows));
    let rows = rows.and_then(|rows| rows.parse().ok()).unwrap_or_else(|| panic!("{text}"));
    (rows, text)
}

#[test]
fn machines_that_see_one_place_are_never_refused_and_leave_nothing_there() {
    let mut machines = Machines::new(500, true);
    let started: Vec<Child> = (0..3).map(|_| machines.start(0)).collect();
    for child in started {
        assert_eq!(rows_of(child), 500);
    }
    assert_eq!(machines.refused(), 0);
    let place = machines.place().expect("given");
    assert_eq!(std::fs::read_dir(place).expect("there").count(), 0);
}

#[test]
fn a_place_that_is_not_there_stops_no_machine() {
    let mut machines = Machines::new(300, true);
    std::fs::remove_dir(machines.place().expect("given")).expect("removed");
    let child = machines.start(0);
    assert_eq!(rows_of(child), 300);
    std::fs::create_dir(machines.place().expect("given")).expect("made, for whoever removes it");
}

/// Ten minutes for each number of machines. `MACHINES_SECONDS` makes it shorter, `MACHINES` chooses, as in `2,3`.
#[test]
#[ignore = "takes an hour: cargo test --release --test it machines_share -- --ignored --nocapture"]
fn machines_share_a_base() {
    let seconds = std::env::var("MACHINES_SECONDS").map_or(600, |seconds| seconds.parse().expect("a number"));
    let numbers = std::env::var("MACHINES").unwrap_or_else(|_| "2,3,6,12".to_owned());
    for number in numbers.split(',').map(|number| number.parse::<usize>().expect("a number")) {
        for with_place in [true, false] {
            let mut machines = Machines::new(5_000, with_place);
            let started: Vec<Child> = (0..number).map(|_| machines.start(seconds)).collect();
            let rows: Vec<usize> = started.into_iter().map(rows_of).collect();
            let least = rows.iter().min().expect("some") * number * 100 / rows.iter().sum::<usize>().max(1);
            let share = machines.served() * 1_000 / (usize::try_from(seconds).expect("few") * 45);
            println!(
                "{number} machines, {}: {share} % of one machine alone, slowest {least} % of its share, {} refused",
                if with_place { "a place" } else { "no place" },
                machines.refused()
            );
            let bar = match (with_place, number) {
                (true, _) => 90,
                (false, ..=3) => 80,
                (false, ..=6) => 40,
                _ => 20,
            };
            assert!(share * 100 >= bar * 100, "{number}: {share} %");
            assert!(!with_place || least >= 60, "{number}: {rows:?}");
        }
    }
}
