//! Asks and hands on answers. One [`Client`] is one token and one address; every request of it is paced, retried and
//! bounded in time and size.
//!
//! A body is handed on whole, as bytes: what it means is for [`crate::airtable::schema`] and [`crate::decode`]. No redirect is
//! followed, so that the token reaches no other host.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{StatusCode, Url};
use serde::de::DeserializeOwned;

use crate::airtable::body::{innermost, text_of, whole};
use crate::airtable::budget::{Budget, BudgetState};
use crate::airtable::calls::Calls;
use crate::airtable::clock::ServiceClock;
use crate::airtable::departure::{self, BaseBudget, Departure, TOLD_WAIT};
use crate::airtable::failure::{Failure, Purpose, Reason, from_ended, from_failure};
use crate::airtable::file_host::FileHost;
use crate::airtable::lanes::Lanes;
use crate::airtable::lock_file::{self, CALLS, Held};
use crate::airtable::oauth::Access;
use crate::airtable::request::Request;
use crate::airtable::retry::Retry;
use crate::airtable::tally::Tally;
use crate::error::{Error, Result, line};
use crate::json;
use crate::options::Connection;
use crate::time::Seconds;

/// One page is at most 100 records, but a record's texts are only bounded by 100,000 characters a cell. Beyond this a
/// smaller page is asked for, rather than memory that a Spark worker does not have.
const LARGEST_ANSWER_BYTES: usize = 128 << 20;

/// A new connection waits for its request's turn no longer than this: something may close it meanwhile.
const WAITING_CONNECTION: Duration = Duration::from_secs(2);

/// An answer, and what it took to get it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) body: Vec<u8>,
    /// From the request, the one that was answered, to the end of the answer.
    pub(crate) took: Duration,
}

/// Talks to Airtable.
#[derive(Debug)]
pub(crate) struct Client {
    lanes: Lanes,
    connection: Connection,
    access: Access,
    retry: Retry,
    largest_answer_bytes: usize,
    budgets: Mutex<HashMap<String, Arc<BaseBudget>>>,
    token_budget: Arc<Budget>,
    file_host: OnceLock<Arc<FileHost>>,
    reached: AtomicBool,
    clock: ServiceClock,
}

impl Client {
    /// Makes the connection pool; no request.
    ///
    /// # Errors
    /// [`Error::Transport`] where the machine has no certificates to check servers by.
    pub(crate) fn new(connection: Connection) -> Result<Self> {
        let lanes = Lanes::new(&connection).map_err(|error| no_tls(&error))?;
        let retry = Retry { max_retries: connection.max_retries, ..Retry::default() };
        let host = &connection.base_url[..];
        let token_budget = Arc::new(Budget::of_token(host, &connection.token, connection.requests_per_second));
        Ok(Self {
            lanes,
            access: Access::new(&connection),
            connection,
            retry,
            largest_answer_bytes: LARGEST_ANSWER_BYTES,
            budgets: Mutex::default(),
            token_budget,
            file_host: OnceLock::new(),
            reached: AtomicBool::new(false),
            clock: ServiceClock::default(),
        })
    }

    /// What files of attachments are fetched by. All reads of this client share its bound.
    ///
    /// # Errors
    /// [`Error::Transport`] where the machine has no certificates to check servers by.
    pub(crate) fn file_host(&self) -> Result<Arc<FileHost>> {
        if let Some(host) = self.file_host.get() {
            return Ok(host.clone());
        }
        let host = Arc::new(FileHost::new(&self.connection).map_err(|error| no_tls(&error))?);
        Ok(self.file_host.get_or_init(|| host).clone())
    }

    /// Sends a request until it is answered or given up, and reads the answer as JSON.
    pub(crate) async fn json<T: DeserializeOwned>(&self, request: &Request) -> Result<T> {
        self.try_json(request).await?.map_err(|failure| self.error(request, &failure))
    }

    /// The same for a read, whose tally counts what it takes.
    pub(crate) async fn counted_json<T: DeserializeOwned>(&self, request: &Request, tally: &Arc<Tally>) -> Result<T> {
        match self.answer(request, tally).await {
            Ok(answer) => json::from_body(&answer.body).map_err(|error| self.undocumented(request, &error)),
            Err(failure) => Err(self.error(request, &failure)),
        }
    }

    /// The same, for who knows what a refusal means.
    pub(crate) async fn try_json<T: DeserializeOwned>(&self, request: &Request) -> Result<Result<T, Failure>> {
        match self.answer(request, &Tally::unread()).await {
            Ok(answer) => json::from_body(&answer.body).map(Ok).map_err(|error| self.undocumented(request, &error)),
            Err(failure) => Ok(Err(failure)),
        }
    }

