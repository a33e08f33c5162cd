//! THE type table: Airtable type -> [`Shape`] -> Arrow type and Spark type.
//!
//! A shape is decided once per column, from the field's definition; no cell changes it. Arrow types are those that Spark
//! makes of the Spark types (`to_arrow_schema(schema, "UTC")`), to the name of a list's item: newer Sparks refuse
//! anything else, older ones misread it.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field as ArrowField, Fields, TimeUnit};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What the cells of a column are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Text.
    Text,
    /// Text where the cell is one, JSON otherwise: for results of unknown type.
    Any,
    /// The cell's JSON, as it was sent.
    Json,
    /// A double. Not-a-number and the infinities are Airtable's special values.
    Float,
    /// A whole number.
    Int,
    /// True or false; NULL where empty.
    Bool,
    /// A checkbox, whose empty cell is false.
    Checkbox,
    /// A day.
    Date,
    /// A moment, to the microsecond.
    Timestamp,
    /// An object with these properties.
    Struct(Object),
    /// An array.
    List(Box<Shape>),
    /// The cells of another table's field: an array, flat, in which a lone value stands for an array of one.
    Lookup(Box<Shape>),
}

/// An object that Airtable documents, by name, so that a plan stays small and readable. Beside [`Shape`], because each is
/// made of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Object {
    /// A person, or a group of them, which has no address.
    Collaborator,
    /// A file.
    Attachment,
    /// A file, without what is another at every read.
    StableAttachment,
    /// A file, and where it is stored.
    StoredAttachment,
    /// The previews of a file.
    Thumbnails,
    /// One preview.
    Thumbnail,
    /// A scanned code.
    Barcode,
    /// A label that opens an address.
    Button,
    /// What a language model wrote.
    AiText,
    /// A linked record, as change feeds tell of it.
    Link,
}

impl Object {
    /// Properties and their shapes, in order.
    pub(crate) fn properties(self) -> Vec<(&'static str, Shape)> {
        use Shape::{Bool, Int, Struct, Text};
        match self {
            Self::Collaborator => vec![("id", Text), ("email", Text), ("name", Text)],
            Self::Attachment => vec![
                ("id", Text),
                ("url", Text),
                ("filename", Text),
                ("size", Int),
                ("type", Text),
                ("width", Int),
                ("height", Int),
                ("thumbnails", Struct(Self::Thumbnails)),
            ],
            Self::StableAttachment => {
                vec![("id", Text), ("filename", Text), ("size", Int), ("type", Text), ("width", Int), ("height", Int)]
            }
            Self::StoredAttachment => vec![
                ("id", Text),
                ("path", Text),
                ("filename", Text),
                ("size", Int),
                ("type", Text),
                ("width", Int),
                ("height", Int),
            ],
            Self::Thumbnails => {
                let one = Struct(Self::Thumbnail);
                vec![("small", one.clone()), ("large", one.clone()), ("full", one)]
            }
            Self::Thumbnail => vec![("url", Text), ("width", Int), ("height", Int)],
            Self::Barcode => vec![("text", Text), ("type", Text)],
            Self::Button => vec![("label", Text), ("url", Text)],
            Self::Link => vec![("id", Text), ("name", Text)],
            Self::AiText => vec![("state", Text), ("value", Text), ("isStale", Bool), ("errorType", Text)],
        }
    }

    /// The properties as the fields of an Arrow struct.
    pub(crate) fn arrow_fields(self) -> Fields {
        let field = |(name, shape): (&str, Shape)| ArrowField::new(name, shape.data_type(), true);
        self.properties().into_iter().map(field).collect()
    }
}

impl Shape {
    /// The shape of a field's cells. `options` may be missing, null, or not as documented.
    ///
    /// Types and their cells: Airtable's field model.
    pub fn of(kind: &str, options: &Value) -> Self {
        match kind {
            "singleLineText" | "email" | "url" | "multilineText" | "richText" | "phoneNumber" | "singleSelect"
            | "externalSyncSource" | "manualSort" => Self::Text,
            "number" | "percent" | "currency" | "duration" => Self::Float,
            "rating" | "count" | "autoNumber" => Self::Int,
            "checkbox" => Self::Checkbox,
            "date" => Self::Date,
            "dateTime" => Self::Timestamp,
            "createdTime" | "lastModifiedTime" => result(options).unwrap_or(Self::Timestamp),
            "multipleSelects" | "multipleRecordLinks" => Self::List(Box::new(Self::Text)),
            "singleCollaborator" | "createdBy" | "lastModifiedBy" => Self::Struct(Object::Collaborator),
            "multipleCollaborators" => Self::List(Box::new(Self::Struct(Object::Collaborator))),
            "multipleAttachments" => Self::List(Box::new(Self::Struct(Object::Attachment))),
            "barcode" => Self::Struct(Object::Barcode),
            "button" => Self::Struct(Object::Button),
            "aiText" => Self::Struct(Object::AiText),
            "formula" | "rollup" => result(options).unwrap_or(Self::Any),
            "multipleLookupValues" | "lookup" => match result(options).unwrap_or(Self::Any) {
                Self::List(item) | Self::Lookup(item) => Self::Lookup(item),
                item => Self::Lookup(Box::new(item)),
            },
            _ => Self::Json,
        }
    }

