//! All routes: address, name, and the function that answers.

use std::sync::OnceLock;

use pith_plugin_sdk::Result;
use pith_plugin_sdk::server::{Access, Input, Response};

use super::asked::Asked;
use super::{
    account, artifacts, collections, configuration, distributions, imports, legacy, roots, search,
    versions,
};

/// What the answer is.
#[derive(Clone, Copy)]
pub(super) enum Gives {
    Json,
    Nothing,
    /// After a redirect.
    File,
}

/// One verb of one address.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) access: Access,
    pub(super) input: Input,
    /// Names of what may stand in the query string.
    pub(super) parameters: &'static [&'static str],
    pub(super) deprecated: bool,
    pub(super) gives: Gives,
    pub(super) answer: fn(&Asked<'_>) -> Result<Response>,
}

impl Entry {
    /// A verb that takes a JSON body.
    fn json(self) -> Self {
        Self {
            input: Input::Json,
            ..self
        }
    }

    /// A verb that takes a file.
    fn file(self) -> Self {
        Self {
            input: Input::File,
            ..self
        }
    }

    /// For users only.
    fn for_users(self) -> Self {
        Self {
            access: Access::User,
            ..self
        }
    }

    /// For everybody.
    fn for_anyone(self) -> Self {
        Self {
            access: Access::Anyone,
            ..self
        }
    }

    fn with(self, parameters: &'static [&'static str]) -> Self {
        Self { parameters, ..self }
    }

    fn giving(self, gives: Gives) -> Self {
        Self { gives, ..self }
    }

    /// There is a newer address.
    fn deprecated(self) -> Self {
        Self {
            deprecated: true,
            ..self
        }
    }
}

fn entry(
    method: &'static str,
    path: &'static str,
    (id, summary): (&'static str, &'static str),
    answer: fn(&Asked<'_>) -> Result<Response>,
) -> Entry {
    let access = if method == "GET" {
        Access::Anyone
    } else {
        Access::User
    };
    Entry {
        method,
        path,
        id,
        summary,
        access,
        input: Input::None,
        parameters: &[],
        deprecated: false,
        gives: Gives::Json,
        answer,
    }
}

fn get(
    path: &'static str,
    said: (&'static str, &'static str),
    answer: fn(&Asked<'_>) -> Result<Response>,
) -> Entry {
    entry("GET", path, said, answer)
}

fn post(
    path: &'static str,
    said: (&'static str, &'static str),
    answer: fn(&Asked<'_>) -> Result<Response>,
) -> Entry {
    entry("POST", path, said, answer)
}

const PAGE: &[&str] = &["limit", "offset"];

/// All routes, in the order of their numbers.
pub(super) fn entries() -> &'static [Entry] {
    static ENTRIES: OnceLock<Vec<Entry>> = OnceLock::new();
    ENTRIES.get_or_init(|| {
        let mut entries = roots();
        entries.extend(search_and_distributions());
        entries.extend(collections_at(&BY_BASE_PATH));
        entries.extend(collections_at(&BY_CONTENT_PATH));
        entries.extend(imports());
        entries.extend(accounts());
        entries.extend(legacy());
        entries
    })
}

fn roots() -> Vec<Entry> {
    vec![
        get(
            "/",
            ("root_read", "Which versions of the API there are"),
            roots::top,
        ),
        get("/v3", ("v3_read", "What is below"), roots::v3),
        get(
            "/v3/plugin",
            ("v3_plugin_read", "What is below"),
            roots::plugin,
        ),
        get(
            "/v3/plugin/ansible",
            ("v3_plugin_ansible_read", "What is below"),
            roots::ansible,
        ),
        get(
            "/v3/plugin/ansible/search",
            ("v3_plugin_ansible_search_read", "What is below"),
            roots::search,
        ),
        get("/v3/auth", ("v3_auth_read", "What is below"), roots::auth),
        get(
            "/v3/configuration",
            (
                "v3_configuration_read",
                "Which plugins and repositories are the default",
            ),
            configuration::read,
        ),
    ]
}

fn search_and_distributions() -> Vec<Entry> {
    vec![
        get(
            "/v3/plugin/ansible/search/collection-versions",
            (
                "v3_plugin_ansible_search_collection_versions_list",
                "Search collections in all repositories",
            ),
            search::list,
        )
        .with(search::PARAMETERS)
        .for_users(),
        get(
            "/v3/plugin/ansible/distributions",
            (
                "v3_plugin_ansible_distributions_list",
                "List what is served",
            ),
            distributions::list,
        )
        .with(&["limit", "offset", "include_related"])
        .for_users(),
        get(
            "/v3/plugin/ansible/distributions/{base_path...}",
            (
                "v3_plugin_ansible_distributions_read",
                "Inspect what is served",
            ),
            distributions::read,
        )
        .with(&["include_related"])
        .for_users(),
        post(
            "/v3/plugin/ansible/distributions/{base_path...}/sync",
            (
                "v3_plugin_ansible_distributions_sync_create",
                "Sync what is served from its remote",
            ),
            distributions::sync,
        ),
        get(
            "/v3/plugin/ansible/distributions/{base_path...}/sync/config",
            (
                "v3_plugin_ansible_distributions_sync_config_read",
                "Where what is served is synced from",
            ),
            distributions::config_of_sync,
        )
        .for_users(),
        entry(
            "PUT",
            "/v3/plugin/ansible/distributions/{base_path...}/sync/config",
            (
                "v3_plugin_ansible_distributions_sync_config_update",
                "Change where what is served is synced from",
            ),
            distributions::configure,
        )
        .json(),
    ]
}

/// The same addresses below two roots.
struct Place {
    artifacts: (&'static str, [&'static str; 2]),
    artifact: (&'static str, [&'static str; 2]),
    index: (&'static str, &'static str),
    collection: (&'static str, [&'static str; 2]),
    versions: (&'static str, &'static str),
    version: (&'static str, [&'static str; 2]),
    docs: (&'static str, &'static str),
    movement: (&'static str, &'static str),
    all: (&'static str, &'static str),
}

