//! A publication in the making: files that become rows when the task succeeds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use pith_db::Connection;
use pith_db::publication::{self, Published, PublishedFile, PublishedUnit};
use pith_db::template::Template;
use pith_model::{ArtifactId, PublicationId, VersionId, path};
use pith_storage::{Algorithm, Digests, Durable, Expected, Incoming, Reader, Sha256Digest, Writer};
use serde_json::Value;
use uuid::Uuid;

use crate::Services;
use crate::encode::{Encoder, Encoding, Plain};
use crate::error::{Error, Result};
use crate::ingest;
use crate::references::References;
use crate::signing;
use crate::splice::{self, Strand};
use crate::view::{Query, View};

/// More files than any format's indexes have.
const MAX_FILES: usize = 200_000;

/// More packages than any repository has; each costs some 200 bytes of memory.
const MAX_UNIT_LINKS: usize = 2_000_000;

/// More texts than any format has for a client's configuration.
const MAX_TEMPLATES: usize = 20;

/// The bytes of all of them.
const MAX_TEMPLATE_BYTES: usize = 256 << 10;

/// Units that are looked up together.
const TOGETHER: usize = 1_000;

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
    /// `sha256:…`, and what else was asked for.
    pub digests: Vec<String>,
    /// In bytes.
    pub size: u64,
    /// The same of what was written, before it was encoded.
    pub plain_digests: Vec<String>,
    /// In bytes.
    pub plain_size: u64,
}

/// A link to a unit's artifact, as a plugin gives it.
#[derive(Clone, Debug)]
pub struct UnitLink {
    /// Relative to the publication's root.
    pub path: String,
    /// A reference.
    pub unit: u64,
    /// The artifact's own path.
    pub artifact: String,
}

/// A signature and a key, as references.
#[derive(Clone, Copy, Debug)]
pub struct Signed {
    /// Detached.
    pub signature: u64,
    /// The public one.
    pub key: u64,
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
    /// By path: a unit and its artifact's own path.
    unit_links: HashMap<Box<str>, (u64, Box<str>)>,
    templates: Vec<Template>,
    pass_through: bool,
}

/// A publication in the making; cheap to clone.
#[derive(Clone)]
pub struct PublicationDraft {
    services: Services,
    references: Arc<References>,
    /// The signing services that its settings name.
    signing_services: Arc<[String]>,
    state: Arc<Mutex<State>>,
}

impl std::fmt::Debug for PublicationDraft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PublicationDraft").finish_non_exhaustive()
    }
}

/// A file in the making.
pub struct FileDraft {
    open: Option<Open>,
    algorithms: Vec<Algorithm>,
    publication: PublicationDraft,
}

/// What a file in the making is written with.
struct Open {
    writer: Box<dyn Writer>,
    encoder: Encoder,
}

impl std::fmt::Debug for FileDraft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileDraft").finish_non_exhaustive()
    }
}

impl FileDraft {
    /// Adds bytes at the end.
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        // An error ends the file: what was taken of the bytes is not known then.
        let Open {
            mut writer,
            mut encoder,
        } = self.open.take().ok_or_else(finished)?;
        let encoding = tokio::task::spawn_blocking(move || {
            let encoded = encoder.take(&bytes)?;
            Ok::<_, Error>((encoder, encoded))
        });
        let (encoder, encoded) = encoding
            .await
            .map_err(|_| Error::internal("encoding a file broke"))??;
        if !encoded.is_empty() {
            writer.write(encoded).await?;
        }
        self.open = Some(Open { writer, encoder });
        Ok(())
    }

    /// Adds these fragments of every unit that is found; how many units those were.
    pub async fn append(
        &mut self,
        content: &View,
        query: &Query,
        fragments: &[String],
    ) -> Result<u64> {
        let units = content.ids(query).await?;
        for batch in units.chunks(splice::READ) {
            let bytes = splice::gather(&self.publication.services, batch, fragments).await?;
            self.write(bytes.into()).await?;
        }
        Ok(units.len() as u64)
    }

    /// Ends the file.
    pub async fn finish(&mut self) -> Result<Written> {
        let Open {
            mut writer,
            encoder,
        } = self.open.take().ok_or_else(finished)?;
        let (rest, plain) = encoder.finish()?;
        writer.write(rest).await?;
        let incoming = writer.finish(&Expected::nothing()).await?;
        self.publication.keep(incoming, &self.algorithms, &plain)
    }
}

