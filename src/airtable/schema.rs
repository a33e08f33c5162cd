//! What Airtable sends, as serde structs: bases, tables, fields, views. Records are not here: they never become structs
//! (see [`crate::decode`]).
//!
//! Airtable adds properties and types without notice, so what is not known is ignored, and nothing is required that this
//! crate can do without. Invariant: what is wrong with one table, field or view costs no other its definition. It is kept
//! as a [`Flaw`], and is an error for whoever needs just that.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::error::Error;
use crate::id::{self, is_id};

/// `GET /v0/meta/bases`, one page.
#[derive(Debug, Deserialize)]
pub(crate) struct Bases {
    #[serde(deserialize_with = "bases")]
    pub(crate) bases: Vec<Base>,
    pub(crate) offset: Option<String>,
}

/// A base that the token sees.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Base {
    /// `app...`.
    #[serde(deserialize_with = "id::one")]
    pub id: String,
    /// The name, which several bases may share.
    #[serde(default, deserialize_with = "text_or_none")]
    pub name: String,
    /// What the token's user may do there: `none`, `read`, `comment`, `edit` or `create`.
    #[serde(default)]
    pub(crate) permission_level: Value,
}

impl Base {
    /// What the token's user may do there: `read`, `comment`, `edit` or `create`; empty where Airtable does not tell.
    pub fn permission_level(&self) -> &str {
        self.permission_level.as_str().unwrap_or_default()
    }

    /// Something of it can be read.
    pub(crate) fn is_open(&self) -> bool {
        self.permission_level != "none"
    }
}

/// `GET /v0/meta/whoami`: whose token it is.
#[derive(Debug, Clone, Deserialize)]
pub struct Account {
    /// `usr...`.
    #[serde(deserialize_with = "id::one")]
    pub id: String,
    /// Told of OAuth tokens only.
    #[serde(default)]
    scopes: Value,
}

impl Account {
    /// The token's scopes, which Airtable tells of OAuth tokens only.
    pub fn scopes(&self) -> Option<Vec<&str>> {
        self.scopes.as_array().map(|scopes| scopes.iter().filter_map(Value::as_str).collect())
    }
}

/// `GET /v0/bases/{baseId}/webhooks`, of which no more than the number matters here.
#[derive(Debug, Deserialize)]
pub(crate) struct Webhooks {
    pub(crate) webhooks: Vec<serde::de::IgnoredAny>,
}

/// `GET /v0/meta/bases/{baseId}/tables`: every table of the base, never paged.
#[derive(Debug, Deserialize)]
pub(crate) struct Tables {
    #[serde(deserialize_with = "tables")]
    pub(crate) tables: Vec<Table>,
}

/// A table's definition.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "Value")]
pub(crate) struct Table {
    /// `tbl...`; empty where the definition has none.
    pub(crate) id: String,
    /// Unique in the base without regard to case; the id where the definition has none.
    pub(crate) name: String,
    /// The field whose texts stand for a record in links.
    pub(crate) primary_field_id: String,
    /// What the base's makers wrote about it.
    pub(crate) description: Option<String>,
    /// In the table's order.
    pub(crate) fields: Vec<Field>,
    /// Grids, calendars and so on.
    pub(crate) views: Vec<View>,
    /// Without this no read of the table can be.
    flaw: Option<Flaw>,
    /// A view that is looked for may be missing because of this.
    flaw_of_views: Option<Flaw>,
}

/// A field's definition.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    /// `fld...`; empty where the definition has none.
    pub(crate) id: String,
    /// Unique in the table without regard to case; the id where the definition has none.
    pub(crate) name: String,
    /// One of Airtable's type names, or one that this crate does not know yet; empty where the definition has none.
    pub(crate) kind: String,
    /// What the base's makers wrote about it.
    pub(crate) description: Option<String>,
    /// Depends on the type; may be missing, null, or of another form than documented.
    pub(crate) options: Value,
    /// Without an id its cells are not found.
    flaw_of_id: Option<Flaw>,
    /// Without a name its column has none, but for the id.
    flaw_of_name: Option<Flaw>,
}

