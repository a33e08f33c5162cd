//! The columns of a read: their names, where their values come from, and what catalogs are told about them. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field as ArrowField, Schema, SchemaRef, TimeUnit};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::airtable::schema::{Field, Table};
use crate::columns::Shape;
use crate::options::{IngestionType, Nested, ReadOptions};
use crate::scan::attachment_form::AttachmentForm;
use crate::scan::links::{self, NamedLinks};
use crate::scan::log::LogColumn;
use crate::scan::names::{Naming, column_names};

/// One column of the schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// What users call it.
    pub name: String,
    /// False only where the schema says so.
    pub nullable: bool,
    /// Where its values come from.
    pub source: Source,
    /// In a read of several bases the field of the first one that has the column: all tell the same of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_as: Option<Box<FieldSource>>,
    /// Read for a condition alone: what does not fit it is NULL, and no fault of the rows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_tacit: bool,
}

/// Where a column's values come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The record's id.
    RecordId,
    /// The id of the record's base.
    BaseId,
    /// Nowhere: the table of this base has no such field, and those of others have.
    Absent(Shape),
    /// When the record was created.
    CreatedTime,
    /// A field's cells.
    Field(FieldSource),
    /// What did not fit elsewhere.
    Rescued,
    /// When the record changed.
    ChangedAt {
        /// The field that knows it to the second, where the table has one.
        field_id: Option<String>,
    },
    /// Whether the record is gone.
    Deleted,
    /// What a log of changes tells.
    Log(LogColumn),
    /// How many comments the record has.
    CommentCount,
    /// What is told of a row that is no record.
    Fact(Fact),
}

/// Something that is told of rows that are no records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// The name under which it is told.
    pub name: String,
    /// What its values become.
    pub shape: Shape,
    /// What catalogs show about its column.
    pub comment: String,
}

/// A field as it was when the read was planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldSource {
    /// `fld...`.
    pub id: String,
    /// The field's name.
    pub name: String,
    /// Airtable's word for its type.
    pub kind: String,
    /// What the base's makers wrote about it.
    pub description: Option<String>,
    /// What its cells become.
    pub shape: Shape,
    /// What its links are given as, where not as the ids in the cells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links: Option<NamedLinks>,
    /// How attachments in them are given, where not as they come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachments: Option<AttachmentForm>,
}

impl Column {
    pub(crate) fn new(name: impl Into<String>, nullable: bool, source: Source) -> Self {
        Self { name: name.into(), nullable, source, told_as: None, is_tacit: false }
    }

    /// What its links are given as, where not as the ids in the cells.
    pub(crate) fn links(&self) -> Option<&NamedLinks> {
        match &self.source {
            Source::Field(field) => field.links.as_ref(),
            _ => None,
        }
    }

    /// What is told of a row that is no record, under its own name.
    pub(super) fn fact(name: &str, shape: Shape, nullable: bool, comment: &str) -> Self {
        let fact = Fact { name: name.to_owned(), shape, comment: comment.to_owned() };
        Self::new(name, nullable, Source::Fact(fact))
    }

    /// The id of the field whose cells it has.
    pub(crate) fn field_id(&self) -> Option<&str> {
        match &self.source {
            Source::Field(field) => Some(&field.id),
            _ => None,
        }
    }

    /// How attachments are given, where not as they come.
    pub(crate) fn attachments(&self) -> Option<AttachmentForm> {
        match &self.source {
            Source::Field(field) => field.attachments,
            _ => None,
        }
    }

    /// The column that pages are read into.
    pub(super) fn decoded(&self) -> Self {
        let mut column = self.clone();
        if let Source::Field(field) = &mut column.source {
            if let Some(form) = field.attachments {
                field.shape = form.decoded(field.shape.clone());
            }
            field.attachments = None;
            if field.links.take().is_some() {
                field.shape = links::cells(&field.kind);
            }
        }
        column
    }

    /// The Arrow type.
    pub fn data_type(&self) -> DataType {
        match &self.source {
            Source::RecordId | Source::BaseId | Source::Rescued => DataType::Utf8,
            Source::Absent(shape) => shape.data_type(),
            Source::CreatedTime | Source::ChangedAt { .. } => {
                DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
            }
            Source::Deleted => DataType::Boolean,
            Source::CommentCount => DataType::Int64,
            Source::Field(field) => field.shape.data_type(),
            Source::Fact(fact) => fact.shape.data_type(),
            Source::Log(column) => column.shape().data_type(),
        }
    }

    pub(super) fn spark_type(&self) -> Value {
        match &self.source {
            Source::RecordId | Source::BaseId | Source::Rescued => json!("string"),
            Source::Absent(shape) => shape.spark_type(),
            Source::CreatedTime | Source::ChangedAt { .. } => json!("timestamp"),
            Source::Deleted => json!("boolean"),
            Source::CommentCount => json!("long"),
            Source::Field(field) => field.shape.spark_type(),
            Source::Fact(fact) => fact.shape.spark_type(),
            Source::Log(column) => column.shape().spark_type(),
        }
    }

