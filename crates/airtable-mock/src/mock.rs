//! [`Mock`]: a running server, and what is not data about it: faults, requests, clock and tokens.

pub(crate) mod config;
mod data;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::api::airtable::Airtable;
use crate::api::oauth::OAuthTokens;
use crate::api::token::{Grant, Tokens};
use crate::clock::{parse_ms, stamp};
use crate::data::store::Store;
use crate::fault::Faults;
use crate::server::log::LoggedRequest;
use crate::server::state::State;
use crate::{sample, server};
use config::{MockConfig, MockError};

/// A running mock Airtable. It stops when it is dropped.
///
/// Bases and tables are named by id or name throughout, fields too. Changes made here are a person's at the
/// screen (`client` in webhook payloads), changes by HTTP are the API's.
#[derive(Debug)]
pub struct Mock {
    state: Arc<State>,
    address: SocketAddr,
    token: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Mock {
    /// Starts a server on its own thread.
    ///
    /// # Errors
    /// When the address cannot be listened on or the thread cannot be started.
    pub fn start(config: MockConfig) -> io::Result<Self> {
        let mut store = Store::new(config.seed, sample::people::people());
        let mut tokens = Tokens::default();
        tokens.insert(&config.token, Grant::default());
        let listener = TcpListener::bind(config.address)?;
        let address = listener.local_addr()?;
        if config.sample {
            sample::load(&mut store).map_err(|error| io::Error::other(MockError::from(error)))?;
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("mock-airtable")
            .enable_all()
            .build()?;
        let airtable = Airtable::new(store, config.seed, format!("http://{address}"));
        let state = Arc::new(State::new(airtable, tokens, config.faults, address.ip(), runtime.handle().clone()));
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = Arc::clone(&state);
        let thread = std::thread::Builder::new().name("mock-airtable".into()).spawn(move || {
            // An error here means that the socket broke; clients see that by themselves.
            let _served = runtime.block_on(server::serve(serving, listener, async move {
                let _dropped = stopped.await;
            }));
            runtime.shutdown_timeout(Duration::from_millis(100));
        })?;
        Ok(Self { state, address, token: config.token, stop: Some(stop), thread: Some(thread) })
    }

    /// `http://127.0.0.1:PORT`, without `/v0`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The token that may do everything.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The id of the first base: the larger sample base, unless started without; empty if there is none.
    pub fn base_id(&self) -> String {
        self.state.airtable.read().bases.iter().next().map(|base| base.id.clone()).unwrap_or_default()
    }

    /// The ids and names of all bases.
    pub fn bases(&self) -> Vec<(String, String)> {
        self.state.airtable.read().bases.iter().map(|base| (base.id.clone(), base.name.clone())).collect()
    }

    /// Adds a token.
    pub fn add_token(&self, token: &str, grant: Grant) {
        self.state.tokens_mut().insert(token, grant);
    }

    /// Authorizes an integration of OAuth, as a person's consent does: its access token lasts an hour of the server's
    /// clock, and its refresh token is good for one renewal.
    pub fn authorize(&self, client_id: &str, client_secret: Option<&str>, grant: Grant) -> OAuthTokens {
        let now_ms = self.state.airtable.clock.now_ms();
        let (mut authorizations, mut tokens) = (self.state.authorizations(), self.state.tokens_mut());
        authorizations.authorize(&mut tokens, client_id, client_secret, grant, now_ms)
    }

    /// Makes a token invalid.
    pub fn remove_token(&self, token: &str) {
        self.state.tokens_mut().remove(token);
    }

    /// Puts faults in force; rules and limits begin to count anew.
    pub fn set_faults(&self, faults: Faults) {
        self.state.set_faults(faults);
    }

    /// The faults in force.
    pub fn faults(&self) -> Faults {
        self.state.airtable.faults().as_ref().clone()
    }

    /// Goes back to the faults that the server was started with.
    pub fn reset_faults(&self) {
        self.state.reset_faults();
    }

    /// The last requests, oldest first.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.state.log().requests()
    }

    /// How many requests each endpoint had, also those no longer remembered.
    pub fn request_counts(&self) -> std::collections::BTreeMap<String, u64> {
        self.state.log().counts()
    }

    /// Forgets all requests and counts.
    pub fn clear_requests(&self) {
        self.state.log().clear();
    }

    /// The server's time, ISO 8601.
    pub fn now(&self) -> String {
        stamp(self.state.airtable.clock.now_ms())
    }

    /// Moves the server's clock; negative seconds move it back.
    pub fn advance_clock(&self, seconds: f64) {
        // Saturates, which is far enough.
        #[allow(clippy::cast_possible_truncation)]
        self.state.airtable.clock.advance_ms((seconds * 1000.0) as i64);
    }

    /// Sets the server's clock, which runs on from there.
    ///
    /// # Errors
    /// When the text is no ISO 8601 time.
    pub fn set_clock(&self, now: &str) -> Result<(), MockError> {
        let ms = parse_ms(now).ok_or_else(|| MockError::from_text(format!("\"{now}\" is no time")))?;
        self.state.airtable.clock.set_ms(ms);
        Ok(())
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.stop.take().map(|stop| stop.send(()));
        if let Some(thread) = self.thread.take() {
            // A panic there was reported there.
            let _stopped = thread.join();
        }
    }
}
