//! All routes: address, name, and the function that answers.

mod of_collections;
mod of_roles;

use std::sync::OnceLock;

use pith_plugin_sdk::Result;
use pith_plugin_sdk::server::{Access, Input, Response};

use super::asked::Asked;
use super::{
    account, artifacts, configuration, distributions, imports, legacy, namespaces, roots, search,
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
        entries.extend(of_collections::by_base_path());
        entries.extend(of_collections::by_content_path());
        entries.extend(namespaces());
        entries.extend(members_of_namespaces());
        entries.extend(imports());
        entries.extend(accounts());
        entries.extend(legacy());
        entries.extend(of_roles::entries());
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
            "/v3/plugin/ansible/client-configuration",
            (
                "v3_plugin_ansible_client_configuration_read",
                "What is served where no path is named",
            ),
            configuration::client,
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
        .with(search::PARAMETERS),
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

/// An address of namespaces.
macro_rules! at {
    ($path:literal) => {
        concat!("/v3/plugin/ansible/namespaces", $path)
    };
}

/// What is said of one.
macro_rules! said {
    ($id:literal, $summary:literal) => {
        (concat!("v3_plugin_ansible_namespaces_", $id), $summary)
    };
}

fn namespaces() -> Vec<Entry> {
    vec![
        get(at!(""), said!("list", "List namespaces"), namespaces::list)
            .with(&[
                "limit",
                "offset",
                "name",
                "company",
                "include_related",
                "ordering",
            ])
            .for_users(),
        post(
            at!(""),
            said!("create", "Create a namespace"),
            namespaces::create,
        )
        .json(),
        get(
            at!("/{name}"),
            said!("read", "Inspect a namespace"),
            namespaces::read,
        )
        .with(&["include_related"])
        .for_users(),
        entry(
            "PUT",
            at!("/{name}"),
            said!("update", "Replace what a namespace says of itself"),
            namespaces::replace,
        )
        .json(),
        entry(
            "PATCH",
            at!("/{name}"),
            said!("partial_update", "Change what a namespace says of itself"),
            namespaces::update,
        )
        .json(),
        entry(
            "DELETE",
            at!("/{name}"),
            said!("delete", "Delete a namespace"),
            namespaces::delete,
        )
        .giving(Gives::Nothing),
        get(
            at!("/{name}/avatar"),
            said!("avatar_read", "Fetch a namespace's picture"),
            namespaces::avatar,
        )
        .giving(Gives::File)
        .for_users(),
    ]
}

fn members_of_namespaces() -> Vec<Entry> {
    vec![
        get(
            at!("/{name}/users"),
            said!("users_list", "List users with permissions"),
            namespaces::users,
        )
        .with(PAGE)
        .for_users(),
        entry(
            "PUT",
            at!("/{name}/users"),
            said!("users_update", "Set users' permissions"),
            namespaces::set_users,
        )
        .json(),
        entry(
            "DELETE",
            at!("/{name}/users"),
            said!("users_delete", "Take users' permissions away"),
            namespaces::remove_users,
        )
        .json(),
        get(
            at!("/{name}/groups"),
            said!("groups_list", "List groups with permissions"),
            namespaces::groups,
        )
        .with(PAGE)
        .for_users(),
        entry(
            "PUT",
            at!("/{name}/groups"),
            said!("groups_update", "Set groups' permissions"),
            namespaces::set_groups,
        )
        .json(),
        entry(
            "DELETE",
            at!("/{name}/groups"),
            said!("groups_delete", "Take groups' permissions away"),
            namespaces::remove_groups,
        )
        .json(),
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
        get(
            "/v3/auth/login",
            ("v3_auth_login_read", "Whose session it is"),
            account::session,
        ),
        get(
            "/v3/auth/logout",
            ("v3_auth_logout_read", "Whose session would end"),
            account::session,
        ),
        get(
            "/v3/auth/token",
            (
                "v3_auth_token_read",
                "Whether there is a token, and since when",
            ),
            account::token,
        )
        .for_users(),
        post(
            "/v3/auth/login",
            ("v3_auth_login_create", "Begin a session"),
            account::login,
        ),
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
    let moved = |path, id| get(path, (id, "Moved"), legacy::moved).deprecated();
    vec![
        moved("/v3/collections", "v3_collections_list"),
        moved("/v3/collections/{rest...}", "v3_collections_read"),
        moved("/v3/artifacts", "v3_artifacts_read"),
        moved("/v3/imports", "v3_imports_list"),
        moved("/v3/namespaces", "v3_namespaces_list"),
        moved("/v3/namespaces/{rest...}", "v3_namespaces_read"),
        moved(
            "/v3/artifacts/collections/{filename}",
            "v3_artifacts_collections_read",
        )
        .giving(Gives::File),
        // The client follows no redirect of what it posts, so this is the place itself.
        post(
            "/v3/artifacts/collections",
            ("v3_artifacts_collections_create", "Publish a collection"),
            artifacts::publish,
        )
        .file(),
    ]
}
