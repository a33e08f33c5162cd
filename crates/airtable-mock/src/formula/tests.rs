//! What formulas yield, as tables, and what holds for every formula.

mod cases;
mod faults;
mod filters;

use std::cell::Cell;

use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::{Formula, FormulaError, Row, Value, functions};
use cases::CASES;

/// A record with a field of every kind.
struct Sample {
    fields: Vec<(&'static str, Value)>,
    modified: Option<DateTime<Utc>>,
    reads: Cell<usize>,
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time with a zone")
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

impl Sample {
    fn new() -> Sample {
        let numbers = [1.0, 2.0, 3.0].map(Value::Number).to_vec();
        let fields = vec![
            ("Name", text("Ada Lovelace")),
            ("Amount", Value::Number(12.5)),
            ("Empty", Value::Blank),
            ("Tags", Value::Array(vec![text("red"), text("blue"), text("red")])),
            ("Due", Value::Date(at("2024-05-01T12:00:00Z"))),
            ("Odd } Name", text("braces")),
            ("Last Modified", Value::Date(at("2024-05-01T12:30:00Z"))),
            ("fldAAAAAAAAAAAAAA", text("by id")),
            ("Broken", Value::Error),
            ("Numbers", Value::Array(numbers)),
            ("Partly", Value::Array(vec![Value::Number(1.0), Value::Error])),
            ("Gaps", Value::Array(vec![text("a"), Value::Blank, text("")])),
            ("Looked Up Day", Value::Array(vec![Value::Date(at("2024-05-01T00:00:00Z"))])),
            ("None", Value::Array(Vec::new())),
            ("Größe", Value::Number(3.0)),
        ];
        Sample { fields, modified: Some(at("2024-05-01T12:30:00Z")), reads: Cell::new(0) }
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|(field, _)| field.eq_ignore_ascii_case(name))
    }

    fn compile(&self, formula: &str) -> Result<Formula, FormulaError> {
        Formula::compile(formula, &|name| self.index(name))
    }

    fn eval(&self, formula: &str) -> Value {
        match self.compile(formula) {
            Ok(compiled) => compiled.eval(self),
            Err(error) => panic!("{formula}: {error}"),
        }
    }
}

impl Row for Sample {
    fn field(&self, index: usize) -> Value {
        self.reads.set(self.reads.get() + 1);
        self.fields[index].1.clone()
    }

    fn record_id(&self) -> &'static str {
        "recAbcdefghijk01a"
    }

    fn created_time(&self) -> DateTime<Utc> {
        at("2024-01-15T08:00:00Z")
    }

