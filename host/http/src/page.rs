//! One page of a list as an answer: `{count, next, previous, results}`.

use axum::response::Response;
use serde::Serialize;

use crate::context::Context;
use crate::document::{self, Object};
use crate::query::Query;

/// Answers with a page; `write` fills the object of each row.
pub(crate) fn answer<T>(
    context: &Context,
    query: &Query,
    page: (&[T], i64),
    write: impl FnMut(&mut Object<'_>, &T),
) -> Response {
    answer_beside(context, query, page, write, |_| {})
}

/// Answers with a page and other fields beside it.
pub(crate) fn answer_beside<T>(
    context: &Context,
    query: &Query,
    page: (&[T], i64),
    write: impl FnMut(&mut Object<'_>, &T),
    beside: impl FnOnce(&mut Object<'_>),
) -> Response {
    document::json(written(context, query, page, write, beside))
}

/// The same as JSON, for whoever is no client.
pub(crate) fn written<T>(
    context: &Context,
    query: &Query,
    (rows, count): (&[T], i64),
    mut write: impl FnMut(&mut Object<'_>, &T),
    beside: impl FnOnce(&mut Object<'_>),
) -> Vec<u8> {
    let mut buffer = Vec::with_capacity(256 + rows.len() * 768);
    let mut object = Object::begin(&mut buffer, None);
    object.field("count", count);
    beside(&mut object);
    let after = query.offset + query.limit;
    let next = (after < count).then(|| url(context, query, after));
    link(&mut buffer, "next", next.as_deref());
    let before = (query.offset - query.limit).max(0);
    let previous = (query.offset > 0).then(|| url(context, query, before));
    link(&mut buffer, "previous", previous.as_deref());
    buffer.extend_from_slice(b",\"results\":[");
    for (at, row) in rows.iter().enumerate() {
        if at > 0 {
            buffer.push(b',');
        }
        let mut object = Object::begin(&mut buffer, Some(&query.projection));
        write(&mut object, row);
        object.end();
    }
    buffer.extend_from_slice(b"]}");
    buffer
}

fn link(buffer: &mut Vec<u8>, name: &str, url: Option<&str>) {
    buffer.extend_from_slice(b",\"");
    buffer.extend_from_slice(name.as_bytes());
    buffer.extend_from_slice(b"\":");
    document::write(buffer, &url);
}

fn url(context: &Context, query: &Query, offset: i64) -> String {
    let root = context.root.path().trim_end_matches('/');
    format!(
        "{}{root}{}?{}",
        context.origin(),
        context.path,
        query.at_offset(offset)
    )
}

/// Answers with a list that has no pages, because it is short by nature.
pub(crate) fn whole<T: Serialize>(results: &[T]) -> Response {
    document::object(None, |object| {
        object
            .field("count", results.len())
            .field("next", ())
            .field("previous", ())
            .field("results", results);
    })
}
