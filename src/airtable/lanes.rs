//! Connections. A lane is one connection, or none yet, for one request at a time.
//!
//! A pool that many requests share does not tell which of them waits for a new connection and which goes at once by one
//! that has become free. In a lane of its own a request goes by the connection that is there, or by a new one, and
//! [`crate::airtable::departure`] is told of each new one.

use std::pin::Pin;
use std::sync::{Mutex, Once, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tower_layer::Layer;
use tower_service::Service;

use crate::airtable::departure;
use crate::airtable::proxy::Proxy;
use crate::options::Connection;

/// Failing to connect is noticed long before a slow answer is given up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// More lanes than this are not kept for later.
const KEPT: usize = 16;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The lanes to one address.
#[derive(Debug)]
pub(crate) struct Lanes {
    connect_timeout: Duration,
    is_loopback: bool,
    proxy: Option<Proxy>,
    is_encrypted: bool,
    /// The last one that was used is the first to be used again: its connection is the least likely to have been closed.
    free: Mutex<Vec<(reqwest::Client, IsNew)>>,
}

/// Whether a lane never had a connection.
type IsNew = bool;

/// A lane that nobody else uses until this is dropped.
#[derive(Debug)]
pub(crate) struct Lane<'a> {
    pub(crate) http: reqwest::Client,
    /// It never had a connection.
    pub(crate) is_new: IsNew,
    lanes: &'a Lanes,
}

impl Lanes {
    /// Opens no connection.
    ///
    /// # Errors
    /// Where the machine has no certificates to check servers by.
    pub(crate) fn new(connection: &Connection) -> reqwest::Result<Self> {
        static PROVIDER: Once = Once::new();
        // Fails only where the process has one already, which serves as well.
        PROVIDER.call_once(|| _ = rustls::crypto::ring::default_provider().install_default());
        let lanes = Self {
            connect_timeout: CONNECT_TIMEOUT.min(connection.timeout),
            is_loopback: connection.is_loopback(),
            proxy: Proxy::of(connection.base_url.as_str()).filter(|_| !connection.is_loopback()),
            is_encrypted: connection.base_url.scheme() != "http",
            free: Mutex::default(),
        };
        // Made now, so that what is wrong with it is told now.
        let first = lanes.build()?;
        lanes.free.lock().unwrap_or_else(PoisonError::into_inner).push((first, true));
        Ok(lanes)
    }

    /// Whether a connection that stands reaches the service itself.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    /// The proxy that connections go by.
    pub(crate) fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    pub(crate) fn take(&self) -> reqwest::Result<Lane<'_>> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let (http, is_new) = match free {
            Some(free) => free,
            None => (self.build()?, true),
        };
        Ok(Lane { http, is_new, lanes: self })
    }

    fn build(&self) -> reqwest::Result<reqwest::Client> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("lakeflow-airtable/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connector_layer(TellConnected { timeout: self.connect_timeout, inner: () })
            .pool_max_idle_per_host(1)
            .tcp_nodelay(true);
        if self.is_loopback {
            builder = builder.no_proxy();
        }
        if !self.is_encrypted {
            builder = builder.tls_certs_only([]);
        }
        builder.build()
    }
}

impl Drop for Lane<'_> {
    fn drop(&mut self) {
        let mut free = self.lanes.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < KEPT {
            free.push((self.http.clone(), false));
        }
    }
}

/// Tells the request that waits for a connection when it stands. Both waits, for the connection and for the request's
/// turn, are bounded each for itself, so the time limit is here and not around both.
#[derive(Debug, Clone)]
struct TellConnected<S = ()> {
    timeout: Duration,
    inner: S,
}

/// What the time limit says.
#[derive(Debug, thiserror::Error)]
#[error("no connection within {0:?}")]
struct NotConnected(Duration);

impl<S> Layer<S> for TellConnected {
    type Service = TellConnected<S>;

    fn layer(&self, inner: S) -> TellConnected<S> {
        TellConnected { timeout: self.timeout, inner }
    }
}

impl<S, R> Service<R> for TellConnected<S>
where
    S: Service<R, Error = BoxError>,
    S::Future: Send + 'static,
    S::Response: Send,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let (timeout, connecting) = (self.timeout, self.inner.call(request));
        Box::pin(async move {
            let connected = tokio::time::timeout(timeout, connecting).await;
            let connected = connected.map_err(|_| NotConnected(timeout))??;
            departure::connected().await;
            Ok(connected)
        })
    }
}
