//! The drafts of what a server says of a version.

use pith_plugin_sdk::{Error, Result, Source, UnitDraft, log};
use serde_json::json;
use serde_json::value::RawValue;

use super::answers::{Detail, Tag};
use crate::COLLECTION_DEPRECATION;
use crate::collection::{CollectionVersion, Rest};
use crate::manifest::Information;
use crate::signature::Signature;

/// Large enough for any collection, small enough for every store.
const MAX_SIZE: u64 = 1 << 40;

/// A version, and the signatures of it.
pub(super) fn of_version(detail: Detail, docs: Option<Box<RawValue>>) -> Result<Vec<UnitDraft>> {
    let sha256 = detail.artifact.sha256.to_ascii_lowercase();
    if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Error::invalid("artifact.sha256 is no SHA-256 digest"));
    }
    if detail.artifact.size > MAX_SIZE {
        return Err(Error::invalid("artifact.size is no size of a file"));
    }
    let info = detail.metadata;
    let info_of = Information {
        namespace: detail.namespace.name,
        name: detail.collection.name,
        version: detail.version,
        readme: None,
        authors: info.authors,
        tags: info
            .tags
            .map(|tags| tags.into_iter().map(Tag::into_name).collect()),
        description: info.description,
        license: info.license,
        dependencies: info.dependencies,
        repository: info.repository,
        documentation: info.documentation,
        homepage: info.homepage,
        issues: info.issues,
    };
    let rest = Rest {
        sha256,
        size: detail.artifact.size,
        contents: of_kind(info.contents, '[')?,
        docs_blob: of_kind(docs, '{')?,
        manifest: of_kind(detail.manifest, '{')?,
        files: of_kind(detail.files, '{')?,
        requires_ansible: detail.requires_ansible,
    };
    let version = CollectionVersion::new(info_of, rest)?;
    let url = Source::Urls(vec![detail.download_url]);
    let mut drafts = vec![version.draft(url)?];
    for signature in &detail.signatures {
        let of = [
            version.namespace.as_str(),
            &version.name,
            &version.version,
            &version.sha256,
        ];
        let given = signature.pubkey_fingerprint.as_deref();
        match Signature::of_upstream(of, &signature.signature, given) {
            Ok(signature) => drafts.push(signature.draft()?),
            Err(error) => log::warn(&format!(
                "A signature of {}.{} {} is left out: {error}",
                version.namespace, version.name, version.version
            )),
        }
    }
    Ok(drafts)
}

/// That nobody should use a collection any longer.
pub(super) fn of_deprecation(namespace: &str, name: &str) -> UnitDraft {
    UnitDraft {
        content_type: COLLECTION_DEPRECATION.into(),
        fields: json!({"namespace": namespace, "name": name}).to_string(),
        artifacts: Vec::new(),
        fragments: Vec::new(),
        terms: Vec::new(),
    }
}

/// A list or an object as it was sent, an empty one if nothing was.
fn of_kind(value: Option<Box<RawValue>>, opening: char) -> Result<Box<RawValue>> {
    let empty = if opening == '[' { "[]" } else { "{}" };
    match value {
        Some(value) if value.get().starts_with(opening) => Ok(value),
        Some(value) if value.get() != "null" => Err(Error::invalid(format!(
            "{empty} with something in it was expected, but not {}",
            value.get().chars().take(40).collect::<String>()
        ))),
        _ => RawValue::from_string(empty.to_owned())
            .map_err(|error| Error::internal(error.to_string())),
    }
}
