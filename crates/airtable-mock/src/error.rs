//! Refusals, in the four shapes that Airtable's error bodies have.
//!
//! Every text a client could match on is written here and nowhere else, so that a reader can compare this
//! file with Airtable's error catalogue.

use serde_json::{Value, json};

/// How an error body is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `{"error":{"type":..,"message":..}}`, the message left out when empty.
    Object,
    /// `{"error":"NOT_FOUND"}`
    Bare,
    /// `{"errors":[{"error":..,"message":..}]}`, the form of both kinds of 429.
    Plural,
}

/// A refusal: status and body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    kind: String,
    message: String,
    shape: Shape,
}

impl ApiError {
    pub(crate) fn new(status: u16, kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, kind: kind.into(), message: message.into(), shape: Shape::Object }
    }

    pub(crate) fn with_shape(mut self, shape: Shape) -> Self {
        self.shape = shape;
        self
    }

    pub(crate) fn body(&self) -> Value {
        match self.shape {
            Shape::Bare => json!({"error": self.kind}),
            Shape::Plural => json!({"errors": [{"error": self.kind, "message": self.message}]}),
            Shape::Object if self.message.is_empty() => json!({"error": {"type": self.kind}}),
            Shape::Object => json!({"error": {"type": self.kind, "message": self.message}}),
        }
    }

    pub(crate) fn unauthenticated() -> Self {
        Self::new(401, "AUTHENTICATION_REQUIRED", "Authentication required")
    }

    pub(crate) fn forbidden() -> Self {
        Self::new(
            403,
            "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND",
            "Invalid permissions, or the requested model was not found. Check that both your user and your token \
             have the required permissions, and that the model names and/or ids are correct.",
        )
    }

    pub(crate) fn not_permitted(what: &str) -> Self {
        Self::new(403, "INVALID_PERMISSIONS", format!("You are not permitted to {what}"))
    }

    /// The 404 of an undefined route.
    pub(crate) fn no_route() -> Self {
        Self::new(404, "NOT_FOUND", "").with_shape(Shape::Bare)
    }

    pub(crate) fn not_found() -> Self {
        Self::new(404, "NOT_FOUND", "")
    }

    pub(crate) fn model_not_found(what: &str) -> Self {
        Self::new(404, "MODEL_ID_NOT_FOUND", format!("{what} not found"))
    }

    /// The 422 for whatever has no type of its own.
    pub(crate) fn invalid_request() -> Self {
        Self::new(
            422,
            "INVALID_REQUEST_UNKNOWN",
            "Invalid request: parameter validation failed. Check your request data.",
        )
    }

    pub(crate) fn invalid(kind: &str, message: impl Into<String>) -> Self {
        Self::new(422, kind, message)
    }

    pub(crate) fn missing_key(key: &str) -> Self {
        Self::new(422, "INVALID_REQUEST_MISSING_FIELDS", format!("Could not find field \"{key}\" in the request body"))
    }

    pub(crate) fn iterator_gone() -> Self {
        Self::new(422, "LIST_RECORDS_ITERATOR_NOT_AVAILABLE", "")
    }

    pub(crate) fn bad_offset(offset: &str) -> Self {
        Self::new(422, "INVALID_OFFSET_VALUE", format!("The value of offset {offset} is invalid"))
    }

    pub(crate) fn unknown_field(name: &str) -> Self {
        Self::new(422, "UNKNOWN_FIELD_NAME", format!("Unknown field name: \"{name}\""))
    }

    pub(crate) fn bad_formula(tail: &str) -> Self {
        Self::new(422, "INVALID_FILTER_BY_FORMULA", format!("The formula for filtering records is invalid: {tail}"))
    }

    pub(crate) fn row_does_not_exist(id: &str) -> Self {
        Self::new(422, "ROW_DOES_NOT_EXIST", format!("Record ID {id} does not exist in this table"))
    }

    pub(crate) fn rate_limited() -> Self {
        Self::new(429, "RATE_LIMIT_REACHED", "Rate limit exceeded. Please try again later").with_shape(Shape::Plural)
    }

    pub(crate) fn monthly_block() -> Self {
        Self::new(
            429,
            "PUBLIC_API_BILLING_LIMIT_EXCEEDED",
            "API billing plan limit exceeded. You've reached the maximum number of requests allowed for this month.",
        )
        .with_shape(Shape::Plural)
    }

    pub(crate) fn retriable() -> Self {
        Self::new(
            503,
            "RETRIABLE_ERROR",
            "Server encountered an error while processing your request, and it is safe to retry the request",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_shapes() {
        let cases = [
            (ApiError::retriable().body(), r#""type":"RETRIABLE_ERROR""#),
            (ApiError::iterator_gone().body(), r#"{"error":{"type":"LIST_RECORDS_ITERATOR_NOT_AVAILABLE"}}"#),
            (ApiError::no_route().body(), r#"{"error":"NOT_FOUND"}"#),
            (ApiError::rate_limited().body(), r#"{"errors":[{"error":"RATE_LIMIT_REACHED","message":"#),
        ];
        for (body, expected) in cases {
            assert!(body.to_string().contains(expected), "{body}");
        }
    }
}
