//! Cells -> columns of texts, where that takes more than a text: halves of surrogate pairs, JSON as it was sent, and several
//! values side by side.
//!
//! Invariant: each function appends exactly one entry, and tells the misfit of which the raw cell has more.

use std::borrow::Cow;

use arrow::array::StringBuilder;

use crate::columns::marker::{Marker, Misfit};
use crate::json::{Json, Kind, NotJson, Unescaped, without_halves};

/// Between texts that Airtable shows side by side.
const SEPARATOR: &str = ", ";

/// Appends a text, with U+FFFD where half a surrogate pair is no character.
#[inline]
pub(super) fn put_text(builder: &mut StringBuilder, text: Unescaped<'_>) -> Option<Misfit> {
    builder.append_value(text.text);
    (!text.is_whole).then_some(Misfit::HalfCharacter)
}

/// Appends JSON as it was sent, but for halves of surrogate pairs, which many readers of JSON refuse.
pub(super) fn put_json(builder: &mut StringBuilder, raw: &str) -> Option<Misfit> {
    let mended = without_halves(raw);
    builder.append_value(&mended);
    matches!(mended, Cow::Owned(_)).then_some(Misfit::HalfCharacter)
}

/// Appends the texts and numbers of an array's items, nulls not among them, side by side, as Airtable shows them. With
/// `any_kind` truths are texts, too, and an array with objects is its JSON.
pub(super) fn put_joined(
    builder: &mut StringBuilder,
    items: &[&str],
    any_kind: bool,
    array: &str,
) -> Result<Option<Misfit>, NotJson> {
    let mut joined: Option<String> = None;
    let mut is_whole = true;
    for item in items {
        let mut json = Json::new(item);
        let text = match json.kind() {
            Kind::Text => {
                let text = json.text()?;
                is_whole &= text.is_whole;
                text.text
            }
            Kind::Object => match Marker::of(item) {
                Marker::None if any_kind => return Ok(put_json(builder, array)),
                marker => {
                    builder.append_null();
                    return Ok(Some(marker.misfit()));
                }
            },
            Kind::Number => item,
            _ if any_kind => item,
            _ => {
                builder.append_null();
                return Ok(Some(Misfit::Unfit));
            }
        };
        match &mut joined {
            None => joined = Some(text.to_owned()),
            Some(joined) => joined.extend([SEPARATOR, text]),
        }
    }
    builder.append_option(joined);
    Ok((!is_whole).then_some(Misfit::HalfCharacter))
}

/// The items of an array and of the arrays in it, in their order, each as its JSON text.
pub(super) fn flat_items(array: &str) -> Result<Vec<&str>, NotJson> {
    let mut json = Json::new(array);
    let mut items = Vec::new();
    let mut depth = 0_usize;
    loop {
        if json.kind() != Kind::Array {
            items.push(json.skip()?);
        } else if json.open_array()? {
            depth += 1;
            continue;
        }
        while depth > 0 && !json.next_in_array()? {
            depth -= 1;
        }
        if depth == 0 {
            return Ok(items);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_in_arrays_are_flat() {
        for (array, expected) in [
            ("[]", &[][..]),
            ("[[],[[]]]", &[]),
            ("[ 5 ]", &["5"]),
            (r#"[[1,"a"],[],[[{"b":[2]}]],null]"#, &["1", r#""a""#, r#"{"b":[2]}"#, "null"]),
        ] {
            assert_eq!(flat_items(array).as_deref(), Ok(expected), "{array}");
        }
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(flat_items(&deep), Ok(vec!["1"]));
    }
}
