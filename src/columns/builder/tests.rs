//! Cells in, array out: one table per kind of column.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::json;

use super::*;

/// Appends one cell, which is read to its end.
fn append(builder: &mut Builder, cell: &str) -> Option<Misfit> {
    let mut json = Json::new(cell);
    let misfit = builder.append(&mut json).expect("JSON");
    json.end().expect("one value");
    misfit
}

/// Reads cells into one column; gives each row as text, with what was reported.
fn read(mut builder: Builder, shape: &Shape, cells: &[&str]) -> Vec<(String, Option<Misfit>)> {
    let misfits: Vec<Option<Misfit>> = cells.iter().map(|cell| append(&mut builder, cell)).collect();
    let array = builder.finish();
    assert_eq!((array.len(), array.data_type()), (cells.len(), &shape.data_type()));
    // Shown as the moment in UTC: the display knows no zones by name.
    let array: ArrayRef = match array.as_primitive_opt::<TimestampMicrosecondType>() {
        Some(moments) => Arc::new(moments.clone().with_timezone_opt::<Arc<str>>(None)),
        None => array,
    };
    let options = FormatOptions::default().with_null("NULL");
    let shown = ArrayFormatter::try_new(&array, &options).expect("displayable");
    (0..array.len()).map(|row| shown.value(row).to_string()).zip(misfits).collect()
}

fn check(shape: &Shape, rows: &[(&str, &str, Option<Misfit>)]) {
    check_read(Builder::new(shape), shape, rows);
    // Cells of a field that somebody fills are read alike, whatever the field's type.
    check_read(Builder::of_field("singleLineText", shape), shape, rows);
}

fn check_computed(shape: &Shape, rows: &[(&str, &str, Option<Misfit>)]) {
    for kind in ["formula", "rollup", "externalSyncSource"] {
        check_read(Builder::of_field(kind, shape), shape, rows);
    }
}

fn check_read(builder: Builder, shape: &Shape, rows: &[(&str, &str, Option<Misfit>)]) {
    let cells: Vec<&str> = rows.iter().map(|row| row.0).collect();
    for ((cell, value, misfit), (read_value, read_misfit)) in rows.iter().zip(read(builder, shape, &cells)) {
        assert_eq!((read_value.as_str(), read_misfit), (*value, *misfit), "{cell}");
    }
}

const ERROR: Option<Misfit> = Some(Misfit::ErrorValue);
const SPECIAL: Option<Misfit> = Some(Misfit::SpecialValue);
const UNFIT: Option<Misfit> = Some(Misfit::Unfit);
const HALF: Option<Misfit> = Some(Misfit::HalfCharacter);
const ERROR_CELL: &str = r##"{"error":"#ERROR!"}"##;
const NAN_CELL: &str = r#"{"specialValue":"NaN"}"#;

