//! Fetch-through: bytes that are upstream are fetched when a client asks, once for all
//! who ask meanwhile, and read while they arrive.
//!
//! Whoever serves them must not send the last byte before [`Pull::verified`] returned:
//! that is what makes a bad upstream never end as a clean answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use pith_db::{remote, remote_artifact, unit};
use pith_model::remote::Policy;
use pith_model::{RemoteId, Timestamp};
use pith_storage::{Expected, Growing, Writer};
use tokio::sync::OnceCell;

use crate::Services;
use crate::error::{Code, Error, Result};
use crate::fetch::{Body, Client, Request, parse_url};
use crate::ingest;

/// The largest file that is fetched when its size was not announced: 1 TiB.
const MAX_UNANNOUNCED: u64 = 1 << 40;

/// More clients than this are of remotes that nobody uses any more.
const MAX_CLIENTS: usize = 1000;

/// A file on its way.
#[derive(Debug)]
pub struct Pull {
    /// Its bytes as they arrive.
    pub bytes: Growing,
    /// In bytes, where known before the end.
    pub size: Option<u64>,
    /// The digest, where the upstream's index gave it.
    pub sha256: Option<[u8; 32]>,
}

impl Pull {
    /// Waits until all bytes have come and were found right; their number.
    pub async fn verified(&self) -> Result<u64> {
        Ok(self.bytes.ended().await?)
    }
}

/// A pull that is being begun, or is under way; nothing where the bytes were stored before
/// it could begin.
type Entry = Arc<OnceCell<Option<Arc<Pull>>>>;

/// What is on its way in this process; cheap to clone.
#[derive(Clone, Default)]
pub struct Pulls {
    running: Arc<Mutex<HashMap<i64, Entry>>>,
    clients: Arc<Mutex<HashMap<RemoteId, (Timestamp, Client)>>>,
}

impl std::fmt::Debug for Pulls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pulls").finish_non_exhaustive()
    }
}

impl Pulls {
    /// Joins the pull of a unit's artifact, or begins it. Returns when the upstream has
    /// answered and its bytes begin to arrive; nothing where another pull has ended and
    /// stored them since the caller looked.
    pub async fn join(&self, services: &Services, unit_artifact: i64) -> Result<Option<Arc<Pull>>> {
        let entry = {
            let mut running = self.running.lock().expect("nobody panics while holding it");
            Arc::clone(running.entry(unit_artifact).or_default())
        };
        let begun = entry
            .get_or_try_init(|| self.begin(services, unit_artifact, &entry))
            .await
            .cloned();
        if !matches!(begun, Ok(Some(_))) {
            self.forget(unit_artifact, &entry);
        }
        begun
    }

    fn forget(&self, unit_artifact: i64, entry: &Entry) {
        let mut running = self.running.lock().expect("nobody panics while holding it");
        if running
            .get(&unit_artifact)
            .is_some_and(|found| Arc::ptr_eq(found, entry))
        {
            running.remove(&unit_artifact);
        }
    }

    async fn begin(
        &self,
        services: &Services,
        unit_artifact: i64,
        entry: &Entry,
    ) -> Result<Option<Arc<Pull>>> {
        let mut connection = services.database.read().await?;
        // A pull is forgotten only after its bytes are stored: who comes later sees them here.
        if unit::is_stored(&mut connection, unit_artifact).await? {
            return Ok(None);
        }
        let sources = remote_artifact::sources(&mut connection, unit_artifact).await?;
        let mut failed = Error::not_found("no remote has these bytes any more");
        for source in sources {
            let Some(row) = remote::by_id(&mut connection, source.remote).await? else {
                continue;
            };
            let expected = expected(&source)?;
            match self.open(services, &row, &source, &expected).await {
                Ok(body) => {
                    let policy = Policy::parse(&row.settings.policy).unwrap_or(Policy::OnDemand);
                    let pull = self.spawn(services, unit_artifact, entry, body, expected, policy);
                    return Ok(Some(pull));
                }
                Err(error) => {
                    tracing::warn!(%error, "fetch-through failed: {error}");
                    failed = error;
                }
            }
        }
        Err(failed)
    }

