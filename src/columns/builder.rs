//! Cells -> Arrow array, for one column: from the page's bytes straight into the column, never a tree of values.
//!
//! Invariant: every call reads exactly one cell and appends exactly one entry, whatever the cell holds; what does not fit
//! becomes NULL and is reported to the caller, who keeps the raw text. After a cell that is no JSON, builders are of no use.

use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, Date32Builder, Float64Builder, Int64Builder, ListArray, NullBufferBuilder,
    StringBuilder, StructArray, TimestampMicrosecondBuilder,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::Fields;

use crate::columns::marker::{Marker, Misfit};
use crate::columns::shape::is_made_by_airtable;
use crate::columns::texts::{flat_items, put_joined, put_json, put_text};
use crate::columns::{Object, Shape};
use crate::json::{Json, Kind, NotJson};
use crate::time::{date_days, timestamp_micros};

/// The column under construction.
pub(crate) enum Builder {
    Text(StringBuilder),
    Any(StringBuilder),
    Json(StringBuilder),
    Float(Float64Builder),
    Int(Int64Builder),
    /// With what an empty cell is.
    Bool(BooleanBuilder, Option<bool>),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
    Struct(Structs),
    List(Lists),
    /// A value that may come in an array.
    Computed(Box<Builder>),
}

impl Builder {
    pub(crate) fn new(shape: &Shape) -> Self {
        match shape {
            Shape::Text => Self::Text(StringBuilder::new()),
            Shape::Any => Self::Any(StringBuilder::new()),
            Shape::Json => Self::Json(StringBuilder::new()),
            Shape::Float => Self::Float(Float64Builder::new()),
            Shape::Int => Self::Int(Int64Builder::new()),
            Shape::Bool => Self::Bool(BooleanBuilder::new(), None),
            Shape::Checkbox => Self::Bool(BooleanBuilder::new(), Some(false)),
            Shape::Date => Self::Date(Date32Builder::new()),
            Shape::Timestamp => Self::Timestamp(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            Shape::Struct(record) => Self::Struct(Structs::new(*record)),
            Shape::List(item) => Self::List(Lists::new(item, false)),
            Shape::Lookup(item) => Self::List(Lists::new(item, true)),
        }
    }

    /// The builder for a field's cells. Those that Airtable makes may be arrays where the field's one value belongs.
    pub(crate) fn of_field(kind: &str, shape: &Shape) -> Self {
        match shape {
            // These hold an array as it is.
            Shape::List(_) | Shape::Lookup(_) | Shape::Json => Self::new(shape),
            shape if is_made_by_airtable(kind) => Self::Computed(Box::new(Self::new(shape))),
            shape => Self::new(shape),
        }
    }

    /// Appends an empty cell.
    pub(crate) fn append_empty(&mut self) {
        match self {
            Self::Text(b) | Self::Any(b) | Self::Json(b) => b.append_null(),
            Self::Float(b) => b.append_null(),
            Self::Int(b) => b.append_null(),
            Self::Bool(b, empty) => b.append_option(*empty),
            Self::Date(b) => b.append_null(),
            Self::Timestamp(b) => b.append_null(),
            Self::Struct(b) => b.append_null(),
            Self::List(b) => b.append_null(),
            Self::Computed(b) => b.append_empty(),
        }
    }

    /// Appends NULL, even to a checkbox: for misfits, and for records that are gone.
    pub(crate) fn append_null(&mut self) {
        match self {
            Self::Bool(b, _) => b.append_null(),
            Self::Computed(b) => b.append_null(),
            other => other.append_empty(),
        }
    }

    /// Appends a text that was never JSON; for columns of text only.
    pub(crate) fn append_text(&mut self, text: &str) {
        match self {
            Self::Text(b) | Self::Any(b) | Self::Json(b) => b.append_value(text),
            other => other.append_null(),
        }
    }

    /// Appends a time that was never JSON; for columns of times only.
    pub(crate) fn append_micros(&mut self, micros: i64) {
        match self {
            Self::Timestamp(b) => b.append_value(micros),
            other => other.append_null(),
        }
    }

    /// Appends a truth that was never JSON; for columns of them only.
    pub(crate) fn append_bool(&mut self, value: bool) {
        match self {
            Self::Bool(b, _) => b.append_value(value),
            other => other.append_null(),
        }
    }

    /// Reads one cell and appends it; gives why it does not fit.
    #[inline]
    pub(crate) fn append(&mut self, json: &mut Json<'_>) -> Result<Option<Misfit>, NotJson> {
        let fits = match (&mut *self, json.kind()) {
            (Self::Text(b) | Self::Any(b), Kind::Text) => return Ok(put_text(b, json.text()?)),
            (Self::Float(b), Kind::Number) => put(json.number()?.float(), |number| b.append_value(number)),
            (Self::Int(b), Kind::Number) => put(json.number()?.int(), |number| b.append_value(number)),
            (Self::Bool(b, _), Kind::Bool) => put(Some(json.bool()?), |value| b.append_value(value)),
            (Self::Date(b), Kind::Text) => put(date_days(json.text()?.text), |days| b.append_value(days)),
            (Self::Timestamp(b), Kind::Text) => {
                put(timestamp_micros(json.text()?.text), |micros| b.append_value(micros))
            }
            (_, Kind::Null) => {
                json.null()?;
                self.append_empty();
                true
            }
            (Self::Struct(b), Kind::Object) => return b.append(json),
            (Self::List(b), Kind::Array) => return b.append(json),
            (Self::Computed(b), Kind::Array) => return b.append_array(json.skip()?),
            (Self::Computed(b), _) => return b.append(json),
            (Self::List(b), _) if b.is_lookup => return b.append_lone(json),
            (_, Kind::Object) => return Ok(self.append_object(json.skip()?)),
            (Self::Any(b) | Self::Json(b), _) => return Ok(put_json(b, json.skip()?)),
            _ => {
                json.skip()?;
                false
            }
        };
        if !fits {
            self.append_null();
        }
        Ok((!fits).then_some(Misfit::Unfit))
    }

    /// Appends an object, given as its JSON text, to a column that has no properties.
    fn append_object(&mut self, raw: &str) -> Option<Misfit> {
        let marker = Marker::of(raw);
        match (&mut *self, &marker) {
            (Self::Any(b) | Self::Json(b), Marker::None) => return put_json(b, raw),
            (Self::Float(b), Marker::Special(Some(number))) => b.append_value(*number),
            _ => {
                self.append_null();
                return Some(marker.misfit());
            }
        }
        None
    }

    /// Appends an array, given as its JSON text, to a column of one value each: none is an empty cell, one is that value,
    /// and several are, in a column of texts, these side by side. A null carries nothing. A number beside others is a
    /// text there.
    fn append_array(&mut self, raw: &str) -> Result<Option<Misfit>, NotJson> {
        let mut items = flat_items(raw)?;
        items.retain(|item| Json::new(item).kind() != Kind::Null);
        match (&mut *self, items.as_slice()) {
            (_, []) => self.append_empty(),
            (_, [only]) => return self.append(&mut Json::new(only)),
            (Self::Text(b), several) => return put_joined(b, several, false, raw),
            (Self::Any(b), several) => return put_joined(b, several, true, raw),
            _ => {
                self.append_null();
                return Ok(Some(Misfit::Unfit));
            }
        }
        Ok(None)
    }

    /// The array of all that was appended; the builder is empty afterwards.
    pub(crate) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(b) | Self::Any(b) | Self::Json(b) => Arc::new(b.finish()),
            Self::Float(b) => Arc::new(b.finish()),
            Self::Int(b) => Arc::new(b.finish()),
            Self::Bool(b, _) => Arc::new(b.finish()),
            Self::Date(b) => Arc::new(b.finish()),
            Self::Timestamp(b) => Arc::new(b.finish()),
            Self::Struct(b) => b.finish(),
            Self::List(b) => b.finish(),
            Self::Computed(b) => b.finish(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Text(b) | Self::Any(b) | Self::Json(b) => b.len(),
            Self::Float(b) => b.len(),
            Self::Int(b) => b.len(),
            Self::Bool(b, _) => b.len(),
            Self::Date(b) => b.len(),
            Self::Timestamp(b) => b.len(),
            Self::Struct(b) => b.nulls.len(),
            Self::List(b) => b.nulls.len(),
            Self::Computed(b) => b.len(),
        }
    }
}

