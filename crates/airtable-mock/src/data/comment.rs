//! Comments on records.

use serde_json::{Map, Value, json};

use super::base::{Base, Person};
use super::id::RecordId;
use crate::clock::stamp;
use crate::error::ApiError;

/// A comment.
#[derive(Debug, Clone)]
pub(crate) struct Comment {
    pub(crate) id: String,
    author: Person,
    text: String,
    created_ms: i64,
    updated_ms: Option<i64>,
    parent: Option<String>,
}

impl Comment {
    fn json(&self, base: &Base) -> Value {
        let mut shown = Map::new();
        shown.insert("id".into(), json!(self.id));
        shown.insert("author".into(), self.author.cell());
        shown.insert("text".into(), json!(self.text));
        shown.insert("createdTime".into(), json!(stamp(self.created_ms)));
        shown.insert("lastUpdatedTime".into(), json!(self.updated_ms.map(stamp)));
        let mentioned: Map<String, Value> = base
            .people
            .iter()
            .filter(|person| self.text.contains(&format!("@[{}]", person.id)))
            .map(|person| {
                let shown = json!({"type": "user", "id": person.id, "displayName": person.name, "email": person.email});
                (person.id.clone(), shown)
            })
            .collect();
        if !mentioned.is_empty() {
            shown.insert("mentioned".into(), Value::Object(mentioned));
        }
        if let Some(parent) = &self.parent {
            shown.insert("parentCommentId".into(), json!(parent));
        }
        Value::Object(shown)
    }
}

fn text_of(body: &Value) -> Result<&str, ApiError> {
    body.get("text")
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| ApiError::missing_key("text"))
}

impl Base {
    /// A page of comments, newest first.
    ///
    /// # Errors
    /// 422 for a wrong page size or offset.
    pub(crate) fn list_comments(&self, record: RecordId, pairs: &[(String, String)]) -> Result<Value, ApiError> {
        let given =
            |name: &str| pairs.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value);
        let size = given("pageSize").map_or(Ok(100), |size| size.parse::<usize>());
        let size = size.ok().filter(|size| (1..=100).contains(size)).ok_or_else(ApiError::invalid_request)?;
        let comments: Vec<&Comment> = self.comments.get(&record).into_iter().flatten().rev().collect();
        let start = match given("offset") {
            None => 0,
            Some(offset) => {
                comments.iter().position(|comment| comment.id == *offset).ok_or_else(|| ApiError::bad_offset(offset))?
            }
        };
        let page: Vec<Value> = comments.iter().skip(start).take(size).map(|comment| comment.json(self)).collect();
        let next = comments.get(start + size).map(|comment| &comment.id);
        Ok(json!({"comments": page, "offset": next}))
    }

    /// # Errors
    /// 422 without a text.
    pub(crate) fn create_comment(
        &mut self,
        record: RecordId,
        body: &Value,
        person: u16,
        now_ms: i64,
    ) -> Result<Value, ApiError> {
        let text = text_of(body)?.to_owned();
        let author = self.person(person).cloned().ok_or_else(ApiError::forbidden)?;
        let parent = body.get("parentCommentId").and_then(Value::as_str).map(str::to_owned);
        let comment = Comment { id: self.ids.fresh("com"), author, text, created_ms: now_ms, updated_ms: None, parent };
        let shown = comment.json(self);
        self.comments.entry(record).or_default().push(comment);
        Ok(shown)
    }

    /// # Errors
    /// 404 for an unknown comment, 403 for another person's.
    pub(crate) fn update_comment(
        &mut self,
        record: RecordId,
        id: &str,
        body: &Value,
        person: u16,
        now_ms: i64,
    ) -> Result<Value, ApiError> {
        let text = text_of(body)?.to_owned();
        let me = self.person(person).map(|person| person.id.clone());
        let comment = self.comment_mut(record, id)?;
        if Some(&comment.author.id) != me.as_ref() {
            return Err(ApiError::not_permitted("perform this operation"));
        }
        comment.text = text;
        comment.updated_ms = Some(now_ms);
        let comment = comment.clone();
        Ok(comment.json(self))
    }

    /// # Errors
    /// 404 for an unknown comment.
    pub(crate) fn delete_comment(&mut self, record: RecordId, id: &str) -> Result<Value, ApiError> {
        self.comment_mut(record, id)?;
        self.comments.entry(record).or_default().retain(|comment| comment.id != id);
        Ok(json!({"id": id, "deleted": true}))
    }

    fn comment_mut(&mut self, record: RecordId, id: &str) -> Result<&mut Comment, ApiError> {
        let comments = self.comments.get_mut(&record).into_iter().flatten();
        comments.into_iter().find(|comment| comment.id == id).ok_or_else(ApiError::not_found)
    }
}
