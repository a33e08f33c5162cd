//! JSON read in place: a position in a text that moves over one value, key or bracket at a time.
//!
//! Why not a library: what a cell is worth depends on its column, and a cell that does not fit is kept as it was written.
//! serde tells no position, so it reads each cell twice: to its end, to have its text, and again for its value. Libraries
//! that tell it bound the depth of what they skip, and Airtable bounds no formula's result.
//!
//! Invariants: what this accepts is what `serde_json` accepts; errors say no more than that, as `serde_json` can be asked
//! what is wrong. The position never goes past the end, and stands on ASCII or at the end. Nothing recurses.
//!
//! | file | is |
//! |---|---|
//! | `number`, `text` | the two kinds of values that are read further |

use std::borrow::Cow;

use serde::de::DeserializeOwned;

mod number;
mod text;

pub(crate) use number::Number;
pub(crate) use text::{Text, Unescaped, without_halves};

/// The text is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotJson;

type Result<T> = std::result::Result<T, NotJson>;

/// Reads a whole body by serde. A text with half a surrogate pair is read with U+FFFD in its place: one name of that kind
/// must not make all others unreadable.
pub(crate) fn from_body<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    match std::str::from_utf8(body) {
        Ok(text) => serde_json::from_str(&without_halves(text)),
        Err(_) => serde_json::from_slice(body),
    }
}

/// A whole body as a text for serde, with U+FFFD in the place of what is no text, and of half a surrogate pair.
pub(crate) fn text(body: &[u8]) -> Cow<'_, str> {
    match String::from_utf8_lossy(body) {
        Cow::Borrowed(text) => without_halves(text),
        Cow::Owned(text) => Cow::Owned(without_halves(&text).into_owned()),
    }
}

/// The length of Airtable's ids.
const ID: usize = 17;

/// What a value's first character tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Number,
    Text,
    Array,
    Object,
    /// No value begins here.
    None,
}

/// A position in a text.
pub(crate) struct Json<'a> {
    text: &'a str,
    at: usize,
    /// The closing brackets that `skip` has yet to find, and the last text with escapes: kept for their memory.
    closing: Vec<u8>,
    unescaped: String,
}

