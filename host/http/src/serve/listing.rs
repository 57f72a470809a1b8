//! What people see of a folder.

use std::fmt::Write as _;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use pith_db::Database;
use pith_db::served::{self, Entry, FileSet};

use super::sites::Table;
use super::{Failure, ROOT};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// A page with more is of no use to people, and programs read an index.
const MAX_ENTRIES: usize = 20_000;

/// What may stand in a link as it is.
const LINK: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// All distributions.
pub(crate) fn of_sites(sites: &Table, has_slash: bool) -> Response {
    if !has_slash {
        return with_slash("/");
    }
    let names: Vec<Entry> = sites
        .base_paths()
        .into_iter()
        .map(|path| Entry {
            name: format!("{path}/"),
            size: None,
        })
        .collect();
    page("/", &names, false)
}

/// The entries of a folder, and texts that are no files; 404 if there are none.
pub(crate) async fn of_folder(
    database: &Database,
    files: FileSet,
    folder: &str,
    texts: Vec<String>,
) -> Result<Response, Failure> {
    let mut connection = database.read().await?;
    let mut entries = served::list(&mut connection, files, folder, MAX_ENTRIES + 1).await?;
    for name in texts {
        let at = entries.partition_point(|entry| entry.name < name);
        if entries.get(at).is_none_or(|entry| entry.name != name) {
            entries.insert(at, Entry { name, size: None });
        }
    }
    if entries.is_empty() && !folder.is_empty() {
        return Err(Failure::NotFound);
    }
    let more = entries.len() > MAX_ENTRIES;
    entries.truncate(MAX_ENTRIES);
    Ok(page(&format!("/{folder}"), &entries, more))
}

/// Whether there is anything below a path.
pub(crate) async fn is_folder(
    database: &Database,
    files: FileSet,
    path: &str,
) -> Result<bool, Failure> {
    let mut connection = database.read().await?;
    let below = served::list(&mut connection, files, &format!("{path}/"), 1).await?;
    Ok(!below.is_empty())
}

/// Sends a client to the same path with a slash at its end.
pub(crate) fn with_slash(path: &str) -> Response {
    let path = path.trim_matches('/');
    let mut to = format!("{ROOT}/");
    if !path.is_empty() {
        to.extend(utf8_percent_encode(path, LINK));
        to.push('/');
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
    if let Ok(location) = HeaderValue::try_from(to) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn page(title: &str, entries: &[Entry], more: bool) -> Response {
    let title = escape(title);
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <title>Index of {title}</title>\
         <style>body{{font:1rem/1.5 system-ui,sans-serif;margin:2rem}}td{{padding-right:2rem}}\
         td+td{{text-align:right}}</style></head>\n<body><h1>Index of {title}</h1>\n<table>\n"
    );
    if title != "/" {
        text.push_str("<tr><td><a href=\"../\">../</a></td><td></td></tr>\n");
    }
    for entry in entries {
        let size = entry.size.map(|size| size.to_string()).unwrap_or_default();
        let _ = writeln!(
            text,
            "<tr><td><a href=\"{}\">{}</a></td><td>{size}</td></tr>",
            utf8_percent_encode(&entry.name, LINK),
            escape(&entry.name)
        );
    }
    text.push_str("</table>\n");
    if more {
        let _ = writeln!(text, "<p>There are more than {MAX_ENTRIES} entries.</p>");
    }
    text.push_str("</body></html>\n");
    let mut response = Response::new(Body::from(text));
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    // Names come from upstreams: nothing in them may run.
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