    /// The same, for who reads the answer's text by other means, and only a part of it. The tally counts what it takes.
    pub(crate) async fn try_text<T>(
        &self,
        request: &Request,
        tally: &Arc<Tally>,
        read: impl FnOnce(&str) -> serde_json::Result<T>,
    ) -> Result<Result<T, Failure>> {
        match self.answer(request, tally).await {
            Ok(answer) => read(&json::text(&answer.body)).map(Ok).map_err(|error| self.undocumented(request, &error)),
            Err(failure) => Ok(Err(failure)),
        }
    }

    fn undocumented(&self, request: &Request, error: &serde_json::Error) -> Error {
        let error = self.hidden(&error.to_string());
        Error::Data(format!("{}: 200 with JSON of an undocumented form: {}", self.name(request), line(&error)).into())
            .of_answer(200, "")
            .of_request(self.name(request))
    }

    /// Sends a request until it is answered or given up; one that makes something is sent again only where it was refused
    /// unread. Every wait ends when the future is dropped. The tally counts what it takes.
    pub(crate) async fn answer(&self, request: &Request, tally: &Arc<Tally>) -> Result<Answer, Failure> {
        let base = self.base(request.base_id.as_deref());
        let (mut retries, mut renewals) = (0, 0);
        loop {
            let token = self.access.token();
            let failure = match self.turn(request, &base, tally).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            // The second time where the one that somebody else had got has expired, too.
            if renewals < 2 && self.access.is_renewable(&failure) {
                renewals += 1;
                let http = self.lanes.take().map_err(|error| self.failure(&error))?.http.clone();
                self.access.renew(&token, http).await?;
                continue;
            }
            let delay = self.retry.delay(&failure, retries, fastrand::f64());
            let delay = delay.filter(|_| failure.is_rate_limit() || request.purpose != Purpose::NewWebhook);
            if failure.is_rate_limit() {
                tally.penalised();
                base.budget.block(delay.unwrap_or(self.retry.penalty));
            }
            let Some(delay) = delay else { return Err(failure) };
            retries += 1;
            tally.retried();
            log::warn!(
                "{}: {}: retry {retries} of {} in {:.1} s",
                self.name(request),
                failure.in_short(),
                self.retry.most(&failure),
                delay.as_secs_f64()
            );
            // The budget is shut for as long, and the next slot is waited for above.
            if !failure.is_rate_limit() {
                tokio::time::sleep(delay).await;
            }
        }
    }

    /// How many requests a second the budget of a base allows.
    pub(crate) fn requests_per_second(&self) -> f64 {
        self.connection.requests_per_second
    }

    /// The budget of a base as it is now.
    pub(crate) fn budget_state(&self, base_id: &str) -> BudgetState {
        let rate = self.connection.requests_per_second;
        Budget::of_base(&self.connection.base_url[..], base_id, rate).state()
    }

    /// Sends a request once, when it is its turn. Where the connection has to be opened first, it waits for its turn then.
    async fn turn(&self, request: &Request, base: &Arc<BaseBudget>, tally: &Arc<Tally>) -> Result<Answer, Failure> {
        let lane = self.lanes.take().map_err(|error| self.failure(&error))?;
        let is_encrypted = self.lanes.is_encrypted();
        let departure = Arc::new(Departure::new(base.clone(), self.token_budget.clone(), is_encrypted, tally.clone()));
        if !lane.is_new || base.budget.outlook() > WAITING_CONNECTION {
            departure.wait().await;
        }
        let sending = self.within_time(&departure, self.attempt(request, &lane.http, &departure));
        let body = departure::scope(departure.clone(), sending).await;
        base.calls.over();
        let body = body?;
        tally.answered(body.len());
        let took = departure.at().map_or(Duration::ZERO, |at| at.elapsed());
        Ok(Answer { body, took })
    }

    /// The time limit counts from when the request is sent.
    async fn within_time<T>(
        &self,
        departure: &Departure,
        sending: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let limit = self.connection.timeout;
        let mut sending = std::pin::pin!(sending);
        loop {
            let left = departure.at().map_or(limit, |at| limit.saturating_sub(at.elapsed()));
            if left.is_zero() {
                return Err(Failure::Timeout { limit });
            }
            if let Ok(result) = tokio::time::timeout(left, &mut sending).await {
                return result;
            }
        }
    }

