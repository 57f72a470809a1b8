//! Routes of Galaxy's first version, which has roles.

use super::{Entry, get};
use crate::galaxy::roles;

/// All of them.
pub(super) fn entries() -> Vec<Entry> {
    const PAGE: &[&str] = &["page", "page_size", "limit", "offset"];
    vec![
        get(
            "/v1",
            ("v1_root_read", "What there is of Galaxy's version 1"),
            roles::root,
        ),
        get("/v1/roles", ("v1_roles_list", "List roles"), roles::list).with(&[
            "owner__username",
            "namespace",
            "name",
            "page",
            "page_size",
            "limit",
            "offset",
        ]),
        get(
            "/v1/roles/{id}",
            ("v1_roles_read", "Inspect a role"),
            roles::read,
        ),
        get(
            "/v1/roles/{id}/versions",
            ("v1_roles_versions_list", "List a role's versions"),
            roles::versions,
        )
        .with(PAGE),
        get(
            "/v1/search",
            ("v1_search_root_read", "What can be searched for"),
            roles::search_root,
        ),
        get(
            "/v1/search/roles",
            ("v1_search_roles_list", "Search roles"),
            roles::search,
        )
        .with(&[
            "autocomplete",
            "tags_autocomplete",
            "platforms_autocomplete",
            "username_autocomplete",
            "page",
            "page_size",
            "limit",
            "offset",
        ]),
    ]
}
