//! Cells with attachments: which files they name, and what they become. Pure.
//!
//! Invariants: an attachment keeps its place in its cell, whatever became of its file; where a form has no addresses, the
//! rescued data of such cells has none either.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StringArray, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Int64Type};
use serde_json::Value;

use crate::attachments::Wanted;
use crate::json::{Json, Kind, NotJson};

/// Deeper arrays are kept as they are: no field has such.
const DEEPEST: usize = 8;

/// What becomes of a file by the attachment that names it: its path, or none.
pub(super) type PathOf<'p> = dyn Fn(&str, &str) -> Option<&'p str> + 'p;

/// The attachments of a column, each with its row: lists of structs, or JSON.
pub(super) fn attachments(column: &ArrayRef) -> Vec<(usize, Wanted)> {
    if let Some(lists) = column.as_list_opt::<i32>() {
        return of_lists(lists);
    }
    let texts = column.as_string_opt::<i32>().into_iter().flat_map(|texts| texts.iter().enumerate());
    texts.flat_map(|(row, text)| of_text(text.unwrap_or_default()).into_iter().map(move |item| (row, item))).collect()
}

/// The same column in its stored form: with a path, or without one, in the place of addresses.
pub(super) fn given(column: &ArrayRef, wanted: &DataType, path_of: Option<&PathOf<'_>>) -> Option<ArrayRef> {
    match (column.as_list_opt::<i32>(), wanted) {
        (Some(lists), DataType::List(item)) => {
            let items = items_given(lists.values().as_struct_opt()?, item, path_of?)?;
            let (offsets, nulls) = (lists.offsets().clone(), lists.nulls().cloned());
            Some(Arc::new(ListArray::try_new(item.clone(), offsets, items, nulls).ok()?))
        }
        (None, DataType::Utf8) => {
            let texts = column.as_string_opt::<i32>()?.iter();
            Some(Arc::new(texts.map(|text| text.map(|text| rewritten(text, path_of))).collect::<StringArray>()))
        }
        _ => None,
    }
}

/// The paths of the files that structs name.
pub(super) fn paths(items: &StructArray, path_of: &PathOf<'_>) -> ArrayRef {
    let paths = (0..items.len()).map(|at| {
        let wanted = items.is_valid(at).then(|| wanted(items, at))?;
        path_of(&wanted.id, &wanted.filename).map(str::to_owned)
    });
    Arc::new(paths.collect::<StringArray>())
}

fn of_lists(lists: &ListArray) -> Vec<(usize, Wanted)> {
    let Some(items) = lists.values().as_struct_opt() else { return Vec::new() };
    let offsets = lists.value_offsets();
    let at = |offset: i32| usize::try_from(offset).unwrap_or_default();
    let rows = (0..lists.len()).filter(|row| lists.is_valid(*row));
    let places = rows.flat_map(|row| (at(offsets[row])..at(offsets[row + 1])).map(move |item| (row, item)));
    places.filter(|(_, item)| items.is_valid(*item)).map(|(row, item)| (row, wanted(items, item))).collect()
}

fn wanted(items: &StructArray, at: usize) -> Wanted {
    let text = |name: &str| {
        let texts = items.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        texts.filter(|texts| texts.is_valid(at)).map(|texts| texts.value(at).to_owned()).unwrap_or_default()
    };
    let sizes = items.column_by_name("size").and_then(|column| column.as_primitive_opt::<Int64Type>());
    let size = sizes.filter(|sizes| sizes.is_valid(at)).and_then(|sizes| u64::try_from(sizes.value(at)).ok());
    Wanted { id: text("id"), filename: text("filename"), size, kind: text("type"), url: text("url") }
}

