//! The files that a task was given, as a plugin reads them.

use std::path::Path;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use pith_db::artifact::Artifact;
use pith_storage::{Algorithm, Expected, Incoming, Sha256Digest};
use tokio::io::AsyncReadExt as _;

use crate::Services;
use crate::error::{Error, Result};
use crate::references::{HeldArtifact, References};
use crate::{ingest, signing};

/// So much of a file is taken in at a time.
const BLOCK: usize = 1 << 20;

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
    /// Services that may sign them.
    signing: Arc<[String]>,
}

/// What a plugin asks of a signing service.
#[derive(Clone, Debug)]
pub struct SignRequest {
    /// The file, by its number.
    pub index: usize,
    /// What the program sees it as.
    pub name: String,
    /// The PRN of a service.
    pub service: String,
    /// The fingerprint of the key, if it is not the service's own.
    pub key: Option<String>,
    /// The property of the program's answer that says where the signed file is.
    pub answer: String,
}

impl Inputs {
    /// These files.
    pub fn new(services: Services, references: Arc<References>, files: Vec<Input>) -> Self {
        Self {
            services,
            references,
            files: Arc::new(files),
            signing: Arc::default(),
        }
    }

    /// Lets them be signed by these services, and by no other.
    #[must_use]
    pub fn signing(self, allowed: Vec<String>) -> Self {
        Self {
            signing: allowed.into(),
            ..self
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
        self.open_artifact(artifact).await
    }

    /// Has a signing service write its signature into a file: the signed one, which is stored,
    /// and the public key that fits, if it is the service's own.
    pub async fn sign(&self, asked: &SignRequest) -> Result<(Reader, Option<String>)> {
        if !self.signing.contains(&asked.service) {
            return Err(Error::denied(format!(
                "no setting of the format `signing-service` holds {:?}",
                asked.service
            )));
        }
        if !signing::is_file_name(&asked.name) {
            return Err(Error::invalid(format!(
                "{:?} is no name of a file to be signed",
                asked.name
            )));
        }
        let unsigned = self.open(asked.index).await?;
        let file = (asked.name.as_str(), unsigned.bytes.as_ref());
        let key = asked.key.as_deref();
        let signed =
            signing::sign_within(&self.services, &asked.service, key, file, &asked.answer).await?;
        let incoming = self.take_in(&signed.path).await?;
        let store = self.services.store.as_ref();
        let rows = ingest::ingest(&self.services.database, store, vec![incoming]).await?;
        let artifact = {
            let mut connection = self.services.database.read().await?;
            pith_db::artifact::by_id(&mut connection, rows[0]).await?
        };
        let artifact = artifact.ok_or_else(|| Error::internal("a stored file has no row"))?;
        let reader = self.open_artifact(artifact).await?;
        Ok((reader, signed.public_key))
    }

    /// Copies a file into the store.
    async fn take_in(&self, path: &Path) -> Result<Incoming> {
        let unreadable = |error: std::io::Error| {
            Error::internal(format!("what was signed cannot be read: {error}"))
        };
        let mut file = tokio::fs::File::open(path).await.map_err(unreadable)?;
        let mut writer = self.services.store.create(&[]);
        loop {
            let mut block = BytesMut::with_capacity(BLOCK);
            if file.read_buf(&mut block).await.map_err(unreadable)? == 0 {
                break;
            }
            writer.write(block.freeze()).await?;
        }
        Ok(writer.finish(&Expected::nothing()).await?)
    }

    async fn open_artifact(&self, artifact: Artifact) -> Result<Reader> {
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
