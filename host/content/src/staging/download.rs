//! Second stage: what has to be fetched now is fetched, many at once.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use pith_storage::{Expected, Incoming, SmallBody};
use tokio::sync::mpsc;
use url::Url;

use super::draft::CheckedSource;
use super::lookup::{Bytes, Found};
use super::{Context, Origin};
use crate::Services;
use crate::error::{Code, Error, Result};
use crate::fetch::Request;
use crate::ingest::ingest;

/// Up to this size a body is gathered in memory and stored together with others: a
/// file costs more in system calls than in copying below it.
const SMALL: u64 = 256 << 10;

/// So many files are stored together: one trip to another thread for all of them.
const TOGETHER: usize = 64;

/// So many of these trips are under way while more is fetched.
const STORING: usize = 2;

/// So many units go on together, so that what holds open files is bounded.
const ONWARD: usize = 250;

/// The largest file that is fetched when its size was not announced: 1 TiB.
const MAX_UNANNOUNCED: u64 = 1 << 40;

const CODE: &str = "sync.downloading.artifacts";
const MESSAGE: &str = "Downloading Artifacts";

/// Units with the bytes that were fetched for them.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) units: Vec<Found>,
    pub(super) incoming: Vec<Incoming>,
}

/// An artifact to fetch: which unit of the batch, which artifact of it.
#[derive(Debug)]
struct Wanted {
    unit: usize,
    artifact: usize,
    urls: Vec<Url>,
    expected: Expected,
}

/// A fetched artifact.
#[derive(Debug)]
enum Body {
    Small(Wanted, bytes::Bytes),
    Large(Wanted, Incoming),
}

pub(super) async fn run(
    context: Context,
    mut units: mpsc::Receiver<Vec<Found>>,
    next: mpsc::Sender<Fetched>,
) -> Result<()> {
    while let Some(mut batch) = units.recv().await {
        while !batch.is_empty() {
            let rest = batch.split_off(batch.len().min(step(&batch)));
            let fetched = fetch(&context, batch).await?;
            if next.send(fetched).await.is_err() {
                // The next stage ended early, and has the reason.
                return Ok(());
            }
            batch = rest;
        }
    }
    Ok(())
}

/// All units at once where nothing is to fetch, or only small files.
fn step(batch: &[Found]) -> usize {
    let holds_files = batch.iter().any(|found| {
        found
            .draft
            .artifacts
            .iter()
            .zip(&found.bytes)
            .any(|(artifact, bytes)| {
                *bytes == Bytes::Wanted && artifact.expected.size.is_none_or(|size| size > SMALL)
            })
    });
    if holds_files { ONWARD } else { batch.len() }
}

async fn fetch(context: &Context, mut units: Vec<Found>) -> Result<Fetched> {
    let wanted = wanted(&units);
    let Some(origin) = context.origin.clone().filter(|_| !wanted.is_empty()) else {
        return Ok(Fetched {
            units,
            incoming: Vec::new(),
        });
    };
    context.progress.expect(CODE, MESSAGE, wanted.len() as u64);
    let concurrency = origin.remote.client().concurrency();
    // Each in a task of its own: fetching goes on while others are stored.
    let bodies = futures::stream::iter(wanted)
        .map(|wanted| {
            let (services, origin) = (context.services.clone(), Arc::clone(&origin));
            let task = tokio::spawn(async move { fetch_one(&services, &origin, wanted).await });
            AbortOnDrop(task)
        })
        .buffer_unordered(concurrency);
    let mut bodies = bodies.ready_chunks(TOGETHER);
    let mut incoming = Vec::new();
    let mut small: Vec<(Wanted, bytes::Bytes)> = Vec::new();
    let mut storing = FuturesUnordered::new();
    let mut failed = None;
    let mut settle = |stored: Result<(Wanted, Incoming)>| match stored {
        Ok((wanted, file)) => {
            units[wanted.unit].bytes[wanted.artifact] = Bytes::Fetched(file.sha256().0);
            incoming.push(file);
            true
        }
        Err(error) => {
            failed.get_or_insert(error);
            false
        }
    };
    let mut goes_on = true;
    while goes_on {
        tokio::select! {
            chunk = bodies.next(), if storing.len() < STORING => {
                let Some(chunk) = chunk else { break };
                context.progress.advance(CODE, MESSAGE, chunk.len() as u64);
                for body in chunk {
                    match body {
                        Ok(Body::Small(wanted, bytes)) => small.push((wanted, bytes)),
                        Ok(Body::Large(wanted, file)) => goes_on &= settle(Ok((wanted, file))),
                        Err(error) => goes_on &= settle(Err(error)),
                    }
                }
                if small.len() >= TOGETHER {
                    storing.push(store_small(&context.services, std::mem::take(&mut small)));
                }
            }
            Some(stored) = storing.next() => {
                for one in stored {
                    goes_on &= settle(one);
                }
            }
        }
    }
    // After a failure nothing else is fetched, but what came is stored.
    drop(bodies);
    storing.push(store_small(&context.services, small));
    while let Some(stored) = storing.next().await {
        for one in stored {
            settle(one);
        }
    }
    let Some(error) = failed else {
        return Ok(Fetched { units, incoming });
    };
    keep(&context.services, incoming).await;
    Err(error)
}

