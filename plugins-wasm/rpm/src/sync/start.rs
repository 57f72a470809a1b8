//! Where a sync begins: the list of indexes, at the remote's address or at a mirror of it.

use pith_plugin_sdk::{Body, Error, ErrorCode, Remote, Request, Result, log};
use sha2::{Digest as _, Sha256};

use super::Config;
use super::mirrors::{self, Mirrors};
use super::upstream::{Places, is_of_mirror, with_token};
use crate::xml::utf8;

/// A list of some dozen indexes.
const MAX_REPOMD: u64 = 16 << 20;

/// A list of mirrors.
const MAX_MIRRORS: u64 = 1 << 20;

/// The list of indexes.
pub(super) struct Start {
    /// Spooled.
    pub(super) body: Body,
    pub(super) url: String,
    pub(super) text: String,
    pub(super) sha256: String,
}

/// Finds the upstream, and opens the list of indexes there.
pub(super) fn find<'a>(remote: &'a Remote, config: &Config) -> Result<(Places<'a>, Start)> {
    let (places, start) = find_changed(remote, config, false)?;
    let start = start.ok_or_else(|| Error::internal("a list of indexes did not come"))?;
    Ok((places, start))
}

/// The same; no list if it did not change since the checkpoint.
pub(super) fn find_changed<'a>(
    remote: &'a Remote,
    config: &Config,
    conditional: bool,
) -> Result<(Places<'a>, Option<Start>)> {
    let (bases, start) = bases(remote, config, conditional)?;
    let token = config.sles_auth_token.clone();
    let places = Places {
        remote,
        bases,
        token,
    };
    Ok((places, start))
}

/// Where the upstream is, each with a slash at its end, and the list of indexes of the first.
type Found = (Vec<String>, Option<Start>);

fn bases(remote: &Remote, config: &Config, conditional: bool) -> Result<Found> {
    let asker = Asker {
        remote,
        token: config.sles_auth_token.as_deref(),
        conditional,
    };
    if is_list(&config.url) {
        let mirrors = asker.mirrors(&config.url)?;
        let mirrors = mirrors
            .ok_or_else(|| Error::invalid(format!("{} names no mirror by HTTP", config.url)))?;
        return asker.first_of(&mirrors);
    }
    let base = mirrors::base(&config.url);
    match asker.ask(&base, &[]) {
        // A list of mirrors may be called anything.
        Err(error) if is_absent(&error) => match asker.mirrors(&config.url) {
            Ok(Some(mirrors)) => asker.first_of(&mirrors),
            _ => Err(error),
        },
        other => Ok((vec![base], other?)),
    }
}

/// Whether an address says itself that there is a list of mirrors and no repository.
fn is_list(url: &str) -> bool {
    let name = url.rsplit('/').next().unwrap_or_default();
    name.contains('?') || name.contains("mirrorlist") || name.contains("metalink")
}

fn is_absent(error: &Error) -> bool {
    matches!(
        error.code(),
        ErrorCode::NotFound | ErrorCode::Denied | ErrorCode::Upstream
    )
}

struct Asker<'a> {
    remote: &'a Remote,
    token: Option<&'a str>,
    conditional: bool,
}

impl Asker<'_> {
    /// The mirrors that a list names, which the host then lets be asked.
    fn mirrors(&self, url: &str) -> Result<Option<Mirrors>> {
        let body = self.remote.open(&Request {
            url: with_token(url.to_owned(), self.token),
            conditional: false,
            max_size: MAX_MIRRORS,
            digest: None,
        })?;
        body.spool()?;
        let text = utf8(read_all(&body)?.into()).into_owned();
        let mirrors = mirrors::read(&text);
        if mirrors.urls.is_empty() {
            return Ok(None);
        }
        body.follow(&mirrors.urls)?;
        Ok(Some(mirrors))
    }

    /// The list of indexes of the first mirror that has the right one.
    fn first_of(&self, mirrors: &Mirrors) -> Result<Found> {
        let mut bases: Vec<String> = mirrors.urls.iter().map(|url| mirrors::base(url)).collect();
        let mut failed = None;
        for at in 0..bases.len() {
            match self.ask(&bases[at], &mirrors.sha256) {
                Ok(start) => {
                    // Those that failed are not asked again.
                    bases.drain(..at);
                    return Ok((bases, start));
                }
                Err(error) if is_of_mirror(&error) => {
                    log::warn(&format!("the next mirror is asked: {error}"));
                    failed = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(failed.unwrap_or_else(|| Error::internal("a list of mirrors is empty")))
    }

    /// The list of indexes below a base, which must be one of these where they are known; none
    /// if it did not change.
    fn ask(&self, base: &str, known: &[String]) -> Result<Option<Start>> {
        let url = format!("{base}repodata/repomd.xml");
        let body = self.remote.open(&Request {
            url: with_token(url.clone(), self.token),
            conditional: self.conditional,
            max_size: MAX_REPOMD,
            digest: None,
        })?;
        if body.unchanged() {
            return Ok(None);
        }
        body.spool()?;
        let bytes = read_all(&body)?;
        let sha256 = hex::encode(Sha256::digest(&bytes));
        if !known.is_empty() && !known.contains(&sha256) {
            return Err(Error::invalid(format!(
                "{url} is not what the metalink describes"
            )));
        }
        Ok(Some(Start {
            body,
            url,
            text: utf8(bytes.into()).into_owned(),
            sha256,
        }))
    }
}

fn read_all(body: &Body) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let part = body.read(256 << 10)?;
        if part.is_empty() {
            return Ok(bytes);
        }
        bytes.extend_from_slice(&part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_say_that_it_is_a_list() {
        for list in [
            "http://m/mirrorlist?repo=x",
            "http://m/x/metalink",
            "http://m/?a=b",
        ] {
            assert!(is_list(list), "{list}");
        }
        for repository in ["http://m/mirrorlist/os/", "http://m/zoo", "http://m/"] {
            assert!(!is_list(repository), "{repository}");
        }
    }
}
