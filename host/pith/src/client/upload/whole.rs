//! Sends a file in one request, for servers that take no chunks.

use std::fmt::Write as _;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use indicatif::ProgressBar;
use reqwest::{Body, Method};
use serde_json::{Map, Value};

use crate::client::connection::Server;
use crate::client::table::plain;

/// How much is read at a time.
const PIECE: u64 = 1 << 20;

/// No file's bytes are likely to hold it.
const BOUNDARY: &str = "pith-part-5d1f0c7a9be24c6f8a3e";

/// Sends a form of fields and the file, and gives the server's answer.
pub(super) async fn send(
    server: &Server,
    path: &str,
    file: &Path,
    fields: &Map<String, Value>,
    bar: &ProgressBar,
) -> anyhow::Result<Value> {
    let unreadable = || format!("{} cannot be read", file.display());
    let open = File::open(file).with_context(unreadable)?;
    let size = open.metadata().with_context(unreadable)?.len();
    let (head, tail) = around(fields);
    let length = head.len() as u64 + size + tail.len() as u64;
    let request = server
        .request(Method::POST, path)?
        .header(
            "Content-Type",
            format!("multipart/form-data; boundary={BOUNDARY}"),
        )
        .header("Content-Length", length)
        .body(body(head, Arc::new(open), size, tail, bar.clone()));
    server.send(request).await?.success()
}

/// What stands before and after the file.
fn around(fields: &Map<String, Value>) -> (Bytes, Bytes) {
    let mut head = String::new();
    for (name, value) in fields {
        let name = name.replace(['"', '\r', '\n'], "");
        let _ = write!(
            head,
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{}\r\n",
            plain(value)
        );
    }
    let _ = write!(
        head,
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"file\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    (head.into(), format!("\r\n--{BOUNDARY}--\r\n").into())
}

/// The whole form, read as the connection takes it.
fn body(head: Bytes, file: Arc<File>, size: u64, tail: Bytes, bar: ProgressBar) -> Body {
    let pieces = stream::unfold(0, move |offset| {
        let (file, bar) = (Arc::clone(&file), bar.clone());
        async move {
            bar.set_position(offset);
            if offset >= size {
                return None;
            }
            let mut piece = vec![0; usize::try_from(PIECE.min(size - offset)).unwrap_or(0)];
            // A file on a disk is read faster than a connection takes it.
            let read = file.read_exact_at(&mut piece, offset);
            let next = offset + piece.len() as u64;
            Some((read.map(|()| Bytes::from(piece)), next))
        }
    });
    let ends = |bytes: Bytes| stream::once(async move { std::io::Result::Ok(bytes) });
    Body::wrap_stream(ends(head).chain(pieces).chain(ends(tail)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_no_line() {
        let mut fields = Map::new();
        fields.insert("a\"\r\nb".to_owned(), "c".into());
        let (head, _) = around(&fields);
        let head = String::from_utf8(head.to_vec()).unwrap();
        assert!(head.contains("name=\"ab\"\r\n\r\nc\r\n"), "{head}");
    }
}
