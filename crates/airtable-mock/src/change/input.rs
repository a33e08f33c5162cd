//! What a client writes into a cell, turned into the cell.
//!
//! Without `typecast` each type accepts its own form only and refuses with 422; with it, text is converted,
//! unknown select options are added, and links are found (or made) by the linked record's name.

use serde_json::{Value, json};

use super::edit::edit_cell;
use super::record::create_record;
use crate::clock::parse_ms;
use crate::clock::{stamp, write_date};
use crate::compute::value::number_json;
use crate::data::base::Base;
use crate::data::cells::UNSIGNED;
use crate::data::field::Field;
use crate::data::id::RecordId;
use crate::data::index::{FieldIndex, TableIndex};
use crate::data::link::link_json;
use crate::data::plain::plain_text;
use crate::data::transaction::Transaction;
use crate::error::ApiError;

/// A cell to be written; `None` empties it.
pub(crate) type Cell = Option<Vec<u8>>;

/// Converts a value for the field `f` of table `t`.
///
/// # Errors
/// The 422 or 403 with which Airtable refuses such a value.
pub(crate) fn accept(
    base: &mut Base,
    tx: &mut Transaction,
    (t, f): (TableIndex, FieldIndex),
    value: &Value,
    typecast: bool,
    current: Option<&[u8]>,
) -> Result<Cell, ApiError> {
    let field = &base[t][f];
    if !field.is_writable() {
        return Err(ApiError::invalid(
            "INVALID_VALUE_FOR_COLUMN",
            format!("Field \"{}\" cannot accept a value because the field is computed", field.name),
        ));
    }
    if value.is_null() || value.as_str() == Some("") || value.as_array().is_some_and(Vec::is_empty) {
        return Ok(None);
    }
    let refuse = || {
        let message = format!("Field \"{}\" cannot accept the provided value", field.name);
        ApiError::invalid("INVALID_VALUE_FOR_COLUMN", message)
    };
    let accepted = match field.kind.as_str() {
        "singleSelect" => return accept_choices(base, (t, f), &[value], typecast, false),
        "multipleSelects" => match value {
            Value::Array(items) => {
                return accept_choices(base, (t, f), &items.iter().collect::<Vec<_>>(), typecast, true);
            }
            Value::String(list) if typecast => {
                let items: Vec<Value> = list.split(',').map(|item| json!(item.trim())).collect();
                return accept_choices(base, (t, f), &items.iter().collect::<Vec<_>>(), typecast, true);
            }
            _ => None,
        },
        "multipleRecordLinks" => return accept_links(base, tx, (t, f), value, typecast),
        "singleCollaborator" => collaborator(base, value, typecast),
        "multipleCollaborators" => value
            .as_array()
            .and_then(|items| items.iter().map(|item| collaborator(base, item, typecast)).collect::<Option<Vec<_>>>())
            .map(Value::Array),
        "multipleAttachments" => {
            return accept_attachments(base, value, current).map_err(|()| refuse_attachments());
        }
        _ => scalar(field, value, typecast),
    };
    let json = accepted.ok_or_else(refuse)?;
    Ok((!json.is_null()).then(|| json.to_string().into_bytes()))
}

/// The cell of a field that refers to nothing; null empties it, and nothing is what the field does not accept.
fn scalar(field: &Field, value: &Value, typecast: bool) -> Option<Value> {
    match field.kind.as_str() {
        "singleLineText" | "email" | "url" | "multilineText" | "richText" | "phoneNumber" => text(value, typecast),
        "number" | "percent" | "currency" | "duration" => number(value, typecast).map(number_json),
        "rating" => {
            let most = field.option("max").and_then(Value::as_f64).unwrap_or(10.0);
            number(value, typecast).filter(|stars| *stars >= 1.0 && *stars <= most).map(number_json)
        }
        "checkbox" => {
            let checked = match value {
                Value::Bool(checked) => *checked,
                Value::String(word) if typecast => {
                    matches!(word.to_lowercase().as_str(), "true" | "checked" | "yes" | "1")
                }
                _ => return None,
            };
            Some(if checked { json!(true) } else { Value::Null })
        }
        "date" => value.as_str().and_then(parse_ms).map(|ms| {
            let mut day = Vec::new();
            write_date(&mut day, ms);
            json!(String::from_utf8(day).unwrap_or_default())
        }),
        "dateTime" => value.as_str().and_then(parse_ms).map(|ms| json!(stamp(ms))),
        "barcode" => value.get("text").and_then(Value::as_str).map(|_| value.clone()),
        _ => Some(value.clone()),
    }
}

