//! A table: fields, views and records under one name.

use std::collections::{BTreeSet, HashSet};
use std::ops::{Index, IndexMut};

use serde_json::{Map, Value, json};

use super::field::Field;
use super::id::RecordId;
use super::index::{FieldIndex, List, TableIndex, ViewIndex};
use super::record::Records;
use super::view::View;

/// A table of a base.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// Index of the primary field.
    pub(crate) primary: FieldIndex,
    pub(crate) fields: List<FieldIndex, Field>,
    pub(crate) views: List<ViewIndex, View>,
    pub(crate) records: Records,
    pub(crate) next_auto: u32,
    /// Shown as it is, if present.
    pub(crate) date_dependency: Option<Value>,
    /// Cells set by a test to arbitrary JSON: no computation overwrites them.
    pub(crate) pinned: HashSet<(RecordId, FieldIndex)>,
    /// Computed fields, each after those that it reads.
    pub(crate) order: Vec<FieldIndex>,
    /// Fields whose values change with time alone (`NOW()`, `TODAY()`).
    pub(crate) volatile: Vec<FieldIndex>,
    pub(crate) refreshed_ms: i64,
    /// Tables and link fields through which other records read records of this table.
    pub(crate) readers: BTreeSet<(TableIndex, FieldIndex)>,
}

impl Table {
    /// Finds a field by id or else by exact name.
    pub(crate) fn field(&self, name_or_id: &str) -> Option<FieldIndex> {
        let find = |test: &dyn Fn(&Field) -> bool| self.fields.position(|field| field.alive && test(field));
        find(&|field| field.id == name_or_id).or_else(|| find(&|field| field.name == name_or_id))
    }

    /// Finds a field as the definitions of formula fields do: by id, or as [`Table::field_named_in_formula`].
    pub(crate) fn field_in_formula(&self, name_or_id: &str) -> Option<FieldIndex> {
        let by_id = self.fields.position(|field| field.alive && field.id == name_or_id);
        by_id.or_else(|| self.field_named_in_formula(name_or_id))
    }

    /// Finds a field as `filterByFormula` does: by name, with regard to case only where that tells fields apart.
    pub(crate) fn field_named_in_formula(&self, name: &str) -> Option<FieldIndex> {
        let find = |test: &dyn Fn(&Field) -> bool| self.fields.position(|field| field.alive && test(field));
        let wanted = name.to_lowercase();
        find(&|field| field.name == name).or_else(|| find(&|field| field.name.to_lowercase() == wanted))
    }

    pub(crate) fn view(&self, name_or_id: &str) -> Option<ViewIndex> {
        let find = |test: &dyn Fn(&View) -> bool| self.views.position(test);
        find(&|view| view.id == name_or_id).or_else(|| find(&|view| view.name == name_or_id))
    }

    /// Fields that were not removed, with their indices.
    pub(crate) fn live_fields(&self) -> impl Iterator<Item = (FieldIndex, &Field)> {
        self.fields.entries().filter(|(_, field)| field.alive)
    }

    /// The definition as `GET .../tables` shows it.
    pub(crate) fn definition(&self, with_visible_fields: bool) -> Value {
        let ids = || self.live_fields().map(|(_, field)| field.id.as_str()).collect::<Vec<_>>();
        let mut shown = Map::new();
        shown.insert("id".into(), json!(self.id));
        shown.insert("name".into(), json!(self.name));
        if let Some(description) = &self.description {
            shown.insert("description".into(), json!(description));
        }
        shown.insert("primaryFieldId".into(), json!(self.fields.get(self.primary).map(|field| &field.id)));
        shown.insert("fields".into(), self.live_fields().map(|(_, field)| field.definition()).collect());
        shown.insert(
            "views".into(),
            self.views.iter().map(|view| view.definition(with_visible_fields.then(ids))).collect(),
        );
        if let Some(settings) = &self.date_dependency {
            shown.insert("dateDependencySettings".into(), settings.clone());
        }
        Value::Object(shown)
    }
}

impl Index<FieldIndex> for Table {
    type Output = Field;

    fn index(&self, field: FieldIndex) -> &Field {
        &self.fields[field]
    }
}

impl IndexMut<FieldIndex> for Table {
    fn index_mut(&mut self, field: FieldIndex) -> &mut Field {
        &mut self.fields[field]
    }
}
