//! The data of a running mock, as tests make, read and change it.
//!
//! Bases, tables and fields are named by id or name. Every call is one transaction or a few, like a person's
//! at the screen: webhooks hear of it as `client`.

use serde_json::{Value, json};

use super::config::{MockError, missing};
use crate::api::comments;
use crate::api::page::PageWriter;
use crate::api::query::RecordShape;
use crate::api::route::Replace;
use crate::api::write;
use crate::change::commit::commit;
use crate::change::edit::pin_cell;
use crate::clock::stamp;
use crate::data::base::Base;
use crate::data::id::RecordId;
use crate::data::index::TableIndex;
use crate::data::transaction::{Actor, Transaction};
use crate::error::ApiError;
use crate::generate;
use crate::mock::Mock;
use crate::schema::{alter, load};

impl Mock {
    /// Makes a base from `{"name", "id"?, "permissionLevel"?, "tables": [...]}`; gives its id.
    ///
    /// Tables are as in Airtable's schema calls, with names allowed wherever ids are, plain strings as select
    /// choices, and `records`: `[{"id"?, "createdTime"?, "modifiedTime"?, "fields": {..}}]`.
    ///
    /// # Errors
    /// What Airtable would refuse, for example a doubled name.
    pub fn create_base(&self, definition: &Value) -> Result<String, MockError> {
        let mut store = self.state.airtable.write();
        let base = load::create_base(&mut store, definition, self.state.airtable.clock.now_ms())?;
        Ok(store[base].id.clone())
    }

    /// Makes a table of such a definition; gives its schema.
    ///
    /// # Errors
    /// What Airtable would refuse.
    pub fn create_table(&self, base: &str, definition: &Value) -> Result<Value, MockError> {
        self.change(base, |base, now_ms| Ok(alter::create_table(base, definition, Actor::client(), now_ms)?))
    }

    /// Makes a table of generated records (see [`FieldSpec::mixture`](crate::FieldSpec::mixture)); gives its id.
    ///
    /// # Errors
    /// A doubled name.
    pub fn generate_table(
        &self,
        base: &str,
        name: &str,
        records: usize,
        fields: &[generate::FieldSpec],
        seed: u64,
    ) -> Result<String, MockError> {
        self.change(base, |base, now_ms| {
            let t = generate::generate_table(base, name, records, fields, seed, now_ms)?;
            Ok(base[t].id.clone())
        })
    }

    /// The schema as `GET .../tables` gives it.
    ///
    /// # Errors
    /// An unknown base.
    pub fn schema(&self, base: &str) -> Result<Value, MockError> {
        let store = self.state.airtable.read();
        let base = store.base(base).ok_or_else(|| missing("base", base))?;
        Ok(store[base].schema(true))
    }

    /// All records of a table as a listing would give them, in order of creation.
    ///
    /// # Errors
    /// An unknown base or table.
    pub fn records(&self, base: &str, table: &str) -> Result<Vec<Value>, MockError> {
        let signature = self.state.airtable.signature();
        let store = self.state.airtable.read();
        let base = &store[store.base(base).ok_or_else(|| missing("base", base))?];
        let t = base.table(table).ok_or_else(|| missing("table", table))?;
        let shape = RecordShape::default();
        let writer = PageWriter::new(base, t, None, &shape, &signature)?;
        let show = |record| {
            let mut out = Vec::new();
            writer.write(&mut out, record);
            serde_json::from_slice(&out).unwrap_or_default()
        };
        Ok(base[t].records.iter().map(show).collect())
    }

    /// Creates any number of records from their fields, with `typecast`; gives their ids.
    ///
    /// # Errors
    /// What Airtable would refuse.
    pub fn create_records(&self, base: &str, table: &str, fields: &[Value]) -> Result<Vec<String>, MockError> {
        self.write_records(
            base,
            table,
            &fields.iter().map(|fields| json!({"fields": fields})).collect::<Vec<_>>(),
            |base, t, body, now_ms| write::create_records(base, t, body, Actor::client(), now_ms, ""),
        )
    }

    /// Updates any number of records: `[{"id": .., "fields": {..}}]`; cells that are not named stay.
    ///
    /// # Errors
    /// What Airtable would refuse.
    pub fn update_records(&self, base: &str, table: &str, records: &[Value]) -> Result<Vec<String>, MockError> {
        self.write_records(base, table, records, |base, t, body, now_ms| {
            write::update_records(base, t, body, Replace::Named, Actor::client(), now_ms, "")
        })
    }