macro_rules! place {
    ($root:literal, $name:literal, $artifacts:literal, $all:literal) => {
        Place {
            artifacts: (
                concat!($root, "/", $artifacts),
                [concat!($name, "_artifacts_create"), ""],
            ),
            artifact: (
                concat!($root, "/", $artifacts, "/{filename}"),
                [concat!($name, "_artifacts_read"), ""],
            ),
            index: (concat!($root, "/index"), concat!($name, "_index_list")),
            collection: (
                concat!($root, "/index/{namespace}/{name}"),
                [
                    concat!($name, "_index_read"),
                    concat!($name, "_index_delete"),
                ],
            ),
            versions: (
                concat!($root, "/index/{namespace}/{name}/versions"),
                concat!($name, "_versions_list"),
            ),
            version: (
                concat!($root, "/index/{namespace}/{name}/versions/{version}"),
                [
                    concat!($name, "_versions_read"),
                    concat!($name, "_versions_delete"),
                ],
            ),
            docs: (
                concat!(
                    $root,
                    "/index/{namespace}/{name}/versions/{version}/docs-blob"
                ),
                concat!($name, "_docs_blob_read"),
            ),
            movement: (
                concat!(
                    $root,
                    "/index/{namespace}/{name}/versions/{version}/move/{source}/{destination}"
                ),
                concat!($name, "_move_create"),
            ),
            all: (concat!($root, "/", $all), concat!($name, "_all_list")),
        }
    };
}

static BY_BASE_PATH: Place = place!(
    "/v3/plugin/ansible/collections/{base_path...}",
    "v3_plugin_ansible_collections",
    "artifacts/collections",
    "all"
);

static BY_CONTENT_PATH: Place = place!(
    "/v3/plugin/ansible/content/{base_path...}/collections",
    "v3_plugin_ansible_content_collections",
    "artifacts",
    "all-collections"
);

