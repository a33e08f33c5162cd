//! Cells of payloads in the form that records have them in, as JSON. Pure.
//!
//! Payloads tell more of selects, links, lookups and people than records do. Airtable's page on cells has both forms.
//!
//! Invariant: what has not the documented form of payloads stays as it came. Numbers and texts keep the characters that came.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::scan::LoggedField;

/// A choice of a select, or a linked record: the one is told by its name, the other by its id.
#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
}

/// A person, or a group of them.
#[derive(Deserialize)]
struct Person<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(borrow)]
    email: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
}

/// A lookup: the values by the records that they come from.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lookup<'a> {
    linked_record_ids: Vec<String>,
    #[serde(borrow)]
    values_by_linked_record_id: HashMap<String, Option<&'a RawValue>>,
}

/// What one value of a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Choice,
    Link,
    Person,
    /// The same in both.
    Same,
}

impl Form {
    /// That of the values, or of the items, of a type's cells.
    fn of(kind: &str) -> Self {
        match kind {
            "singleSelect" | "externalSyncSource" | "multipleSelects" => Self::Choice,
            "multipleRecordLinks" => Self::Link,
            "singleCollaborator" | "createdBy" | "lastModifiedBy" | "multipleCollaborators" => Self::Person,
            _ => Self::Same,
        }
    }

    fn one(self, raw: &RawValue) -> String {
        let text = raw.get();
        let converted = match self {
            Self::Same => None,
            Self::Choice => object::<Named>(text).and_then(|choice| choice.name.filter(is_text)).map(own),
            Self::Link => object::<Named>(text).map(|link| link.id).filter(is_text).map(own),
            Self::Person => object::<Person>(text).map(|person| person.as_in_records()),
        };
        converted.unwrap_or_else(|| text.to_owned())
    }
}

impl Person<'_> {
    fn as_in_records(&self) -> String {
        let rest =
            [("email", self.email), ("name", self.name)].into_iter().filter_map(|(key, value)| Some((key, value?)));
        let told: Vec<String> = std::iter::once(("id", self.id))
            .chain(rest)
            .map(|(key, value)| format!("\"{key}\":{}", value.get()))
            .collect();
        format!("{{{}}}", told.join(","))
    }
}

/// Whether it is what records leave out: an empty cell.
pub(super) fn is_empty(field: Option<&LoggedField>, raw: &RawValue) -> bool {
    match raw.get() {
        "null" | "\"\"" | "[]" => true,
        "false" => field.is_some_and(|field| field.kind == "checkbox"),
        _ => false,
    }
}

/// A cell as records have it; none where it is empty. Of a field that is not known it is what payloads have.
pub(super) fn as_in_records(field: Option<&LoggedField>, raw: &RawValue) -> Option<String> {
    if is_empty(field, raw) {
        return None;
    }
    let Some(field) = field else { return Some(raw.get().to_owned()) };
    let result = Form::of(field.result.as_deref().unwrap_or_default());
    match field.kind.as_str() {
        "multipleLookupValues" | "lookup" => lookup(raw, result),
        // Payloads have these in any form.
        "rollup" => Some(values(raw, result)),
        kind => Some(values(raw, Form::of(kind))),
    }
}

/// One value, or each of several.
fn values(raw: &RawValue, form: Form) -> String {
    if form == Form::Same {
        return raw.get().to_owned();
    }
    items(raw).map_or_else(|| form.one(raw), |items| list(items.into_iter().map(|item| form.one(item))))
}

/// The values of all records that a lookup is of, one after the other.
fn lookup(raw: &RawValue, form: Form) -> Option<String> {
    let Some(lookup) = object::<Lookup>(raw.get()) else { return Some(values(raw, form)) };
    let by_record = lookup.linked_record_ids.iter();
    let of_record = by_record.filter_map(|id| lookup.values_by_linked_record_id.get(id).copied().flatten());
    let flat: Vec<&RawValue> = of_record.flat_map(flat_items).collect();
    (!flat.is_empty()).then(|| list(flat.into_iter().map(|item| form.one(item))))
}

/// Lists in lists are one list in records.
fn flat_items(raw: &RawValue) -> Vec<&RawValue> {
    match items(raw) {
        None => vec![raw],
        Some(some) => some.into_iter().flat_map(|item| items(item).unwrap_or_else(|| vec![item])).collect(),
    }
}

fn items(raw: &RawValue) -> Option<Vec<&RawValue>> {
    if raw.get().starts_with('[') { serde_json::from_str(raw.get()).ok() } else { None }
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    if text.starts_with('{') { serde_json::from_str(text).ok() } else { None }
}

fn is_text(raw: &&RawValue) -> bool {
    raw.get().starts_with('"')
}

