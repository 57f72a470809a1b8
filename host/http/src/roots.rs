//! The roots of the API: each says what is below it.

use axum::extract::Path;
use axum::response::Response;
use pith_model::descriptor::Descriptor;
use pith_model::reference::Kind;
use serde::Serialize;
use serde_json::json;

use crate::auth::need::Need;
use crate::context::Context;
use crate::declared;
use crate::document::{self, Href};
use crate::error::{Error, Result};
use crate::openapi::Operation;
use crate::routes::{Routes, get};

/// What is below the root of the API.
const TOP: &[&str] = &[
    "artifacts/",
    "content/",
    "distributions/",
    "docs/",
    "entities/",
    "groups/",
    "livez/",
    "login/",
    "orphans/",
    "plugins/",
    "publications/",
    "remotes/",
    "repositories/",
    "repository_versions/",
    "roles/",
    "search/",
    "signing-services/",
    "status/",
    "task-groups/",
    "task-schedules/",
    "tasks/",
    "tokens/",
    "uploads/",
    "users/",
    "workers/",
];

/// What the document says of a root.
pub(crate) fn operation(id: &'static str) -> Operation {
    Operation::new(id, "List what is below")
        .needs(Need::User)
        .answers(200, "SubRoutes", |_| {
            json!({"type": "object", "properties": {"sub_routes": {"type": "array", "items": {
            "type": "object", "properties": {
                "url": {"type": "string", "format": "uri-reference"},
                "status": {"type": "string",
                    "enum": ["production", "tech_preview", "deprecated"]}}}}}})
        })
}

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route("/", get(operation("api_root_read"), top))
        .route(
            "/content/{plugin}/",
            get(operation("content_{plugin}_list_routes"), content),
        )
        .route("/plugins/", get(operation("plugins_list_routes"), plugins))
        .route(
            "/plugins/{plugin}/",
            get(operation("plugins_{plugin}_list_routes"), plugin),
        )
        .route("/search/", get(operation("search_list_routes"), searches))
        .route(
            "/search/{plugin}/",
            get(operation("search_{plugin}_list_routes"), searches_of),
        )
        .route(
            "/repositories/{plugin}/",
            get(
                operation("repositories_{plugin}_list_routes"),
                async |c, p| typed(&c, p, Kind::Repository),
            ),
        )
        .route(
            "/remotes/{plugin}/",
            get(operation("remotes_{plugin}_list_routes"), async |c, p| {
                typed(&c, p, Kind::Remote)
            }),
        )
        .route(
            "/publications/{plugin}/",
            get(
                operation("publications_{plugin}_list_routes"),
                async |c, p| typed(&c, p, Kind::Publication),
            ),
        )
        .route(
            "/distributions/{plugin}/",
            get(
                operation("distributions_{plugin}_list_routes"),
                async |c, p| typed(&c, p, Kind::Distribution),
            ),
        )
        .route(
            "/entities/",
            get(operation("entities_list_routes"), entities),
        )
        .route(
            "/entities/{plugin}/",
            get(operation("entities_{plugin}_list_routes"), async |c, p| {
                typed(&c, p, Kind::Entity)
            }),
        )
}

#[derive(Serialize)]
struct SubRoute {
    url: Href<String>,
    status: &'static str,
}

fn answer(context: &Context, paths: impl IntoIterator<Item = String>) -> Response {
    let sub_routes: Vec<SubRoute> = paths
        .into_iter()
        .map(|path| SubRoute {
            url: Href(context.root, path),
            status: "production",
        })
        .collect();
    document::object(None, |object| {
        object.field("sub_routes", &sub_routes);
    })
}

/// The root of the API, with the types of all plugins.
async fn top(context: Context) -> Response {
    let mut paths: Vec<String> = TOP.iter().map(|path| (*path).to_owned()).collect();
    for (plugin, generation) in context.app.plugins.all().iter() {
        paths.extend(offered(plugin, generation.descriptor()));
    }
    paths.sort();
    answer(&context, paths)
}

/// What a plugin offers.
fn offered(plugin: &str, descriptor: &Descriptor) -> Vec<String> {
    let mut paths = vec![format!("tasks/{plugin}/")];
    for kind in [
        Kind::Repository,
        Kind::Remote,
        Kind::Publication,
        Kind::Distribution,
        Kind::Entity,
    ] {
        let types = declared::types(descriptor, kind);
        paths.extend(
            types
                .iter()
                .map(|one| format!("{}/{plugin}/{}/", kind.collection(), one.name)),
        );
    }
    for one in &descriptor.content_types {
        paths.push(format!("content/{plugin}/{}/", one.plural));
        paths.push(format!("search/{plugin}/{}/", one.plural));
    }
    paths
}

/// `GET plugins/`
async fn plugins(context: Context) -> Response {
    let all = context.app.plugins.all();
    answer(&context, all.keys().map(|name| format!("plugins/{name}/")))
}

/// `GET plugins/<plugin>/`
async fn plugin(context: Context, Path(plugin): Path<String>) -> Result<Response> {
    let generation = declared::generation(&context.app, &plugin)?;
    let mut paths = offered(&plugin, generation.descriptor());
    paths.sort();
    Ok(answer(&context, paths))
}

/// `GET search/`
async fn searches(context: Context) -> Response {
    let all = context.app.plugins.all();
    answer(&context, all.keys().map(|name| format!("search/{name}/")))
}

/// `GET search/<plugin>/`
async fn searches_of(context: Context, Path(plugin): Path<String>) -> Result<Response> {
    let generation = declared::generation(&context.app, &plugin)?;
    let types = generation.descriptor().content_types.iter();
    let paths = types.map(|one| format!("search/{plugin}/{}/", one.plural));
    Ok(answer(&context, paths))
}

/// `GET entities/`
async fn entities(context: Context) -> Response {
    let all = context.app.plugins.all();
    let with = all
        .iter()
        .filter(|(_, generation)| !generation.descriptor().entity_types.is_empty());
    answer(&context, with.map(|(name, _)| format!("entities/{name}/")))
}

/// `GET content/<plugin>/`
async fn content(context: Context, Path(plugin): Path<String>) -> Result<Response> {
    let generation = declared::generation(&context.app, &plugin)?;
    let types = &generation.descriptor().content_types;
    Ok(answer(
        &context,
        types
            .iter()
            .map(|one| format!("content/{plugin}/{}/", one.plural)),
    ))
}

/// `GET repositories/<plugin>/` and its likes.
fn typed(context: &Context, Path(plugin): Path<String>, kind: Kind) -> Result<Response> {
    let generation = declared::generation(&context.app, &plugin)?;
    let types = declared::types(generation.descriptor(), kind);
    if types.is_empty() {
        return Err(Error::not_found());
    }
    let collection = kind.collection();
    Ok(answer(
        context,
        types
            .iter()
            .map(|one| format!("{collection}/{plugin}/{}/", one.name)),
    ))
}

/// `GET orphans/`
pub(crate) async fn orphans(context: Context) -> Response {
    answer(&context, ["orphans/cleanup/".to_owned()])
}
