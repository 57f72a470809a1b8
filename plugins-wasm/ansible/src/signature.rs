//! Detached signatures of collections: the unit, and whose key made one.

use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};
use pith_plugin_sdk::{Error, Result, UnitDraft, openpgp};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::COLLECTION_SIGNATURE;

/// Some hundred bytes are usual; a key of 16,384 bits makes some thousands.
pub(crate) const MAX_LENGTH: usize = 64 << 10;

const BEGIN: &str = "-----BEGIN PGP SIGNATURE-----";
const END: &str = "-----END PGP SIGNATURE-----";

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
    /// Of the host, if one made it.
    pub(crate) signing_service: Option<&'a str>,
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
            signing_service: None,
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

    /// The same, made by a service of the host.
    pub(crate) fn by_service(of: [&'a str; 4], data: &'a str, service: &'a str) -> Result<Self> {
        let mut signature = Self::new(of, data)?;
        signature.signing_service = Some(service);
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
    let read =
        openpgp::Signature::read(&bytes).ok_or("is no signature of OpenPGP, or is damaged")?;
    let issuer = read.issuer().ok_or("does not say which key made it")?;
    Ok(issuer.hex())
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

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    fn armored(bytes: &[u8]) -> String {
        let text = STANDARD.encode(bytes);
        format!("{BEGIN}\nVersion: 1\n\n{text}\n=abcd\n{END}\n")
    }

    /// A signature packet with this list of parts.
    fn packet(parts: &[u8]) -> Vec<u8> {
        let short = |length: usize| u8::try_from(length).expect("short");
        let mut packet = vec![0x88, short(parts.len() + 8), 4, 0, 1, 8, 0, 0, 0];
        packet.push(short(parts.len()));
        packet.extend(parts);
        packet
    }

    #[test]
    fn a_signature_names_its_key() {
        let mut id = vec![9, 16];
        id.extend([0xcd; 8]);
        assert_eq!(fingerprint(&armored(&packet(&id))), Ok("CD".repeat(8)));
        let nobody = fingerprint(&armored(&packet(&[])));
        assert!(nobody.is_err_and(|error| error.contains("which key")));
    }

    #[test]
    fn damaged_signatures_are_refused() {
        let mut id = vec![9, 16];
        id.extend([0xcd; 8]);
        let whole = packet(&id);
        for length in 0..whole.len() {
            assert!(fingerprint(&armored(&whole[..length])).is_err(), "{length}");
        }
        assert!(fingerprint("text").is_err_and(|error| error.contains("armored")));
        let other = format!("{BEGIN}\n\nä\n{END}");
        assert!(fingerprint(&other).is_err_and(|error| error.contains("base64")));
        assert!(fingerprint(&" ".repeat(MAX_LENGTH + 1)).is_err());
    }
}