/// Keeps what was fetched before something failed: the next attempt need not fetch it again.
async fn keep(services: &Services, incoming: Vec<Incoming>) {
    let count = incoming.len();
    if count == 0 {
        return;
    }
    if let Err(error) = ingest(&services.database, &*services.store, incoming).await {
        tracing::warn!(%error, "{count} fetched files could not be kept: {error}");
    }
}

fn wanted(units: &[Found]) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    for (unit, found) in units.iter().enumerate() {
        for (artifact, bytes) in found.bytes.iter().enumerate() {
            let draft = &found.draft.artifacts[artifact];
            if let (Bytes::Wanted, CheckedSource::Urls(urls)) = (bytes, &draft.source) {
                wanted.push(Wanted {
                    unit,
                    artifact,
                    urls: urls.clone(),
                    expected: draft.expected.clone(),
                });
            }
        }
    }
    wanted
}

async fn store_small(
    services: &Services,
    small: Vec<(Wanted, bytes::Bytes)>,
) -> Vec<Result<(Wanted, Incoming)>> {
    let bodies = small
        .iter()
        .map(|(wanted, bytes)| SmallBody {
            bytes: bytes.clone(),
            algorithms: Vec::new(),
            expected: wanted.expected.clone(),
        })
        .collect();
    let stored = services.store.put_small(bodies).await;
    small
        .into_iter()
        .zip(stored)
        .map(|((wanted, _), file)| match file {
            Ok(file) => Ok((wanted, file)),
            Err(error) => Err(explain(&wanted.urls[0], error)),
        })
        .collect()
}

/// Fetches one artifact from the first of its mirrors that has it.
async fn fetch_one(services: &Services, origin: &Origin, wanted: Wanted) -> Result<Body> {
    let mut failed = None;
    for url in &wanted.urls {
        match fetch_from(services, origin, &wanted.expected, url).await {
            Ok(Ok(bytes)) => return Ok(Body::Small(wanted, bytes)),
            Ok(Err(file)) => return Ok(Body::Large(wanted, file)),
            Err(error) => failed = Some(error),
        }
    }
    Err(failed.unwrap_or_else(|| Error::internal("an artifact without a URL")))
}

/// A small body, or a file in the store; tries again when a body breaks off.
async fn fetch_from(
    services: &Services,
    origin: &Origin,
    expected: &Expected,
    url: &Url,
) -> Result<std::result::Result<bytes::Bytes, Incoming>> {
    let client = origin.remote.client();
    let mut attempt = 0;
    loop {
        let mut request = Request::get(url.clone(), expected.size.unwrap_or(MAX_UNANNOUNCED));
        request.size = expected.size;
        let result = async {
            let body = client.open(request).await?;
            if expected.size.is_some_and(|size| size <= SMALL) {
                return body.collect().await.map(Ok);
            }
            store(services, expected, body, url).await.map(Err)
        }
        .await;
        match result {
            // `open` has its own attempts; these are for bodies that break off.
            Err(error) if error.code == Code::Unavailable && attempt < client.retries() => {
                tracing::debug!(%url, %error, "fetching {url} again: {error}");
                client.pause(attempt, None).await;
                attempt += 1;
            }
            other => return other,
        }
    }
}

/// Streams a body into the store.
pub(crate) async fn store(
    services: &Services,
    expected: &Expected,
    mut body: crate::fetch::Body,
    url: &Url,
) -> Result<Incoming> {
    let mut writer = services.store.create(&expected.algorithms());
    loop {
        let chunk = body.chunk().await?;
        if chunk.is_empty() {
            break;
        }
        writer
            .write(chunk)
            .await
            .map_err(|error| explain(url, error))?;
    }
    writer
        .finish(expected)
        .await
        .map_err(|error| explain(url, error))
}

/// A mismatch is the upstream's fault, and the URL says whose.
fn explain(url: &Url, error: pith_storage::Error) -> Error {
    use pith_storage::Error as Storage;
    let url = crate::fetch::without_credentials(url);
    match error {
        Storage::DigestMismatch { .. } => {
            Error::upstream(format!("GET {url}: wrong digest: {error}"))
        }
        Storage::SizeMismatch { .. } => Error::upstream(format!("GET {url}: wrong size: {error}")),
        other => {
            let mut error = Error::from(other);
            error.message = format!("the body of {url} was not stored: {error}").into();
            error
        }
    }
}

/// A fetch that ends when nobody waits for it any more.
struct AbortOnDrop(tokio::task::JoinHandle<Result<Body>>);

impl Future for AbortOnDrop {
    type Output = Result<Body>;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        std::pin::Pin::new(&mut self.0).poll(context).map(|joined| {
            joined.unwrap_or_else(|_| {
                Err(Error::internal("a fetch broke; the server's log says why"))
            })
        })
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
