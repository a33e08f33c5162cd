//! The secret. Hidden by its type: nothing that prints a [`Token`] prints what is in it.
//!
//! Separate from the options so that exactly one file can be searched for places where the text leaves.

use std::fmt;

use reqwest::header::HeaderValue;

use crate::fingerprint::fingerprint;

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
        text.replace(&self.0, "[token]")
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[token]")
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
    fn what_no_header_can_carry_is_no_token() {
        for text in ["", "  ", "a b", "a\nb", "pät"] {
            assert_eq!(Token::new(text), None, "{text:?}");
        }
    }
}
