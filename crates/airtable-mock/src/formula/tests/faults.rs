//! What does not compile, and what must not overflow.

use super::*;

fn fault(formula: &str) -> FormulaError {
    match Sample::new().compile(formula) {
        Ok(compiled) => panic!("{formula} compiles to {compiled:?}"),
        Err(error) => error,
    }
}

#[test]
fn bad_syntax_is_refused() {
    let table = [
        "",
        "  ",
        "(",
        "1 +",
        "1 2",
        "1)",
        "(1",
        "* 2",
        "+1",
        "= 1",
        "1e5",
        "1.",
        "1.2.3",
        "\"open",
        "'open\"",
        "'ends in a backslash\\",
        "“curly”",
        "{Name",
        "{}",
        "{Odd \\} and \\} odder}",
        "1 <> 2",
        "2 ^ 3",
        "5 % 2",
        "1 == 2",
        "Name AND Name",
        "LEN('a',)",
        "LEN(,'a')",
        "LEN('a' 'b')",
        "LEN 'a'",
        "LAST_MODIFIED_TIME('Name')",
        "LAST_MODIFIED_TIME({Name} & '')",
        "// comment",
    ];
    for formula in table {
        assert_eq!(fault(formula), FormulaError::Syntax, "{formula}");
    }
}

#[test]
fn a_wrong_number_of_arguments_is_refused() {
    let sample = Sample::new();
    for function in functions::all() {
        let compiles = |count: usize| {
            let arguments = vec!["{Name}"; count].join(",");
            sample.compile(&format!("{}({arguments})", function.name)).is_ok()
        };
        let taken: Vec<usize> = (0..12).filter(|count| compiles(*count)).collect();
        let promised: Vec<usize> = (0..12).filter(|count| function.takes(*count)).collect();
        assert_eq!(taken, promised, "{}", function.name);
        assert!(!taken.is_empty(), "{}", function.name);
    }
    // A function that takes one argument shows that the above is not all accepted.
    assert_eq!(fault("NOT()"), FormulaError::Syntax);
    assert_eq!(fault("NOT(1, 2)"), FormulaError::Syntax);
    assert_eq!(fault("NOW(1)"), FormulaError::Syntax);
    assert_eq!(fault("SWITCH(1, 2)"), FormulaError::Syntax);
}

#[test]
fn messages_are_airtables() {
    let table = [
        ("1 +", "Invalid formula. Please check your formula text."),
        ("{FirstName} & LastName & {FIRSTNAME}", "Unknown field names: firstname, lastname"),
        ("BAD(Worse(1), bad())", "Unknown function names: worse, bad"),
        ("BAD({Missing})", "Unknown field names: missing"),
        ("LAST_MODIFIED_TIME({Missing})", "Unknown field names: missing"),
        ("NOT({Missing}, 1)", "Invalid formula. Please check your formula text."),
    ];
    for (formula, message) in table {
        assert_eq!(fault(formula).to_string(), message, "{formula}");
    }
}

/// Every way of nesting: what to repeat before and after, and how many levels one repetition costs.
const NESTS: [(&str, &str, usize); 10] = [
    ("(", ")", 1),
    ("NOT(", ")", 1),
    ("IF(1,", ")", 1),
    ("IF(0,1,", ")", 1),
    ("-(", ")", 1),
    ("1=1&1+1*-(", ")", 5),
    ("1=1&1+1*-SWITCH(1,1,", ")", 6),
    ("1=1&1+1*-REGEX_MATCH('a',", ")", 6),
    ("(", "*1+1&1=1)", 4),
    ("--LEN(", ")*1+1&1=1", 7),
];

#[test]
fn deep_nesting_neither_overflows_nor_compiles() {
    // Half the stack of a tokio worker or of a test's thread.
    let small = std::thread::Builder::new().stack_size(1 << 20);
    let thread = small.spawn(|| {
        let sample = Sample::new();
        for (open, close, levels) in NESTS {
            let nested = |depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let limit = super::super::parser::DEEPEST / levels;
            let deepest = (0..=limit).rev().map(nested).find_map(|formula| sample.compile(&formula).ok());
            let compiled = deepest.expect("some depth compiles");
            compiled.clone().eval(&sample);
            assert!(!format!("{compiled:?}").is_empty());
            assert!(sample.compile(&nested(limit * 9 / 10)).is_ok(), "{open}");
            assert!(sample.compile(&nested(limit + 1)).is_err(), "{open}");
            assert!(sample.compile(&nested(10_000)).is_err(), "{open}");
            assert!(sample.compile(&open.repeat(10_000)).is_err(), "{open}");
        }
    });
    thread.expect("a thread starts").join().expect("no panic, no overflow");
}

#[test]
fn long_chains_do_not_nest() {
    let sample = Sample::new();
    let sum = vec!["1"; 20_000].join("+");
    assert_eq!(sample.eval(&sum), Value::Number(20_000.0));
    let mixed = vec!["2*1=2&''"; 5_000].join("+");
    assert!(sample.compile(&mixed).is_ok());
    let signs = format!("{}1", "-".repeat(100_001));
    assert_eq!(sample.eval(&signs), Value::Number(-1.0));
}

#[test]
fn texts_that_multiply_are_errors() {
    let sample = Sample::new();
    let long = "REPT('a', 1000000)";
    for formula in [
        "REPT('a', 1000000000000000)".to_owned(),
        format!("{long} & {long}"),
        format!("SUBSTITUTE({long}, 'a', {long})"),
        format!("REGEX_REPLACE({long}, '.*', REPT('$0', 1000))"),
        format!("CONCATENATE({long}, {long})"),
        format!("ENCODE_URL_COMPONENT(SUBSTITUTE({long}, 'a', ' '))"),
    ] {
        assert_eq!(sample.eval(&formula), Value::Error, "{formula}");
    }
}
