//! Sends a file chunk by chunk, and goes on where the server says it is.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::{Method, StatusCode};

use super::note::Note;
use crate::client::connection::{Answer, Server};

/// What most clients use: small enough to lose little, large enough to cost little.
const CHUNK: u64 = 4 << 20;

/// How often a chunk is tried when the connection breaks off.
const ATTEMPTS: u32 = 6;

/// An upload that has all bytes.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) id: String,
    pub(super) note: Note,
}

/// Where the server is.
struct Place {
    id: String,
    offset: u64,
}

/// Sends a file, or what is missing of it; none if the server takes no chunks.
pub(super) async fn send(server: &Server, path: &Path) -> anyhow::Result<Option<Upload>> {
    let unreadable = || format!("{} cannot be read", path.display());
    let file = File::open(path).with_context(unreadable)?;
    let metadata = file.metadata().with_context(unreadable)?;
    ensure!(metadata.is_file(), "{} is no file", path.display());
    let size = metadata.len();
    let note = Note::of(&server.address(), path, &metadata);
    let bar = bar(path, size);
    let mut place = match note.read() {
        Some(id) => find(server, &id).await?,
        None => None,
    };
    let mut failures = 0;
    loop {
        let offset = place.as_ref().map_or(0, |place| place.offset);
        bar.set_position(offset);
        ensure!(
            offset <= size,
            "the server has {offset} bytes of {}, which has {size} only",
            path.display()
        );
        if let Some(place) = &place
            && offset == size
        {
            bar.finish();
            let id = place.id.clone();
            return Ok(Some(Upload { id, note }));
        }
        let chunk = read(&file, offset, size).with_context(unreadable)?;
        match put(server, place.as_ref(), chunk).await {
            Ok(next) => {
                if place.is_none() {
                    note.write(&next.id);
                }
                place = Some(next);
                failures = 0;
            }
            Err(Failure::NoChunks) if place.is_none() => return Ok(None),
            Err(Failure::NoChunks) => bail!("the server takes no chunks any more"),
            // The answer to a first chunk may be lost, and then its upload is, too.
            Err(Failure::Connection(error)) if failures < ATTEMPTS => {
                failures += 1;
                bar.println(format!("{error:#}; trying again"));
                tokio::time::sleep(Duration::from_millis(200) * 2_u32.pow(failures)).await;
                if let Some(known) = &place
                    && let Ok(Some(found)) = find(server, &known.id).await
                {
                    place = Some(found);
                }
            }
            Err(Failure::Connection(error) | Failure::Refused(error)) => return Err(error),
        }
    }
}

enum Failure {
    /// The server knows no such path.
    NoChunks,
    /// Worth another attempt.
    Connection(anyhow::Error),
    /// Not worth one.
    Refused(anyhow::Error),
}

fn read(file: &File, offset: u64, size: u64) -> std::io::Result<Bytes> {
    let length = usize::try_from(CHUNK.min(size - offset)).unwrap_or(0);
    let mut chunk = vec![0; length];
    file.read_exact_at(&mut chunk, offset)?;
    Ok(chunk.into())
}

async fn put(server: &Server, place: Option<&Place>, chunk: Bytes) -> Result<Place, Failure> {
    let path = match place {
        None => "upload".to_owned(),
        Some(Place { id, offset }) => format!("upload?upload_id={id}&offset={offset}"),
    };
    let request = server
        .request(Method::PUT, &path)
        .map_err(Failure::Refused)?
        .header("Content-Type", "application/octet-stream")
        .body(chunk);
    let answer = server.send(request).await.map_err(Failure::Connection)?;
    if answer.status.is_server_error() {
        let error = answer.success().expect_err("it is an error");
        return Err(Failure::Connection(error));
    }
    if place.is_none()
        && matches!(
            answer.status,
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED
        )
    {
        return Err(Failure::NoChunks);
    }
    match place_in(&answer) {
        // A chunk that went before, whose answer was lost, is no error: the offset tells.
        Some(place) if answer.status.is_success() || answer.status == StatusCode::BAD_REQUEST => {
            Ok(place)
        }
        _ => match answer.success() {
            Ok(_) => Err(Failure::Refused(anyhow::anyhow!(
                "the server's answer to a chunk has no upload_id and offset"
            ))),
            Err(error) => Err(Failure::Refused(error)),
        },
    }
}

/// Where an upload is; none if it is no longer there.
async fn find(server: &Server, id: &str) -> anyhow::Result<Option<Place>> {
    // No upload is there, so the answer is a refusal that says where it is.
    let nowhere = format!("upload?upload_id={id}&offset={}", i64::MAX);
    let request = server
        .request(Method::PUT, &nowhere)?
        .header("Content-Type", "application/octet-stream")
        .body(Bytes::new());
    let answer = server.send(request).await?;
    if let Some(place) = place_in(&answer) {
        return Ok(Some(place));
    }
    match answer.status {
        StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::BAD_REQUEST => Ok(None),
        _ => match answer.success() {
            Ok(_) => bail!("the server does not say where the upload is"),
            Err(error) => Err(error),
        },
    }
}

fn place_in(answer: &Answer) -> Option<Place> {
    Some(Place {
        id: answer.document["upload_id"].as_str()?.to_owned(),
        offset: answer.document["offset"].as_u64()?,
    })
}

/// Hidden by itself where standard error is no terminal.
pub(super) fn bar(path: &Path, size: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{msg:30!} {wide_bar} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta}",
    );
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    ProgressBar::new(size)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_message(name.replace(char::is_control, " "))
}
