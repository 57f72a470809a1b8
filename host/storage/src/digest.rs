//! Digests: the algorithms, one value, and the values of one file.

use std::fmt;
use std::str::FromStr;

use sha2::Digest as _;

/// A digest algorithm that content types use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// MD5, for old indexes only.
    Md5,
    /// SHA-1, for old indexes only.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256, by which files are stored.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// Every algorithm, weakest first.
    pub const ALL: [Self; 6] = [
        Self::Md5,
        Self::Sha1,
        Self::Sha224,
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
    ];

    /// The lower-case name, as in `sha256:…`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha224 => "sha224",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// How many bytes a digest has.
    pub const fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == text)
            .ok_or_else(|| DigestError::Algorithm(text.to_owned()))
    }
}

/// Why a text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// There is no colon.
    #[error("{0:?} is not a digest: expected <algorithm>:<hex digits>, such as sha256:9f86d0…")]
    Form(String),
    /// The algorithm is not known.
    #[error("{0:?} is not a known algorithm: expected md5, sha1, sha224, sha256, sha384 or sha512")]
    Algorithm(String),
    /// The value has the wrong length.
    #[error("a {algorithm} digest has {} hex digits, but there are {actual}", algorithm.length() * 2)]
    Length {
        /// Whose length was expected.
        algorithm: Algorithm,
        /// How many characters there are.
        actual: usize,
    },
    /// The value has other characters than hex digits.
    #[error("a {0} digest has only the hex digits 0-9 and a-f")]
    Hex(Algorithm),
}

/// The SHA-256 of a file, which is its name in the store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sha256Digest(pub [u8; 32]);

impl Sha256Digest {
    /// Hashes bytes that are at hand.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The raw bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "sha256:{self}")
    }
}

impl FromStr for Sha256Digest {
    type Err = DigestError;

    /// Reads 64 hex digits, without a prefix.
    fn from_str(text: &str) -> Result<Self, DigestError> {
        let bytes = parse_hex(Algorithm::Sha256, text)?;
        Self::try_from(bytes.as_slice())
    }
}

impl TryFrom<&[u8]> for Sha256Digest {
    type Error = DigestError;

    fn try_from(bytes: &[u8]) -> Result<Self, DigestError> {
        bytes.try_into().map(Self).map_err(|_| DigestError::Length {
            algorithm: Algorithm::Sha256,
            actual: bytes.len() * 2,
        })
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Sha256Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Sha256Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// One digest with its algorithm, written `sha256:<hex>`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    algorithm: Algorithm,
    bytes: Vec<u8>,
}

impl Digest {
    /// Joins the two, if the length is right.
    pub fn new(algorithm: Algorithm, bytes: Vec<u8>) -> Result<Self, DigestError> {
        if bytes.len() == algorithm.length() {
            Ok(Self { algorithm, bytes })
        } else {
            Err(DigestError::Length {
                algorithm,
                actual: bytes.len() * 2,
            })
        }
    }

    /// Reads the hex digits of a digest whose algorithm is known from elsewhere.
    pub fn from_hex(algorithm: Algorithm, hex: &str) -> Result<Self, DigestError> {
        Ok(Self {
            algorithm,
            bytes: parse_hex(algorithm, hex)?,
        })
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The value as lower-case hex, without the algorithm.
    pub fn to_hex(&self) -> String {
        hex::encode(&self.bytes)
    }
}

impl From<Sha256Digest> for Digest {
    fn from(digest: Sha256Digest) -> Self {
        Self {
            algorithm: Algorithm::Sha256,
            bytes: digest.0.to_vec(),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.algorithm, hex::encode(&self.bytes))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let (algorithm, hex) = text
            .split_once(':')
            .ok_or_else(|| DigestError::Form(text.to_owned()))?;
        Self::from_hex(algorithm.parse()?, hex)
    }
}

/// The digests of one file: always SHA-256, the others where they were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digests {
    /// The name of the file in the store.
    pub sha256: Sha256Digest,
    /// MD5, if asked for.
    pub md5: Option<Vec<u8>>,
    /// SHA-1, if asked for.
    pub sha1: Option<Vec<u8>>,
    /// SHA-224, if asked for.
    pub sha224: Option<Vec<u8>>,
    /// SHA-384, if asked for.
    pub sha384: Option<Vec<u8>>,
    /// SHA-512, if asked for.
    pub sha512: Option<Vec<u8>>,
}

impl Digests {
    /// Only the SHA-256.
    pub fn only(sha256: Sha256Digest) -> Self {
        Self {
            sha256,
            md5: None,
            sha1: None,
            sha224: None,
            sha384: None,
            sha512: None,
        }
    }

    /// The raw digest by one algorithm, if it was computed.
    pub fn get(&self, algorithm: Algorithm) -> Option<&[u8]> {
        match algorithm {
            Algorithm::Md5 => self.md5.as_deref(),
            Algorithm::Sha1 => self.sha1.as_deref(),
            Algorithm::Sha224 => self.sha224.as_deref(),
            Algorithm::Sha256 => Some(&self.sha256.0),
            Algorithm::Sha384 => self.sha384.as_deref(),
            Algorithm::Sha512 => self.sha512.as_deref(),
        }
    }

    /// Every digest that was computed, weakest first.
    pub fn iter(&self) -> impl Iterator<Item = Digest> {
        Algorithm::ALL.into_iter().filter_map(|algorithm| {
            self.get(algorithm).map(|bytes| Digest {
                algorithm,
                bytes: bytes.to_vec(),
            })
        })
    }
}

fn parse_hex(algorithm: Algorithm, text: &str) -> Result<Vec<u8>, DigestError> {
    let actual = text.chars().count();
    if actual != algorithm.length() * 2 {
        return Err(DigestError::Length { algorithm, actual });
    }
    hex::decode(text).map_err(|_| DigestError::Hex(algorithm))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_digest_reads_back_as_it_is_written() {
        let digest: Digest = format!("sha256:{EMPTY}").parse().unwrap();
        assert_eq!(digest, Sha256Digest::of(b"").into());
        assert_eq!(digest.to_string(), format!("sha256:{EMPTY}"));
        assert_eq!(digest.to_hex(), EMPTY);
        let upper: Sha256Digest = EMPTY.to_uppercase().parse().unwrap();
        assert_eq!(upper.to_string(), EMPTY);
    }

    #[test]
    fn a_wrong_digest_says_what_was_expected() {
        let message = |text: &str| text.parse::<Digest>().unwrap_err().to_string();
        assert_eq!(
            message("e3b0"),
            "\"e3b0\" is not a digest: expected <algorithm>:<hex digits>, such as sha256:9f86d0…"
        );
        assert_eq!(
            message("sha3:e3b0"),
            "\"sha3\" is not a known algorithm: expected md5, sha1, sha224, sha256, sha384 or sha512"
        );
        assert_eq!(
            message("md5:e3b0"),
            "a md5 digest has 32 hex digits, but there are 4"
        );
        assert_eq!(
            message(&format!("md5:{}", "g".repeat(32))),
            "a md5 digest has only the hex digits 0-9 and a-f"
        );
        let raw = Digest::new(Algorithm::Sha512, vec![0; 2]).unwrap_err();
        assert_eq!(
            raw.to_string(),
            "a sha512 digest has 128 hex digits, but there are 4"
        );
    }
}
