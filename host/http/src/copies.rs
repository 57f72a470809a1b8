//! Copying of content: `<plugin>/copy/`, and for one content type
//! `<plugin>/<content type>/copy/`.

use axum::extract::{Path, Request};
use axum::response::Response;

use crate::auth::need::Need;
use crate::body;
use crate::context::Context;
use crate::declared;
use crate::error::{Error, Result};
use crate::openapi::Operation;
use crate::openapi::resource::joined;
use crate::order;
use crate::routes::{Routes, post};

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route(
            "/{plugin}/copy/",
            post(
                Operation::new("{plugin}_copy_copy_content", "Copy content")
                    .needs(Need::User)
                    .about("Several lines appear together; what a unit refers to comes along.")
                    .tag("Copy")
                    .takes("Copy", |_| joined(&order::copy::schema(), None))
                    .orders(),
                copy,
            ),
        )
        .route(
            "/{plugin}/{plural}/copy/",
            post(
                Operation::new("{plugin}_{plural}_copy", "Copy content of one type")
                    .needs(Need::User)
                    .tag("Copy")
                    .takes("Copy", |_| joined(&order::copy::schema(), None))
                    .orders(),
                copy_of_type,
            ),
        )
}

/// `POST <plugin>/copy/`
async fn copy(context: Context, Path(plugin): Path<String>, request: Request) -> Result<Response> {
    place(&context, &plugin, None, request).await
}

/// `POST <plugin>/<content type>/copy/`; the type by its name or its plural.
async fn copy_of_type(
    context: Context,
    Path((plugin, content_type)): Path<(String, String)>,
    request: Request,
) -> Result<Response> {
    let generation = declared::generation(&context.app, &plugin)?;
    let name = order::copy::content_type(generation.descriptor(), &content_type)
        .ok_or_else(Error::not_found)?;
    place(&context, &plugin, Some(name), request).await
}

async fn place(
    context: &Context,
    plugin: &str,
    content_type: Option<String>,
    request: Request,
) -> Result<Response> {
    declared::generation(&context.app, plugin)?;
    let mut fields = body::read(request, body::LIMIT_OF_UNITS).await?;
    if let Some(name) = content_type {
        fields
            .map
            .entry("type")
            .or_insert_with(|| name.as_str().into());
        if fields.map["type"].as_str() != Some(&name) {
            return Err(Error::invalid(
                "type",
                format!("The path says already that it is {name:?}."),
            ));
        }
    }
    let parameters = order::shown(&fields.map);
    let order = order::copy::build(context, plugin, fields.into(), parameters).await?;
    order::accept(context, order).await
}
