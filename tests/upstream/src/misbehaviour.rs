//! The ways in which an upstream can be wrong, and their names in a path.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use anyhow::{Context, bail};

/// What is wrong with `/bad/<this>/PULP_MANIFEST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misbehaviour {
    /// 404.
    NotFound,
    /// 500.
    ServerError,
    /// One good line each so many milliseconds.
    Slow(u64),
    /// The request is taken and never answered.
    Stalled,
    /// `Content-Length` promises more than comes.
    Truncated,
    /// Each redirect leads to the next.
    RedirectLoop,
    /// Redirects to the address where clouds keep credentials.
    LinkLocalRedirect,
    /// A path with `../`.
    ParentPath,
    /// A path that begins with a slash.
    AbsolutePath,
    /// One path twice, with different digests.
    DuplicatePath,
    /// One line of a gigabyte.
    LongLine,
    /// Bytes that are not UTF-8.
    NotUtf8,
    /// An HTML page with status 200.
    LoginPage,
    /// A size below zero.
    NegativeSize,
    /// A size that no 64-bit number holds.
    HugeSize,
    /// A line without commas.
    MalformedLine,
    /// A digest of too few characters.
    ShortDigest,
    /// Good lines for ever.
    Endless,
    /// The manifest is right; the file `bad.bin` in it is not.
    File(FileMisbehaviour),
}

/// What is wrong with the file `bad.bin` of `/bad/file-<this>/`; `good.txt` is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileMisbehaviour {
    /// 404.
    NotFound,
    /// 500.
    ServerError,
    /// A kilobyte each so many milliseconds.
    Slow(u64),
    /// The request is taken and never answered.
    Stalled,
    /// `Content-Length` promises more than comes.
    Truncated,
    /// A chunked body that ends without its last chunk.
    BrokenChunks,
    /// The right size, other bytes.
    WrongDigest,
    /// More bytes than the manifest says.
    Longer,
    /// Fewer bytes than the manifest says, in an answer that is whole in itself.
    Shorter,
    /// Each redirect leads to the next.
    RedirectLoop,
    /// Redirects to the address where clouds keep credentials.
    LinkLocalRedirect,
    /// Bytes for ever.
    Endless,
    /// 503 so many times, then the file.
    Flaky(u64),
}

impl Misbehaviour {
    /// Every way in which a manifest alone makes a sync fail at once, whatever
    /// the policy of the remote.
    pub const IN_MANIFEST: [Self; 14] = [
        Self::NotFound,
        Self::ServerError,
        Self::Truncated,
        Self::RedirectLoop,
        Self::LinkLocalRedirect,
        Self::ParentPath,
        Self::AbsolutePath,
        Self::DuplicatePath,
        Self::NotUtf8,
        Self::LoginPage,
        Self::NegativeSize,
        Self::HugeSize,
        Self::MalformedLine,
        Self::ShortDigest,
    ];
}

impl FileMisbehaviour {
    /// Every way in which a file makes an immediate sync, or a fetch-through, fail at once.
    pub const AT_ONCE: [Self; 9] = [
        Self::NotFound,
        Self::ServerError,
        Self::Truncated,
        Self::BrokenChunks,
        Self::WrongDigest,
        Self::Longer,
        Self::Shorter,
        Self::RedirectLoop,
        Self::LinkLocalRedirect,
    ];
}

impl Display for Misbehaviour {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotFound => "not-found",
            Self::ServerError => "server-error",
            Self::Slow(milliseconds) => return write!(formatter, "slow-{milliseconds}"),
            Self::Stalled => "stalled",
            Self::Truncated => "truncated",
            Self::RedirectLoop => "redirect-loop",
            Self::LinkLocalRedirect => "link-local-redirect",
            Self::ParentPath => "parent-path",
            Self::AbsolutePath => "absolute-path",
            Self::DuplicatePath => "duplicate-path",
            Self::LongLine => "long-line",
            Self::NotUtf8 => "not-utf8",
            Self::LoginPage => "login-page",
            Self::NegativeSize => "negative-size",
            Self::HugeSize => "huge-size",
            Self::MalformedLine => "malformed-line",
            Self::ShortDigest => "short-digest",
            Self::Endless => "endless",
            Self::File(file) => return write!(formatter, "file-{file}"),
        })
    }
}

impl Display for FileMisbehaviour {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotFound => "not-found",
            Self::ServerError => "server-error",
            Self::Slow(milliseconds) => return write!(formatter, "slow-{milliseconds}"),
            Self::Stalled => "stalled",
            Self::Truncated => "truncated",
            Self::BrokenChunks => "broken-chunks",
            Self::WrongDigest => "wrong-digest",
            Self::Longer => "longer",
            Self::Shorter => "shorter",
            Self::RedirectLoop => "redirect-loop",
            Self::LinkLocalRedirect => "link-local-redirect",
            Self::Endless => "endless",
            Self::Flaky(times) => return write!(formatter, "flaky-{times}"),
        })
    }
}

impl FromStr for Misbehaviour {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> anyhow::Result<Self> {
        if let Some(file) = name.strip_prefix("file-") {
            return file.parse().map(Self::File);
        }
        if let Some(milliseconds) = name.strip_prefix("slow-") {
            return Ok(Self::Slow(milliseconds.parse()?));
        }
        let rest = [Self::Stalled, Self::LongLine, Self::Endless];
        Self::IN_MANIFEST
            .into_iter()
            .chain(rest)
            .find(|one| one.to_string() == name)
            .with_context(|| format!("no misbehaviour is called {name:?}"))
    }
}

impl FromStr for FileMisbehaviour {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> anyhow::Result<Self> {
        if let Some(milliseconds) = name.strip_prefix("slow-") {
            return Ok(Self::Slow(milliseconds.parse()?));
        }
        if let Some(times) = name.strip_prefix("flaky-") {
            return Ok(Self::Flaky(times.parse()?));
        }
        match Self::AT_ONCE
            .into_iter()
            .chain([Self::Stalled, Self::Endless])
            .find(|one| one.to_string() == name)
        {
            Some(found) => Ok(found),
            None => bail!("no misbehaviour of a file is called {name:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_again() {
        let files = FileMisbehaviour::AT_ONCE
            .into_iter()
            .chain([
                FileMisbehaviour::Slow(5),
                FileMisbehaviour::Flaky(2),
                FileMisbehaviour::Stalled,
                FileMisbehaviour::Endless,
            ])
            .map(Misbehaviour::File);
        let manifests = Misbehaviour::IN_MANIFEST.into_iter().chain([
            Misbehaviour::Slow(9),
            Misbehaviour::Stalled,
            Misbehaviour::LongLine,
            Misbehaviour::Endless,
        ]);
        for one in manifests.chain(files) {
            assert_eq!(
                one.to_string().parse::<Misbehaviour>().expect("a name"),
                one
            );
        }
        assert!("kind".parse::<Misbehaviour>().is_err());
    }
}