fn accept_choices(
    base: &mut Base,
    (t, f): (TableIndex, FieldIndex),
    items: &[&Value],
    typecast: bool,
    many: bool,
) -> Result<Cell, ApiError> {
    let mut names: Vec<String> = Vec::new();
    for item in items {
        let name = item.as_str().map(str::to_owned).or_else(|| {
            let given = item.get("name").and_then(Value::as_str).map(str::to_owned);
            given.or_else(|| typecast.then(|| plain_text(item)))
        });
        let Some(name) = name else {
            let message = format!("Cannot parse value for field {}", base[t][f].name);
            return Err(ApiError::invalid("INVALID_VALUE_FOR_COLUMN", message));
        };
        if base[t][f].choice(&name).is_none() {
            if !typecast {
                let message = format!("Insufficient permissions to create new select option \"\"{name}\"\"");
                return Err(ApiError::invalid("INVALID_MULTIPLE_CHOICE_OPTIONS", message));
            }
            add_choice(base, (t, f), &name);
        }
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let json = if many { json!(names) } else { json!(names.first()) };
    Ok(Some(json.to_string().into_bytes()))
}

fn add_choice(base: &mut Base, (t, f): (TableIndex, FieldIndex), name: &str) {
    let id = base.ids.fresh("sel");
    let field = &mut base[t][f];
    let mut choices: Vec<Value> = field.choices().cloned().collect();
    choices.push(json!({"id": id, "name": name, "color": "blueLight2"}));
    field.set_option("choices", json!(choices));
}

fn accept_links(
    base: &mut Base,
    tx: &mut Transaction,
    (t, f): (TableIndex, FieldIndex),
    value: &Value,
    typecast: bool,
) -> Result<Cell, ApiError> {
    let single;
    let items = match value {
        Value::Array(items) => items,
        Value::String(names) if typecast => {
            single = names.split(',').map(|name| json!(name.trim())).collect::<Vec<_>>();
            &single
        }
        _ => {
            let message = format!("Value is not an array of record IDs for field {}", base[t][f].name);
            return Err(ApiError::invalid("INVALID_RECORDS", message));
        }
    };
    let Some(linked) = base.linked_table(t, f) else {
        return Err(ApiError::invalid_request());
    };
    let mut ids = Vec::new();
    for item in items {
        let Some(text) = item.as_str().or_else(|| item.get("id").and_then(Value::as_str)) else {
            return Err(ApiError::invalid("INVALID_RECORDS", "Value is not a record ID"));
        };
        let id = match RecordId::parse(text).filter(|id| base[linked].records.get(*id).is_some()) {
            Some(id) => id,
            None if typecast => record_by_name(base, tx, linked, text),
            None => return Err(ApiError::row_does_not_exist(text)),
        };
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(link_json(&ids))
}

/// The record with this name, made if there is none.
fn record_by_name(base: &mut Base, tx: &mut Transaction, t: TableIndex, name: &str) -> RecordId {
    // Names are texts nearly always: then comparing the cells as they are stored is enough.
    let (cell, primary) = (Value::from(name).to_string(), base[t].primary);
    let records = &base[t].records;
    let same = records.iter().find(|record| record.cells.get(primary) == Some(cell.as_bytes()));
    let found = same
        .map(|record| record.id)
        .or_else(|| records.iter().map(|record| record.id).find(|id| base.record_name(t, *id) == name));
    found.unwrap_or_else(|| {
        let id = create_record(base, tx, t, None);
        let primary = base[t].primary;
        edit_cell(base, tx, t, id, primary, Some(cell.as_bytes()));
        id
    })
}

fn collaborator(base: &Base, value: &Value, typecast: bool) -> Option<Value> {
    let key = |key: &str| value.get(key).and_then(Value::as_str);
    let (id, email, name) = match value {
        Value::String(text) if typecast => (Some(text.as_str()), Some(text.as_str()), Some(text.as_str())),
        _ => (key("id"), key("email"), key("name")),
    };
    let same = |wanted: Option<&str>, has: Option<&str>| wanted.is_some() && wanted == has;
    let person = base.people.iter().find(|person| {
        same(id, Some(&person.id))
            || same(email, person.email.as_deref())
            || (typecast && same(name, Some(&person.name)))
    })?;
    Some(person.cell())
}

fn accept_attachments(base: &mut Base, value: &Value, current: Option<&[u8]>) -> Result<Cell, ()> {
    let current: Vec<Value> = current.and_then(|json| serde_json::from_slice(json).ok()).unwrap_or_default();
    let mut cell = Vec::new();
    for item in value.as_array().ok_or(())? {
        let id = item.get("id").and_then(Value::as_str);
        let known = current.iter().find(|old| id.is_some() && old.get("id").and_then(Value::as_str) == id);
        cell.push(match (known, item.get("url").and_then(Value::as_str)) {
            (Some(old), _) => old.clone(),
            (None, Some(url)) => attachment(base, item, url),
            (None, None) => return Err(()),
        });
    }
    Ok(Some(json!(cell).to_string().into_bytes()))
}

/// An attachment as it is stored: its URLs point at the mock and are signed when they are sent.
fn attachment(base: &mut Base, item: &Value, url: &str) -> Value {
    let id = item.get("id").and_then(Value::as_str).map_or_else(|| base.ids.fresh("att"), str::to_owned);
    let last = url.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("attachment");
    let filename = item.get("filename").and_then(Value::as_str).unwrap_or(last);
    let image = ["png", "jpg", "jpeg", "gif"].iter().any(|ending| filename.to_lowercase().ends_with(ending));
    let kind = item.get("type").and_then(Value::as_str).unwrap_or(match (image, filename.rsplit('.').next()) {
        (true, _) => "image/png",
        (_, Some("pdf")) => "application/pdf",
        (_, Some("csv")) => "text/csv",
        _ => "text/plain",
    });
    let size = item.get("size").and_then(Value::as_u64).unwrap_or(1000 + filename.len() as u64);
    let address = |kind: &str| format!("{UNSIGNED}/{id}/{kind}");
    let original = format!("{}/{size}", address("original"));
    let mut stored = json!({"id": id, "url": original, "filename": filename, "size": size, "type": kind});
    if image {
        let (width, height) = (item.get("width").and_then(Value::as_u64).unwrap_or(600), 201);
        stored["width"] = json!(width);
        stored["height"] = json!(height);
        stored["thumbnails"] = json!({
            "small": {"url": address("small"), "width": 107, "height": 36},
            "large": {"url": address("large"), "width": width, "height": height},
            "full": {"url": address("full"), "width": 3000, "height": 3000},
        });
    }
    stored
}

fn refuse_attachments() -> ApiError {
    ApiError::invalid(
        "INVALID_ATTACHMENT_OBJECT",
        "Invalid attachment object: each needs a url, or the id of an attachment in the cell",
    )
}

fn text(value: &Value, typecast: bool) -> Option<Value> {
    match value {
        Value::String(_) => Some(value.clone()),
        _ if typecast => Some(json!(plain_text(value))),
        _ => None,
    }
}

fn number(value: &Value, typecast: bool) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) if typecast => {
            text.chars().filter(|c| c.is_ascii_digit() || "+-.eE".contains(*c)).collect::<String>().parse().ok()
        }
        _ => None,
    }
}
