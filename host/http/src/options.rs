//! The answer to `OPTIONS`: what a resource is, what can be done with it, and the JSON
//! Schema of what each verb takes.

use axum::response::Response;
use http::HeaderValue;
use pith_model::Root;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::document;
use crate::openapi::place::{Place, Style};
use crate::openapi::whole::Schemas;
use crate::router;

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
    (
        "docs",
        "Documents",
        "What the API is, for people and for programs.",
    ),
    ("groups", "Groups", "Users who have roles together."),
    ("livez", "Liveness", "Whether the server answers at all."),
    ("login", "Login", "The session of a browser or a script."),
    (
        "orphans",
        "Orphans",
        "Content and files that nobody refers to any more.",
    ),
    ("plugins", "Plugins", "What each plugin offers."),
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
    ("roles", "Roles", "Names for what may be done."),
    (
        "search",
        "Search",
        "Which of the repositories that are served hold what.",
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
pub(crate) fn describe(app: &App, root: Root, path: &str, allow: Option<&HeaderValue>) -> Response {
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
            .field("actions", &actions)
            .field("operations", operations(app, root, path));
    })
}

/// What each verb of a path does, and the schema of what it takes.
fn operations(app: &App, root: Root, path: &str) -> Map<String, Value> {
    let mut found = Map::new();
    let mut best = 0;
    for one in router::documented() {
        let template = one.operation.path.unwrap_or(one.path);
        if literals(template, path).is_none() {
            continue;
        }
        for place in Place::all(app, template) {
            if !one.operation.is_at(&place) {
                continue;
            }
            let mut schemas = Schemas::default();
            let is_write = !one.method.is_safe();
            let form = (root, Style::Key);
            let (full, said) =
                one.operation
                    .written(&place, one.access, is_write, form, &mut schemas);
            let below = full
                .strip_prefix(root.path().trim_end_matches('/'))
                .unwrap_or(&full);
            // `tasks/file/` is rather the plugin's than a task that is called so.
            match literals(below, path) {
                Some(number) if number > best => {
                    best = number;
                    found.clear();
                }
                Some(number) if number == best => {}
                _ => continue,
            }
            let mut operation = json!({"summary": said["summary"]});
            if let Some(body) = said.get("requestBody") {
                let mut forms = body["content"].as_object().into_iter().flatten();
                let schema = forms.next().map(|(_, form)| &form["schema"]);
                operation["schema"] = schema.map(|one| schemas.resolved(one)).into();
            }
            found.insert(one.method.to_string(), operation);
        }
    }
    found
}

/// How many words of a template stand in a path as they are; none if it is another path.
fn literals(template: &str, path: &str) -> Option<usize> {
    let (template, path) = (template.trim_matches('/'), path.trim_matches('/'));
    if template.split('/').count() != path.split('/').count() {
        return None;
    }
    let mut number = 0;
    for (expected, given) in template.split('/').zip(path.split('/')) {
        if expected == given {
            number += 1;
        } else if !expected.starts_with('{') {
            return None;
        }
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_of_the_template_that_says_most_of_it() {
        assert_eq!(literals("/tasks/{id}/", "/tasks/file/"), Some(1));
        assert_eq!(literals("/tasks/file/", "/tasks/file/"), Some(2));
        assert_eq!(literals("/tasks/", "/tasks/file/"), None);
        assert_eq!(literals("/users/{id}/", "/tasks/file/"), None);
    }
}
