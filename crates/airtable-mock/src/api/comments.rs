//! Comments on records: listed, written, changed and deleted.

use serde_json::{Map, Value, json};

use crate::clock::stamp;
use crate::data::base::Base;
use crate::data::comment::Comment;
use crate::data::id::RecordId;
use crate::data::person::Person;
use crate::error::ApiError;

/// A page of comments, newest first.
///
/// # Errors
/// 422 for a wrong page size or offset.
pub(crate) fn list(base: &Base, record: RecordId, pairs: &[(String, String)]) -> Result<Value, ApiError> {
    let given = |name: &str| pairs.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value);
    let size = given("pageSize").map_or(Ok(100), |size| size.parse::<usize>());
    let size = size.ok().filter(|size| (1..=100).contains(size)).ok_or_else(ApiError::invalid_request)?;
    let comments: Vec<&Comment> = base.comments.get(&record).into_iter().flatten().rev().collect();
    let start = match given("offset") {
        None => 0,
        Some(offset) => {
            comments.iter().position(|comment| comment.id == *offset).ok_or_else(|| ApiError::bad_offset(offset))?
        }
    };
    let page: Vec<Value> = comments.iter().skip(start).take(size).map(|comment| shown(comment, base)).collect();
    let next = comments.get(start + size).map(|comment| &comment.id);
    Ok(json!({"comments": page, "offset": next}))
}

/// Writes a comment.
///
/// # Errors
/// 422 without a text.
pub(crate) fn create(
    base: &mut Base,
    record: RecordId,
    body: &Value,
    person: u16,
    now_ms: i64,
) -> Result<Value, ApiError> {
    let text = text_of(body)?.to_owned();
    let author = base.person(person).cloned().ok_or_else(ApiError::forbidden)?;
    let parent = body.get("parentCommentId").and_then(Value::as_str).map(str::to_owned);
    let (id, reactions) = (base.ids.fresh("com"), Vec::new());
    let comment = Comment { id, author, text, created_ms: now_ms, updated_ms: None, parent, reactions };
    let shown = shown(&comment, base);
    base.comments.entry(record).or_default().push(comment);
    Ok(shown)
}

/// Adds a person's reaction, which no call of the API does.
///
/// # Errors
/// 404 for an unknown comment, 403 for an unknown person.
pub(crate) fn react(base: &mut Base, record: RecordId, id: &str, emoji: &str, person: u16) -> Result<(), ApiError> {
    let who = base.person(person).cloned().ok_or_else(ApiError::forbidden)?;
    comment_mut(base, record, id)?.reactions.push((emoji.to_owned(), who));
    Ok(())
}

/// Changes the text of one's own comment.
///
/// # Errors
/// 404 for an unknown comment, 403 for another person's.
pub(crate) fn update(
    base: &mut Base,
    record: RecordId,
    id: &str,
    body: &Value,
    person: u16,
    now_ms: i64,
) -> Result<Value, ApiError> {
    let text = text_of(body)?.to_owned();
    let me = base.person(person).map(|person| person.id.clone());
    let comment = comment_mut(base, record, id)?;
    if Some(&comment.author.id) != me.as_ref() {
        return Err(ApiError::not_permitted("perform this operation"));
    }
    comment.text = text;
    comment.updated_ms = Some(now_ms);
    let comment = comment.clone();
    Ok(shown(&comment, base))
}

/// Deletes a comment.
///
/// # Errors
/// 404 for an unknown comment.
pub(crate) fn delete(base: &mut Base, record: RecordId, id: &str) -> Result<Value, ApiError> {
    comment_mut(base, record, id)?;
    base.comments.entry(record).or_default().retain(|comment| comment.id != id);
    Ok(json!({"id": id, "deleted": true}))
}

fn comment_mut<'a>(base: &'a mut Base, record: RecordId, id: &str) -> Result<&'a mut Comment, ApiError> {
    let comments = base.comments.get_mut(&record).into_iter().flatten();
    comments.into_iter().find(|comment| comment.id == id).ok_or_else(ApiError::not_found)
}

fn text_of(body: &Value) -> Result<&str, ApiError> {
    body.get("text")
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| ApiError::missing_key("text"))
}

/// A comment as clients see it.
fn shown(comment: &Comment, base: &Base) -> Value {
    let mut shown = Map::new();
    shown.insert("id".into(), json!(comment.id));
    shown.insert("author".into(), comment.author.cell());
    shown.insert("text".into(), json!(comment.text));
    shown.insert("createdTime".into(), json!(stamp(comment.created_ms)));
    shown.insert("lastUpdatedTime".into(), json!(comment.updated_ms.map(stamp)));
    let mentioned: Map<String, Value> = base
        .people
        .iter()
        .filter(|person| comment.text.contains(&format!("@[{}]", person.id)))
        .map(|person| (person.id.clone(), mention(person)))
        .collect();
    if !mentioned.is_empty() {
        shown.insert("mentioned".into(), Value::Object(mentioned));
    }
    if let Some(parent) = &comment.parent {
        shown.insert("parentCommentId".into(), json!(parent));
    }
    if !comment.reactions.is_empty() {
        let reaction = |(emoji, who): &(String, Person)| {
            let user = json!({"userId": who.id, "email": who.email, "name": who.name});
            json!({"emoji": {"unicodeCharacter": emoji}, "reactingUser": user})
        };
        shown.insert("reactions".into(), comment.reactions.iter().map(reaction).collect());
    }
    Value::Object(shown)
}

/// Groups have no address.
fn mention(person: &Person) -> Value {
    match &person.email {
        Some(email) => json!({"type": "user", "id": person.id, "displayName": person.name, "email": email}),
        None => json!({"type": "userGroup", "id": person.id, "displayName": person.name}),
    }
}
