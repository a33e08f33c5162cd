//! A page of comments: `{"comments": [{...}], "offset": ...}`, keys in any order -> rows.
//!
//! Invariant: a comment is one row, however often it comes.

use std::borrow::Cow;
use std::collections::HashSet;

use super::facts::Facts;
use super::fault::Fault;
use super::page::{Page, check, offset, open_object};
use crate::error::{Error, Result};
use crate::id::is_id;
use crate::json::{Json, Kind};

/// Appends the comments of a record's page, but for those that have been met.
///
/// # Errors
/// [`Error::Data`] for a page that is not JSON of the documented form, and, in a strict read, for the first value that
/// does not fit.
pub(crate) fn page(body: &[u8], record_id: &str, met: &mut HashSet<String>, facts: &mut Facts) -> Result<Page> {
    let body = std::str::from_utf8(body).map_err(|error| {
        Error::Data(format!("a page of comments that is not UTF-8 from byte {} on", error.valid_up_to()).into())
    })?;
    read(&mut Json::new(body), record_id, met, facts).map_err(|fault| fault.in_page("comments", body))
}

fn read(json: &mut Json<'_>, record_id: &str, met: &mut HashSet<String>, facts: &mut Facts) -> Result<Page, Fault> {
    let mut page = Page::default();
    let mut has_comments = false;
    let mut has_more = open_object(json, "no object with comments")?;
    while has_more {
        match json.key()? {
            "comments" => {
                check(json, Kind::Array, "no list of comments")?;
                let mut has_next = json.open_array()?;
                while has_next {
                    page.records += 1;
                    page.new_records += usize::from(comment(json, record_id, met, facts)?);
                    has_next = json.next_in_array()?;
                }
                has_comments = true;
            }
            "offset" => page.offset = offset(json)?,
            _ => _ = json.skip()?,
        }
        has_more = json.next_in_object()?;
    }
    json.end()?;
    if has_comments { Ok(page) } else { Err(Fault::Undocumented("no list of comments", json.position())) }
}

