//! Identifiers: a three-letter prefix and fourteen letters or digits.
//!
//! A base with a million records holds a million record ids several times over, so a record id is its
//! fourteen bytes and nothing else; all other ids are plain strings. Ids come from a seeded generator:
//! the same seed and the same calls give the same ids, which keeps tests and examples reproducible.

use std::fmt;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const TAIL: usize = 14;

/// The id of a record without its `rec` prefix.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RecordId([u8; TAIL]);

impl RecordId {
    /// Reads `rec` and fourteen letters or digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let tail: [u8; TAIL] = text.strip_prefix("rec")?.as_bytes().try_into().ok()?;
        tail.iter().all(u8::is_ascii_alphanumeric).then_some(Self(tail))
    }

    /// Appends the id, prefix included.
    pub(crate) fn write_to(self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"rec");
        out.extend_from_slice(&self.0);
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rec")?;
        self.0.iter().try_for_each(|byte| write!(f, "{}", char::from(*byte)))
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The source of new ids.
#[derive(Debug, Clone)]
pub(crate) struct Ids(fastrand::Rng);

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    fn tail(&mut self) -> [u8; TAIL] {
        std::array::from_fn(|_| ALPHABET[self.0.usize(..ALPHABET.len())])
    }

    /// A new id with this prefix, for example `tbl`.
    pub(crate) fn fresh(&mut self, prefix: &str) -> String {
        let tail = self.tail();
        prefix.chars().chain(tail.iter().map(|byte| char::from(*byte))).collect()
    }

    pub(crate) fn record(&mut self) -> RecordId {
        RecordId(self.tail())
    }

    /// Bytes for a webhook's secret.
    pub(crate) fn secret(&mut self) -> [u8; 32] {
        std::array::from_fn(|_| self.0.u8(..))
    }
}

/// Whether a text has the form of an id with this prefix.
pub(crate) fn is_id(prefix: &str, text: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|tail| tail.len() == TAIL && tail.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_id_survives_its_text() {
        let id = Ids::new(1).record();
        assert_eq!(RecordId::parse(&id.to_string()), Some(id));
        assert_eq!(RecordId::parse("rec123"), None);
        assert_eq!(RecordId::parse("tbl00000000000000"), None);
    }

    #[test]
    fn the_same_seed_gives_the_same_ids() {
        assert_eq!(Ids::new(7).fresh("tbl"), Ids::new(7).fresh("tbl"));
        assert!(is_id("tbl", &Ids::new(7).fresh("tbl")));
        assert!(!is_id("tbl", "Vendors"));
    }
}
