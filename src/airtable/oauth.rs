//! Who asks: the token that requests carry, and how one of OAuth is renewed when it has expired.
//!
//! Airtable's refresh tokens serve once. A renewal gives a new one, and ends the old one and the access token before. So
//! one process renews once, whoever waits for it; a renewal that was begun is ended, even where nobody waits any more; and
//! the newest refresh token is kept as long as the process lives. It leaves the process nowhere: that it replaces the one
//! that was given is said in the log.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Method, Url};
use serde::Deserialize;

use crate::airtable::body::{innermost, whole};
use crate::airtable::failure::{Failure, Reason};
use crate::airtable::proxy::Proxy;
use crate::airtable::retry::Retry;
use crate::error::line;
use crate::json;
use crate::options::{Connection, Renewal};
use crate::token::Token;

const AIRTABLE: &str = "https://airtable.com/oauth2/v1/token";

/// More than any answer about tokens has to say.
const LARGEST_ANSWER_BYTES: usize = 64 << 10;

/// Nothing comes of asking longer: the read that waits has its own work to lose.
const MAX_RETRIES: u32 = 3;

/// The grants that this process has: one a refresh token that it was given.
static GRANTS: Mutex<Vec<Arc<Grant>>> = Mutex::new(Vec::new());

/// The token of a client.
#[derive(Debug)]
pub(crate) struct Access {
    token: Mutex<Token>,
    grant: Option<Arc<Grant>>,
    /// A request with such a token has been answered.
    accepted: AtomicBool,
}

impl Access {
    pub(crate) fn new(connection: &Connection) -> Self {
        let grant = connection.renewal.as_ref().map(|renewal| shared(connection, renewal));
        Self { token: Mutex::new(connection.token.clone()), grant, accepted: AtomicBool::new(false) }
    }

    /// What requests carry now.
    pub(crate) fn token(&self) -> Token {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn accepted(&self) {
        self.accepted.store(true, Ordering::Relaxed);
    }

    /// A token that was good until now is so no more.
    pub(crate) fn has_ended(&self, failure: &Failure) -> bool {
        is_refusal(failure) && self.accepted.load(Ordering::Relaxed)
    }

    /// There is something to renew the token with, and the failure is that of a token.
    pub(crate) fn is_renewable(&self, failure: &Failure) -> bool {
        self.grant.is_some() && is_refusal(failure)
    }

    /// Takes another token than the one that was refused: the one that somebody else got meanwhile, or a new one.
    pub(crate) async fn renew(&self, refused: &Token, http: reqwest::Client) -> Result<(), Failure> {
        let Some(grant) = self.grant.clone() else { return Ok(()) };
        let refused = refused.clone();
        // A task of its own: whoever drops the read in between would lose the only valid refresh token with it.
        let renewing = tokio::spawn(async move { grant.other_than(&refused, &http).await });
        let token = renewing
            .await
            .map_err(|_| Failure::NotRenewed { why: "the process is about to end".to_owned(), is_final: false })??;
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = token;
        Ok(())
    }
}

/// Airtable itself says that it does not take the token. Where something on the way may say so, no refresh token is spent.
fn is_refusal(failure: &Failure) -> bool {
    matches!(failure, Failure::Status { status: 401, reason: Reason::Told, .. })
}

fn shared(connection: &Connection, renewal: &Renewal) -> Arc<Grant> {
    let endpoint = endpoint(connection);
    let mut grants = GRANTS.lock().unwrap_or_else(PoisonError::into_inner);
    // Another client or secret is another grant: what is wrong with one is not wrong with the other.
    let known = grants.iter().find(|grant| grant.endpoint == endpoint && grant.given == *renewal);
    if let Some(known) = known {
        return known.clone();
    }
    let state = State { access: None, refresh: renewal.refresh_token.clone(), lost: None };
    let grant = Arc::new(Grant {
        proxy: Proxy::of(endpoint.as_str()).filter(|_| !connection.is_loopback()),
        endpoint,
        given: renewal.clone(),
        timeout: connection.timeout,
        state: tokio::sync::Mutex::new(state),
    });
    grants.push(grant.clone());
    grant
}

/// Airtable's own, or that of the mock that the API is read from. A proxy before the API is no place for secrets.
fn endpoint(connection: &Connection) -> Url {
    let airtable = || Url::parse(AIRTABLE).expect("a constant that is an address");
    if !connection.is_loopback() {
        return airtable();
    }
    connection.base_url.join("/oauth2/v1/token").unwrap_or_else(|_| airtable())
}

/// What a person has consented to, as this process knows it.
#[derive(Debug)]
struct Grant {
    endpoint: Url,
    /// The one that requests to it go by.
    proxy: Option<Proxy>,
    given: Renewal,
    timeout: Duration,
    state: tokio::sync::Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The newest access token; none before the first renewal.
    access: Option<Token>,
    /// The only valid refresh token.
    refresh: Token,
    /// Why there is no valid one any more: Airtable is not asked again.
    lost: Option<Failure>,
}

/// The part of an answer that matters.
#[derive(Deserialize)]
struct Pair {
    access_token: String,
    refresh_token: String,
}

/// A refusal in the form of RFC 6749.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Refusal {
    error: String,
}