/// Reads one comment; false where it was met before.
fn comment(json: &mut Json<'_>, record_id: &str, met: &mut HashSet<String>, facts: &mut Facts) -> Result<bool, Fault> {
    const NO_ID: &str = "a comment without an id";
    let start = json.position();
    let (mut told, mut id): (Vec<(String, &str)>, _) = (Vec::new(), None);
    let mut has_more = open_object(json, "no object for a comment")?;
    while has_more {
        let key = json.key()?.to_owned();
        let raw = json.skip()?;
        if key == "id" {
            id = serde_json::from_str::<String>(raw).ok().filter(|id| is_id(id));
        }
        told.push((key, raw));
        has_more = json.next_in_object()?;
    }
    let id = id.ok_or(Fault::Undocumented(NO_ID, start))?;
    if !met.insert(id) {
        return Ok(false);
    }
    // Of a key that comes twice the last counts, as everywhere in JSON.
    let fact = |name: &str| told.iter().rev().find(|(key, _)| key == name).map(|(_, raw)| Cow::Borrowed(*raw));
    facts.row(record_id, fact).map_err(Fault::BadValue)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array as _, AsArray as _, RecordBatch};
    use serde_json::{Value, json};

    use super::*;
    use crate::decode::tests::scan;

    fn read(pages: &[Value], more: &[(&str, &str)]) -> Result<(Vec<Page>, RecordBatch, u64)> {
        let pairs: Vec<_> = [("part", "comments")].into_iter().chain(more.iter().copied()).collect();
        let (mut facts, mut met, mut told) = (Facts::new(&scan(&pairs)), HashSet::new(), Vec::new());
        for body in pages {
            told.push(page(body.to_string().as_bytes(), "rec1", &mut met, &mut facts)?);
        }
        let dropped = facts.dropped();
        Ok((told, facts.finish()?, dropped))
    }

    fn strings(batch: &RecordBatch, column: &str) -> Vec<Option<String>> {
        let column = batch.column_by_name(column).expect("the column");
        column.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
    }

    #[test]
    fn comments_are_rows_and_come_once() {
        let mentioned = json!({"usr2": {"type": "user", "id": "usr2", "displayName": "B", "email": "b@example.com"}});
        let reactions = json!([{"emoji": {"unicodeCharacter": "1f44d"}, "reactingUser": {"userId": "usr2", "email": "b@example.com"}}]);
        let first = json!({
            "id": "com2", "author": {"id": "usr1", "email": "a@example.com"}, "text": "see @[usr2] \u{1f44d}",
            "createdTime": "2024-05-01T12:00:00.000Z", "lastUpdatedTime": null, "parentCommentId": "com1",
            "mentioned": mentioned, "reactions": reactions, "news": {"deep": [1]},
        });
        let second =
            json!({"id": "com1", "author": {"id": "usr1"}, "text": "t", "createdTime": "2024-05-01T11:00:00.000Z"});
        let pages =
            [json!({"comments": [first], "offset": "com1"}), json!({"offset": null, "comments": [first, second]})];
        let (told, batch, dropped) = read(&pages, &[]).expect("two pages");
        let page = |offset: Option<&str>, records, new_records| Page {
            offset: offset.map(str::to_owned),
            records,
            new_records,
        };
        assert_eq!(told, [page(Some("com1"), 1, 1), page(None, 2, 1)]);
        assert_eq!((batch.num_rows(), dropped), (2, 0));
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(strings(&batch, "id"), [some("rec1"), some("rec1")]);
        assert_eq!(strings(&batch, "comment_id"), [some("com2"), some("com1")]);
        assert_eq!(strings(&batch, "parent_comment_id"), [some("com1"), None]);
        assert_eq!(strings(&batch, "text")[0], some("see @[usr2] \u{1f44d}"));
        let parsed =
            |column: &str| strings(&batch, column)[0].as_deref().map(|text| text.parse::<Value>().expect("JSON"));
        assert_eq!((parsed("mentioned"), parsed("reactions")), (Some(mentioned), Some(reactions)));
        assert_eq!(strings(&batch, "reactions")[1], None);
        let author = batch.column_by_name("author").expect("author").as_struct();
        assert_eq!(author.column_by_name("email").expect("email").as_string::<i32>().value(0), "a@example.com");
        assert!(batch.column_by_name("last_updated_time").expect("the time").is_null(0));
    }

    #[test]
    fn what_does_not_fit_is_null_and_counted_or_an_error() {
        let odd = [json!({"comments": [{"id": "com1", "text": 7, "createdTime": "yesterday"}]})];
        let (_, batch, dropped) = read(&odd, &[]).expect("a page");
        assert_eq!((strings(&batch, "text"), dropped), (vec![None], 2));
        let error = read(&odd, &[("on_bad_value", "fail")]).expect_err("a number for a text").to_string();
        assert!(error.contains("record rec1, column \"text\": expected a text, but Airtable tells 7"), "{error}");
    }

    #[test]
    fn what_is_no_page_of_comments_is_refused() {
        for (body, what) in [
            (json!({"records": []}), "no list of comments"),
            (json!({"comments": {}}), "no list of comments"),
            (json!({"comments": [7]}), "no object for a comment"),
            (json!({"comments": [{"text": "t"}]}), "a comment without an id"),
            (json!({"comments": [{"id": "../com1"}]}), "a comment without an id"),
            (json!({"comments": [], "offset": 7}), "no string for an offset"),
            (json!([]), "no object with comments"),
        ] {
            let error = read(&[body], &[]).expect_err(what).to_string();
            assert!(
                error.starts_with("a page of comments of an undocumented form: ") && error.contains(what),
                "{error}"
            );
        }
    }

    #[test]
    fn nested_cells_may_be_json() {
        let pages = [json!({"comments": [{"id": "com1", "author": {"id": "usr1", "name": "A"}}]})];
        let (_, batch, _) = read(&pages, &[("nested", "json")]).expect("a page");
        assert_eq!(strings(&batch, "author"), [Some(r#"{"id":"usr1","name":"A"}"#.to_owned())]);
    }
}
