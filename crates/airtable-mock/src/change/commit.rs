//! The end of a transaction.

use super::follow::{recompute, recompute_all};
use crate::data::base::Base;
use crate::data::transaction::Transaction;
use crate::webhook::tell::tell_webhooks;

/// Ends a transaction: computed cells follow, webhooks hear of it.
pub(crate) fn commit(base: &mut Base, mut tx: Transaction) {
    if tx.silent {
        recompute_all(base, &mut tx);
        return;
    }
    recompute(base, &mut tx);
    if tx.changed.is_empty() && tx.created.is_empty() && tx.destroyed.is_empty() && tx.schema.is_empty() {
        return;
    }
    base.transaction += 1;
    tell_webhooks(base, &tx);
}
