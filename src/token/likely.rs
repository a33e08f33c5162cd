//! What looks like a secret in the midst of a text, wherever somebody has put it by mistake.
//!
//! A personal access token is `pat`, fourteen letters or digits, a dot and 64 hexadecimal digits; Airtable documents none
//! of that, so more is taken for one. A name that is no secret may be taken for one as well: then a message says less.

use std::ops::Range;

/// How tokens begin: personal ones, and those of OAuth.
const PREFIXES: [&str; 3] = ["pat", "oaa", "oar"];

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
    if !begins_a_word {
        return None;
    }
    if rest.starts_with("eyJ") {
        return signed(rest);
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
    let secret = secret.trim_end_matches(['.', '_', '-', '=']);
    let is_whole = id.len() >= 12 && secret.len() >= 16 && has_digit(secret);
    let is_cut = id.len() >= 12 && secret.len() >= 4 && (has_digit(id) || has_upper(id));
    let is_short = id.len() >= 8 && has_upper(id) && secret.len() >= 4 && has_digit(secret);
    if is_whole || begins_a_word && (is_cut || is_short) {
        return Some(3 + id.len() + 1 + secret.len());
    }
    (begins_a_word && id.len() == 14 && is_random(id)).then_some(17)
}

/// A signed token, as those of OAuth may be: three parts, of which the first is JSON in base64.
fn signed(rest: &str) -> Option<usize> {
    let whole = run(rest, is_of_secret).trim_end_matches(['.', '_', '-', '=']);
    let mut parts = whole.split('.');
    let is_long = |part: Option<&str>| part.is_some_and(|part| part.len() >= 10);
    (is_long(parts.next()) && is_long(parts.next())).then_some(whole.len())
}

fn run(text: &str, is_part: impl Fn(char) -> bool) -> &str {
    &text[..text.find(|c| !is_part(c)).unwrap_or(text.len())]
}

fn is_of_secret(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '=')
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
        for secret in [
            whole.clone(),
            whole.to_lowercase(),
            whole.to_uppercase(),
            whole.replace('.', "_"),
            whole[..24].to_owned(),
            whole[..17].to_owned(),
            "patMockToken.0000".to_owned(),
            "oaaAbCdEfGhIjKlM1.v1.abc_DEF-123=x".to_owned(),
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl".to_owned(),
            "keyAbCdEfGhIjKlM1".to_owned(),
        ] {
            for (before, after) in
                [("", ""), ("table \"", "\": no such table"), ("(", ")."), ("/v0/app1/", "?x"), ("é", "é")]
            {
                let text = format!("{before}{secret}{after}");
                assert_eq!(next(&text, 0), Some(before.len()..before.len() + secret.len()), "{text}");
            }
        }
        let glued = format!("--token{whole}");
        assert_eq!(next(&glued, 0), Some(7..glued.len()));
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
            "no Bearer [token] here",
            "option token is missing: give a personal access token (or bearer_token, or access_token)",
        ] {
            assert_eq!(next(text, 0), None, "{text}");
        }
    }
}