    /// Adds a file to a cell of attachments, after those that are there; gives the attachment's id. Its media type is told
    /// by the file's name, or given.
    ///
    /// # Errors
    /// What Airtable would refuse, and a field that holds no attachments.
    pub fn add_attachment(
        &self,
        (base, table, record, field): (&str, &str, &str, &str),
        filename: &str,
        bytes: &[u8],
        kind: Option<&str>,
    ) -> Result<String, MockError> {
        let (id, cell) = self.change_table(base, table, |base, t, _| {
            let f = base[t].field(field).ok_or_else(|| missing("field", field))?;
            if base[t][f].kind != "multipleAttachments" {
                return Err(missing("field of attachments", field));
            }
            let known = RecordId::parse(record).and_then(|id| base[t].records.get(id));
            let known = known.ok_or_else(|| missing("record", record))?;
            let cell = known.cells.get(f).and_then(|json| serde_json::from_slice::<Value>(json).ok());
            let mut cell = cell.and_then(|cell| cell.as_array().cloned()).unwrap_or_default();
            let id = base.ids.fresh("att");
            let address = format!("https://files.example.com/{id}");
            let mut item = json!({"id": id, "url": address, "filename": filename, "size": bytes.len()});
            if let Some(kind) = kind {
                item["type"] = json!(kind);
            }
            cell.push(item);
            base.files.insert(id.clone(), bytes);
            Ok((id, cell))
        })?;
        let fields = Value::Object(std::iter::once((field.to_owned(), Value::Array(cell))).collect());
        self.update_records(base, table, &[json!({"id": record, "fields": fields})])?;
        Ok(id)
    }

