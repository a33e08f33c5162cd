//! What Airtable is asked of a plan's condition. Formulas name fields, and names change: one that a field has given up may
//! be another's, and Airtable would choose records by that one, without a word.
//!
//! Invariant: what was read by a formula that names fields counts only once their names are known to be those of the plan's
//! fields after the last page.

use std::sync::Arc;

use super::stats::Progress;
use crate::airtable::client::Client;
use crate::airtable::request::Request;
use crate::airtable::schema::Tables;
use crate::scan::{Scan, Selection, Window};

/// The formula of a plan's condition; none where there is none, or where it costs more than it saves.
pub(super) fn of_condition(scan: &Scan) -> Option<String> {
    let restriction = scan.restriction.as_ref()?;
    // The records of a window are few, and not worth a question about names.
    let is_part = matches!(scan.selection, Selection::Window(Window { since: Some(_), .. }));
    restriction.formula.clone().filter(|_| !is_part || !restriction.names_fields())
}

/// Why what was read by the formula does not count: a field that it names has another name or type than when the plan was
/// made, or Airtable does not tell. One request, where the formula names fields.
pub(super) async fn doubt(client: &Arc<Client>, scan: &Scan, progress: &Progress) -> Option<String> {
    let restriction = scan.restriction.as_ref().filter(|restriction| restriction.names_fields())?;
    match client.counted_json::<Tables>(&Request::tables(&scan.base_id), progress.tally()).await {
        Ok(Tables { tables, .. }) => {
            let table = tables.iter().find(|table| table.id == scan.table_id);
            let is_held = table.is_some_and(|table| restriction.names_hold(&table.fields));
            (!is_held).then(|| "a field that it names has another name or type by now".to_owned())
        }
        Err(error) => Some(format!("nobody knows whether its fields have kept their names: {error}")),
    }
}
