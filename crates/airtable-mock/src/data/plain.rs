//! Cells as a person would read them.

use serde_json::Value as Json;

/// The text by which a person would read a cell.
pub(crate) fn plain_text(json: &Json) -> String {
    match json {
        Json::Null | Json::Bool(false) => String::new(),
        Json::Bool(true) => "checked".into(),
        Json::Number(number) => number.to_string(),
        Json::String(text) => text.clone(),
        Json::Array(items) => items.iter().map(plain_text).collect::<Vec<_>>().join(", "),
        Json::Object(object) => {
            let text = |key: &str| object.get(key).and_then(Json::as_str);
            if let (Some(name), Some(url)) = (text("filename"), text("url")) {
                return format!("{name} ({url})");
            }
            ["name", "text", "label", "value", "email", "error", "specialValue", "id"]
                .into_iter()
                .find_map(text)
                .unwrap_or_default()
                .to_owned()
        }
    }
}
