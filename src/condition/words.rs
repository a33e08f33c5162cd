//! A condition's text -> its words, each with the byte at which it begins.
//!
//! Invariant: what is quoted ends where it is closed and nowhere else, whatever stands in it.

use super::fault::Fault;

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// A name or a word of the language.
    Bare(String),
    /// A name in back-ticks or double quotes.
    Quoted(String),
    /// A text in single quotes.
    Text(String),
    /// As it is written, with its suffix.
    Number(String),
    Symbol(&'static str),
}

/// The longer ones first.
const SYMBOLS: [&str; 26] = [
    "<=>", "<=", ">=", "<>", "!=", "==", "||", "&&", "=", "<", ">", "!", "(", ")", ",", "-", "+", "*", "/", "%", ".",
    ";", ":", "&", "|", "?",
];

/// The words of a text.
pub(super) fn words(text: &str) -> Result<Vec<(usize, Word)>, Fault> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (word, length) = word(text, at, first)?;
        words.push((at, word));
        at += length;
    }
    Ok(words)
}

/// The word that begins at a byte, and how many bytes it has.
fn word(text: &str, at: usize, first: char) -> Result<(Word, usize), Fault> {
    let rest = &text[at..];
    match first {
        '\'' => {
            let (inside, length) = quoted_text(rest).ok_or_else(|| {
                Fault::new(at, "a text that is not closed: end it with ', and write a quote inside it as '' or \\'")
            })?;
            return Ok((Word::Text(unescaped(&inside).map_err(|said| Fault::new(at, said))?), length));
        }
        '`' | '"' => {
            let (name, length) = quoted_name(rest, first)
                .ok_or_else(|| Fault::new(at, format!("a name that is not closed: end it with {first}")))?;
            return Ok((Word::Quoted(name), length));
        }
        _ => {}
    }
    let is_number = first.is_ascii_digit() || first == '.' && rest[1..].starts_with(|next: char| next.is_ascii_digit());
    if is_number {
        let length = number_length(rest);
        return Ok((Word::Number(rest[..length].to_owned()), length));
    }
    if is_of_name(first) {
        let length = rest.find(|c: char| !is_of_name(c)).unwrap_or(rest.len());
        return Ok((Word::Bare(rest[..length].to_owned()), length));
    }
    if rest.starts_with("--") || rest.starts_with("/*") {
        return Err(Fault::new(at, "comments have no place in a condition: leave it out"));
    }
    match SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol)) {
        Some(symbol) => Ok((Word::Symbol(symbol), symbol.len())),
        None => Err(Fault::new(
            at,
            "a character that has no meaning here: names of columns with such characters go into back-ticks, texts into \
             single quotes",
        )),
    }
}

fn is_of_name(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// Digits, a point, an exponent, and whatever letters follow at once.
fn number_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut length = 0;
    while let Some(&byte) = bytes.get(length) {
        let is_sign = matches!(byte, b'+' | b'-')
            && matches!(bytes[length - 1], b'e' | b'E')
            && bytes.get(length + 1).is_some_and(u8::is_ascii_digit)
            && bytes[..length - 1].iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
        if !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_') || is_sign) {
            break;
        }
        length += 1;
    }
    length
}

/// What stands in single quotes, its escapes as they are, and how many bytes it has with its quotes. A doubled quote is
/// one of the text.
fn quoted_text(rest: &str) -> Option<(String, usize)> {
    let mut inside = String::new();
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        match c {
            '\'' if characters.next_if(|(_, next)| *next == '\'').is_some() => inside.push_str("\\'"),
            '\'' => return Some((inside, at + 1)),
            '\\' => inside.extend(['\\', characters.next()?.1]),
            c => inside.push(c),
        }
    }
    None
}

fn quoted_name(rest: &str, quote: char) -> Option<(String, usize)> {
    let mut name = String::new();
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if c != quote {
            name.push(c);
        } else if characters.next_if(|(_, next)| *next == quote).is_some() {
            name.push(quote);
        } else {
            return Some((name, at + 1));
        }
    }
    None
}

/// A text without its escapes, as Spark's `unescapeSQLString` reads them: those of patterns stay.
fn unescaped(inside: &str) -> Result<String, &'static str> {
    const NO_CHARACTER: &str = "a text with an escape that stands for no character: write the character itself";
    let mut text = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let escape = &rest[at + 1..];
        let Some(first) = escape.chars().next() else { break };
        if let Some((number, length)) = numbered(escape) {
            text.push(number.ok_or(NO_CHARACTER)?);
            rest = &escape[length..];
            continue;
        }
        match first {
            '0' => text.push('\0'),
            'b' => text.push('\u{8}'),
            'n' => text.push('\n'),
            'r' => text.push('\r'),
            't' => text.push('\t'),
            'Z' => text.push('\u{1a}'),
            '%' | '_' => text.extend(['\\', first]),
            other => text.push(other),
        }
        rest = &escape[first.len_utf8()..];
    }
    text.push_str(rest);
    Ok(text)
}

/// The character of an escape by its number, none where that is no character's, and how long the escape is: `u` and four
/// digits, `U` and eight, or three of octal.
fn numbered(escape: &str) -> Option<(Option<char>, usize)> {
    let digits = |from: usize, length: usize, radix: u32| {
        let digits = escape.get(from..from + length)?;
        digits.bytes().all(|byte| char::from(byte).is_digit(radix)).then(|| u32::from_str_radix(digits, radix).ok())?
    };
    let (number, length) = match escape.as_bytes().first()? {
        b'u' => (digits(1, 4, 16)?, 5),
        b'U' => (digits(1, 8, 16)?, 9),
        b'0' | b'1' => (digits(0, 3, 8)?, 3),
        _ => return None,
    };
    Some((char::from_u32(number), length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_its_words() {
        let of = |text: &str| words(text).expect("words").into_iter().map(|(_, word)| word).collect::<Vec<_>>();
        let bare = |name: &str| Word::Bare(name.into());
        let text = |text: &str| Word::Text(text.into());
        let number = |text: &str| Word::Number(text.into());
        for (given, expected) in [
            ("a>=1", vec![bare("a"), Word::Symbol(">="), number("1")]),
            ("a<>-.5e-3D", vec![bare("a"), Word::Symbol("<>"), Word::Symbol("-"), number(".5e-3D")]),
            ("5-3", vec![number("5"), Word::Symbol("-"), number("3")]),
            ("1e5+2", vec![number("1e5"), Word::Symbol("+"), number("2")]),
            ("größe_2 ", vec![bare("größe_2")]),
            ("`a``b` \"c\"\"d\"", vec![Word::Quoted("a`b".into()), Word::Quoted("c\"d".into())]),
            (r"'it''s' 'it\'s'", vec![text("it's"), text("it's")]),
            (r"'\n\t\\\%\_\a\u00e9\U0001F600\101'", vec![text("\n\t\\\\%\\_aé😀A")]),
            (r"'\0\08'", vec![text("\0\08")]),
            ("'\u{7d}{'", vec![text("}{")]),
            ("''", vec![text("")]),
            ("", vec![]),
        ] {
            assert_eq!(of(given), expected, "{given}");
        }
    }

    #[test]
    fn what_is_not_closed_is_told_where_it_begins() {
        for (text, at) in
            [("a = 'b", 4), ("`a", 0), ("\"a", 0), (r"'\'", 0), ("a = 1 -- b", 6), ("a # b", 2), ("'''", 0)]
        {
            assert_eq!(words(text).expect_err("a fault").at, at, "{text}");
        }
        assert!(words(r"'\ud800'").is_err(), "half of a character");
    }
}
