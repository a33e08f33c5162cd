//! The HTTP side: from a socket to an answer and back, in the order in which Airtable's layers act: edge
//! faults, limits, the token, the answer, compression.

mod body;
mod control;
mod guard;
mod limit;
pub(crate) mod log;
mod reply;
pub(crate) mod state;
mod wire;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request as HttpRequest, State as Extract};
use axum::http::{HeaderName, HeaderValue, Method, Response, header, request::Parts};
use tokio::net::TcpListener;

use crate::api::answer::{Request, answer};
use crate::api::oauth;
use crate::api::route::{Endpoint, Role};
use crate::clock::stamp;
use crate::error::{ApiError, Shape};
use crate::fault::Faults;
use crate::fault::rule::Action;
use control::{attachment, control};
use limit::Refusal;
use log::LoggedRequest;
use reply::{Reply, replacement, send};
use state::State;
use wire::{Fuse, Fused};

/// The longest URL that Airtable accepts, scheme and host included.
const LONGEST_URL: usize = 16_000;
const LARGEST_BODY: usize = 5 * 1024 * 1024;

/// Serves until `stopped` resolves.
///
/// # Errors
/// When the listener cannot be used.
pub(crate) async fn serve(
    state: Arc<State>,
    listener: std::net::TcpListener,
    stopped: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = Fused(TcpListener::from_std(listener)?);
    let app = Router::new().fallback(handle).with_state(state).into_make_service_with_connect_info::<Fuse>();
    tokio::select! {
        result = async { axum::serve(listener, app).await } => result,
        () = stopped => Ok(()),
    }
}

async fn handle(
    Extract(state): Extract<Arc<State>>,
    ConnectInfo(fuse): ConnectInfo<Fuse>,
    request: HttpRequest,
) -> Response<Body> {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let body = to_bytes(body, LARGEST_BODY).await;
    let (is_control, now_ms) = (is_control(path), state.airtable.clock.now_ms());
    let refused = if is_control {
        let is_known = state.tokens().authenticate(authorization(&parts), now_ms).is_ok();
        guard::control_refusal(&parts.uri, &parts.headers, state.listening, is_known)
    } else {
        guard::refusal(&parts.uri, &parts.headers, state.listening)
    };
    if let Some(why) = refused {
        return control::forbidden(now_ms, why);
    }
    if is_control {
        return control(&state, &parts.method, path, &body.unwrap_or_default());
    }
    let mut entry = logged(&state, &parts, body.as_deref().unwrap_or_default());
    let is_file = path.starts_with("/_mock/attachments/");
    if is_file {
        "attachment".clone_into(&mut entry.endpoint);
    }
    let faults = state.airtable.faults();
    if faults.delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(faults.delay_ms)).await;
    }
    let target = parts.uri.path_and_query().map_or(path, axum::http::uri::PathAndQuery::as_str);
    let action = state.action(target);
    if let Some(delay) = action.as_ref().and_then(Action::delay) {
        tokio::time::sleep(delay).await;
    }
    if matches!(action, Some(Action::Stall)) {
        finish(&state, entry, started, 0);
        return std::future::pending().await;
    }
    let spoiled = action.as_ref().and_then(replacement);
    let reply = match (spoiled, body) {
        (Some(reply), _) => reply,
        (None, _) if is_file => attachment(&state, path),
        (None, Err(_)) => Reply::error(&ApiError::new(413, "REQUEST_TOO_LARGE", "Request body is too large")),
        (None, Ok(body)) => respond(&state, &parts, &body, &faults).unwrap_or_else(|reply| reply),
    };
    finish(&state, entry, started, reply.status);
    send(state.airtable.clock.now_ms(), &parts.headers, &faults, reply, action.as_ref(), &fuse)
}

/// The server's own endpoints; attachments are Airtable's.
fn is_control(path: &str) -> bool {
    path.starts_with("/_mock/") && !path.starts_with("/_mock/attachments/")
}

