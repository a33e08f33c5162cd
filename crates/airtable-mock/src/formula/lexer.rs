//! Formula text to tokens.
//!
//! There are no comments, no exponents, and only straight quotes, as in Airtable; whatever is not a token makes the
//! whole formula invalid, which is the only error.

use super::expression::Operator;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token<'a> {
    Number(f64),
    Text(String),
    /// A field between braces, unescaped.
    Braced(String),
    /// A one-word field, or the name of a function if a parenthesis follows.
    Word(&'a str),
    Operator(Operator),
    Open,
    Close,
    Comma,
}

/// The tokens of `text`, or nothing if something in it is no token.
pub(super) fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut rest = text.trim_start();
    let mut tokens = Vec::new();
    while !rest.is_empty() {
        let (token, after) = next(rest)?;
        tokens.push(token);
        rest = after.trim_start();
    }
    Some(tokens)
}

fn next(text: &str) -> Option<(Token<'_>, &str)> {
    let first = text.chars().next()?;
    match first {
        '"' | '\'' => quoted(&text[1..], first),
        '{' => braced(&text[1..]),
        '0'..='9' | '.' => number(text),
        _ if is_word(first) => {
            let end = text.find(|c| !is_word(c)).unwrap_or(text.len());
            Some((Token::Word(&text[..end]), &text[end..]))
        }
        _ => symbol(text),
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn symbol(text: &str) -> Option<(Token<'_>, &str)> {
    // Longer symbols first: `<=` is not `<` and then a stray `=`.
    let symbols = [
        ("!=", Token::Operator(Operator::NotEqual)),
        ("<=", Token::Operator(Operator::AtMost)),
        (">=", Token::Operator(Operator::AtLeast)),
        ("=", Token::Operator(Operator::Equal)),
        ("<", Token::Operator(Operator::Less)),
        (">", Token::Operator(Operator::More)),
        ("&", Token::Operator(Operator::Join)),
        ("+", Token::Operator(Operator::Plus)),
        ("-", Token::Operator(Operator::Minus)),
        ("*", Token::Operator(Operator::Times)),
        ("/", Token::Operator(Operator::Over)),
        ("(", Token::Open),
        (")", Token::Close),
        (",", Token::Comma),
    ];
    symbols.into_iter().find_map(|(symbol, token)| Some((token, text.strip_prefix(symbol)?)))
}

fn number(text: &str) -> Option<(Token<'_>, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    // `1.` and `1abc` are typing errors, not a number and something else.
    if digits.ends_with('.') || rest.starts_with(is_word) {
        return None;
    }
    Some((Token::Number(digits.parse().ok()?), rest))
}

/// The text up to the closing quote. A backslash before anything but a quote, a backslash, `n`, `t` or `r` stays, so
/// that `"\d+"` is a pattern (unconfirmed).
fn quoted(text: &str, quote: char) -> Option<(Token<'_>, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        if c == quote {
            return Some((Token::Text(value), &text[at + 1..]));
        }
        if c != '\\' {
            value.push(c);
            continue;
        }
        match characters.next()?.1 {
            'n' => value.push('\n'),
            't' => value.push('\t'),
            'r' => value.push('\r'),
            escaped @ ('"' | '\'' | '\\') => value.push(escaped),
            other => value.extend(['\\', other]),
        }
    }
    None
}

/// The field name up to the closing brace. `\}` is a brace of the name; Airtable cannot refer to a name with more than
/// one, so neither can the mock.
fn braced(text: &str) -> Option<(Token<'_>, &str)> {
    let mut name = String::new();
    let mut escapes = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        match c {
            '}' if name.is_empty() => return None,
            '}' => return Some((Token::Braced(name), &text[at + 1..])),
            '\\' if characters.next_if(|(_, next)| *next == '}').is_some() => {
                escapes += 1;
                if escapes > 1 {
                    return None;
                }
                name.push('}');
            }
            _ => name.push(c),
        }
    }
    None
}
