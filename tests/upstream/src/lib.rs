//! A fixture upstream on loopback that counts what it is asked for and misbehaves when told to.
//!
//! | path | what is served |
//! |---|---|
//! | `/generated/<count>x<size>[@<seed>]/…` | a file repository computed from its name, nothing stored |
//! | `/held/<name>/…` | a repository in memory that a test may change while it runs |
//! | `/bad/<misbehaviour>/…` | see [`Misbehaviour`] |
//! | `/protected/<how>/…` | a repository behind Basic authentication or a header |
//! | `/network/rpc/api` | logins by XML-RPC, as Oracle's network for Linux has them |
//! | `/network/XMLRPC/GET-REQ/<name>/…` | a held repository, for those who logged in |
//! | anything else | the directory, when one was given |

mod answer;
mod conditional;
mod directory;
mod generated;
mod held;
mod ledger;
mod manifest;
mod misbehave;
mod misbehaviour;
mod network;
mod protected;
mod router;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

pub use generated::GeneratedRepository;
pub use ledger::RecordedRequest;
pub use manifest::{Manifest, ManifestLine, sha256_hex};
pub use misbehaviour::{FileMisbehaviour, Misbehaviour};
pub use network::{NETWORK_PASSWORD, NETWORK_USER};
pub use protected::{ACCESS_TOKEN, PROTECTED_HEADER, PROTECTED_PASSWORD, PROTECTED_USER, TOKEN};
use router::Router;

/// A running upstream. It ends when it is dropped.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    router: Arc<Router>,
    accepting: JoinHandle<()>,
}

impl Upstream {
    /// Listens on a free port of 127.0.0.1.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), None).await
    }

    /// Listens on a free port of 127.0.0.1 and serves a directory as well.
    pub async fn start_with_directory(directory: PathBuf) -> anyhow::Result<Self> {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), Some(directory)).await
    }

    /// Listens where it is told to.
    pub async fn start_at(address: SocketAddr, directory: Option<PathBuf>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}"))?;
        let address = listener.local_addr()?;
        let router = Arc::new(Router::new(directory));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&router)));
        Ok(Self {
            address,
            router,
            accepting,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The absolute URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The URL of the manifest of a generated repository.
    pub fn generated(&self, count: u64, size: u64) -> String {
        self.url(&format!("/generated/{count}x{size}/PULP_MANIFEST"))
    }

    /// The URL of the manifest of a misbehaving repository.
    pub fn bad(&self, misbehaviour: Misbehaviour) -> String {
        self.url(&format!("/bad/{misbehaviour}/PULP_MANIFEST"))
    }

    /// Puts a repository into memory, in place of one with the same name, and
    /// gives the URL of its manifest.
    pub fn hold(&self, name: &str, files: &[(&str, &[u8])]) -> String {
        self.router.held().put(name, files);
        self.url(&format!("/held/{name}/PULP_MANIFEST"))
    }

    /// Puts a redirect into a held repository, and gives the URL of its manifest.
    pub fn hold_redirect(&self, name: &str, path: &str, target: &str) -> String {
        self.router.held().put_redirect(name, path, target);
        self.url(&format!("/held/{name}/PULP_MANIFEST"))
    }

    /// How many sessions of the network were begun.
    pub fn network_logins(&self) -> usize {
        self.router.network().begun()
    }

    /// Ends all sessions of the network: their keys open nothing any more.
    pub fn end_network_sessions(&self) {
        self.router.network().end_all();
    }

    /// How often a path was asked for, with any method and query.
    pub fn requests(&self, path: &str) -> usize {
        self.router.ledger().count(|request| request.path == path)
    }

    /// How often anything below a prefix was asked for.
    pub fn requests_under(&self, prefix: &str) -> usize {
        self.router
            .ledger()
            .count(|request| request.path.starts_with(prefix))
    }

    /// Every request so far, in the order of arrival.
    pub fn recorded(&self) -> Vec<RecordedRequest> {
        self.router.ledger().recorded()
    }

    /// The largest number of requests that were being answered at one time.
    pub fn peak_in_flight(&self) -> usize {
        self.router.ledger().peak_in_flight()
    }

    /// Forgets all requests so far.
    pub fn forget_requests(&self) {
        self.router.ledger().forget();
    }

    /// Stops answering: open connections break, new ones are refused.
    pub async fn stop(mut self) {
        self.accepting.abort();
        // The listener is closed once the task is gone.
        let _ = (&mut self.accepting).await;
    }

    /// Answers until the process ends.
    pub async fn serve_forever(mut self) {
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, router: Arc<Router>) {
    // Dropping the set with this task breaks every connection.
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        // Small answers must not wait for the client's delayed acknowledgement.
        let _ = stream.set_nodelay(true);
        let router = Arc::clone(&router);
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let router = Arc::clone(&router);
                async move { router.answer(request).await }
            });
            // Many misbehaviours end in a broken connection: nothing to report.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}
