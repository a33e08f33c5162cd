//! What fields refer to: names in definitions become ids, links get their other side, and what was left out
//! of a computed field's options is filled in.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::field::check_field_name;
use crate::data::base::Base;
use crate::data::field::Field;
use crate::data::index::{FieldIndex, TableIndex};

const COLOURS: [&str; 8] = [
    "blueLight2",
    "cyanLight2",
    "tealLight2",
    "greenLight2",
    "yellowLight2",
    "orangeLight2",
    "redLight2",
    "pinkLight2",
];

/// Replaces names by ids in a field's options and fills in what was left out.
pub(crate) fn resolve_field(base: &mut Base, t: TableIndex, f: FieldIndex) {
    resolve_choices(base, t, f);
    match base[t][f].kind.as_str() {
        "multipleRecordLinks" => resolve_link(base, t, f),
        "multipleLookupValues" | "lookup" | "rollup" | "count" => {
            resolve_through_link(base, t, f);
        }
        "formula" => resolve_formula(base, t, f),
        "createdTime" | "lastModifiedTime" => resolve_stamp(base, t, f),
        _ => {}
    }
}

fn default_option(base: &mut Base, t: TableIndex, f: FieldIndex, key: &str, value: Value) {
    let field = &mut base[t][f];
    if field.options.as_ref().is_none_or(|options| options.get(key).is_none()) {
        field.set_option(key, value);
    }
}

fn resolve_choices(base: &mut Base, t: TableIndex, f: FieldIndex) {
    let choices: Vec<Value> = base[t][f].choices().cloned().collect();
    if choices.is_empty() {
        return;
    }
    let mut complete = Vec::new();
    for (index, choice) in choices.into_iter().enumerate() {
        let mut choice = match choice {
            Value::String(name) => {
                json!({"name": name, "color": COLOURS[index % COLOURS.len()]})
            }
            choice => choice,
        };
        if choice.get("id").is_none() {
            choice["id"] = json!(base.ids.fresh("sel"));
        }
        complete.push(choice);
    }
    base[t][f].set_option("choices", json!(complete));
}

fn resolve_link(base: &mut Base, t: TableIndex, f: FieldIndex) {
    let Some(linked) = base.linked_table(t, f) else {
        return;
    };
    let linked_id = base[linked].id.clone();
    base[t][f].set_option("linkedTableId", json!(linked_id));
    default_option(base, t, f, "isReversed", json!(false));
    default_option(base, t, f, "prefersSingleRecordLink", json!(false));
    let one_sided = base[t][f].private.get("oneSided").is_some();
    if linked == t || one_sided {
        return;
    }
    let inverse = match base[t][f].option_text("inverseLinkFieldId") {
        Some(name) => base[linked].field(name),
        None => field_naming_as_inverse(base, linked, t, f),
    };
    let inverse = inverse.unwrap_or_else(|| add_inverse(base, linked, t, f));
    let (here, there) = (base[t][f].id.clone(), base[linked][inverse].id.clone());
    base[t][f].set_option("inverseLinkFieldId", json!(there));
    base[linked][inverse].set_option("inverseLinkFieldId", json!(here));
}

fn field_naming_as_inverse(base: &Base, linked: TableIndex, t: TableIndex, f: FieldIndex) -> Option<FieldIndex> {
    let here = &base[t][f];
    base[linked].fields.position(|field| {
        field.kind == "multipleRecordLinks"
            && field
                .option_text("linkedTableId")
                .is_some_and(|name| [&base[t].id, &base[t].name].iter().any(|own| *own == name))
            && field.option_text("inverseLinkFieldId").is_some_and(|name| name == here.name || name == here.id)
    })
}

/// The link field that Airtable makes in the other table.
fn add_inverse(base: &mut Base, linked: TableIndex, t: TableIndex, f: FieldIndex) -> FieldIndex {
    let (table_id, base_name) = (base[t].id.clone(), base[t].name.clone());
    let here = base[t][f].id.clone();
    let mut name = base_name.clone();
    let mut count = 2;
    while check_field_name(base, linked, None, &name).is_err() {
        name = format!("{base_name} {count}");
        count += 1;
    }
    let definition = json!({"name": name, "type": "multipleRecordLinks", "options": {
        "linkedTableId": table_id, "isReversed": true, "prefersSingleRecordLink": false, "inverseLinkFieldId": here}});
    let field = Field::from_json(&definition, base.ids.fresh("fld"));
    base[linked].fields.push(field)
}

fn resolve_through_link(base: &mut Base, t: TableIndex, f: FieldIndex) {
    let name = base[t][f].option_text("recordLinkFieldId").unwrap_or_default();
    let link = base[t].field(name);
    let Some(link) = link else {
        return default_option(base, t, f, "isValid", json!(false));
    };
    let link_id = base[t][link].id.clone();
    base[t][f].set_option("recordLinkFieldId", json!(link_id));
    default_option(base, t, f, "isValid", json!(true));
    if base[t][f].kind == "count" {
        return;
    }
    let Some(linked) = base.linked_table(t, link) else {
        return;
    };
    let target = base[t][f].option_text("fieldIdInLinkedTable").unwrap_or_default();
    let Some(target) = base[linked].field(target) else {
        return;
    };
    let target = &base[linked][target];
    let (id, mut result) = (target.id.clone(), json!({"type": target.kind}));
    if target.is_lookup() || matches!(target.kind.as_str(), "formula" | "rollup") {
        result = target.option("result").cloned().unwrap_or(Value::Null);
    } else if let Some(options) = &target.options {
        result["options"] = options.clone();
    }
    base[t][f].set_option("fieldIdInLinkedTable", json!(id));
    if base[t][f].kind == "rollup" {
        default_option(base, t, f, "referencedFieldIds", json!([id]));
    }
    default_option(base, t, f, "result", result);
}

