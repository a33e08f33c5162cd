//! The token endpoint of OAuth: a refresh token for a new pair of tokens. The page on which a person consents is not here:
//! tests make the first pair themselves.
//!
//! Each renewal gives a new refresh token, and ends the old one and the old access token.

use std::collections::HashMap;

use base64::Engine as _;
use serde_json::{Value, json};

use super::query;
use super::token::{Grant, Tokens};

/// Where it is, beside `/v0`.
pub(crate) const PATH: &str = "/oauth2/v1/token";

const ACCESS_SECONDS: i64 = 3_600;
const REFRESH_SECONDS: i64 = 60 * 86_400;

/// What a person has consented to: kept under the refresh token that is valid now.
#[derive(Debug, Clone)]
struct Authorization {
    client_id: String,
    client_secret: Option<String>,
    grant: Grant,
    access_token: String,
    expires_ms: i64,
}

/// A pair of tokens, as an authorization or a renewal gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthTokens {
    /// Lasts an hour.
    pub access_token: String,
    /// Lasts sixty days, and serves once.
    pub refresh_token: String,
}

/// A refusal, in the form of RFC 6749.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    error: &'static str,
    description: &'static str,
}

impl Refused {
    pub(crate) fn body(&self) -> Value {
        json!({"error": self.error, "error_description": self.description})
    }
}

/// All authorizations that tokens can be renewed by, by their refresh tokens.
#[derive(Debug, Default)]
pub(crate) struct Authorizations {
    kept: HashMap<String, Authorization>,
    /// How many pairs were given.
    pairs: u64,
}

impl Authorizations {
    /// The first pair of an integration, as a person's consent gives it.
    pub(crate) fn authorize(
        &mut self,
        tokens: &mut Tokens,
        client_id: &str,
        client_secret: Option<&str>,
        grant: Grant,
        now_ms: i64,
    ) -> OAuthTokens {
        let (client_id, client_secret) = (client_id.to_owned(), client_secret.map(str::to_owned));
        let (access_token, expires_ms) = (String::new(), 0);
        self.give(tokens, Authorization { client_id, client_secret, grant, access_token, expires_ms }, now_ms)
    }

    fn give(&mut self, tokens: &mut Tokens, mut authorization: Authorization, now_ms: i64) -> OAuthTokens {
        self.pairs += 1;
        let (access_token, refresh_token) =
            (format!("oaaMockAccess.v1.{}", self.pairs), format!("oarMockRefresh.v1.{}", self.pairs));
        tokens.insert_until(&access_token, authorization.grant.clone(), now_ms + ACCESS_SECONDS * 1000);
        authorization.access_token.clone_from(&access_token);
        authorization.expires_ms = now_ms + REFRESH_SECONDS * 1000;
        self.kept.insert(refresh_token.clone(), authorization);
        OAuthTokens { access_token, refresh_token }
    }

    /// The answer to a request for tokens, in JSON.
    ///
    /// # Errors
    /// 401 for another client than the one that was authorized, 400 for anything else.
    pub(crate) fn renew(
        &mut self,
        tokens: &mut Tokens,
        header: Option<&str>,
        body: &[u8],
        now_ms: i64,
    ) -> Result<Value, Refused> {
        let pairs = query::pairs(&String::from_utf8_lossy(body));
        let text = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        if text("grant_type") != Some("refresh_token") {
            let description = "the mock renews tokens, and gives none for a code";
            return Err(Refused { status: 400, error: "unsupported_grant_type", description });
        }
        let Some(refresh_token) = text("refresh_token") else {
            return Err(Refused { status: 400, error: "invalid_request", description: "refresh_token is missing" });
        };
        let (id, secret) = match header {
            Some(header) => basic(header).map(|(id, secret)| (Some(id), Some(secret))).unwrap_or_default(),
            None => (text("client_id").map(str::to_owned), None),
        };
        let invalid = Refused {
            status: 400,
            error: "invalid_grant",
            description: "the refresh token is unknown, was used, has expired or was revoked",
        };
        let Some(known) = self.kept.get(refresh_token) else { return Err(invalid) };
        if id.as_ref() != Some(&known.client_id) || secret != known.client_secret {
            return Err(Refused { status: 401, error: "invalid_client", description: "" });
        }
        let known = self.kept.remove(refresh_token).filter(|known| now_ms < known.expires_ms);
        let Some(known) = known else { return Err(invalid) };
        tokens.remove(&known.access_token);
        let scope = known.grant.scopes.iter().flatten().cloned().collect::<Vec<_>>().join(" ");
        let given = self.give(tokens, known, now_ms);
        Ok(json!({
            "access_token": given.access_token,
            "refresh_token": given.refresh_token,
            "token_type": "Bearer",
            "scope": scope,
            "expires_in": ACCESS_SECONDS,
            "refresh_expires_in": REFRESH_SECONDS,
        }))
    }
}