fn collections_at(place: &Place) -> Vec<Entry> {
    vec![
        post(
            place.artifacts.0,
            (place.artifacts.1[0], "Publish a collection"),
            artifacts::publish,
        )
        .file(),
        get(
            place.artifact.0,
            (place.artifact.1[0], "Download a collection"),
            artifacts::download,
        )
        .giving(Gives::File),
        get(
            place.index.0,
            (place.index.1, "List collections"),
            collections::list,
        )
        .with(&["limit", "offset", "namespace", "name", "deprecated"]),
        get(
            place.collection.0,
            (place.collection.1[0], "Inspect a collection"),
            collections::read,
        ),
        entry(
            "DELETE",
            place.collection.0,
            (
                place.collection.1[1],
                "Remove a collection from a repository",
            ),
            collections::delete,
        ),
        get(
            place.versions.0,
            (place.versions.1, "List the versions of a collection"),
            versions::list,
        )
        .with(&["limit", "offset", "version", "is_highest", "q", "ordering"]),
        get(
            place.version.0,
            (place.version.1[0], "Inspect a version of a collection"),
            versions::read,
        ),
        entry(
            "DELETE",
            place.version.0,
            (
                place.version.1[1],
                "Remove a version of a collection from a repository",
            ),
            versions::delete,
        ),
        get(
            place.docs.0,
            (
                place.docs.1,
                "Read the documentation of a version of a collection",
            ),
            versions::docs,
        ),
        post(
            place.movement.0,
            (
                place.movement.1,
                "Move a version of a collection from one repository to another",
            ),
            versions::r#move,
        ),
        get(
            place.all.0,
            (place.all.1, "List all collections at once"),
            collections::all,
        ),
    ]
}

fn imports() -> Vec<Entry> {
    vec![
        get(
            "/v3/plugin/ansible/imports",
            (
                "v3_plugin_ansible_imports_list",
                "List imports of collections",
            ),
            imports::list,
        )
        .with(&["limit", "offset", "state"])
        .for_users(),
        get(
            "/v3/plugin/ansible/imports/collections/{id}",
            (
                "v3_plugin_ansible_imports_read",
                "Inspect the import of a collection",
            ),
            imports::read,
        )
        .for_users(),
        get(
            "/v3/imports/collections/{id}",
            (
                "v3_imports_collections_read",
                "Inspect the import of a collection",
            ),
            imports::read,
        )
        .for_users(),
        get("/v3/tasks", ("v3_tasks_list", "List tasks"), imports::tasks)
            .with(&[
                "limit",
                "offset",
                "state",
                "state__in",
                "name",
                "name__contains",
                "ordering",
            ])
            .for_users(),
        get(
            "/v3/tasks/{id}",
            ("v3_tasks_read", "Inspect a task"),
            imports::task,
        )
        .for_users(),
    ]
}

fn accounts() -> Vec<Entry> {
    vec![
        get(
            "/v3/auth/me",
            ("v3_auth_me_read", "Who one is"),
            account::me,
        )
        .for_users(),
        post(
            "/v3/auth/login",
            ("v3_auth_login_create", "Begin a session"),
            account::login,
        )
        .json()
        .for_anyone(),
        post(
            "/v3/auth/logout",
            ("v3_auth_logout_create", "End a session"),
            account::logout,
        ),
        post(
            "/v3/auth/token",
            (
                "v3_auth_token_create",
                "Make a token in place of the one before",
            ),
            account::make_token,
        ),
        entry(
            "DELETE",
            "/v3/auth/token",
            ("v3_auth_token_delete", "Revoke the token"),
            account::revoke_token,
        )
        .giving(Gives::Nothing),
        get("/v3/users", ("v3_users_list", "List users"), account::users)
            .with(PAGE)
            .for_users(),
        get(
            "/v3/groups",
            ("v3_groups_list", "List groups"),
            account::groups,
        )
        .with(PAGE)
        .for_users(),
    ]
}

fn legacy() -> Vec<Entry> {
    let moved = |path, id| get(path, (id, "Moved"), legacy::collections).deprecated();
    vec![
        moved("/v3/collections", "v3_collections_list"),
        moved("/v3/collections/all", "v3_collections_all_list"),
        moved("/v3/collections/{namespace}/{name}", "v3_collections_read"),
        moved(
            "/v3/collections/{namespace}/{name}/versions",
            "v3_collections_versions_list",
        ),
        moved(
            "/v3/collections/{namespace}/{name}/versions/{version}",
            "v3_collections_versions_read",
        ),
        moved(
            "/v3/collections/{namespace}/{name}/versions/{version}/docs-blob",
            "v3_collections_docs_blob_read",
        ),
        get("/v3/imports", ("v3_imports_list", "Moved"), legacy::imports).deprecated(),
        get(
            "/v3/artifacts/collections/{filename}",
            ("v3_artifacts_collections_read", "Moved"),
            legacy::artifact,
        )
        .giving(Gives::File)
        .deprecated(),
        // The client follows no redirect of what it posts, so this is the place itself.
        post(
            "/v3/artifacts/collections",
            ("v3_artifacts_collections_create", "Publish a collection"),
            artifacts::publish,
        )
        .file(),
    ]
}
