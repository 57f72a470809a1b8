//! `docs/api.json`: written when it is asked for, once for each set of plugins.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::RawQuery;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderValue};
use pith_model::Root;
use pith_plugin::Plugins;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::openapi::Operation;
use crate::openapi::parameters::Parameter;
use crate::openapi::place::Style;
use crate::openapi::whole;
use crate::router;
use crate::routes::{Routes, get};

/// Asks for paths by the letter of OpenAPI.
const BY_KEY: &str = "pk_path";

const PARAMETERS: &[Parameter] = &[Parameter::text(
    BY_KEY,
    "If given, paths begin with `/` and have keys as parameters, as OpenAPI has it; Pulp's \
     clients expect whole paths of resources as parameters.",
)];

/// The routes; nobody needs to say who he is.
pub(crate) fn routes() -> Routes {
    Routes::new().route(
        "/docs/api.json/",
        get(
            Operation::new("docs_api.json_get", "This document")
                .at("/docs/api.json")
                .tag("Docs: Api.Json")
                .parameters(PARAMETERS)
                .answers(200, "Document", |_| json!({"type": "object"})),
            answer,
        ),
    )
}

/// A document that is written already.
#[derive(Clone, Debug)]
struct Written {
    body: Bytes,
    tag: HeaderValue,
}

/// The documents of one set of plugins.
#[derive(Debug, Default)]
struct OfOneSet {
    /// How often the set had changed.
    changes: u64,
    written: HashMap<(Root, Style), Written>,
}

/// The documents that are written already.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    written: Mutex<OfOneSet>,
}

/// `GET docs/api.json`
async fn answer(
    context: Context,
    RawQuery(text): RawQuery,
    headers: HeaderMap,
) -> Result<Response> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(text.as_deref().unwrap_or(""))
        .map_err(|_| Error::bad_request("The query string is damaged."))?;
    let style = if pairs.iter().any(|(name, _)| name == BY_KEY) {
        Style::Key
    } else {
        Style::Href
    };
    let document = written(&context, style).await?;
    let known = headers.get(header::IF_NONE_MATCH);
    let mut response = if known == Some(&document.tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        crate::document::json(document.body.into())
    };
    response.headers_mut().insert(header::ETAG, document.tag);
    Ok(response)
}

/// The document for what is in service now.
async fn written(context: &Context, style: Style) -> Result<Written> {
    let app = &context.app;
    let key = (context.root, style);
    // Counted before anything is read: a plugin that comes meanwhile makes it stale.
    let changes = changes_of(&app.plugins);
    {
        let mut known = app
            .documents
            .written
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if known.changes != changes {
            *known = OfOneSet {
                changes,
                ..OfOneSet::default()
            };
        }
        if let Some(document) = known.written.get(&key) {
            return Ok(document.clone());
        }
    }
    let for_writing = Arc::clone(app);
    let document = tokio::task::spawn_blocking(move || {
        let documented = router::documented();
        let document = whole::write(&for_writing, &documented, key.0, key.1);
        let body = Bytes::from(document.to_string());
        let tag = format!("\"{}\"", hex::encode(&Sha256::digest(&body)[..16]));
        HeaderValue::from_str(&tag).map(|tag| Written { body, tag })
    })
    .await
    .map_err(|error| Error::internal(&error))?
    .map_err(|error| Error::internal(&error))?;
    let mut known = app
        .documents
        .written
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if known.changes == changes {
        known.written.insert(key, document.clone());
    }
    Ok(document)
}

fn changes_of(plugins: &Plugins) -> u64 {
    *plugins.changes().borrow()
}
