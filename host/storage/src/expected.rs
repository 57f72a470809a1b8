//! What a file was announced to be, and whether it is.

use crate::digest::{Algorithm, Digest, Digests};
use crate::error::{Error, Result};

/// What an index, a client or a header says of a file before its bytes are seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// Digests that the bytes must have, all of them.
    pub digests: Vec<Digest>,
    /// The size that the file must have.
    pub size: Option<u64>,
}

impl Expected {
    /// Expects nothing: any bytes will do.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Expects also this digest.
    #[must_use]
    pub fn with_digest(mut self, digest: impl Into<Digest>) -> Self {
        self.digests.push(digest.into());
        self
    }

    /// Expects also this size.
    #[must_use]
    pub fn with_size(mut self, size: u64) -> Self {
        self.size = Some(size);
        self
    }

    /// The algorithms that must be named when the file is begun, so that it can be checked.
    pub fn algorithms(&self) -> Vec<Algorithm> {
        self.digests.iter().map(Digest::algorithm).collect()
    }

    /// Compares with what came. The size is judged first: it tells a reader more than two digests.
    pub fn check(&self, digests: &Digests, size: u64) -> Result<()> {
        if let Some(expected) = self.size
            && expected != size
        {
            return Err(Error::SizeMismatch {
                expected,
                actual: size,
                at_least: false,
            });
        }
        for expected in &self.digests {
            let algorithm = expected.algorithm();
            let actual = digests
                .get(algorithm)
                .ok_or(Error::NotComputed(algorithm))?;
            if actual != expected.as_bytes() {
                let actual = Digest::new(algorithm, actual.to_vec())
                    .map_err(|_| Error::NotComputed(algorithm))?;
                return Err(Error::DigestMismatch {
                    expected: expected.clone(),
                    actual,
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Sha256Digest;

    #[test]
    fn both_values_are_named() {
        let digests = Digests::only(Sha256Digest::of(b"abc"));
        let error = Expected::nothing()
            .with_digest(Sha256Digest::of(b""))
            .check(&digests, 3)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the digest does not match: expected sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855, \
             but the bytes have sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let error = Expected::nothing()
            .with_size(4)
            .check(&digests, 3)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the size does not match: expected 4 bytes, but there are 3"
        );
    }

    #[test]
    fn a_digest_that_was_not_computed_never_passes() {
        let digests = Digests::only(Sha256Digest::of(b"abc"));
        let md5 = Digest::from_hex(Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72").unwrap();
        let expected = Expected::nothing().with_digest(md5);
        assert_eq!(expected.algorithms(), [Algorithm::Md5]);
        assert!(matches!(
            expected.check(&digests, 3),
            Err(Error::NotComputed(Algorithm::Md5))
        ));
    }
}