fn items_given(items: &StructArray, wanted: &Arc<Field>, path_of: &PathOf<'_>) -> Option<ArrayRef> {
    let DataType::Struct(fields) = wanted.data_type() else { return None };
    let columns = fields.iter().map(|field| match field.name().as_str() {
        "path" => Some(paths(items, path_of)),
        name => items.column_by_name(name).cloned(),
    });
    let columns = columns.collect::<Option<Vec<_>>>()?;
    let nulls: Option<NullBuffer> = items.nulls().cloned();
    Some(Arc::new(StructArray::try_new(fields.clone(), columns, nulls).ok()?))
}

fn of_text(text: &str) -> Vec<Wanted> {
    let (mut found, mut left) = (Vec::new(), serde_json::from_str::<Value>(text).into_iter().collect::<Vec<_>>());
    while let Some(value) = left.pop() {
        match value {
            // What was last is taken first.
            Value::Array(items) => left.extend(items.into_iter().rev()),
            Value::Object(_) => {
                let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
                let size = value["size"].as_u64();
                found.push(Wanted {
                    id: text("id"),
                    filename: text("filename"),
                    size,
                    kind: text("type"),
                    url: text("url"),
                });
            }
            _ => {}
        }
    }
    found
}

/// The cell's JSON without addresses and thumbnails, with paths where these are asked for. The rest is as it was sent.
fn rewritten(text: &str, path_of: Option<&PathOf<'_>>) -> String {
    let mut out = String::with_capacity(text.len());
    match rewrite(&mut Json::new(text), &mut out, path_of, 0) {
        Ok(()) => out,
        // What was no JSON would not have become a cell.
        Err(NotJson) => text.to_owned(),
    }
}

/// The rescued data of a row without the addresses and thumbnails in the cells of some fields. The rest is as it was.
pub(super) fn rescued(text: &str, is_of: impl Fn(&str) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    match rewrite_rescued(&mut Json::new(text), &mut out, is_of) {
        Ok(()) => out,
        Err(NotJson) => text.to_owned(),
    }
}

fn rewrite_rescued(
    json: &mut Json<'_>,
    out: &mut String,
    is_of: impl Fn(&str) -> bool,
) -> std::result::Result<(), NotJson> {
    let mut has_more = json.open_array()?;
    let mut before = '[';
    while has_more {
        out.push(before);
        before = ',';
        let (mut is_wanted, mut before) = (false, '{');
        let mut has_property = json.open_object()?;
        while has_property {
            let key = json.key()?.to_owned();
            let raw = json.skip()?;
            // The field stands before its value.
            is_wanted |= key == "field_id" && is_of(raw.trim_matches('"'));
            out.push(before);
            before = ',';
            out.push_str(&Value::from(key.as_str()).to_string());
            out.push(':');
            let is_cell = key == "value" && is_wanted;
            out.push_str(&if is_cell { rewritten(raw, None) } else { raw.to_owned() });
            has_property = json.next_in_object()?;
        }
        out.push('}');
        has_more = json.next_in_array()?;
    }
    out.push(']');
    Ok(())
}

fn rewrite(
    json: &mut Json<'_>,
    out: &mut String,
    path_of: Option<&PathOf<'_>>,
    depth: usize,
) -> std::result::Result<(), NotJson> {
    match json.kind() {
        Kind::Array if depth < DEEPEST => {
            out.push('[');
            let mut has_more = json.open_array()?;
            while has_more {
                rewrite(json, out, path_of, depth + 1)?;
                has_more = json.next_in_array()?;
                if has_more {
                    out.push(',');
                }
            }
            out.push(']');
        }
        Kind::Object => rewrite_object(json, out, path_of)?,
        _ => out.push_str(json.skip()?),
    }
    Ok(())
}

