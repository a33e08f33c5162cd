//! Texts and what they become; and arbitrary conditions, decided row by row by their definition.

use std::sync::Arc;

use airtable_mock::formula::{Formula, Row, Value as MockValue};
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, ListArray, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::Int64Type;
use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::*;
use crate::error::Error;

/// Name, kind, Airtable's name and type of the field. The first two are no fields.
const COLUMNS: [(&str, Kind, &str, &str); 13] = [
    ("id", Kind::Text, "", "id"),
    ("createdTime", Kind::Timestamp, "", "createdTime"),
    ("name", Kind::Text, "Name", "singleLineText"),
    ("notes", Kind::Text, "Notes", "multilineText"),
    ("price", Kind::Double, "Unit Price", "currency"),
    ("margin", Kind::Double, "Margin", "formula"),
    ("stars", Kind::Whole, "Stars", "rating"),
    ("done", Kind::Bool, "Done", "checkbox"),
    ("due", Kind::Date, "Due", "date"),
    ("seen", Kind::Timestamp, "Seen", "dateTime"),
    ("tags", Kind::Nested, "Tags", "multipleSelects"),
    ("stage", Kind::Text, "Sta}ge", "singleSelect"),
    ("sku code", Kind::Text, "SKU Code", "singleLineText"),
];

fn subjects() -> Vec<Subject> {
    COLUMNS.iter().map(|(name, kind, ..)| Subject { name: (*name).into(), kind: Ok(*kind) }).collect()
}

fn place(column: usize) -> Place {
    match COLUMNS[column] {
        (_, _, "", "id") => Place::RecordId,
        (_, _, "", _) => Place::CreatedTime,
        (_, _, name, kind) => Place::of_field(name, kind),
    }
}

fn parsed(text: &str) -> (Condition, Vec<Place>) {
    let (condition, used) = parse(text, &subjects()).unwrap_or_else(|error| panic!("{text}: {error}"));
    let places = used.into_iter().map(place).collect();
    (condition, places)
}

fn asked(text: &str) -> Option<String> {
    let (condition, places) = parsed(text);
    formula(&condition, &places)
}

