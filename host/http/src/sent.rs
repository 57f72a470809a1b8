//! A file that came with a request, perhaps one to a plugin's route: kept once content is made of
//! it and all else is checked, and gone with the request otherwise.

use pith_content::ingest::ingest;
use pith_db::artifact;
use pith_model::reference::Kind;
use pith_model::{ArtifactId, Root};
use pith_storage::Incoming;
use pith_tasks::work::Expectation;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::app::App;
use crate::error::{Error, Result};
use crate::form::Form;
use crate::receive::{self, ReceivedFile};

/// The file.
#[derive(Debug)]
pub(crate) struct SentFile {
    name: String,
    href: String,
    bytes: Mutex<Bytes>,
}

/// Where its bytes are.
#[derive(Debug)]
enum Bytes {
    /// Not kept yet.
    Incoming(Box<Incoming>),
    /// In the store.
    Kept(ArtifactId),
    /// Nowhere: they could not be kept.
    Lost,
}

impl From<ReceivedFile> for SentFile {
    fn from(file: ReceivedFile) -> Self {
        let (root, artifacts) = (Root::default(), Kind::Artifact.collection());
        Self {
            name: file.name,
            href: format!("{}{artifacts}/{}/", root.path(), Uuid::now_v7()),
            bytes: Mutex::new(Bytes::Incoming(Box::new(file.incoming))),
        }
    }
}

impl SentFile {
    /// As the client called it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What a plugin names it by where an artifact is expected. There is none of that name.
    pub(crate) fn href(&self) -> &str {
        &self.href
    }

    /// Compares it with what was announced; what does not match is noted.
    pub(crate) async fn compare(
        &self,
        app: &App,
        form: &mut Form,
        announced: &Expectation,
    ) -> Result<()> {
        match &*self.bytes.lock().await {
            Bytes::Incoming(incoming) => receive::compare(form, announced, incoming).await?,
            Bytes::Kept(id) => {
                let mut connection = app.database.read().await?;
                let artifact = artifact::by_id(&mut connection, *id).await?;
                let artifact = artifact.ok_or_else(Error::not_found)?;
                receive::compare_stored(form, announced, &artifact);
            }
            Bytes::Lost => {}
        }
        Ok(())
    }

    /// Keeps it, unless an earlier call did.
    pub(crate) async fn keep(&self, app: &App) -> Result<ArtifactId> {
        let mut bytes = self.bytes.lock().await;
        let id = match std::mem::replace(&mut *bytes, Bytes::Lost) {
            Bytes::Incoming(incoming) => {
                let rows = ingest(&app.database, &*app.store, vec![*incoming]).await?;
                rows.first().copied().ok_or_else(Error::not_found)?
            }
            Bytes::Kept(id) => id,
            Bytes::Lost => return Err(Error::not_found()),
        };
        *bytes = Bytes::Kept(id);
        Ok(id)
    }
}
