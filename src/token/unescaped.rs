//! A text as it is without percent-encoding, with the places of its letters in the text as it was written.
//!
//! Only what a token can have is read so: visible ASCII. A `%252F` is read as `/`, too: addresses are encoded in addresses.

use std::borrow::Cow;

/// How often an encoding is encoded again, at most.
const DEEPEST: usize = 3;

/// A text to look for secrets in.
pub(super) struct Unescaped<'t> {
    pub(super) text: Cow<'t, str>,
    /// Where each byte of it was written, and where the whole ended; none where nothing was encoded.
    places: Option<Vec<usize>>,
}

impl<'t> Unescaped<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let mut read = Self { text: Cow::Borrowed(text), places: None };
        for _ in 0..DEEPEST {
            let Some((text, places)) = once(&read.text) else { break };
            let places = places.into_iter().map(|place| read.place(place)).collect();
            read = Self { text: Cow::Owned(text), places: Some(places) };
        }
        read
    }

    /// Where in the written text a byte of this one stands.
    pub(super) fn place(&self, at: usize) -> usize {
        self.places.as_ref().map_or(at, |places| places[at])
    }
}

/// The text with each encoded letter read once; nothing where there is none.
fn once(text: &str) -> Option<(String, Vec<usize>)> {
    let first = text.match_indices('%').find(|(at, _)| letter(&text[*at..]).is_some())?.0;
    let mut made = text[..first].to_owned();
    let mut places: Vec<usize> = (0..first).collect();
    let mut at = first;
    while let Some(c) = text[at..].chars().next() {
        let (c, written) = letter(&text[at..]).map_or((c, c.len_utf8()), |letter| (letter, 3));
        places.extend((0..c.len_utf8()).map(|byte| at + byte));
        made.push(c);
        at += written;
    }
    places.push(text.len());
    Some((made, places))
}

/// The letter that `%` and two digits at the beginning stand for.
fn letter(text: &str) -> Option<char> {
    let digits = text.strip_prefix('%')?.get(..2).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let byte = u8::from_str_radix(digits, 16).ok()?;
    byte.is_ascii_graphic().then_some(byte as char)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_read_and_keep_their_places() {
        for (written, expected, places) in [
            ("plain é", "plain é", None),
            ("100% of %zz", "100% of %zz", None),
            ("%20é%0A", "%20é%0A", None),
            ("a%2Fb", "a/b", Some(vec![0, 1, 4, 5])),
            ("é%2fé", "é/é", Some(vec![0, 1, 2, 5, 6, 7])),
            ("%252B!", "+!", Some(vec![0, 5, 6])),
            ("%70at", "pat", Some(vec![0, 3, 4, 5])),
        ] {
            let read = Unescaped::of(written);
            assert_eq!((read.text.as_ref(), read.places.clone()), (expected, places), "{written}");
        }
        assert_eq!(Unescaped::of("a%2Fb").place(2), 4);
    }
}
