//! The steps that tests of uploads are made of.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::api::Api;
use crate::multipart::Form;
use crate::reply::{Reply, text};
use crate::server::TestServer;
use crate::task::Task;

/// An upload whose chunks follow one another, as its sender knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sending {
    /// The server's name for it.
    pub id: String,
    /// Where the next chunk belongs.
    pub offset: u64,
}

impl Sending {
    /// What an answer says.
    pub fn of(answer: &Value) -> Result<Self> {
        let id = text(&answer["upload_id"]).to_owned();
        anyhow::ensure!(!id.is_empty(), "no upload_id: {answer}");
        let offset = answer["offset"].as_u64();
        let offset = offset.with_context(|| format!("no offset: {answer}"))?;
        Ok(Self { id, offset })
    }
}

impl Api {
    /// Begins an upload with a chunk.
    pub async fn begin_upload(&self, bytes: &[u8]) -> Result<Sending> {
        let reply = self.put_bytes("/upload", &[], bytes.to_vec()).await?;
        Sending::of(&reply.ok()?)
    }

    /// Sends a chunk to any place.
    pub async fn send_chunk(&self, id: &str, offset: u64, bytes: &[u8]) -> Result<Reply> {
        let path = format!("/upload?upload_id={id}&offset={offset}");
        self.put_bytes(&path, &[], bytes.to_vec()).await
    }

    /// Sends the next chunk.
    pub async fn send_next(&self, sending: &Sending, bytes: &[u8]) -> Result<Sending> {
        let reply = self.send_chunk(&sending.id, sending.offset, bytes).await?;
        Sending::of(&reply.ok()?)
    }

    /// Asks where the next chunk belongs, by one that belongs nowhere.
    pub async fn ask_offset(&self, id: &str) -> Result<Sending> {
        let path = format!("/upload?upload_id={id}");
        Sending::of(&self.put_bytes(&path, &[], "").await?.json(400)?)
    }

    /// Makes a unit of an upload.
    pub async fn import(&self, id: &str, unit_key: Value) -> Result<Task> {
        let order = json!({
            "upload_id": id, "unit_type_id": "file.file", "unit_key": unit_key,
        });
        let reply = self.post("/import_upload", order).await?;
        self.finish(reply).await
    }

    /// Sends a chunk of an upload of known size to its place.
    pub async fn put_range(
        &self,
        upload: &str,
        first: usize,
        bytes: &[u8],
        size: usize,
    ) -> Result<Reply> {
        let last = first + bytes.len() - 1;
        let range = format!("bytes {first}-{last}/{size}");
        let form = Form::new().file("file", "chunk", bytes);
        self.put_form(upload, &[("Content-Range", &range)], form)
            .await
    }
}

impl TestServer {
    /// Sends the beginning of a request as it stands, and reads what comes back until the
    /// connection ends, if it is to be read at all.
    pub async fn send_raw(&self, head: &str, body: &[u8], is_read: bool) -> Result<String> {
        let address = self.base_url().trim_start_matches("http://");
        let mut connection = TcpStream::connect(address).await?;
        // `admin:password`
        let head = format!(
            "{head}\r\nHost: test\r\nAuthorization: Basic YWRtaW46cGFzc3dvcmQ=\r\n\
             Connection: close\r\n\r\n"
        );
        connection.write_all(head.as_bytes()).await?;
        connection.write_all(body).await?;
        let mut answer = Vec::new();
        if is_read {
            connection.read_to_end(&mut answer).await?;
        }
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}
