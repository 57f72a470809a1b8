//! Answers below `/bad/<misbehaviour>/`.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt};
use http::StatusCode;

use crate::answer::{Answer, AnswerBody, pieces, redirect, streamed, text, typed, whole};
use crate::generated::GeneratedRepository;
use crate::manifest::{Manifest, ManifestLine};
use crate::misbehaviour::{FileMisbehaviour, Misbehaviour};

/// Cloud machines answer here with credentials: no remote may lead there.
const LINK_LOCAL: &str = "http://169.254.169.254/latest/meta-data/";
/// How many lines a slow manifest has.
const SLOW_LINES: usize = 120;
const GIGABYTE: u64 = 1_000_000_000;
/// Small enough to be sent at once, large enough not to come in one packet.
const BAD_FILE: GeneratedRepository = GeneratedRepository {
    count: 1,
    size: 200_000,
    seed: 66,
};
const GOOD_TEXT: &[u8] = b"this one is well\n";

/// Answers for a path below the repository. `times_asked` counts this request too.
pub(crate) async fn answer(
    misbehaviour: Misbehaviour,
    repository_path: &str,
    path: &str,
    query: Option<&str>,
    times_asked: usize,
) -> Answer {
    match (path, misbehaviour) {
        ("PULP_MANIFEST", Misbehaviour::File(_)) => {
            let manifest = Manifest(vec![
                ManifestLine::of("good.txt", GOOD_TEXT),
                ManifestLine::of("bad.bin", &bad_file()),
            ]);
            typed(StatusCode::OK, "text/plain", manifest.to_string())
        }
        ("PULP_MANIFEST", _) => manifest_answer(misbehaviour, repository_path, query).await,
        ("good.txt" | "second.txt", _) => typed(StatusCode::OK, "text/plain", GOOD_TEXT),
        ("bad.bin", Misbehaviour::File(file)) => {
            file_answer(file, repository_path, query, times_asked).await
        }
        _ => text(StatusCode::NOT_FOUND, "no such file"),
    }
}

async fn manifest_answer(
    misbehaviour: Misbehaviour,
    repository_path: &str,
    query: Option<&str>,
) -> Answer {
    let good = ManifestLine::of("good.txt", GOOD_TEXT);
    let second = |path: &str| ManifestLine {
        path: path.to_owned(),
        ..good.clone()
    };
    let lines = |second: ManifestLine| {
        typed(
            StatusCode::OK,
            "text/plain",
            Manifest(vec![good.clone(), second]).to_string(),
        )
    };
    match misbehaviour {
        Misbehaviour::NotFound => text(StatusCode::NOT_FOUND, "no such file"),
        Misbehaviour::ServerError => text(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the fixture fails on purpose",
        ),
        Misbehaviour::Slow(milliseconds) => {
            let line = Bytes::from(good.to_string());
            let all = stream::iter((0..SLOW_LINES).map(move |_| line.clone()));
            streamed(
                None,
                pieces(spaced(all, Duration::from_millis(milliseconds))),
            )
        }
        Misbehaviour::Stalled => never().await,
        Misbehaviour::Truncated => {
            let line = Bytes::from(good.to_string());
            let promised = line.len() as u64 * 3;
            streamed(Some(promised), breaking_off(line))
        }
        Misbehaviour::RedirectLoop => next_redirect(repository_path, "PULP_MANIFEST", query),
        Misbehaviour::LinkLocalRedirect => redirect(LINK_LOCAL),
        Misbehaviour::ParentPath => lines(second("../../../../outside.txt")),
        Misbehaviour::AbsolutePath => lines(second("/etc/outside.txt")),
        Misbehaviour::DuplicatePath => lines(ManifestLine::of("good.txt", b"something else")),
        Misbehaviour::LongLine => streamed(Some(GIGABYTE), pieces(repeated(b'a', Some(GIGABYTE)))),
        Misbehaviour::NotUtf8 => {
            let mut bytes = good.to_string().into_bytes();
            bytes.extend_from_slice(b"\xff\xfe\xfd.txt");
            bytes.extend_from_slice(&good.to_string().as_bytes()["good.txt".len()..]);
            typed(StatusCode::OK, "text/plain", bytes)
        }
        Misbehaviour::LoginPage => typed(
            StatusCode::OK,
            "text/html; charset=utf-8",
            "<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n\
             <body><form action=\"/login\">Please sign in, then try again</form></body></html>\n",
        ),
        Misbehaviour::NegativeSize => lines(ManifestLine {
            size: "-17".to_owned(),
            ..second("second.txt")
        }),
        Misbehaviour::HugeSize => lines(ManifestLine {
            size: "99999999999999999999".to_owned(),
            ..second("second.txt")
        }),
        Misbehaviour::MalformedLine => typed(
            StatusCode::OK,
            "text/plain",
            format!("{good}there is no comma here\n"),
        ),
        Misbehaviour::ShortDigest => lines(ManifestLine {
            sha256: "abc123".to_owned(),
            ..second("second.txt")
        }),
        Misbehaviour::Endless => streamed(
            None,
            pieces(stream::iter(0_u64..).map(|number| {
                let path = format!("missing-{number}.bin");
                Ok(Bytes::from(
                    ManifestLine::of(path, b"nobody has it").to_string(),
                ))
            })),
        ),
        Misbehaviour::File(_) => unreachable!("its manifest is right"),
    }
}

