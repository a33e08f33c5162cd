//! What a webhook wants to hear.

use serde_json::Value;

use crate::error::ApiError;

/// The filters and includes of a webhook.
#[derive(Debug, Clone, Default)]
pub(crate) struct Specification {
    pub(crate) data_types: Vec<String>,
    pub(crate) scope: Option<String>,
    pub(crate) change_types: Option<Vec<String>>,
    pub(crate) from_sources: Option<Vec<String>>,
    pub(crate) watch_data: Option<Vec<String>>,
    pub(crate) watch_schemas: Option<Vec<String>>,
    pub(crate) include_cells: Included,
    pub(crate) include_previous: bool,
    pub(crate) include_previous_fields: bool,
}

/// Fields whose unchanged values are told along.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Included {
    #[default]
    None,
    All,
    Fields(Vec<String>),
}

impl Included {
    pub(crate) fn has(&self, field: &str) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Fields(ids) => ids.iter().any(|id| id == field),
        }
    }
}

const DATA_TYPES: [&str; 3] = ["tableData", "tableFields", "tableMetadata"];

const CHANGE_TYPES: [&str; 3] = ["add", "remove", "update"];

impl Specification {
    /// Reads `{"options": {"filters": .., "includes": ..}}`.
    ///
    /// # Errors
    /// 422 without valid `dataTypes`, or for an unknown change type.
    pub(crate) fn read(given: &Value) -> Result<Self, ApiError> {
        let wrong = |what: &str| ApiError::invalid("INVALID_FILTERS", format!("Invalid webhook specification: {what}"));
        let options = given.get("options").ok_or_else(|| ApiError::missing_key("options"))?;
        let filters = options.get("filters").ok_or_else(|| ApiError::missing_key("filters"))?;
        let includes = options.get("includes").unwrap_or(&Value::Null);
        let texts = |value: &Value| -> Option<Vec<String>> {
            value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
        };
        let list = |key: &str| {
            filters
                .get(key)
                .filter(|value| !value.is_null())
                .map(|value| texts(value).ok_or_else(|| wrong(key)))
                .transpose()
        };
        let data_types = list("dataTypes")?.ok_or_else(|| ApiError::missing_key("dataTypes"))?;
        if data_types.is_empty() || data_types.iter().any(|kind| !DATA_TYPES.contains(&kind.as_str())) {
            return Err(wrong("dataTypes"));
        }
        let change_types = list("changeTypes")?;
        if change_types.iter().flatten().any(|kind| !CHANGE_TYPES.contains(&kind.as_str())) {
            return Err(wrong("changeTypes"));
        }
        let is = |key: &str| includes.get(key).and_then(Value::as_bool).unwrap_or(false);
        Ok(Self {
            data_types,
            scope: filters.get("recordChangeScope").and_then(Value::as_str).map(str::to_owned),
            change_types,
            from_sources: list("fromSources")?,
            watch_data: list("watchDataInFieldIds")?,
            watch_schemas: list("watchSchemasOfFieldIds")?,
            include_cells: match includes.get("includeCellValuesInFieldIds") {
                Some(Value::String(all)) if all == "all" => Included::All,
                Some(value @ Value::Array(_)) => {
                    Included::Fields(texts(value).ok_or_else(|| wrong("includeCellValuesInFieldIds"))?)
                }
                None | Some(Value::Null) => Included::None,
                Some(_) => return Err(wrong("includeCellValuesInFieldIds")),
            },
            include_previous: is("includePreviousCellValues"),
            include_previous_fields: is("includePreviousFieldDefinitions"),
        })
    }

    pub(crate) fn hears_of(&self, data_type: &str) -> bool {
        self.data_types.iter().any(|kind| kind == data_type)
    }

    pub(crate) fn hears_change(&self, change_type: &str) -> bool {
        self.change_types.as_ref().is_none_or(|kinds| kinds.iter().any(|kind| kind == change_type))
    }

    pub(crate) fn hears_source(&self, source: &str) -> bool {
        self.from_sources.as_ref().is_none_or(|sources| sources.iter().any(|known| known == source))
    }

    /// Whether a change of a field's cells is of interest.
    pub(crate) fn watches_cells(&self, field: &str) -> bool {
        self.watch_data.as_ref().is_none_or(|fields| fields.iter().any(|id| id == field))
    }

    /// Whether a change of a field's definition is of interest.
    pub(crate) fn watches_schema(&self, field: &str) -> bool {
        self.watch_schemas.as_ref().is_none_or(|fields| fields.iter().any(|id| id == field))
    }
}