/// Appends the value, if there is one.
#[inline]
fn put<T>(value: Option<T>, append: impl FnOnce(T)) -> bool {
    value.map(append).is_some()
}

/// Objects with documented properties; others are ignored, as Airtable asks of its clients.
pub(crate) struct Structs {
    names: Vec<&'static str>,
    properties: Vec<Builder>,
    fields: Fields,
    nulls: NullBufferBuilder,
}

impl Structs {
    fn new(object: Object) -> Self {
        let properties = object.properties();
        Self {
            names: properties.iter().map(|(name, _)| *name).collect(),
            properties: properties.iter().map(|(_, shape)| Builder::new(shape)).collect(),
            fields: object.arrow_fields(),
            nulls: NullBufferBuilder::new(0),
        }
    }

    fn append_null(&mut self) {
        self.properties.iter_mut().for_each(Builder::append_empty);
        self.nulls.append_null();
    }

    fn append(&mut self, json: &mut Json<'_>) -> Result<Option<Misfit>, NotJson> {
        let start = json.position();
        let rows = self.nulls.len();
        let (mut known, mut misfit, mut expected) = (0, None, 0);
        let is_empty = !json.open_object()?;
        let mut has_more = !is_empty;
        while has_more {
            let index = self.property(json, expected)?;
            match index.map(|index| &mut self.properties[index]).filter(|property| property.len() == rows) {
                Some(property) => {
                    known += 1;
                    let found = property.append(json)?;
                    let of_struct = |found| if found == Misfit::HalfCharacter { found } else { Misfit::Unfit };
                    misfit = Misfit::of_both(misfit, found.map(of_struct));
                }
                None => _ = json.skip()?,
            }
            expected = index.map_or(expected, |index| index + 1);
            has_more = json.next_in_object()?;
        }
        for property in &mut self.properties {
            if property.len() == rows {
                property.append_empty();
            }
        }
        // An object without one property of ours is another kind of object; `{}` is an empty one of this kind.
        let is_other_kind = known == 0 && !is_empty;
        self.nulls.append(!is_other_kind);
        Ok(if is_other_kind { Some(Marker::of(json.since(start)).misfit()) } else { misfit })
    }

