//! What every index is read with, and where it comes from.

use pith_plugin_sdk::{
    Body, Changes, Error, ErrorCode, Remote, Request, Result, Source, Staging, Task, log,
    relative_path,
};

use super::complete::Complete;
use crate::package::Package;
use crate::repomd::{Data, Repomd};

/// An index, encoded, where the list does not say how large it is.
const MAX_INDEX: u64 = 4 << 30;

/// An index, decoded, where the list does not say how large it is.
pub(super) const MAX_OPEN_INDEX: u64 = 16 << 30;

/// Mirrors that are remembered of each package.
const MIRRORS_OF_PACKAGE: usize = 3;

/// Where an upstream is.
pub(super) struct Places<'a> {
    pub(super) remote: &'a Remote,
    /// Each with a slash at its end; the first has the list of indexes.
    pub(super) bases: Vec<String>,
    /// What SUSE wants behind each address.
    pub(super) token: Option<String>,
}

/// An upstream whose list of indexes is known.
pub(super) struct Upstream<'a> {
    pub(super) task: &'a Task,
    pub(super) places: Places<'a>,
    pub(super) staging: &'a Staging,
    pub(super) next: &'a Changes,
    pub(super) repomd: Repomd,
    pub(super) skips_sources: bool,
    /// The publication of the upstream's own indexes.
    pub(super) complete: Option<Complete>,
}

impl Upstream<'_> {
    /// Opens an index; its bytes have the checksum that the list says before one is read.
    pub(super) fn open(&self, data: &Data) -> Result<Body> {
        let body = self.fetch(data)?;
        body.decode(data.open_size.unwrap_or(MAX_OPEN_INDEX))?;
        Ok(body)
    }

    /// Fetches an index as it is.
    pub(super) fn fetch(&self, data: &Data) -> Result<Body> {
        let max_size = data.size.unwrap_or(MAX_INDEX);
        let body = self.fetch_file(&data.href, max_size, data.digest().as_deref())?;
        if let Some(complete) = &self.complete {
            complete.keep(&data.href, &body)?;
        }
        Ok(body)
    }

    /// Fetches a file from the first mirror that has it.
    pub(super) fn fetch_file(
        &self,
        href: &str,
        max_size: u64,
        digest: Option<&str>,
    ) -> Result<Body> {
        self.places.fetch(href, max_size, digest)
    }

    /// Where a package can be had.
    pub(super) fn source(&self, href: &str) -> Source {
        let mut urls = self.places.urls(href);
        urls.truncate(MIRRORS_OF_PACKAGE);
        Source::Urls(urls)
    }

    /// Whether a package is of a kind that is not wanted.
    pub(super) fn skips(&self, package: &Package) -> bool {
        self.skips_sources && package.arch == "src"
    }
}

impl Places<'_> {
    /// Fetches a file from the first mirror that has it.
    pub(super) fn fetch(&self, href: &str, max_size: u64, digest: Option<&str>) -> Result<Body> {
        self.ask(href, &is_of_mirror, &|url| Request {
            url,
            conditional: false,
            max_size,
            digest: digest.map(str::to_owned),
        })
    }

    /// A file that need not be there: none if the first mirror that answers has none. With
    /// `conditional` there is nothing to read if it did not change since the checkpoint.
    pub(super) fn fetch_optional(
        &self,
        href: &str,
        max_size: u64,
        conditional: bool,
    ) -> Result<Option<Body>> {
        // Some stores of objects deny what they do not have.
        let is_absent =
            |error: &Error| matches!(error.code(), ErrorCode::NotFound | ErrorCode::Denied);
        let goes_on = |error: &Error| is_of_mirror(error) && !is_absent(error);
        let fetched = self.ask(href, &goes_on, &|url| Request {
            url,
            conditional,
            max_size,
            digest: None,
        });
        match fetched {
            Err(error) if is_absent(&error) => Ok(None),
            other => other.map(Some),
        }
    }

    fn ask(
        &self,
        href: &str,
        goes_on: &dyn Fn(&Error) -> bool,
        request: &dyn Fn(String) -> Request,
    ) -> Result<Body> {
        let mut failed = None;
        for (at, url) in self.urls(href).into_iter().enumerate() {
            let fetched = self.remote.open(&request(url)).and_then(|body| {
                if !body.unchanged() {
                    body.spool()?;
                }
                Ok(body)
            });
            match fetched.map_err(Error::from) {
                Ok(body) => return Ok(body),
                Err(error) if at + 1 < self.bases.len() && goes_on(&error) => {
                    log::warn(&format!("the next mirror is asked: {error}"));
                    failed = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(failed.unwrap_or_else(|| Error::internal("an upstream has no address")))
    }

    fn urls(&self, href: &str) -> Vec<String> {
        let href = relative_path::to_url(href);
        let bases = self.bases.iter();
        bases
            .map(|base| with_token(format!("{base}{href}"), self.token.as_deref()))
            .collect()
    }
}

/// Another mirror may do better; a full disk or a task that was called off is not one's fault.
pub(super) fn is_of_mirror(error: &Error) -> bool {
    matches!(
        error.code(),
        ErrorCode::Upstream
            | ErrorCode::Unavailable
            | ErrorCode::NotFound
            | ErrorCode::Denied
            | ErrorCode::Invalid
            | ErrorCode::Limit
    )
}

/// An address with SUSE's token behind it.
pub(super) fn with_token(url: String, token: Option<&str>) -> String {
    match token.filter(|token| !token.is_empty()) {
        Some(token) => format!("{url}?{}", token.trim_start_matches('?')),
        None => url,
    }
}
