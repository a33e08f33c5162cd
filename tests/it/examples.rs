//! The examples run as they are: as programs of their own, against a mock.

use std::path::Path;
use std::process::Command;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::json;

use crate::source::Source;

/// What an example prints, run with the options of a source in the environment.
fn run(name: &str, source: &Source, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", env!("CARGO_PKG_NAME"), "--example", name, "--"])
        .args(arguments)
        .env("AIRTABLE_TOKEN", source.mock.token())
        .env("AIRTABLE_BASE_ID", source.mock.base_id())
        .env("AIRTABLE_BASE_URL", source.mock.url())
        .output()
        .expect("cargo runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {told}");
    String::from_utf8(output.stdout).expect("text")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path that is text")
}

#[test]
fn a_table_becomes_a_parquet_file() {
    let source = Source::with_items(250);
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("items.parquet");
    let printed = run("read_to_parquet", &source, &["Items", text(&path)]);
    assert!(printed.contains("tables: Items") && printed.contains("250 rows"), "{printed}");
    let file = std::fs::File::open(&path).expect("the file");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("a Parquet file").build().expect("a reader");
    assert_eq!(reader.map(|batch| batch.expect("a batch").num_rows()).sum::<usize>(), 250);
}

#[test]
fn changes_are_followed_from_run_to_run() {
    let source = Source::with_items(5);
    let directory = tempfile::tempdir().expect("a directory");
    let offset = directory.path().join("offset.json");
    let printed = || {
        source.mock.advance_clock(60.0);
        run("follow_changes", &source, &["Items", text(&offset)])
    };
    assert_eq!(printed(), "5 rows new or changed, 0 deleted\n");
    let (base, ids) = (source.mock.base_id(), source.all_ids());
    source.mock.delete_records(&base, "Items", &[&ids[0]]).expect("a deletion");
    let change = json!({"id": ids[1], "fields": {"Name": "changed"}});
    source.mock.update_records(&base, "Items", &[change]).expect("an edit");
    assert_eq!(printed(), "1 rows new or changed, 1 deleted\n");
    assert_eq!(printed(), "0 rows new or changed, 0 deleted\n");
}

#[test]
fn a_mock_stands_in_a_test() {
    let printed = run("mock_in_a_test", &Source::with_items(0), &[]);
    assert!(printed.ends_with("and all is well\n"), "{printed}");
}