fn rewrite_object(
    json: &mut Json<'_>,
    out: &mut String,
    path_of: Option<&PathOf<'_>>,
) -> std::result::Result<(), NotJson> {
    let start = json.position();
    let mut properties: Vec<(String, &str)> = Vec::new();
    let mut has_more = json.open_object()?;
    while has_more {
        let key = json.key()?.to_owned();
        properties.push((key, json.skip()?));
        has_more = json.next_in_object()?;
    }
    if let Some(path_of) = path_of {
        let wanted = of_text(json.since(start)).pop().unwrap_or_default();
        let path = path_of(&wanted.id, &wanted.filename).map_or(Value::Null, Value::from).to_string();
        let place = properties.iter().position(|(key, _)| key == "id").map_or(0, |at| at + 1);
        let text = |(key, raw): &(String, &str)| (key.clone(), (*raw).to_owned());
        let mut owned: Vec<(String, String)> = properties.iter().map(text).collect();
        owned.insert(place, ("path".to_owned(), path));
        write_object(out, owned.iter().map(|(key, raw)| (key.as_str(), raw.as_str())));
    } else {
        write_object(out, properties.iter().map(|(key, raw)| (key.as_str(), *raw)));
    }
    Ok(())
}

fn write_object<'p>(out: &mut String, properties: impl Iterator<Item = (&'p str, &'p str)>) {
    out.push('{');
    for (index, (key, raw)) in properties.filter(|(key, _)| !matches!(*key, "url" | "thumbnails")).enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(&Value::from(key).to_string());
        out.push(':');
        out.push_str(raw);
    }
    out.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_loses_addresses_and_keeps_the_rest_as_it_was_sent() {
        let text = r#"[{"id":"att1","url":"https://x/?a=1","filename":"a \"b\".png","size":1.0e2,"type":"image/png","width":5,"thumbnails":{"small":{"url":"y"}},"new":[1, 2]},null,[{"id":"att2","filename":"c"}],"text",7]"#;
        assert_eq!(
            rewritten(text, None),
            r#"[{"id":"att1","filename":"a \"b\".png","size":1.0e2,"type":"image/png","width":5,"new":[1, 2]},null,[{"id":"att2","filename":"c"}],"text",7]"#
        );
        let path_of = |id: &str, name: &str| (id == "att1" && name == "a \"b\".png").then_some("/f/a\\b");
        assert_eq!(
            rewritten(text, Some(&path_of)),
            r#"[{"id":"att1","path":"/f/a\\b","filename":"a \"b\".png","size":1.0e2,"type":"image/png","width":5,"new":[1, 2]},null,[{"id":"att2","path":null,"filename":"c"}],"text",7]"#
        );
        for text in ["{}", "[]", "7", "null", "{broken"] {
            assert_eq!(rewritten(text, None), text);
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(rewritten(&deep, None), deep);
    }

    #[test]
    fn rescued_data_loses_the_addresses_of_some_fields() {
        let entry = |field: &str, value: &str| {
            format!("{{\"field\":\"A \\\"b\\\"\",\"field_id\":{field},\"value\":{value},\"reason\":\"no\"}}")
        };
        let cell = r#"[{"id":"att1","url":"https://x","filename":"\ud83d","size":"5","thumbnails":{}}, 7]"#;
        let text = |of_files: &str| {
            let entries = [
                entry("\"fldFiles\"", of_files),
                entry("\"fldButton\"", r#"{"url": "https://x"}"#),
                entry("null", cell),
                entry("\"fldFiles\"", "1.0e2"),
            ];
            format!("[{}]", entries.join(","))
        };
        let given = rescued(&text(cell), |id| id == "fldFiles");
        assert_eq!(given, text(r#"[{"id":"att1","filename":"\ud83d","size":"5"},7]"#));
        assert_eq!(rescued("[{broken", |_| true), "[{broken");
    }

    #[test]
    fn json_names_files_in_their_order() {
        let text = r#"[{"id":"att1","filename":"a","size":5,"type":"t","url":"u"},[{"id":"att2"}],null]"#;
        let ids: Vec<String> = of_text(text).into_iter().map(|wanted| wanted.id).collect();
        assert_eq!(ids, ["att1", "att2"]);
        let wanted = of_text(text).remove(0);
        assert_eq!((wanted.size, &wanted.kind[..], &wanted.url[..]), (Some(5), "t", "u"));
        assert!(of_text("none").is_empty());
    }
}
