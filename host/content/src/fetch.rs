//! Asking upstreams: the only way out of the server.
//!
//! Invariant: no request leaves but through a [`Client`], which knows the remote's
//! credentials and the policy about addresses; a plugin sees bodies, never a socket.

mod address;
mod authorization;
mod body;
mod client;
mod endpoint;
mod failure;
mod login;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use pith_db::remote;
use pith_model::Timestamp;
use serde_json::{Map, Value, json};
use url::{Origin, Url};

pub use address::AddressPolicy;
pub use body::Body;
pub use client::{Client, Request};

use crate::Services;
use crate::document::Document;
use crate::error::{Error, Result};
use crate::references::References;

/// A plugin may revalidate so many documents; more would be an index of indexes.
const MAX_VALIDATORS: usize = 1000;

/// More than any list of mirrors gives to one who asks.
const MAX_MIRRORS: usize = 100;

/// What a plugin asks for.
#[derive(Clone, Debug, Default)]
pub struct OpenRequest {
    /// Relative to the remote, or absolute with its origin.
    pub url: String,
    /// Ask only for what changed since the checkpoint.
    pub conditional: bool,
    /// The largest body to accept, in bytes.
    pub max_size: u64,
    /// The body must have this digest.
    pub digest: Option<String>,
}

/// The remote of a task, as a plugin sees it; cheap to clone.
#[derive(Clone, Debug)]
pub struct Remote {
    client: Client,
    base: Url,
    config: Arc<Value>,
    validators: Arc<Mutex<Validators>>,
    /// Where mirrors of the remote are.
    mirrors: Arc<Mutex<HashSet<Origin>>>,
    services: Services,
    references: Arc<References>,
}

#[derive(Debug, Default)]
struct Validators {
    old: Map<String, Value>,
    new: Map<String, Value>,
}

impl Remote {
    /// A task's remote; `validators` are those of a checkpoint that still holds.
    pub fn new(
        services: &Services,
        row: &remote::Remote,
        validators: Option<Value>,
        references: Arc<References>,
    ) -> Result<Self> {
        let client = Client::new(services, row)?;
        let base = client.base().clone();
        let mut config = row.settings.config.as_object().cloned().unwrap_or_default();
        config.insert("type_name".to_owned(), json!(row.type_name));
        config.insert("url".to_owned(), json!(address(&base, &row.settings.url)));
        config.insert("policy".to_owned(), json!(row.settings.policy));
        config.insert("name".to_owned(), json!(row.settings.name));
        let old = match validators {
            Some(Value::Object(old)) => old,
            _ => Map::new(),
        };
        Ok(Self {
            client,
            base,
            config: Arc::new(Value::Object(config)),
            validators: Arc::new(Mutex::new(Validators {
                old,
                new: Map::new(),
            })),
            mirrors: Arc::default(),
            services: services.clone(),
            references,
        })
    }

    /// Its settings without its secrets.
    pub fn config(&self) -> &Value {
        &self.config
    }

    /// What fetches for it.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The validators of everything that was opened, for the next checkpoint.
    pub fn take_validators(&self) -> Value {
        let mut validators = self
            .validators
            .lock()
            .expect("nobody panics while holding it");
        Value::Object(std::mem::take(&mut validators.new))
    }

    /// A URL as a plugin may give it: relative, or absolute with the remote's origin or that of
    /// a mirror.
    ///
    /// # Errors
    /// `denied` for another origin, `invalid` for what is no URL.
    pub fn resolve(&self, url: &str) -> Result<Url> {
        let resolved = self
            .base
            .join(url)
            .map_err(|error| Error::invalid(format!("{url:?} is not a URL: {error}")))?;
        if resolved.origin() == self.base.origin() || self.is_mirror(&resolved) {
            Ok(resolved)
        } else {
            Err(Error::denied(format!(
                "{resolved} is not below the remote's own address {}",
                without_credentials(&self.base)
            )))
        }
    }

    /// Lets the task ask the host of a URL that the remote itself named.
    pub(crate) fn allow(&self, url: &Url) -> Result<()> {
        let mut mirrors = self.mirrors.lock().expect("nobody panics while holding it");
        if mirrors.len() >= MAX_MIRRORS && !mirrors.contains(&url.origin()) {
            return Err(Error::limit(format!(
                "a task asks at most {MAX_MIRRORS} mirrors"
            )));
        }
        mirrors.insert(url.origin());
        Ok(())
    }

    fn is_mirror(&self, url: &Url) -> bool {
        let mirrors = self.mirrors.lock().expect("nobody panics while holding it");
        mirrors.contains(&url.origin())
    }

    /// Opens a document.
    pub async fn open(&self, request: OpenRequest) -> Result<Document> {
        let url = self.resolve(&request.url)?;
        let digest = request
            .digest
            .as_deref()
            .map(|text| {
                text.parse::<pith_storage::Digest>()
                    .map_err(|error| Error::invalid(error.to_string()))
            })
            .transpose()?;
        let key = url.to_string();
        let validators = if request.conditional {
            let known = self
                .validators
                .lock()
                .expect("nobody panics while holding it");
            known.old.get(&key).cloned()
        } else {
            None
        };
        let body = self
            .client
            .open(Request {
                url,
                validators: validators.clone(),
                max_size: request.max_size,
                digest,
                size: None,
                offset: None,
                index: true,
            })
            .await?;
        let next = if body.unchanged() {
            validators
        } else {
            body.validators()
        };
        if let Some(next) = next {
            let mut kept = self
                .validators
                .lock()
                .expect("nobody panics while holding it");
            if kept.new.len() < MAX_VALIDATORS {
                kept.new.insert(key, next);
            }
        }
        Ok(Document::new(
            self.services.clone(),
            self.clone(),
            Arc::clone(&self.references),
            body,
        ))
    }
}

/// Whether a checkpoint of a repository still holds.
pub fn holds(
    checkpoint: &pith_db::checkpoint::Checkpoint,
    latest_version: i64,
    remote_updated: Timestamp,
) -> bool {
    checkpoint.version_number == latest_version && checkpoint.remote_updated == remote_updated
}

/// The address of a remote as plugins see it: where its files are.
fn address(base: &Url, own: &str) -> String {
    let is_own = Url::parse(own).is_ok_and(|own| own == *base);
    if is_own {
        own.to_owned()
    } else {
        base.to_string()
    }
}

/// Reads the address of a remote. Some types have other schemes than those of HTTP; what is
/// there is found by a login, or not at all.
fn parse_address(text: &str) -> Result<Url> {
    Url::parse(text).map_err(|error| Error::invalid(format!("{text:?} is not a URL: {error}")))
}

/// Reads the address of an upstream.
pub fn parse_url(text: &str) -> Result<Url> {
    let url = parse_address(text)?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(Error::invalid(format!(
            "{text:?} cannot be fetched: an http:// or https:// URL was expected"
        )));
    }
    Ok(url)
}

/// A URL as it may stand in a log or an error.
pub fn without_credentials(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_password(None);
    let _ = url.set_username("");
    url.to_string()
}
