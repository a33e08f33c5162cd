//! A finished answer, what an action puts in its place, and how either goes out.

use std::io::{self, Write as _};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::Value;

use super::body::{FaultyBody, GiganticBody};
use super::wire::Fuse;
use crate::api::oauth::Refused;
use crate::clock::http_date;
use crate::error::ApiError;
use crate::fault::Faults;
use crate::fault::rule::Action;

/// Below this, compressing costs more than it saves.
const SMALLEST_GZIP: usize = 860;

/// A finished answer, before it is put on the wire.
pub(super) struct Reply {
    pub(super) status: u16,
    body: Bytes,
    headers: Vec<(String, String)>,
}

impl Reply {
    pub(super) fn ok(body: impl Into<Bytes>) -> Self {
        Self { status: 200, body: body.into(), headers: Vec::new() }
    }

    /// Bytes that are no JSON.
    pub(super) fn file(bytes: impl Into<Bytes>) -> Self {
        let headers = vec![("content-type".into(), "application/octet-stream".into())];
        Self { status: 200, body: bytes.into(), headers }
    }

    /// An answer of the host of files, which is not the API.
    pub(super) fn plain(status: u16, body: &Value) -> Self {
        Self { status, body: body.to_string().into(), headers: Vec::new() }
    }

    pub(super) fn error(error: &ApiError) -> Self {
        Self { status: error.status, body: error.body().to_string().into(), headers: Vec::new() }
    }

    pub(super) fn refused(refused: &Refused) -> Self {
        Self { status: refused.status, body: refused.body().to_string().into(), headers: Vec::new() }
    }

    pub(super) fn retry_after(mut self, seconds: Option<u32>) -> Self {
        self.headers.extend(seconds.map(|seconds| ("retry-after".into(), seconds.to_string())));
        self
    }
}

/// The answer that an action gives instead of the right one.
pub(super) fn replacement(action: &Action) -> Option<Reply> {
    if let Some((error, retry_after)) = action.error() {
        return Some(Reply::error(&error).retry_after(retry_after));
    }
    Some(match action {
        Action::Respond { status, headers, body } => Reply {
            status: *status,
            headers: headers.clone(),
            body: match body {
                Value::String(text) => Bytes::from(text.clone()),
                Value::Null => Bytes::new(),
                json => Bytes::from(json.to_string()),
            },
        },
        Action::BadGateway => Reply {
            status: 502,
            headers: vec![("content-type".into(), "text/html".into())],
            body: Bytes::from_static(
                b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>",
            ),
        },
        Action::NotJson => Reply::ok("<!doctype html><title>Sign in to the network</title>"),
        Action::InvalidUtf8 => {
            Reply::ok(&b"{\"records\":[{\"id\":\"rec00000000000000\",\"fields\":{\"Name\":\"\xff\xfe\"}}]}"[..])
        }
        Action::Deep { depth } => Reply::ok(format!("{{\"records\":{}{}}}", "[".repeat(*depth), "]".repeat(*depth))),
        Action::Redirect { location, status } => {
            Reply { status: *status, headers: vec![("location".into(), location.clone())], body: Bytes::new() }
        }
        Action::Gigantic { .. } => Reply::ok(Bytes::new()),
        _ => return None,
    })
}

pub(super) fn send(
    now_ms: i64,
    asked: &HeaderMap,
    faults: &Faults,
    reply: Reply,
    action: Option<&Action>,
    fuse: &Fuse,
) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    if let Ok(date) = HeaderValue::from_str(&http_date(now_ms)) {
        headers.insert(header::DATE, date);
    }
    for (name, value) in &reply.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    let accepts = asked.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let compressed =
        faults.gzip && accepts.is_some_and(|accepts| accepts.contains("gzip")) && reply.body.len() >= SMALLEST_GZIP;
    let mut bytes = reply.body;
    if compressed && let Ok(zipped) = gzip(&bytes) {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        bytes = zipped;
    }
    *response.body_mut() = match action {
        Some(Action::Truncate { bytes: kept }) => Body::new(FaultyBody::truncated(&bytes, *kept, fuse.clone())),
        Some(Action::Slow { chunk, ms }) => Body::new(FaultyBody::slow(bytes, *chunk, Duration::from_millis(*ms))),
        Some(Action::Gigantic { bytes }) => Body::new(GiganticBody::new(*bytes)),
        Some(Action::Close) => {
            fuse.blow();
            Body::empty()
        }
        _ => Body::from(bytes),
    };
    response
}

fn gzip(bytes: &[u8]) -> io::Result<Bytes> {
    let out = Vec::with_capacity(bytes.len() / 4);
    let mut encoder = flate2::write::GzEncoder::new(out, flate2::Compression::fast());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.into())
}
