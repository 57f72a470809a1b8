//! One remote's way to its upstream: credentials, TLS, proxy, timeouts, retries and
//! rates.

use std::sync::Arc;
use std::time::Duration;

use pith_db::remote;
use pith_model::login::Login;
use pith_model::remote::Secrets;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Certificate, Identity, Proxy, StatusCode};
use serde_json::Value;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use url::{Origin, Url};

use super::address::{AddressPolicy, Resolver};
use super::authorization::Authorization;
use super::body::{Body, Check};
use super::failure::Failure;
use super::login;
use super::without_credentials;
use crate::Services;
use crate::error::{Error, Result};

/// As many at once as Pulp opens by default.
const DEFAULT_CONCURRENCY: i64 = 10;

/// Attempts beyond the first.
const DEFAULT_RETRIES: i64 = 3;

/// Silence after which an upstream is given up.
const DEFAULT_READ_TIMEOUT: Duration = Duration::from_mins(1);

/// Longer than any healthy handshake.
const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// What browsers and curl allow, more or less; a loop is found soon.
const MAX_REDIRECTS: usize = 10;

/// Longest pause that an upstream can ask for.
const MAX_PAUSE: Duration = Duration::from_mins(1);

/// What to fetch.
#[derive(Clone, Debug)]
pub struct Request {
    /// Absolute.
    pub url: Url,
    /// `{"etag": …, "last_modified": …}` of an earlier answer.
    pub validators: Option<Value>,
    /// The largest body to accept, in bytes.
    pub max_size: u64,
    /// The body must have this digest.
    pub digest: Option<pith_storage::Digest>,
    /// The body must have this size.
    pub size: Option<u64>,
    /// Begin here; the answer must be a 206.
    pub offset: Option<u64>,
    /// A document that a plugin reads while content is fetched. It has places of its own:
    /// a plugin that waits for the pipeline must not keep the pipeline waiting.
    pub index: bool,
}

impl Request {
    /// Any body of up to `max_size` bytes.
    pub fn get(url: Url, max_size: u64) -> Self {
        Self {
            url,
            validators: None,
            max_size,
            digest: None,
            size: None,
            offset: None,
            index: false,
        }
    }
}

/// What fetches for one remote; cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    /// For other hosts than the remote's own: without its headers and certificate.
    elsewhere: reqwest::Client,
    base: Arc<Url>,
    authorization: Authorization,
    addresses: AddressPolicy,
    retries: u32,
    places: Arc<Semaphore>,
    index_places: Arc<Semaphore>,
    concurrency: usize,
    rate: Option<Arc<Rate>>,
}

impl Client {
    /// Reads a remote's settings.
    pub fn new(services: &Services, row: &remote::Remote) -> Result<Self> {
        let login = services.types.login(&row.plugin, &row.type_name);
        Self::build(services, login.as_deref(), &row.settings)
    }

    /// The same without a remote.
    pub fn with_settings(services: &Services, settings: &remote::Settings) -> Result<Self> {
        Self::build(services, None, settings)
    }

    fn build(
        services: &Services,
        login: Option<&Login>,
        settings: &remote::Settings,
    ) -> Result<Self> {
        let secrets = match &settings.secrets {
            Some(sealed) => services.seal.open_secrets(sealed)?,
            None => Secrets::default(),
        };
        let base = match login {
            Some(login) => login::base(login, settings)?,
            None => super::parse_address(&settings.url)?,
        };
        // The key of a session is nobody else's business, wherever a redirect may lead.
        let reach = login.map_or(Reach::Own, |_| Reach::Only(&base));
        let http = build(settings, &secrets, services.addresses, reach)?;
        let has_own = !settings.headers.is_null() || secrets.client_key.is_some();
        let elsewhere = if has_own {
            build(settings, &secrets, services.addresses, Reach::Elsewhere)?
        } else {
            http.clone()
        };
        let count = settings.download_concurrency.unwrap_or(DEFAULT_CONCURRENCY);
        let concurrency = usize::try_from(count.clamp(1, 200)).unwrap_or(1);
        Ok(Self {
            http,
            authorization: Authorization::new(
                &base,
                login,
                settings,
                &secrets,
                services.addresses,
            )?,
            elsewhere,
            base: Arc::new(base),
            addresses: services.addresses,
            retries: u32::try_from(settings.max_retries.unwrap_or(DEFAULT_RETRIES).clamp(0, 20))
                .unwrap_or(0),
            places: Arc::new(Semaphore::new(concurrency)),
            index_places: Arc::new(Semaphore::new(concurrency)),
            concurrency,
            rate: settings
                .rate_limit
                .and_then(|limit| u32::try_from(limit).ok())
                .filter(|limit| *limit > 0)
                .map(|limit| Arc::new(Rate::new(limit))),
        })
    }

