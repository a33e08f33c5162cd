//! Cells -> Arrow array, for one column. The match on the column's kind is made once per cell, never a tree of values.
//!
//! Invariant: every call appends exactly one entry, whatever the cell holds; what does not fit becomes NULL and is
//! reported to the caller, who keeps the raw text.

use std::fmt;
use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, Date32Builder, Float64Builder, Int64Builder, ListArray, NullBufferBuilder,
    StringBuilder, StructArray, TimestampMicrosecondBuilder,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::Fields;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::cell::{Cell, Marker, Misfit, float, int, text};
use super::time::{date_days, timestamp_micros};
use super::{Record, Shape};

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
        }
    }

    /// Appends NULL, even to a checkbox: for misfits, and for records that are gone.
    pub(crate) fn append_null(&mut self) {
        match self {
            Self::Bool(b, _) => b.append_null(),
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

    /// Appends one cell, given as its JSON text.
    pub(crate) fn append(&mut self, raw: &str) -> Result<(), Misfit> {
        let cell = Cell::of(raw);
        if matches!(cell, Cell::Null) {
            self.append_empty();
            return Ok(());
        }
        match self {
            Self::Struct(b) if matches!(cell, Cell::Object) => return b.append(raw),
            Self::List(b) if matches!(cell, Cell::Array) => return b.append(raw),
            Self::List(b) if b.is_lookup => return b.append_lone(raw),
            _ => {}
        }
        if self.append_scalar(&cell, raw) {
            return Ok(());
        }
        self.append_null();
        Err(if matches!(cell, Cell::Object) { Marker::of(raw).misfit() } else { Misfit::Unfit })
    }

    /// Appends a cell that is one value, if it fits.
    fn append_scalar(&mut self, cell: &Cell<'_>, raw: &str) -> bool {
        fn put<T>(value: Option<T>, append: impl FnOnce(T)) -> bool {
            value.map(append).is_some()
        }
        match (self, cell) {
            (Self::Text(b) | Self::Any(b), Cell::Text(raw)) => put(text(raw), |text| b.append_value(text)),
            (Self::Any(_) | Self::Json(_), Cell::Object) if Marker::of(raw) != Marker::None => false,
            (Self::Any(b) | Self::Json(b), _) => put(Some(raw), |raw| b.append_value(raw)),
            (Self::Float(b), Cell::Number(raw)) => put(float(raw), |number| b.append_value(number)),
            (Self::Float(b), Cell::Object) => match Marker::of(raw) {
                Marker::Special(number) => put(number, |number| b.append_value(number)),
                _ => false,
            },
            (Self::Int(b), Cell::Number(raw)) => put(int(raw), |number| b.append_value(number)),
            (Self::Bool(b, _), Cell::Bool(value)) => put(Some(*value), |value| b.append_value(value)),
            (Self::Date(b), Cell::Text(raw)) => {
                put(text(raw).and_then(|text| date_days(&text)), |days| b.append_value(days))
            }
            (Self::Timestamp(b), Cell::Text(raw)) => {
                put(text(raw).and_then(|text| timestamp_micros(&text)), |micros| {
                    b.append_value(micros);
                })
            }
            _ => false,
        }
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
        }
    }
}

/// Objects with documented properties; others are ignored, as Airtable asks of its clients.
pub(crate) struct Structs {
    names: Vec<&'static str>,
    properties: Vec<Builder>,
    fields: Fields,
    nulls: NullBufferBuilder,
}

impl Structs {
    fn new(record: Record) -> Self {
        let properties = record.properties();
        Self {
            names: properties.iter().map(|(name, _)| *name).collect(),
            properties: properties.iter().map(|(_, shape)| Builder::new(shape)).collect(),
            fields: record.arrow_fields(),
            nulls: NullBufferBuilder::new(0),
        }
    }

    fn append_null(&mut self) {
        self.properties.iter_mut().for_each(Builder::append_empty);
        self.nulls.append_null();
    }

    fn append(&mut self, raw: &str) -> Result<(), Misfit> {
        let read = serde_json::Deserializer::from_str(raw).deserialize_map(Properties(self));
        let Read { known, unfit } = read.unwrap_or(Read { known: 0, unfit: true });
        let rows = self.nulls.len();
        for property in &mut self.properties {
            if property.len() == rows {
                property.append_empty();
            }
        }
        // An object without one property of ours is another kind of object; `{}` is an empty one of this kind.
        let other_kind = known == 0 && !raw.trim_matches(['{', '}', ' ', '\n', '\r', '\t']).is_empty();
        self.nulls.append(!other_kind);
        match (other_kind, unfit) {
            (true, _) => Err(Marker::of(raw).misfit()),
            (_, true) => Err(Misfit::Unfit),
            _ => Ok(()),
        }
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

struct Read {
    known: usize,
    unfit: bool,
}

struct Properties<'b>(&'b mut Structs);

impl<'de> Visitor<'de> for Properties<'_> {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Read, A::Error> {
        let mut read = Read { known: 0, unfit: false };
        let rows = self.0.nulls.len();
        while let Some(index) = map.next_key_seed(NameIn(&self.0.names))? {
            match index.map(|index| &mut self.0.properties[index]).filter(|property| property.len() == rows) {
                Some(property) => {
                    read.known += 1;
                    read.unfit |= property.append(map.next_value::<&RawValue>()?.get()).is_err();
                }
                None => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(read)
    }
}

/// A key as its place among names, without keeping its text.
struct NameIn<'n>(&'n [&'static str]);

impl<'de> DeserializeSeed<'de> for NameIn<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NameIn<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Option<usize>, E> {
        Ok(self.0.iter().position(|name| *name == key))
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

    fn append(&mut self, raw: &str) -> Result<(), Misfit> {
        let before = self.item.len();
        let mut misfit = None;
        let items = Items { item: &mut self.item, misfit: &mut misfit, flatten: self.is_lookup };
        let read = serde_json::Deserializer::from_str(raw).deserialize_seq(items);
        if read.is_err() {
            misfit = Some(Misfit::Unfit);
        }
        self.close(before, misfit)
    }

    fn append_lone(&mut self, raw: &str) -> Result<(), Misfit> {
        let before = self.item.len();
        if let Err(misfit) = self.item.append(raw) {
            // NULL for the whole cell, as in a column without lists: there is no other item to keep.
            self.lengths.push(self.item.len() - before);
            self.nulls.append_null();
            return Err(misfit);
        }
        self.close(before, None)
    }

    fn close(&mut self, before: usize, misfit: Option<Misfit>) -> Result<(), Misfit> {
        self.lengths.push(self.item.len() - before);
        self.nulls.append_non_null();
        misfit.map_or(Ok(()), Err)
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

struct Items<'b> {
    item: &'b mut Builder,
    misfit: &'b mut Option<Misfit>,
    flatten: bool,
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(raw) = seq.next_element::<&RawValue>()? {
            let raw = raw.get();
            if self.flatten && raw.starts_with('[') {
                let inner = Items { item: &mut *self.item, misfit: &mut *self.misfit, flatten: false };
                serde_json::Deserializer::from_str(raw).deserialize_seq(inner).map_err(serde::de::Error::custom)?;
            } else if let Err(misfit) = self.item.append(raw) {
                self.misfit.get_or_insert(misfit);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
