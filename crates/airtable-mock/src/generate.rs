//! Large tables, quickly: finished cells from a seeded generator, without computing anything.
//!
//! Computed types are generated too, as cells that were computed once upon a time, error values included:
//! what a benchmark reads must look like Airtable's data, not behave like it.

mod maker;

use serde_json::{Value, json};

use crate::data::base::Base;
use crate::data::index::TableIndex;
use crate::data::transaction::Transaction;
use crate::error::ApiError;
use crate::schema::load::load_tables;
use maker::{CHOICES, Maker};

/// A mixture of field types.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kinds {
    /// Texts, numbers, dates, checkboxes and single selects.
    Scalars,
    /// Those, and lists, objects, computed fields and error values.
    #[default]
    Mixed,
}

/// One field of a generated table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldSpec {
    /// The field's name.
    pub name: String,
    /// Airtable's type string; types that the generator does not know hold text.
    pub kind: String,
}

const SCALARS: [&str; 10] = [
    "singleLineText",
    "number",
    "date",
    "singleSelect",
    "checkbox",
    "currency",
    "dateTime",
    "email",
    "percent",
    "multilineText",
];
const MIXED: [&str; 20] = [
    "singleLineText",
    "number",
    "dateTime",
    "singleSelect",
    "checkbox",
    "multipleSelects",
    "currency",
    "date",
    "multipleRecordLinks",
    "formula",
    "multipleAttachments",
    "singleCollaborator",
    "multipleLookupValues",
    "rollup",
    "multilineText",
    "createdTime",
    "rating",
    "url",
    "barcode",
    "multipleCollaborators",
];

impl FieldSpec {
    /// So many fields of a mixture, the first of them a text.
    pub fn mixture(kinds: Kinds, count: usize) -> Vec<Self> {
        let types: &[&str] = if kinds == Kinds::Scalars { &SCALARS } else { &MIXED };
        (0..count)
            .map(|index| Self { name: format!("Field {:02}", index + 1), kind: types[index % types.len()].into() })
            .collect()
    }

    fn definition(&self, table: &str) -> Value {
        let options = match self.kind.as_str() {
            "number" => json!({"precision": 0}),
            "percent" => json!({"precision": 1}),
            "currency" => json!({"precision": 2, "symbol": "$"}),
            "rating" => json!({"icon": "star", "color": "yellowBright", "max": 5}),
            "duration" => json!({"durationFormat": "h:mm"}),
            "checkbox" => json!({"icon": "check", "color": "greenBright"}),
            "singleSelect" | "multipleSelects" => json!({"choices": CHOICES}),
            "date" => json!({"dateFormat": {"name": "iso", "format": "YYYY-MM-DD"}}),
            "dateTime" => {
                json!({"timeZone": "utc", "dateFormat": {"name": "iso", "format": "YYYY-MM-DD"},
                "timeFormat": {"name": "24hour", "format": "HH:mm"}})
            }
            "multipleRecordLinks" => json!({"linkedTableId": table}),
            "formula" => json!({"formula": "1/3", "isValid": true, "referencedFieldIds": [],
                "result": {"type": "number", "options": {"precision": 2}}}),
            "rollup" => {
                json!({"isValid": true, "result": {"type": "number", "options": {"precision": 1}}})
            }
            "multipleLookupValues" => {
                json!({"isValid": true, "result": {"type": "singleLineText"}})
            }
            "multipleAttachments" => json!({"isReversed": false}),
            _ => return json!({"name": self.name, "type": self.kind, "mock": {"static": true}}),
        };
        json!({"name": self.name, "type": self.kind, "options": options, "mock": {"static": true, "oneSided": true}})
    }
}

/// Adds a table with so many generated records.
///
/// # Errors
/// A missing or doubled name.
pub(crate) fn generate_table(
    base: &mut Base,
    name: &str,
    records: usize,
    fields: &[FieldSpec],
    seed: u64,
    now_ms: i64,
) -> Result<TableIndex, ApiError> {
    let definitions: Vec<Value> = fields.iter().map(|field| field.definition(name)).collect();
    let definition = json!({"name": name, "fields": definitions});
    let mut tx = Transaction::silent(now_ms);
    let t = load_tables(base, &mut tx, &[&definition])?.into_iter().next().ok_or_else(ApiError::invalid_request)?;
    let mut maker = Maker::new(seed, base.people.iter().map(|person| person.cell().to_string()).collect());
    let table = &mut base[t];
    table.records.reserve(records);
    let kinds: Vec<&str> = fields.iter().map(|field| field.kind.as_str()).collect();
    let mut packed = Vec::new();
    for number in 1..=u32::try_from(records).map_err(|_| ApiError::invalid_request())? {
        packed.clear();
        let record = maker.record(number, &kinds, &mut packed);
        table.records.push(record);
        table.next_auto = number;
    }
    Ok(t)
}
