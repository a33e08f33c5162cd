//! What is read is what `serde_json` reads, and what it refuses is refused.

use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;

use super::*;

fn skipped(text: &str) -> Option<&str> {
    let mut json = Json::new(text);
    let raw = json.skip().ok()?;
    json.end().ok().map(|()| raw)
}

fn check(text: &str) {
    let expected = serde_json::from_str::<&RawValue>(text).ok().map(RawValue::get);
    assert_eq!(skipped(text), expected, "{text:?}");
}

#[test]
fn values_of_any_kind_have_their_text() {
    for text in [
        "null",
        " true\n",
        "\tfalse\r",
        "-0",
        "0",
        "12345678901234567890",
        "1.0",
        "-1.50e+3",
        "1E-2",
        "\"\"",
        "\" \\\" \\\\ \\/ \\b\\f\\n\\r\\t \\u00fC \\ud83d\"",
        "\"a\u{7f}\u{80}ü🚀\"",
        "[]",
        " [ ] ",
        "{ }",
        "[[],{},[[1 , 2]],\"]\"]",
        "{\"a\" : {\"a\":[{}]} , \"a\":1}",
    ] {
        assert_eq!(skipped(text), Some(text.trim()));
        check(text);
    }
}

#[test]
fn what_is_no_json_is_refused() {
    for text in [
        "",
        " ",
        "nul",
        "nulll",
        "tru",
        "True",
        "+1",
        "-",
        "01",
        "-01",
        "1.",
        ".1",
        "1.e1",
        "1e",
        "1e+",
        "0x1",
        "1 2",
        "NaN",
        "\"",
        "\"a",
        "\"\\",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u+123\"",
        "\"\n\"",
        "\"\u{0}\"",
        "\"long enough\u{1f}\"",
        "\0",
        "1\0",
        "\u{a0}1",
        "\u{feff}1",
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1}",
        "{",
        "}",
        "{]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{1:1}",
        "{,}",
        "{\"a\":1]",
        "[[]",
        "[]]",
        "{\"a\":[}",
        "//",
        "'a'",
    ] {
        assert_eq!(skipped(text), None, "{text:?}");
        check(text);
    }
}

#[test]
fn depth_has_no_bound() {
    for (opening, closing) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", opening.repeat(100_000), closing.repeat(100_000));
        assert_eq!(skipped(&deep), Some(&deep[..]));
        assert_eq!(skipped(&deep[..deep.len() - 1]), None);
    }
}

#[test]
fn an_object_is_read_key_by_key() {
    let mut json = Json::new("{\"id\":1 ,\"i\\u0064\": [true,[],false]} ");
    assert_eq!(json.open_object(), Ok(true));
    assert!(!json.is_key("i") && !json.is_key("id\"") && json.is_key("id"));
    assert_eq!(json.number().map(|number| number.int()), Ok(Some(1)));
    assert_eq!(json.next_in_object(), Ok(true));
    assert!(!json.is_key("id"), "it has an escape");
    assert_eq!(json.key(), Ok("id"));
    let start = json.position();
    assert_eq!((json.kind(), json.open_array(), json.bool()), (Kind::Array, Ok(true), Ok(true)));
    assert_eq!((json.next_in_array(), json.open_array()), (Ok(true), Ok(false)));
    assert_eq!((json.next_in_array(), json.bool(), json.next_in_array()), (Ok(true), Ok(false), Ok(false)));
    assert_eq!(json.since(start), "[true,[],false]");
    assert_eq!((json.next_in_object(), json.end()), (Ok(false), Ok(())));
}

#[test]
fn a_key_at_the_very_end_is_none() {
    for text in ["", "\"", "\"id", "\"id\"", "\"id\" :"] {
        assert!(!Json::new(text).is_key("id"), "{text}");
    }
}