    /// Where the remote's files are.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// How many requests may run at once.
    pub fn concurrency(&self) -> usize {
        self.concurrency
    }

    /// How often to try again.
    pub fn retries(&self) -> u32 {
        self.retries
    }

    /// Opens a body; tries again where that may help.
    pub async fn open(&self, request: Request) -> Result<Body> {
        let mut attempt = 0;
        loop {
            match self.attempt(&request).await {
                Ok(body) => return Ok(body),
                Err(failure) if failure.transient && attempt < self.retries => {
                    self.pause(attempt, failure.after).await;
                    attempt += 1;
                }
                Err(failure) if attempt > 0 => {
                    let mut error = failure.error;
                    error.message =
                        format!("{} (tried {} times)", error.message, attempt + 1).into();
                    return Err(error);
                }
                Err(failure) => return Err(failure.error),
            }
        }
    }

    /// Waits before another attempt: 0.2 s, 0.4 s, 0.8 s… or as the upstream asks.
    pub async fn pause(&self, attempt: u32, after: Option<Duration>) {
        let pause = Duration::from_millis(200).saturating_mul(1 << attempt.min(8));
        tokio::time::sleep(after.unwrap_or(pause).min(MAX_PAUSE)).await;
    }

    async fn attempt(&self, request: &Request) -> std::result::Result<Body, Failure> {
        self.addresses
            .check(&request.url)
            .map_err(Failure::final_)?;
        let place = self.place(request.index).await.map_err(Failure::final_)?;
        if let Some(rate) = &self.rate {
            rate.wait().await;
        }
        let mut url = request.url.clone();
        let _ = url.set_username("");
        let _ = url.set_password(None);
        // What the remote is known by is for its own host only.
        let is_own = url.origin() == self.base.origin();
        let mut builder = if is_own { &self.http } else { &self.elsewhere }.get(url);
        if is_own && let Some((name, value)) = self.authorization.header().await? {
            builder = builder.header(name, value);
        }
        if let Some(offset) = request.offset {
            builder = builder.header("range", format!("bytes={offset}-"));
        }
        if let Some(validators) = &request.validators {
            if let Some(etag) = validators["etag"].as_str() {
                builder = builder.header(IF_NONE_MATCH, etag);
            }
            if let Some(date) = validators["last_modified"].as_str() {
                builder = builder.header(IF_MODIFIED_SINCE, date);
            }
        }
        let response = builder
            .send()
            .await
            .map_err(|error| Failure::transport("GET", &request.url, &error))?;
        let status = response.status();
        let unchanged = status == StatusCode::NOT_MODIFIED && request.validators.is_some();
        let wanted = match request.offset {
            Some(_) => StatusCode::PARTIAL_CONTENT,
            None => StatusCode::OK,
        };
        if status != wanted && !unchanged {
            let headers = response.headers();
            let mut failure = Failure::status("GET", &request.url, status, headers, request.index);
            // A token that ran out is worth another one.
            if status == StatusCode::UNAUTHORIZED && is_own {
                failure.transient = self.authorization.forget().await;
            }
            return Err(failure);
        }
        let check = Check {
            url: without_credentials(&request.url),
            max_size: request.max_size,
            size: request.size,
            digest: request.digest.clone(),
        };
        Body::new(response, unchanged, check, place).map_err(Failure::final_)
    }

    async fn place(&self, index: bool) -> Result<OwnedSemaphorePermit> {
        let places = if index {
            &self.index_places
        } else {
            &self.places
        };
        Arc::clone(places)
            .acquire_owned()
            .await
            .map_err(|_| Error::cancelled("the client was closed"))
    }
}

/// Whom a client asks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reach<'a> {
    /// The remote's host, and others that it redirects to.
    Own,
    /// The host of this address, which alone learns what the remote is known by.
    Only(&'a Url),
    /// Others, without what the remote is known by.
    Elsewhere,
}

