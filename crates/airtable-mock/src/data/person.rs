//! People: who can own tokens, edit cells and be named in collaborator cells.

use serde_json::{Value, json};

/// A person who can own tokens, edit cells and be named in collaborator cells.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) email: Option<String>,
    pub(crate) name: String,
}

impl Person {
    /// The cell value of a collaborator.
    pub(crate) fn cell(&self) -> Value {
        match &self.email {
            Some(email) => json!({"id": self.id, "email": email, "name": self.name}),
            None => json!({"id": self.id, "name": self.name}),
        }
    }
}
