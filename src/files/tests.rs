//! What each format makes of each kind of cell, and what it refuses.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use ::parquet::file::metadata::RowGroupMetaData;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};

use super::*;

/// `format[:compression[:row_group_size]]`.
fn format(text: &str) -> Format {
    let mut parts = text.split(':');
    let kind = parts.next().expect("a format");
    let compression = parts.next();
    let rows = parts.next().map(|rows| rows.parse().expect("a number"));
    Format::parse(kind, compression, rows).expect(text)
}

fn write(text: &str, schema: &SchemaRef, batches: &[RecordBatch], out: impl Write + Send) -> io::Result<()> {
    let mut writer = Writer::begin(format(text), schema, out)?;
    for batch in batches {
        writer.write(batch)?;
    }
    writer.finish()
}

fn file(text: &str, schema: &SchemaRef, batches: &[RecordBatch]) -> Vec<u8> {
    let mut file = Vec::new();
    write(text, schema, batches, &mut file).expect("memory takes everything");
    file
}

/// Parquet's readers want one.
fn on_disk(bytes: &[u8]) -> std::fs::File {
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(bytes).expect("room for it");
    file
}

fn text(kind: &str, column: ArrayRef) -> String {
    let batch = RecordBatch::try_from_iter_with_nullable([("c", column, true)]).expect("a batch");
    String::from_utf8(file(kind, &batch.schema(), &[batch])).expect("UTF-8")
}

/// Each cell of a column as JSON lines and as CSV have it; `None` is NULL.
fn cells(column: ArrayRef, expected: &[(&str, &str)]) {
    let json: Vec<String> = expected.iter().map(|(cell, _)| format!("{{\"c\":{cell}}}\n")).collect();
    assert_eq!(text("jsonl", column.clone()), json.concat());
    let csv: Vec<&str> = expected.iter().flat_map(|(_, cell)| [cell, "\n"]).collect();
    assert_eq!(text("csv", column), format!("c\n{}", csv.concat()));
}

#[test]
fn every_kind_of_cell_has_one_text() {
    let texts = [Some("plain"), None, Some(""), Some("a,b"), Some("say \"x\""), Some("two\r\nlines")];
    cells(
        Arc::new(StringArray::from_iter(texts)),
        &[
            ("\"plain\"", "plain"),
            ("null", ""),
            ("\"\"", "\"\""),
            ("\"a,b\"", "\"a,b\""),
            (r#""say \"x\"""#, r#""say ""x""""#),
            (r#""two\r\nlines""#, "\"two\r\nlines\""),
        ],
    );
    let texts = ["Zoë \u{1F600}", "=1+1", "\u{0}\u{1f}\t\\", " outer ", "\u{2028}\u{7f}\u{fffd}", "null"];
    cells(
        Arc::new(StringArray::from_iter_values(texts)),
        &[
            ("\"Zoë \u{1F600}\"", "Zoë \u{1F600}"),
            ("\"=1+1\"", "=1+1"),
            (r#""\u0000\u001f\t\\""#, "\u{0}\u{1f}\t\\"),
            ("\" outer \"", " outer "),
            ("\"\u{2028}\u{7f}\u{fffd}\"", "\u{2028}\u{7f}\u{fffd}"),
            ("\"null\"", "null"),
        ],
    );
    let whole = [Some(i64::MAX), Some(i64::MIN), None, Some(9_007_199_254_740_993)];
    cells(
        Arc::new(Int64Array::from_iter(whole)),
        &["9223372036854775807", "-9223372036854775808", "", "9007199254740993"]
            .map(|cell| (if cell.is_empty() { "null" } else { cell }, cell)),
    );
    cells(
        Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])),
        &[("true", "true"), ("false", "false"), ("null", "")],
    );
}

#[test]
fn a_double_is_the_same_double_again_or_a_word() {
    let finite = [0.1, -0.0, 1.0, 1e16, 1e300, 5e-324, f64::MAX, 123_456_789.125, 0.1 + 0.2];
    let column: ArrayRef = Arc::new(Float64Array::from_iter_values(finite));
    for kind in ["jsonl", "csv"] {
        let text = text(kind, column.clone());
        let cells = text.lines().map(|line| line.trim_start_matches("{\"c\":").trim_end_matches('}'));
        let read: Vec<u64> = cells.filter_map(|cell| cell.parse().ok()).map(f64::to_bits).collect();
        assert_eq!(read, finite.map(f64::to_bits), "{text}");
    }
    cells(
        Arc::new(Float64Array::from(vec![Some(f64::NAN), Some(f64::INFINITY), Some(f64::NEG_INFINITY), None])),
        &[("\"NaN\"", "NaN"), ("\"Infinity\"", "Infinity"), ("\"-Infinity\"", "-Infinity"), ("null", "")],
    );
}

