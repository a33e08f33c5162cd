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

    /// The text that the string stands for; `None` where it stands for none, as half a surrogate pair does.
    pub(crate) fn unescaped(&self) -> Option<Cow<'a, str>> {
        let mut memory = String::new();
        self.unescaped_in(&mut memory)?;
        Some(if self.has_escapes { Cow::Owned(memory) } else { Cow::Borrowed(self.raw) })
    }

    /// The same, in a memory that is used again and again, where it is not there to be borrowed.
    #[inline]
    pub(super) fn unescaped_in<'t>(&self, memory: &'t mut String) -> Option<&'t str>
    where
        'a: 't,
    {
        if !self.has_escapes {
            return Some(self.raw);
        }
        memory.clear();
        unescape(self.raw, memory)?;
        Some(memory)
    }
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

fn unescape(raw: &str, out: &mut String) -> Option<()> {
    let mut rest = raw;
    loop {
        // Only backslashes stop it: quotes and control characters are not in here.
        let (plain, escaped) = rest.split_at(plain_end(rest.as_bytes(), 0));
        out.push_str(plain);
        let Some(escape) = escaped.strip_prefix('\\') else {
            return Some(());
        };
        let (character, length) = match escape.as_bytes().first()? {
            b'b' => ('\u{8}', 1),
            b'f' => ('\u{c}', 1),
            b'n' => ('\n', 1),
            b'r' => ('\r', 1),
            b't' => ('\t', 1),
            b'u' => code_point(escape)?,
            itself => (char::from(*itself), 1),
        };
        out.push(character);
        rest = &escape[length..];
    }
}

/// The character of `uXXXX`, or of a pair of surrogates, and how long that is.
fn code_point(escape: &str) -> Option<(char, usize)> {
    let unit = |at: usize| u32::from_str_radix(escape.get(at..at + 4)?, 16).ok();
    match unit(1)? {
        high @ 0xD800..=0xDBFF => {
            let low = unit(7).filter(|low| escape.get(5..7) == Some("\\u") && (0xDC00..=0xDFFF).contains(low))?;
            Some((char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00))?, 11))
        }
        unit => Some((char::from_u32(unit)?, 5)),
    }
}
