//! Detached signatures of collections: the unit, and whose key made one.

use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};
use pith_plugin_sdk::{Error, Result, UnitDraft};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::COLLECTION_SIGNATURE;

/// Some hundred bytes are usual; a key of 16,384 bits makes some thousands.
pub(crate) const MAX_LENGTH: usize = 64 << 10;

const BEGIN: &str = "-----BEGIN PGP SIGNATURE-----";
const END: &str = "-----END PGP SIGNATURE-----";

/// The packet that is a signature.
const SIGNATURE_PACKET: u8 = 2;

/// What a signature says of its key.
const ISSUER: u8 = 16;
const ISSUER_FINGERPRINT: u8 = 33;

/// The fields of a unit.
#[derive(Debug, Serialize)]
pub(crate) struct Signature<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    /// Of the archive of the collection.
    pub(crate) sha256: &'a str,
    /// Armored.
    pub(crate) data: &'a str,
    pub(crate) digest: String,
    pub(crate) pubkey_fingerprint: String,
}

impl<'a> Signature<'a> {
    /// A signature of a collection by its namespace, name, version and digest. Whose key it
    /// says to be of is not proved here.
    pub(crate) fn new(of: [&'a str; 4], data: &'a str) -> Result<Self> {
        let [namespace, name, version, sha256] = of;
        Ok(Self {
            namespace,
            name,
            version,
            sha256,
            data,
            digest: hex::encode(Sha256::digest(data)),
            pubkey_fingerprint: fingerprint(data)
                .map_err(|problem| Error::invalid(format!("the signature {problem}")))?,
        })
    }

    /// The same of a server that says by itself whose key it is: which counts where the
    /// signature does not.
    pub(crate) fn of_upstream(
        of: [&'a str; 4],
        data: &'a str,
        given: Option<&str>,
    ) -> Result<Self> {
        let mut signature = Self::new(of, data)?;
        if signature.pubkey_fingerprint.len() <= 16
            && let Some(given) = given.filter(|given| is_fingerprint(given))
        {
            signature.pubkey_fingerprint = given.to_ascii_uppercase();
        }
        Ok(signature)
    }

    /// The draft of its unit.
    pub(crate) fn draft(&self) -> Result<UnitDraft> {
        Ok(UnitDraft {
            content_type: COLLECTION_SIGNATURE.into(),
            fields: serde_json::to_string(self)
                .map_err(|error| Error::internal(format!("a signature is no JSON: {error}")))?,
            artifacts: Vec::new(),
            fragments: Vec::new(),
            terms: Vec::new(),
        })
    }
}

/// The fingerprint of the key that a signature says to be made with, in upper case; the ID of
/// the key, its last 16 digits, where an old signature says no more.
pub(crate) fn fingerprint(armored: &str) -> Result<String, String> {
    if armored.len() > MAX_LENGTH {
        return Err(format!("has more than {MAX_LENGTH} bytes"));
    }
    let bytes = dearmor(armored)?;
    let body = first_packet(&bytes).ok_or("is no signature of OpenPGP, or is damaged")?;
    of_signature(body).ok_or_else(|| "does not say which key made it".to_owned())
}

fn is_fingerprint(text: &str) -> bool {
    (16..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The bytes between the lines that begin and end an armor.
fn dearmor(text: &str) -> Result<Vec<u8>, String> {
    let missing = || format!("must be armored, from \"{BEGIN}\" to \"{END}\"");
    let (_, rest) = text.split_once(BEGIN).ok_or_else(missing)?;
    let (inside, _) = rest.split_once(END).ok_or_else(missing)?;
    // Headers, if any, end with an empty line; the sum at the end begins with `=`.
    let lines = inside.lines().map(str::trim);
    let lines = lines.filter(|line| !line.contains(": ") && !line.starts_with('='));
    let text: String = lines.collect();
    // Padding or none, and whatever the last bits are: some programs are careless there.
    let lenient = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(&alphabet::STANDARD, lenient)
        .decode(text)
        .map_err(|_| "is damaged: it is no base64".to_owned())
}

/// The body of the first packet, if that is a signature.
fn first_packet(bytes: &[u8]) -> Option<&[u8]> {
    let (&tag, rest) = bytes.split_first()?;
    if tag & 0x80 == 0 {
        return None;
    }
    if tag & 0x40 != 0 {
        let (length, rest) = length(rest)?;
        return (tag & 0x3f == SIGNATURE_PACKET).then_some(rest.get(..length)?);
    }
    let width = [1, 2, 4].get(usize::from(tag & 3))?;
    let (length, rest) = rest.split_at_checked(*width)?;
    let length = number(length);
    (tag >> 2 & 0xf == SIGNATURE_PACKET).then_some(rest.get(..length)?)
}

/// A length as newer packets and the parts of a signature have it.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    match first {
        0..192 => Some((usize::from(first), rest)),
        192..255 => {
            let (&second, rest) = rest.split_first()?;
            let high = usize::from(first).checked_sub(192)? << 8;
            // 224 and above would be a body in pieces, which signatures never are.
            (first < 224).then_some((high + usize::from(second) + 192, rest))
        }
        255 => {
            let (length, rest) = rest.split_at_checked(4)?;
            Some((number(length), rest))
        }
    }
}

fn number(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | usize::from(*byte))
}

fn of_signature(body: &[u8]) -> Option<String> {
    let (&version, rest) = body.split_first()?;
    // Version 6 has wider counts; version 3 has no parts at all.
    let width = match version {
        4 | 5 => 2,
        6 => 4,
        _ => return None,
    };
    // Type and two algorithms.
    let mut rest = rest.get(3..)?;
    let mut key = None;
    for _ in ["hashed", "unhashed"] {
        let (count, after) = rest.split_at_checked(width)?;
        let (mut parts, after) = after.split_at_checked(number(count))?;
        rest = after;
        while !parts.is_empty() {
            let (length, after) = length(parts)?;
            let (part, after) = after.split_at_checked(length)?;
            parts = after;
            match part.split_first() {
                Some((&ISSUER_FINGERPRINT, [_, fingerprint @ ..])) if fingerprint.len() >= 20 => {
                    return Some(hex::encode_upper(fingerprint));
                }
                Some((&ISSUER, id)) if id.len() == 8 => key = Some(hex::encode_upper(id)),
                _ => {}
            }
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn armored(bytes: &[u8]) -> String {
        const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::new();
        for chunk in bytes.chunks(3) {
            let mut three = [0; 3];
            three[..chunk.len()].copy_from_slice(chunk);
            let bits = number(&three);
            for at in 0..=chunk.len() {
                text.push(char::from(DIGITS[bits >> (18 - 6 * at) & 63]));
            }
        }
        format!("{BEGIN}\nVersion: 1\n\n{text}\n=abcd\n{END}\n")
    }

    /// A signature packet with these parts, the first list of which is hashed.
    fn packet(hashed: &[u8], unhashed: &[u8]) -> Vec<u8> {
        let mut body = vec![4, 0, 1, 8];
        for parts in [hashed, unhashed] {
            body.extend(u16::try_from(parts.len()).expect("short").to_be_bytes());
            body.extend(parts);
        }
        let mut packet = vec![0x88, u8::try_from(body.len()).expect("short")];
        packet.extend(body);
        packet
    }

    #[test]
    fn a_signature_names_its_key() {
        let mut whole = vec![22, ISSUER_FINGERPRINT, 4];
        whole.extend([0xab; 20]);
        let mut short = vec![9, ISSUER];
        short.extend([0xcd; 8]);
        let both = armored(&packet(&whole, &short));
        assert_eq!(fingerprint(&both), Ok("AB".repeat(20)));
        let old = armored(&packet(&[5, 2, 0, 0, 0, 0], &short));
        assert_eq!(fingerprint(&old), Ok("CD".repeat(8)));
        let nobody = armored(&packet(&[], &[]));
        assert!(fingerprint(&nobody).is_err_and(|error| error.contains("which key")));
    }

    #[test]
    fn damaged_signatures_are_refused() {
        let mut parts = vec![9, ISSUER];
        parts.extend([0xcd; 8]);
        let whole = packet(&[], &parts);
        for length in 0..whole.len() {
            assert!(fingerprint(&armored(&whole[..length])).is_err(), "{length}");
        }
        assert!(fingerprint("text").is_err_and(|error| error.contains("armored")));
        let other = format!("{BEGIN}\n\nä\n{END}");
        assert!(fingerprint(&other).is_err_and(|error| error.contains("base64")));
        assert!(fingerprint(&" ".repeat(MAX_LENGTH + 1)).is_err());
    }
}
