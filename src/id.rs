//! Ids as Airtable makes them: letters and digits.
//!
//! Invariant: what comes as an id from outside is checked where it is read, because ids become parts of addresses, of paths
//! and of formulas, and lines of files.
//!
//! | file | is |
//! |---|---|
//! | `record` | ids of records as numbers |

use std::collections::HashMap;

use serde::{Deserialize, Deserializer};

pub(crate) mod record;

/// Airtable's are of 8 to 18 characters, and it promises no length.
const LONGEST: usize = 64;

/// Whether a text can be an id.
pub(crate) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Why a text is none.
pub(crate) fn no_id(text: &str) -> String {
    let start: String = text.chars().take(LONGEST).collect();
    format!("{start:?} is no id: ids have letters and digits only, and at most {LONGEST} of them")
}

/// Reads an id, for serde.
pub(crate) fn one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    checked(String::deserialize(deserializer)?)
}

/// Reads a list of ids, for serde.
pub(crate) fn several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Vec::<String>::deserialize(deserializer)?.into_iter().map(checked).collect()
}

/// Reads an object whose keys are ids, for serde.
pub(crate) fn keys<'de, D: Deserializer<'de>, V: Deserialize<'de>>(
    deserializer: D,
) -> Result<HashMap<String, V>, D::Error> {
    let object = HashMap::<String, V>::deserialize(deserializer)?;
    object.into_iter().map(|(id, value)| Ok((checked(id)?, value))).collect()
}

fn checked<E: serde::de::Error>(id: String) -> Result<String, E> {
    if is_id(&id) { Ok(id) } else { Err(E::custom(no_id(&id))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Ids {
        #[serde(deserialize_with = "one")]
        id: String,
        #[serde(deserialize_with = "several")]
        list: Vec<String>,
        #[serde(deserialize_with = "keys")]
        by_id: HashMap<String, u8>,
    }

    #[test]
    fn ids_have_letters_and_digits_only() {
        let long = "a".repeat(LONGEST + 1);
        for (text, expected) in [
            ("rec0123456789abcd", true),
            ("x", true),
            ("", false),
            ("..", false),
            ("rec/../x", false),
            ("rec'", false),
            ("rec\\", false),
            ("rec\n", false),
            ("rec\0", false),
            ("rec x", false),
            ("réc", false),
            (&*long, false),
        ] {
            assert_eq!(is_id(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_read_is_checked_wherever_it_stands() {
        let ids: Ids = serde_json::from_str(r#"{"id":"a","list":["b"],"by_id":{"c":1}}"#).expect("ids");
        assert_eq!((&*ids.id, &*ids.list, ids.by_id["c"]), ("a", &["b".to_owned()][..], 1));
        for text in [
            r#"{"id":"../a","list":["b"],"by_id":{"c":1}}"#,
            r#"{"id":"a","list":["b","/"],"by_id":{"c":1}}"#,
            r#"{"id":"a","list":["b"],"by_id":{"c\n":1}}"#,
        ] {
            let error = serde_json::from_str::<Ids>(text).expect_err("no id").to_string();
            assert!(error.contains("is no id: ids have letters and digits only"), "{error}");
        }
    }
}
