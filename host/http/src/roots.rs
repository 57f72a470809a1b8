//! The roots of the API: each says what is below it.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use pith_model::reference::Kind;
use serde::Serialize;

use crate::app::App;
use crate::context::Context;
use crate::declared;
use crate::document::{self, Href};
use crate::error::{Error, Result};

/// What is below the root of the API.
const TOP: &[&str] = &[
    "artifacts/",
    "content/",
    "distributions/",
    "livez/",
    "login/",
    "orphans/",
    "publications/",
    "remotes/",
    "repositories/",
    "repository_versions/",
    "status/",
    "tasks/",
    "tokens/",
    "users/",
    "workers/",
];

/// The routes.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(top))
        .route("/content/{plugin}/", get(content))
        .route(
            "/repositories/{plugin}/",
            get(async |c, p| typed(&c, p, Kind::Repository)),
        )
        .route(
            "/remotes/{plugin}/",
            get(async |c, p| typed(&c, p, Kind::Remote)),
        )
        .route(
            "/publications/{plugin}/",
            get(async |c, p| typed(&c, p, Kind::Publication)),
        )
        .route(
            "/distributions/{plugin}/",
            get(async |c, p| typed(&c, p, Kind::Distribution)),
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
        let descriptor = generation.descriptor();
        for kind in [
            Kind::Repository,
            Kind::Remote,
            Kind::Publication,
            Kind::Distribution,
        ] {
            let types = declared::types(descriptor, kind);
            paths.extend(
                types
                    .iter()
                    .map(|one| format!("{}/{plugin}/{}/", kind.collection(), one.name)),
            );
        }
        let types = descriptor.content_types.iter();
        paths.extend(types.map(|one| format!("content/{plugin}/{}/", one.plural)));
        paths.push(format!("tasks/{plugin}/"));
    }
    paths.sort();
    answer(&context, paths)
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
