//! Hashing by several algorithms in one pass over the bytes.

use sha2::Digest as _;

use crate::digest::{Algorithm, Digests, Sha256Digest};

/// Each algorithm takes this much before the next one looks at it: it stays in the first-level cache.
const STRIDE: usize = 16 * 1024;

/// Computes SHA-256, and whatever else is asked for, while the bytes pass.
#[derive(Debug, Clone)]
pub struct MultiHasher {
    sha256: sha2::Sha256,
    others: Vec<Other>,
}

#[derive(Debug, Clone)]
enum Other {
    Md5(md5::Md5),
    Sha1(sha1::Sha1),
    Sha224(sha2::Sha224),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
}

impl MultiHasher {
    /// Begins; SHA-256 need not be named, and naming one twice costs nothing.
    pub fn new(algorithms: &[Algorithm]) -> Self {
        let mut wanted = algorithms.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        let others = wanted.into_iter().filter_map(Other::new).collect();
        Self {
            sha256: sha2::Sha256::new(),
            others,
        }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        if self.others.is_empty() {
            self.sha256.update(bytes);
            return;
        }
        for stride in bytes.chunks(STRIDE) {
            self.sha256.update(stride);
            for other in &mut self.others {
                other.update(stride);
            }
        }
    }

    /// Ends.
    pub fn finish(self) -> Digests {
        let mut digests = Digests::only(Sha256Digest(self.sha256.finalize().into()));
        for other in self.others {
            match other {
                Other::Md5(hasher) => digests.md5 = Some(hasher.finalize().to_vec()),
                Other::Sha1(hasher) => digests.sha1 = Some(hasher.finalize().to_vec()),
                Other::Sha224(hasher) => digests.sha224 = Some(hasher.finalize().to_vec()),
                Other::Sha384(hasher) => digests.sha384 = Some(hasher.finalize().to_vec()),
                Other::Sha512(hasher) => digests.sha512 = Some(hasher.finalize().to_vec()),
            }
        }
        digests
    }
}

impl Other {
    fn new(algorithm: Algorithm) -> Option<Self> {
        match algorithm {
            Algorithm::Md5 => Some(Self::Md5(md5::Md5::new())),
            Algorithm::Sha1 => Some(Self::Sha1(sha1::Sha1::new())),
            Algorithm::Sha224 => Some(Self::Sha224(sha2::Sha224::new())),
            Algorithm::Sha256 => None,
            Algorithm::Sha384 => Some(Self::Sha384(sha2::Sha384::new())),
            Algorithm::Sha512 => Some(Self::Sha512(sha2::Sha512::new())),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5(hasher) => hasher.update(bytes),
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha224(hasher) => hasher.update(bytes),
            Self::Sha384(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_agrees_with_its_published_value_of_abc() {
        let mut hasher = MultiHasher::new(&Algorithm::ALL);
        hasher.update(b"a");
        hasher.update(b"");
        hasher.update(b"bc");
        let written: Vec<_> = hasher
            .finish()
            .iter()
            .map(|digest| digest.to_string())
            .collect();
        assert_eq!(
            written,
            [
                "md5:900150983cd24fb0d6963f7d28e17f72",
                "sha1:a9993e364706816aba3e25717850c26c9cd0d89d",
                "sha224:23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
                "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                "sha384:cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed\
                 8086072ba1e7cc2358baeca134c825a7",
                "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                 2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ]
        );
    }

    #[test]
    fn sha256_is_always_there_and_nothing_that_was_not_asked_for() {
        let mut hasher = MultiHasher::new(&[]);
        hasher.update(b"abc");
        assert_eq!(hasher.finish(), Digests::only(Sha256Digest::of(b"abc")));
        let mut hasher = MultiHasher::new(&[Algorithm::Md5, Algorithm::Sha256, Algorithm::Md5]);
        let bytes = vec![7; 3 * STRIDE + 1];
        hasher.update(&bytes);
        let digests = hasher.finish();
        assert_eq!(digests.iter().count(), 2);
        assert_eq!(digests.sha256, Sha256Digest::of(&bytes));
    }
}
