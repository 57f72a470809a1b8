//! The answer to `OPTIONS`: what a resource is and what can be done with it.

use axum::response::Response;
use http::HeaderValue;

use crate::document;

/// The resources by the first word of their path: name and description.
const RESOURCES: &[(&str, &str, &str)] = &[
    (
        "artifacts",
        "Artifacts",
        "Stored files, known by their digests.",
    ),
    (
        "components",
        "Components",
        "The loaded plugins: which build is in service, and what it may use.",
    ),
    ("content", "Content", "Units of content of all types."),
    (
        "distributions",
        "Distributions",
        "Which base path serves what.",
    ),
    ("livez", "Liveness", "Whether the server answers at all."),
    ("login", "Login", "The session of a browser or a script."),
    (
        "orphans",
        "Orphans",
        "Content and files that nobody refers to any more.",
    ),
    (
        "publications",
        "Publications",
        "The files that clients see for a repository version.",
    ),
    ("remotes", "Remotes", "Where content comes from."),
    (
        "repositories",
        "Repositories",
        "Named lines of immutable versions of content.",
    ),
    (
        "repository_versions",
        "Repository versions",
        "Immutable, numbered sets of content.",
    ),
    ("status", "Status", "How the server and its parts are."),
    (
        "task-groups",
        "Task groups",
        "Tasks that belong together; those of an atomic group succeed together or not at all.",
    ),
    (
        "task-schedules",
        "Task schedules",
        "Tasks that are made again and again, or once at a given time.",
    ),
    ("tasks", "Tasks", "Work that the server does or did."),
    (
        "tokens",
        "API tokens",
        "Tokens by which you can be known instead of a password.",
    ),
    ("import_upload", "Imports", "Content made of an upload."),
    (
        "upload",
        "Upload",
        "Takes a file in chunks that follow one another.",
    ),
    (
        "uploads",
        "Uploads",
        "Takes files of known size in chunks of any order.",
    ),
    ("users", "Users", "Who may log in."),
    ("workers", "Workers", "Server processes that run tasks."),
];

/// Describes what is at a path, from the methods that its router allows.
pub(crate) fn describe(path: &str, allow: Option<&HeaderValue>) -> Response {
    let word = path
        .trim_start_matches('/')
        .split('/')
        .next()
        .unwrap_or_default();
    let found = RESOURCES.iter().find(|(name, ..)| *name == word);
    let (_, name, description) = found
        .copied()
        .unwrap_or(("", "API", "The root of the API."));
    let methods = allow
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let actions: Vec<&str> = methods
        .split(',')
        .map(str::trim)
        .filter(|m| !m.is_empty())
        .collect();
    document::object(None, |object| {
        object
            .field("name", name)
            .field("description", description)
            .field("actions", &actions);
    })
}