#[test]
fn texts() {
    check(
        &Shape::Text,
        &[
            (r#""a\tb""#, "a\tb", None),
            (r#""""#, "", None),
            ("null", "NULL", None),
            ("1", "NULL", UNFIT),
            ("true", "NULL", UNFIT),
            (r#"["a"]"#, "NULL", UNFIT),
            (r#""a\ud800b""#, "a\u{fffd}b", HALF),
            (r#""\udc00\ud83d\ude80""#, "\u{fffd}🚀", HALF),
            (ERROR_CELL, "NULL", ERROR),
            (NAN_CELL, "NULL", SPECIAL),
        ],
    );
    check(
        &Shape::Any,
        &[
            (r#""a""#, "a", None),
            ("1.50", "1.50", None),
            ("true", "true", None),
            (r#"[1, "x"]"#, r#"[1, "x"]"#, None),
            (r#"{"id":"x"}"#, r#"{"id":"x"}"#, None),
            (ERROR_CELL, "NULL", ERROR),
        ],
    );
    check(&Shape::Json, &[(r#""a""#, r#""a""#, None), ("null", "NULL", None), (ERROR_CELL, "NULL", ERROR)]);
}

#[test]
fn numbers() {
    check(
        &Shape::Float,
        &[
            ("0", "0.0", None),
            ("0.1", "0.1", None),
            ("1e999", "NULL", UNFIT),
            (NAN_CELL, "NaN", None),
            (r#"{"specialValue":"Infinity"}"#, "inf", None),
            (r#"{"specialValue":"-Infinity"}"#, "-inf", None),
            (r#"{"specialValue":"Aleph"}"#, "NULL", SPECIAL),
            (ERROR_CELL, "NULL", ERROR),
            (r#""12""#, "NULL", UNFIT),
            ("[3]", "NULL", UNFIT),
        ],
    );
    check(&Shape::Int, &[("3", "3", None), ("3.0", "3", None), ("3.5", "NULL", UNFIT), (NAN_CELL, "NULL", SPECIAL)]);
}

#[test]
fn an_empty_box_is_unchecked_and_an_unreadable_one_is_not() {
    let mut builder = Builder::new(&Shape::Checkbox);
    builder.append_empty();
    assert_eq!(["null", "true", "1"].map(|cell| append(&mut builder, cell)), [None, None, UNFIT]);
    let array = builder.finish();
    let values: Vec<Option<bool>> = array.as_boolean().iter().collect();
    assert_eq!(values, [Some(false), Some(false), Some(true), None]);
    check(&Shape::Bool, &[("null", "NULL", None), ("false", "false", None), (ERROR_CELL, "NULL", ERROR)]);
}

#[test]
fn days_and_moments() {
    check(
        &Shape::Date,
        &[
            (r#""2024-02-29""#, "2024-02-29", None),
            (r#""2023-02-29""#, "NULL", UNFIT),
            (r#""2024-02-29T00:00:00.000Z""#, "NULL", UNFIT),
            (NAN_CELL, "NULL", SPECIAL),
        ],
    );
    check(
        &Shape::Timestamp,
        &[
            (r#""2022-09-05T07:00:00.000Z""#, "2022-09-05T07:00:00", None),
            (r#""soon""#, "NULL", UNFIT),
            ("0", "NULL", UNFIT),
        ],
    );
}

#[test]
fn objects() {
    check(
        &Shape::Struct(Object::Collaborator),
        &[
            (r#"{"id":"usr1","email":"a@example.com","name":"A"}"#, "{id: usr1, email: a@example.com, name: A}", None),
            (r#"{"name":"A","id":"ugp1","new":[{}]}"#, "{id: ugp1, email: NULL, name: A}", None),
            (r#"{"id":"usr1","id":"usr2"}"#, "{id: usr1, email: NULL, name: NULL}", None),
            (r#"{"id":7,"name":"A"}"#, "{id: NULL, email: NULL, name: A}", UNFIT),
            ("{}", "{id: NULL, email: NULL, name: NULL}", None),
            (r#"{"foo":1}"#, "NULL", UNFIT),
            (ERROR_CELL, "NULL", ERROR),
            (r#""usr1""#, "NULL", UNFIT),
            ("null", "NULL", None),
        ],
    );
}

#[test]
fn lists() {
    check(
        &Shape::List(Box::new(Shape::Text)),
        &[
            (r#"["a","b"]"#, "[a, b]", None),
            ("[]", "[]", None),
            (r#"["a",1,null]"#, "[a, NULL, NULL]", UNFIT),
            (r#""a""#, "NULL", UNFIT),
            (r#"[["a"]]"#, "[NULL]", UNFIT),
            ("null", "NULL", None),
        ],
    );
    check(
        &Shape::Lookup(Box::new(Shape::Float)),
        &[
            (r#"[1,{"specialValue":"NaN"},null]"#, "[1.0, NaN, NULL]", None),
            (r##"[2,{"error":"#ERROR!"}]"##, "[2.0, NULL]", ERROR),
            ("[[1,2],[3],4]", "[1.0, 2.0, 3.0, 4.0]", None),
            ("[[[1]]]", "[NULL]", UNFIT),
            ("5", "[5.0]", None),
            (ERROR_CELL, "NULL", ERROR),
            (r#""x""#, "NULL", UNFIT),
        ],
    );
}

#[test]
fn half_characters_are_mended_wherever_they_are() {
    check(
        &Shape::Struct(Object::Collaborator),
        &[
            (r#"{"id":"usr1","name":"A\ud83d"}"#, "{id: usr1, email: NULL, name: A\u{fffd}}", HALF),
            (r#"{"id":7,"name":"\ud83d"}"#, "{id: NULL, email: NULL, name: \u{fffd}}", UNFIT),
            (r#"{"id":"usr1","n\ud83dw":1}"#, "{id: usr1, email: NULL, name: NULL}", None),
        ],
    );
    check(&Shape::List(Box::new(Shape::Text)), &[(r#"["\ud83d","b"]"#, "[\u{fffd}, b]", HALF)]);
    check(
        &Shape::Lookup(Box::new(Shape::Text)),
        &[
            (r#""a\ud83d""#, "[a\u{fffd}]", HALF),
            (r#"[["\udc00"],"b"]"#, "[\u{fffd}, b]", HALF),
            (r#"["\udc00",7]"#, "[\u{fffd}, NULL]", UNFIT),
        ],
    );
    check(
        &Shape::Json,
        &[
            (r#"{"\ud83d":["\udc00\\ud83d"]}"#, r#"{"\ufffd":["\ufffd\\ud83d"]}"#, HALF),
            (r#"["\ud83d\ude80"]"#, r#"["\ud83d\ude80"]"#, None),
        ],
    );
    check(&Shape::Any, &[(r#"["\ud83d"]"#, r#"["\ufffd"]"#, HALF), (r#"{"a":"\ud83d"}"#, r#"{"a":"\ufffd"}"#, HALF)]);
    check(&Shape::Date, &[(r#""2024-02-29\ud83d""#, "NULL", UNFIT)]);
}

#[test]
fn computed_cells_may_come_in_an_array() {
    check_computed(
        &Shape::Float,
        &[
            ("[5]", "5.0", None),
            ("5", "5.0", None),
            ("[]", "NULL", None),
            ("[[5]]", "5.0", None),
            ("[1,2]", "NULL", UNFIT),
            ("[5,null]", "5.0", None),
            ("[null,5]", "5.0", None),
            ("[null,[null,5],[]]", "5.0", None),
            ("[null,5,6]", "NULL", UNFIT),
            (r#"[null,"5"]"#, "NULL", UNFIT),
            ("[null,null]", "NULL", None),
            (r#"["5"]"#, "NULL", UNFIT),
            ("[null]", "NULL", None),
            (r#"[{"specialValue":"NaN"}]"#, "NaN", None),
            (r##"[{"error":"#ERROR!"}]"##, "NULL", ERROR),
            (ERROR_CELL, "NULL", ERROR),
        ],
    );
    check_computed(
        &Shape::Text,
        &[
            (r#"["a"]"#, "a", None),
            (r#"["a","b"]"#, "a, b", None),
            (r#"[["a","b"],["c"],[]]"#, "a, b, c", None),
            (r#"["a",null,""]"#, "a, ", None),
            ("[]", "NULL", None),
            ("[null,null]", "NULL", None),
            (r#"["a",1]"#, "a, 1", None),
            (r#"[5,"b"]"#, "5, b", None),
            ("[1.50,2]", "1.50, 2", None),
            ("[5]", "NULL", UNFIT),
            ("[null,5]", "NULL", UNFIT),
            (r#"[null,"a"]"#, "a", None),
            // A truth is none beside others either.
            ("[true,false]", "NULL", UNFIT),
            (r#"["a",true]"#, "NULL", UNFIT),
            ("[true]", "NULL", UNFIT),
            (r#"["a",{"id":"x"}]"#, "NULL", UNFIT),
            (r##"["a",{"error":"#ERROR!"}]"##, "NULL", ERROR),
            (r#"["a\ud83d","b"]"#, "a\u{fffd}, b", HALF),
            ("1", "NULL", UNFIT),
        ],
    );
    check_computed(
        &Shape::Any,
        &[
            ("[1]", "1", None),
            (r#"[1,"x",true]"#, "1, x, true", None),
            (r#"[{"id":"x"},{"id":"y"}]"#, r#"[{"id":"x"},{"id":"y"}]"#, None),
            (r#"[{"id":"x"}]"#, r#"{"id":"x"}"#, None),
            (r#"[null,{"id":"x"}]"#, r#"{"id":"x"}"#, None),
            ("[null,true]", "true", None),
            ("[]", "NULL", None),
            (r##"[1,{"error":"#ERROR!"}]"##, "NULL", ERROR),
        ],
    );
    check_computed(&Shape::Int, &[("[3]", "3", None), ("[3.5]", "NULL", UNFIT)]);
    check_computed(&Shape::Bool, &[("[true]", "true", None), ("[]", "NULL", None), ("[true,false]", "NULL", UNFIT)]);
    check_computed(&Shape::Date, &[(r#"["2024-02-29"]"#, "2024-02-29", None), ("[]", "NULL", None)]);
    check_computed(&Shape::Timestamp, &[(r#"["2022-09-05T07:00:00.000Z"]"#, "2022-09-05T07:00:00", None)]);
    let person = Shape::Struct(Object::Collaborator);
    let one = "{id: usr1, email: NULL, name: NULL}";
    check_computed(&person, &[(r#"[{"id":"usr1"}]"#, one, None), (r#"[null,{"id":"usr1"}]"#, one, None)]);
    // These are arrays anyhow.
    check_computed(&Shape::List(Box::new(Shape::Text)), &[("[]", "[]", None), (r#"["a"]"#, "[a]", None)]);
    check_computed(&Shape::Json, &[("[5]", "[5]", None), ("[]", "[]", None)]);
}

#[test]
fn attachments_keep_what_fits() {
    let file = json!([{
        "id": "att1", "url": "https://files.example.com/1", "filename": "a.png", "size": 112_100, "type": "image/png",
        "width": 600, "height": 201, "thumbnails": {"small": {"url": "u", "width": 107, "height": 36}}
    }, {"id": "att2", "size": "large"}]);
    let shape = Shape::List(Box::new(Shape::Struct(Object::Attachment)));
    let mut builder = Builder::new(&shape);
    assert_eq!(append(&mut builder, &file.to_string()), UNFIT);
    let array = builder.finish();
    let files = array.as_list::<i32>().value(0);
    let files = files.as_struct();
    let sizes = files.column_by_name("size").expect("size").as_primitive::<Int64Type>();
    assert_eq!(sizes.iter().collect::<Vec<_>>(), [Some(112_100), None]);
    let thumbnails = files.column_by_name("thumbnails").expect("thumbnails").as_struct();
    assert!(thumbnails.is_valid(0) && thumbnails.is_null(1));
    let small = thumbnails.column_by_name("small").expect("small").as_struct();
    assert_eq!(small.column_by_name("width").expect("width").as_primitive::<Int64Type>().value(0), 107);
}

#[test]
fn a_builder_starts_again_after_it_is_finished() {
    for shape in [Shape::Lookup(Box::new(Shape::Float)), Shape::Struct(Object::Thumbnails), Shape::Timestamp] {
        let mut builder = Builder::new(&shape);
        builder.append_empty();
        builder.append_empty();
        assert_eq!(builder.finish().len(), 2);
        builder.append_empty();
        assert_eq!(builder.finish().len(), 1);
    }
    let mut floats = Builder::new(&Shape::Float);
    assert_eq!(append(&mut floats, "1"), None);
    assert_eq!(floats.finish().as_primitive::<Float64Type>().values(), &[1.0]);
}
