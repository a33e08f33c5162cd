//! Regular expression functions.

use regex_lite::{Captures, Regex};

use crate::formula::expression::Values;
use crate::formula::function::{Body, Function};
use crate::formula::value::{LONGEST_TEXT, Value};

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new(
        "REGEX_MATCH",
        2,
        2,
        Body::Pattern(|regex, values| Some(Value::truth(regex.is_match(&values[0].text())))),
    ),
    // The whole match, whatever the groups; no match is an error (both unconfirmed, the latter by many accounts).
    Function::new(
        "REGEX_EXTRACT",
        2,
        2,
        Body::Pattern(|regex, values| {
            let text = values[0].text();
            Some(Value::Text(regex.find(&text)?.as_str().to_owned()))
        }),
    ),
    Function::new("REGEX_REPLACE", 3, 3, Body::Pattern(replace)),
];

fn replace(regex: &Regex, values: &Values<'_>) -> Option<Value> {
    let (text, replacement) = (values[0].text(), values[2].text());
    let mut result = String::with_capacity(text.len());
    let mut copied = 0;
    for captures in regex.captures_iter(&text) {
        let whole = captures.get(0)?;
        result.push_str(&text[copied..whole.start()]);
        expand(&captures, &replacement, &mut result);
        copied = whole.end();
        if result.len() > LONGEST_TEXT {
            return None;
        }
    }
    result.push_str(&text[copied..]);
    Value::bounded(result)
}

/// `$1` to `$9` are groups and `$0` is the match, as in JavaScript: no names, and the digit ends the reference.
fn expand(captures: &Captures<'_>, replacement: &str, result: &mut String) {
    let mut rest = replacement;
    while let Some((before, after)) = rest.split_once('$') {
        result.push_str(before);
        if result.len() > LONGEST_TEXT {
            return; // too long already, which the caller finds
        }
        rest = match after.as_bytes().first() {
            Some(digit @ b'0'..=b'9') => {
                let group = captures.get(usize::from(digit - b'0'));
                result.push_str(group.map_or("", |group| group.as_str()));
                &after[1..]
            }
            Some(b'$') => {
                result.push('$');
                &after[1..]
            }
            _ => {
                result.push('$');
                after
            }
        };
    }
    result.push_str(rest);
}
