//! Bases, tables and fields from JSON.
//!
//! The form is that of Airtable's own schema calls, made easier to write by hand: wherever Airtable wants
//! the id of a table or field, its name will do, select choices may be plain strings, and a table may bring
//! its records along. Names become ids here, once; everything after this file sees ids only.

use serde_json::{Value, json};

use crate::change::Transaction;
use crate::clock::parse_ms;
use crate::data::base::{Base, field_index};
use crate::data::field::Field;
use crate::data::id::RecordId;
use crate::data::record::Edit;
use crate::data::table::Table;
use crate::data::view::View;
use crate::error::ApiError;

fn items<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

impl Base {
    /// Adds tables with their fields, views and records; they may refer to each other in any order.
    ///
    /// # Errors
    /// A missing or doubled name.
    pub(crate) fn load_tables(&mut self, tx: &mut Transaction, definitions: &[&Value]) -> Result<Vec<usize>, ApiError> {
        let mut added = Vec::new();
        for definition in definitions {
            added.push(self.add_table(definition)?);
        }
        for &t in &added {
            for f in 0..self.tables[t].fields.len() {
                self.resolve_field(t, f);
            }
        }
        self.resolve_views(&added);
        self.replan();
        self.load_records(tx, &added, definitions)?;
        Ok(added)
    }

    fn add_table(&mut self, definition: &Value) -> Result<usize, ApiError> {
        let name = definition.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        if name.is_empty() || self.tables.iter().any(|table| table.name.eq_ignore_ascii_case(&name)) {
            return Err(ApiError::invalid("DUPLICATE_TABLE_NAME", format!("Cannot create table named \"{name}\"")));
        }
        let id = definition.get("id").and_then(Value::as_str).map_or_else(|| self.ids.fresh("tbl"), str::to_owned);
        let description = definition.get("description").and_then(Value::as_str);
        self.tables.push(Table {
            id,
            name,
            description: description.filter(|text| !text.is_empty()).map(str::to_owned),
            date_dependency: definition.get("dateDependencySettings").cloned(),
            ..Table::default()
        });
        let t = self.tables.len() - 1;
        for field in items(definition, "fields") {
            self.add_field(t, field)?;
        }
        if self.tables[t].fields.is_empty() {
            self.tables.pop();
            return Err(ApiError::invalid_request());
        }
        if let Some(primary) = definition.get("primaryFieldId").and_then(Value::as_str) {
            self.tables[t].primary = self.tables[t].field(primary).unwrap_or(0);
        }
        let views: Vec<View> =
            items(definition, "views").map(|view| View::from_json(view, self.ids.fresh("viw"))).collect();
        self.tables[t].views = views;
        if self.tables[t].views.is_empty() {
            let view = View::from_json(&json!({"name": "Grid view", "type": "grid"}), self.ids.fresh("viw"));
            self.tables[t].views.push(view);
        }
        Ok(t)
    }

    /// Adds a field without resolving what it refers to.
    ///
    /// # Errors
    /// An empty or doubled name.
    pub(crate) fn add_field(&mut self, t: usize, definition: &Value) -> Result<usize, ApiError> {
        let field = Field::from_json(definition, self.ids.fresh("fld"));
        self.check_field_name(t, None, &field.name)?;
        self.tables[t].fields.push(field);
        Ok(self.tables[t].fields.len() - 1)
    }

    /// Refuses an empty or doubled field name; `except` is the field that is being renamed.
    ///
    /// # Errors
    /// `DUPLICATE_OR_EMPTY_FIELD_NAME`
    pub(crate) fn check_field_name(&self, t: usize, except: Option<usize>, name: &str) -> Result<(), ApiError> {
        let lower = name.to_lowercase();
        let doubled =
            self.tables[t].live_fields().any(|(f, other)| Some(f) != except && other.name.to_lowercase() == lower);
        if name.is_empty() || name.chars().count() > 255 || doubled {
            let message = format!("Cannot use \"{name}\" as a field name: names are unique and not empty");
            return Err(ApiError::invalid("DUPLICATE_OR_EMPTY_FIELD_NAME", message));
        }
        Ok(())
    }

    fn load_records(&mut self, tx: &mut Transaction, tables: &[usize], definitions: &[&Value]) -> Result<(), ApiError> {
        let mut links = Vec::new();
        for (&t, definition) in tables.iter().zip(definitions) {
            for record in items(definition, "records") {
                let id = self.load_record(tx, t, record)?;
                links.push((t, id, record));
            }
        }
        // Links last: they may name records of tables that come later.
        for (t, id, record) in links {
            self.load_cells(tx, t, id, record, true)?;
            if let Some(ms) = record.get("modifiedTime").and_then(Value::as_str).and_then(parse_ms) {
                let (field, person) = (field_index(self.tables[t].primary), tx.actor.person);
                if let Some(record) = self.tables[t].records.get_mut(id) {
                    record.note_edit(Edit { field, ms, person });
                }
            }
        }
        Ok(())
    }

    fn load_record(&mut self, tx: &mut Transaction, t: usize, definition: &Value) -> Result<RecordId, ApiError> {
        let text = |key: &str| definition.get(key).and_then(Value::as_str);
        let id = self.create_record(tx, t, text("id").and_then(RecordId::parse));
        let person = definition.get("createdBy").and_then(Value::as_u64).and_then(|index| u16::try_from(index).ok());
        if let Some(record) = self.tables[t].records.get_mut(id) {
            record.created_ms = text("createdTime").and_then(parse_ms).unwrap_or(record.created_ms);
            record.created_by = person.unwrap_or(record.created_by);
        }
        self.load_cells(tx, t, id, definition, false)?;
        Ok(id)
    }

    fn load_cells(
        &mut self,
        tx: &mut Transaction,
        t: usize,
        id: RecordId,
        definition: &Value,
        links: bool,
    ) -> Result<(), ApiError> {
        for (name, value) in definition.get("fields").and_then(Value::as_object).into_iter().flatten() {
            let f = self.tables[t].field(name).ok_or_else(|| ApiError::unknown_field(name))?;
            let field = &self.tables[t].fields[f];
            if (field.kind == "multipleRecordLinks") != links {
                continue;
            }
            let json = if field.is_writable() {
                self.accept(tx, (t, f), value, true, None)?
            } else {
                (!value.is_null()).then(|| value.to_string().into_bytes())
            };
            self.edit_cell(tx, t, id, f, json.as_deref());
        }
        Ok(())
    }
}
