//! What a list request asks for, from its query string or its JSON body.
//!
//! Clients encode differently: `+` and `%20`, encoded and raw brackets, `fields[]` and `fields[0]`. All of
//! them are read; unknown keys are ignored, as Airtable ignores them.

use serde_json::Value;

use crate::error::ApiError;

/// A list request, names not yet looked up.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ListQuery {
    pub(crate) fields: Option<Vec<String>>,
    pub(crate) formula: Option<String>,
    pub(crate) max_records: Option<usize>,
    pub(crate) page_size: usize,
    /// Field and whether descending.
    pub(crate) sort: Vec<(String, bool)>,
    pub(crate) view: Option<String>,
    pub(crate) offset: Option<String>,
    pub(crate) shape: RecordShape,
}

/// How records are written out.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RecordShape {
    /// The time zone of `cellFormat=string`; `None` for JSON cells.
    pub(crate) as_text_in: Option<String>,
    pub(crate) by_id: bool,
    pub(crate) comment_count: bool,
    /// Link cells are objects, not strings.
    pub(crate) link_objects: bool,
}

/// Splits and decodes a query string.
pub(crate) fn pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key, true), decode(value, true))
        })
        .collect()
}

/// Undoes percent encoding; `+` is a space in queries, not in paths.
pub(crate) fn decode(text: &str, plus_is_space: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match (byte, hex.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(decoded)) => {
                bytes.push(decoded);
                rest = &tail[2..];
            }
            (b'+', _) if plus_is_space => {
                bytes.push(b' ');
                rest = tail;
            }
            _ => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl ListQuery {
    /// Reads the parameters of a GET.
    ///
    /// # Errors
    /// 422 for a parameter of the wrong kind.
    pub(crate) fn from_pairs(pairs: &[(String, String)]) -> Result<Self, ApiError> {
        let mut query = Self { page_size: 100, ..Self::default() };
        let mut cell_format = "json";
        let mut sort: Vec<(usize, Option<String>, bool)> = Vec::new();
        for (key, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
            match key.as_str() {
                "pageSize" => query.page_size = count(value)?,
                "maxRecords" => query.max_records = Some(count(value)?),
                "offset" => query.offset = Some(value.clone()),
                "view" => query.view = Some(value.clone()),
                "filterByFormula" => query.formula = Some(value.clone()),
                "cellFormat" => cell_format = value,
                "returnFieldsByFieldId" => query.shape.by_id = truth(value)?,
                "includeDateDependencyMetadata" => query.shape.link_objects = truth(value)?,
                key if is_list(key, "fields") => {
                    query.fields.get_or_insert_default().push(value.clone());
                }
                key if is_list(key, "recordMetadata") => query.shape.ask_metadata(value)?,
                key if key.starts_with("sort[") => {
                    let (index, part) = sort_key(key).ok_or_else(ApiError::invalid_request)?;
                    let at = sort.iter().position(|(at, ..)| *at == index).unwrap_or_else(|| {
                        sort.push((index, None, false));
                        sort.len() - 1
                    });
                    match part {
                        "field" => sort[at].1 = Some(value.clone()),
                        "direction" => sort[at].2 = descending(value)?,
                        _ => return Err(ApiError::invalid_request()),
                    }
                }
                _ => {}
            }
        }
        sort.sort_by_key(|(index, ..)| *index);
        for (_, field, desc) in sort {
            query.sort.push((field.ok_or_else(ApiError::invalid_request)?, desc));
        }
        query.finish(cell_format, pairs)
    }

    /// Reads the body of `POST .../listRecords`; `timeZone` and `userLocale` stay in the query string.
    ///
    /// # Errors
    /// 422 for a parameter of the wrong kind.
    pub(crate) fn from_body(body: &Value, pairs: &[(String, String)]) -> Result<Self, ApiError> {
        let invalid = ApiError::invalid_request;
        let body = body.as_object().ok_or_else(invalid)?;
        let mut query = Self { page_size: 100, ..Self::default() };
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(invalid);
        let number = |value: &Value| value.as_u64().and_then(|n| usize::try_from(n).ok()).ok_or_else(invalid);
        let truth = |value: &Value| match value {
            Value::Bool(is) => Ok(*is),
            Value::Number(n) => Ok(n.as_f64() != Some(0.0)),
            Value::String(word) => truth(word),
            _ => Err(invalid()),
        };
        let mut cell_format = "json".to_owned();
        for (key, value) in body.iter().filter(|(_, value)| !value.is_null()) {
            match key.as_str() {
                "pageSize" => query.page_size = number(value)?,
                "maxRecords" => query.max_records = Some(number(value)?),
                "offset" => query.offset = Some(text(value)?).filter(|offset| !offset.is_empty()),
                "view" => query.view = Some(text(value)?).filter(|view| !view.is_empty()),
                "filterByFormula" => {
                    query.formula = Some(text(value)?).filter(|formula| !formula.is_empty());
                }
                "cellFormat" => cell_format = text(value)?,
                "returnFieldsByFieldId" => query.shape.by_id = truth(value)?,
                "includeDateDependencyMetadata" => query.shape.link_objects = truth(value)?,
                "fields" => {
                    let names = value.as_array().ok_or_else(invalid)?;
                    query.fields =
                        Some(names.iter().map(text).collect::<Result<_, _>>()?).filter(|f: &Vec<_>| !f.is_empty());
                }
                "recordMetadata" => {
                    for name in value.as_array().ok_or_else(invalid)? {
                        query.shape.ask_metadata(&text(name)?)?;
                    }
                }
                "sort" => {
                    for key in value.as_array().ok_or_else(invalid)? {
                        let field = text(key.get("field").ok_or_else(invalid)?)?;
                        let direction = key.get("direction").and_then(Value::as_str).unwrap_or("asc");
                        query.sort.push((field, descending(direction)?));
                    }
                }
                _ => {}
            }
        }
        query.finish(&cell_format, pairs)
    }

    fn finish(mut self, cell_format: &str, pairs: &[(String, String)]) -> Result<Self, ApiError> {
        if self.page_size == 0 || self.page_size > 100 || self.max_records == Some(0) {
            return Err(ApiError::invalid_request());
        }
        self.shape.set_format(cell_format, pairs)?;
        Ok(self)
    }
}

impl RecordShape {
    /// The shape of a single record.
    ///
    /// # Errors
    /// 422 for a parameter of the wrong kind.
    pub(crate) fn from_pairs(pairs: &[(String, String)]) -> Result<Self, ApiError> {
        let mut shape = Self::default();
        let mut cell_format = "json";
        for (key, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
            match key.as_str() {
                "cellFormat" => cell_format = value,
                "returnFieldsByFieldId" => shape.by_id = truth(value)?,
                _ => {}
            }
        }
        shape.set_format(cell_format, pairs)?;
        Ok(shape)
    }

    fn set_format(&mut self, cell_format: &str, pairs: &[(String, String)]) -> Result<(), ApiError> {
        let given = |name: &str| pairs.iter().find(|(key, value)| key == name && !value.is_empty());
        match (cell_format, given("timeZone"), given("userLocale")) {
            ("json", ..) => Ok(()),
            ("string", Some((_, zone)), Some(_)) => {
                self.as_text_in = Some(zone.clone());
                Ok(())
            }
            _ => Err(ApiError::invalid_request()),
        }
    }

    fn ask_metadata(&mut self, name: &str) -> Result<(), ApiError> {
        if name != "commentCount" {
            return Err(ApiError::invalid_request());
        }
        self.comment_count = true;
        Ok(())
    }
}

fn count(value: &str) -> Result<usize, ApiError> {
    value.parse().map_err(|_| ApiError::invalid_request())
}

fn truth(value: &str) -> Result<bool, ApiError> {
    match value {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(ApiError::invalid_request()),
    }
}

fn descending(direction: &str) -> Result<bool, ApiError> {
    match direction {
        "asc" => Ok(false),
        "desc" => Ok(true),
        _ => Err(ApiError::invalid_request()),
    }
}

/// `name`, `name[]` or `name[3]`.
fn is_list(key: &str, name: &str) -> bool {
    key.strip_prefix(name).is_some_and(|tail| {
        tail.is_empty()
            || tail
                .strip_prefix('[')
                .and_then(|tail| tail.strip_suffix(']'))
                .is_some_and(|index| index.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

/// Splits `sort[2][field]`.
fn sort_key(key: &str) -> Option<(usize, &str)> {
    let (index, part) = key.strip_prefix("sort[")?.split_once("][")?;
    Some((index.parse().ok()?, part.strip_suffix(']')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_say_the_same() {
        let get = "fields%5B%5D=Unit+Cost&fields[]=A%20%2F+B&sort%5B0%5D%5Bfield%5D=Name&sort[0][direction]=desc\
                   &sort[1][field]=Id&pageSize=7&maxRecords=9&view=Grid%20view&filterByFormula=%7BA%7D%3D1\
                   &returnFieldsByFieldId=1&recordMetadata%5B%5D=commentCount&offset=itr%2Frec&extra=";
        let post = serde_json::json!({"fields": ["Unit Cost", "A / B"], "pageSize": 7, "maxRecords": 9,
            "sort": [{"field": "Name", "direction": "desc"}, {"field": "Id"}], "view": "Grid view", "method": "get",
            "filterByFormula": "{A}=1", "returnFieldsByFieldId": true, "recordMetadata": ["commentCount"], "offset": "itr/rec"});
        let from_get = ListQuery::from_pairs(&pairs(get)).expect("valid");
        assert_eq!(from_get, ListQuery::from_body(&post, &[]).expect("valid"));
        assert_eq!(from_get.sort, [("Name".into(), true), ("Id".into(), false)]);
    }

    #[test]
    fn wrong_parameters_are_refused() {
        for query in [
            "pageSize=101",
            "pageSize=0",
            "pageSize=x",
            "sort[0][direction]=asc",
            "sort[0][field]=A&sort[0][direction]=up",
            "cellFormat=string",
            "cellFormat=string&timeZone=utc",
            "returnFieldsByFieldId=maybe",
            "recordMetadata[]=likes",
        ] {
            assert!(ListQuery::from_pairs(&pairs(query)).is_err(), "{query}");
        }
        let zoned = ListQuery::from_pairs(&pairs("cellFormat=string&timeZone=utc&userLocale=en-gb")).expect("valid");
        assert_eq!(zoned.shape.as_text_in.as_deref(), Some("utc"));
    }

    #[test]
    fn odd_percent_signs_stay() {
        assert_eq!(decode("100%", true), "100%");
        assert_eq!(decode("a+b%2Bc", false), "a+b+c");
    }
}