    /// The error for a request that failed for good.
    pub(crate) fn error(&self, request: &Request, failure: &Failure) -> Error {
        let asked = self.name(request);
        let error = if self.access.has_ended(failure) {
            from_ended(&asked, failure, self.connection.token.is_personal())
        } else {
            from_failure(&asked, request.purpose, failure)
        };
        self.scrub(error)
    }

    /// The same error without the token, which a server may have said back, or somebody have written into a cell.
    pub(crate) fn scrub(&self, error: Error) -> Error {
        error.map_words(|word| self.hidden(word))
    }

    fn hidden(&self, text: &str) -> String {
        self.access.token().scrub(&self.connection.token.scrub(text))
    }

    /// Method and address without query: what messages call the request.
    pub(crate) fn name(&self, request: &Request) -> String {
        let mut url = self.url(request);
        url.set_query(None);
        format!("{} {url}", request.method)
    }

    /// Whether the address with its query has so many characters at most. Mostly that is so without a look: encoded, a byte
    /// takes three characters.
    pub(crate) fn is_within(&self, request: &Request, most: usize) -> bool {
        let path: usize = request.path.iter().map(|part| part.len() + 1).sum();
        let query: usize = request.query.iter().map(|(key, value)| key.len() + value.len() + 2).sum();
        let bound = self.connection.base_url.as_str().len() + "/v0".len() + 3 * (path + query);
        bound <= most || self.url(request).as_str().len() <= most
    }

    fn url(&self, request: &Request) -> Url {
        let mut url = self.connection.base_url.clone();
        url.path_segments_mut()
            .expect("base_url is http or https, so it has a path")
            .pop_if_empty()
            .push("v0")
            .extend(&request.path);
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        url
    }

    /// The calls to a base.
    pub(crate) fn calls(&self, base_id: &str) -> Arc<Calls> {
        self.base(Some(base_id)).calls.clone()
    }

    /// How many requests this client has sent, to all bases.
    pub(crate) fn requests(&self) -> u64 {
        let budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        budgets.values().map(|base| base.calls.count()).sum()
    }

    /// Where processes of the machine that have this token keep what they share of a base. The number is that of the
    /// file's form.
    pub(crate) fn shared_path(&self, form: u8, base_id: &str, what: &str) -> PathBuf {
        let (host, token) = (&self.connection.base_url[..], self.connection.token.fingerprint());
        lock_file::path(&format!("{form}-{host}-{base_id}-{token:016x}.{what}"))
    }

    fn base(&self, base_id: Option<&str>) -> Arc<BaseBudget> {
        let base = base_id.unwrap_or("meta");
        let host = &self.connection.base_url[..];
        let rate = self.connection.requests_per_second;
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(budget) = budgets.get(base) {
            return budget.clone();
        }
        let name = base_id.map_or_else(|| "requests without a base".into(), |id| format!("base {id}"));
        // Requests that belong to no base are few.
        let place = self.connection.budget_location.as_deref().filter(|_| base_id.is_some());
        let budget = Budget::of_base(host, base, rate).shared_at(place);
        let counted = base_id.map(|id| lock_file::path(&format!("1-{host}-{id}.{CALLS}")));
        let calls = Arc::new(Calls::new(counted, name.clone(), self.connection.airtable_plan));
        let budget = BaseBudget { name, budget, calls, queue: tokio::sync::Mutex::default() };
        budgets.entry(base.to_owned()).or_insert(Arc::new(budget)).clone()
    }

