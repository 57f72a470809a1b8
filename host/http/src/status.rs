//! How the server and its parts are: `status/` in Pulp's shape, and `livez/`.

use axum::extract::RawQuery;
use axum::response::Response;
use pith_db::worker;
use serde::Serialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::context::Context;
use crate::document;
use crate::error::Result;
use crate::openapi::parameters::PROJECTION;
use crate::openapi::{Field, Operation, Resource};
use crate::query;
use crate::routes::{Routes, get};
use crate::workers;

/// The version of Pulp whose API this is. Pulp's clients look at the version of the
/// component "core" (and "file", which Pulp releases together with it) to know which
/// features they may use, and refuse to work with versions that they find too old; so
/// what is said is the version of the API, and Pith's own is told beside it.
pub(crate) const PULP_VERSION: &str = "3.123.1";

/// The routes; nobody needs to say who he is.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route(
            "/status/",
            get(
                Operation::new("status_read", "Inspect the server").reads(&STATUS),
                status,
            ),
        )
        .route(
            "/livez/",
            get(
                Operation::new("livez_read", "See whether the server answers")
                    .parameters(PROJECTION)
                    .answers(200, "Livez", |_| json!({"type": "object"})),
                livez,
            ),
        )
}

/// What the document says of the status.
static STATUS: Resource = Resource::new(
    "Status",
    "How the server and its parts are.",
    &[
        Field::schema_of("versions", versions_schema, "The parts and their versions.").read_only(),
        Field::objects("online_workers", "Processes that run tasks.").read_only(),
        Field::schema_of(
            "online_api_apps",
            processes,
            "Processes that answer this API.",
        )
        .read_only(),
        Field::schema_of(
            "online_content_apps",
            processes,
            "Processes that serve content.",
        )
        .read_only(),
        Field::object("database_connection", "").read_only(),
        Field::object("redis_connection", "Always null: there is none.")
            .nullable()
            .read_only(),
        Field::object("storage", "Space in bytes, where it is known.")
            .nullable()
            .read_only(),
        Field::object("content_settings", "Where content is served.").read_only(),
        Field::boolean("domain_enabled", "").read_only(),
    ],
);

fn versions_schema() -> Value {
    json!({"type": "array", "items": {"type": "object", "properties": {
        "component": {"type": "string"}, "version": {"type": "string"},
        "package": {"type": "string"}, "module": {"type": "string"},
        "domain_compatible": {"type": "boolean"}}}})
}

fn processes() -> Value {
    json!({"type": "array", "items": {"type": "object", "properties": {
        "name": {"type": "string"}, "last_heartbeat": {"type": "string", "format": "date-time"},
        "versions": {"type": "object", "additionalProperties": {"type": "string"}}}}})
}

/// The parts of the server with the versions of Pulp's whose API they have.
pub(crate) fn versions(app: &App) -> Vec<(String, String)> {
    let mut versions = vec![
        ("core".to_owned(), PULP_VERSION.to_owned()),
        ("pith".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
    ];
    let plugins = app.plugins.all();
    versions.extend(plugins.iter().map(|(name, generation)| {
        // See `PULP_VERSION`.
        let version = generation.descriptor().pulp_version.as_deref();
        (
            name.clone(),
            version.unwrap_or(generation.version()).to_owned(),
        )
    }));
    versions
}

#[derive(Serialize)]
struct Component<'a> {
    #[serde(rename = "component")]
    name: &'a str,
    version: &'a str,
    package: &'a str,
    module: &'a str,
    domain_compatible: bool,
}

impl<'a> Component<'a> {
    fn new(name: &'a str, version: &'a str, package: &'a str) -> Self {
        Self {
            name,
            version,
            package,
            module: name,
            domain_compatible: false,
        }
    }
}

/// `GET livez/`: the process answers. It asks nothing of the database.
async fn livez() -> Response {
    document::object(None, |_| {})
}

/// `GET status/`
async fn status(context: Context, RawQuery(text): RawQuery) -> Result<Response> {
    let projection = query::projection(text.as_deref())?;
    let app = &context.app;
    let online = match app.database.read().await {
        Ok(mut connection) => worker::online(&mut connection).await,
        Err(error) => Err(error),
    };
    if let Err(error) = &online {
        tracing::error!(%error, "the database does not answer: {error}");
    }
    let connected = online.is_ok();
    let online = online.unwrap_or_default();
    // Every process of this server answers the API, serves content and runs tasks.
    let applications: Vec<Value> = online
        .iter()
        .map(|worker| {
            json!({
                "name": worker.name,
                "last_heartbeat": worker.last_heartbeat,
                "versions": {"core": PULP_VERSION, "pith": worker.version},
            })
        })
        .collect();
    let space = app.store.space().await.unwrap_or_else(|error| {
        tracing::warn!(%error, "the space of the store is not known: {error}");
        None
    });
    let storage = space.map(|space| {
        let used = space.total.saturating_sub(space.available);
        json!({"total": space.total, "used": used, "free": space.available})
    });
    let versions = versions(app);
    let versions: Vec<Component<'_>> = versions
        .iter()
        .map(|(name, version)| {
            let package = if name == "core" { "pulpcore" } else { name };
            Component::new(name, version, package)
        })
        .collect();
    Ok(document::object(Some(&projection), |object| {
        object
            .field("versions", &versions)
            .field("online_workers", Workers(&context, &online).rendered())
            .field("online_api_apps", &applications)
            .field("online_content_apps", &applications)
            .field("database_connection", json!({"connected": connected}))
            .field("redis_connection", ())
            .field("storage", &storage)
            .field(
                "content_settings",
                json!({
                    "content_origin": context.content_origin(),
                    "content_path_prefix": "/pulp/content/",
                }),
            )
            .field("domain_enabled", false);
    }))
}

/// The processes as `workers/` shows them.
struct Workers<'a>(&'a Context, &'a [worker::Worker]);

impl Workers<'_> {
    fn rendered(&self) -> Vec<Value> {
        let Self(context, online) = self;
        online
            .iter()
            .map(|worker| {
                let mut buffer = Vec::new();
                let mut object = document::Object::begin(&mut buffer, None);
                workers::write(&mut object, worker, context.root);
                object.end();
                serde_json::from_slice(&buffer).unwrap_or_default()
            })
            .collect()
    }
}
