//! The content types with their fields, as the API shows them.

use pith_plugin_sdk::content_type::{Field, Kind, integer, list, maybe_text, object, text};
use pith_plugin_sdk::{ArtifactCount, ContentType, Reference, ReferenceKey};

use crate::order;

/// All of them.
pub(crate) fn all() -> Vec<ContentType> {
    [
        collection_version(),
        collection_deprecation(),
        collection_signature(),
        collection_mark(),
        namespace(),
        role(),
    ]
    .into_iter()
    .map(Kind::describe)
    .collect()
}

fn collection_version() -> Kind<'static> {
    Kind {
        name: crate::COLLECTION_VERSION,
        plural: "collection_versions",
        model: "collectionversion",
        title: "Ansible collection version",
        artifacts: ArtifactCount::One,
        fields: vec![
            text("namespace")
                .about("Who publishes the collection.")
                .with("x-entity", crate::namespace::UPLOAD.into()),
            text("name").about("The collection's name within its namespace."),
            text("version").about("A semantic version."),
            Field::with_schema(order::KEY, order::property()).optional(),
            text("precedence")
                .about("A text that sorts as the version does, but all releases last."),
            text("sha256").about("The SHA-256 digest of the archive."),
            integer("size").about("Of the archive, in bytes."),
            list("authors").about("Who wrote the collection."),
            list("contents")
                .about("What the collection brings: name, content_type and description of each."),
            object("dependencies")
                .about("Ranges of versions by the full name of the collection that is needed."),
            text("description").about("A short summary."),
            object("docs_blob").about("The documentation as HTML."),
            object("manifest").about("MANIFEST.json as it is."),
            object("files").about("FILES.json as it is."),
            text("documentation").about("The address of the documentation."),
            text("homepage").about("The address of the project."),
            text("issues").about("The address of the issue tracker."),
            list("license").about("The licenses, as SPDX names them."),
            text("origin_repository").about("The address of the repository of the source."),
            list("tags").about("Words to find the collection by, each a name."),
            maybe_text("requires_ansible")
                .about("The range of versions of Ansible that the collection works with."),
        ],
        natural_key: ARCHIVE,
        repository_key: RELEASE,
        indexed: RELEASES_INDEXED,
        references: Vec::new(),
    }
}

/// What tells archives of collections and of roles apart.
const ARCHIVE: &[&str] = &["namespace", "name", "version", "sha256"];

/// What a repository has one of.
const RELEASE: &[&str] = &["namespace", "name", "version"];

/// By what clients look for them.
const RELEASES_INDEXED: &[&str] = &[
    "namespace",
    "name",
    "version",
    "sha256",
    "namespace,name,precedence",
];

fn collection_deprecation() -> Kind<'static> {
    Kind {
        name: crate::COLLECTION_DEPRECATION,
        plural: "collection_deprecations",
        model: "ansiblecollectiondeprecated",
        title: "Ansible collection deprecation",
        artifacts: ArtifactCount::None,
        fields: vec![
            text("namespace").about("Who publishes the collection."),
            text("name").about("The collection that nobody should use any longer."),
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
        fields: vec![
            text("namespace").about("Of the collection that is signed."),
            text("name").about("Of the collection that is signed."),
            text("version").about("Of the collection that is signed."),
            text("sha256").about("Of the archive of the collection that is signed."),
            text("data").about("The signature of MANIFEST.json, detached and armored."),
            text("digest").about("The SHA-256 digest of the signature."),
            text("pubkey_fingerprint")
                .about("The fingerprint of the key; its ID where the signature says no more."),
            maybe_text("signing_service")
                .optional()
                .with("format", "signing-service".into())
                .about("Which one made it; null if it came from elsewhere."),
            maybe_text("signed_collection")
                .link_of("sha256")
                .about("The collection version that is signed."),
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
        fields: vec![
            text("namespace").about("Of the collection that is marked."),
            text("name").about("Of the collection that is marked."),
            text("version").about("Of the collection that is marked."),
            text("sha256").about("Of the archive of the collection that is marked."),
            text("value").about("The word that it is marked with."),
            maybe_text("marked_collection")
                .link_of("sha256")
                .about("The collection version that is marked."),
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
        fields: vec![
            text("name").about("The name of the namespace."),
            text("company").about("Who owns it."),
            text("email").about("How its owner is reached."),
            text("description").about("What it is for."),
            text("resources").about("A page about it, in Markdown."),
            list("links").about("Further pages, each a name and a url."),
            maybe_text("avatar_sha256").about("The SHA-256 digest of its picture."),
            maybe_text("avatar_url")
                .picture()
                .about("Where its picture is; null if it is not here."),
            text("metadata_sha256").about("The SHA-256 digest of all the rest."),
        ],
        natural_key: &["metadata_sha256"],
        repository_key: &["name"],
        indexed: &["name", "metadata_sha256"],
        references: Vec::new(),
    }
}

fn role() -> Kind<'static> {
    Kind {
        name: crate::ROLE,
        plural: "roles",
        model: "role",
        title: "Ansible role",
        artifacts: ArtifactCount::One,
        fields: vec![
            text("namespace")
                .about("Who publishes the role.")
                .with("x-entity", crate::namespace::UPLOAD.into()),
            text("name").about("The role's name within its namespace."),
            text("version").about("Any word that its author has for it."),
            text("precedence").about("A text that sorts as the versions of a role do."),
            text("sha256").about("The SHA-256 digest of the archive."),
            integer("size").about("Of the archive, in bytes."),
            text("description").about("A short summary."),
            list("tags").about("Words to find the role by, each a name."),
        ],
        natural_key: ARCHIVE,
        repository_key: RELEASE,
        indexed: RELEASES_INDEXED,
        references: Vec::new(),
    }
}
