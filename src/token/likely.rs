//! What looks like a secret in the midst of a text, wherever somebody has put it by mistake.
//!
//! A personal access token is `pat`, fourteen letters or digits, a dot and 64 hexadecimal digits; Airtable documents none
//! of that, so more is taken for one. A name that is no secret may be taken for one as well: then a message says less.

use std::ops::Range;

/// How tokens begin: personal ones, and those of OAuth.
const PREFIXES: [&str; 3] = ["pat", "oaa", "oar"];

/// What ends a sentence or a name as well as a secret.
const MARKS: [char; 7] = ['.', '_', '-', '=', '/', '+', '%'];

/// Where the next secret stands in a text, from a place on.
pub(super) fn next(text: &str, from: usize) -> Option<Range<usize>> {
    let mut places = (from..text.len()).filter(|at| text.is_char_boundary(*at));
    places.find_map(|at| length(text, at).map(|length| at..at + length))
}

fn length(text: &str, at: usize) -> Option<usize> {
    let rest = &text[at..];
    let begins_a_word = !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
    if PREFIXES.iter().any(|prefix| begins_with(rest, prefix)) {
        return token(rest, begins_a_word);
    }
    if begins_with(rest, "eyJ") {
        return signed(rest, begins_a_word);
    }
    if !begins_a_word {
        return None;
    }
    if begins_with(rest, "bearer ") {
        let word = run(&rest[7..], is_of_secret);
        return (word.len() >= 12 && has_digit(word)).then_some(7 + word.len());
    }
    // What Airtable gave before there were tokens.
    let key = run(rest, |c| c.is_ascii_alphanumeric());
    (rest.starts_with("key") && key.len() == 17 && is_random(&key[3..])).then_some(17)
}

/// `pat...` with its secret, also in lower case and with another mark than the dot; or its first part alone.
fn token(rest: &str, begins_a_word: bool) -> Option<usize> {
    let id = run(&rest[3..], |c| c.is_ascii_alphanumeric());
    let after = &rest[3 + id.len()..];
    let secret = after.strip_prefix(['.', ':', '_', '-']).map_or("", |secret| run(secret, is_of_secret));
    let secret = secret.trim_end_matches(MARKS);
    let is_whole = id.len() >= 12 && (secret.len() >= 16 && has_digit(secret) || secret.len() >= 40);
    let is_cut = id.len() >= 12 && secret.len() >= 4 && (has_digit(id) || has_upper(id));
    let is_short = id.len() >= 8 && has_upper(id) && secret.len() >= 4 && has_digit(secret);
    if is_whole || begins_a_word && (is_cut || is_short) {
        return Some(3 + id.len() + 1 + secret.len());
    }
    (begins_a_word && id.len() == 14 && is_random(id)).then_some(17)
}

/// A signed token, as those of OAuth may be: three parts, of which the first is JSON in base64; or one long part, which is
/// JSON as well. Within a word it is known by all of its parts.
fn signed(rest: &str, begins_a_word: bool) -> Option<usize> {
    let whole = run(rest, is_of_secret).trim_end_matches(MARKS);
    let long = whole.split('.').take_while(|part| part.len() >= 10).count();
    let is_one_long = whole.len() >= 40 && has_digit(whole);
    (long >= 3 || begins_a_word && (long == 2 || is_one_long)).then_some(whole.len())
}

fn run(text: &str, is_part: impl Fn(char) -> bool) -> &str {
    &text[..text.find(|c| !is_part(c)).unwrap_or(text.len())]
}

/// The letters of base64 in its two alphabets, and what joins the parts. An address may go on with some of them: then more
/// of it is hidden.
fn is_of_secret(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '=' | '/' | '+' | '%' | '~')
}

fn begins_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_digit())
}

fn has_upper(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_uppercase())
}

/// Letters of both cases and digits, as no word has.
fn is_random(text: &str) -> bool {
    has_digit(text) && has_upper(text) && text.bytes().any(|b| b.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn what_looks_like_a_token() {
        let whole = format!("patAbCdEfGhIjKlM1.{SECRET}");
        let signed = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl";
        for secret in [
            whole.clone(),
            whole.to_lowercase(),
            whole.to_uppercase(),
            whole.replace('.', "_"),
            whole[..24].to_owned(),
            whole[..17].to_owned(),
            "patMockToken.0000".to_owned(),
            "oaaAbCdEfGhIjKlM1.v1.abc_DEF-123=x".to_owned(),
            signed.to_owned(),
            signed.to_uppercase(),
            "keyAbCdEfGhIjKlM1".to_owned(),
            "oaaAbCdEfGhIjKlM1.v1.eyJ1c2VySWQi/c2ln+bmF0dXJl=tail".to_owned(),
            "oarabcdefghijklmn.v1.abcdefgh/ijklm+nopqr%stuv".to_owned(),
            "oaaAbCdEfGhIjKlM1.AbCdEfGhIjKl/MnOpQrStUvWx+YzAbCdEfGhIjKlMnOp".to_owned(),
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIi/iIxMjM0In0.c2ln+bmF0dXJl".to_lowercase(),
            "eyJ0b2tlbiI6InNlY3JldCIsInVzZXIiOiJ1c3IxMjM0NTYifQ".to_owned(),
        ] {
            for (before, after) in [("", ""), ("table \"", "\": no such table"), ("(", ")."), ("x=", "&y"), ("é", "é")]
            {
                let text = format!("{before}{secret}{after}");
                assert_eq!(next(&text, 0), Some(before.len()..before.len() + secret.len()), "{text}");
            }
        }
        for glued in [format!("--token{whole}"), format!("--token{}", signed.to_lowercase())] {
            assert_eq!(next(&glued, 0), Some(7..glued.len()));
        }
        let address = format!("/v0/app1/{whole}/x?y");
        assert_eq!(next(&address, 0), Some(9..address.len() - 2), "what may be more of it is hidden, too");
    }

    #[test]
    fn what_does_not() {
        for text in [
            "Vendors",
            "patterns.and.practices",
            "Patient Records 2024",
            "patients2023.v2",
            "patternlibraries.configuration",
            "keyPerformanceIndicators",
            "keystakeholders12",
            "appXXXXXXXXXXXXXX",
            "eyjafjallajokull.eruptions",
            "oars/and/paddles",
            "patients/records/2024",
            "no Bearer [token] here",
            "option token is missing: give a personal access token (or bearer_token, or access_token)",
        ] {
            assert_eq!(next(text, 0), None, "{text}");
        }
    }
}
