//! What all requests share. Each part has its own lock; none is held while something is sent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::limit::Limits;
use super::log::RequestLog;
use crate::api::iterator::Iterators;
use crate::api::token::Tokens;
use crate::clock::Clock;
use crate::data::store::Store;
use crate::error::ApiError;
use crate::fault::{Action, Faults, Rules};

/// The state of one server.
#[derive(Debug)]
pub(crate) struct State {
    store: RwLock<Store>,
    pub(crate) clock: Clock,
    pub(crate) iterators: Mutex<Iterators>,
    tokens: RwLock<Tokens>,
    limits: Mutex<Limits>,
    faults: RwLock<Arc<Faults>>,
    rules: Mutex<Rules>,
    log: Mutex<RequestLog>,
    initial: Faults,
    /// `http://127.0.0.1:PORT`, known once the server listens.
    pub(crate) origin: OnceLock<String>,
    /// Where notifications are sent from.
    pub(crate) runtime: OnceLock<tokio::runtime::Handle>,
    answers: AtomicU64,
}

// A thread that panicked while holding a lock left data that is at worst half-written; for a test server
// going on beats failing everywhere after the first failure.
fn unpoison<T>(result: Result<T, PoisonError<T>>) -> T {
    result.unwrap_or_else(PoisonError::into_inner)
}

impl State {
    pub(crate) fn new(store: Store, tokens: Tokens, faults: Faults, seed: u64) -> Self {
        let state = Self {
            store: RwLock::new(store),
            clock: Clock::default(),
            iterators: Mutex::new(Iterators::new(seed)),
            tokens: RwLock::new(tokens),
            limits: Mutex::default(),
            faults: RwLock::default(),
            rules: Mutex::default(),
            log: Mutex::default(),
            initial: faults.clone(),
            origin: OnceLock::new(),
            runtime: OnceLock::new(),
            answers: AtomicU64::new(0),
        };
        state.set_faults(faults);
        state
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Store> {
        unpoison(self.store.read())
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Store> {
        unpoison(self.store.write())
    }

    pub(crate) fn tokens(&self) -> RwLockReadGuard<'_, Tokens> {
        unpoison(self.tokens.read())
    }

    pub(crate) fn tokens_mut(&self) -> RwLockWriteGuard<'_, Tokens> {
        unpoison(self.tokens.write())
    }

    pub(crate) fn limits(&self) -> MutexGuard<'_, Limits> {
        unpoison(self.limits.lock())
    }

    pub(crate) fn log(&self) -> MutexGuard<'_, RequestLog> {
        unpoison(self.log.lock())
    }

    pub(crate) fn faults(&self) -> Arc<Faults> {
        let faults = unpoison(self.faults.read());
        Arc::clone(&faults)
    }

    /// Puts faults in force: rules and limits begin to count anew.
    pub(crate) fn set_faults(&self, faults: Faults) {
        *unpoison(self.rules.lock()) = Rules::new(&faults.rules);
        *self.limits() = Limits::default();
        let now_ms = self.clock.now_ms();
        self.write().set_manners(faults.manners(), now_ms);
        *unpoison(self.faults.write()) = Arc::new(faults);
    }

    pub(crate) fn reset_faults(&self) {
        self.set_faults(self.initial.clone());
    }

    pub(crate) fn action(&self, target: &str) -> Option<Action> {
        unpoison(self.rules.lock()).action(target)
    }

    /// What attachment URLs begin with in this answer: address, expiry and, if asked for, a nonce.
    pub(crate) fn signature(&self) -> String {
        let faults = self.faults();
        let lifetime = i64::try_from(faults.attachment_url_seconds).unwrap_or(i64::MAX / 2000) * 1000;
        let mut expires = self.clock.now_ms() + lifetime;
        if lifetime >= 7_200_000 {
            // Airtable's expiries are full hours, so URLs stay the same for a while.
            expires -= expires.rem_euclid(3_600_000) - 3_600_000;
        }
        let nonce = if faults.attachment_urls_change { self.answers.fetch_add(1, Ordering::Relaxed) } else { 0 };
        let origin = self.origin.get().map(String::as_str).unwrap_or_default();
        format!("{origin}/_mock/attachments/{expires}/{nonce}")
    }

    /// The index of a base and table.
    ///
    /// # Errors
    /// The 403 of an unknown one.
    pub(crate) fn locate(store: &Store, base: &str, table: &str) -> Result<(usize, usize), ApiError> {
        let b = store.bases.iter().position(|other| other.id == base).ok_or_else(ApiError::forbidden)?;
        let t = store.bases[b].table(table).ok_or_else(ApiError::forbidden)?;
        Ok((b, t))
    }

    /// Sends the notifications that changes left behind.
    pub(crate) fn ring(self: &Arc<Self>) {
        let pings: Vec<_> = self.write().bases.iter_mut().flat_map(|base| std::mem::take(&mut base.pings)).collect();
        let Some(runtime) = self.runtime.get() else {
            return;
        };
        for ping in pings {
            let (clock, notes) = (Arc::clone(self), Arc::clone(self));
            let (base, webhook) = (ping.base.clone(), ping.webhook.clone());
            runtime.spawn(ping.send(
                move || clock.clock.now_ms(),
                move |result| {
                    let mut store = notes.write();
                    if let Some(base) = store.base(&base) {
                        store.bases[base].note_ping(&webhook, result);
                    }
                },
            ));
        }
    }
}