fn is_token_endpoint(parts: &Parts) -> bool {
    parts.method == Method::POST && parts.uri.path() == oauth::PATH
}

fn authorization(parts: &Parts) -> Option<&str> {
    parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok())
}

fn logged(state: &State, parts: &Parts, body: &[u8]) -> LoggedRequest {
    let header = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let endpoint = Endpoint::find(parts.method.as_str(), parts.uri.path());
    LoggedRequest {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        body: String::from_utf8_lossy(body).into_owned(),
        time: stamp(state.airtable.clock.now_ms()),
        duration_ms: 0.0,
        status: 0,
        authorized: parts.headers.contains_key(header::AUTHORIZATION),
        user_agent: header(header::USER_AGENT).unwrap_or_default().to_owned(),
        endpoint: match endpoint {
            Some(endpoint) => endpoint.name().to_owned(),
            None if is_token_endpoint(parts) => "oauth_token".to_owned(),
            None => "unknown".to_owned(),
        },
    }
}

fn finish(state: &State, mut entry: LoggedRequest, started: Instant, status: u16) {
    entry.status = status;
    entry.duration_ms = started.elapsed().as_secs_f64() * 1000.0;
    state.log().push(entry);
}

/// The right answer, or the refusal of a layer before it.
fn respond(state: &Arc<State>, parts: &Parts, body: &[u8], faults: &Faults) -> Result<Reply, Reply> {
    let refuse = |error: ApiError| Reply::error(&error);
    let host = parts.headers.get(header::HOST).map_or(0, HeaderValue::len);
    let target = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
    if "https://".len() + host + target > LONGEST_URL {
        return Err(refuse(ApiError::new(414, "REQUEST_URI_TOO_LONG", "The URL is longer than 16,000 characters")));
    }
    let endpoint = Endpoint::find(parts.method.as_str(), parts.uri.path());
    if let Some(base) = endpoint.as_ref().and_then(Endpoint::base) {
        match state.limits().admit(base, faults, Instant::now()) {
            Some(Refusal::PerSecond) => {
                let shape = if faults.rate_limit_singular { Shape::Object } else { Shape::Plural };
                return Err(
                    refuse(ApiError::rate_limited().with_shape(shape)).retry_after(faults.rate_limit_retry_after)
                );
            }
            Some(Refusal::PerMonth) => return Err(refuse(ApiError::monthly_block())),
            None => {}
        }
    }
    let now_ms = state.airtable.clock.now_ms();
    if is_token_endpoint(parts) {
        let (mut authorizations, mut tokens) = (state.authorizations(), state.tokens_mut());
        let renewed = authorizations.renew(&mut tokens, authorization(parts), body, now_ms);
        return renewed.map(|answer| Reply::ok(answer.to_string())).map_err(|refused| Reply::refused(&refused));
    }
    let grant = state.tokens().authenticate(authorization(parts), now_ms).map_err(refuse)?;
    let endpoint = endpoint.ok_or_else(|| refuse(ApiError::no_route()))?;
    let request = Request { query: parts.uri.query().unwrap_or_default(), body };
    let answered = if may_take_long(&endpoint, &request) {
        tokio::task::block_in_place(|| answer(&state.airtable, &grant, &endpoint, &request))
    } else {
        answer(&state.airtable, &grant, &endpoint, &request)
    };
    if endpoint.role() >= Role::Edit {
        state.ring();
    }
    answered.map(Reply::ok).map_err(refuse)
}

/// Filtering and sorting a million records takes seconds, in which others want answers.
fn may_take_long(endpoint: &Endpoint, request: &Request<'_>) -> bool {
    let asks = |name: &str| request.query.contains(name);
    match endpoint {
        Endpoint::ListRecords(..) => asks("filterByFormula") || asks("sort") || asks("view"),
        Endpoint::ListRecordsByPost(..) => true,
        _ => false,
    }
}
