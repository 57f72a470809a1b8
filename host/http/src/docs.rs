//! The pages for people at `docs/`: they read the OpenAPI document in the browser and
//! need nothing from anywhere else.

use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderValue};

use crate::context::Context;
use crate::openapi::Operation;
use crate::routes::{Routes, get};

const PAGE: &str = include_str!("docs/page.html");
const SCRIPT: &str = include_str!("docs/page.js");
const STYLE: &str = include_str!("docs/page.css");

/// Nothing but what this server says itself may run or be loaded.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The routes; nobody needs to say who he is.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route(
            "/docs/",
            get(
                Operation::new("docs_read", "Read about this API")
                    .answers_bytes(200, "text/html; charset=utf-8"),
                page,
            ),
        )
        .route(
            "/docs/page.js/",
            get(
                Operation::new("docs_page_script", "The script of the page")
                    .at("/docs/page.js")
                    .answers_bytes(200, "text/javascript; charset=utf-8"),
                async || file(SCRIPT, "text/javascript; charset=utf-8"),
            ),
        )
        .route(
            "/docs/page.css/",
            get(
                Operation::new("docs_page_style", "The looks of the page")
                    .at("/docs/page.css")
                    .answers_bytes(200, "text/css; charset=utf-8"),
                async || file(STYLE, "text/css; charset=utf-8"),
            ),
        )
}

/// `GET docs/`
async fn page(context: Context) -> Response {
    // With whole paths, so that it does not matter whether a slash ends its own.
    let page = PAGE.replace("{root}", context.root.path());
    file(page, "text/html; charset=utf-8")
}

fn file(text: impl IntoResponse, media_type: &'static str) -> Response {
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