    async fn attempt(
        &self,
        request: &Request,
        http: &reqwest::Client,
        departure: &Departure,
    ) -> Result<Vec<u8>, Failure> {
        let mut builder = http
            .request(request.method.clone(), self.url(request))
            .header(AUTHORIZATION, self.access.token().header())
            .header(ACCEPT, "application/json");
        if let Some(body) = &request.body {
            builder = builder.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        let response = departure.follow(builder.send()).await.map_err(|error| {
            if error.is_connect() {
                departure.not_sent();
            }
            self.failure(&error)
        })?;
        departure.arrived();
        self.reached.store(true, Ordering::Relaxed);
        let (status, headers) = (response.status(), response.headers().clone());
        let date = text_of(&headers, DATE);
        if status.is_success() {
            self.clock.take(date);
            self.access.accepted();
        }
        let body = whole(response, self.largest_answer_bytes, |error| self.failure(error)).await;
        log::debug!(
            "{}: {status} in {:.3} s, {}, at {}",
            self.name(request),
            departure.at().map_or(Duration::ZERO, |at| at.elapsed()).as_secs_f64(),
            body.as_ref().map_or_else(Failure::in_short, |body| format!("{} bytes", body.len())),
            date.unwrap_or("no date")
        );
        if status.is_success() { self.whole_object(body?) } else { Err(self.refused(status, &headers, body)) }
    }

    /// The service's time now, in whole seconds, as its last answer told it; none where none has.
    pub(crate) fn now(&self) -> Option<Seconds> {
        self.clock.now()
    }

    /// Waits until the service's time is the one given, but no longer than `most`: its clock may have been put back.
    pub(crate) async fn wait_until(&self, time: Seconds, most: Duration) {
        let wait =
            self.now().and_then(|now| u64::try_from(time - now).ok()).map_or(Duration::ZERO, Duration::from_secs);
        if !wait.is_zero() {
            let wait = wait.min(most);
            log::info!("waiting {} s, until the newest changes are seen everywhere", wait.as_secs());
            tokio::time::sleep(wait).await;
        }
    }

    /// Waits between two questions.
    pub(crate) async fn pause(&self, wait: Duration) {
        tokio::time::sleep(wait).await;
    }

    /// Waits until no other process of this machine is about the same thing of a base; holds it up until dropped. None
    /// where that cannot be agreed on, or takes longer than anybody should need.
    pub(crate) async fn alone(&self, base_id: &str, about: &str) -> Option<Held> {
        self.alone_within(base_id, about, self.connection.timeout).await
    }

    /// The same for who goes on without it after some time.
    pub(crate) async fn alone_within(&self, base_id: &str, about: &str, most: Duration) -> Option<Held> {
        let host = &self.connection.base_url[..];
        let path = lock_file::path(&format!("1-{host}-{base_id}.{about}"));
        let began = Instant::now();
        let mut is_told = false;
        while began.elapsed() < most {
            if !is_told && began.elapsed() > TOLD_WAIT {
                is_told = true;
                log::warn!("base {base_id}: another process of this machine is about its {about}: waiting for it");
            }
            match lock_file::try_lock(&path) {
                Ok(Some(held)) => return Some(held),
                Ok(None) => tokio::time::sleep(Duration::from_millis(50)).await,
                Err(error) => {
                    log::warn!("{}: {error}: other processes are not waited for", path.display());
                    return None;
                }
            }
        }
        None
    }

    fn refused(&self, status: StatusCode, headers: &HeaderMap, body: Result<Vec<u8>, Failure>) -> Failure {
        let location = text_of(headers, LOCATION).filter(|_| status.is_redirection());
        let (body, read) = match body {
            Ok(body) => (body, None),
            // More than any refusal of Airtable's has to say: the status is enough.
            Err(Failure::TooLarge { .. }) => (Vec::new(), Some(Reason::Told)),
            Err(_) => (Vec::new(), Some(Reason::Lost).filter(|_| !status.is_redirection())),
        };
        // Before anything is cut out of it: half a token would no longer be found.
        let body = self.hidden(&String::from_utf8_lossy(&body));
        let mut failure = Failure::from_answer(status.as_u16(), body.as_bytes(), text_of(headers, RETRY_AFTER));
        if let (Failure::Status { reason, .. }, Some(read)) = (&mut failure, read) {
            *reason = read;
        }
        if let (Failure::Status { message, .. }, Some(location)) = (&mut failure, location) {
            let host = Url::parse(location).ok().and_then(|url| url.host_str().map(str::to_owned));
            *message = format!("redirect to {}", host.as_deref().unwrap_or("another path"));
        }
        failure
    }

    /// An object from brace to brace. Whether what is between them is JSON the decoder finds out; this tells a proxy's page
    /// and an answer cut short, which are worth another try.
    fn whole_object(&self, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let text = body.trim_ascii();
        if text.starts_with(b"{") && text.ends_with(b"}") {
            return Ok(body);
        }
        let text = self.hidden(&String::from_utf8_lossy(text));
        let start: String = text.chars().take(40).collect();
        Err(Failure::NotJson { start: line(&start) })
    }

    fn failure(&self, error: &reqwest::Error) -> Failure {
        let cause = innermost(error);
        if error.is_connect() {
            let proxy = self.lanes.proxy().cloned();
            return Failure::Connect { cause, proxy, reached_before: self.reached.load(Ordering::Relaxed) };
        }
        if error.is_timeout() {
            return Failure::Timeout { limit: self.connection.timeout };
        }
        Failure::Broken { cause }
    }
}

fn no_tls(error: &reqwest::Error) -> Error {
    Error::Transport(
        format!(
            "cannot prepare TLS: {}: install the system's CA certificates, or set SSL_CERT_FILE to a file of them",
            innermost(error)
        )
        .into(),
    )
}

#[cfg(test)]
mod tests;
