//! `/_mock/...`: the server's own endpoints, for tests that reach it by HTTP only. They need no token, know
//! no faults and are not logged, except attachments, which clients fetch.

use axum::body::{Body, Bytes};
use axum::http::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::state::State;
use crate::fault::Faults;

/// Answers a control request.
pub(crate) fn control(state: &State, method: &Method, path: &str, body: &Bytes) -> Response<Body> {
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
        _ => return reply(StatusCode::NOT_FOUND, &json!({"error": "NOT_FOUND"})),
    };
    match answer {
        Ok(shown) => reply(StatusCode::OK, &shown),
        Err(message) => reply(StatusCode::UNPROCESSABLE_ENTITY, &json!({"error": message})),
    }
}

/// The bytes of an attachment: `/_mock/attachments/{expiry}/{nonce}/{id}/{kind}`.
pub(crate) fn attachment(state: &State, path: &str) -> Response<Body> {
    let mut parts = path.trim_start_matches("/_mock/attachments/").split('/');
    let expires: Option<i64> = parts.next().and_then(|ms| ms.parse().ok());
    let (id, kind) = (parts.nth(1), parts.next());
    match (expires, id, kind) {
        (Some(expires), _, _) if state.airtable.clock.now_ms() >= expires => {
            reply(StatusCode::GONE, &json!({"error": "The URL has expired"}))
        }
        (Some(_), Some(id), Some(kind)) => {
            let mut response = Response::new(Body::from(format!("{kind} of {id}\n")));
            response
                .headers_mut()
                .insert("content-type", axum::http::HeaderValue::from_static("application/octet-stream"));
            response
        }
        _ => reply(StatusCode::NOT_FOUND, &json!({"error": "NOT_FOUND"})),
    }
}

fn reply(status: StatusCode, shown: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(shown.to_string()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert("content-type", axum::http::HeaderValue::from_static("application/json; charset=utf-8"));
    response
}