/// A view's definition.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// `viw...`.
    pub(crate) id: String,
    /// The name; the id where the definition has none.
    pub(crate) name: String,
    /// Airtable's word for its type; empty where the definition has none.
    pub(crate) kind: String,
}

/// A key of a definition that is not what Airtable documents.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Flaw {
    key: String,
    /// What it is.
    found: &'static str,
    /// What it is by Airtable's documentation.
    expected: &'static str,
}

impl Table {
    /// By which users name it.
    pub(crate) fn id_and_name(&self) -> (&str, &str) {
        (&self.id, &self.name)
    }

    /// What makes every read of the table impossible.
    ///
    /// # Errors
    /// [`Error::Data`], with the table and the key.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.flaw.as_ref().map_or(Ok(()), |flaw| Err(self.error(flaw, "correct the table in Airtable")))
    }

    /// What makes a column of the field impossible. A column that is called by the field's id needs no name.
    ///
    /// # Errors
    /// [`Error::Data`], with the table and the key.
    pub(crate) fn check_field(&self, field: &Field, needs_name: bool) -> Result<(), Error> {
        let flaw = field.flaw_of_id.as_ref().or(field.flaw_of_name.as_ref().filter(|_| needs_name));
        flaw.map_or(Ok(()), |flaw| {
            Err(self.error(flaw, "correct the field in Airtable, or leave it out by the option fields"))
        })
    }

    /// What may have hidden a view that was not found.
    ///
    /// # Errors
    /// [`Error::Data`], with the table and the key.
    pub(crate) fn check_views(&self) -> Result<(), Error> {
        let flaw = self.flaw_of_views.as_ref();
        flaw.map_or(Ok(()), |flaw| {
            Err(self.error(flaw, "correct the view in Airtable, or read without the option view"))
        })
    }

    fn error(&self, flaw: &Flaw, advice: &str) -> Error {
        let Flaw { key, found, expected } = flaw;
        Error::Data(
            format!(
                "table {:?}: {key} of its definition is {found}, where Airtable documents {expected}: {advice}",
                self.name
            )
            .into(),
        )
    }
}

impl View {
    /// By which users name it.
    pub(crate) fn id_and_name(&self) -> (&str, &str) {
        (&self.id, &self.name)
    }
}

impl From<Value> for Table {
    fn from(definition: Value) -> Self {
        let id = id_of(&definition, "");
        let name = text(&definition, "name", "").ok().filter(|name| !name.is_empty());
        let fields = items(&definition, "fields");
        let views = items(&definition, "views");
        let first_flaw = |flaws: Vec<Option<Flaw>>| flaws.into_iter().flatten().next();
        let flaw = first_flaw(vec![id.as_ref().err().cloned(), fields.as_ref().err().cloned()]);
        let id = id.unwrap_or_default();
        let fields: Vec<Field> = numbered(fields, "fields").map(|(value, place)| Field::new(value, &place)).collect();
        let mut flaw_of_views = views.as_ref().err().cloned();
        let mut known_views = Vec::new();
        for (value, place) in numbered(views, "views") {
            let (id, name) = (id_of(value, &place), text(value, "name", &place));
            flaw_of_views = flaw_of_views.or(id.as_ref().err().or(name.as_ref().err()).cloned());
            let kind = text(value, "type", &place).unwrap_or_default();
            known_views.extend(id.ok().map(|id| View { name: name.unwrap_or_else(|_| id.clone()), id, kind }));
        }
        let primary = text(&definition, "primaryFieldId", "").ok().filter(|id| !id.is_empty());
        Self {
            name: name.unwrap_or_else(|| id.clone()),
            // Airtable's first field is its primary one.
            primary_field_id: primary.or_else(|| fields.first().map(|field| field.id.clone())).unwrap_or_default(),
            id,
            description: text(&definition, "description", "").ok(),
            fields,
            views: known_views,
            flaw,
            flaw_of_views,
        }
    }
}

impl Field {
    /// By which users name it.
    pub(crate) fn id_and_name(&self) -> (&str, &str) {
        (&self.id, &self.name)
    }

