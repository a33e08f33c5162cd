//! The secret. Hidden by its type: nothing that prints a [`Token`] prints what is in it.
//!
//! Separate from the options so that exactly one file can be searched for places where the text leaves. It also takes
//! secrets out of texts that leave: those that were configured, and what looks like one.
//!
//! | file | is |
//! |---|---|
//! | `likely` | what looks like a secret |

use std::borrow::Cow;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use reqwest::header::HeaderValue;

use crate::fingerprint::fingerprint;

mod likely;

/// The secrets that this process was given, so that no message repeats one, whoever makes it.
static KNOWN: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Shorter ones are no secrets, and might be words of any message.
const SHORTEST: usize = 12;

/// A process that is given more than these forgets the first.
const MOST: usize = 64;

const HIDDEN: &str = "[token]";

/// `text` without secrets: the tokens that this process was given, and what looks like one, wherever it was put.
pub fn scrub(text: &str) -> Cow<'_, str> {
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut scrubbed = Cow::Borrowed(text);
    for secret in &known {
        scrubbed = replaced(scrubbed, |text, from| find(text, secret, from));
    }
    replaced(scrubbed, likely::next)
}

/// The text without what `next` finds from a place on.
fn replaced(text: Cow<'_, str>, next: impl Fn(&str, usize) -> Option<std::ops::Range<usize>>) -> Cow<'_, str> {
    let (mut made, mut from) = (String::new(), 0);
    while let Some(found) = next(&text, from) {
        made.push_str(&text[from..found.start]);
        made.push_str(HIDDEN);
        from = found.end;
    }
    if from == 0 {
        return text;
    }
    made.push_str(&text[from..]);
    Cow::Owned(made)
}

/// Where the secret stands, in whatever case: Spark lower-cases the names of options.
fn find(text: &str, secret: &str, from: usize) -> Option<std::ops::Range<usize>> {
    let (text, secret) = (text.as_bytes(), secret.as_bytes());
    let at = text.get(from..)?.windows(secret.len()).position(|part| part.eq_ignore_ascii_case(secret))?;
    Some(from + at..from + at + secret.len())
}

fn remember(secret: &str) {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if secret.len() < SHORTEST || known.iter().any(|known| known == secret) {
        return;
    }
    if known.len() == MOST {
        known.remove(0);
    }
    known.push(secret.to_owned());
}

/// A personal access token or OAuth access token. Its form is not checked: Airtable documents none.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Takes the text without surrounding white space, which files and secret stores like to add.
    ///
    /// Returns `None` where the rest is empty or cannot stand in a header (line breaks, control characters).
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let sendable = !text.is_empty() && text.bytes().all(|b| (0x21..0x7f).contains(&b));
        if sendable {
            remember(text);
        }
        sendable.then(|| Self(text.to_owned()))
    }

    /// The text has the form of an Airtable token, so it is not to be quoted, wherever it was put by mistake.
    pub(crate) fn is_likely(text: &str) -> bool {
        let is_long = text.len() > 12 && !text.contains(char::is_whitespace);
        is_long && ["pat", "oaa", "key"].iter().any(|prefix| text.starts_with(prefix))
    }

    /// The text holds something of that form, which no host or path has: 17 letters and digits, some of them capitals, or
    /// more without a dot, or with digits at the end where dots divide it.
    pub(crate) fn is_likely_in(text: &str) -> bool {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-' && c != '_');
        let is_plain = |word: &str| word.bytes().all(|b| b.is_ascii_alphanumeric());
        let is_id = |word: &str| word.len() == 17 && is_plain(word) && word.contains(|c: char| c.is_ascii_uppercase());
        words.filter(|word| Self::is_likely(word)).any(|word| match word.rsplit_once('.') {
            Some((first, last)) => is_id(first) || last.contains(|c: char| c.is_ascii_digit()),
            None => word.len() >= 17 && is_plain(word),
        })
    }

    /// The text holds this token, unless that is so short that any text does.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        self.0.len() > 12 && text.contains(&self.0)
    }

    /// The value of the `Authorization` header, marked as sensitive.
    pub(crate) fn header(&self) -> HeaderValue {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0))
            .expect("visible ASCII was checked when the token was made");
        value.set_sensitive(true);
        value
    }

    /// A number by which processes that have the same token know it, and from which nobody gets it back: 64 bits of many
    /// more.
    pub(crate) fn fingerprint(&self) -> u64 {
        fingerprint(&self.0)
    }

    /// `text` without the token, for what a server says: it may echo what it was sent.
    pub(crate) fn scrub(&self, text: &str) -> String {
        text.replace(&self.0, HIDDEN)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_trimmed_and_never_shown() {
        let token = Token::new(" patAbc.123\n").expect("a token");
        assert_eq!(format!("{token:?} {:#?}", Some(&token)).matches("patAbc").count(), 0);
        assert_eq!(token.header().to_str().ok(), Some("Bearer patAbc.123"));
        assert!(format!("{:?}", token.header()).contains("Sensitive"));
        assert_eq!(token.scrub("no Bearer patAbc.123 here"), "no Bearer [token] here");
    }

    #[test]
    fn texts_lose_what_was_configured_and_what_looks_like_it() {
        let token = "of no form that Airtable has".replace(' ', "/");
        assert_eq!(scrub(&token), token.as_str());
        Token::new(&token).expect("a token");
        Token::new("none").expect("a token");
        let whole = format!("patAbCdEfGhIjKlM1.{}", "0123456789abcdef".repeat(4));
        let text = format!("none of {token}, é{} or {whole}: é", token.to_uppercase());
        assert_eq!(scrub(&text), "none of [token], é[token] or [token]: é");
        assert!(matches!(scrub("nothing to hide"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_no_header_can_carry_is_no_token() {
        for text in ["", "  ", "a b", "a\nb", "pät"] {
            assert_eq!(Token::new(text), None, "{text:?}");
        }
    }
}