fn error(text: &str) -> String {
    match parse(text, &subjects()) {
        Err(error @ Error::Option(_)) => {
            assert_eq!(error.option().as_deref(), Some("where"));
            error.to_string()
        }
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn what_may_be_asked_is_asked() {
    for (text, formula) in [
        ("id = 'rec1'", "RECORD_ID()='rec1'"),
        ("id IN ('rec1', 'rec2', NULL)", "OR(RECORD_ID()='rec1',RECORD_ID()='rec2')"),
        ("NAME = 'it''s \\\\'", r"{Name}='it\'s \\'"),
        ("'a' = name", "{Name}='a'"),
        ("name = ''", "{Name}=''"),
        ("name IS NULL", "IF(ISERROR({Name}),1,{Name}='')"),
        ("NOT name IS NULL", "NOT({Name}='')"),
        ("name LIKE 'Lab %'", "FIND('Lab ',{Name})=1"),
        ("name LIKE '%x%yz'", "AND(FIND('x',{Name})>0,FIND('yz',{Name})>0)"),
        ("name LIKE 'a_c'", "AND(FIND('a',{Name})=1,FIND('c',{Name})>0)"),
        ("name LIKE 'abc'", "{Name}='abc'"),
        ("price > 0", "NOT({Unit Price}<0)"),
        ("price <= -2", "NOT({Unit Price}>-1.999999998)"),
        ("price = 10", "AND(NOT({Unit Price}<9.99999999),NOT({Unit Price}>10.00000001))"),
        ("price BETWEEN 1 AND 2", "AND(NOT({Unit Price}<0.999999999),NOT({Unit Price}>2.000000002))"),
        ("price IS NULL", "IF(ISERROR({Unit Price}),1,{Unit Price}=BLANK())"),
        ("stars >= 4", "NOT({Stars}<3.999999996)"),
        ("NOT (stars < 4)", "NOT({Stars}<3.999999996)"),
        ("done", "{Done}"),
        ("done = FALSE", "NOT({Done})"),
        ("done <> TRUE", "NOT({Done})"),
        ("due >= '2024-05-31'", "IF({Due},NOT(IS_BEFORE({Due},'2024-05-29T22:00:00Z')))"),
        ("due < DATE '2024-05-31'", "IF({Due},NOT(IS_AFTER({Due},'2024-06-01T02:00:01Z')))"),
        (
            "seen = TIMESTAMP '2024-05-31 12:00:00'",
            "IF({Seen},AND(NOT(IS_BEFORE({Seen},'2024-05-31T11:59:00Z')),NOT(IS_AFTER({Seen},'2024-05-31T12:01:01Z'))))",
        ),
        ("createdTime > DATE '2024-05-31'", "NOT(IS_BEFORE(CREATED_TIME(),'2024-05-30T23:59:00Z'))"),
        ("createdTime > date'2024-5-31 x'", "NOT(IS_BEFORE(CREATED_TIME(),'2024-05-30T23:59:00Z'))"),
        (
            "createdTime < timestamp'2024-05-31T2:0:0.1234567+02'",
            "NOT(IS_AFTER(CREATED_TIME(),'2024-05-31T00:01:01Z'))",
        ),
        // What cannot be asked is decided here.
        ("name = 'a' AND notes = 'b'", "{Name}='a'"),
        ("name = 'a' AND (notes = 'b' OR done)", "{Name}='a'"),
        ("name = 'a' OR done", "OR(IF(ISERROR({Name}),0,{Name}='a'),IF(ISERROR({Done}),0,{Done}))"),
        (
            "id = 'rec1' OR due <= '2024-05-31'",
            "OR(RECORD_ID()='rec1',IF(ISERROR(IF({Due},NOT(IS_AFTER({Due},\
          '2024-06-01T02:00:01Z')))),0,IF({Due},NOT(IS_AFTER({Due},'2024-06-01T02:00:01Z')))))",
        ),
        ("name = 'a' OR 1 = 0 OR NULL", "{Name}='a'"),
        ("`sku code` = 'a' AND \"sku code\" = 'b'", "AND({SKU Code}='a',{SKU Code}='b')"),
    ] {
        assert_eq!(asked(text).as_deref(), Some(formula), "{text}");
    }
}

#[test]
fn what_may_not_be_asked_is_decided_here() {
    for text in [
        "notes = 'a'",
        "margin > 1",
        "stage = 'Launch'",
        "name < 'a'",
        "name <> 'a'",
        "name NOT IN ('a')",
        "name NOT LIKE 'a%'",
        "name LIKE '%'",
        "name = 'a' OR notes = 'b'",
        "price <> 1",
        "price IS NOT NULL",
        "price = 1e-300",
        "done IS NULL",
        "due IS NULL",
        "due < DATE '9999-12-31'",
        "seen <> '2024-05-31'",
        "name = 'a\\nb'",
        "name = 'a\u{fffd}'",
        "price > stars",
        "tags IS NULL",
        "1 = 1",
    ] {
        assert_eq!(asked(text), None, "{text}");
    }
    let ids = |count: usize| {
        let ids: Vec<String> = (0..count).map(|n| format!("'rec{n:014}'")).collect();
        format!("id IN ({})", ids.join(","))
    };
    assert!(asked(&ids(100)).is_some());
    assert_eq!(asked(&ids(101)), None);
    let twice = ids(100).replace(')', &format!(",{}", &ids(100)["id IN (".len()..]));
    assert_eq!(asked(&twice), asked(&ids(100)), "each once");
    assert_eq!(asked("name IN ('a', 'a', NULL, 'a')").as_deref(), Some("{Name}='a'"));
    assert_eq!(asked("due IN ('2024-05-31', DATE '2024-5-31')"), asked("due = '2024-05-31'"));
    // As Spark 4.3 does it.
    let of = |text| parsed(text).0;
    assert_eq!(of("stars IN (9007199254740993, 1e0)"), of("stars IN (9.007199254740992e15, 1e0)"));
    assert_ne!(of("stars IN (9007199254740993, 1.0)"), of("stars IN (9.007199254740992e15, 1.0)"));
    let long = format!("name = '{}'", "x".repeat(9_000));
    assert_eq!(asked(&long), None);
    assert_eq!(asked(&format!("{long} AND done")).as_deref(), Some("{Done}"));
}

#[test]
fn every_message_points_at_its_place() {
    for (text, expected) in [
        ("", "at its end, character 1: a column or a value is missing"),
        ("name =", "at its end, character 7: a column or a value is missing"),
        ("pricee > 1", "at character 1, \"pricee > 1\": the read has no column \"pricee\"; did you mean \"price\"?"),
        ("größe = 1 AND x", "at character 1, \"größe = 1 AND x\": the read has no column \"größe\""),
        ("name = \"Launch\"", "at character 8, \"\\\"Launch\\\"\": the read has no column \"Launch\""),
        ("name = 5", "at character 8, \"5\": column \"name\" (STRING) is not compared with a number"),
        ("price = '5'", "at character 9, \"'5'\": column \"price\" (DOUBLE) is not compared with a text: write"),
        ("done = 1", "at character 8"),
        ("done", ""),
        ("price", "at character 1, \"price\": column \"price\" (DOUBLE) is no condition by itself"),
        ("price > 'x' OR done", "at character 9, \"'x' OR done\""),
        ("tags = 'a'", "at character 1, \"tags = 'a'\": column \"tags\" (a struct or list) cannot be compared"),
        ("name = 'a' AND tags IN ('b')", "at character 16"),
        (
            "due > 'soon'",
            "at character 7, \"'soon'\": column \"due\" (DATE) is not compared with a text: the text is no day",
        ),
        ("due > DATE '2023-02-29'", "at character 12"),
        ("seen > TIMESTAMP '2024-05-31 12:00:00 Europe/Berlin'", "at character 18"),
        ("seen > TIMESTAMP '2024-05-31 12:00:00 CET'", "CET'\": zones are told by Z or an offset such as +02:00"),
        ("due > DATE'today'", "at character 11, \"'today'\": the text is another time at each read"),
        (
            "seen < '10000-01-01'",
            "at character 8, \"'10000-01-01'\": column \"seen\" (TIMESTAMP) is not compared with a text: no",
        ),
        ("name = X'61'", "at character 8, \"X'61'\": a text with X before it is not known here"),
        ("name IN ('a', R'b')", "at character 15, \"R'b')\": a text with R before it"),
        ("name LIKE N'a%'", "at character 11"),
        ("name = e'a' OR done", "at character 8"),
        ("due > INTERVAL '1 day'", "at character 7, \"INTERVAL '1 day'\": a text with INTERVAL before it"),
        ("seen > TIMESTAMP_NTZ '2024-05-31'", "at character 8"),
        ("name 'a'", "at character 1, \"name 'a'\": a text with name before it"),
        ("name = 'a' 'b'", "at character 12, \"'b'\": the condition is at its end"),
        ("price > 1 price < 2", "at character 11, \"price < 2\": the condition is at its end"),
        ("price + 1 > 2", "at character 7, \"+ 1 > 2\": a condition compares columns as they are"),
        ("lower(name) = 'a'", "at character 1, \"lower(name) = 'a'\": functions are not known here"),
        ("t.name = 'a'", "at character 1, \"t.name = 'a'\": the read has no column \"t\""),
        ("name.x = 'a'", "at character 5, \".x = 'a'\": a column has one name"),
        ("(name = 'a'", "at character 1, \"(name = 'a'\": a bracket that is not closed"),
        ("name = 'a')", "at character 11, \")\": a bracket that was not opened"),
        ("name = 'a", "at character 8, \"'a\": a text that is not closed"),
        ("name IN ()", "at character 10"),
        ("name IN 'a'", "at character 9"),
        ("name IN ('a' 'b')", "at character 14"),
        ("name IS 'a'", "at character 9"),
        ("price BETWEEN 1", "at its end, character 16: after BETWEEN"),
        ("price <=> 1", "at character 7, \"<=> 1\": <=> is not known here"),
        ("price LIKE '1%'", "at character 1"),
        ("name LIKE 'a\\\\b'", "at character 11"),
        ("stars > 0.1234567890123456789", "at character 9"),
        ("name = 'a'; DROP TABLE x", "at character 11, \"; DROP TABLE x\": a condition is one only"),
        ("name = 'a' -- b", "at character 12"),
        ("price = price = price", "at character 15"),
        ("price > 2x", "at character 9, \"2x\": no number"),
        ("name = 'a' AND OR done", "at character 16"),
    ] {
        if expected.is_empty() {
            parsed(text);
        } else {
            let said = error(text);
            assert!(said.starts_with("option where: ") && said.contains(expected), "{text}: {said}");
            assert!(!said.contains('\n'));
        }
    }
}

#[test]
fn long_lists_are_read_at_once_and_brackets_are_counted() {
    let terms: Vec<String> = (0..20_000).map(|n| format!("price = {n}")).collect();
    for word in [" OR ", " AND ", " AND NOT "] {
        let (condition, _) = parsed(&terms.join(word));
        assert!(matches!(&condition, Condition::Or(all) | Condition::And(all) if all.len() == terms.len()));
        let columns: Vec<ArrayRef> = vec![Arc::new(Float64Array::from(vec![Some(7.0), None]))];
        fulfilled(&condition, &columns, 2).expect("truths");
    }
    parsed(&format!("{} done", "NOT ".repeat(20_001)));
    let nested = |depth: usize| format!("{}done{}", "(done OR done AND ".repeat(depth), ")".repeat(depth));
    let (deep, _) = parsed(&nested(DEEPEST));
    // As it travels, deep in a plan.
    let plan = serde_json::json!({"others": [{"where": {"condition": deep}}]}).to_string();
    let read: serde_json::Value = serde_json::from_str(&plan).expect("JSON that is not too deep");
    let read: Condition = serde_json::from_value(read["others"][0]["where"]["condition"].clone()).expect("a condition");
    assert_eq!(read, deep);
    assert!(error(&nested(DEEPEST + 1)).contains("more than 25 brackets"));
    assert!(error(&"(".repeat(100_000)).contains("more than 25 brackets"));
}

#[test]
fn of_many_conditions_as_many_are_asked_as_fit() {
    for length in 1..40 {
        let text = "y".repeat(length);
        let terms: Vec<String> = (0..1_000).map(|_| format!("name LIKE '{text}%'")).collect();
        let formula = asked(&terms.join(" AND ")).expect("a formula");
        assert!((7_900..=8_000).contains(&formula.len()), "{length}: {}", formula.len());
    }
}

/// One row: a value of each column that is compared, NULL for none.
#[derive(Debug, Clone, Default)]
struct Cells {
    id: String,
    created: i64,
    name: Option<String>,
    price: Option<f64>,
    stars: Option<i64>,
    done: bool,
    due: Option<i32>,
    seen: Option<i64>,
    tags: Option<Vec<i64>>,
    /// Cells that are errors: NULL with us.
    errors: Vec<&'static str>,
}

/// A condition as it is written, and as it is decided.
#[derive(Debug, Clone)]
enum Term {
    Not(Box<Term>),
    And(Vec<Term>),
    Or(Vec<Term>),
    Name(Comparison, Option<String>),
    Like(String),
    Names(Vec<Option<String>>),
    Price(Comparison, f64),
    Prices(Vec<f64>),
    Stars(Comparison, i64),
    StarsAndHalf(Comparison, i64),
    PriceBesideStars(Comparison),
    Done,
    Due(Comparison, i32),
    Seen(Comparison, i64),
    DueBesideSeen(Comparison),
    Id(String),
    Null(&'static str),
}

fn sign(is: Comparison) -> &'static str {
    match is {
        Comparison::Equal => "=",
        Comparison::NotEqual => "<>",
        Comparison::Less => "<",
        Comparison::AtMost => "<=",
        Comparison::More => ">",
        Comparison::AtLeast => ">=",
    }
}

fn sql_text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

fn date(days: i32) -> String {
    DateTime::<Utc>::from_timestamp(i64::from(days) * 86_400, 0).expect("a day").format("%Y-%m-%d").to_string()
}

impl Term {
    fn sql(&self) -> String {
        let list = |all: &[Term], word: &str| {
            let all: Vec<String> = all.iter().map(|one| format!("({})", one.sql())).collect();
            all.join(word)
        };
        match self {
            Self::Not(one) => format!("NOT ({})", one.sql()),
            Self::And(all) => list(all, " AND "),
            Self::Or(all) => list(all, " or "),
            Self::Name(is, text) => {
                format!("name {} {}", sign(*is), text.as_deref().map_or_else(|| "NULL".to_owned(), sql_text))
            }
            Self::Like(pattern) => format!("name LIKE {}", sql_text(pattern)),
            Self::Names(names) => {
                let names: Vec<String> =
                    names.iter().map(|name| name.as_deref().map_or_else(|| "NULL".to_owned(), sql_text)).collect();
                format!("Name in ({})", names.join(", "))
            }
            Self::Price(is, number) => format!("price {} {number:e}", sign(*is)),
            Self::Prices(numbers) => {
                let numbers: Vec<String> = numbers.iter().map(f64::to_string).collect();
                format!("price IN ({})", numbers.join(", "))
            }
            Self::Stars(is, number) => format!("{number} {} stars", sign(is.flipped())),
            Self::StarsAndHalf(is, number) => format!("stars {} {number}.5", sign(*is)),
            Self::PriceBesideStars(is) => format!("price {} stars", sign(*is)),
            Self::Done => "done".to_owned(),
            Self::Due(is, days) => format!("due {} DATE '{}'", sign(*is), date(*days)),
            Self::Seen(is, micros) => {
                let time = DateTime::<Utc>::from_timestamp_micros(*micros).expect("a moment");
                format!("seen {} '{}'", sign(*is), time.format("%Y-%m-%dT%H:%M:%S%.6fZ"))
            }
            Self::DueBesideSeen(is) => format!("due {} seen", sign(*is)),
            Self::Id(id) => format!("id = '{id}'"),
            Self::Null(column) => format!("{column} IS NULL"),
        }
    }

    /// By the definition of SQL: none for NULL.
    fn decide(&self, row: &Cells) -> Option<bool> {
        fn beside<T: PartialOrd>(is: Comparison, one: Option<T>, other: Option<T>) -> Option<bool> {
            let order = one?.partial_cmp(&other?);
            Some(match is {
                Comparison::Equal => order.is_some_and(Ordering::is_eq),
                Comparison::NotEqual => order.is_some_and(Ordering::is_ne),
                Comparison::Less => order.is_some_and(Ordering::is_lt),
                Comparison::AtMost => order.is_some_and(Ordering::is_le),
                Comparison::More => order.is_some_and(Ordering::is_gt),
                Comparison::AtLeast => order.is_some_and(Ordering::is_ge),
            })
        }
        // NaN is a number above all others.
        let doubles = |is: Comparison, one: Option<f64>, other: Option<f64>| {
            beside(is, one.map(|n| (n.is_nan(), if n.is_nan() { 0.0 } else { n })), other.map(|n| (n.is_nan(), n)))
        };
        let or = |all: Vec<Option<bool>>| {
            let is_true = all.contains(&Some(true));
            if is_true {
                Some(true)
            } else if all.contains(&None) {
                None
            } else {
                Some(false)
            }
        };
        #[allow(clippy::cast_precision_loss)]
        let double = |whole: i64| whole as f64;
        match self {
            Self::Not(one) => one.decide(row).map(|truth| !truth),
            Self::And(all) => {
                or(all.iter().map(|one| one.decide(row).map(|truth| !truth)).collect()).map(|truth| !truth)
            }
            Self::Or(all) => or(all.iter().map(|one| one.decide(row)).collect()),
            Self::Name(is, text) => beside(*is, row.name.clone(), text.clone()),
            // Patterns here begin with a text and end with any.
            Self::Like(pattern) => row.name.as_ref().map(|name| name.starts_with(pattern.trim_end_matches('%'))),
            Self::Names(names) => {
                or(names.iter().map(|name| beside(Comparison::Equal, row.name.clone(), name.clone())).collect())
            }
            Self::Price(is, number) => doubles(*is, row.price, Some(*number)),
            Self::Prices(numbers) => {
                or(numbers.iter().map(|number| doubles(Comparison::Equal, row.price, Some(*number))).collect())
            }
            Self::Stars(is, number) => beside(*is, row.stars, Some(*number)),
            Self::StarsAndHalf(is, number) => beside(
                *is,
                row.stars.map(|stars| 2 * i128::from(stars)),
                Some(2 * i128::from(*number) + if *number < 0 { -1 } else { 1 }),
            ),
            Self::PriceBesideStars(is) => doubles(*is, row.price, row.stars.map(double)),
            Self::Done => Some(row.done),
            Self::Due(is, days) => beside(*is, row.due, Some(*days)),
            Self::Seen(is, micros) => beside(*is, row.seen, Some(*micros)),
            Self::DueBesideSeen(is) => beside(*is, row.due.map(|days| i64::from(days) * 86_400_000_000), row.seen),
            Self::Id(id) => Some(row.id == *id),
            Self::Null(column) => Some(match *column {
                "name" => row.name.is_none(),
                "price" => row.price.is_none(),
                "due" => row.due.is_none(),
                _ => row.tags.is_none(),
            }),
        }
    }
}

impl Row for Cells {
    fn field(&self, index: usize) -> MockValue {
        if self.errors.contains(&COLUMNS[index].0) {
            return MockValue::Error;
        }
        let time = |micros: i64| MockValue::Date(DateTime::from_timestamp_micros(micros).expect("a moment"));
        let value = match COLUMNS[index].0 {
            "name" => self.name.clone().map(MockValue::Text),
            "price" => self.price.map(MockValue::Number),
            #[allow(clippy::cast_precision_loss)]
            "stars" => self.stars.map(|stars| MockValue::Number(stars as f64)),
            "done" => self.done.then_some(MockValue::Number(1.0)),
            "due" => self.due.map(|days| time(i64::from(days) * 86_400_000_000)),
            "seen" => self.seen.map(time),
            _ => None,
        };
        value.unwrap_or(MockValue::Blank)
    }

    fn record_id(&self) -> &str {
        &self.id
    }

    fn created_time(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.created).expect("a moment")
    }

    fn last_modified_time(&self, _: &[usize]) -> Option<DateTime<Utc>> {
        None
    }

    fn now(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }
}

fn columns(rows: &[Cells], condition_columns: &[usize]) -> Vec<ArrayRef> {
    let column = |index: &usize| -> ArrayRef {
        match COLUMNS[*index].0 {
            "id" => Arc::new(rows.iter().map(|row| Some(row.id.as_str())).collect::<StringArray>()),
            "name" => Arc::new(rows.iter().map(|row| row.name.as_deref()).collect::<StringArray>()),
            "price" => Arc::new(rows.iter().map(|row| row.price).collect::<Float64Array>()),
            "stars" => Arc::new(rows.iter().map(|row| row.stars).collect::<Int64Array>()),
            "done" => Arc::new(rows.iter().map(|row| Some(row.done)).collect::<BooleanArray>()),
            "due" => Arc::new(rows.iter().map(|row| row.due).collect::<Date32Array>()),
            "seen" => {
                let times: TimestampMicrosecondArray = rows.iter().map(|row| row.seen).collect();
                Arc::new(times.with_timezone("UTC"))
            }
            _ => {
                let lists = rows.iter().map(|row| row.tags.clone().map(|tags| tags.into_iter().map(Some)));
                Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists))
            }
        }
    };
    condition_columns.iter().map(column).collect()
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("Launch".to_owned()),
        "[Lau'\"{}\\\\éß語😀 ]{1,6}",
        any::<String>().prop_filter("no empty cell", |text| !text.is_empty()),
    ]
}

