//! The files that a task was given, as a plugin reads them.

use std::sync::Arc;

use bytes::Bytes;
use pith_db::artifact::Artifact;
use pith_storage::{Algorithm, Sha256Digest};

use crate::Services;
use crate::error::{Error, Result};
use crate::references::{HeldArtifact, References};

/// A file with its name.
#[derive(Clone, Debug)]
pub struct Input {
    /// As the client gave it.
    pub name: String,
    /// The stored bytes.
    pub artifact: Artifact,
}

/// The files of one task.
#[derive(Clone, Debug)]
pub struct Inputs {
    services: Services,
    references: Arc<References>,
    files: Arc<Vec<Input>>,
}

impl Inputs {
    /// These files.
    pub fn new(services: Services, references: Arc<References>, files: Vec<Input>) -> Self {
        Self {
            services,
            references,
            files: Arc::new(files),
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.files.len()
    }

    fn get(&self, index: usize) -> Result<&Input> {
        self.files.get(index).ok_or_else(|| {
            Error::invalid(format!(
                "there is no file {index}; there are {}",
                self.files.len()
            ))
        })
    }

    /// A file's name.
    pub fn name(&self, index: usize) -> Result<&str> {
        Ok(&self.get(index)?.name)
    }

    /// Opens a file.
    pub async fn open(&self, index: usize) -> Result<Reader> {
        let artifact = self.get(index)?.artifact.clone();
        let sha256 = Sha256Digest(
            artifact
                .sha256
                .as_slice()
                .try_into()
                .map_err(|_| Error::internal("a digest of another length"))?,
        );
        let size = u64::try_from(artifact.size).unwrap_or(0);
        let reference = self.references.mint_artifact(Some(HeldArtifact {
            id: artifact.id,
            sha256: sha256.0,
            size,
        }));
        Ok(Reader {
            bytes: self.services.store.open(&sha256).await?,
            reference,
            size,
            artifact,
        })
    }
}

/// Stored bytes, open for a plugin.
pub struct Reader {
    bytes: Arc<dyn pith_storage::Reader>,
    reference: u64,
    size: u64,
    artifact: Artifact,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("artifact", &self.artifact.uuid)
            .finish_non_exhaustive()
    }
}

impl Reader {
    /// The reference by which a draft can name these bytes.
    pub fn artifact(&self) -> u64 {
        self.reference
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// A digest, computed now unless it is known.
    pub async fn digest(&self, algorithm: &str) -> Result<String> {
        let algorithm: Algorithm = algorithm
            .parse()
            .map_err(|error: pith_storage::DigestError| Error::invalid(error.to_string()))?;
        let known = match algorithm {
            Algorithm::Md5 => self.artifact.md5.clone(),
            Algorithm::Sha1 => self.artifact.sha1.clone(),
            Algorithm::Sha224 => self.artifact.sha224.clone(),
            Algorithm::Sha256 => Some(self.artifact.sha256.clone()),
            Algorithm::Sha384 => self.artifact.sha384.clone(),
            Algorithm::Sha512 => self.artifact.sha512.clone(),
        };
        if let Some(known) = known {
            return Ok(format!("{algorithm}:{}", hex::encode(known)));
        }
        let mut hasher = pith_storage::MultiHasher::new(&[algorithm]);
        let mut offset = 0;
        while offset < self.size {
            let bytes = self.bytes.read_at(offset, 1 << 20).await?;
            if bytes.is_empty() {
                break;
            }
            offset += bytes.len() as u64;
            hasher.update(&bytes);
        }
        let digests = hasher.finish();
        let digest = digests
            .get(algorithm)
            .ok_or_else(|| Error::internal("a digest was not computed"))?;
        Ok(format!("{algorithm}:{}", hex::encode(digest)))
    }

    /// Reads at an offset; fewer bytes only at the end.
    pub async fn read_at(&self, offset: u64, length: usize) -> Result<Bytes> {
        if offset >= self.size {
            return Ok(Bytes::new());
        }
        Ok(self.bytes.read_at(offset, length.min(1 << 20)).await?)
    }
}
