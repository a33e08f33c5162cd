//! A plan beside the table as it is now: what a reader of the plan would get wrong. Pure.

use crate::airtable::schema::{Field, Table};
use crate::options::Nested;
use crate::scan::{Scan, Source, shape_of};

/// What changed in a table since a read of it was planned, by field id, as far as the plan's columns depend on it; empty
/// where nothing did. Added fields are not among it.
pub(super) fn drift(plan: &Scan, table: &Table, nested: Nested) -> Vec<String> {
    let now = |id: &str| table.fields.iter().find(|field| field.id == id);
    let mut changes = Vec::new();
    // Those that a condition is about as well.
    for column in &plan.decoded().columns {
        match &column.source {
            Source::Field(field) => match now(&field.id) {
                None => changes.push(format!("field {:?} ({}) was removed", field.name, field.id)),
                Some(new) => {
                    // A column that bears the field's id keeps its name.
                    if new.name != field.name && column.name != field.id && !column.is_tacit {
                        changes.push(format!("field {:?} ({}) was renamed to {:?}", field.name, field.id, new.name));
                    }
                    // A user's schema may read a column as another type than its own.
                    let shape = shape_of(new, nested);
                    let shape = field.attachments.map_or(shape.clone(), |form| form.shape(shape));
                    let fits = shape.read_as(&field.shape.spark_type()).as_ref() == Some(&field.shape);
                    if new.kind != field.kind || !fits {
                        changes.push(format!(
                            "field {:?} ({}), of type {}, is now of type {}",
                            field.name, field.id, field.kind, new.kind
                        ));
                    }
                }
            },
            Source::ChangedAt { field_id: Some(id) } if now(id).is_none() && !has_column(plan, id) => {
                changes.push(format!("field {id}, the times of the last edits, was removed"));
            }
            _ => {}
        }
    }
    changes
}

/// The fields that a table has got since a read of all of them was planned.
pub(super) fn added(plan: &Scan, table: &Table) -> Vec<String> {
    let is_new = |field: &&Field| plan.has_all_fields && !has_column(plan, &field.id);
    table.fields.iter().filter(is_new).map(|field| format!("field {:?} ({}) was added", field.name, field.id)).collect()
}

/// Whether a column is a field's.
fn has_column(plan: &Scan, id: &str) -> bool {
    plan.columns.iter().any(|column| matches!(&column.source, Source::Field(field) if field.id == id))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::options::Options;

    fn table(fields: &Value) -> Table {
        serde_json::from_value(json!({"id": "tblA", "name": "A", "primaryFieldId": "fldA", "fields": fields}))
            .expect("a table")
    }

    #[test]
    fn only_what_the_columns_depend_on_is_told() {
        let before = table(&json!([{"id": "fldA", "name": "A", "type": "number"},
            {"id": "fldF", "name": "F", "type": "formula", "options": {"result": {"type": "number"}}}]));
        let with = |options: &[(&str, &str)], after: &Value| {
            let all = [("token", "patA")].iter().chain(options).copied();
            let options = Options::parse(all).expect("options").read;
            let (plan, now) = (Scan::new("appA", &before, &options).expect("a plan"), table(after));
            [drift(&plan, &now, options.nested), added(&plan, &now)].concat()
        };
        let f = json!({"id": "fldF", "name": "F", "type": "formula", "options": {"result": {"type": "number"}}});
        let a = |name: &str, kind: &str| json!({"id": "fldA", "name": name, "type": kind});
        let none: [&str; 0] = [];
        assert_eq!(with(&[], &json!([f, a("A", "number")])), none);
        assert_eq!(with(&[], &json!([a("Z", "number"), f])), ["field \"A\" (fldA) was renamed to \"Z\""]);
        assert_eq!(with(&[("column_names", "id")], &json!([a("Z", "number"), f])), none);
        assert_eq!(with(&[], &json!([f])), ["field \"A\" (fldA) was removed"]);
        assert_eq!(
            with(&[], &json!([a("A", "singleLineText"), f])),
            ["field \"A\" (fldA), of type number, is now of type singleLineText"]
        );
        let retyped =
            json!({"id": "fldF", "name": "F", "type": "formula", "options": {"result": {"type": "singleLineText"}}});
        assert_eq!(with(&[], &json!([a("A", "number"), retyped])).len(), 1);
        let more = json!([a("A", "number"), f, {"id": "fldC", "name": "C", "type": "number"}]);
        assert_eq!(with(&[], &more), ["field \"C\" (fldC) was added"]);
        assert_eq!(with(&[("fields", "A,F")], &more), none);
    }
}