    fn last_modified_time(&self, fields: &[usize]) -> Option<DateTime<Utc>> {
        // Asked for certain fields, a time of its own, so that a test sees them arrive.
        match fields {
            [] => self.modified,
            [1] => Some(at("2024-02-01T00:00:00Z")),
            _ => None,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        at("2024-06-15T10:20:30Z")
    }
}

/// A value in a form that shows its kind: `text` in quotes, `@` before dates, brackets around arrays.
fn shown(value: &Value) -> String {
    match value {
        Value::Blank => "blank".to_owned(),
        Value::Text(text) => format!("\"{text}\""),
        Value::Date(_) => format!("@{}", value.to_text()),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(shown).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Number(_) | Value::Error => value.to_text(),
    }
}

#[test]
fn formulas_yield_what_the_tables_say() {
    let sample = Sample::new();
    let mut wrong = Vec::new();
    for (formula, expected) in CASES.iter().flat_map(|group| group.iter()) {
        let found = shown(&sample.eval(formula));
        if found != *expected {
            wrong.push(format!("{formula}\n    is {found}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn calls(formula: &str, name: &str) -> bool {
    formula
        .match_indices(&format!("{name}("))
        .any(|(at, _)| !formula[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

#[test]
fn every_function_has_a_case() {
    let untested: Vec<_> = functions::all()
        .map(|function| function.name)
        .filter(|name| !CASES.iter().flat_map(|group| group.iter()).any(|(formula, _)| calls(formula, name)))
        .collect();
    assert_eq!(untested, Vec::<&str>::new());
}

#[test]
fn function_names_are_unique_and_of_any_case() {
    let sample = Sample::new();
    let mut names: Vec<_> = functions::all().map(|function| function.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    assert_eq!(sample.eval("if(tRuE(), Len('abc'))"), Value::Number(3.0));
}

#[test]
fn a_compiled_formula_can_be_shared_by_threads() {
    fn shared<T: Send + Sync + Clone + 'static>(_: &T) {}
    shared(&Sample::new().compile("REGEX_MATCH(Name, 'a')").expect("it is valid"));
}

#[test]
fn truth_is_as_the_filter_needs_it() {
    let table = [
        (Value::Blank, false),
        (Value::Number(0.0), false),
        (Value::Number(-0.0), false),
        (Value::Number(f64::NAN), false),
        (Value::Number(f64::INFINITY), true),
        (Value::Number(-1.0), true),
        (text(""), false),
        (text("0"), true),
        (Value::Array(vec![]), false),
        (Value::Array(vec![Value::Number(0.0)]), true),
        (Value::Date(at("1970-01-01T00:00:00Z")), true),
        (Value::Error, false),
    ];
    for (value, expected) in table {
        assert_eq!(value.is_truthy(), expected, "{value:?}");
    }
}

#[test]
fn numbers_print_as_in_javascript() {
    let table = [
        (5.0, "5"),
        (-0.0, "0"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (-2.5e30, "-2.5e+30"),
        (1e-6, "0.000001"),
        (1.5e-7, "1.5e-7"),
        (f64::NAN, "NaN"),
        (f64::NEG_INFINITY, "-Infinity"),
    ];
    for (number, expected) in table {
        assert_eq!(Value::Number(number).to_text(), expected);
    }
}

/// Whatever the server may hand in, sane or not.
struct Extreme(Vec<Value>);

impl Row for Extreme {
    fn field(&self, index: usize) -> Value {
        self.0[index % self.0.len()].clone()
    }

    fn record_id(&self) -> &'static str {
        "rec😀"
    }

    fn created_time(&self) -> DateTime<Utc> {
        DateTime::<Utc>::MAX_UTC
    }

    fn last_modified_time(&self, _: &[usize]) -> Option<DateTime<Utc>> {
        Some(DateTime::<Utc>::MIN_UTC)
    }

    fn now(&self) -> DateTime<Utc> {
        DateTime::<Utc>::MAX_UTC
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Blank),
        Just(Value::Error),
        any::<f64>().prop_map(Value::Number),
        ".{0,12}".prop_map(Value::Text),
        any::<i64>().prop_map(|milliseconds| {
            Value::Date(DateTime::from_timestamp_millis(milliseconds).unwrap_or(DateTime::<Utc>::MIN_UTC))
        }),
        (0..4_000_000_000_000_i64).prop_map(|milliseconds| {
            Value::Date(DateTime::from_timestamp_millis(milliseconds).unwrap_or_default())
        }),
    ];
    prop_oneof![leaf.clone(), prop::collection::vec(leaf, 0..4).prop_map(Value::Array)]
}

/// An argument that some function takes seriously, or one that none expects.
fn any_argument() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "{a}",
            "{b}",
            "{c}",
            "RECORD_ID()",
            "CREATED_TIME()",
            "NOW()",
            "BLANK()",
            "ERROR()",
            "'2024-02-29T23:59:59.999Z'",
            "'0001-01-01'",
            "'9999-12-31'",
            "'days'",
            "'months'",
            "'Asia/Tokyo'",
            "'dddd LLLL Do Wo [x] SSS Z'",
            "'(a|b)*$1'",
            "'ünïcödé 😀'",
            "1/0",
            "0/0",
            "--1",
        ])
        .prop_map(str::to_owned),
        (-1e16..1e16).prop_map(|number: f64| format!("{number}")),
        (-5..40).prop_map(|number: i32| format!("{number}")),
        ".{0,8}".prop_map(|text| format!("'{}'", text.replace(['\'', '\\'], ""))),
    ]
}

fn any_call() -> impl Strategy<Value = String> {
    let names: Vec<_> = functions::all().map(|function| function.name).collect();
    let call = |argument: BoxedStrategy<String>| {
        (prop::sample::select(names.clone()), prop::collection::vec(argument, 0..5))
            .prop_map(|(name, arguments)| format!("{name}({})", arguments.join(",")))
            .boxed()
    };
    let inner = prop_oneof![
        any_argument().boxed(),
        call(any_argument().boxed()),
        (any_argument(), prop::sample::select(vec!["+", "-", "*", "/", "&", "=", "!=", "<", ">="]), any_argument())
            .prop_map(|(left, operator, right)| format!("{left}{operator}{right}")),
    ];
    call(inner.boxed())
}

fn run(formula: &str, values: Vec<Value>) {
    let resolve = |name: &str| name.chars().next().map(|c| c as usize);
    if let Ok(compiled) = Formula::compile(formula, &resolve) {
        let value = compiled.eval(&Extreme(values));
        let _ = (value.is_truthy(), value.to_text());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text_never_panics(
        formula in ".{0,80}",
        values in prop::collection::vec(any_value(), 1..4),
    ) {
        run(&formula, values);
    }

    #[test]
    fn arbitrary_tokens_never_panic(
        tokens in prop::collection::vec(prop::sample::select(vec![
            "IF(", "AND(", "SUM(", "NOPE(", ")", ",", "(", "{a}", "{", "}", "\\", "'", "\"x\"", "1", ".5", "-", "+",
            "&", "=", "!=", "<", ">=", "word", " ", "é",
        ]), 0..30),
        values in prop::collection::vec(any_value(), 1..4),
    ) {
        run(&tokens.concat(), values);
    }

    #[test]
    fn arbitrary_calls_never_panic(
        formula in any_call(),
        values in prop::collection::vec(any_value(), 1..4),
    ) {
        run(&formula, values);
    }
}
