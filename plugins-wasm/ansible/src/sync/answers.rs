//! What Galaxy servers answer, as far as it is read.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The root of an API.
#[derive(Debug, Deserialize)]
pub(super) struct Root {
    /// Where each version is, relative to the root.
    pub(super) available_versions: BTreeMap<String, String>,
}

/// The root of version 3.
#[derive(Debug, Deserialize)]
pub(super) struct Published {
    #[serde(default)]
    pub(super) published: Option<String>,
}

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(super) struct Page<T> {
    #[serde(default)]
    pub(super) links: Links,
    pub(super) data: Vec<T>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Links {
    #[serde(default)]
    pub(super) next: Option<String>,
}

/// A collection.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct CollectionItem {
    pub(super) namespace: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) deprecated: bool,
    #[serde(default)]
    pub(super) updated_at: Option<String>,
    #[serde(default)]
    pub(super) highest_version: Option<VersionItem>,
}

/// A version in a list.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct VersionItem {
    pub(super) version: String,
}

/// All that is known of a version.
#[derive(Debug, Deserialize)]
pub(super) struct Detail {
    pub(super) version: String,
    pub(super) namespace: NamedNamespace,
    pub(super) collection: Named,
    pub(super) artifact: Artifact,
    pub(super) download_url: String,
    pub(super) metadata: Metadata,
    #[serde(default)]
    pub(super) requires_ansible: Option<String>,
    #[serde(default)]
    pub(super) signatures: Vec<Signature>,
    #[serde(default)]
    pub(super) manifest: Option<Box<RawValue>>,
    #[serde(default)]
    pub(super) files: Option<Box<RawValue>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Named {
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct NamedNamespace {
    pub(super) name: String,
    /// Of what the namespace says of itself.
    #[serde(default)]
    pub(super) metadata_sha256: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Artifact {
    pub(super) sha256: String,
    pub(super) size: u64,
}

/// What a collection says of itself; null counts as nothing.
#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    #[serde(default)]
    pub(super) authors: Option<Vec<String>>,
    #[serde(default)]
    pub(super) contents: Option<Box<RawValue>>,
    #[serde(default)]
    pub(super) dependencies: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) documentation: Option<String>,
    #[serde(default)]
    pub(super) homepage: Option<String>,
    #[serde(default)]
    pub(super) issues: Option<String>,
    #[serde(default)]
    pub(super) license: Option<Vec<String>>,
    #[serde(default)]
    pub(super) repository: Option<String>,
    #[serde(default)]
    pub(super) tags: Option<Vec<Tag>>,
}

/// Servers differ in how they write one.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Tag {
    Text(String),
    Object { name: String },
}

impl Tag {
    pub(super) fn into_name(self) -> String {
        match self {
            Self::Text(name) | Self::Object { name } => name,
        }
    }
}

/// A signature of a version's manifest.
#[derive(Debug, Deserialize)]
pub(super) struct Signature {
    pub(super) signature: String,
    #[serde(default)]
    pub(super) pubkey_fingerprint: Option<String>,
}

/// The documentation of a version.
#[derive(Debug, Deserialize)]
pub(super) struct DocsBlob {
    #[serde(default)]
    pub(super) docs_blob: Option<Box<RawValue>>,
}