impl<'a> Json<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, closing: Vec::new(), unescaped: String::new() }
    }

    /// Where the next value begins, past whitespace.
    #[inline]
    pub(crate) fn position(&mut self) -> usize {
        self.peek();
        self.at
    }

    /// Goes to where `position` was.
    pub(crate) fn go_to(&mut self, position: usize) {
        self.at = position;
    }

    /// The text from a position to the end of what was read last.
    pub(crate) fn since(&self, position: usize) -> &'a str {
        &self.text[position..self.at]
    }

    /// What comes next.
    #[inline]
    pub(crate) fn kind(&mut self) -> Kind {
        match self.peek() {
            b'"' => Kind::Text,
            b'{' => Kind::Object,
            b'[' => Kind::Array,
            b't' | b'f' => Kind::Bool,
            b'n' => Kind::Null,
            b'-' | b'0'..=b'9' => Kind::Number,
            _ => Kind::None,
        }
    }

    /// Reads `null`.
    pub(crate) fn null(&mut self) -> Result<()> {
        self.word("null")
    }

    /// Reads `true` or `false`.
    #[inline]
    pub(crate) fn bool(&mut self) -> Result<bool> {
        let value = self.peek() == b't';
        self.word(if value { "true" } else { "false" }).map(|()| value)
    }

    /// Reads a number.
    #[inline]
    pub(crate) fn number(&mut self) -> Result<Number<'a>> {
        self.peek();
        let number = Number::at_start_of(&self.text[self.at..])?;
        self.at += number.raw().len();
        Ok(number)
    }

    /// Reads a string.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<Text<'a>> {
        self.expect(b'"')?;
        let text = Text::at_start_of(&self.text[self.at..])?;
        self.at += text.raw().len() + 1;
        Ok(text)
    }

    /// Reads a string as the text that it stands for.
    #[inline]
    pub(crate) fn text(&mut self) -> Result<Unescaped<'_>> {
        Ok(self.string()?.unescaped_in(&mut self.unescaped))
    }

    /// Reads a key and its colon.
    pub(crate) fn key(&mut self) -> Result<&str> {
        let key = self.string()?;
        self.expect(b':')?;
        Ok(key.unescaped_in(&mut self.unescaped).text)
    }

    /// Reads a key and its colon if they are just these, without escapes and whitespace.
    #[inline]
    pub(crate) fn is_key(&mut self, name: &str) -> bool {
        let name = name.as_bytes();
        let end = name.len() + 1;
        let Some((b'"', rest)) = self.text.as_bytes()[self.at..].split_first() else {
            return false;
        };
        if rest.get(end - 1..=end) != Some(b"\":") {
            return false;
        }
        // Of a length that the compiler knows, bytes are compared without a call: that of Airtable's ids.
        let is_key = match (name.first_chunk::<ID>(), rest.first_chunk::<ID>()) {
            (Some(name_as_id), Some(id)) if name.len() == ID => name_as_id == id,
            _ => rest.starts_with(name),
        };
        if is_key {
            self.at += end + 2;
        }
        is_key
    }

    /// Enters an object; false where it is empty, and left again.
    #[inline]
    pub(crate) fn open_object(&mut self) -> Result<bool> {
        self.open(b'{', b'}')
    }

    /// Goes on to the object's next key; false where there is none, and the object is left.
    #[inline]
    pub(crate) fn next_in_object(&mut self) -> Result<bool> {
        self.next(b'}')
    }

    /// Enters an array; false where it is empty, and left again.
    #[inline]
    pub(crate) fn open_array(&mut self) -> Result<bool> {
        self.open(b'[', b']')
    }

    /// Goes on to the array's next item; false where there is none, and the array is left.
    #[inline]
    pub(crate) fn next_in_array(&mut self) -> Result<bool> {
        self.next(b']')
    }

    /// Reads one value of any kind and depth; gives its text.
    pub(crate) fn skip(&mut self) -> Result<&'a str> {
        let start = self.position();
        self.closing.clear();
        loop {
            let closing = match self.kind() {
                Kind::Null => self.null().map(|()| None)?,
                Kind::Bool => self.bool().map(|_| None)?,
                Kind::Number => self.number().map(|_| None)?,
                Kind::Text => self.string().map(|_| None)?,
                Kind::Array => self.open_array()?.then_some(b']'),
                Kind::Object => self.open_object()?.then_some(b'}'),
                Kind::None => return Err(NotJson),
            };
            self.closing.extend(closing);
            if closing.is_none() && !self.leave()? {
                return Ok(self.since(start));
            }
            if self.closing.last() == Some(&b'}') {
                self.string()?;
                self.expect(b':')?;
            }
        }
    }

    /// Ends the text, which may have whitespace left.
    pub(crate) fn end(&mut self) -> Result<()> {
        if self.position() == self.text.len() { Ok(()) } else { Err(NotJson) }
    }

    /// After a value: goes to the next one, out of all containers that end here; false where the last has ended.
    fn leave(&mut self) -> Result<bool> {
        while let Some(&closing) = self.closing.last() {
            if self.next(closing)? {
                return Ok(true);
            }
            self.closing.pop();
        }
        Ok(false)
    }

    #[inline]
    fn open(&mut self, opening: u8, closing: u8) -> Result<bool> {
        self.expect(opening)?;
        let is_empty = self.peek() == closing;
        self.at += usize::from(is_empty);
        Ok(!is_empty)
    }

    #[inline]
    fn next(&mut self, closing: u8) -> Result<bool> {
        let next = self.peek();
        if next != b',' && next != closing {
            return Err(NotJson);
        }
        self.at += 1;
        Ok(next == b',')
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<()> {
        if self.peek() != byte {
            return Err(NotJson);
        }
        self.at += 1;
        Ok(())
    }

    #[inline]
    fn word(&mut self, word: &str) -> Result<()> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(NotJson);
        }
        self.at += word.len();
        Ok(())
    }

    /// The next byte that is no whitespace; 0, which JSON has no use for, at the end.
    #[inline]
    fn peek(&mut self) -> u8 {
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(byte) => return *byte,
                None => return 0,
            }
        }
    }
}

#[cfg(test)]
mod tests;
