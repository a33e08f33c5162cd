//! What all requests share. Each part has its own lock; none is held while something is sent.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::limit::Limits;
use super::log::RequestLog;
use crate::api::airtable::{Airtable, unpoison};
use crate::api::oauth::Authorizations;
use crate::api::token::Tokens;
use crate::fault::Faults;
use crate::fault::rule::{Action, Rules};
use crate::webhook::ping;

/// The state of one server.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) airtable: Airtable,
    tokens: RwLock<Tokens>,
    authorizations: Mutex<Authorizations>,
    limits: Mutex<Limits>,
    rules: Mutex<Rules>,
    log: Mutex<RequestLog>,
    initial: Faults,
    /// The address that the server was started at.
    pub(super) listening: IpAddr,
    /// Where notifications are sent from.
    runtime: tokio::runtime::Handle,
}

impl State {
    pub(crate) fn new(
        airtable: Airtable,
        tokens: Tokens,
        faults: Faults,
        listening: IpAddr,
        runtime: tokio::runtime::Handle,
    ) -> Self {
        let state = Self {
            airtable,
            tokens: RwLock::new(tokens),
            authorizations: Mutex::default(),
            limits: Mutex::default(),
            rules: Mutex::default(),
            log: Mutex::default(),
            initial: faults,
            listening,
            runtime,
        };
        state.reset_faults();
        state
    }

    pub(crate) fn tokens(&self) -> RwLockReadGuard<'_, Tokens> {
        unpoison(self.tokens.read())
    }

    pub(crate) fn tokens_mut(&self) -> RwLockWriteGuard<'_, Tokens> {
        unpoison(self.tokens.write())
    }

    pub(crate) fn authorizations(&self) -> MutexGuard<'_, Authorizations> {
        unpoison(self.authorizations.lock())
    }

    pub(crate) fn limits(&self) -> MutexGuard<'_, Limits> {
        unpoison(self.limits.lock())
    }

    pub(crate) fn log(&self) -> MutexGuard<'_, RequestLog> {
        unpoison(self.log.lock())
    }

    /// Puts faults in force: rules and limits begin to count anew.
    pub(crate) fn set_faults(&self, faults: Faults) {
        *unpoison(self.rules.lock()) = Rules::new(&faults.rules);
        *self.limits() = Limits::default();
        self.airtable.set_faults(faults);
    }

    pub(crate) fn reset_faults(&self) {
        self.set_faults(self.initial.clone());
    }

    pub(crate) fn action(&self, target: &str) -> Option<Action> {
        unpoison(self.rules.lock()).action(target)
    }

    /// Sends the notifications that changes left behind.
    pub(crate) fn ring(self: &Arc<Self>) {
        let mut store = self.airtable.write();
        let pings: Vec<_> = store.bases.iter_mut().flat_map(|base| std::mem::take(&mut base.pings)).collect();
        drop(store);
        for due in pings {
            let (clock, notes) = (Arc::clone(self), Arc::clone(self));
            let (base, webhook) = (due.base.clone(), due.webhook.clone());
            self.runtime.spawn(ping::send(
                due,
                move || clock.airtable.clock.now_ms(),
                move |result| {
                    let mut store = notes.airtable.write();
                    if let Some(base) = store.base(&base) {
                        ping::note(&mut store[base], &webhook, result);
                    }
                },
            ));
        }
    }
}