    fn new(definition: &Value, place: &str) -> Self {
        let (id, name) = (id_of(definition, place), text(definition, "name", place));
        let (flaw_of_id, flaw_of_name) = (id.as_ref().err().cloned(), name.as_ref().err().cloned());
        let id = id.unwrap_or_default();
        Self {
            name: name.unwrap_or_else(|_| id.clone()),
            id,
            kind: text(definition, "type", place).unwrap_or_default(),
            description: text(definition, "description", place).ok(),
            options: definition["options"].clone(),
            flaw_of_id,
            flaw_of_name,
        }
    }
}

/// The definitions of a base. What has neither an id nor a name cannot be asked for.
fn tables<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Table>, D::Error> {
    let tables = Vec::<Table>::deserialize(deserializer)?;
    Ok(tables.into_iter().filter(|table| !table.name.is_empty()).collect())
}

/// The bases of a page. What has no id cannot be asked for.
fn bases<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Base>, D::Error> {
    let bases = Vec::<Value>::deserialize(deserializer)?;
    Ok(bases.into_iter().filter_map(|base| serde_json::from_value(base).ok()).collect())
}

/// A text, or none where it is something else.
fn text_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Value::deserialize(deserializer)?.as_str().unwrap_or_default().to_owned())
}

/// The text under a key of a definition.
fn text(definition: &Value, key: &str, place: &str) -> Result<String, Flaw> {
    let found = definition.get(key);
    let text = found.and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| Flaw::new(definition, key, place, "a text"))
}

/// The id of a definition.
fn id_of(definition: &Value, place: &str) -> Result<String, Flaw> {
    text(definition, "id", place)
        .and_then(|id| if is_id(&id) { Ok(id) } else { Err(Flaw::new(definition, "id", place, "an id")) })
}

/// The list under a key of a definition.
fn items<'v>(definition: &'v Value, key: &str) -> Result<&'v Vec<Value>, Flaw> {
    definition.get(key).and_then(Value::as_array).ok_or_else(|| Flaw::new(definition, key, "", "a list"))
}

/// The items of a list, with their places.
fn numbered<'v>(items: Result<&'v Vec<Value>, Flaw>, key: &str) -> impl Iterator<Item = (&'v Value, String)> {
    items.ok().into_iter().flatten().enumerate().map(move |(number, item)| (item, format!("{key}[{number}]")))
}

impl Flaw {
    fn new(definition: &Value, key: &str, place: &str, expected: &'static str) -> Self {
        let (key, found) = match definition {
            Value::Object(_) if place.is_empty() => (key.to_owned(), definition.get(key)),
            Value::Object(_) => (format!("{place}.{key}"), definition.get(key)),
            other => return Self { key: place.to_owned(), found: kind_of(Some(other)), expected: "an object" },
        };
        Self { key, found: kind_of(found), expected }
    }
}

