//! The condition of a plan: what its rows fulfil, beside which records are selected. Pure.
//!
//! Invariants: a condition is about the table's own columns, whatever a read gives of them, under the names that the read
//! gives them; what Airtable is asked may let too much through and never too little, because every row is decided again.

use std::collections::HashMap;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::airtable::formula::both;
use crate::airtable::schema::{Field, Table};
use crate::columns::{Shape, sql_type};
use crate::condition::{Condition, Kind, Place, Subject, formula, fulfilled, parse};
use crate::error::Result;
use crate::scan::attachment_form::AttachmentForm;
use crate::scan::columns::{Column, Source};

/// What the rows of a read fulfil.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Restriction {
    /// As it was written.
    pub text: String,
    /// What it is about, in the form in which it is decided.
    pub(crate) columns: Vec<Column>,
    pub(super) condition: Condition,
    /// What Airtable is asked with; none where nothing of the condition may be asked.
    pub(crate) formula: Option<String>,
}

/// The columns of a base's table that a condition may name.
pub(super) struct Nameable {
    columns: Vec<Column>,
    /// How many fields have a name, in lower case: formulas may not tell them apart.
    names: HashMap<String, usize>,
}

impl Nameable {
    /// All columns that a read of a table can have.
    pub(super) fn of_table(table: &Table, columns: Vec<Column>) -> Self {
        Self { columns, names: counted(table.fields.iter().map(|field| field.name.as_str())) }
    }

    /// The same, where the bases have a column of their own.
    pub(super) fn of_one_of_several(mut self) -> Self {
        self.columns.insert(1, Column::new("_base_id", false, Source::BaseId));
        self
    }

    /// Those that a plan has.
    fn of_columns(columns: &[Column]) -> Self {
        let fields = columns.iter().filter_map(|column| match &column.source {
            Source::Field(field) => Some(field.name.as_str()),
            _ => None,
        });
        Self { columns: columns.to_vec(), names: counted(fields) }
    }

    /// What a column's values are.
    fn kind(&self, column: &Column) -> Result<Kind, String> {
        let has = |form| self.columns.iter().any(|column| column.attachments() == Some(form));
        match column.source {
            Source::ChangedAt { .. } | Source::Deleted => {
                Err("tells of a change, and a condition is about records: choose rows by it where they are read".into())
            }
            Source::Rescued if has(AttachmentForm::Stored) => Err(
                "tells of files, too, which are fetched once rows are chosen: choose rows by it where they are read"
                    .into(),
            ),
            Source::Rescued if has(AttachmentForm::Stable) => Ok(Kind::Made),
            _ => Ok(kind(column)),
        }
    }

    fn place(&self, column: &Column) -> Place {
        match &column.source {
            Source::RecordId => Place::RecordId,
            Source::CreatedTime => Place::CreatedTime,
            Source::Field(field) => {
                let is_only = self.names.get(&field.name.to_lowercase()).is_none_or(|count| *count == 1);
                // Read as another type, it has other NULLs.
                let is_itself = field.shape == Shape::of(&field.kind, &Value::Null);
                if is_only && is_itself { Place::of_field(&field.name, &field.kind) } else { Place::Here }
            }
            _ => Place::Here,
        }
    }
}

fn counted<'n>(names: impl Iterator<Item = &'n str>) -> HashMap<String, usize> {
    let mut count = HashMap::new();
    for name in names {
        *count.entry(name.to_lowercase()).or_default() += 1;
    }
    count
}

impl Restriction {
    /// The condition about some columns of a plan.
    ///
    /// # Errors
    /// As for [`of_bases`].
    pub(super) fn of_columns(text: &str, columns: &[Column]) -> Result<Self> {
        let mut one = of_bases(text, &[Nameable::of_columns(columns)])?;
        Ok(one.remove(0))
    }

    /// Both of them.
    pub(super) fn and(self, other: Self) -> Self {
        let by = self.columns.len();
        Self {
            text: format!("({}) AND ({})", self.text, other.text),
            columns: self.columns.into_iter().chain(other.columns).collect(),
            condition: self.condition.and(other.condition.moved(by)),
            formula: both(self.formula, other.formula),
        }
    }

    /// The columns that nothing but the condition is about, each once.
    pub(super) fn tacit<'c>(&'c self, others: &'c [Column]) -> impl Iterator<Item = Column> + 'c {
        let is_new = |(place, column): &(usize, &Column)| {
            let before = &self.columns[..*place];
            !others.iter().chain(before).any(|other| other.source == column.source)
        };
        self.columns.iter().enumerate().filter(is_new).map(|(_, column)| Column { is_tacit: true, ..column.clone() })
    }

