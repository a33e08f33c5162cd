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
            sample
                .compile(&format!("{}({arguments})", function.name))
                .is_ok()
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
        (
            "{FirstName} & LastName & {FIRSTNAME}",
            "Unknown field names: firstname, lastname",
        ),
        ("BAD(Worse(1), bad())", "Unknown function names: worse, bad"),
        ("BAD({Missing})", "Unknown field names: missing"),
        (
            "LAST_MODIFIED_TIME({Missing})",
            "Unknown field names: missing",
        ),
        (
            "NOT({Missing}, 1)",
            "Invalid formula. Please check your formula text.",
        ),
    ];
    for (formula, message) in table {
        assert_eq!(fault(formula).to_string(), message, "{formula}");
    }
}

#[test]
fn deep_nesting_neither_overflows_nor_compiles() {
    // Half the stack of a tokio worker or of a test's thread.
    let small = std::thread::Builder::new().stack_size(1 << 20);
    let thread = small.spawn(|| {
        let sample = Sample::new();
        let limit = super::super::parser::DEEPEST;
        let worst = |depth: usize| {
            format!(
                "{}'x'{}",
                "IF(1,1=1&1+1*-SWITCH(1,1,".repeat(depth / 2),
                "))".repeat(depth / 2)
            )
        };
        assert_eq!(shown(&sample.eval(&worst(limit))), "0");
        let compiled = sample.compile(&worst(limit)).expect("at the limit");
        drop(compiled.clone());
        for open in ["(", "IF(1,", "-(", "NOT("] {
            let nested = |depth: usize| format!("{}1{}", open.repeat(depth), ")".repeat(depth));
            assert!(sample.compile(&nested(limit)).is_ok());
            assert!(sample.compile(&nested(limit + 1)).is_err());
            assert!(sample.compile(&nested(100_000)).is_err());
            assert!(sample.compile(&open.repeat(100_000)).is_err());
        }
    });
    thread
        .expect("a thread starts")
        .join()
        .expect("no panic, no overflow");
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
