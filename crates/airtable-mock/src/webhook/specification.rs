//! What a webhook wants to hear.

use std::collections::HashSet;

use serde_json::Value;

use crate::compute::Reader;
use crate::data::base::Base;
use crate::data::id::RecordId;
use crate::error::ApiError;

/// The filters and includes of a webhook.
#[derive(Debug, Clone, Default)]
pub(crate) struct Specification {
    data_types: Vec<String>,
    pub(super) scope: Option<String>,
    change_types: Option<Vec<String>>,
    from_sources: Option<Vec<String>>,
    pub(super) watch_data: Option<Vec<String>>,
    watch_schemas: Option<Vec<String>>,
    pub(super) include_cells: Included,
    pub(super) include_previous: bool,
    pub(super) include_previous_fields: bool,
}

/// Fields whose unchanged values are told along.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Included {
    #[default]
    None,
    All,
    Fields(Vec<String>),
}

impl Included {
    pub(super) fn has(&self, field: &str) -> bool {
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

    pub(super) fn hears_of(&self, data_type: &str) -> bool {
        self.data_types.iter().any(|kind| kind == data_type)
    }

    pub(super) fn hears_change(&self, change_type: &str) -> bool {
        self.change_types.as_ref().is_none_or(|kinds| kinds.iter().any(|kind| kind == change_type))
    }

    pub(super) fn hears_source(&self, source: &str) -> bool {
        self.from_sources.as_ref().is_none_or(|sources| sources.iter().any(|known| known == source))
    }

    /// Whether a change of a field's cells is of interest.
    pub(super) fn watches_cells(&self, field: &str) -> bool {
        self.watch_data.as_ref().is_none_or(|fields| fields.iter().any(|id| id == field))
    }

    /// Whether a change of a field's definition is of interest.
    pub(super) fn watches_schema(&self, field: &str) -> bool {
        self.watch_schemas.as_ref().is_none_or(|fields| fields.iter().any(|id| id == field))
    }

    /// The table and view that a view scope means.
    pub(super) fn view(&self, base: &Base) -> Option<(usize, usize)> {
        let scope = self.scope.as_deref()?;
        let find = |t: usize| base.tables[t].views.iter().position(|view| view.id == scope).map(|view| (t, view));
        (0..base.tables.len()).find_map(find)
    }

    /// The only table of interest, if the scope names one or a view of one.
    pub(super) fn in_scope(&self, base: &Base, table: &str) -> bool {
        match (&self.scope, self.view(base)) {
            (None, _) => true,
            (_, Some((t, _))) => base.tables[t].id == table,
            (Some(scope), None) => scope == table,
        }
    }

    /// Whether the scope or a watched field does not exist, or a view of the wrong kind is the scope.
    pub(super) fn names_missing(&self, base: &Base) -> bool {
        let scope_gone = self.scope.as_ref().is_some_and(|scope| match self.view(base) {
            Some((t, view)) => {
                matches!(base.tables[t].views[view].kind.as_str(), "form" | "list")
            }
            None => !base.tables.iter().any(|table| table.id == *scope),
        });
        let gone = |id: &String| !base.tables.iter().any(|table| table.live_fields().any(|(_, field)| field.id == *id));
        scope_gone || self.watch_data.iter().flatten().any(gone) || self.watch_schemas.iter().flatten().any(gone)
    }

    /// The records in the watched view now; `None` without a view scope.
    pub(super) fn records_in_view(&self, base: &Base, now_ms: i64) -> Option<HashSet<RecordId>> {
        let (t, view) = self.view(base)?;
        let filter = base.tables[t].views[view].filter.as_ref();
        let shown = base.tables[t].records.iter().filter(|record| {
            filter.is_none_or(|filter| filter.eval(&Reader::new(base, t, record, now_ms)).is_truthy())
        });
        Some(shown.map(|record| record.id).collect())
    }
}