#[test]
fn days_and_moments_are_alike_in_all_text_formats() {
    let quoted = |texts: &[&'static str]| -> Vec<(String, &'static str)> {
        texts.iter().map(|&text| (if text.is_empty() { "null".into() } else { format!("\"{text}\"") }, text)).collect()
    };
    let table: Vec<(ArrayRef, &[&'static str])> = vec![
        (
            Arc::new(Date32Array::from(vec![Some(0), Some(-719_162), Some(2_932_896), None, Some(20_454)])),
            &["1970-01-01", "0001-01-01", "9999-12-31", "", "2026-01-01"],
        ),
        (
            Arc::new(
                TimestampMicrosecondArray::from(vec![
                    Some(0),
                    Some(-1),
                    Some(1_767_323_045_000_000),
                    Some(1_767_323_045_120_000),
                    Some(1_767_323_045_123_456),
                    None,
                    Some(-62_135_596_800_000_000),
                    Some(253_402_300_799_999_999),
                ])
                .with_timezone("UTC"),
            ),
            &[
                "1970-01-01T00:00:00Z",
                "1969-12-31T23:59:59.999999Z",
                "2026-01-02T03:04:05Z",
                "2026-01-02T03:04:05.120Z",
                "2026-01-02T03:04:05.123456Z",
                "",
                "0001-01-01T00:00:00Z",
                "9999-12-31T23:59:59.999999Z",
            ],
        ),
    ];
    for (column, texts) in table {
        let expected = quoted(texts);
        cells(column, &expected.iter().map(|(json, csv)| (json.as_str(), *csv)).collect::<Vec<_>>());
    }
}

fn structs() -> ArrayRef {
    let fields = |name: &str, kind| Arc::new(Field::new(name, kind, true));
    let price: ArrayRef = Arc::new(Float64Array::from(vec![Some(f64::NAN), None, Some(2.5)]));
    let day: ArrayRef = Arc::new(Date32Array::from(vec![Some(0), None, Some(1)]));
    let children = vec![(fields("price", DataType::Float64), price), (fields("day", DataType::Date32), day)];
    Arc::new(StructArray::from((children, arrow::buffer::Buffer::from([0b011_u8]))))
}

fn lists() -> ArrayRef {
    let cells = [Some(vec![Some(1), None]), Some(vec![]), None];
    Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(cells))
}

#[test]
fn structs_and_lists_are_objects_and_arrays_in_json_lines() {
    let batch = RecordBatch::try_from_iter([("s", structs()), ("l", lists())]).expect("a batch");
    let text = String::from_utf8(file("jsonl", &batch.schema(), &[batch])).expect("UTF-8");
    let lines = [
        r#"{"s":{"price":"NaN","day":"1970-01-01"},"l":[1,null]}"#,
        r#"{"s":{"price":null,"day":null},"l":[]}"#,
        r#"{"s":null,"l":null}"#,
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), lines);
}

#[test]
fn csv_refuses_what_it_has_no_place_for_before_the_first_byte() {
    for (column, kind) in [(structs(), "structs"), (lists(), "lists")] {
        let batch = RecordBatch::try_from_iter([("tags", column)]).expect("a batch");
        let error = Writer::begin(format("csv"), &batch.schema(), Never).err().expect("refused");
        let said = format!(
            "csv has no place for lists and structs, and column \"tags\" is one of {kind}: read with nested=json, or write \
             jsonl, arrow or parquet"
        );
        assert_eq!((error.kind(), error.to_string()), (io::ErrorKind::InvalidInput, said));
    }
    let schema = Arc::new(Schema::new(vec![Field::new("d", DataType::Binary, true)]));
    let batch = RecordBatch::new_empty(schema.clone());
    let error = Writer::begin(format("csv"), &schema, Vec::new()).and_then(|mut writer| writer.write(&batch));
    assert!(error.is_err_and(|error| error.to_string().contains("no text for columns of Binary")));
}

#[test]
fn names_in_a_header_are_quoted_where_they_need_it() {
    let fields = ["Price, net", "say \"x\"", "", "plain"].map(|name| Field::new(name, DataType::Utf8, true));
    let schema: SchemaRef = Arc::new(Schema::new(fields.to_vec()));
    assert_eq!(file("csv", &schema, &[]), b"\"Price, net\",\"say \"\"x\"\"\",\"\",plain\n");
}

fn numbers(rows: i64) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
    let field =
        Field::new("n", DataType::Int64, true).with_metadata(HashMap::from([("unit".to_owned(), "pieces".to_owned())]));
    let schema = Schema::new_with_metadata(vec![field], HashMap::from([("table".to_owned(), "Vendors".to_owned())]));
    RecordBatch::try_new(Arc::new(schema), vec![column]).expect("a batch")
}