fn resolve_formula(base: &mut Base, t: TableIndex, f: FieldIndex) {
    let text = base[t][f].option_text("formula").unwrap_or_default().to_owned();
    let table = &base[t];
    let (text, referenced) = with_ids(&text, |name| table.field_in_formula(name).map(|field| table[field].id.clone()));
    base[t][f].set_option("formula", json!(text));
    default_option(base, t, f, "isValid", json!(true));
    default_option(base, t, f, "referencedFieldIds", json!(referenced));
    default_option(base, t, f, "result", json!({"type": "singleLineText"}));
}

fn resolve_stamp(base: &mut Base, t: TableIndex, f: FieldIndex) {
    let result = json!({"type": "dateTime", "options": {"timeZone": "utc",
        "dateFormat": {"name": "iso", "format": "YYYY-MM-DD"}, "timeFormat": {"name": "24hour", "format": "HH:mm"}}});
    default_option(base, t, f, "result", result);
    if base[t][f].kind == "lastModifiedTime" {
        default_option(base, t, f, "isValid", json!(true));
        let table = &base[t];
        let named = table[f].option("referencedFieldIds").and_then(Value::as_array);
        let ids: Vec<String> = named
            .into_iter()
            .flatten()
            .filter_map(|name| Some(table[table.field(name.as_str()?)?].id.clone()))
            .collect();
        base[t][f].set_option("referencedFieldIds", json!(ids));
    }
}

/// Names become ids in what views show, and in the settings of date dependencies.
pub(crate) fn resolve_views(base: &mut Base, tables: &[TableIndex]) {
    for &t in tables {
        let table = &base[t];
        let id = |name: &String| table.field(name).map(|field| table[field].id.clone());
        let mut settings = table.date_dependency.clone();
        for (key, value) in settings.as_mut().and_then(Value::as_object_mut).into_iter().flatten() {
            if let (true, Value::String(name)) = (key.ends_with("FieldId"), &*value) {
                *value = json!(id(name));
            }
        }
        let visible: Vec<_> = table
            .views
            .iter()
            .map(|view| view.visible.as_ref().map(|names| names.iter().filter_map(id).collect::<Vec<_>>()))
            .collect();
        for (view, visible) in base[t].views.iter_mut().zip(visible) {
            view.visible = visible;
        }
        base[t].date_dependency = settings;
    }
}

/// Replaces `{Name}` by `{fld...}` outside of strings; also tells the ids.
fn with_ids(formula: &str, find: impl Fn(&str) -> Option<String>) -> (String, Vec<String>) {
    let mut out = String::with_capacity(formula.len());
    let mut ids: HashMap<String, usize> = HashMap::new();
    let mut quote = None;
    let mut chars = formula.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(_), '\\') => {
                out.push(c);
                out.extend(chars.next());
            }
            (Some(open), c) => {
                out.push(c);
                quote = (c != open).then_some(open);
            }
            (None, '{') => {
                let (name, raw) = braced_name(&mut chars);
                match find(&name) {
                    Some(id) => {
                        out.extend(["{", &id, "}"]);
                        let next = ids.len();
                        ids.entry(id).or_insert(next);
                    }
                    None => out.extend(["{", &raw, "}"]),
                }
            }
            (None, c) => {
                out.push(c);
                quote = matches!(c, '"' | '\'').then_some(c);
            }
        }
    }
    let mut ids: Vec<(String, usize)> = ids.into_iter().collect();
    ids.sort_by_key(|(_, order)| *order);
    (out, ids.into_iter().map(|(id, _)| id).collect())
}

/// The rest of a braced name, unescaped and as it was written.
fn braced_name(chars: &mut std::str::Chars<'_>) -> (String, String) {
    let (mut name, mut raw) = (String::new(), String::new());
    while let Some(c) = chars.next() {
        match c {
            '}' => break,
            '\\' => {
                let next = chars.next();
                raw.push(c);
                raw.extend(next);
                name.extend(next);
            }
            c => {
                raw.push(c);
                name.push(c);
            }
        }
    }
    (name, raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_formulas_become_ids() {
        let find = |name: &str| (name == "Unit Cost" || name == "a}b").then(|| format!("fld{}", name.len()));
        let (text, ids) = with_ids(r#"{Unit Cost} & "{Unit Cost}" & {a\}b} & {Nope}"#, find);
        assert_eq!(text, r#"{fld9} & "{Unit Cost}" & {fld3} & {Nope}"#);
        assert_eq!(ids, ["fld9", "fld3"]);
    }
}
