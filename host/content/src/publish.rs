//! A publication in the making: files that become rows when the task succeeds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use pith_db::Connection;
use pith_db::publication::{self, PublishedFile};
use pith_model::{ArtifactId, PublicationId, VersionId, path};
use pith_storage::{Durable, Expected, Incoming, Writer};
use serde_json::Value;
use uuid::Uuid;

use crate::Services;
use crate::error::{Error, Result};
use crate::ingest;
use crate::references::References;

/// More files than any format's indexes have.
const MAX_FILES: usize = 200_000;

/// A link as a plugin gives it.
#[derive(Clone, Debug)]
pub struct Link {
    /// Relative to the publication's root.
    pub path: String,
    /// A reference: a finished file, or a unit's artifact.
    pub artifact: u64,
    /// For the client.
    pub media_type: Option<String>,
}

/// A finished file.
#[derive(Clone, Debug)]
pub struct Written {
    /// A reference for [`Link`].
    pub artifact: u64,
    /// `sha256:…`
    pub digest: String,
    /// In bytes.
    pub size: u64,
}

/// What a link leads to.
#[derive(Clone, Copy, Debug)]
enum Target {
    Stored(ArtifactId),
    New([u8; 32]),
}

#[derive(Default)]
struct State {
    finished: HashMap<u64, [u8; 32]>,
    incoming: Vec<Incoming>,
    links: HashMap<String, (Target, Option<String>)>,
    pass_through: bool,
}

/// A publication in the making; cheap to clone.
#[derive(Clone)]
pub struct PublicationDraft {
    services: Services,
    references: Arc<References>,
    state: Arc<Mutex<State>>,
}

impl std::fmt::Debug for PublicationDraft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PublicationDraft").finish_non_exhaustive()
    }
}

/// A file in the making.
pub struct FileDraft {
    writer: Option<Box<dyn Writer>>,
    publication: PublicationDraft,
}

impl std::fmt::Debug for FileDraft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileDraft").finish_non_exhaustive()
    }
}

impl FileDraft {
    /// Adds bytes at the end.
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let writer = self.writer.as_mut().ok_or_else(finished)?;
        Ok(writer.write(bytes).await?)
    }

    /// Ends the file.
    pub async fn finish(&mut self) -> Result<Written> {
        let writer = self.writer.take().ok_or_else(finished)?;
        let incoming = writer.finish(&Expected::nothing()).await?;
        self.publication.keep(incoming)
    }
}

fn finished() -> Error {
    Error::invalid("the file was finished already")
}

impl PublicationDraft {
    /// An empty one.
    pub fn new(services: Services, references: Arc<References>) -> Self {
        Self {
            services,
            references,
            state: Arc::default(),
        }
    }

    /// Begins a file.
    pub fn create(&self) -> FileDraft {
        FileDraft {
            writer: Some(self.services.store.create(&[])),
            publication: self.clone(),
        }
    }

    fn keep(&self, incoming: Incoming) -> Result<Written> {
        let reference = self.references.mint_artifact(None);
        let written = Written {
            artifact: reference,
            digest: format!("sha256:{}", incoming.sha256()),
            size: incoming.size(),
        };
        let mut state = self.state.lock().expect("nobody panics while holding it");
        if state.incoming.len() >= MAX_FILES {
            return Err(Error::limit(format!(
                "a publication has at most {MAX_FILES} files of its own"
            )));
        }
        state.finished.insert(reference, incoming.sha256().0);
        state.incoming.push(incoming);
        Ok(written)
    }

    /// Puts files at paths; the last link to a path counts.
    pub fn link(&self, links: Vec<Link>) -> Result<()> {
        let mut state = self.state.lock().expect("nobody panics while holding it");
        for link in links {
            if let Some(problem) = path::problem(&link.path) {
                return Err(Error::invalid(format!(
                    "the path {:?} {problem}",
                    link.path
                )));
            }
            let target = match state.finished.get(&link.artifact) {
                Some(digest) => Target::New(*digest),
                None => Target::Stored(self.references.artifact(link.artifact)?.id),
            };
            state.links.insert(link.path, (target, link.media_type));
            if state.links.len() > MAX_FILES {
                return Err(Error::limit(format!(
                    "a publication has at most {MAX_FILES} files of its own"
                )));
            }
        }
        Ok(())
    }

    /// Serves every unit's artifacts at their own paths too.
    pub fn pass_through(&self) {
        self.state
            .lock()
            .expect("nobody panics while holding it")
            .pass_through = true;
    }

    /// Makes the files durable; the rest is rows.
    pub async fn finish(self) -> Result<Finished> {
        let state =
            std::mem::take(&mut *self.state.lock().expect("nobody panics while holding it"));
        let durable = if state.incoming.is_empty() {
            Durable::nothing()
        } else {
            self.services.store.keep(state.incoming).await?
        };
        Ok(Finished {
            services: self.services,
            durable,
            links: state.links,
            pass_through: state.pass_through,
        })
    }
}

/// A publication whose files survive a power loss and which is not visible yet.
pub struct Finished {
    services: Services,
    durable: Durable,
    links: HashMap<String, (Target, Option<String>)>,
    pass_through: bool,
}

impl std::fmt::Debug for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Finished")
            .field("files", &self.links.len())
            .finish_non_exhaustive()
    }
}

impl Finished {
    /// The host's own publication: every unit at its own paths, and nothing else.
    pub fn pass_through(services: Services) -> Self {
        Self {
            services,
            durable: Durable::nothing(),
            links: HashMap::new(),
            pass_through: true,
        }
    }

    /// Makes it visible in the caller's transaction.
    pub async fn publish(
        &self,
        connection: &mut Connection,
        plugin: &str,
        type_name: &str,
        version: VersionId,
        config: &Value,
    ) -> Result<(PublicationId, Uuid)> {
        let rows = ingest::insert(connection, self.services.store.as_ref(), &self.durable).await?;
        let files = self
            .links
            .iter()
            .map(|(path, (target, media_type))| {
                let artifact = match target {
                    Target::Stored(id) => *id,
                    Target::New(digest) => *rows
                        .get(digest)
                        .ok_or_else(|| Error::internal("a published file has no row"))?,
                };
                Ok(PublishedFile {
                    path: path.clone(),
                    artifact,
                    media_type: media_type.clone(),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let made = publication::insert(
            connection,
            plugin,
            type_name,
            version,
            self.pass_through,
            config,
            &files,
        )
        .await?;
        pith_db::served::raise_epoch(connection).await?;
        Ok(made)
    }
}
