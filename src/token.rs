//! The secret. Hidden by its type: nothing that prints a [`Token`] prints what is in it.
//!
//! Separate from the options so that exactly one file can be searched for places where the text leaves. It also takes
//! secrets out of texts that leave: those that were configured, and what looks like one.
//!
//! | file | is |
//! |---|---|
//! | `likely` | what looks like a secret |
//! | `unescaped` | a text as it is without percent-encoding |

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use reqwest::header::HeaderValue;

use crate::fingerprint::fingerprint;

mod likely;
mod unescaped;

use unescaped::Unescaped;

/// The secrets that this process was given, so that no message repeats one, whoever makes it.
static KNOWN: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Shorter ones are no secrets, and might be words of any message.
const SHORTEST: usize = 12;

/// Shorter ones are parts of words, so they are hidden only where they stand alone.
const SHORTEST_IN_WORDS: usize = 8;

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

/// The text without what `next` finds from a place on, also where it is written with `%2F` and the like.
fn replaced(text: Cow<'_, str>, next: impl Fn(&str, usize) -> Option<Range<usize>>) -> Cow<'_, str> {
    let read = Unescaped::of(&text);
    let (mut made, mut done, mut from) = (String::new(), 0, 0);
    while let Some(found) = next(&read.text, from) {
        made.push_str(&text[done..read.place(found.start)]);
        made.push_str(HIDDEN);
        done = read.place(found.end);
        from = found.end;
    }
    if from == 0 {
        return text;
    }
    made.push_str(&text[done..]);
    Cow::Owned(made)
}

/// Where the secret stands, in whatever case: Spark lower-cases the names of options.
fn find(text: &str, secret: &str, from: usize) -> Option<Range<usize>> {
    let (bytes, secret) = (text.as_bytes(), secret.as_bytes());
    let may_be_in_words = secret.len() >= SHORTEST_IN_WORDS;
    let fits = |at: usize| {
        let end = at + secret.len();
        if may_be_in_words {
            return bytes[at..end].eq_ignore_ascii_case(secret);
        }
        bytes[at..end] == *secret && !text[..at].ends_with(is_of_word) && !text[end..].starts_with(is_of_word)
    };
    let last = bytes.len().checked_sub(secret.len())?;
    (from..=last).find(|at| fits(*at)).map(|at| at..at + secret.len())
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Somewhere in the text stands what looks like a secret.
fn holds_one(text: &str) -> bool {
    likely::next(&Unescaped::of(text).text, 0).is_some()
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

    /// The text has the form of a token, so it is not to be quoted, wherever it was put by mistake.
    pub(crate) fn is_likely(text: &str) -> bool {
        Self::begins_like_one(text) || holds_one(text)
    }

    fn begins_like_one(text: &str) -> bool {
        let is_long = text.len() > 12 && !text.contains(char::is_whitespace);
        is_long && ["pat", "oaa", "key"].iter().any(|prefix| text.starts_with(prefix))
    }

    /// The text holds something of that form, which no host or path has: 17 letters and digits, some of them capitals, or
    /// more without a dot, or with digits at the end where dots divide it; or anything else that looks like a secret.
    pub(crate) fn is_likely_in(text: &str) -> bool {
        if holds_one(text) {
            return true;
        }
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-' && c != '_');
        let is_plain = |word: &str| word.bytes().all(|b| b.is_ascii_alphanumeric());
        let is_id = |word: &str| word.len() == 17 && is_plain(word) && word.contains(|c: char| c.is_ascii_uppercase());
        words.filter(|word| Self::begins_like_one(word)).any(|word| match word.rsplit_once('.') {
            Some((first, last)) => is_id(first) || last.contains(|c: char| c.is_ascii_digit()),
            None => word.len() >= 17 && is_plain(word),
        })
    }

    /// The text holds this token, unless that is so short that any text does.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        self.0.len() > 12 && find(&Unescaped::of(text).text, &self.0, 0).is_some()
    }

    /// The value of the `Authorization` header, marked as sensitive.
    pub(crate) fn header(&self) -> HeaderValue {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0))
            .expect("visible ASCII was checked when the token was made");
        value.set_sensitive(true);
        value
    }

    /// The text, for a body that goes to the service itself.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Airtable's own mark of tokens that last until they are revoked.
    pub(crate) fn is_personal(&self) -> bool {
        self.0.starts_with("pat")
    }

    /// A number by which processes that have the same token know it, and from which nobody gets it back: 64 bits of many
    /// more.
    pub(crate) fn fingerprint(&self) -> u64 {
        fingerprint(&self.0)
    }

    /// `text` without the token, for what a server says: it may echo what it was sent.
    pub(crate) fn scrub(&self, text: &str) -> String {
        replaced(Cow::Borrowed(text), |text, from| find(text, &self.0, from)).into_owned()
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
    fn a_token_is_hidden_however_it_is_encoded() {
        let token = Token::new("a/token+of=no%form").expect("a token");
        for written in [
            "a/token+of=no%form",
            "A/TOKEN+OF=NO%FORM",
            "a%2Ftoken%2Bof%3Dno%25form",
            "a%2ftoken%2bof%3dno%25form",
            "a%252Ftoken%252Bof%253Dno%2525form",
            "%61/token+of=no%form",
        ] {
            let text = format!("https://é.example/{written}?x=%C3%A9: no");
            assert_eq!(scrub(&text), "https://é.example/[token]?x=%C3%A9: no", "{written}");
            assert_eq!(token.scrub(&text), scrub(&text), "{written}");
            assert!(token.is_in(&text), "{written}");
        }
        let other = "oaaAbCdEfGhIjKlM1.v1.eyJ1c2VySWQi/c2ln+bmF0dXJl=tail";
        for written in
            [other.to_owned(), other.to_lowercase(), other.replace('/', "%2F").replace('+', "%2B").replace('.', "%2E")]
        {
            assert_eq!(scrub(&format!("view {written:?}: none")), "view \"[token]\": none", "{written}");
        }
    }

    #[test]
    fn a_short_token_is_hidden_where_it_stands_alone() {
        let token = Token::new("end").expect("a token");
        for (text, expected) in [
            ("the end of the vendors", "the [token] of the vendors"),
            ("Bearer end", "Bearer [token]"),
            ("token=end&x", "token=[token]&x"),
            ("%65nd", "[token]"),
            ("send, ended, the_end, éend, END", "send, ended, the_end, éend, END"),
        ] {
            assert_eq!(token.scrub(text), expected);
        }
        let token = Token::new("ofeight8").expect("a token");
        assert_eq!(token.scrub("xOfEight8x ofeight"), "x[token]x ofeight");
    }

    #[test]
    fn what_looks_like_a_token_is_known() {
        for (text, expected) in [
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", true),
            ("eyjhbgcioijiuzi1nij9.eyjzdwiioiixmjm0in0.c2lnbmf0dxjl", true),
            ("https://eyJhbGciOiJIUzI1NiJ9%2EeyJzdWIiOiIxMjM0In0%2Ec2lnbmF0dXJl/v0", true),
            ("https://patagonia.example.org", false),
        ] {
            assert_eq!((Token::is_likely(text), Token::is_likely_in(text)), (expected, expected), "{text}");
        }
    }

    #[test]
    fn what_no_header_can_carry_is_no_token() {
        for text in ["", "  ", "a b", "a\nb", "pät"] {
            assert_eq!(Token::new(text), None, "{text:?}");
        }
    }
}