#[test]
fn arrow_and_parquet_give_the_same_batches_and_the_same_schema_again() {
    let batch = numbers(1_000);
    for kind in ["arrow", "arrow:none", "arrow:zstd"] {
        let bytes = file(kind, &batch.schema(), &[batch.clone(), batch.clone()]);
        let reader = arrow_ipc::reader::FileReader::try_new(io::Cursor::new(bytes), None).expect(kind);
        assert_eq!(reader.schema(), batch.schema());
        assert_eq!(reader.collect::<Result<Vec<_>, _>>().expect(kind), [batch.clone(), batch.clone()]);
    }
    for kind in ["parquet", "parquet:zstd", "parquet:snappy", "parquet:gzip", "parquet:none"] {
        let bytes = file(kind, &batch.schema(), std::slice::from_ref(&batch));
        let reader = ParquetRecordBatchReaderBuilder::try_new(on_disk(&bytes)).expect(kind);
        assert_eq!(*reader.schema(), batch.schema());
        let read: Vec<_> = reader.build().expect(kind).collect::<Result<_, _>>().expect(kind);
        // Batches of this reader lack the schema's metadata.
        assert_eq!(read.iter().map(RecordBatch::columns).collect::<Vec<_>>(), [batch.columns()]);
    }
}

#[test]
fn row_groups_have_the_rows_that_were_asked_for_whatever_the_batches_are() {
    let sizes = |kind: &str, batches: &[RecordBatch]| -> Vec<i64> {
        let bytes = file(kind, &numbers(0).schema(), batches);
        let reader = SerializedFileReader::new(on_disk(&bytes)).expect("a file");
        reader.metadata().row_groups().iter().map(RowGroupMetaData::num_rows).collect()
    };
    let few = [numbers(70), numbers(0), numbers(70), numbers(70)];
    assert_eq!(sizes("parquet:none:100", &few), [100, 100, 10]);
    assert_eq!(sizes("parquet:none:1", &[numbers(3)]), [1, 1, 1]);
    assert_eq!(sizes("parquet", &[numbers(250_000)]), [100_000, 100_000, 50_000]);
    assert_eq!(sizes("parquet", &[]), [0; 0]);
}

#[test]
fn a_file_of_no_rows_is_whole() {
    let schema = numbers(0).schema();
    assert_eq!(file("jsonl", &schema, &[]), b"");
    assert_eq!(file("csv", &schema, &[numbers(0)]), b"n\n");
    let bytes = file("arrow", &schema, &[]);
    let reader = arrow_ipc::reader::FileReader::try_new(io::Cursor::new(bytes), None).expect("a file");
    assert_eq!((reader.schema(), reader.num_batches()), (schema.clone(), 0));
    let bytes = file("parquet", &schema, &[]);
    let reader = ParquetRecordBatchReaderBuilder::try_new(on_disk(&bytes)).expect("a file");
    assert_eq!((reader.schema(), reader.metadata().file_metadata().num_rows()), (&schema, 0));
}

#[test]
fn what_does_not_exist_is_refused_with_what_does() {
    let table = [
        (("jsonlines", None, None), "format=\"jsonlines\" does not exist: use jsonl, csv, arrow or parquet"),
        (("", None, None), "format=\"\" does not exist: use jsonl, csv, arrow or parquet"),
        (
            ("parquet", Some("lz4"), None),
            "compression=\"lz4\" does not exist for parquet: use zstd, snappy, gzip or none",
        ),
        (("arrow", Some("gzip"), None), "compression=\"gzip\" does not exist for arrow: use none or zstd"),
        (("csv", Some("zstd"), None), "compression=\"zstd\" does not exist for csv: use none"),
        (("jsonl", None, Some(5)), "jsonl has no row groups: leave out row_group_size"),
        (("parquet", None, Some(0)), "row_group_size=0 is no number of rows: use 1 or more"),
        (("parquet", None, Some(-1)), "row_group_size=-1 is no number of rows: use 1 or more"),
    ];
    for ((kind, compression, rows), said) in table {
        let error = Format::parse(kind, compression, rows).expect_err(said);
        assert_eq!(error.to_string(), said);
    }
}

/// Nothing may be written here.
struct Never;

impl Write for Never {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        panic!("{} bytes", bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A disk with this much room.
struct Disk(usize);

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.checked_sub(bytes.len()) {
            Some(rest) => self.0 = rest,
            None => return Err(io::Error::from_raw_os_error(28)),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_an_error_with_its_number_wherever_it_is_met() {
    let batch = numbers(50_000);
    for kind in ["jsonl", "csv", "arrow", "parquet:none:10000"] {
        let whole = file(kind, &batch.schema(), std::slice::from_ref(&batch)).len();
        for room in [0, 100, whole / 2, whole - 1] {
            let written = write(kind, &batch.schema(), std::slice::from_ref(&batch), Disk(room));
            let error = written.err().unwrap_or_else(|| panic!("{kind} with room for {room} of {whole} bytes"));
            assert_eq!(error.raw_os_error(), Some(28), "{kind} with room for {room} of {whole} bytes: {error}");
        }
        let written = write(kind, &batch.schema(), std::slice::from_ref(&batch), Disk(whole));
        assert!(written.is_ok(), "{kind}");
    }
}
