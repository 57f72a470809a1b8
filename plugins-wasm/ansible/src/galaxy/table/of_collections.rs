//! The routes of what one distribution serves: collections, their versions and archives.

use super::super::{artifacts, collections, roots, versions};
use super::{Entry, Gives, PAGE, entry, get, post};

/// The same addresses below two roots.
macro_rules! collections_at {
    ($root:literal, $name:literal, $artifacts:literal, $all:literal) => {{
        macro_rules! at {
            ($path:literal) => {
                concat!($root, "/", $path)
            };
            ($path:literal, $more:literal) => {
                concat!($root, "/", $path, $more)
            };
        }
        macro_rules! said {
            ($id:literal, $summary:literal) => {
                (concat!($name, "_", $id), $summary)
            };
        }
        vec![
            get(
                at!($artifacts),
                said!("artifacts_list", "List the archives that can be downloaded"),
                artifacts::list,
            )
            .with(PAGE),
            post(
                at!($artifacts),
                said!("artifacts_create", "Publish a collection"),
                artifacts::publish,
            )
            .file(),
            get(
                at!($artifacts, "/{filename}"),
                said!("artifacts_read", "Download a collection"),
                artifacts::download,
            )
            .giving(Gives::File),
            get(
                at!("index"),
                said!("index_list", "List collections"),
                collections::list,
            )
            .with(&["limit", "offset", "namespace", "name", "deprecated"]),
            get(
                at!("index/{namespace}/{name}"),
                said!("index_read", "Inspect a collection"),
                collections::read,
            ),
            entry(
                "PATCH",
                at!("index/{namespace}/{name}"),
                said!(
                    "index_partial_update",
                    "Change whether a collection is deprecated"
                ),
                collections::update,
            )
            .json(),
            entry(
                "DELETE",
                at!("index/{namespace}/{name}"),
                said!("index_delete", "Remove a collection from a repository"),
                collections::delete,
            ),
            get(
                at!("index/{namespace}/{name}/versions"),
                said!("versions_list", "List the versions of a collection"),
                versions::list,
            )
            .with(&[
                "limit",
                "offset",
                "version",
                "version_range",
                "is_highest",
                "q",
                "ordering",
            ]),
            get(
                at!("index/{namespace}/{name}/versions/{version}"),
                said!("versions_read", "Inspect a version of a collection"),
                versions::show,
            ),
            entry(
                "DELETE",
                at!("index/{namespace}/{name}/versions/{version}"),
                said!(
                    "versions_delete",
                    "Remove a version of a collection from a repository"
                ),
                versions::delete,
            ),
            get(
                at!("index/{namespace}/{name}/versions/{version}/docs-blob"),
                said!(
                    "docs_blob_read",
                    "Read the documentation of a version of a collection"
                ),
                versions::docs,
            ),
            post(
                at!("index/{namespace}/{name}/versions/{version}/move/{source}/{destination}"),
                said!(
                    "move_create",
                    "Move a version of a collection from one repository to another"
                ),
                versions::r#move,
            ),
            get(
                at!($all),
                said!("all_list", "List all collections at once"),
                collections::all,
            ),
        ]
    }};
}

pub(super) fn by_base_path() -> Vec<Entry> {
    let mut entries = vec![
        get(
            "/v3/plugin/ansible/collections/{base_path...}",
            ("v3_plugin_ansible_collections_read", "What is below"),
            roots::collections,
        ),
        get(
            "/v3/plugin/ansible/collections/{base_path...}/artifacts",
            (
                "v3_plugin_ansible_collections_artifacts_root",
                "What is below",
            ),
            roots::artifacts,
        ),
    ];
    entries.extend(collections_at!(
        "/v3/plugin/ansible/collections/{base_path...}",
        "v3_plugin_ansible_collections",
        "artifacts/collections",
        "all"
    ));
    entries
}

pub(super) fn by_content_path() -> Vec<Entry> {
    let mut entries = vec![get(
        "/v3/plugin/ansible/content/{base_path...}/collections",
        (
            "v3_plugin_ansible_content_collections_read",
            "What is below, and when it last changed",
        ),
        roots::content,
    )];
    entries.extend(collections_at!(
        "/v3/plugin/ansible/content/{base_path...}/collections",
        "v3_plugin_ansible_content_collections",
        "artifacts",
        "all-collections"
    ));
    entries
}