async fn file_answer(
    misbehaviour: FileMisbehaviour,
    repository_path: &str,
    query: Option<&str>,
    times_asked: usize,
) -> Answer {
    let file = bad_file();
    let plain = |bytes: Bytes| typed(StatusCode::OK, "application/octet-stream", bytes);
    match misbehaviour {
        FileMisbehaviour::NotFound => text(StatusCode::NOT_FOUND, "no such file"),
        FileMisbehaviour::ServerError => text(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the fixture fails on purpose",
        ),
        FileMisbehaviour::Slow(milliseconds) => {
            let length = file.len() as u64;
            let kilobytes = (0..file.len())
                .step_by(1024)
                .map(move |start| file.slice(start..(start + 1024).min(file.len())));
            let spaced = spaced(stream::iter(kilobytes), Duration::from_millis(milliseconds));
            streamed(Some(length), pieces(spaced))
        }
        FileMisbehaviour::Stalled => never().await,
        FileMisbehaviour::Truncated => {
            let half = file.slice(..file.len() / 2);
            streamed(Some(file.len() as u64), breaking_off(half))
        }
        FileMisbehaviour::BrokenChunks => {
            // All but the last byte, then no last chunk.
            let most = file.slice(..file.len() - 1);
            streamed(None, breaking_off(most))
        }
        FileMisbehaviour::WrongDigest => {
            let mut bytes = file.to_vec();
            // The very last byte, so that all before it looks right.
            if let Some(last) = bytes.last_mut() {
                *last ^= 1;
            }
            plain(bytes.into())
        }
        FileMisbehaviour::Longer => plain([&file[..], b"and more"].concat().into()),
        FileMisbehaviour::Shorter => plain(file.slice(..file.len() - 1)),
        FileMisbehaviour::RedirectLoop => next_redirect(repository_path, "bad.bin", query),
        FileMisbehaviour::LinkLocalRedirect => redirect(LINK_LOCAL),
        FileMisbehaviour::Endless => streamed(None, pieces(repeated(b'z', None))),
        FileMisbehaviour::Flaky(times) if times_asked as u64 <= times => {
            text(StatusCode::SERVICE_UNAVAILABLE, "not yet")
        }
        FileMisbehaviour::Flaky(_) => streamed(Some(file.len() as u64), whole(file)),
    }
}

fn bad_file() -> Bytes {
    BAD_FILE.bytes(1, 0..BAD_FILE.size)
}

/// A redirect to the same place under another query, so that no cache sees a repeat.
fn next_redirect(repository_path: &str, path: &str, query: Option<&str>) -> Answer {
    let round = query.and_then(|query| query.strip_prefix("round=")?.parse::<u64>().ok());
    redirect(&format!(
        "{repository_path}/{path}?round={}",
        round.unwrap_or_default() + 1
    ))
}

/// Pieces with a pause before each.
fn spaced(
    all: impl Stream<Item = Bytes> + Send + 'static,
    pause: Duration,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    all.then(move |piece| async move {
        tokio::time::sleep(pause).await;
        Ok(piece)
    })
}

/// Some bytes, then a broken connection.
fn breaking_off(bytes: Bytes) -> AnswerBody {
    let end = stream::once(async {
        // A body that fails at once would take its unsent bytes with it.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let message = "the fixture breaks this connection";
        Err(io::Error::new(io::ErrorKind::ConnectionAborted, message))
    });
    pieces(stream::once(async { Ok(bytes) }).chain(end))
}

/// One byte over and over, up to a length or for ever.
fn repeated(byte: u8, length: Option<u64>) -> impl Stream<Item = io::Result<Bytes>> + Send {
    const PIECE: usize = 64 * 1024;
    let piece = Bytes::from(vec![byte; PIECE]);
    stream::unfold(length, move |left| {
        let piece = piece.clone();
        async move {
            let Some(left) = left else {
                return Some((Ok(piece), None));
            };
            let now = left.min(PIECE as u64);
            if now == 0 {
                return None;
            }
            let now = usize::try_from(now).unwrap_or(PIECE);
            Some((Ok(piece.slice(..now)), Some(left - now as u64)))
        }
    })
}

async fn never() -> Answer {
    std::future::pending().await
}