#[test]
fn numbers_are_what_they_say() {
    for (raw, as_float, as_int) in [
        ("0", Some(0.0), Some(0)),
        ("-7", Some(-7.0), Some(-7)),
        ("1.0", Some(1.0), Some(1)),
        ("1e3", Some(1000.0), Some(1000)),
        ("1.5", Some(1.5), None),
        ("0.1", Some(0.1), None),
        ("9007199254740993", Some(9_007_199_254_740_992.0), Some(9_007_199_254_740_993)),
        ("9007199254740993.0", Some(9_007_199_254_740_992.0), Some(9_007_199_254_740_992)),
        ("9223372036854775807", Some(9.223_372_036_854_776e18), Some(i64::MAX)),
        ("9223372036854775808", Some(9.223_372_036_854_776e18), None),
        ("-9223372036854775808", Some(-9.223_372_036_854_776e18), Some(i64::MIN)),
        ("-9223372036854775809", Some(-9.223_372_036_854_776e18), None),
        ("18446744073709551617", Some(1.844_674_407_370_955_2e19), None),
        ("1e999", None, None),
        ("-1e999", None, None),
        ("5e-324", Some(5e-324), None),
    ] {
        let number = Json::new(raw).number().expect(raw);
        assert_eq!((number.raw(), number.float(), number.int()), (raw, as_float, as_int));
    }
    let zero = Json::new("-0").number().expect("a number");
    assert!(zero.float().is_some_and(|zero| zero.to_bits() == (-0.0_f64).to_bits()) && zero.int() == Some(0));
}

