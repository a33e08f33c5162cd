//! Bearer tokens: scopes, granted bases, and whose they are.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::error::ApiError;

/// What a token may do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grant {
    /// For example `data.records:read`; none given means all.
    pub scopes: Option<BTreeSet<String>>,
    /// Base ids; none given means all.
    pub bases: Option<BTreeSet<String>>,
    /// Index of the person it belongs to; the sample's first person owns the default token.
    pub person: u16,
}

impl Default for Grant {
    /// Everything, everywhere.
    fn default() -> Self {
        Self { scopes: None, bases: None, person: 0 }
    }
}

impl Grant {
    pub(crate) fn allows(&self, scope: &str) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.contains(scope))
    }

    pub(crate) fn sees(&self, base: &str) -> bool {
        self.bases.as_ref().is_none_or(|bases| bases.contains(base))
    }

    /// # Errors
    /// The 403 of a missing scope.
    pub(crate) fn require(&self, scope: &str) -> Result<(), ApiError> {
        if self.allows(scope) { Ok(()) } else { Err(ApiError::forbidden()) }
    }
}

/// All valid tokens.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    bearers: HashMap<String, Bearer>,
}

/// What a token grants, and until when by the server's clock.
#[derive(Debug)]
struct Bearer {
    grant: Grant,
    expires_ms: Option<i64>,
}

impl Tokens {
    pub(crate) fn insert(&mut self, token: &str, grant: Grant) {
        self.bearers.insert(token.into(), Bearer { grant, expires_ms: None });
    }

    pub(super) fn insert_until(&mut self, token: &str, grant: Grant, expires_ms: i64) {
        self.bearers.insert(token.into(), Bearer { grant, expires_ms: Some(expires_ms) });
    }

    pub(crate) fn remove(&mut self, token: &str) {
        self.bearers.remove(token);
    }

    /// The grant of an `Authorization` header.
    ///
    /// # Errors
    /// 401
    pub(crate) fn authenticate(&self, header: Option<&str>, now_ms: i64) -> Result<Grant, ApiError> {
        let token = header.and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(ApiError::unauthenticated)?;
        let bearer = self.bearers.get(token.trim()).ok_or_else(ApiError::unauthenticated)?;
        let is_valid = bearer.expires_ms.is_none_or(|expires_ms| now_ms < expires_ms);
        is_valid.then(|| bearer.grant.clone()).ok_or_else(ApiError::unauthenticated)
    }
}
