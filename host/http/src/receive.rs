//! Receives a file in a multipart form: its bytes go to the store as they arrive, in
//! constant memory, and are hashed on the way.

use axum::extract::{FromRequest as _, Multipart, Request};
use pith_db::artifact::Artifact;
use pith_storage::{Algorithm, Digest, Expected, Incoming, MultiHasher, Store};
use pith_tasks::work::Expectation;
use serde_json::{Map, Value};

use crate::body::{self, Fields};
use crate::error::{Error, Result};
use crate::form::Form;
use crate::transfer::Transfer;

/// What came.
#[derive(Debug)]
pub(crate) struct Received {
    /// The other fields.
    pub(crate) fields: Fields,
    /// The file.
    pub(crate) file: Option<ReceivedFile>,
}

/// A file that came; dropped, it is gone.
#[derive(Debug)]
pub(crate) struct ReceivedFile {
    /// As the client called it.
    pub(crate) name: String,
    /// Its bytes, not kept yet.
    pub(crate) incoming: Incoming,
}

/// Receives a form with at most one file, in the field `file_field`. Digests that stand
/// before the file in the form are computed as it arrives.
pub(crate) async fn receive(
    request: Request,
    store: &dyn Store,
    file_field: &str,
) -> Result<Received> {
    let mut multipart = Multipart::from_request(request, &())
        .await
        .map_err(|error| body::damaged_form(&error))?;
    let mut fields = Fields {
        textual: true,
        ..Fields::default()
    };
    let mut file = None;
    let mut left = body::LIMIT;
    while let Some(mut field) = body::next_field(&mut multipart).await? {
        let name = field.name().unwrap_or_default().to_owned();
        if name != file_field {
            if field.file_name().is_some() {
                return Err(Error::invalid(name, "No file was expected here."));
            }
            let text = body::read_text(field, &mut left).await?;
            fields.map.insert(name, text.into());
            continue;
        }
        if file.is_some() {
            return Err(Error::invalid(file_field, "Only one file was expected."));
        }
        let name = field.file_name().unwrap_or_default().replace('\0', "");
        let mut transfer = Transfer::of(field.headers())?;
        let mut writer = store.create(&announced(&fields.map));
        while let Some(chunk) = body::next_chunk(&mut field).await? {
            writer.write(transfer.decode(chunk)?).await?;
        }
        transfer.finish()?;
        let incoming = writer.finish(&Expected::nothing()).await?;
        file = Some(ReceivedFile { name, incoming });
    }
    fields.refuse_null_characters()?;
    Ok(Received { fields, file })
}

/// The algorithms whose digests are among the fields.
fn announced(fields: &Map<String, Value>) -> Vec<Algorithm> {
    let named = Algorithm::ALL.into_iter();
    named
        .filter(|algorithm| fields.contains_key(algorithm.name()))
        .collect()
}

/// How much is read at a time when a digest is computed after the fact.
const STRIDE: usize = 1 << 20;

/// What to tell of a size that is not the file's.
const WRONG_SIZE: &str = "The size did not match actual size of file.";

/// What to tell of a digest that is not the file's.
fn wrong_digest(algorithm: impl std::fmt::Display) -> String {
    format!("The {algorithm} checksum did not match.")
}

/// Takes the size and the digests that a client announces; `others` are names that mean
/// something else here.
pub(crate) fn expectation(form: &mut Form, others: &[&str]) -> Expectation {
    let mut announced = Expectation::default();
    if !others.contains(&"size")
        && let Some(size) = form.nullable_integer("size", 0).value()
    {
        announced.size = u64::try_from(size).ok();
    }
    for algorithm in Algorithm::ALL {
        let name = algorithm.name();
        if others.contains(&name) {
            continue;
        }
        let Some(text) = form.nullable_text(name).value() else {
            continue;
        };
        match Digest::from_hex(algorithm, text.trim()) {
            Ok(digest) => announced.digests.push(digest.to_string()),
            Err(error) => form.wrong(name, format!("Not a valid digest: {error}.")),
        }
    }
    announced
}

/// Compares a file with what was announced; what does not match is noted.
pub(crate) async fn compare(
    form: &mut Form,
    announced: &Expectation,
    incoming: &Incoming,
) -> Result<()> {
    if announced.size.is_some_and(|size| size != incoming.size()) {
        form.wrong_together(WRONG_SIZE);
    }
    let digests = announced.digests.iter();
    let expected: Vec<Digest> = digests.filter_map(|text| text.parse().ok()).collect();
    let late: Vec<Algorithm> = expected
        .iter()
        .map(Digest::algorithm)
        .filter(|algorithm| incoming.digests().get(*algorithm).is_none())
        .collect();
    let late = if late.is_empty() {
        None
    } else {
        Some(hash_again(incoming, &late).await?)
    };
    for digest in expected {
        let algorithm = digest.algorithm();
        let actual = incoming
            .digests()
            .get(algorithm)
            .or_else(|| late.as_ref().and_then(|digests| digests.get(algorithm)));
        if actual != Some(digest.as_bytes()) {
            form.wrong_together(wrong_digest(algorithm));
        }
    }
    Ok(())
}

/// Compares a stored file with what was announced; what does not match is noted.
pub(crate) fn compare_stored(form: &mut Form, announced: &Expectation, artifact: &Artifact) {
    if let Some(size) = announced.size
        && u64::try_from(artifact.size).ok() != Some(size)
    {
        form.wrong_together(WRONG_SIZE);
    }
    for digest in &announced.digests {
        let known = match digest.split_once(':') {
            Some(("sha256", _)) => Some(&artifact.sha256),
            Some(("md5", _)) => artifact.md5.as_ref(),
            Some(("sha1", _)) => artifact.sha1.as_ref(),
            Some(("sha224", _)) => artifact.sha224.as_ref(),
            Some(("sha384", _)) => artifact.sha384.as_ref(),
            _ => artifact.sha512.as_ref(),
        };
        let (algorithm, value) = digest.split_once(':').unwrap_or_default();
        match known {
            Some(known) if hex::encode(known) == value => {}
            Some(_) => form.wrong_together(wrong_digest(algorithm)),
            None => form.wrong(algorithm, "This digest of the artifact is not known."),
        }
    }
}

/// Reads a file again, for digests that were named only after it had come.
async fn hash_again(
    incoming: &Incoming,
    algorithms: &[Algorithm],
) -> Result<pith_storage::Digests> {
    let reader = incoming.open()?;
    let mut hasher = MultiHasher::new(algorithms);
    let mut offset = 0;
    while offset < reader.length() {
        let bytes = reader.read_at(offset, STRIDE).await?;
        if bytes.is_empty() {
            break;
        }
        offset += bytes.len() as u64;
        hasher = tokio::task::spawn_blocking(move || {
            hasher.update(&bytes);
            hasher
        })
        .await
        .map_err(|error| Error::internal(&error))?;
    }
    Ok(hasher.finish())
}