impl Grant {
    /// An access token that is not the one that was refused. One asks, and the others wait for what it gets.
    async fn other_than(&self, refused: &Token, http: &reqwest::Client) -> Result<Token, Failure> {
        let mut state = self.state.lock().await;
        if let Some(token) = state.access.as_ref().filter(|token| *token != refused) {
            return Ok(token.clone());
        }
        if let Some(lost) = &state.lost {
            return Err(lost.clone());
        }
        let is_first = state.access.is_none();
        match self.ask(&state.refresh, http).await {
            Ok((access, refresh)) => {
                (state.access, state.refresh) = (Some(access.clone()), refresh);
                if is_first {
                    log::warn!(
                        "the OAuth access token had expired and was renewed: with that the refresh_token that was given \
                         is used up, and its successor is known to this process alone: authorise the integration \
                         again before another process needs one"
                    );
                } else {
                    log::info!("the OAuth access token had expired and was renewed");
                }
                Ok(access)
            }
            Err(failure) => {
                if matches!(failure, Failure::NotRenewed { is_final: true, .. }) {
                    state.lost = Some(failure.clone());
                }
                Err(failure)
            }
        }
    }

    /// A new pair for a refresh token.
    async fn ask(&self, refresh: &Token, http: &reqwest::Client) -> Result<(Token, Token), Failure> {
        let retry = Retry { max_retries: MAX_RETRIES, ..Retry::default() };
        let (mut retries, mut may_be_spent) = (0, false);
        loop {
            let failure = match tokio::time::timeout(self.timeout, self.attempt(refresh, http)).await {
                Ok(Ok(pair)) => return Ok(pair),
                Ok(Err(failure)) => failure,
                Err(_) => Failure::Timeout { limit: self.timeout },
            };
            // The request may have arrived, and its answer been lost.
            may_be_spent |= !matches!(failure, Failure::Status { .. } | Failure::Connect { .. });
            let Some(delay) = retry.delay(&failure, retries, fastrand::f64()) else {
                return Err(self.explained(&failure, may_be_spent));
            };
            retries += 1;
            log::warn!("{}: {}: retry {retries} of {MAX_RETRIES}", self.name(), failure.in_short());
            tokio::time::sleep(delay).await;
        }
    }

    async fn attempt(&self, refresh: &Token, http: &reqwest::Client) -> Result<(Token, Token), Failure> {
        let Renewal { client_id, client_secret, .. } = &self.given;
        let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", refresh.reveal())];
        let mut request = http
            .request(Method::POST, self.endpoint.clone())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        match client_secret {
            Some(secret) => request = request.basic_auth(client_id, Some(secret.reveal())),
            None => form.push(("client_id", client_id)),
        }
        let broken = |error: &reqwest::Error| broken(error, self.proxy.as_ref());
        let response = request.body(encoded(&form)).send().await.map_err(|error| broken(&error))?;
        let status = response.status();
        let body = whole(response, LARGEST_ANSWER_BYTES, broken).await?;
        if !status.is_success() {
            let kind = json::from_body::<Refusal>(&body).unwrap_or_default().error;
            // In the place of the message that people know: what a server says may repeat what it was sent.
            let reason = if kind.is_empty() { Reason::Unsigned } else { Reason::Told };
            let kind = line(&kind).chars().take(40).collect();
            return Err(Failure::Status {
                status: status.as_u16(),
                kind,
                message: String::new(),
                retry_after: None,
                reason,
            });
        }
        let pair: Option<Pair> = json::from_body(&body).ok();
        let pair = pair.and_then(|pair| Token::new(&pair.access_token).zip(Token::new(&pair.refresh_token)));
        pair.ok_or_else(|| Failure::NotJson { start: String::new() })
    }

    fn name(&self) -> String {
        format!("POST {}", self.endpoint)
    }

    fn explained(&self, failure: &Failure, may_be_spent: bool) -> Failure {
        let (is_final, what_to_do) = match failure {
            Failure::Status { kind, .. } if kind == "invalid_grant" && may_be_spent => (
                true,
                "the answer to an earlier attempt was lost, and with it the refresh token that Airtable gave: authorise \
                 the integration again, and store its new tokens",
            ),
            Failure::Status { kind, .. } if kind == "invalid_grant" => (
                true,
                "the refresh token has been used, by another process or an earlier run, or is older than 60 days, or \
                 was revoked: it serves once, and only who used it has the next: authorise the integration again, and \
                 store its new tokens",
            ),
            Failure::Status { kind, .. } if kind == "invalid_client" => {
                (true, "Airtable knows no such client: check client_id and client_secret")
            }
            Failure::Status { status: 400..=499, .. } => {
                (false, "Airtable refuses to renew it: check refresh_token, client_id and client_secret")
            }
            _ => (
                false,
                "no new token came back: check the network's way to airtable.com, and start again; where that says \
                 invalid_grant, authorise the integration again",
            ),
        };
        Failure::NotRenewed { why: format!("{}: {}: {what_to_do}", self.name(), failure.in_short()), is_final }
    }
}

fn broken(error: &reqwest::Error, proxy: Option<&Proxy>) -> Failure {
    let cause = innermost(error);
    if error.is_connect() {
        return Failure::Connect { cause, proxy: proxy.cloned(), reached_before: true };
    }
    Failure::Broken { cause }
}

/// As forms are sent.
fn encoded(form: &[(&str, &str)]) -> String {
    let mut url = Url::parse("https://form").expect("a constant that is an address");
    url.query_pairs_mut().extend_pairs(form);
    url.query().unwrap_or_default().to_owned()
}
