//! The way in: a plugin stages drafts and goes on parsing while the pipeline behind it
//! finds what is there already, fetches, stores and inserts.
//!
//! The stages are tasks joined by short channels, so that a slow one holds up the ones
//! before it and memory stays bounded: at most a few thousand drafts are on their way.

mod download;
mod draft;
mod existing;
mod fields;
mod insert;
mod lookup;
mod pack;
mod recall;
mod renew;

use std::sync::Arc;

use pith_model::RemoteId;
use pith_model::remote::Policy;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

pub(crate) use download::store as store_body;
pub use draft::{ArtifactDraft, Source, UnitDraft};
pub use recall::Sighting;
pub use renew::Renewal;

use crate::Services;
use crate::error::{Error, Result};
use crate::fetch::Remote;
use crate::progress::Progress;
use crate::references::References;
use crate::types::Type;

/// More drafts in one call are refused.
pub const MAX_DRAFTS: usize = 1000;

/// Batches that may wait between two stages: the next begins while one is done.
const CHANNEL: usize = 1;

/// Batches that may wait to become rows, which they do together.
const TOGETHER: usize = 5;

/// Where bytes come from, and when.
#[derive(Clone, Debug)]
pub struct Origin {
    /// What fetches.
    pub remote: Remote,
    /// Its row.
    pub id: RemoteId,
    /// Now, or on first use.
    pub policy: Policy,
}

/// What the stages share.
#[derive(Clone, Debug)]
struct Context {
    services: Services,
    plugin: Arc<str>,
    references: Arc<References>,
    origin: Option<Arc<Origin>>,
    progress: Progress,
}

impl Context {
    /// A content type of this plugin, by its short name.
    fn checked(&self, content_type: &str) -> Result<Arc<Type>> {
        let name = format!("{}.{content_type}", self.plugin);
        let kind = self.services.types.checked(&name);
        kind.ok_or_else(|| Error::invalid(format!("there is no content type {name:?}")))
    }
}

/// The staging of one call; cheap to clone.
#[derive(Clone, Debug)]
pub struct Staging {
    context: Context,
    entry: Arc<Mutex<Option<mpsc::Sender<Vec<draft::Checked>>>>>,
    stages: Arc<Mutex<JoinSet<Result<()>>>>,
}

impl Staging {
    /// Starts the stages.
    pub fn start(
        services: Services,
        plugin: &str,
        references: Arc<References>,
        origin: Option<Origin>,
        progress: Progress,
    ) -> Self {
        let context = Context {
            services,
            plugin: plugin.into(),
            references,
            origin: origin.map(Arc::new),
            progress,
        };
        let (entry, checked) = mpsc::channel(CHANNEL);
        let (found, looked_up) = mpsc::channel(CHANNEL);
        let (fetched, downloaded) = mpsc::channel(CHANNEL);
        let (stored, durable) = mpsc::channel(TOGETHER);
        let mut stages = JoinSet::new();
        stages.spawn(lookup::run(context.clone(), checked, found));
        stages.spawn(download::run(context.clone(), looked_up, fetched));
        stages.spawn(insert::store(context.clone(), downloaded, stored));
        stages.spawn(insert::run(context.clone(), durable));
        Self {
            context,
            entry: Arc::new(Mutex::new(Some(entry))),
            stages: Arc::new(Mutex::new(stages)),
        }
    }

    /// Takes drafts; their references, in order. Waits while the pipeline is full.
    ///
    /// # Errors
    /// What is wrong with a draft; none of this call's drafts is taken then. Or what made
    /// the pipeline fail, which is what the task will fail with.
    pub async fn put(&self, drafts: Vec<UnitDraft>) -> Result<Vec<u64>> {
        if drafts.len() > MAX_DRAFTS {
            return Err(Error::limit(format!(
                "{} drafts were staged at once; at most {MAX_DRAFTS} are taken",
                drafts.len()
            )));
        }
        let count = drafts.len();
        if count == 0 {
            return Ok(Vec::new());
        }
        let mut checked = drafts
            .into_iter()
            .map(|draft| draft::check(&self.context, draft))
            .collect::<Result<Vec<_>>>()?;
        let first = self.context.references.mint_pending(count);
        let references: Vec<u64> = (first..).take(count).collect();
        for (draft, reference) in checked.iter_mut().zip(&references) {
            draft.reference = *reference;
        }
        let entry = self.entry.lock().await.clone();
        let Some(entry) = entry else {
            return Err(Error::invalid("staging is closed already"));
        };
        if entry.send(checked).await.is_err() {
            // A stage has ended early: its reason is the one to tell.
            return Err(self
                .finish()
                .await
                .err()
                .unwrap_or_else(|| Error::internal("the staging pipeline stopped")));
        }
        Ok(references)
    }

    /// Waits until everything staged is in the database.
    ///
    /// # Errors
    /// The first failure of any stage.
    pub async fn finish(&self) -> Result<()> {
        drop(self.entry.lock().await.take());
        let mut stages = self.stages.lock().await;
        let mut result = Ok(());
        while let Some(ended) = stages.join_next().await {
            let ended = ended.unwrap_or_else(|error| {
                tracing::error!(%error, "a stage of the pipeline panicked: {error}");
                Err(Error::internal(
                    "a stage of the staging pipeline broke; the server's log says why",
                ))
            });
            if result.is_ok() {
                result = ended;
            }
        }
        result
    }
}