    async fn open(
        &self,
        services: &Services,
        row: &remote::Remote,
        source: &remote_artifact::Source,
        expected: &Expected,
    ) -> Result<Body> {
        let client = self.client(services, row)?;
        let mut failed = Error::not_found("the remote gives no address for these bytes");
        for url in &source.urls {
            let mut request =
                Request::get(parse_url(url)?, expected.size.unwrap_or(MAX_UNANNOUNCED));
            request.size = expected.size;
            match client.open(request).await {
                Ok(body) => return Ok(body),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// One client a remote, made anew when the remote changes.
    fn client(&self, services: &Services, row: &remote::Remote) -> Result<Client> {
        let mut clients = self.clients.lock().expect("nobody panics while holding it");
        if let Some((updated, client)) = clients.get(&row.id)
            && *updated == row.pulp_last_updated
        {
            return Ok(client.clone());
        }
        if clients.len() >= MAX_CLIENTS {
            clients.clear();
        }
        let client = Client::new(services, row)?;
        clients.insert(row.id, (row.pulp_last_updated, client.clone()));
        Ok(client)
    }

    /// Fetches on its own: a client that goes away does not end it for the others.
    fn spawn(
        &self,
        services: &Services,
        unit_artifact: i64,
        entry: &Entry,
        body: Body,
        expected: Expected,
        policy: Policy,
    ) -> Arc<Pull> {
        let mut writer = services.store.create(&expected.algorithms());
        let announced = body
            .header("content-length")
            .and_then(|text| text.parse().ok());
        let pull = Arc::new(Pull {
            bytes: writer.reader(),
            size: expected.size.or(announced),
            sha256: expected.digests.iter().find_map(|digest| {
                (digest.algorithm() == pith_storage::Algorithm::Sha256)
                    .then(|| digest.as_bytes().try_into().ok())
                    .flatten()
            }),
        });
        let (services, pulls, entry) = (services.clone(), self.clone(), Arc::clone(entry));
        tokio::spawn(async move {
            let result = finish(&services, unit_artifact, writer, body, &expected, policy).await;
            if let Err(error) = result {
                tracing::warn!(%error, "fetch-through failed: {error}");
            }
            pulls.forget(unit_artifact, &entry);
        });
        pull
    }
}

fn expected(source: &remote_artifact::Source) -> Result<Expected> {
    let digests = source
        .digests
        .iter()
        .filter(|text| !text.is_empty())
        .map(|text| {
            text.parse()
                .map_err(|_| Error::internal("a remote's digest cannot be read"))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Expected {
        digests,
        size: source.size.and_then(|size| u64::try_from(size).ok()),
    })
}

async fn finish(
    services: &Services,
    unit_artifact: i64,
    mut writer: Box<dyn Writer>,
    mut body: Body,
    expected: &Expected,
    policy: Policy,
) -> Result<()> {
    let url = body.url().to_owned();
    loop {
        let chunk = body.chunk().await?;
        if chunk.is_empty() {
            break;
        }
        writer.write(chunk).await?;
    }
    let incoming = writer.finish(expected).await.map_err(|error| {
        let error = Error::from(error);
        match error.code {
            Code::Invalid => Error::upstream(format!("GET {url}: {error}")),
            _ => error,
        }
    })?;
    if policy == Policy::Streamed {
        return Ok(());
    }
    let durable = services.store.keep(vec![incoming]).await?;
    let mut transaction = services.database.write_durably().await?;
    let rows = ingest::insert(&mut transaction, services.store.as_ref(), &durable).await?;
    let artifacts: Vec<_> = rows.values().map(|id| (unit_artifact, *id)).collect();
    unit::set_artifact(&mut transaction, artifacts).await?;
    Ok(transaction.commit().await?)
}
