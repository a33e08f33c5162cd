//! Records, cell by cell.

use crate::clock::{whole_second, write_date, write_stamp};
use crate::data::cells::{Cells, UNSIGNED, push};
use crate::data::id::{Ids, RecordId};
use crate::data::index::{FieldIndex, Numbered as _};
use crate::data::record::Record;

const WORDS: [&str; 16] = [
    "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbour", "indigo", "juniper", "kelp", "linen",
    "maple", "nectar", "opal", "pebble",
];

pub(super) const CHOICES: [&str; 6] = ["Idea", "In review", "Approved", "On shelf", "Paused", "Discontinued"];

/// 2024-01-01, from where generated times go on for two years.
const EPOCH_MS: i64 = 1_704_067_200_000;

/// Makes records.
pub(super) struct Maker {
    random: fastrand::Rng,
    ids: Ids,
    people: Vec<String>,
    /// A sample of earlier records, to link to.
    earlier: Vec<RecordId>,
    cell: Vec<u8>,
}

impl Maker {
    pub(super) fn new(seed: u64, people: Vec<String>) -> Self {
        let earlier = Vec::with_capacity(1024);
        Self {
            random: fastrand::Rng::with_seed(seed),
            ids: Ids::new(seed ^ 0x72_65_63),
            people,
            earlier,
            cell: Vec::new(),
        }
    }

    pub(super) fn record(&mut self, number: u32, kinds: &[&str], packed: &mut Vec<u8>) -> Record {
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
                push(packed, FieldIndex::of(index), &self.cell);
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
            "[{{\"id\":\"{id}\",\"url\":\"{UNSIGNED}/{id}/original/{size}\",\"filename\":\"{word}.pdf\",\"size\":{size},\"type\":\"application/pdf\"}}]"
        ));
    }
}
