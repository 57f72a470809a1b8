//! The content types with their fields, as the API shows them.

use pith_plugin_sdk::{ArtifactCount, ContentType, Reference, ReferenceKey, schema};
use serde_json::{Map, Value, json};

use crate::order;

/// A field: its name, the JSON types that it may have, and what it is.
type Fields<'a> = &'a [(&'a str, &'a [&'a str], &'a str)];

const TEXT: &[&str] = &["string"];
const MAYBE_TEXT: &[&str] = &["string", "null"];
const INTEGER: &[&str] = &["integer"];
const LIST: &[&str] = &["array"];
const OBJECT: &[&str] = &["object"];

struct Kind<'a> {
    name: &'a str,
    plural: &'a str,
    /// As Pulp calls its model, in lower case.
    model: &'a str,
    title: &'a str,
    artifacts: ArtifactCount,
    fields: Fields<'a>,
    natural_key: &'a [&'a str],
    repository_key: &'a [&'a str],
    indexed: &'a [&'a str],
    references: Vec<Reference>,
}

/// All of them.
pub(crate) fn all() -> Vec<ContentType> {
    [
        collection_version(),
        collection_deprecation(),
        collection_signature(),
        collection_mark(),
        namespace(),
    ]
    .into_iter()
    .map(Kind::describe)
    .collect()
}

impl Kind<'_> {
    fn describe(self) -> ContentType {
        let property = |types: &[&str], description: &str| match types {
            [one] => json!({ "type": one, "description": description }),
            several => json!({ "type": several, "description": description }),
        };
        let mut properties: Map<String, Value> = self
            .fields
            .iter()
            .map(|(name, types, description)| ((*name).to_owned(), property(types, description)))
            .collect();
        if self.name == crate::COLLECTION_VERSION {
            properties["namespace"]["x-entity"] = crate::namespace::UPLOAD.into();
            properties.insert(order::KEY.to_owned(), order::property());
        }
        let required: Vec<&str> = self.fields.iter().map(|(name, ..)| *name).collect();
        let words = |list: &[&str]| list.iter().map(|&word| word.to_owned()).collect();
        ContentType {
            name: self.name.into(),
            plural: self.plural.into(),
            model: self.model.into(),
            title: self.title.into(),
            artifacts: self.artifacts,
            schema_version: 1,
            fields: schema::object(&Value::Object(properties), &required),
            natural_key: words(self.natural_key),
            repository_key: words(self.repository_key),
            indexed: words(self.indexed),
            references: self.references,
        }
    }
}

fn collection_version() -> Kind<'static> {
    Kind {
        name: crate::COLLECTION_VERSION,
        plural: "collection_versions",
        model: "collectionversion",
        title: "Ansible collection version",
        artifacts: ArtifactCount::One,
        fields: &[
            ("namespace", TEXT, "Who publishes the collection."),
            ("name", TEXT, "The collection's name within its namespace."),
            ("version", TEXT, "A semantic version."),
            (
                "precedence",
                TEXT,
                "A text that sorts as the version does, but all releases last.",
            ),
            ("sha256", TEXT, "The SHA-256 digest of the archive."),
            ("size", INTEGER, "Of the archive, in bytes."),
            ("authors", LIST, "Who wrote the collection."),
            (
                "contents",
                LIST,
                "What the collection brings: name, content_type and description of each.",
            ),
            (
                "dependencies",
                OBJECT,
                "Ranges of versions by the full name of the collection that is needed.",
            ),
            ("description", TEXT, "A short summary."),
            ("docs_blob", OBJECT, "The documentation as HTML."),
            ("manifest", OBJECT, "MANIFEST.json as it is."),
            ("files", OBJECT, "FILES.json as it is."),
            ("documentation", TEXT, "The address of the documentation."),
            ("homepage", TEXT, "The address of the project."),
            ("issues", TEXT, "The address of the issue tracker."),
            ("license", LIST, "The licenses, as SPDX names them."),
            (
                "origin_repository",
                TEXT,
                "The address of the repository of the source.",
            ),
            (
                "tags",
                LIST,
                "Words to find the collection by, each a name.",
            ),
            (
                "requires_ansible",
                MAYBE_TEXT,
                "The range of versions of Ansible that the collection works with.",
            ),
        ],
        natural_key: &["namespace", "name", "version", "sha256"],
        repository_key: &["namespace", "name", "version"],
        indexed: &[
            "namespace",
            "name",
            "version",
            "sha256",
            "namespace,name,precedence",
        ],
        references: Vec::new(),
    }
}