    /// What catalogs and tools show about the column: the Airtable field's id, name and type, and a comment.
    pub(super) fn metadata(&self) -> Vec<(&'static str, String)> {
        let comment = |text: &str| vec![("comment", text.to_owned())];
        if let Some(field) = &self.told_as {
            return field.metadata();
        }
        match &self.source {
            Source::RecordId => comment("Airtable record id"),
            Source::BaseId => comment("Airtable base id"),
            Source::Absent(_) => Vec::new(),
            Source::CreatedTime => comment("when the record was created"),
            Source::Rescued => comment("JSON list of values that did not fit their columns"),
            Source::ChangedAt { .. } => comment("when the record changed: orders the versions of a row"),
            Source::Deleted => comment("whether the record was deleted"),
            Source::CommentCount => comment("how many comments the record has"),
            Source::Field(field) => field.metadata(),
            Source::Fact(fact) => comment(&fact.comment),
            Source::Log(column) => comment(column.comment()),
        }
    }
}

impl FieldSource {
    fn metadata(&self) -> Vec<(&'static str, String)> {
        let mut metadata = vec![
            ("airtable_field_id", self.id.clone()),
            ("airtable_field_name", self.name.clone()),
            ("airtable_field_type", self.kind.clone()),
        ];
        metadata.extend(self.description.clone().map(|text| ("comment", text)));
        metadata
    }
}

/// The columns of a read of these fields.
pub(super) fn columns(table: &Table, fields: &[&Field], options: &ReadOptions) -> Vec<Column> {
    let rescued = options.rescued_data_column.as_deref();
    let name_of = names_by_id(table, &Naming::of(options));
    let mut columns =
        vec![Column::new("id", false, Source::RecordId), Column::new("createdTime", true, Source::CreatedTime)];
    columns.extend(fields.iter().map(|field| {
        let attachments = AttachmentForm::of(field, options);
        let shape = given_shape(field, options);
        let source = FieldSource {
            id: field.id.clone(),
            name: field.name.clone(),
            kind: field.kind.clone(),
            description: field.description.clone().filter(|text| !text.is_empty()),
            shape: attachments.map_or(shape.clone(), |form| form.shape(shape)),
            links: NamedLinks::of(field, options.links),
            attachments,
        };
        Column::new(name_of[field.id.as_str()].clone(), true, Source::Field(source))
    }));
    columns.extend(rescued.map(|name| Column::new(name, true, Source::Rescued)));
    if matches!(options.ingestion_type, IngestionType::Cdc | IngestionType::CdcWithDeletes) {
        // A change feed tells when each of its changes was made; the field tells it of the last edit only.
        let field =
            table.fields.iter().find(|field| options.ingestion_type == IngestionType::Cdc && tells_edits(field));
        let source = Source::ChangedAt { field_id: field.map(|field| field.id.clone()) };
        columns.push(Column::new("_changed_at", false, source));
        columns.push(Column::new("_deleted", false, Source::Deleted));
    }
    columns
}

/// The Arrow schema of columns.
pub(super) fn arrow_schema(columns: &[Column]) -> SchemaRef {
    let field = |column: &Column| {
        let metadata: HashMap<String, String> =
            column.metadata().into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        ArrowField::new(&column.name, column.data_type(), column.nullable).with_metadata(metadata)
    };
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

/// The schema of columns as Spark writes a `StructType` in JSON.
pub(super) fn spark_schema(columns: &[Column]) -> String {
    let field = |column: &Column| {
        let metadata: Map<String, Value> =
            column.metadata().into_iter().map(|(key, value)| (key.to_owned(), Value::String(value))).collect();
        json!({"name": column.name, "type": column.spark_type(), "nullable": column.nullable, "metadata": metadata})
    };
    json!({"type": "struct", "fields": columns.iter().map(field).collect::<Vec<_>>()}).to_string()
}

/// The columns of every log of changes.
pub(super) fn log_columns(nested: Nested) -> Vec<Column> {
    let own = |column: LogColumn| Column::new(column.name(), column.is_nullable(), Source::Log(column));
    std::iter::once(Column::new("id", false, Source::RecordId)).chain(LogColumn::all(nested).map(own)).collect()
}

/// The names of a table's columns by the ids of their fields. They are made from all fields, so that leaving one out does
/// not rename another.
pub(super) fn names_by_id<'t>(table: &'t Table, naming: &Naming) -> HashMap<&'t str, String> {
    let all: Vec<(&str, &str)> = table.fields.iter().map(|field| (field.id.as_str(), field.name.as_str())).collect();
    let names = column_names(naming.column_names, &all, naming.rescued_data_column.as_deref());
    all.iter().map(|(id, _)| *id).zip(names).collect()
}

/// What a field's column gives.
fn given_shape(field: &Field, options: &ReadOptions) -> Shape {
    match NamedLinks::of(field, options.links) {
        Some(_) if options.nested == Nested::Json => Shape::Json,
        Some(links) => links.shape(),
        None => shape_of(field, options.nested),
    }
}

/// What the cells of a field's column are.
pub(crate) fn shape_of(field: &Field, nested: Nested) -> Shape {
    let shape = Shape::of(&field.kind, &field.options);
    if nested == Nested::Json && shape.is_nested() { Shape::Json } else { shape }
}

/// The field's cells are the times of the last edit of any field, to the second.
fn tells_edits(field: &Field) -> bool {
    let options = &field.options;
    field.kind == "lastModifiedTime"
        && options["result"]["type"] == "dateTime"
        && options["isValid"] == true
        && options["referencedFieldIds"].as_array().is_some_and(Vec::is_empty)
}