/// Name and password of a header.
fn basic(header: &str) -> Option<(String, String)> {
    let coded = header.strip_prefix("Basic ")?;
    let text = String::from_utf8(base64::engine::general_purpose::STANDARD.decode(coded.trim()).ok()?).ok()?;
    text.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "grant_type=refresh_token&refresh_token=oarMockRefresh.v1.1";

    fn authorized(secret: Option<&str>) -> (Authorizations, Tokens) {
        let (mut authorizations, mut tokens) = (Authorizations::default(), Tokens::default());
        authorizations.authorize(&mut tokens, "me", secret, Grant::default(), 0);
        (authorizations, tokens)
    }

    fn renewed(secret: Option<&str>, header: Option<&str>, body: &str, now_ms: i64) -> Result<Value, Refused> {
        let (mut authorizations, mut tokens) = authorized(secret);
        authorizations.renew(&mut tokens, header, body.as_bytes(), now_ms)
    }

    fn code(pair: &str) -> String {
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
    }

    #[test]
    fn a_renewal_ends_both_tokens_and_gives_two() {
        let (mut authorizations, mut tokens) = authorized(Some("s"));
        let is_valid = |tokens: &Tokens, number: u8, now_ms: i64| {
            tokens.authenticate(Some(&format!("Bearer oaaMockAccess.v1.{number}")), now_ms).is_ok()
        };
        assert!(is_valid(&tokens, 1, 3_599_999) && !is_valid(&tokens, 1, 3_600_000));
        let answer = authorizations.renew(&mut tokens, Some(&code("me:s")), BODY.as_bytes(), 1_000).expect("a pair");
        assert_eq!(answer["access_token"], "oaaMockAccess.v1.2");
        assert_eq!(answer["refresh_token"], "oarMockRefresh.v1.2");
        assert!(!is_valid(&tokens, 1, 1_000) && is_valid(&tokens, 2, 3_600_999) && !is_valid(&tokens, 2, 3_601_000));
        let again = authorizations.renew(&mut tokens, Some(&code("me:s")), BODY.as_bytes(), 1_000);
        assert_eq!(again.expect_err("used").error, "invalid_grant");
    }

    #[test]
    fn others_are_refused() {
        let late = REFRESH_SECONDS * 1000;
        for (secret, header, body, now_ms, expected) in [
            (Some("s"), Some(code("me:t")), BODY, 0, (401, "invalid_client")),
            (Some("s"), Some(code("you:s")), BODY, 0, (401, "invalid_client")),
            (Some("s"), None, BODY, 0, (401, "invalid_client")),
            (None, Some("Bearer me".into()), BODY, 0, (401, "invalid_client")),
            (Some("s"), Some(code("me:s")), BODY, late, (400, "invalid_grant")),
            (Some("s"), Some(code("me:s")), "grant_type=refresh_token&refresh_token=x", 0, (400, "invalid_grant")),
            (Some("s"), Some(code("me:s")), "grant_type=refresh_token", 0, (400, "invalid_request")),
            (Some("s"), Some(code("me:s")), "grant_type=password", 0, (400, "unsupported_grant_type")),
        ] {
            let refused = renewed(secret, header.as_deref(), body, now_ms).expect_err(body);
            assert_eq!((refused.status, refused.error), expected, "{header:?} {body}");
        }
        let body = format!("{BODY}&client_id=me");
        assert!(renewed(None, None, &body, 0).is_ok(), "an integration without a secret");
    }
}