fn numbers() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(-0.0), Just(0.1), (-30..30_i32).prop_map(|n| f64::from(n) / 10.0), -1e12..1e12]
}

const DAYS: std::ops::Range<i32> = 19_000..19_010;
const DAY: i64 = 86_400_000_000;

fn moments() -> impl Strategy<Value = i64> {
    (19_000..19_010_i64, prop_oneof![Just(0), Just(DAY - 1), Just(1), 0..DAY]).prop_map(|(day, time)| day * DAY + time)
}

fn row() -> impl Strategy<Value = Cells> {
    let odd = prop_oneof![4 => numbers(), 1 => Just(f64::NAN), 1 => Just(f64::INFINITY), 1 => Just(f64::NEG_INFINITY)];
    let some = |tags: Vec<i64>| if tags.is_empty() { None } else { Some(tags) };
    (
        "rec[ab]",
        prop::option::of(texts()),
        prop::option::of(odd),
        prop::option::of(-3..6_i64),
        any::<bool>(),
        prop::option::of(DAYS),
        prop::option::of(moments()),
        prop::collection::vec(0..3_i64, 0..2),
        prop::collection::vec(prop::sample::select(vec!["name", "price", "stars", "due", "seen"]), 0..2),
    )
        .prop_map(move |(id, name, price, stars, done, due, seen, tags, errors)| {
            let is_error = |column: &str| errors.contains(&column);
            Cells {
                id,
                created: 0,
                name: name.filter(|_| !is_error("name")),
                price: price.filter(|_| !is_error("price")),
                stars: stars.filter(|_| !is_error("stars")),
                done,
                due: due.filter(|_| !is_error("due")),
                seen: seen.filter(|_| !is_error("seen")),
                tags: some(tags),
                errors,
            }
        })
}

