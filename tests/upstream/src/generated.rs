//! Repositories that are computed from their name: any file at any offset, nothing stored.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use bytes::Bytes;
use futures::stream;
use sha2::{Digest, Sha256};

use crate::answer::{AnswerBody, pieces};
use crate::conditional::Entity;
use crate::manifest::{Manifest, ManifestLine};

/// Bytes are computed and sent in pieces of this size.
const PIECE: u64 = 64 * 1024;
/// 2020-09-13: any fixed moment will do.
const LAST_MODIFIED: Duration = Duration::from_secs(1_600_000_000);

/// `<count>x<size>[@<seed>]`: so many files `1.iso`, `2.iso`… of so many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GeneratedRepository {
    /// The number of files.
    pub count: u64,
    /// The size of each.
    pub size: u64,
    /// Another seed gives other bytes.
    pub seed: u64,
}

impl GeneratedRepository {
    /// Reads the name, which is a part of the path.
    pub fn parse(name: &str) -> anyhow::Result<Self> {
        let (shape, seed) = name.split_once('@').unwrap_or((name, "0"));
        let (count, size) = shape
            .split_once('x')
            .context("no `x` between count and size")?;
        Ok(Self {
            count: count.parse()?,
            size: size.parse()?,
            seed: seed.parse()?,
        })
    }

    /// The number of the file with this name, if there is one.
    pub fn file_number(&self, name: &str) -> Option<u64> {
        let number = name.strip_suffix(".iso")?.parse().ok()?;
        // `07.iso` is not a name of 7.
        (1..=self.count)
            .contains(&number)
            .then_some(number)
            .filter(|n| format!("{n}.iso") == name)
    }

    /// The bytes of one file.
    ///
    /// # Panics
    /// If the range ends before it starts.
    pub fn bytes(&self, number: u64, range: Range<u64>) -> Bytes {
        let key = mix(mix(mix(self.seed).wrapping_add(self.size)).wrapping_add(number));
        let word = |index: u64| mix(key.wrapping_add(index.wrapping_mul(GOLDEN))).to_le_bytes();
        let length = usize::try_from(range.end - range.start).expect("a range that fits memory");
        let mut bytes = Vec::with_capacity(length + 8);
        let within = usize::try_from(range.start % 8).expect("below 8");
        let mut index = range.start / 8;
        bytes.extend_from_slice(&word(index)[within..]);
        while bytes.len() < length {
            index += 1;
            bytes.extend_from_slice(&word(index));
        }
        bytes.truncate(length);
        bytes.into()
    }

    /// The manifest; hashes every byte of the repository.
    pub fn manifest(&self) -> Manifest {
        let line = |number| {
            let mut hasher = Sha256::new();
            let mut start = 0;
            while start < self.size {
                let end = self.size.min(start + PIECE);
                hasher.update(self.bytes(number, start..end));
                start = end;
            }
            ManifestLine {
                path: format!("{number}.iso"),
                sha256: hex::encode(hasher.finalize()),
                size: self.size.to_string(),
            }
        };
        Manifest((1..=self.count).map(line).collect())
    }

    pub(crate) fn entity(&self, number: u64) -> Entity {
        Entity {
            length: self.size,
            etag: format!("\"{number}-{}-{}\"", self.size, self.seed),
            last_modified: SystemTime::UNIX_EPOCH + LAST_MODIFIED,
            content_type: "application/octet-stream",
        }
    }

    pub(crate) fn body(self, number: u64, range: Range<u64>) -> AnswerBody {
        pieces(stream::unfold(range, move |left| async move {
            if left.is_empty() {
                return None;
            }
            let end = left.end.min(left.start + PIECE);
            Some((Ok(self.bytes(number, left.start..end)), end..left.end))
        }))
    }
}

/// The odd number of splitmix64, and its mixing step: fast, and any word by index.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(GOLDEN);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Manifests cost a hash of everything, so each is made once.
#[derive(Debug, Default)]
pub(crate) struct Manifests(Mutex<HashMap<GeneratedRepository, Arc<Bytes>>>);

impl Manifests {
    pub(crate) async fn of(&self, repository: GeneratedRepository) -> anyhow::Result<Bytes> {
        if let Some(made) = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&repository)
        {
            return Ok(made.as_ref().clone());
        }
        let text = tokio::task::spawn_blocking(move || repository.manifest().to_string()).await?;
        let made = Arc::new(Bytes::from(text));
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(all.entry(repository).or_insert(made).as_ref().clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPOSITORY: GeneratedRepository = GeneratedRepository {
        count: 3,
        size: 100_003,
        seed: 7,
    };

    #[test]
    fn a_name_is_read() {
        assert_eq!(
            GeneratedRepository::parse("3x100003@7").expect("a name"),
            REPOSITORY
        );
        assert_eq!(GeneratedRepository::parse("3x9").expect("a name").seed, 0);
        assert!(GeneratedRepository::parse("3").is_err());
        assert_eq!(REPOSITORY.file_number("3.iso"), Some(3));
        assert_eq!(REPOSITORY.file_number("4.iso"), None);
        assert_eq!(REPOSITORY.file_number("03.iso"), None);
    }

    #[test]
    fn any_range_is_a_part_of_the_whole() {
        let all = REPOSITORY.bytes(1, 0..REPOSITORY.size);
        assert_eq!(all.len(), 100_003);
        for range in [0..1, 5..23, 7..8, 99_990..100_003, 64..64] {
            let bounds = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
            assert_eq!(REPOSITORY.bytes(1, range), all[bounds]);
        }
        assert_ne!(all, REPOSITORY.bytes(2, 0..REPOSITORY.size));
    }

    #[test]
    fn the_manifest_tells_the_truth() {
        let manifest = REPOSITORY.manifest();
        let bytes = REPOSITORY.bytes(2, 0..REPOSITORY.size);
        assert_eq!(manifest.0[1], ManifestLine::of("2.iso", &bytes));
    }
}
