//! Large tables, quickly: finished cells from a seeded generator, without computing anything.
//!
//! Computed types are generated too, as cells that were computed once upon a time, error values included:
//! what a benchmark reads must look like Airtable's data, not behave like it.

use serde_json::{Value, json};

use crate::change::Transaction;
use crate::change::input::UNSIGNED;
use crate::clock::{whole_second, write_date, write_stamp};
use crate::data::base::{Base, field_index};
use crate::data::cells::{Cells, push};
use crate::data::id::{Ids, RecordId};
use crate::data::record::Record;
use crate::error::ApiError;

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
const WORDS: [&str; 16] = [
    "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbour", "indigo", "juniper", "kelp", "linen",
    "maple", "nectar", "opal", "pebble",
];
const CHOICES: [&str; 6] = ["Idea", "In review", "Approved", "On shelf", "Paused", "Discontinued"];
/// 2024-01-01, from where generated times go on for two years.
const EPOCH_MS: i64 = 1_704_067_200_000;

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

impl Base {
    /// Adds a table with so many generated records.
    ///
    /// # Errors
    /// A missing or doubled name.
    pub(crate) fn generate_table(
        &mut self,
        name: &str,
        records: usize,
        fields: &[FieldSpec],
        seed: u64,
        now_ms: i64,
    ) -> Result<usize, ApiError> {
        let definitions: Vec<Value> = fields.iter().map(|field| field.definition(name)).collect();
        let definition = json!({"name": name, "fields": definitions});
        let mut tx = Transaction::silent(now_ms);
        let t = self.load_tables(&mut tx, &[&definition])?.into_iter().next().ok_or_else(ApiError::invalid_request)?;
        let mut maker = Maker::new(seed, self.people.iter().map(|person| person.cell().to_string()).collect());
        let table = &mut self.tables[t];
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
}

/// Makes records.
struct Maker {
    random: fastrand::Rng,
    ids: Ids,
    people: Vec<String>,
    /// A sample of earlier records, to link to.
    earlier: Vec<RecordId>,
    cell: Vec<u8>,
}

impl Maker {
    fn new(seed: u64, people: Vec<String>) -> Self {
        let earlier = Vec::with_capacity(1024);
        Self {
            random: fastrand::Rng::with_seed(seed),
            ids: Ids::new(seed ^ 0x72_65_63),
            people,
            earlier,
            cell: Vec::new(),
        }
    }

    fn record(&mut self, number: u32, kinds: &[&str], packed: &mut Vec<u8>) -> Record {
        let id = self.ids.record();
        let created_ms = whole_second(EPOCH_MS + i64::from(number) * 60_000);
        for (index, kind) in kinds.iter().enumerate() {
            self.cell.clear();
            // The first field is the name of the record; a tenth of the other cells are empty.
            if index > 0 && self.random.u8(..10) == 0 {
                continue;
            }
            self.write(kind, number, created_ms);
            if !self.cell.is_empty() {
                push(packed, field_index(index), &self.cell);
            }
        }
        if self.earlier.len() < 1024 {
            self.earlier.push(id);
        } else {
            let at = self.random.usize(..1024);
            self.earlier[at] = id;
        }
        Record { id, created_ms, auto_number: number, created_by: 0, cells: Cells::from_packed(packed), edits: None }
    }

    fn put(&mut self, text: &str) {
        self.cell.extend_from_slice(text.as_bytes());
    }

    fn word(&mut self) -> &'static str {
        WORDS[self.random.usize(..WORDS.len())]
    }