fn term() -> impl Strategy<Value = Term> {
    use Comparison::{AtLeast, AtMost, Equal, Less, More, NotEqual};
    let is = || prop::sample::select(vec![Equal, NotEqual, Less, AtMost, More, AtLeast]);
    let leaf = prop_oneof![
        (is(), prop::option::weighted(0.9, texts())).prop_map(|(is, text)| Term::Name(is, text)),
        "[Lau語😀 ]{0,3}%".prop_map(Term::Like),
        prop::collection::vec(prop::option::weighted(0.9, texts()), 1..4).prop_map(Term::Names),
        (is(), numbers()).prop_map(|(is, number)| Term::Price(is, number)),
        prop::collection::vec(numbers(), 1..4).prop_map(Term::Prices),
        (is(), -3..6_i64).prop_map(|(is, number)| Term::Stars(is, number)),
        (is(), -3..6_i64).prop_map(|(is, number)| Term::StarsAndHalf(is, number)),
        is().prop_map(Term::PriceBesideStars),
        Just(Term::Done),
        (is(), DAYS).prop_map(|(is, days)| Term::Due(is, days)),
        (is(), moments()).prop_map(|(is, micros)| Term::Seen(is, micros)),
        is().prop_map(Term::DueBesideSeen),
        "rec[abc]".prop_map(Term::Id),
        prop::sample::select(vec!["name", "price", "due", "tags"]).prop_map(Term::Null),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|one| Term::Not(Box::new(one))),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Term::And),
            prop::collection::vec(inner, 1..4).prop_map(Term::Or),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// What is decided here is what SQL decides, and no formula leaves out what fulfils the condition.
    #[test]
    fn conditions_are_decided_as_they_are_defined(term in term(), rows in prop::collection::vec(row(), 0..20)) {
        let sql = term.sql();
        let (condition, used) = parse(&sql, &subjects()).map_err(|error| TestCaseError::fail(format!("{sql}: {error}")))?;
        let truths = fulfilled(&condition, &columns(&rows, &used), rows.len()).expect("truths");
        let expected: Vec<Option<bool>> = rows.iter().map(|row| term.decide(row)).collect();
        prop_assert_eq!(truths.iter().collect::<Vec<_>>(), expected.clone(), "{}", sql);
        let places: Vec<Place> = used.iter().map(|column| place(*column)).collect();
        if let Some(formula) = formula(&condition, &places) {
            let find = |name: &str| COLUMNS.iter().position(|column| column.2 == name);
            let compiled = Formula::compile(&formula, &find)
                .map_err(|error| TestCaseError::fail(format!("{formula}: {error}")))?;
            for (row, _) in rows.iter().zip(expected).filter(|(_, expected)| *expected == Some(true)) {
                prop_assert!(compiled.eval(row).is_truthy(), "{} leaves out {:?}", formula, row);
            }
        }
        let json = serde_json::to_string(&condition).expect("JSON");
        prop_assert_eq!(serde_json::from_str::<Condition>(&json).expect("a condition"), condition);
    }

    /// Whatever is written, it is read or refused.
    #[test]
    fn no_text_breaks_the_parser(text in "[a-z'\"`()<>=!,.;\\\\ 0-9é語]{0,60}|(name|price|done|AND|OR|NOT|IN|LIKE|BETWEEN|IS|NULL|'a'|1|[(]|[)]|,|=| ){0,20}") {
        _ = parse(&text, &subjects());
    }
}
