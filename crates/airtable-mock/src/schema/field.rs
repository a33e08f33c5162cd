//! A field put into a table, under a name that no other has.

use serde_json::Value;

use crate::data::base::Base;
use crate::data::field::Field;
use crate::data::index::{FieldIndex, TableIndex};
use crate::error::ApiError;

/// Adds a field without resolving what it refers to.
///
/// # Errors
/// An empty or doubled name.
pub(crate) fn add_field(base: &mut Base, t: TableIndex, definition: &Value) -> Result<FieldIndex, ApiError> {
    let field = Field::from_json(definition, base.ids.fresh("fld"));
    check_field_name(base, t, None, &field.name)?;
    Ok(base[t].fields.push(field))
}

/// Refuses an empty or doubled field name; `except` is the field that is being renamed.
///
/// # Errors
/// `DUPLICATE_OR_EMPTY_FIELD_NAME`
pub(crate) fn check_field_name(
    base: &Base,
    t: TableIndex,
    except: Option<FieldIndex>,
    name: &str,
) -> Result<(), ApiError> {
    let lower = name.to_lowercase();
    let doubled = base[t].live_fields().any(|(f, other)| Some(f) != except && other.name.to_lowercase() == lower);
    if name.is_empty() || name.chars().count() > 255 || doubled {
        let message = format!("Cannot use \"{name}\" as a field name: names are unique and not empty");
        return Err(ApiError::invalid("DUPLICATE_OR_EMPTY_FIELD_NAME", message));
    }
    Ok(())
}