    /// The Arrow type.
    pub fn data_type(&self) -> DataType {
        match self {
            Self::Text | Self::Any | Self::Json => DataType::Utf8,
            Self::Float => DataType::Float64,
            Self::Int => DataType::Int64,
            Self::Bool | Self::Checkbox => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Struct(record) => DataType::Struct(record.arrow_fields()),
            Self::List(item) | Self::Lookup(item) => DataType::List(Self::item_field(item)),
        }
    }

    /// Spark calls a list's item `element`.
    pub(crate) fn item_field(item: &Self) -> Arc<ArrowField> {
        Arc::new(ArrowField::new("element", item.data_type(), true))
    }

    /// The Spark type, as in the JSON of a `StructType`.
    pub fn spark_type(&self) -> Value {
        match self {
            Self::Text | Self::Any | Self::Json => json!("string"),
            Self::Float => json!("double"),
            Self::Int => json!("long"),
            Self::Bool | Self::Checkbox => json!("boolean"),
            Self::Date => json!("date"),
            Self::Timestamp => json!("timestamp"),
            Self::Struct(record) => {
                let field = |(name, shape): (&str, Self)| json!({"name": name, "type": shape.spark_type(), "nullable": true, "metadata": {}});
                let fields: Vec<Value> = record.properties().into_iter().map(field).collect();
                json!({"type": "struct", "fields": fields})
            }
            Self::List(item) | Self::Lookup(item) => {
                json!({"type": "array", "elementType": item.spark_type(), "containsNull": true})
            }
        }
    }

    /// Structs and lists.
    pub(crate) fn is_nested(&self) -> bool {
        matches!(self, Self::Struct(_) | Self::List(_) | Self::Lookup(_))
    }

    /// Files, in a list.
    pub(crate) fn has_attachments(&self) -> bool {
        use Object::{Attachment, StableAttachment, StoredAttachment};
        let is_one = |item: &Self| matches!(item, Self::Struct(Attachment | StableAttachment | StoredAttachment));
        matches!(self, Self::List(item) | Self::Lookup(item) if is_one(item))
    }

    /// The same with another form of files, where it has any.
    pub(crate) fn with_attachments(self, form: Object) -> Self {
        match self {
            Self::List(_) if self.has_attachments() => Self::List(Box::new(Self::Struct(form))),
            Self::Lookup(_) if self.has_attachments() => Self::Lookup(Box::new(Self::Struct(form))),
            other => other,
        }
    }

    /// The shape that reads the same cells into another Spark type, where nothing is lost by it: what does not fit is
    /// rescued, as everywhere.
    pub(crate) fn read_as(&self, spark_type: &Value) -> Option<Self> {
        if *spark_type == self.spark_type() {
            return Some(self.clone());
        }
        match (self, spark_type.as_str()?) {
            (Self::Struct(_) | Self::List(_) | Self::Lookup(_), "string") => Some(Self::Json),
            (Self::Checkbox, "string") => None,
            (_, "string") => Some(Self::Any),
            (Self::Float, "long") => Some(Self::Int),
            (Self::Int, "double") => Some(Self::Float),
            _ => None,
        }
    }

    /// What a value must be, for messages.
    pub(crate) fn expected(&self) -> String {
        let expected = match self {
            Self::Text => "a text",
            Self::Any | Self::Json => "any value",
            Self::Float => "a number",
            Self::Int => "a whole number",
            Self::Bool | Self::Checkbox => "true or false",
            Self::Date => "a date from year 1 to 9999",
            Self::Timestamp => "a time from year 1 to 9999, to the microsecond",
            Self::Struct(_) => "an object with the documented properties",
            Self::List(item) | Self::Lookup(item) => return format!("an array, each item {}", item.expected()),
        };
        expected.to_owned()
    }
}

/// Airtable makes the cells of such fields itself, by computing or synchronising, and may send the one value of a cell in an
/// array.
pub(super) fn is_made_by_airtable(kind: &str) -> bool {
    const MADE: [&str; 11] = [
        "formula",
        "rollup",
        "count",
        "autoNumber",
        "createdTime",
        "lastModifiedTime",
        "createdBy",
        "lastModifiedBy",
        "button",
        "aiText",
        "externalSyncSource",
    ];
    MADE.contains(&kind)
}

/// Airtable makes the cells of such fields itself, so that nobody edits them.
pub(crate) fn is_computed(kind: &str) -> bool {
    is_made_by_airtable(kind) || matches!(kind, "multipleLookupValues" | "lookup")
}

/// The shape of a computed field's result, where Airtable tells one.
fn result(options: &Value) -> Option<Shape> {
    let result = &options["result"];
    let shape = Shape::of(result["type"].as_str()?, &result["options"]);
    // A computed cell that is empty is empty: only the box itself is unchecked.
    Some(if shape == Shape::Checkbox { Shape::Bool } else { shape })
}

#[cfg(test)]
mod tests;
