//! Strings: their end is found eight bytes at a time; escapes are undone only where there are any.

use std::borrow::Cow;

use super::NotJson;

/// A string, as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Text<'a> {
    /// Between the quotes.
    raw: &'a str,
    has_escapes: bool,
}

impl<'a> Text<'a> {
    /// The string whose opening quote is just before the text.
    #[inline]
    pub(super) fn at_start_of(text: &'a str) -> Result<Self, NotJson> {
        let bytes = text.as_bytes();
        let end = plain_end(bytes, 0);
        if bytes.get(end) == Some(&b'"') {
            return Ok(Self { raw: &text[..end], has_escapes: false });
        }
        let end = escaped_end(bytes, end)?;
        Ok(Self { raw: &text[..end], has_escapes: true })
    }

    /// What is between the quotes.
    pub(crate) fn raw(&self) -> &'a str {
        self.raw
    }

    /// The text that the string stands for; `None` where it has half a surrogate pair, which stands for none.
    pub(crate) fn unescaped(&self) -> Option<Cow<'a, str>> {
        let mut memory = String::new();
        let is_whole = self.unescaped_in(&mut memory).is_whole;
        is_whole.then_some(if self.has_escapes { Cow::Owned(memory) } else { Cow::Borrowed(self.raw) })
    }

    /// The same, in a memory that is used again and again, where it is not there to be borrowed.
    #[inline]
    pub(super) fn unescaped_in<'t>(&self, memory: &'t mut String) -> Unescaped<'t>
    where
        'a: 't,
    {
        if !self.has_escapes {
            return Unescaped { text: self.raw, is_whole: true };
        }
        memory.clear();
        let is_whole = unescape(self.raw, memory);
        Unescaped { text: memory, is_whole }
    }
}

/// What a string stands for. U+FFFD stands where half a surrogate pair is no character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unescaped<'t> {
    pub(crate) text: &'t str,
    /// The string has no such half.
    pub(crate) is_whole: bool,
}

/// The same JSON with U+FFFD for each half of a surrogate pair, which serde and other readers of JSON refuse. Borrowed
/// where there is none.
pub(crate) fn without_halves(json: &str) -> Cow<'_, str> {
    let mut mended: Option<Vec<u8>> = None;
    let mut at = 0;
    while let Some(found) = json[at..].find('\\') {
        at += found;
        let length = match Escape::at_start_of(&json[at + 1..]) {
            Some(Escape::Character(_, length)) => length,
            Some(Escape::Half) => {
                let mended = mended.get_or_insert_with(|| json.as_bytes().to_vec());
                mended[at..at + 6].copy_from_slice(b"\\ufffd");
                5
            }
            // No JSON: whoever reads it says so.
            None => return Cow::Borrowed(json),
        };
        at += 1 + length;
    }
    // Of ASCII, and as long as what was there.
    mended.and_then(|bytes| String::from_utf8(bytes).ok()).map_or(Cow::Borrowed(json), Cow::Owned)
}

/// Where the bytes that stand for themselves end: before a quote, a backslash or a control character.
#[inline]
fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::MAX / 255;
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let chunk = u64::from_le_bytes(*chunk);
        // The highest bit of each byte that is sought: a byte from which more is taken than it holds. A borrow can reach
        // only bytes above such a one, and the lowest is what is asked for.
        let below = |limit: u8, chunk: u64| chunk.wrapping_sub(ONES * u64::from(limit)) & !chunk;
        let is = |byte: u8| below(1, chunk ^ (ONES * u64::from(byte)));
        let found = (below(b' ', chunk) | is(b'"') | is(b'\\')) & (ONES << 7);
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..b' ')).unwrap_or(rest.len())
}

/// Where the string's closing quote is.
#[inline(never)]
fn escaped_end(bytes: &[u8], mut at: usize) -> Result<usize, NotJson> {
    loop {
        at = plain_end(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return Ok(at),
            Some(b'\\') => at += escape_length(&bytes[at..]).ok_or(NotJson)?,
            _ => return Err(NotJson),
        }
    }
}

fn escape_length(bytes: &[u8]) -> Option<usize> {
    match bytes.get(1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
        b'u' => bytes.get(2..6)?.iter().all(u8::is_ascii_hexdigit).then_some(6),
        _ => None,
    }
}

/// Undoes the escapes; false where one is half a surrogate pair.
fn unescape(raw: &str, out: &mut String) -> bool {
    let mut rest = raw;
    let mut is_whole = true;
    loop {
        // Only backslashes stop it: quotes and control characters are not in here.
        let (plain, escaped) = rest.split_at(plain_end(rest.as_bytes(), 0));
        out.push_str(plain);
        let Some(escape) = escaped.strip_prefix('\\') else {
            return is_whole;
        };
        let (character, length) = match Escape::at_start_of(escape) {
            Some(Escape::Character(character, length)) => (character, length),
            Some(Escape::Half) => {
                is_whole = false;
                (char::REPLACEMENT_CHARACTER, 5)
            }
            // No string: its end would not have been found.
            None => return false,
        };
        out.push(character);
        rest = &escape[length..];
    }
}

/// What follows a backslash.
enum Escape {
    /// A character, and how long its escape is, without the backslash.
    Character(char, usize),
    /// Half a pair of surrogates, in `uXXXX`.
    Half,
}

impl Escape {
    fn at_start_of(escape: &str) -> Option<Self> {
        let character = match escape.as_bytes().first()? {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return Self::of_code_units(escape),
            itself if itself.is_ascii() => char::from(*itself),
            _ => return None,
        };
        Some(Self::Character(character, 1))
    }

    /// The character of `uXXXX`, or of a pair of surrogates.
    fn of_code_units(escape: &str) -> Option<Self> {
        let unit = |at: usize| u32::from_str_radix(escape.get(at..at + 4)?, 16).ok();
        let first = unit(1)?;
        let low = || unit(7).filter(|low| escape.get(5..7) == Some("\\u") && (0xDC00..=0xDFFF).contains(low));
        let pair = |low: u32| char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (low - 0xDC00));
        Some(match first {
            0xD800..=0xDBFF => low().and_then(pair).map_or(Self::Half, |character| Self::Character(character, 11)),
            _ => char::from_u32(first).map_or(Self::Half, |character| Self::Character(character, 5)),
        })
    }
}
