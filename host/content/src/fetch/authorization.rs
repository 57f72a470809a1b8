//! How a remote says who it is: by name and password, by a token, by one that a token is
//! exchanged for, as Automation Hub wants it, or by the key of a session.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pith_db::remote;
use pith_model::login::Login;
use pith_model::remote::{AUTH_URL, Secrets};
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::{Url, form_urlencoded};

use super::address::AddressPolicy;
use super::client::Reach;
use super::endpoint::Endpoint;
use super::failure::Failure;
use super::login::Session;
use super::{client, parse_url};
use crate::error::{Error, Result};

/// How clients of Keycloak name themselves to Automation Hub.
const CLIENT_ID: &str = "cloud-services";

/// How long a token is used whose answer does not say how long it may be.
const ASSUMED: Duration = Duration::from_mins(5);

/// A token is not used when it is this close to its end.
const MARGIN: Duration = Duration::from_secs(30);

/// What goes into the header of a request; cheap to clone.
#[derive(Clone, Debug)]
pub(super) enum Authorization {
    /// Nothing.
    Nobody,
    /// Always the same.
    Fixed(HeaderValue),
    /// A token that is fetched when it is needed.
    Exchanged(Arc<Exchange>),
    /// A key that is fetched when it is needed.
    Session(Arc<Session>),
}

/// Where a token is exchanged for one that does not last long.
#[derive(Debug)]
pub(super) struct Exchange {
    endpoint: Endpoint,
    token: String,
    current: Mutex<Option<Current>>,
}

#[derive(Debug)]
struct Current {
    header: HeaderValue,
    until: Instant,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: Option<u64>,
}

impl Authorization {
    /// As the type of a remote and its settings say; a token comes before a name and password.
    pub(super) fn new(
        base: &Url,
        login: Option<&Login>,
        settings: &remote::Settings,
        secrets: &Secrets,
        addresses: AddressPolicy,
    ) -> Result<Self> {
        if let Some(login) = login {
            let session = Session::new(login, settings, secrets, addresses)?;
            return Ok(Self::Session(Arc::new(session)));
        }
        let Some(token) = &secrets.token else {
            return Ok(basic(base, secrets)?.map_or(Self::Nobody, Self::Fixed));
        };
        let Some(url) = settings.config[AUTH_URL].as_str() else {
            return Ok(Self::Fixed(header(&format!("Token {token}"), "token")?));
        };
        // Headers of the remote are for the remote.
        let settings = remote::Settings {
            headers: json!([]),
            ..settings.clone()
        };
        Ok(Self::Exchanged(Arc::new(Exchange {
            endpoint: Endpoint {
                http: client::build(&settings, secrets, addresses, Reach::Elsewhere)?,
                url: parse_url(url)?,
                addresses,
            },
            token: token.clone(),
            current: Mutex::new(None),
        })))
    }

    /// The header of a request.
    pub(super) async fn header(
        &self,
    ) -> std::result::Result<Option<(HeaderName, HeaderValue)>, Failure> {
        let value = match self {
            Self::Nobody => return Ok(None),
            Self::Session(session) => return session.header().await.map(Some),
            Self::Fixed(header) => header.clone(),
            Self::Exchanged(exchange) => exchange.header().await?,
        };
        Ok(Some((AUTHORIZATION, value)))
    }

    /// Forgets what can be fetched anew; whether there is such a thing.
    pub(super) async fn forget(&self) -> bool {
        match self {
            Self::Nobody | Self::Fixed(_) => false,
            Self::Exchanged(exchange) => exchange.current.lock().await.take().is_some(),
            Self::Session(session) => session.forget().await,
        }
    }
}

impl Exchange {
    async fn header(&self) -> std::result::Result<HeaderValue, Failure> {
        // Whoever comes meanwhile waits for the same token.
        let mut current = self.current.lock().await;
        if let Some(current) = current.as_ref().filter(|one| Instant::now() < one.until) {
            return Ok(current.header.clone());
        }
        let answer = self.ask().await?;
        let header = header(&format!("Bearer {}", answer.access_token), "access_token")
            .map_err(Failure::final_)?;
        let lasts = answer.expires_in.map_or(ASSUMED, Duration::from_secs);
        let lasts = lasts.saturating_sub(MARGIN).min(Duration::from_hours(24));
        *current = Some(Current {
            header: header.clone(),
            until: Instant::now() + lasts,
        });
        Ok(header)
    }

    async fn ask(&self) -> std::result::Result<Answer, Failure> {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", CLIENT_ID),
            ("refresh_token", self.token.as_str()),
        ];
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let answer = self
            .endpoint
            .post("application/x-www-form-urlencoded", form)
            .await?;
        serde_json::from_slice(&answer)
            .map_err(|_| self.endpoint.wrong("the answer has no access_token"))
    }
}

fn basic(base: &Url, secrets: &Secrets) -> Result<Option<HeaderValue>> {
    let from_url = (!base.username().is_empty()).then(|| base.username().to_owned());
    let Some(username) = secrets.username.clone().or(from_url) else {
        return Ok(None);
    };
    let password = secrets
        .password
        .clone()
        .or_else(|| base.password().map(str::to_owned))
        .unwrap_or_default();
    let pair = STANDARD.encode(format!("{username}:{password}"));
    header(&format!("Basic {pair}"), "username or password").map(Some)
}

fn header(text: &str, what: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::try_from(text)
        .map_err(|_| Error::invalid(format!("the remote's {what} cannot be sent")))?;
    value.set_sensitive(true);
    Ok(value)
}
