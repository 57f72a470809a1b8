//! Leads a request to what answers it, and enters it into the ledger.

use std::convert::Infallible;
use std::io;
use std::path::PathBuf;

use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Collected};
use percent_encoding::percent_decode_str;

use crate::answer::{Answer, CountedBody, redirect, text, typed, whole};
use crate::conditional;
use crate::directory;
use crate::generated::{GeneratedRepository, Manifests};
use crate::held::{Held, HeldEntry, HeldFile};
use crate::ledger::Ledger;
use crate::manifest::{Manifest, ManifestLine};
use crate::misbehave;
use crate::misbehaviour::Misbehaviour;
use crate::network::Network;
use crate::protected;

/// Where a network is called.
const CALLS: &str = "/network/rpc/api";

/// What is behind the door of a protected repository.
const PROTECTED_TEXT: &[u8] = b"for those who may read it\n";

/// Everything that an upstream serves.
#[derive(Debug)]
pub(crate) struct Router {
    directory: Option<PathBuf>,
    ledger: Ledger,
    held: Held,
    manifests: Manifests,
    network: Network,
}

impl Router {
    pub(crate) fn new(directory: Option<PathBuf>) -> Self {
        Self {
            directory,
            ledger: Ledger::default(),
            held: Held::default(),
            manifests: Manifests::default(),
            network: Network::default(),
        }
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(crate) fn held(&self) -> &Held {
        &self.held
    }

    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    pub(crate) async fn answer<B: Body>(
        &self,
        request: Request<B>,
    ) -> Result<Response<CountedBody>, Infallible> {
        let entry = self.ledger.enter(&request);
        let answer = if request.method() == Method::POST && request.uri().path() == CALLS {
            let call = request.into_body().collect().await;
            let call = call.map(Collected::to_bytes).unwrap_or_default();
            self.network.answer(&String::from_utf8_lossy(&call))
        } else if matches!(*request.method(), Method::GET | Method::HEAD) {
            self.route(&request).await.unwrap_or_else(|error| {
                text(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    &format!("the fixture failed: {error}"),
                )
            })
        } else {
            text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD")
        };
        Ok(answer.map(|body| CountedBody {
            body,
            _entry: entry,
        }))
    }

    async fn route<B>(&self, request: &Request<B>) -> anyhow::Result<Answer> {
        let raw_path = request.uri().path();
        let path = percent_decode_str(raw_path).decode_utf8_lossy();
        let words: Vec<&str> = path.splitn(4, '/').collect();
        match words.as_slice() {
            ["", "generated", name, rest] => self.generated(name, rest, request.headers()).await,
            ["", "held", name, rest] => {
                if let Some(refusal) = protected::refusal_of_held(name, request.headers()) {
                    return Ok(refusal);
                }
                self.held_file(name, rest, request.headers()).await
            }
            ["", "network", "XMLRPC", rest] => {
                if let Some(refusal) = self.network.refusal(request.headers()) {
                    return Ok(refusal);
                }
                let channel = rest.strip_prefix("GET-REQ/").unwrap_or_default();
                let (name, path) = channel.split_once('/').unwrap_or_default();
                self.held_file(name, path, request.headers()).await
            }
            ["", "bad", name, rest] => {
                let Ok(misbehaviour) = name.parse::<Misbehaviour>() else {
                    return Ok(text(StatusCode::NOT_FOUND, "no such misbehaviour"));
                };
                let repository_path = format!("/bad/{name}");
                let times_asked = self.ledger.times_asked(raw_path);
                let query = request.uri().query();
                Ok(
                    misbehave::answer(misbehaviour, &repository_path, rest, query, times_asked)
                        .await,
                )
            }
            ["", "protected", how, rest] => Ok(protected::refusal(how, request.headers())
                .unwrap_or_else(|| protected_answer(rest))),
            _ => match &self.directory {
                Some(root) => Ok(directory::answer(root, &path, request.headers()).await?),
                None => Ok(text(StatusCode::NOT_FOUND, "nothing is served here")),
            },
        }
    }

    async fn held_file(
        &self,
        name: &str,
        path: &str,
        headers: &HeaderMap,
    ) -> anyhow::Result<Answer> {
        match self.held.get(name, path) {
            Some(HeldEntry::File(file)) => Ok(held_answer(file, headers).await?),
            Some(HeldEntry::Redirect(target)) => Ok(redirect(&target)),
            None => Ok(text(StatusCode::NOT_FOUND, "no such file")),
        }
    }

    async fn generated(
        &self,
        name: &str,
        path: &str,
        headers: &HeaderMap,
    ) -> anyhow::Result<Answer> {
        let Ok(repository) = GeneratedRepository::parse(name) else {
            return Ok(text(
                StatusCode::NOT_FOUND,
                "not of the form <count>x<size>[@<seed>]",
            ));
        };
        if path == "PULP_MANIFEST" {
            let file = HeldFile::new(self.manifests.of(repository).await?);
            return Ok(held_answer(file, headers).await?);
        }
        let Some(number) = repository.file_number(path) else {
            return Ok(text(StatusCode::NOT_FOUND, "no such file"));
        };
        let open = |range| std::future::ready(Ok(repository.body(number, range)));
        Ok(conditional::answer(repository.entity(number), headers, open).await?)
    }
}

async fn held_answer(file: HeldFile, headers: &HeaderMap) -> io::Result<Answer> {
    let bytes = file.bytes;
    conditional::answer(file.entity, headers, |range| {
        let cut = |offset| usize::try_from(offset).unwrap_or(usize::MAX);
        std::future::ready(Ok(whole(bytes.slice(cut(range.start)..cut(range.end)))))
    })
    .await
}

fn protected_answer(path: &str) -> Answer {
    match path {
        "PULP_MANIFEST" => {
            let manifest = Manifest(vec![ManifestLine::of("secret.txt", PROTECTED_TEXT)]);
            typed(StatusCode::OK, "text/plain", manifest.to_string())
        }
        "secret.txt" => typed(StatusCode::OK, "text/plain", PROTECTED_TEXT),
        _ => text(StatusCode::NOT_FOUND, "no such file"),
    }
}
