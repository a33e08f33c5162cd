//! The filters that readers of Airtable send.

use super::*;

#[test]
fn batches_of_record_ids() {
    let sample = Sample::new();
    let batch = |last: &str| {
        let ids = (0..150).map(|n| format!("rec{n:014}"));
        let terms: Vec<_> = ids.chain([last.to_owned()]).map(|id| format!("RECORD_ID()=\"{id}\"")).collect();
        format!("OR({})", terms.join(","))
    };
    assert!(sample.eval(&batch("recAbcdefghijk01a")).is_truthy());
    assert!(!sample.eval(&batch("recAbcdefghijk01A")).is_truthy());
}

#[test]
fn windows_of_time() {
    let sample = Sample::new();
    let table = [
        // The record was modified at 12:30, and the lower bound counts.
        ("2024-05-01T12:00:00Z", "2024-05-01T13:00:00Z", true),
        ("2024-05-01T12:30:00Z", "2024-05-01T13:00:00Z", true),
        ("2024-05-01T12:30:00.001Z", "2024-05-01T13:00:00Z", false),
        ("2024-05-01T12:00:00.000Z", "2024-05-01T12:30:00.000Z", false),
        ("2024-05-01", "2024-05-02", true),
        ("2024-05-01T14:30:00+02:00", "2024-05-01 12:30:01", true),
    ];
    for (low, high, kept) in table {
        let formula =
            format!("AND(NOT(IS_BEFORE(LAST_MODIFIED_TIME(),\"{low}\")),IS_BEFORE(LAST_MODIFIED_TIME(),\"{high}\"))");
        assert_eq!(sample.eval(&formula).is_truthy(), kept, "{formula}");
        let formula =
            format!("AND(NOT(IS_BEFORE({{Last Modified}},DATETIME_PARSE('{low}'))),{{Last Modified}}<'{high}')");
        assert_eq!(sample.eval(&formula).is_truthy(), kept, "{formula}");
    }
}

#[test]
fn never_modified_records_are_dropped_by_either_bound() {
    let sample = Sample { modified: None, ..Sample::new() };
    for formula in
        ["IS_AFTER(LAST_MODIFIED_TIME(), '2000-01-01')", "NOT(IS_BEFORE(LAST_MODIFIED_TIME(), '2000-01-01'))"]
    {
        assert!(!sample.eval(formula).is_truthy(), "{formula}");
    }
    let both = "OR(IS_AFTER(CREATED_TIME(), '2000-01-01'), IS_AFTER(LAST_MODIFIED_TIME(), '2000-01-01'))";
    assert!(sample.eval(both).is_truthy());
}

#[test]
fn shards_by_record_id() {
    let sample = Sample::new();
    assert!(sample.eval("FIND(\"a\", RIGHT(RECORD_ID(),1))").is_truthy());
    assert!(!sample.eval("FIND(\"b\", RIGHT(RECORD_ID(),1))").is_truthy());
}

#[test]
fn quotes_as_clients_escape_them() {
    let mut sample = Sample::new();
    sample.fields[0].1 = text(r#"O'Neil \ "Co""#);
    assert!(sample.eval(r#"{Name}='O\'Neil \\ "Co"'"#).is_truthy());
    assert!(sample.eval(r#"{Name}="O'Neil \\ \"Co\"""#).is_truthy());
}

#[test]
fn fields_are_listed_once_in_order_of_first_use() {
    let sample = Sample::new();
    let formula = "IF({Due}, Name & {amount} & {Name}, LAST_MODIFIED_TIME({Empty}, {Due}))";
    let compiled = sample.compile(formula).expect("it is valid");
    assert_eq!(compiled.fields(), [4, 0, 1, 2]);
    let compiled = sample.compile("NOW()").expect("it is valid");
    assert!(compiled.fields().is_empty());
}

#[test]
fn what_is_decided_is_not_evaluated() {
    let table = [
        ("OR(1, {Name}, {Broken})", 0),
        ("AND({Empty}, {Name}, {Broken})", 1),
        ("IF({Name}, {Amount}, {Broken})", 2),
        ("SWITCH({Amount}, 12.5, {Name}, {Broken}, {Broken}, {Broken})", 2),
    ];
    for (formula, reads) in table {
        let sample = Sample::new();
        let value = sample.eval(formula);
        assert_ne!(value, Value::Error, "{formula}");
        assert_eq!(sample.reads.get(), reads, "{formula}");
    }
}
