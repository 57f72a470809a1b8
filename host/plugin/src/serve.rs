//! Answers a request by a plugin's own code: a fresh instance, what the one who asks may
//! use, an answer.

use std::pin::Pin;
use std::sync::Arc;

use pith_content::error::{Code, Result};
use pith_model::task::TaskError;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::bridge::contract::exports::pith::plugin::server as contract;
use crate::call::left_to_the_host;
use crate::failure;
use crate::generation::Generation;
use crate::program::Ending;

/// What a host function of a request is on its way to.
pub type Waiting<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// The host as the one who asks may use it; whoever answers requests implements it.
pub trait Api: Send + Sync {
    /// Answers a request to the host's own API with a status and JSON.
    fn call(
        &self,
        method: String,
        path: String,
        body: Option<String>,
    ) -> Waiting<'_, (u16, String)>;

    /// Finds a distribution of this plugin by its base path.
    fn site(&self, base_path: String) -> Waiting<'_, Arc<dyn Site>>;
}

/// What one distribution serves.
pub trait Site: Send + Sync {
    /// The distribution as the API shows it, as JSON; an empty object if it was deleted since.
    fn config(&self) -> Waiting<'_, String>;

    /// The version that is served, as JSON; none if nothing is.
    fn version(&self) -> Waiting<'_, Option<String>>;

    /// Lists units of one content type, as JSON.
    fn units(&self, content_type: String, query: String) -> Waiting<'_, String>;
}

/// A power of one request.
#[derive(Clone)]
pub struct ApiHandle(pub Arc<dyn Api>);

/// A distribution that a request opened.
pub struct SiteHandle(pub Arc<dyn Site>);

/// A file that came with a request.
#[derive(Clone, Debug)]
pub struct Upload {
    /// As the client calls it.
    pub name: String,
    /// The href of an artifact, which there is only for calls.
    pub artifact: String,
    /// In hexadecimal.
    pub sha256: String,
    /// In bytes.
    pub size: u64,
}

/// A request to a route of a plugin.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The route's number.
    pub route: usize,
    /// Of mount and route.
    pub variables: Vec<(String, String)>,
    /// Where the mount is, as the client sees it.
    pub root: String,
    /// Scheme and host, as the client sees them.
    pub origin: String,
    /// Names and values.
    pub query: Vec<(String, String)>,
    /// JSON.
    pub body: Option<String>,
    /// What came with it.
    pub file: Option<Upload>,
    /// The name of the one who asks.
    pub user: Option<String>,
}

/// What the plugin answers.
#[derive(Clone, Debug)]
pub struct Response {
    /// The HTTP status, as the plugin chose it.
    pub status: u16,
    /// Names and values, as the plugin chose them.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Answers a request. `id` is the name under which it is logged.
///
/// # Errors
/// With the code `unsupported` if the plugin has no routes.
pub async fn serve(
    generation: &Arc<Generation>,
    id: &str,
    api: Arc<dyn Api>,
    request: Request,
) -> std::result::Result<Response, TaskError> {
    const EXPORT: &str = "server.serve";
    let Some(server) = &generation.exports.server else {
        return Err(left_to_the_host(generation, EXPORT));
    };
    let Generation { program, name, .. } = &**generation;
    let limits = generation.limits.while_serving();
    let span = tracing::info_span!(
        "plugin",
        request.id = id,
        plugin.name = generation.name(),
        plugin.version = generation.version(),
        generation = generation.number(),
        export = EXPORT,
    );
    let Some(seat) = program.engine.seat_for_serving(&program.serving).await else {
        return Err(failure::busy(generation));
    };
    let call = async {
        // A client that goes away drops this future, and with it the instance.
        let never = CancellationToken::new();
        program
            .run(seat, name, &limits, &never, async |store, instance| {
                let api = store.data_mut().lend(ApiHandle(api))?;
                let guest = server.load(&mut *store, instance)?;
                guest.call_serve(store, api, &to_contract(request)).await
            })
            .await
    };
    let answered = call.instrument(span).await;
    let response = answered.map_err(|ending| {
        let mut error = failure::task_error(&ending, generation, EXPORT);
        // Only what the plugin says itself is about the request.
        if !matches!(ending, Ending::Answered(_)) {
            Code::Internal.as_str().clone_into(&mut error.code);
        }
        error
    })?;
    Ok(Response {
        status: response.status,
        headers: response.headers,
        body: response.body,
    })
}

fn to_contract(request: Request) -> contract::Request {
    contract::Request {
        route: u32::try_from(request.route).unwrap_or(u32::MAX),
        variables: request.variables,
        root: request.root,
        origin: request.origin,
        query: request.query,
        body: request.body,
        file: request.file.map(|file| contract::Upload {
            name: file.name,
            artifact: file.artifact,
            sha256: format!("sha256:{}", file.sha256),
            size: file.size,
        }),
        user: request.user,
    }
}