#[test]
fn texts_are_what_they_stand_for() {
    for (raw, expected) in [
        (r#""plain ü""#, Some("plain ü")),
        (r#""""#, Some("")),
        (r#""a\n\"b\" \u00fc \ud83d\ude80""#, Some("a\n\"b\" ü 🚀")),
        (r#""\b\f\r\t\/\\""#, Some("\u{8}\u{c}\r\t/\\")),
        (r#""\u0000\uFFFF""#, Some("\0\u{ffff}")),
        (r#""half \ud83d""#, None),
    ] {
        assert_eq!(text(raw).1, expected.is_some(), "{raw}");
        assert!(expected.is_none_or(|expected| text(raw).0 == expected), "{raw}");
        assert_eq!(Json::new(raw).string().expect(raw).unescaped().as_deref(), expected);
        assert_eq!(serde_json::from_str::<String>(raw).ok().as_deref(), expected);
    }
}

/// The text of a string, and whether it is whole.
fn text(raw: &str) -> (String, bool) {
    let mut json = Json::new(raw);
    let text = json.text().expect(raw);
    (text.text.to_owned(), text.is_whole)
}

#[test]
fn half_a_surrogate_pair_leaves_the_rest_of_the_text() {
    for (raw, expected) in [
        (r#""half \ud83d""#, "half \u{fffd}"),
        (r#""half \uD83D and \u00fc""#, "half \u{fffd} and ü"),
        (r#""\ud83d\n\ude80""#, "\u{fffd}\n\u{fffd}"),
        (r#""\ud83d\ud83d\ude80""#, "\u{fffd}🚀"),
        (r#""\ude80\ud83d\u0041""#, "\u{fffd}\u{fffd}A"),
        (r#""\ud83d\\ude80""#, "\u{fffd}\\ude80"),
        (r#""\ud83d\u""#, ""),
    ] {
        if expected.is_empty() {
            assert!(Json::new(raw).text().is_err(), "{raw}");
            continue;
        }
        assert_eq!(text(raw), (expected.to_owned(), false), "{raw}");
        // The same by serde, which takes no halves.
        assert_eq!(serde_json::from_str::<String>(&without_halves(raw)).ok().as_deref(), Some(expected), "{raw}");
        assert_eq!(from_body::<String>(raw.as_bytes()).ok().as_deref(), Some(expected), "{raw}");
    }
    for whole in [r#"{"a":"\ud83d\ude80","b":"\\ud83d \ufffd"}"#, "", "[1]", "\"ü\""] {
        assert!(matches!(without_halves(whole), std::borrow::Cow::Borrowed(_)), "{whole}");
    }
    assert_eq!(without_halves(r#"{"\ude80":["\ud83d","\\"]}"#), r#"{"\ufffd":["\ufffd","\\"]}"#);
}

#[test]
fn what_is_no_text_in_a_body_leaves_the_rest_of_it() {
    for (body, expected) in [
        (&b"{\"a\":\"\xc3\xbc\"}"[..], "{\"a\":\"\u{fc}\"}"),
        (b"{\"a\":\"\xff\"}", "{\"a\":\"\u{fffd}\"}"),
        (b"[\"\\ud83d\"]", "[\"\\ufffd\"]"),
        (b"[\"\xff\",\"\\ud83d\"]", "[\"\u{fffd}\",\"\\ufffd\"]"),
    ] {
        assert_eq!(super::text(body), expected);
    }
}

/// Texts that are JSON, nearly JSON, and all that lies between.
fn any_text() -> impl Strategy<Value = String> {
    let bit = prop_oneof![
        "[\\[\\]{},: \\n]",
        "-?[0-9]{1,25}",
        "-?[0-9]{0,3}[.eE+\\-]{0,2}[0-9]{0,3}",
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("\"a\":".to_owned()),
        any::<String>().prop_map(|text| Value::from(text).to_string()),
        "\"([a-z]|\\\\u[dD][89c-fC-F][0-9a-f]{2}|\\\\[\"\\\\/bfnrtux]|\\PC){0,12}\"",
        "\\PC",
        "[\\x00-\\x20]",
    ];
    prop::collection::vec(bit, 0..8).prop_map(|bits| bits.concat())
}

/// JSON in which a few bytes may be others.
fn damaged() -> impl Strategy<Value = String> {
    let edits =
        prop::collection::vec((any::<prop::sample::Index>(), "[\\[\\]{},:\"\\\\0-9.eE+\\- \\x00-\\x1fa-z]?"), 0..3);
    (crate::decode::tests::any_json(), any::<bool>(), edits).prop_map(|(value, is_pretty, edits)| {
        let mut text = if is_pretty { format!("{value:#}") } else { value.to_string() };
        for (place, new) in edits {
            let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            if !starts.is_empty() {
                let at = *place.get(&starts);
                let end = text[at..].chars().next().map_or(at, |old| at + old.len_utf8());
                text.replace_range(at..end, &new);
            }
        }
        text
    })
}

proptest! {
    #[test]
    fn no_text_is_judged_otherwise_than_by_serde(text in any_text(), listed in any_text(), damaged in damaged()) {
        check(&text);
        check(&format!("[{listed}]"));
        check(&damaged);
    }

    #[test]
    fn every_string_is_read_as_by_serde(inside in "([a-z]|\\\\u[dD][89c-fC-F][0-9a-f]{2}|\\\\u[0-9a-f]{4}|\\\\[\"\\\\/bfnrtux]|\\PC|[\\x00-\\x1f]){0,12}") {
        let text = format!("\"{inside}\"");
        let mut json = Json::new(&text);
        let read = json.text().ok().filter(|text| text.is_whole).map(|text| text.text.to_owned());
        let read = read.filter(|_| json.end().is_ok());
        prop_assert_eq!(read, serde_json::from_str::<String>(&text).ok());
        // With halves mended, both read the same of every string.
        let mut json = Json::new(&text);
        let read = json.text().ok().map(|text| text.text.to_owned()).filter(|_| json.end().is_ok());
        prop_assert_eq!(read, from_body::<String>(text.as_bytes()).ok());
    }

    #[test]
    fn every_number_is_read_as_by_std(raw in "-?(0|[1-9][0-9]{0,21})(\\.[0-9]{1,21})?([eE][+\\-]?[0-9]{1,3})?", float in any::<f64>()) {
        for raw in [raw, float.to_string()] {
            let Ok(number) = Json::new(&raw).number() else {
                prop_assert!(!float.is_finite());
                continue;
            };
            prop_assert_eq!(number.raw(), &raw);
            let expected = raw.parse::<f64>().ok().filter(|float| float.is_finite());
            prop_assert_eq!(number.float().map(f64::to_bits), expected.map(f64::to_bits));
            if let Ok(whole) = raw.parse::<i64>() {
                prop_assert_eq!(number.int(), Some(whole));
            }
        }
    }
}