/// The SHA-256, and then these, as text.
fn texts(digests: &Digests, algorithms: &[Algorithm]) -> Vec<String> {
    std::iter::once(Algorithm::Sha256)
        .chain(algorithms.iter().copied())
        .filter_map(|algorithm| {
            let bytes = digests.get(algorithm)?;
            Some(format!("{algorithm}:{}", hex::encode(bytes)))
        })
        .collect()
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
            signing_services: Arc::default(),
            state: Arc::default(),
        }
    }

    /// Lets it be signed by these services, and by no other.
    #[must_use]
    pub fn signed_by(self, services: impl IntoIterator<Item = String>) -> Self {
        Self {
            signing_services: services.into_iter().collect(),
            ..self
        }
    }

    /// Begins a file.
    pub fn create(&self, encoding: Encoding) -> Result<FileDraft> {
        let open = Open {
            writer: self.services.store.create(&encoding.algorithms),
            encoder: Encoder::new(&encoding)?,
        };
        Ok(FileDraft {
            open: Some(open),
            algorithms: encoding.algorithms,
            publication: self.clone(),
        })
    }

    /// Makes a file of each strand in one pass over the units that are found.
    pub async fn splice(
        &self,
        content: &View,
        query: &Query,
        strands: Vec<Strand>,
    ) -> Result<Vec<Written>> {
        let algorithms: Vec<Vec<Algorithm>> = strands
            .iter()
            .map(|strand| strand.encoding.algorithms.clone())
            .collect();
        let units = content.ids(query).await?;
        let files = splice::run(&self.services, &units, strands).await?;
        files
            .into_iter()
            .zip(algorithms)
            .map(|((incoming, plain), algorithms)| self.keep(incoming, &algorithms, &plain))
            .collect()
    }

    fn keep(&self, incoming: Incoming, algorithms: &[Algorithm], plain: &Plain) -> Result<Written> {
        let reference = self.references.mint_artifact(None);
        let written = Written {
            artifact: reference,
            digests: texts(incoming.digests(), algorithms),
            size: incoming.size(),
            plain_digests: texts(&plain.digests, algorithms),
            plain_size: plain.size,
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

    /// Has a finished file signed.
    pub async fn sign(&self, artifact: u64, name: &str, service: &str) -> Result<Signed> {
        if !self.signing_services.iter().any(|one| one == service) {
            return Err(Error::denied(format!(
                "the settings name no signing service {service:?}"
            )));
        }
        if name.contains('/') || path::problem(name).is_some() {
            return Err(Error::invalid(format!("{name:?} is no name of a file")));
        }
        let file = self.open(artifact).await?;
        let signed = signing::sign(&self.services, service, name, file.as_ref()).await?;
        Ok(Signed {
            signature: self.write_whole(signed.signature).await?,
            key: self.write_whole(signed.public_key.into()).await?,
        })
    }

    async fn open(&self, artifact: u64) -> Result<Arc<dyn Reader>> {
        let made = {
            let state = self.state.lock().expect("nobody panics while holding it");
            let digest = state.finished.get(&artifact);
            let mut incoming = state.incoming.iter();
            digest.and_then(|digest| {
                let file = incoming.find(|file| file.sha256().0 == *digest)?;
                Some(file.open())
            })
        };
        match made {
            Some(file) => Ok(file?),
            None => {
                let held = self.references.artifact(artifact)?;
                Ok(self.services.store.open(&Sha256Digest(held.sha256)).await?)
            }
        }
    }

    /// A file of these bytes; a reference to it.
    async fn write_whole(&self, bytes: Vec<u8>) -> Result<u64> {
        let mut file = self.create(Encoding::default())?;
        file.write(bytes.into()).await?;
        Ok(file.finish().await?.artifact)
    }

    /// Puts artifacts of units at paths; the last link to a path counts.
    pub fn link_units(&self, links: Vec<UnitLink>) -> Result<()> {
        let mut state = self.state.lock().expect("nobody panics while holding it");
        for link in links {
            if let Some(problem) = path::problem(&link.path) {
                let path = link.path;
                return Err(Error::invalid(format!("the path {path:?} {problem}")));
            }
            self.references.check(&[link.unit])?;
            let target = (link.unit, link.artifact.into());
            state.unit_links.insert(link.path.into(), target);
            if state.unit_links.len() > MAX_UNIT_LINKS {
                return Err(Error::limit(format!(
                    "a publication has at most {MAX_UNIT_LINKS} units at other paths than their own"
                )));
            }
        }
        Ok(())
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

    /// Leaves a text whose gaps are filled in for each distribution.
    pub fn fill(&self, template: Template) -> Result<()> {
        if let Some(problem) = path::problem(&template.path) {
            let path = template.path;
            return Err(Error::invalid(format!("the path {path:?} {problem}")));
        }
        let mut state = self.state.lock().expect("nobody panics while holding it");
        state.templates.retain(|other| other.path != template.path);
        state.templates.push(template);
        let length: usize = state.templates.iter().map(|one| one.body.len()).sum();
        if state.templates.len() > MAX_TEMPLATES || length > MAX_TEMPLATE_BYTES {
            return Err(Error::limit(format!(
                "a publication has at most {MAX_TEMPLATES} texts with gaps, and {MAX_TEMPLATE_BYTES} bytes of them"
            )));
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
        let units = self.find_units(state.unit_links).await?;
        Ok(Finished {
            services: self.services,
            durable,
            links: state.links,
            units,
            templates: state.templates,
            pass_through: state.pass_through,
        })
    }

    /// The rows of units' artifacts that are linked.
    async fn find_units(
        &self,
        links: HashMap<Box<str>, (u64, Box<str>)>,
    ) -> Result<Vec<PublishedUnit>> {
        let mut links: Vec<_> = links.into_iter().collect();
        links.sort_unstable_by_key(|(_, (unit, _))| *unit);
        let mut found = Vec::with_capacity(links.len());
        let mut connection = self.services.database.read().await?;
        for links in links.chunks(TOGETHER) {
            let unit = |reference: u64| {
                let unit = self.references.unit(reference);
                unit.ok_or_else(|| Error::invalid("a unit was linked that was never stored"))
            };
            let ids = links.iter().map(|(_, (reference, _))| unit(*reference));
            let ids = ids.collect::<Result<Vec<_>>>()?;
            let rows = publication::unit_artifacts(&mut connection, &ids).await?;
            for (id, (path, (_, artifact))) in ids.iter().zip(links) {
                let row = rows.get(id).into_iter().flatten();
                let row = row.into_iter().find(|(own, _)| **own == **artifact);
                let (_, unit_artifact) = row.ok_or_else(|| {
                    Error::invalid(format!(
                        "a unit that was linked has no artifact {artifact:?}"
                    ))
                })?;
                found.push(PublishedUnit {
                    path: path.to_string(),
                    unit_artifact: *unit_artifact,
                });
            }
        }
        Ok(found)
    }
}

/// A publication whose files survive a power loss and which is not visible yet.
pub struct Finished {
    services: Services,
    durable: Durable,
    links: HashMap<String, (Target, Option<String>)>,
    units: Vec<PublishedUnit>,
    templates: Vec<Template>,
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
            units: Vec::new(),
            templates: Vec::new(),
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
            &Published {
                files: &files,
                units: &self.units,
                templates: &self.templates,
            },
        )
        .await?;
        pith_db::served::raise_epoch(connection).await?;
        Ok(made)
    }
}