    /// Reads a key as its place among the names; most come in their order.
    #[inline]
    fn property(&self, json: &mut Json<'_>, expected: usize) -> Result<Option<usize>, NotJson> {
        if self.names.get(expected).is_some_and(|name| json.is_key(name)) {
            return Ok(Some(expected));
        }
        let key = json.key()?;
        Ok(self.names.iter().position(|name| *name == key))
    }

    fn finish(&mut self) -> ArrayRef {
        let length = self.nulls.len();
        let arrays = self.properties.iter_mut().map(Builder::finish).collect();
        Arc::new(
            StructArray::try_new_with_length(self.fields.clone(), arrays, self.nulls.finish(), length)
                .expect("every append gave each property one entry of its type"),
        )
    }
}

/// Arrays of items. An item that does not fit is a NULL item: the others are still good.
pub(crate) struct Lists {
    item: Box<Builder>,
    shape: Shape,
    lengths: Vec<usize>,
    nulls: NullBufferBuilder,
    /// Lookups may hold arrays within the array, or a lone value instead of it: all give one flat list.
    is_lookup: bool,
}

impl Lists {
    fn new(item: &Shape, is_lookup: bool) -> Self {
        let nulls = NullBufferBuilder::new(0);
        Self { item: Box::new(Builder::new(item)), shape: item.clone(), lengths: Vec::new(), nulls, is_lookup }
    }

    fn append_null(&mut self) {
        self.lengths.push(0);
        self.nulls.append_null();
    }

    fn append(&mut self, json: &mut Json<'_>) -> Result<Option<Misfit>, NotJson> {
        let before = self.item.len();
        let mut misfit = None;
        let mut has_more = json.open_array()?;
        while has_more {
            let found = if self.is_lookup && json.kind() == Kind::Array {
                self.append_inner(json)?
            } else {
                self.item.append(json)?
            };
            misfit = Misfit::of_both(misfit, found);
            has_more = json.next_in_array()?;
        }
        self.close(before);
        Ok(misfit)
    }

    /// The items of an array within the array.
    fn append_inner(&mut self, json: &mut Json<'_>) -> Result<Option<Misfit>, NotJson> {
        let mut misfit = None;
        let mut has_more = json.open_array()?;
        while has_more {
            let found = self.item.append(json)?;
            misfit = Misfit::of_both(misfit, found);
            has_more = json.next_in_array()?;
        }
        Ok(misfit)
    }

    fn append_lone(&mut self, json: &mut Json<'_>) -> Result<Option<Misfit>, NotJson> {
        let before = self.item.len();
        let misfit = self.item.append(json)?;
        if misfit.is_some_and(|misfit| misfit != Misfit::HalfCharacter) {
            // NULL for the whole cell, as in a column without lists: there is no other item to keep.
            self.lengths.push(self.item.len() - before);
            self.nulls.append_null();
        } else {
            self.close(before);
        }
        Ok(misfit)
    }

    fn close(&mut self, before: usize) {
        self.lengths.push(self.item.len() - before);
        self.nulls.append_non_null();
    }

    fn finish(&mut self) -> ArrayRef {
        let offsets = OffsetBuffer::from_lengths(std::mem::take(&mut self.lengths));
        let items = self.item.finish();
        Arc::new(
            ListArray::try_new(Shape::item_field(&self.shape), offsets, items, self.nulls.finish())
                .expect("lengths count the items, and items have the type of their shape"),
        )
    }
}

#[cfg(test)]
mod tests;