    /// Which of some rows fulfil it, told by columns among which are those that it is about.
    ///
    /// # Errors
    /// As for [`condition::fulfilled`](fulfilled).
    pub(crate) fn fulfilled(&self, columns: &[Column], cells: &[ArrayRef], rows: usize) -> Result<BooleanArray> {
        let place = |about: &Column| columns.iter().position(|column| column.source == about.source);
        let about: Vec<ArrayRef> = self.columns.iter().filter_map(place).map(|place| cells[place].clone()).collect();
        fulfilled(&self.condition, &about, rows)
    }

    /// Whether it is about a column of this name, of rows that are no records.
    pub(crate) fn is_about(&self, name: &str) -> bool {
        self.columns.iter().any(|column| matches!(&column.source, Source::Fact(fact) if fact.name == name))
    }

    /// Whether the formula names fields, which stand in braces there.
    pub(crate) fn names_fields(&self) -> bool {
        self.formula.as_ref().is_some_and(|formula| formula.contains('{'))
    }

    /// Whether the fields that the formula names still have their names, and these are nobody else's. Formulas name no
    /// ids, so that a field that has got the name of another would be asked in its place.
    pub(crate) fn names_hold(&self, fields: &[Field]) -> bool {
        self.columns.iter().all(|column| match &column.source {
            Source::Field(named) if Place::of_field(&named.name, &named.kind).is_named() => {
                let is_called = |field: &&Field| field.name.to_lowercase() == named.name.to_lowercase();
                let called: Vec<_> = fields.iter().filter(is_called).collect();
                matches!(called.as_slice(), [only] if only.id == named.id && only.kind == named.kind)
            }
            _ => true,
        })
    }
}

/// The condition about the same columns of several bases, for each of them. One that a base lacks is NULL there.
///
/// # Errors
/// [`Error::Option`](crate::error::Error::Option) that points at the place in the text.
pub(super) fn of_bases(text: &str, bases: &[Nameable]) -> Result<Vec<Restriction>> {
    let all = shared(bases);
    let subjects: Vec<Subject> =
        all.iter().map(|(column, kind)| Subject { name: column.name.clone(), kind: kind.clone() }).collect();
    let (condition, used) = parse(text, &subjects)?;
    Ok(bases
        .iter()
        .map(|base| {
            let columns: Vec<Column> = used.iter().map(|place| own(base, all[*place].0)).collect();
            let places: Vec<Place> = columns.iter().map(|column| base.place(column)).collect();
            let formula = formula(&condition, &places);
            Restriction { text: text.to_owned(), columns, condition: condition.clone(), formula }
        })
        .collect())
}

/// Every column that a base has, once, and what its values are.
fn shared(bases: &[Nameable]) -> Vec<(&Column, Result<Kind, String>)> {
    let (mut all, mut places) = (Vec::<(&Column, Result<Kind, String>)>::new(), HashMap::new());
    for (base, column) in bases.iter().flat_map(|base| base.columns.iter().map(move |column| (base, column))) {
        let place = *places.entry(column.name.to_lowercase()).or_insert(all.len());
        match all.get_mut(place) {
            None => all.push((column, base.kind(column))),
            Some((first, kind)) if first.data_type() != column.data_type() => {
                let [one, other] = [&**first, column].map(|column| sql_type(&column.spark_type()));
                *kind = Err(format!("is {one} in one base and {other} in another"));
            }
            // What is a text in one base may be made of another one in the next.
            Some((_, kind)) if *kind == Ok(Kind::Text) => *kind = base.kind(column),
            Some(_) => {}
        }
    }
    all
}

/// A base's own column in the place of another one's.
fn own(base: &Nameable, shared: &Column) -> Column {
    let name = shared.name.to_lowercase();
    let own = base.columns.iter().find(|column| column.name.to_lowercase() == name);
    own.cloned().unwrap_or_else(|| match &shared.source {
        Source::Field(field) => Column::new(&shared.name, true, Source::Absent(field.shape.clone())),
        _ => shared.clone(),
    })
}

fn kind(column: &Column) -> Kind {
    match column.data_type() {
        // Names and paths are put in, and addresses left out.
        DataType::Utf8 if column.links().is_some() || column.attachments().is_some() => Kind::Made,
        DataType::Utf8 => Kind::Text,
        DataType::Float64 => Kind::Double,
        DataType::Int64 => Kind::Whole,
        DataType::Boolean => Kind::Bool,
        DataType::Date32 => Kind::Date,
        DataType::Timestamp(..) => Kind::Timestamp,
        _ => Kind::Nested,
    }
}
