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
pub(crate) struct Tokens(HashMap<String, Grant>);

impl Tokens {
    pub(crate) fn insert(&mut self, token: &str, grant: Grant) {
        self.0.insert(token.into(), grant);
    }

    pub(crate) fn remove(&mut self, token: &str) {
        self.0.remove(token);
    }

    /// The grant of an `Authorization` header.
    ///
    /// # Errors
    /// 401
    pub(crate) fn authenticate(&self, header: Option<&str>) -> Result<Grant, ApiError> {
        let token = header.and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(ApiError::unauthenticated)?;
        self.0.get(token.trim()).cloned().ok_or_else(ApiError::unauthenticated)
    }
}
