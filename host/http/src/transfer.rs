//! How the bytes of a part of a form are written: as they are, or as base64 in lines, as
//! mail has them. Clients that make their forms with a library for mail send the latter.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;

use crate::error::{Error, Result};

/// Decodes a part as it arrives.
#[derive(Debug)]
pub(crate) enum Transfer {
    /// As it is.
    Plain,
    /// Characters that are not yet four.
    Base64(Vec<u8>),
}

impl Transfer {
    /// As the part's headers say.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self> {
        let value = headers.get("content-transfer-encoding");
        let word = value.and_then(|value| value.to_str().ok());
        match word.map(str::trim).map(str::to_ascii_lowercase).as_deref() {
            None | Some("" | "binary" | "8bit" | "7bit") => Ok(Self::Plain),
            Some("base64") => Ok(Self::Base64(Vec::new())),
            Some(other) => Err(Error::bad_request(format!(
                "The Content-Transfer-Encoding {other:?} of a part is not supported."
            ))),
        }
    }

    /// Takes what came and gives what it means.
    pub(crate) fn decode(&mut self, chunk: Bytes) -> Result<Bytes> {
        let Self::Base64(rest) = self else {
            return Ok(chunk);
        };
        rest.extend(chunk.iter().filter(|byte| !byte.is_ascii_whitespace()));
        let whole = rest.len() - rest.len() % 4;
        let decoded = STANDARD.decode(&rest[..whole]).map_err(|_| damaged())?;
        rest.drain(..whole);
        Ok(decoded.into())
    }

    /// To be called at the part's end.
    pub(crate) fn finish(&self) -> Result<()> {
        match self {
            Self::Base64(rest) if !rest.is_empty() => Err(damaged()),
            _ => Ok(()),
        }
    }
}

fn damaged() -> Error {
    Error::bad_request("A part of the form says that it is base64, and is not.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transfer(encoding: &'static str) -> Result<Transfer> {
        let mut headers = HeaderMap::new();
        headers.insert(
            "content-transfer-encoding",
            http::HeaderValue::from_static(encoding),
        );
        Transfer::of(&headers)
    }

    #[test]
    fn lines_of_base64_are_decoded_wherever_they_are_cut() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1000).collect();
        let text = STANDARD.encode(&bytes);
        let lines: Vec<&[u8]> = text.as_bytes().chunks(76).collect();
        let lines = lines.join(&b"\r\n"[..]);
        for length in [1, 3, 77, 5000] {
            let mut transfer = transfer("Base64").unwrap();
            let mut decoded = Vec::new();
            for chunk in lines.chunks(length) {
                let chunk = Bytes::copy_from_slice(chunk);
                decoded.extend_from_slice(&transfer.decode(chunk).unwrap());
            }
            transfer.finish().unwrap();
            assert_eq!(decoded, bytes);
        }
    }

    #[test]
    fn what_is_no_base64_is_refused() {
        let mut strange = transfer("base64").unwrap();
        assert!(strange.decode(Bytes::from_static(b"ab*d")).is_err());
        let mut cut = transfer("base64").unwrap();
        cut.decode(Bytes::from_static(b"YWJjZ")).unwrap();
        assert!(cut.finish().is_err());
        assert!(transfer("quoted-printable").is_err());
        assert!(matches!(transfer("binary"), Ok(Transfer::Plain)));
    }
}
