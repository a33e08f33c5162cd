//! What an answer consists of, read with care: headers, the body up to a limit, and why it did not come.

use reqwest::header::{HeaderMap, HeaderName};
use reqwest::{Response, Url};

use crate::airtable::failure::Failure;
use crate::error::line;

/// A header, where it is text.
pub(crate) fn text_of(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The whole body, unless it is larger than the limit.
pub(crate) async fn whole(
    mut response: Response,
    limit_bytes: usize,
    failure: impl Fn(&reqwest::Error) -> Failure,
) -> Result<Vec<u8>, Failure> {
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    if announced > limit_bytes {
        return Err(Failure::TooLarge { limit_bytes });
    }
    let mut body = Vec::with_capacity(announced);
    while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
        if body.len() + chunk.len() > limit_bytes {
            return Err(Failure::TooLarge { limit_bytes });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The cause of causes: "connection refused" rather than "error sending request for url (...)", which would also show
/// the query.
pub(crate) fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    let mut depth = 0;
    while let Some(source) = cause.source() {
        cause = source;
        depth += 1;
    }
    if depth == 0 {
        line(&error.to_string().replace(error.url().map_or("", Url::as_str), ""))
    } else {
        line(&cause.to_string())
    }
}
