//! A SHA-256 that can be put down in one process and taken up in another.

use sha2::Digest as _;
use sha2::digest::common::hazmat::SerializableState;

use crate::digest::Sha256Digest;

/// Says how the state is written, so that a later way of writing it can be told apart.
const FORM: u8 = 1;

/// Computes the SHA-256 of bytes that come over days and through several processes.
#[derive(Debug, Clone, Default)]
pub struct ResumableHasher(sha2::Sha256);

impl ResumableHasher {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Writes down how far it came.
    pub fn save(&self) -> Vec<u8> {
        let mut saved = vec![FORM];
        saved.extend_from_slice(&self.0.serialize());
        saved
    }

    /// Goes on from what was written down; `None` if it is not that.
    pub fn restore(saved: &[u8]) -> Option<Self> {
        let (form, state) = saved.split_first()?;
        if *form != FORM {
            return None;
        }
        let state = state.try_into().ok()?;
        sha2::Sha256::deserialize(state).ok().map(Self)
    }

    /// The digest of all bytes so far.
    pub fn digest(&self) -> Sha256Digest {
        Sha256Digest(self.0.clone().finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_wherever_it_was_put_down() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1000).collect();
        for split in [0, 1, 63, 64, 65, 500, 1000] {
            let mut first = ResumableHasher::default();
            first.update(&bytes[..split]);
            let mut second = ResumableHasher::restore(&first.save()).unwrap();
            second.update(&bytes[split..]);
            assert_eq!(second.digest(), Sha256Digest::of(&bytes), "{split}");
        }
    }

    #[test]
    fn what_it_did_not_write_is_refused() {
        let mut saved = ResumableHasher::default().save();
        assert!(ResumableHasher::restore(&[]).is_none());
        assert!(ResumableHasher::restore(&saved[..10]).is_none());
        saved[0] = 9;
        assert!(ResumableHasher::restore(&saved).is_none());
    }
}
