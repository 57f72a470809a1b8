//! One chunk of an upload as a request brings it: what its headers say of it, and its
//! bytes.

use std::time::Duration;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use http::header;
use http_body_util::BodyExt as _;
use pith_content::upload::{LARGEST_CHUNK, Receiving};
use pith_storage::{Algorithm, Digest};

use crate::body::SILENCE;
use crate::error::{Error, Result};
use crate::upload::refuse;

/// How long a client may say nothing while another one waits for its place: most likely
/// the same client, whose first connection broke.
const CONTESTED_SILENCE: Duration = Duration::from_secs(5);

/// The length that a request announces; none where it comes piece by piece.
pub(crate) fn announced(headers: &HeaderMap) -> Result<Option<u64>> {
    refuse_encoding(headers)?;
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    match length {
        Some(length) if length > LARGEST_CHUNK => Err(too_large()),
        length => Ok(length),
    }
}

/// Chunks are stored as they come, so they must come as they are.
pub(crate) fn refuse_encoding(headers: &HeaderMap) -> Result<()> {
    let encodings = headers.get_all(header::CONTENT_ENCODING);
    for encoding in encodings {
        let encoding = encoding.to_str().unwrap_or("?").trim();
        if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") {
            return Err(Error::unsupported_encoding(encoding));
        }
    }
    Ok(())
}

pub(crate) fn too_large() -> Error {
    Error::exceeds(format!(
        "A chunk may have {LARGEST_CHUNK} bytes; send the rest as another one."
    ))
}

/// What headers say a chunk's digests are: `Digest: sha-256=<base64>` (RFC 3230),
/// `Content-Digest: sha-256=:<base64>:` (RFC 9530), `Content-MD5: <base64>` and
/// `sha256: <hexadecimal>`.
pub(crate) fn digests(headers: &HeaderMap) -> Result<Vec<Digest>> {
    let mut found = Vec::new();
    for (name, is_structured) in [("digest", false), ("content-digest", true)] {
        for value in headers.get_all(name) {
            for pair in text(name, value)?.split(',') {
                found.extend(listed(name, pair.trim(), is_structured)?);
            }
        }
    }
    for value in headers.get_all("content-md5") {
        let value = text("content-md5", value)?;
        found.push(from_base64("content-md5", Algorithm::Md5, value)?);
    }
    for value in headers.get_all("sha256") {
        let value = text("sha256", value)?;
        let digest = Digest::from_hex(Algorithm::Sha256, value.trim());
        found.push(digest.map_err(|error| wrong("sha256", &error))?);
    }
    Ok(found)
}

fn text<'a>(name: &str, value: &'a header::HeaderValue) -> Result<&'a str> {
    value.to_str().map_err(|error| wrong(name, &error))
}

/// One `algorithm=value`; none of an algorithm that is not known here, which the
/// standards let pass.
fn listed(name: &str, pair: &str, is_structured: bool) -> Result<Option<Digest>> {
    let Some((algorithm, value)) = pair.split_once('=') else {
        return Err(wrong(name, &"algorithm=value was expected"));
    };
    let algorithm = match algorithm.trim().to_ascii_lowercase().as_str() {
        "md5" => Algorithm::Md5,
        "sha" => Algorithm::Sha1,
        "sha-256" => Algorithm::Sha256,
        "sha-512" => Algorithm::Sha512,
        _ => return Ok(None),
    };
    let mut value = value.trim();
    if is_structured {
        value = value
            .strip_prefix(':')
            .and_then(|value| value.strip_suffix(':'))
            .ok_or_else(|| wrong(name, &"a value between colons was expected"))?;
    }
    from_base64(name, algorithm, value).map(Some)
}

fn from_base64(name: &str, algorithm: Algorithm, value: &str) -> Result<Digest> {
    let bytes = STANDARD
        .decode(value.trim())
        .map_err(|error| wrong(name, &error))?;
    Digest::new(algorithm, bytes).map_err(|error| wrong(name, &error))
}

fn wrong(name: &str, why: &dyn std::fmt::Display) -> Error {
    Error::invalid(name, format!("Not a valid digest: {why}."))
}

/// Takes a whole body as a chunk.
pub(crate) async fn receive(mut receiving: Receiving, mut body: Body) -> Result<Receiving> {
    while let Some(frame) = patiently(&receiving, body.frame()).await? {
        let frame = frame.map_err(|_| Error::bad_request("The request's body ended too early."))?;
        if let Ok(data) = frame.into_data() {
            write(&mut receiving, data).await?;
        }
    }
    Ok(receiving)
}

/// Takes a piece of a chunk.
pub(crate) async fn write(receiving: &mut Receiving, piece: Bytes) -> Result<()> {
    if receiving.length() + piece.len() as u64 > LARGEST_CHUNK {
        return Err(too_large());
    }
    receiving.write(piece).await.map_err(refuse)
}

/// Waits for what a client sends next, not as long where somebody else waits as well.
pub(crate) async fn patiently<T>(
    receiving: &Receiving,
    next: impl Future<Output = T>,
) -> Result<T> {
    tokio::pin!(next);
    let mut silent = Duration::ZERO;
    loop {
        if let Ok(came) = tokio::time::timeout(CONTESTED_SILENCE, &mut next).await {
            return Ok(came);
        }
        silent += CONTESTED_SILENCE;
        if silent >= SILENCE || receiving.is_contested() {
            return Err(Error::too_slow());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                let name = header::HeaderName::from_static(name);
                (name, HeaderValue::from_static(value))
            })
            .collect()
    }

    #[test]
    fn a_digest_is_written_in_four_ways() {
        let base64 = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
        let hexadecimal = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(STANDARD.encode(hex::decode(hexadecimal).unwrap()), base64);
        let digest = Digest::from_hex(Algorithm::Sha256, hexadecimal).unwrap();
        for pair in [
            (
                "digest",
                "SHA-256=ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
            ),
            (
                "content-digest",
                "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:",
            ),
            ("sha256", hexadecimal),
        ] {
            assert_eq!(
                digests(&headers(&[pair])).unwrap(),
                std::slice::from_ref(&digest)
            );
        }
        let md5 = digests(&headers(&[("content-md5", "kAFQmDzST7DWlj99KOF/cg==")])).unwrap();
        assert_eq!(md5[0].to_string(), "md5:900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(digests(&headers(&[("digest", "crc32c=AAAA")])).unwrap(), []);
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        for pair in [
            ("digest", "sha-256"),
            ("digest", "sha-256=AAAA"),
            ("content-digest", "sha-256=AAAA"),
            ("content-md5", "900150983cd24fb0d6963f7d28e17f72"),
            ("sha256", "abc"),
        ] {
            assert!(digests(&headers(&[pair])).is_err(), "{pair:?}");
        }
    }

    #[test]
    fn a_chunk_comes_as_it_is_and_is_not_too_large() {
        let length = |pairs| announced(&headers(pairs));
        assert_eq!(
            length(&[("content-length", "150000000")]).unwrap(),
            Some(LARGEST_CHUNK)
        );
        assert_eq!(length(&[("content-encoding", "identity")]).unwrap(), None);
        assert!(length(&[("content-length", "150000001")]).is_err());
        assert!(length(&[("content-encoding", "gzip")]).is_err());
    }
}
