//! `/_mock/...`: the server's own endpoints, for tests that reach it by HTTP only. They need no token on this machine,
//! answer no web page, know no faults and are not logged. Attachments, which clients fetch, are as all that is Airtable's.

use axum::body::{Body, Bytes};
use axum::http::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::reply::Reply;
use super::state::State;
use crate::clock::http_date;
use crate::fault::Faults;

/// Answers a control request.
pub(crate) fn control(state: &State, method: &Method, path: &str, body: &Bytes) -> Response<Body> {
    let now_ms = state.airtable.clock.now_ms();
    let answer = match (method.as_str(), path.trim_end_matches('/')) {
        ("GET", "/_mock/faults") => Ok(json!(*state.airtable.faults())),
        ("PUT", "/_mock/faults") => {
            serde_json::from_slice::<Faults>(body).map_err(|error| error.to_string()).map(|faults| {
                state.set_faults(faults);
                json!(*state.airtable.faults())
            })
        }
        ("DELETE", "/_mock/faults") => {
            state.reset_faults();
            Ok(json!(*state.airtable.faults()))
        }
        ("GET", "/_mock/requests") => {
            let log = state.log();
            Ok(json!({"requests": log.requests(), "counts": log.counts()}))
        }
        _ => return reply(now_ms, StatusCode::NOT_FOUND, &json!({"error": "NOT_FOUND"})),
    };
    match answer {
        Ok(shown) => reply(now_ms, StatusCode::OK, &shown),
        Err(message) => reply(now_ms, StatusCode::UNPROCESSABLE_ENTITY, &json!({"error": message})),
    }
}

/// The answer to whoever is not let in.
pub(super) fn forbidden(now_ms: i64, why: &str) -> Response<Body> {
    reply(now_ms, StatusCode::FORBIDDEN, &json!({"error": {"type": "FOREIGN_REQUEST", "message": why}}))
}

/// The bytes of an attachment: `/_mock/attachments/{expiry}/{nonce}/{id}/{kind}`, and of an original `/{size}`.
pub(super) fn attachment(state: &State, path: &str) -> Reply {
    let mut parts = path.trim_start_matches("/_mock/attachments/").split('/');
    let expires: Option<i64> = parts.next().and_then(|ms| ms.parse().ok());
    let (id, kind) = (parts.nth(1), parts.next());
    match (expires, id, kind) {
        (Some(expires), _, _) if state.airtable.clock.now_ms() >= expires => {
            Reply::plain(410, &json!({"error": "The URL has expired"}))
        }
        (Some(_), Some(id), Some(kind)) => {
            let size = parts.next().and_then(|size| size.parse().ok());
            Reply::file(state.airtable.file(id, kind, size))
        }
        _ => Reply::plain(404, &json!({"error": "NOT_FOUND"})),
    }
}

fn reply(now_ms: i64, status: StatusCode, shown: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(shown.to_string()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert("content-type", axum::http::HeaderValue::from_static("application/json; charset=utf-8"));
    dated(response, now_ms)
}

/// The server has one clock, whatever is asked of it.
fn dated(mut response: Response<Body>, now_ms: i64) -> Response<Body> {
    if let Ok(date) = axum::http::HeaderValue::from_str(&http_date(now_ms)) {
        response.headers_mut().insert("date", date);
    }
    response
}
