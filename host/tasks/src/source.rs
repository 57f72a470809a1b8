//! Where the file of an upload task comes from, and how it gets into the store.

use pith_content::error::Error;
use pith_content::fetch_file::{LARGEST, fetch_file};
use pith_content::ingest::ingest;
use pith_content::upload;
use pith_db::artifact::{self, Artifact};
use pith_db::remote::Settings;
use pith_model::task::TaskError;
use pith_model::{ArtifactId, UploadId};
use pith_storage::{Digest, Expected};
use serde::{Deserialize, Serialize};

use crate::run::{Context, failed, failed_db, gone};

/// Where a file comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Row number of stored bytes.
    Artifact(i64),
    /// A file that came in chunks.
    Upload {
        /// Row number.
        id: i64,
        /// Whether it stays, for more imports.
        keep: bool,
        /// What the client said of it.
        expected: Expectation,
    },
    /// An address to fetch it from.
    Url {
        /// As of a remote; its `url` is the address.
        settings: Box<Settings>,
        /// What the client said of it.
        expected: Expectation,
    },
    /// There is none: what is made is made of parameters.
    Nowhere {},
}

/// The size and the digests that a client announced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectation {
    /// In bytes.
    pub size: Option<u64>,
    /// `sha256:…` and so on.
    pub digests: Vec<String>,
}

impl Expectation {
    fn expected(&self) -> Result<Expected, TaskError> {
        let digests: Result<Vec<Digest>, _> =
            self.digests.iter().map(|text| text.parse()).collect();
        Ok(Expected {
            digests: digests.map_err(|error| TaskError::new("invalid", error.to_string()))?,
            size: self.size,
        })
    }
}

impl Source {
    /// Brings the file into the store and gives its row, if there is a file.
    pub(crate) async fn artifact(&self, context: &Context) -> Result<Option<Artifact>, TaskError> {
        let services = &context.toolbox.services;
        let id = match self {
            Self::Nowhere {} => return Ok(None),
            Self::Artifact(id) => ArtifactId(*id),
            Self::Upload { id, expected, .. } => {
                let expected = expected.expected()?;
                let finished = upload::finish(services, UploadId(*id), &expected).await;
                finished.map_err(failed)?.artifact
            }
            Self::Url { settings, expected } => {
                let incoming = fetch_file(services, settings, &expected.expected()?, LARGEST)
                    .await
                    .map_err(failed)?;
                let rows = ingest(&services.database, &*services.store, vec![incoming]);
                let rows = rows.await.map_err(failed)?;
                rows.first()
                    .copied()
                    .ok_or_else(|| failed(Error::internal("a stored file has no row")))?
            }
        };
        let mut connection = services.database.read().await.map_err(failed_db)?;
        artifact::by_id(&mut connection, id)
            .await
            .map_err(failed_db)?
            .ok_or_else(|| gone("uploaded file"))
            .map(Some)
    }

    /// The upload that goes when the task succeeds.
    pub(crate) fn used_up(&self) -> Option<UploadId> {
        match self {
            Self::Upload {
                id, keep: false, ..
            } => Some(UploadId(*id)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_stored_file_is_written_as_its_number() {
        let source = Source::Artifact(7);
        assert_eq!(
            serde_json::to_value(&source).unwrap(),
            json!({"artifact": 7})
        );
        let nowhere = serde_json::to_value(Source::Nowhere {}).unwrap();
        assert_eq!(nowhere, json!({"nowhere": {}}));
    }
}
