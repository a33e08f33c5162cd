//! When a request is sent: its turn within the budgets, taken again where it could not go at once.
//!
//! Invariant: what a budget notes is when requests arrive, as far as that can be known. A request over a connection that
//! stands arrives when it leaves, which on a busy machine may be later than its turn. One that needs a new connection takes
//! its turn when that stands. Without encryption that is not certain even then, because what answers may be something in
//! between: such a request counts until it is answered.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use crate::airtable::budget::Budget;
use crate::airtable::calls::Calls;
use crate::airtable::pace::{Micros, Turn, Why};
use crate::airtable::tally::Tally;

/// A request leaves within this time after its turn, unless the machine is busy with other things.
const AT_ONCE: Duration = Duration::from_millis(5);

/// A wait that is longer is told, with its reason.
pub(crate) const TOLD_WAIT: Duration = Duration::from_secs(5);

tokio::task_local! {
    /// Of the request that is being sent.
    static CURRENT: Arc<Departure>;
}

/// The budget of a base, and the queue for it within this client. One request of a client waits for a slot at a time, so
/// that a process with ten requests to send gets as many slots as one with a single one.
#[derive(Debug)]
pub(crate) struct BaseBudget {
    /// What messages call the base.
    pub(crate) name: String,
    pub(crate) budget: Budget,
    pub(crate) calls: Arc<Calls>,
    pub(crate) queue: tokio::sync::Mutex<()>,
}

/// One request on its way out.
#[derive(Debug)]
pub(crate) struct Departure {
    base: Arc<BaseBudget>,
    of_token: Arc<Budget>,
    is_encrypted: bool,
    /// Of those who ask.
    tally: Arc<Tally>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Under which time the base's budget notes the request.
    noted: Option<Micros>,
    is_underway: bool,
    /// When it was sent.
    at: Option<Instant>,
}

impl Departure {
    pub(crate) fn new(base: Arc<BaseBudget>, of_token: Arc<Budget>, is_encrypted: bool, tally: Arc<Tally>) -> Self {
        Self { base, of_token, is_encrypted, tally, state: Mutex::default() }
    }

    /// Waits for this request's turn. A penalty that somebody met meanwhile is waited for too: requests that are sent into
    /// it may prolong it. The base comes last, because what it notes is when requests go: those that waited for the token
    /// after that would go closer together than was noted.
    pub(crate) async fn wait(&self) {
        let BaseBudget { name, budget, queue, .. } = &*self.base;
        let _waiting = self.tally.waiting();
        let _turn = queue.lock().await;
        sleep_through("all bases of this token", &self.of_token, self.of_token.reserve()).await;
        let noted = sleep_through(name, budget, budget.reserve()).await;
        self.set_noted(noted);
    }

    /// The connection stands: the request is sent now, or waits for its turn until it is.
    async fn connected(&self) {
        let noted = self.state().noted;
        match noted {
            None => self.wait().await,
            Some(noted) => {
                let BaseBudget { name, budget, queue, .. } = &*self.base;
                let _waiting = self.tally.waiting();
                let _turn = queue.lock().await;
                let noted = sleep_through(name, budget, budget.depart_again(noted)).await;
                self.set_noted(noted);
            }
        }
        let mut state = self.state();
        if let Some(noted) = state.noted.filter(|_| !self.is_encrypted) {
            self.base.budget.set_underway(noted);
            state.is_underway = true;
        }
    }

    /// Sends the request whose turn it is, and notes anew when it left if that was not at once.
    pub(crate) async fn follow<T>(&self, sending: impl Future<Output = T>) -> T {
        let mut sending = pin!(sending);
        // Asked for the first time, it hands the request to the task of its connection, which then comes before this one.
        if let Poll::Ready(sent) = poll_fn(|context| Poll::Ready(sending.as_mut().poll(context))).await {
            return sent;
        }
        tokio::task::yield_now().await;
        self.left();
        sending.await
    }

    fn left(&self) {
        let mut state = self.state();
        let is_late = state.at.is_some_and(|at| at.elapsed() > AT_ONCE) && !state.is_underway;
        if let Some(noted) = state.noted.filter(|_| is_late) {
            state.noted = Some(self.base.budget.left(noted));
        }
    }

    /// The answer begins, or there will be none.
    pub(crate) fn arrived(&self) {
        let mut state = self.state();
        if let Some(noted) = state.noted.filter(|_| state.is_underway) {
            self.base.budget.arrived(noted);
            state.is_underway = false;
        }
    }

    /// There was no connection to send the request by.
    pub(crate) fn not_sent(&self) {
        if self.state().noted.is_some() {
            self.tally.not_sent();
            self.base.calls.not_sent();
        }
    }

    /// When the request was sent; none until it is.
    pub(crate) fn at(&self) -> Option<Instant> {
        self.state().at
    }

    fn set_noted(&self, noted: Micros) {
        let mut state = self.state();
        if state.noted.is_none() {
            self.tally.sent();
            self.base.calls.sent();
        }
        (state.noted, state.at) = (Some(noted), Some(Instant::now()));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Departure {
    fn drop(&mut self) {
        self.arrived();
    }
}

/// Does what sends a request. Within it, [`connected`] knows the request.
pub(crate) async fn scope<T>(departure: Arc<Departure>, sending: impl Future<Output = T>) -> T {
    CURRENT.scope(departure, sending).await
}

/// A new connection stands. It may be wanted by nobody any more: the request has gone by another one.
pub(crate) async fn connected() {
    if let Ok(departure) = CURRENT.try_with(Arc::clone) {
        departure.connected().await;
    }
}

/// Waits, and asks whether that was enough, until it was. No wait at all is none, not the millisecond that a timer takes.
async fn sleep_through(name: &str, budget: &Budget, mut turn: Turn) -> Micros {
    loop {
        match turn {
            Turn::Go(noted) => return noted,
            Turn::Wait(wait, why) => {
                tell(name, wait, why, budget.interval());
                tokio::time::sleep(wait).await;
                turn = budget.depart();
            }
        }
    }
}

fn tell(name: &str, wait: Duration, why: Why, interval: Duration) {
    // Somebody who asks for a request a minute knows.
    if wait <= TOLD_WAIT.max(interval) {
        return;
    }
    let why = match why {
        Why::Queue => "other requests of this machine are before it",
        Why::Penalty => "Airtable refused a request of this machine as one too many, and refuses all for a while",
        Why::Eased => "refusals tell that others read the base, so requests go at a share of the pace",
    };
    log::warn!("{name}: the next request waits {:.0} s: {why}", wait.as_secs_f64());
}
