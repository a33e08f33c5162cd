//! What a webhook's specification means in a base: which table, which view, which records.

use std::collections::HashSet;

use crate::compute::row::Reader;
use crate::data::base::Base;
use crate::data::id::RecordId;
use crate::data::index::{TableIndex, ViewIndex};
use crate::data::specification::Specification;

/// The table and view that a view scope means.
pub(crate) fn view(base: &Base, wants: &Specification) -> Option<(TableIndex, ViewIndex)> {
    let scope = wants.scope.as_deref()?;
    let find = |t: TableIndex| base[t].views.position(|view| view.id == scope).map(|view| (t, view));
    base.tables.indices().find_map(find)
}

/// The only table of interest, if the scope names one or a view of one.
pub(crate) fn in_scope(base: &Base, wants: &Specification, table: &str) -> bool {
    match (&wants.scope, view(base, wants)) {
        (None, _) => true,
        (_, Some((t, _))) => base[t].id == table,
        (Some(scope), None) => scope == table,
    }
}

/// Whether the scope or a watched field does not exist, or a view of the wrong kind is the scope.
pub(crate) fn names_missing(base: &Base, wants: &Specification) -> bool {
    let scope_gone = wants.scope.as_ref().is_some_and(|scope| match view(base, wants) {
        Some((t, view)) => {
            matches!(base[t].views[view].kind.as_str(), "form" | "list")
        }
        None => !base.tables.iter().any(|table| table.id == *scope),
    });
    let gone = |id: &String| !base.tables.iter().any(|table| table.live_fields().any(|(_, field)| field.id == *id));
    scope_gone || wants.watch_data.iter().flatten().any(gone) || wants.watch_schemas.iter().flatten().any(gone)
}

/// The records in the watched view now; `None` without a view scope.
pub(crate) fn records_in_view(base: &Base, wants: &Specification, now_ms: i64) -> Option<HashSet<RecordId>> {
    let (t, view) = view(base, wants)?;
    let filter = base[t].views[view].filter.as_ref();
    let shown = base[t]
        .records
        .iter()
        .filter(|record| filter.is_none_or(|filter| filter.eval(&Reader::new(base, t, record, now_ms)).is_truthy()));
    Some(shown.map(|record| record.id).collect())
}