fn kind_of(value: Option<&Value>) -> &'static str {
    match value {
        None => "missing",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "true or false",
        Some(Value::Number(_)) => "a number",
        Some(Value::String(text)) if text.is_empty() => "an empty text",
        Some(Value::String(_)) => "a text",
        Some(Value::Array(_)) => "a list",
        Some(Value::Object(_)) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table(change: impl FnOnce(&mut Value)) -> Table {
        let mut table = json!({
            "id": "tbl1", "name": "T", "primaryFieldId": "fld1", "news": 1,
            "fields": [
                {"id": "fld1", "name": "a", "type": "singleLineText", "description": "x", "options": null},
                {"id": "fld2", "name": "b", "type": "hologram", "options": "odd"},
            ],
            "views": [{"id": "viw1", "name": "Grid"}],
        });
        change(&mut table);
        Tables::deserialize(json!({"tables": [table]})).expect("lenient").tables.remove(0)
    }

    #[test]
    fn definitions_survive_what_is_new_or_missing() {
        let table = table(|table| {
            table["fields"][0].as_object_mut().expect("a field").remove("type");
            table.as_object_mut().expect("a table").remove("views");
        });
        assert_eq!((table.fields[0].kind.as_str(), table.fields[1].kind.as_str()), ("", "hologram"));
        assert!(table.views.is_empty() && table.fields[0].options.is_null() && table.check().is_ok());
    }

    #[test]
    fn what_no_read_needs_may_be_anything() {
        for odd in [Value::Null, json!(7), json!([]), json!({}), json!(true), json!([null]), json!("")] {
            for key in ["primaryFieldId", "views", "description", "dateDependencySettings"] {
                let table = table(|table| table[key] = odd.clone());
                assert!(table.check().is_ok() && !table.primary_field_id.is_empty(), "{key} {odd}");
            }
            for key in ["type", "description", "options"] {
                let table = table(|table| table["fields"][0][key] = odd.clone());
                let field = &table.fields[0];
                assert!(table.check().is_ok() && table.check_field(field, true).is_ok(), "{key} {odd}");
                assert!(field.description.as_deref().is_none_or(|text| text == "x" || text == odd));
            }
            let keys = if odd == "" { &["id"][..] } else { &["id", "name"] };
            for key in keys {
                let table = table(|table| table["views"][0][key] = odd.clone());
                assert!(table.check().is_ok() && table.check_views().is_err(), "{key} {odd}");
            }
        }
    }

    #[test]
    fn what_a_read_needs_is_an_error_for_it_alone() {
        let error = |table: &Table| table.check().expect_err("flawed").to_string();
        for (odd, found) in [(Value::Null, "null"), (json!(7), "a number"), (json!({}), "an object")] {
            let flawed = table(|table| table["fields"] = odd.clone());
            let expected = format!("table \"T\": fields of its definition is {found}, where Airtable documents a list");
            assert!(error(&flawed).starts_with(&expected), "{}", error(&flawed));
            let flawed = table(|table| table["id"] = odd.clone());
            assert!(error(&flawed).contains(&format!("id of its definition is {found}")), "{}", error(&flawed));
            let nameless = table(|table| table["name"] = odd.clone());
            assert_eq!((nameless.name.as_str(), nameless.check().is_ok()), ("tbl1", true));
            let flawed = table(|table| table["fields"][1]["id"] = odd.clone());
            assert!(flawed.check().is_ok() && flawed.check_field(&flawed.fields[0], true).is_ok());
            let text = flawed.check_field(&flawed.fields[1], false).expect_err("no id").to_string();
            assert!(text.contains(&format!("fields[1].id of its definition is {found}")), "{text}");
            let flawed = table(|table| table["fields"][1]["name"] = odd.clone());
            assert!(flawed.check_field(&flawed.fields[1], false).is_ok());
            let text = flawed.check_field(&flawed.fields[1], true).expect_err("no name").to_string();
            assert!(text.contains(&format!("fields[1].name of its definition is {found}")), "{text}");
        }
        let flawed = table(|table| table["fields"][1] = Value::Null);
        let text = flawed.check_field(&flawed.fields[1], true).expect_err("no field").to_string();
        assert!(text.contains("fields[1] of its definition is null, where Airtable documents an object"), "{text}");
        let flawed = table(|table| _ = table.as_object_mut().expect("a table").remove("fields"));
        assert!(error(&flawed).contains("fields of its definition is missing"));
    }

    #[test]
    fn tables_and_bases_that_cannot_be_asked_for_are_left_out() {
        let tables =
            json!({"tables": [null, 7, {}, {"id": "tbl1"}, {"name": "T"}, {"id": "tbl2", "name": "U", "fields": []}]});
        let tables = Tables::deserialize(tables).expect("lenient").tables;
        assert_eq!(tables.iter().map(|table| table.name.as_str()).collect::<Vec<_>>(), ["tbl1", "T", "U"]);
        assert!(Tables::deserialize(json!({"tables": null})).is_err());
        let bases = json!({"bases": [null, {"id": "app1", "name": null}, {"name": "B"}, {"id": "app2", "name": "C"}]});
        let bases = Bases::deserialize(bases).expect("lenient").bases;
        assert_eq!(
            bases.iter().map(|base| (base.id.as_str(), base.name.as_str())).collect::<Vec<_>>(),
            [("app1", ""), ("app2", "C")]
        );
    }
}
