//! What is asked for: everything about a request but where the service is and who asks.

use reqwest::Method;

use crate::airtable::failure::Purpose;

/// A request to the Web API.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) purpose: Purpose,
    pub(crate) method: Method,
    /// Below `/v0`, each part raw: it is encoded here.
    pub(crate) path: Vec<String>,
    pub(crate) query: Vec<(&'static str, String)>,
    /// JSON.
    pub(crate) body: Option<String>,
    /// The base whose budget this draws on.
    pub(crate) base_id: Option<String>,
}

impl Request {
    /// Whose token it is. It needs no scope.
    pub(crate) fn account() -> Self {
        Self {
            purpose: Purpose::Account,
            method: Method::GET,
            path: vec!["meta".into(), "whoami".into()],
            query: Vec::new(),
            body: None,
            base_id: None,
        }
    }

    /// The webhooks of a base.
    pub(crate) fn webhooks(base_id: &str) -> Self {
        Self {
            purpose: Purpose::Webhooks,
            method: Method::GET,
            path: vec!["bases".into(), base_id.into(), "webhooks".into()],
            query: Vec::new(),
            body: None,
            base_id: Some(base_id.into()),
        }
    }

    /// The definitions of a base's tables.
    pub(crate) fn tables(base_id: &str) -> Self {
        Self {
            purpose: Purpose::Schema,
            method: Method::GET,
            path: vec!["meta".into(), "bases".into(), base_id.into(), "tables".into()],
            query: Vec::new(),
            body: None,
            base_id: Some(base_id.into()),
        }
    }
}