fn collection_deprecation() -> Kind<'static> {
    Kind {
        name: crate::COLLECTION_DEPRECATION,
        plural: "collection_deprecations",
        model: "ansiblecollectiondeprecated",
        title: "Ansible collection deprecation",
        artifacts: ArtifactCount::None,
        fields: &[
            ("namespace", TEXT, "Who publishes the collection."),
            (
                "name",
                TEXT,
                "The collection that nobody should use any longer.",
            ),
        ],
        natural_key: &["namespace", "name"],
        repository_key: &[],
        indexed: &["namespace", "name"],
        references: Vec::new(),
    }
}

fn collection_signature() -> Kind<'static> {
    Kind {
        name: crate::COLLECTION_SIGNATURE,
        plural: "collection_signatures",
        model: "collectionversionsignature",
        title: "Ansible collection signature",
        artifacts: ArtifactCount::None,
        fields: &[
            ("namespace", TEXT, "Of the collection that is signed."),
            ("name", TEXT, "Of the collection that is signed."),
            ("version", TEXT, "Of the collection that is signed."),
            (
                "sha256",
                TEXT,
                "Of the archive of the collection that is signed.",
            ),
            (
                "data",
                TEXT,
                "The signature of MANIFEST.json, detached and armored.",
            ),
            ("digest", TEXT, "The SHA-256 digest of the signature."),
            (
                "pubkey_fingerprint",
                TEXT,
                "The fingerprint of the key; its ID where the signature says no more.",
            ),
        ],
        natural_key: &[
            "pubkey_fingerprint",
            "namespace",
            "name",
            "version",
            "sha256",
        ],
        repository_key: &[],
        indexed: &["namespace", "name", "sha256"],
        references: vec![of_archive()],
    }
}

/// Whoever copies what is about a collection version copies that, too.
fn of_archive() -> Reference {
    Reference {
        field: "sha256".into(),
        target: crate::COLLECTION_VERSION.into(),
        keys: vec![ReferenceKey {
            property: String::new(),
            field: "sha256".into(),
        }],
    }
}

fn collection_mark() -> Kind<'static> {
    const FIELDS: &[&str] = &["namespace", "name", "version", "sha256", "value"];
    Kind {
        name: crate::COLLECTION_MARK,
        plural: "collection_marks",
        model: "collectionversionmark",
        title: "Ansible collection mark",
        artifacts: ArtifactCount::None,
        fields: &[
            ("namespace", TEXT, "Of the collection that is marked."),
            ("name", TEXT, "Of the collection that is marked."),
            ("version", TEXT, "Of the collection that is marked."),
            (
                "sha256",
                TEXT,
                "Of the archive of the collection that is marked.",
            ),
            ("value", TEXT, "The word that it is marked with."),
        ],
        natural_key: FIELDS,
        repository_key: &[],
        indexed: &["namespace", "name", "sha256"],
        references: vec![of_archive()],
    }
}

fn namespace() -> Kind<'static> {
    Kind {
        name: crate::NAMESPACE,
        plural: "namespaces",
        model: "ansiblenamespacemetadata",
        title: "Ansible namespace",
        artifacts: ArtifactCount::Many,
        fields: &[
            ("name", TEXT, "The name of the namespace."),
            ("company", TEXT, "Who owns it."),
            ("email", TEXT, "How its owner is reached."),
            ("description", TEXT, "What it is for."),
            ("resources", TEXT, "A page about it, in Markdown."),
            ("links", LIST, "Further pages, each a name and a url."),
            (
                "avatar_sha256",
                MAYBE_TEXT,
                "The SHA-256 digest of its picture.",
            ),
            (
                "metadata_sha256",
                TEXT,
                "The SHA-256 digest of all the rest.",
            ),
        ],
        natural_key: &["metadata_sha256"],
        repository_key: &["name"],
        indexed: &["name", "metadata_sha256"],
        references: Vec::new(),
    }
}