    fn write_records(
        &self,
        base: &str,
        table: &str,
        records: &[Value],
        write: impl Fn(&mut Base, TableIndex, &write::WriteBody<'_>, i64) -> Result<Vec<u8>, ApiError>,
    ) -> Result<Vec<String>, MockError> {
        self.change_table(base, table, |base, t, now_ms| {
            let mut ids = Vec::new();
            for chunk in records.chunks(10) {
                let body = json!({"records": chunk, "typecast": true});
                let answer = write(base, t, &write::WriteBody::read(&body)?, now_ms)?;
                let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
                let written = answer["records"].as_array().into_iter().flatten();
                ids.extend(written.filter_map(|record| record["id"].as_str().map(str::to_owned)));
            }
            Ok(ids)
        })
    }

    /// Deletes any number of records.
    ///
    /// # Errors
    /// An unknown record.
    pub fn delete_records(&self, base: &str, table: &str, ids: &[&str]) -> Result<(), MockError> {
        self.change_table(base, table, |base, t, now_ms| {
            for chunk in ids.chunks(10) {
                write::delete_records(base, t, chunk, Actor::client(), now_ms)?;
            }
            Ok(())
        })
    }

    /// Puts any JSON into a cell, computed or not; it stays until the cell is edited. `null` empties it.
    ///
    /// # Errors
    /// An unknown base, table, record or field.
    pub fn set_raw_cell(
        &self,
        base: &str,
        table: &str,
        record: &str,
        field: &str,
        json: &Value,
    ) -> Result<(), MockError> {
        self.change_table(base, table, |base, t, now_ms| {
            let f = base[t].field(field).ok_or_else(|| missing("field", field))?;
            let known = RecordId::parse(record).filter(|id| base[t].records.get(*id).is_some());
            let id = known.ok_or_else(|| missing("record", record))?;
            let mut tx = Transaction::new(now_ms, Actor::client());
            pin_cell(base, &mut tx, t, id, f, json);
            commit(base, tx);
            Ok(())
        })
    }

    /// Replaces keys of a field's shown definition by any JSON, for example `{"type": "hologram"}` or
    /// `{"options": null}`; the field itself goes on working. `null` takes all replacements back.
    ///
    /// # Errors
    /// An unknown base, table or field.
    pub fn set_raw_field(&self, base: &str, table: &str, field: &str, definition: &Value) -> Result<(), MockError> {
        self.change_table(base, table, |base, t, _| {
            let f = base[t].field(field).ok_or_else(|| missing("field", field))?;
            base[t][f].overlay = definition.as_object().cloned();
            Ok(())
        })
    }

    /// Adds a field; gives its definition.
    ///
    /// # Errors
    /// What Airtable would refuse.
    pub fn create_field(&self, base: &str, table: &str, definition: &Value) -> Result<Value, MockError> {
        self.change_table(base, table, |base, t, now_ms| {
            Ok(alter::create_field(base, t, definition, Actor::client(), now_ms)?)
        })
    }

    /// Changes a field's `name`, `description`, `type` or `options`.
    ///
    /// # Errors
    /// What Airtable would refuse.
    pub fn update_field(&self, base: &str, table: &str, field: &str, change: &Value) -> Result<Value, MockError> {
        self.change_table(base, table, |base, t, now_ms| {
            let f = base[t].field(field).ok_or_else(|| missing("field", field))?;
            Ok(alter::update_field(base, t, f, change, Actor::client(), now_ms)?)
        })
    }

    /// Renames a field.
    ///
    /// # Errors
    /// An empty or doubled name.
    pub fn rename_field(&self, base: &str, table: &str, field: &str, name: &str) -> Result<(), MockError> {
        self.update_field(base, table, field, &json!({"name": name})).map(|_| ())
    }

    /// Removes a field; what was computed from it becomes invalid.
    ///
    /// # Errors
    /// An unknown field, or the primary one.
    pub fn remove_field(&self, base: &str, table: &str, field: &str) -> Result<(), MockError> {
        self.change_table(base, table, |base, t, now_ms| {
            let f = base[t].field(field).ok_or_else(|| missing("field", field))?;
            Ok(alter::remove_field(base, t, f, Actor::client(), now_ms)?)
        })
    }

    /// Changes a table's `name` or `description`.
    ///
    /// # Errors
    /// An empty or doubled name.
    pub fn update_table(&self, base: &str, table: &str, change: &Value) -> Result<Value, MockError> {
        self.change_table(base, table, |base, t, now_ms| {
            Ok(alter::update_table(base, t, change, Actor::client(), now_ms)?)
        })
    }

    /// Removes a table and the links to it.
    ///
    /// # Errors
    /// An unknown base or table.
    pub fn remove_table(&self, base: &str, table: &str) -> Result<(), MockError> {
        self.change_table(base, table, |base, t, now_ms| Ok(alter::remove_table(base, t, &Actor::client(), now_ms)?))
    }

    /// Sets the user's role on a base: `none`, `read`, `comment`, `edit` or `create`.
    ///
    /// # Errors
    /// An unknown base.
    pub fn set_permission(&self, base: &str, level: &str) -> Result<(), MockError> {
        self.change(base, |base, _| {
            level.clone_into(&mut base.permission);
            Ok(())
        })
    }

    /// When a record was last edited, with milliseconds if the server keeps them; `None` if never.
    ///
    /// # Errors
    /// An unknown base, table or record.
    pub fn last_modified(&self, base: &str, table: &str, record: &str) -> Result<Option<String>, MockError> {
        let store = self.state.airtable.read();
        let base = &store[store.base(base).ok_or_else(|| missing("base", base))?];
        let t = base.table(table).ok_or_else(|| missing("table", table))?;
        let record =
            RecordId::parse(record).and_then(|id| base[t].records.get(id)).ok_or_else(|| missing("record", record))?;
        Ok(record.last_edit(&[]).map(|edit| stamp(edit.ms)))
    }

    /// Writes a comment on a record, `{"text", "author"?, "parentCommentId"?, "reactions"?: [{"emoji", "person"}]}`, where
    /// people are numbers from 0; gives its id. Texts mention people as `@[usr...]`.
    ///
    /// # Errors
    /// An unknown base, table, record or person, and a comment without a text.
    pub fn add_comment(&self, base: &str, table: &str, record: &str, comment: &Value) -> Result<String, MockError> {
        let person = |value: &Value| u16::try_from(value.as_u64().unwrap_or_default()).unwrap_or(u16::MAX);
        self.change_table(base, table, |base, t, now_ms| {
            let id = RecordId::parse(record).filter(|id| base[t].records.get(*id).is_some());
            let record = id.ok_or_else(|| missing("record", record))?;
            let made = comments::create(base, record, comment, person(&comment["author"]), now_ms)?;
            let made = made["id"].as_str().unwrap_or_default().to_owned();
            for reaction in comment["reactions"].as_array().into_iter().flatten() {
                let emoji = reaction["emoji"].as_str().unwrap_or_default();
                comments::react(base, record, &made, emoji, person(&reaction["person"]))?;
            }
            Ok(made)
        })
    }

    fn change<T>(
        &self,
        base: &str,
        change: impl FnOnce(&mut Base, i64) -> Result<T, MockError>,
    ) -> Result<T, MockError> {
        let now_ms = self.state.airtable.clock.now_ms();
        let result = {
            let mut store = self.state.airtable.write();
            let b = store.base(base).ok_or_else(|| missing("base", base))?;
            change(&mut store[b], now_ms)
        };
        self.state.ring();
        result
    }

    fn change_table<T>(
        &self,
        base: &str,
        table: &str,
        change: impl FnOnce(&mut Base, TableIndex, i64) -> Result<T, MockError>,
    ) -> Result<T, MockError> {
        self.change(base, |base, now_ms| {
            let t = base.table(table).ok_or_else(|| missing("table", table))?;
            change(base, t, now_ms)
        })
    }
}
