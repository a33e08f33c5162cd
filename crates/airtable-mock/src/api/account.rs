//! Whose token it is, and which bases it sees.

use serde_json::{Value, json};

use super::query::pairs;
use super::token::Grant;
use crate::data::base::Base;
use crate::data::store::Store;
use crate::error::ApiError;

/// `GET /v0/meta/whoami`
///
/// # Errors
/// 401 if the token is nobody's.
pub(crate) fn whoami(store: &Store, grant: &Grant) -> Result<Value, ApiError> {
    let person = store.people.get(usize::from(grant.person)).ok_or_else(ApiError::unauthenticated)?;
    let mut shown = json!({"id": person.id});
    if let (Some(email), true) = (&person.email, grant.allows("user.email:read")) {
        shown["email"] = json!(email);
    }
    Ok(shown)
}

/// `GET /v0/meta/bases`: a thousand bases a page, as in Airtable; the offset names the next base.
///
/// # Errors
/// 422 for an offset that was never handed out.
pub(crate) fn bases(store: &Store, grant: &Grant, query: &str) -> Result<Value, ApiError> {
    const PAGE: usize = 1000;
    const ITERATOR: &str = "itrBases0000000000";
    let visible: Vec<&Base> = store.bases.iter().filter(|base| grant.sees(&base.id)).collect();
    let pairs = pairs(query);
    let offset = pairs.iter().find(|(key, value)| key == "offset" && !value.is_empty()).map(|(_, value)| value);
    let start = match offset {
        None => 0,
        Some(offset) => {
            let id = offset.split_once('/').filter(|(iterator, _)| *iterator == ITERATOR).map(|(_, id)| id);
            let at = visible.iter().position(|base| Some(base.id.as_str()) == id);
            at.ok_or_else(|| ApiError::bad_offset(offset))?
        }
    };
    let page: Vec<Value> = visible
        .iter()
        .skip(start)
        .take(PAGE)
        .map(|base| json!({"id": base.id, "name": base.name, "permissionLevel": base.permission}))
        .collect();
    let mut shown = json!({"bases": page});
    if let Some(next) = visible.get(start + PAGE) {
        shown["offset"] = json!(format!("{ITERATOR}/{}", next.id));
    }
    Ok(shown)
}
