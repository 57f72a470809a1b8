//! Where a server hands out something short that lets its files be fetched: a token, a key.

use reqwest::header::CONTENT_TYPE;
use url::Url;

use super::address::AddressPolicy;
use super::failure::Failure;
use super::without_credentials;
use crate::error::Error;

/// Such an answer has some kilobytes.
const MAX_ANSWER: usize = 256 << 10;

/// An address that is posted to.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) http: reqwest::Client,
    pub(super) url: Url,
    pub(super) addresses: AddressPolicy,
}

impl Endpoint {
    /// Posts a body and reads the answer.
    pub(super) async fn post(
        &self,
        media_type: &'static str,
        body: String,
    ) -> Result<Vec<u8>, Failure> {
        self.addresses.check(&self.url).map_err(Failure::final_)?;
        let transport = |error| Failure::transport("POST", &self.url, &error);
        let mut response = self
            .http
            .post(self.url.clone())
            .header(CONTENT_TYPE, media_type)
            .body(body)
            .send()
            .await
            .map_err(transport)?;
        if !response.status().is_success() {
            let (status, headers) = (response.status(), response.headers());
            return Err(Failure::status("POST", &self.url, status, headers, false));
        }
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(transport)? {
            answer.extend_from_slice(&chunk);
            if answer.len() > MAX_ANSWER {
                return Err(self.wrong("the answer is too long"));
            }
        }
        Ok(answer)
    }

    /// The failure that an answer is not what was expected. `why` repeats nothing of the answer:
    /// that may repeat a secret.
    pub(super) fn wrong(&self, why: &str) -> Failure {
        Failure::final_(Error::upstream(format!("POST {}: {why}", self.name())))
    }

    /// The address as it may be shown.
    pub(super) fn name(&self) -> String {
        without_credentials(&self.url)
    }
}
