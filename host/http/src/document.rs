//! Answers, written as JSON straight into a buffer: no map is built for each row of a
//! list, and a field that nobody asked for costs nothing.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{self, HeaderValue};
use serde::{Serialize, Serializer};

use pith_model::Root;

/// Which fields of a resource are wanted: `fields=` and `exclude_fields=`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Projection {
    /// Only these, where some are named.
    pub(crate) only: Vec<String>,
    /// Not these.
    pub(crate) except: Vec<String>,
}

impl Projection {
    /// Whether a field is wanted.
    pub(crate) fn shows(&self, name: &str) -> bool {
        (self.only.is_empty() || self.only.iter().any(|field| field == name))
            && !self.except.iter().any(|field| field == name)
    }
}

/// A JSON object in the making.
pub(crate) struct Object<'a> {
    buffer: &'a mut Vec<u8>,
    projection: Option<&'a Projection>,
    empty: bool,
}

impl<'a> Object<'a> {
    /// Begins an object at the end of a buffer.
    pub(crate) fn begin(buffer: &'a mut Vec<u8>, projection: Option<&'a Projection>) -> Self {
        buffer.push(b'{');
        Self {
            buffer,
            projection,
            empty: true,
        }
    }

    /// Writes a field.
    pub(crate) fn field(&mut self, name: &str, value: impl Serialize) -> &mut Self {
        if self
            .projection
            .is_none_or(|projection| projection.shows(name))
        {
            self.name(name);
            write(self.buffer, &value);
        }
        self
    }

    /// Writes a field whose value is an object.
    pub(crate) fn object(&mut self, name: &str, fill: impl FnOnce(&mut Object<'_>)) -> &mut Self {
        if self
            .projection
            .is_none_or(|projection| projection.shows(name))
        {
            self.name(name);
            let mut inner = Object::begin(self.buffer, None);
            fill(&mut inner);
            inner.end();
        }
        self
    }

    fn name(&mut self, name: &str) {
        if !self.empty {
            self.buffer.push(b',');
        }
        self.empty = false;
        write(self.buffer, name);
        self.buffer.push(b':');
    }

    /// Ends the object.
    pub(crate) fn end(self) {
        self.buffer.push(b'}');
    }
}

/// Writes any value as JSON.
pub(crate) fn write(buffer: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    let start = buffer.len();
    if let Err(error) = serde_json::to_writer(&mut *buffer, value) {
        // Only a map with keys that are no text could do this, and there is none.
        tracing::error!(%error, "a value could not be written as JSON: {error}");
        buffer.truncate(start);
        buffer.extend_from_slice(b"null");
    }
}

/// One object as an answer.
pub(crate) fn object(
    projection: Option<&Projection>,
    fill: impl FnOnce(&mut Object<'_>),
) -> Response {
    let mut buffer = Vec::with_capacity(1024);
    let mut object = Object::begin(&mut buffer, projection);
    fill(&mut object);
    object.end();
    json(buffer)
}

/// JSON that is written already as an answer.
pub(crate) fn json(buffer: Vec<u8>) -> Response {
    let mut response = Bytes::from(buffer).into_response();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

/// The path of a resource below an API root; the root is the one the request came by.
///
/// `Href(root, format_args!("tasks/{uuid}/"))`
#[derive(Clone, Copy)]
pub(crate) struct Href<T>(pub(crate) Root, pub(crate) T);

impl<T: std::fmt::Display> std::fmt::Display for Href<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.path())?;
        self.1.fmt(f)
    }
}

impl<T: std::fmt::Display> Serialize for Href<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Any text that is put together as it is written.
#[derive(Clone, Copy)]
pub(crate) struct Text<T>(pub(crate) T);

impl<T: std::fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Bytes as hexadecimal digits, or null.
#[derive(Clone, Copy)]
pub(crate) struct Hex<'a>(pub(crate) Option<&'a [u8]>);

impl Serialize for Hex<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(bytes) => serializer.serialize_str(&hex::encode(bytes)),
            None => serializer.serialize_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(projection: Option<&Projection>) -> String {
        let mut buffer = Vec::new();
        let mut object = Object::begin(&mut buffer, projection);
        object
            .field("a", 1)
            .field("b", Href(Root::Short, format_args!("tasks/{}/", 7)))
            .object("c", |inner| {
                inner.field("a", Hex(Some(&[0xab]))).field("d", Hex(None));
            });
        object.end();
        String::from_utf8(buffer).unwrap()
    }

    #[test]
    fn an_object_is_json() {
        assert_eq!(
            text(None),
            r#"{"a":1,"b":"/api/v3/tasks/7/","c":{"a":"ab","d":null}}"#
        );
    }

    #[test]
    fn only_what_is_wanted_is_written() {
        let only = Projection {
            only: vec!["b".into(), "c".into()],
            except: vec!["b".into()],
        };
        assert_eq!(text(Some(&only)), r#"{"c":{"a":"ab","d":null}}"#);
        let except = Projection {
            only: Vec::new(),
            except: vec!["a".into(), "c".into()],
        };
        assert_eq!(text(Some(&except)), r#"{"b":"/api/v3/tasks/7/"}"#);
    }
}