pub(super) fn build(
    settings: &remote::Settings,
    secrets: &Secrets,
    addresses: AddressPolicy,
    reach: Reach<'_>,
) -> Result<reqwest::Client> {
    let is_own = !matches!(reach, Reach::Elsewhere);
    let only = match reach {
        Reach::Only(url) => Some(url.origin()),
        Reach::Own | Reach::Elsewhere => None,
    };
    let seconds = |value: Option<f64>| {
        value
            .filter(|value| *value > 0.0)
            .and_then(|value| Duration::try_from_secs_f64(value).ok())
    };
    let connect = seconds(settings.sock_connect_timeout).or(seconds(settings.connect_timeout));
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("pith/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(connect.unwrap_or(DEFAULT_CONNECT_TIMEOUT))
        .read_timeout(seconds(settings.sock_read_timeout).unwrap_or(DEFAULT_READ_TIMEOUT))
        .redirect(redirects(addresses, only))
        .dns_resolver(Resolver(addresses))
        .tcp_nodelay(true)
        .no_proxy()
        .tls_backend_rustls();
    if is_own {
        builder = builder.default_headers(headers(&settings.headers)?);
    }
    if let Some(total) = seconds(settings.total_timeout) {
        builder = builder.timeout(total);
    }
    if !settings.tls_validation {
        builder = builder.danger_accept_invalid_certs(true);
    }
    if let Some(pem) = &settings.ca_cert {
        let certificates = Certificate::from_pem_bundle(pem.as_bytes())
            .map_err(|_| Error::invalid("the remote's ca_cert is not a PEM certificate"))?;
        builder = builder.tls_certs_merge(certificates);
    }
    if let (Some(certificate), Some(key), true) =
        (&settings.client_cert, &secrets.client_key, is_own)
    {
        let identity =
            Identity::from_pem(format!("{certificate}\n{key}").as_bytes()).map_err(|_| {
                Error::invalid("the remote's client_cert and client_key are no PEM pair")
            })?;
        builder = builder.identity(identity);
    }
    if let Some(url) = &settings.proxy_url {
        let mut proxy = Proxy::all(url)
            .map_err(|_| Error::invalid("the remote's proxy_url is not the URL of a proxy"))?;
        if let Some(username) = &secrets.proxy_username {
            let password = secrets.proxy_password.as_deref().unwrap_or_default();
            proxy = proxy.basic_auth(username, password);
        }
        builder = builder.proxy(proxy);
    }
    builder.build().map_err(|error| {
        tracing::warn!(%error, "a remote's settings make no client: {error}");
        Error::invalid("the remote's TLS or proxy settings cannot be used")
    })
}

fn headers(list: &Value) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in list
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .flatten()
    {
        let wrong = || Error::invalid(format!("the remote's header {name:?} cannot be sent"));
        let mut value =
            HeaderValue::try_from(value.as_str().unwrap_or_default()).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.insert(
            HeaderName::try_from(name.as_str()).map_err(|_| wrong())?,
            value,
        );
    }
    Ok(headers)
}

/// Follows redirects, under the same policy about addresses as the first request, and where
/// there is only one host to ask, to no other.
fn redirects(addresses: AddressPolicy, only: Option<Origin>) -> Policy {
    Policy::custom(move |attempt: Attempt<'_>| {
        if attempt.previous().len() > MAX_REDIRECTS {
            return attempt.error(format!("redirected more than {MAX_REDIRECTS} times"));
        }
        if !matches!(attempt.url().scheme(), "http" | "https") {
            let scheme = attempt.url().scheme().to_owned();
            return attempt.error(format!("redirected to a {scheme} URL"));
        }
        if only
            .as_ref()
            .is_some_and(|only| *only != attempt.url().origin())
        {
            return attempt.error("redirected to another host, which must not be told the session");
        }
        match addresses.check(attempt.url()) {
            Ok(()) => attempt.follow(),
            Err(error) => attempt.error(format!("redirected to where it may not: {error}")),
        }
    })
}

/// Spaces requests evenly.
#[derive(Debug)]
struct Rate {
    interval: Duration,
    next: Mutex<Instant>,
}

impl Rate {
    fn new(per_second: u32) -> Self {
        Self {
            interval: Duration::from_secs(1) / per_second,
            next: Mutex::new(Instant::now()),
        }
    }

    async fn wait(&self) {
        let turn = {
            let mut next = self.next.lock().await;
            let turn = (*next).max(Instant::now());
            *next = turn + self.interval;
            turn
        };
        tokio::time::sleep_until(turn).await;
    }
}