    fn write(&mut self, kind: &str, number: u32, created_ms: i64) {
        match kind {
            "number" | "count" => self.cell_number(0),
            "currency" | "duration" => self.cell_number(2),
            "percent" => {
                self.put_text(|random| format!("{:.3}", f64::from(random.u32(..1000)) / 1000.0));
            }
            "rating" => self.put_text(|random| random.u8(1..=5).to_string()),
            "autoNumber" => self.put(&number.to_string()),
            "checkbox" => {
                if self.random.bool() {
                    self.put("true");
                }
            }
            "date" | "dateTime" | "createdTime" | "lastModifiedTime" => self.time(kind, created_ms),
            "singleSelect" => {
                let choice = CHOICES[self.random.usize(..CHOICES.len())];
                self.put(&format!("\"{choice}\""));
            }
            "multipleSelects" => {
                let (first, second) = (self.random.usize(..3), self.random.usize(3..6));
                self.put(&format!("[\"{}\",\"{}\"]", CHOICES[first], CHOICES[second]));
            }
            "multipleRecordLinks" => self.links(),
            "formula" | "rollup" => match self.random.u8(..50) {
                0 => self.put(r##"{"error":"#ERROR!"}"##),
                1 => self.put(r#"{"specialValue":"NaN"}"#),
                _ => self.cell_number(2),
            },
            "multipleLookupValues" | "lookup" => {
                let (first, second) = (self.word(), self.word());
                let hole = if self.random.u8(..20) == 0 { ",null" } else { "" };
                self.put(&format!("[\"{first}\",\"{second}\"{hole}]"));
            }
            "singleCollaborator" | "createdBy" | "lastModifiedBy" => {
                let person = self.person();
                self.put(&person);
            }
            "multipleCollaborators" => {
                let person = self.person();
                self.put(&format!("[{person}]"));
            }
            "multipleAttachments" => self.attachment(),
            "barcode" => self.put_text(|random| {
                format!("{{\"text\":\"{:013}\",\"type\":\"ean13\"}}", random.u64(..10_000_000_000_000))
            }),
            "button" => self.put(r#"{"label":"Open","url":"https://example.com/"}"#),
            "aiText" => {
                let word = self.word();
                self.put(&format!("{{\"state\":\"generated\",\"isStale\":false,\"value\":\"{word}\"}}"));
            }
            "email" => self.put(&format!("\"person{number}@example.com\"")),
            "url" => self.put(&format!("\"https://example.com/item/{number}\"")),
            "multilineText" | "richText" => {
                let words: Vec<&str> = (0..12).map(|_| self.word()).collect();
                self.put(&format!("\"{}\\n{}\"", words[..6].join(" "), words[6..].join(" ")));
            }
            _ => {
                let word = self.word();
                self.put(&format!("\"{word} {number}\""));
            }
        }
    }

    fn put_text(&mut self, make: impl Fn(&mut fastrand::Rng) -> String) {
        let text = make(&mut self.random);
        self.put(&text);
    }

    fn cell_number(&mut self, decimals: usize) {
        let number = f64::from(self.random.u32(..1_000_000)) / 10_f64.powi(i32::try_from(decimals).unwrap_or(0));
        self.put(&number.to_string());
    }

    fn time(&mut self, kind: &str, created_ms: i64) {
        let ms =
            if kind == "createdTime" { created_ms } else { EPOCH_MS + 1000 * i64::from(self.random.u32(..63_000_000)) };
        self.cell.push(b'"');
        if kind == "date" {
            write_date(&mut self.cell, ms);
        } else {
            write_stamp(&mut self.cell, ms);
        }
        self.cell.push(b'"');
    }

    fn links(&mut self) {
        if self.earlier.is_empty() {
            return;
        }
        let ids: [RecordId; 2] = std::array::from_fn(|_| self.earlier[self.random.usize(..self.earlier.len())]);
        self.cell.extend_from_slice(b"[\"");
        ids[0].write_to(&mut self.cell);
        if ids[1] != ids[0] {
            self.cell.extend_from_slice(b"\",\"");
            ids[1].write_to(&mut self.cell);
        }
        self.cell.extend_from_slice(b"\"]");
    }

    fn person(&mut self) -> String {
        let at = self.random.usize(..self.people.len().max(1));
        self.people.get(at).cloned().unwrap_or_else(|| "null".into())
    }

    fn attachment(&mut self) {
        let id = self.ids.fresh("att");
        let word = self.word();
        let size = self.random.u32(1000..900_000);
        self.put(&format!(
            "[{{\"id\":\"{id}\",\"url\":\"{UNSIGNED}/{id}/original\",\"filename\":\"{word}.pdf\",\"size\":{size},\"type\":\"application/pdf\"}}]"
        ));
    }
}