fn own(raw: &RawValue) -> String {
    raw.get().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn converted(kind: &str, result: Option<&str>, cell: &str) -> Option<String> {
        let field =
            LoggedField { id: "fldA".into(), name: "A".into(), kind: kind.into(), result: result.map(str::to_owned) };
        let raw: &RawValue = serde_json::from_str(cell).expect("JSON");
        as_in_records(Some(&field), raw)
    }

    #[test]
    fn cells_get_the_form_of_records() {
        let person = json!({"id": "usrA", "email": "a@example.com", "name": "A \"B\"", "permissionLevel": "create",
            "profilePicUrl": "https://example.com/a.png"});
        let as_person = json!({"id": "usrA", "email": "a@example.com", "name": "A \"B\""});
        let group = json!({"id": "ugpA", "name": "All", "permissionLevel": "edit"});
        let red = json!({"id": "selA", "name": "Red", "color": "redBright"});
        let plain = json!({"id": "selB", "name": "Plain"});
        let link = |id: &str| json!({"id": id, "name": "a name"});
        let lookup =
            |values: Value| json!({"linkedRecordIds": ["rec2", "rec1", "rec3"], "valuesByLinkedRecordId": values});
        for (kind, result, cell, expected) in [
            ("singleSelect", None, red.clone(), json!("Red")),
            ("externalSyncSource", None, plain.clone(), json!("Plain")),
            ("singleSelect", None, json!("Red"), json!("Red")),
            ("multipleSelects", None, json!([red, plain, "Old"]), json!(["Red", "Plain", "Old"])),
            ("multipleRecordLinks", None, json!([link("rec1"), link("rec2"), "rec3"]), json!(["rec1", "rec2", "rec3"])),
            ("singleCollaborator", None, person.clone(), as_person.clone()),
            ("createdBy", None, person.clone(), as_person.clone()),
            ("lastModifiedBy", None, group.clone(), json!({"id": "ugpA", "name": "All"})),
            ("multipleCollaborators", None, json!([person, group]), json!([as_person, {"id": "ugpA", "name": "All"}])),
            (
                "multipleLookupValues",
                Some("number"),
                lookup(json!({"rec1": [1, 2.5], "rec2": [3]})),
                json!([3, 1, 2.5]),
            ),
            ("lookup", Some("number"), lookup(json!({"rec1": 1, "rec2": null, "rec9": [7]})), json!([1])),
            (
                "multipleLookupValues",
                Some("singleSelect"),
                lookup(json!({"rec1": [red], "rec2": [plain, "Old"]})),
                json!(["Plain", "Old", "Red"]),
            ),
            (
                "multipleLookupValues",
                Some("multipleRecordLinks"),
                lookup(json!({"rec1": [[link("recA")], [link("recB")]], "rec2": ["recC"]})),
                json!(["recC", "recA", "recB"]),
            ),
            ("multipleLookupValues", Some("singleCollaborator"), lookup(json!({"rec1": [person]})), json!([as_person])),
            (
                "multipleLookupValues",
                None,
                lookup(json!({"rec1": [{"error": "#ERROR!"}]})),
                json!([{"error": "#ERROR!"}]),
            ),
            // As records have them.
            ("multipleLookupValues", Some("singleSelect"), json!(["Red", null]), json!(["Red", null])),
            ("rollup", Some("number"), json!(5), json!(5)),
            ("rollup", Some("singleSelect"), json!([red]), json!(["Red"])),
            ("formula", Some("singleLineText"), json!({"specialValue": "NaN"}), json!({"specialValue": "NaN"})),
            ("multipleAttachments", None, json!([{"id": "attA", "url": "u"}]), json!([{"id": "attA", "url": "u"}])),
            ("barcode", None, json!({"text": "1", "type": "upce"}), json!({"text": "1", "type": "upce"})),
            ("checkbox", None, json!(true), json!(true)),
            // Not of the documented form.
            ("singleSelect", None, json!({"name": "Red"}), json!({"name": "Red"})),
            ("singleSelect", None, json!({"id": "selA", "name": 5}), json!({"id": "selA", "name": 5})),
            ("multipleRecordLinks", None, json!([{"name": "a"}, 5]), json!([{"name": "a"}, 5])),
            ("singleCollaborator", None, json!({"email": "a"}), json!({"email": "a"})),
            ("multipleLookupValues", None, json!({"linkedRecordIds": 5}), json!({"linkedRecordIds": 5})),
            ("hologram", None, red.clone(), red.clone()),
        ] {
            let text = converted(kind, result, &cell.to_string()).expect("a value");
            let value: Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(value, expected, "{kind} {cell}");
        }
    }

    #[test]
    fn characters_stay() {
        for (kind, cell, expected) in [
            ("number", "1.50", "1.50"),
            ("number", "12345678901234567890123", "12345678901234567890123"),
            ("singleSelect", r#"{"id":"selA","name":"\u0041 b"}"#, r#""\u0041 b""#),
            (
                "multipleLookupValues",
                r#"{"linkedRecordIds":["r"],"valuesByLinkedRecordId":{"r":[1.0,1e3]}}"#,
                "[1.0,1e3]",
            ),
        ] {
            assert_eq!(converted(kind, None, cell).as_deref(), Some(expected), "{kind} {cell}");
        }
    }

    #[test]
    fn empty_cells_are_none() {
        for (kind, cell, expected) in [
            ("singleLineText", "\"\"", None),
            ("multipleSelects", "[]", None),
            ("number", "null", None),
            ("checkbox", "false", None),
            ("formula", "false", Some("false")),
            ("number", "0", Some("0")),
            ("multipleLookupValues", r#"{"linkedRecordIds":[],"valuesByLinkedRecordId":{}}"#, None),
            ("multipleLookupValues", r#"{"linkedRecordIds":["rec1"],"valuesByLinkedRecordId":{"rec1":[]}}"#, None),
        ] {
            assert_eq!(converted(kind, None, cell).as_deref(), expected, "{kind} {cell}");
        }
        let raw: &RawValue = serde_json::from_str(r#"{"id":"selA","name":"Red"}"#).expect("JSON");
        assert_eq!(as_in_records(None, raw).as_deref(), Some(raw.get()), "of a field that nobody knows");
    }
}
