//! Where an operation is: a path of the router, laid out for what a plugin declares.
//!
//! `/repositories/{plugin}/{type_name}/{id}/sync/` is one path of the router and, in the
//! document, one for each repository type. Pulp's clients know a resource by its whole
//! path, so that the paths of the document begin with a parameter that stands for it:
//! `{file_file_repository_href}sync/`. That is no path in OpenAPI's eyes; whoever reads
//! the document by the letter asks for the other [`Style`].

use std::sync::Arc;

use pith_db::content_type::TypeTable;
use pith_model::Root;
use pith_model::descriptor::{ArtifactCount, ResourceType, TaskKind};
use pith_model::reference::Kind;
use pith_model::remote::TOKEN;
use pith_plugin::Generation;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::declared;
use crate::openapi::translate::translate;
use crate::order::change::action_of;

/// How the path of one resource is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Style {
    /// `{file_file_repository_href}sync/`, as Pulp's clients expect.
    Href,
    /// `/pulp/api/v3/repositories/file/file/{file_file_repository_pk}/sync/`.
    Key,
}

/// What of a plugin a path is about.
#[derive(Clone, Debug)]
enum About {
    /// Nothing: the path is the host's own.
    Host,
    /// All of a plugin.
    Plugin(Arc<Generation>),
    /// A type of repository and so on.
    Type(Arc<Generation>, Kind, usize),
    /// A content type.
    Content(Arc<Generation>, Arc<TypeTable>),
    /// A type of task, with its schema.
    Task(String, String, Value),
    /// An action of a type of repository, with its schema.
    Action(Arc<Generation>, usize, String, Value),
}

/// A path of the router, for one thing that it is about.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    path: &'static str,
    about: About,
}

/// The kinds of resources whose paths name a plugin and a type.
const TYPED: [Kind; 5] = [
    Kind::Repository,
    Kind::Remote,
    Kind::Publication,
    Kind::Distribution,
    Kind::Entity,
];

impl Place {
    /// All places that a path of the router means at this moment.
    pub(crate) fn all(app: &App, path: &'static str) -> Vec<Self> {
        let plugins = app.plugins.all();
        let at = |about: About| Self { path, about };
        let has = |variable: &str| path.contains(variable);
        let collection = path.trim_start_matches('/').split('/').next();
        if !has("{plugin}") {
            return vec![at(About::Host)];
        }
        let mut places = Vec::new();
        for generation in plugins.values() {
            let generation = || Arc::clone(generation);
            let descriptor_owner = generation();
            let descriptor = descriptor_owner.descriptor();
            let kind = TYPED
                .into_iter()
                .find(|kind| Some(kind.collection()) == collection);
            if has("{action}") {
                let types = descriptor.task_types.iter();
                for (action, one) in types.filter_map(|one| Some((action_of(one)?, one))) {
                    let count = descriptor.repository_types.len();
                    places.extend((0..count).map(|n| {
                        let action = action.to_owned();
                        at(About::Action(generation(), n, action, one.params.clone()))
                    }));
                }
            } else if has("{plural}") {
                let types = app.types.of_plugin(&descriptor.name);
                // In the descriptor's order, and without types of builds before it.
                places.extend(descriptor.content_types.iter().filter_map(|one| {
                    let table = types
                        .iter()
                        .find(|table| table.content_type.plural == one.plural)?;
                    Some(at(About::Content(generation(), Arc::clone(table))))
                }));
            } else if let (Some(kind), true) = (kind, has("{type_name}")) {
                let count = declared::types(descriptor, kind).len();
                places.extend((0..count).map(|n| at(About::Type(generation(), kind, n))));
            } else if collection == Some("{plugin}") && has("{type_name}") {
                let types = descriptor.task_types.iter();
                let types = types.filter(|one| one.kind == TaskKind::Change);
                places.extend(types.map(|one| {
                    let name = descriptor.name.clone();
                    at(About::Task(name, one.name.clone(), one.params.clone()))
                }));
            } else if has("{type_name}") {
                let types = crate::tasks::documented(app, &descriptor.name);
                let name = &descriptor.name;
                places.extend(
                    types.into_iter().map(|(type_name, schema)| {
                        at(About::Task(name.clone(), type_name, schema))
                    }),
                );
            } else if kind.is_none_or(|kind| !declared::types(descriptor, kind).is_empty()) {
                places.push(at(About::Plugin(generation())));
            }
        }
        places
    }

    /// The resource type, where the path is about one.
    pub(crate) fn resource_type(&self) -> Option<&ResourceType> {
        match &self.about {
            About::Type(generation, kind, n) => {
                declared::types(generation.descriptor(), *kind).get(*n)
            }
            About::Action(generation, n, ..) => generation.descriptor().repository_types.get(*n),
            _ => None,
        }
    }

    /// The content type, where the path is about one.
    pub(crate) fn content_type(&self) -> Option<&TypeTable> {
        match &self.about {
            About::Content(_, table) => Some(table),
            _ => None,
        }
    }

    /// The plugin in service, where the path is about one.
    pub(crate) fn generation(&self) -> Option<&Generation> {
        match &self.about {
            About::Plugin(generation)
            | About::Type(generation, ..)
            | About::Action(generation, ..)
            | About::Content(generation, _) => Some(generation),
            About::Host | About::Task(..) => None,
        }
    }

    /// The schema of the type of task, where the path is about one.
    pub(crate) fn task_schema(&self) -> Option<&Value> {
        match &self.about {
            About::Task(_, _, schema) | About::Action(_, _, _, schema) => Some(schema),
            _ => None,
        }
    }

    /// Whether the path is about a type of resource or content.
    pub(crate) fn is_typed(&self) -> bool {
        matches!(self.about, About::Type(..) | About::Content(..))
    }

    /// What stands for a variable of the path; `None` for those that stay.
    fn word(&self, variable: &str) -> Option<&str> {
        match (&self.about, variable) {
            (About::Task(plugin, _, _), "plugin") => Some(plugin),
            (About::Task(_, type_name, _), "type_name") => Some(type_name),
            (About::Task(_, _, schema), "operation") => schema["x-operation"].as_str(),
            (About::Action(_, _, action, _), "action") => Some(action),
            (About::Content(_, table), "plural") => Some(&table.content_type.plural),
            (_, "plugin") => self.generation().map(Generation::name),
            (_, "type_name") => self.resource_type().map(|one| one.name.as_str()),
            _ => None,
        }
    }

    /// A name for people or programs, with the variables filled in.
    pub(crate) fn fill(&self, template: &str) -> String {
        let mut text = template.to_owned();
        for variable in ["plugin", "type_name", "plural", "operation", "action"] {
            if let Some(word) = self.word(variable) {
                text = text.replace(&format!("{{{variable}}}"), word);
            }
        }
        text
    }

    /// The name of a schema that depends on the place: `file.FileRepository`.
    pub(crate) fn schema_name(&self, name: &str) -> String {
        match &self.about {
            About::Host => name.to_owned(),
            About::Plugin(generation) => format!("{}.{name}", generation.name()),
            About::Type(generation, kind, n) => {
                let plugin = generation.name();
                let one = &declared::types(generation.descriptor(), *kind)[*n];
                format!("{plugin}.{}{name}", camel(&own_words(plugin, one)))
            }
            About::Action(generation, _, action, _) => {
                format!("{}.{}{name}", generation.name(), camel(action))
            }
            About::Content(generation, table) => {
                let own = camel(&table.content_type.name);
                format!("{}.{own}{name}", generation.name())
            }
            About::Task(plugin, type_name, _) => {
                format!("{plugin}.{}{}{name}", camel(plugin), camel(type_name))
            }
        }
    }

    /// The group of operations that this one is in: `Repositories: File Versions`.
    pub(crate) fn tag(&self) -> String {
        let mut segments = self.path.trim_matches('/').split('/');
        let collection = titled(segments.next().unwrap_or_default());
        let below = if self.path.contains("/versions/") {
            " Versions"
        } else {
            ""
        };
        match &self.about {
            About::Host | About::Task(..) if collection.is_empty() => "Api".to_owned(),
            About::Host => collection,
            About::Plugin(generation) => format!("{collection}: {}", titled(generation.name())),
            About::Task(plugin, type_name, _) if self.path.starts_with("/{plugin}/") => {
                format!("{}: {}", titled(plugin), titled(type_name))
            }
            About::Task(plugin, ..) => format!("{collection}: {}", titled(plugin)),
            About::Type(generation, kind, n) => {
                let type_name = &declared::types(generation.descriptor(), *kind)[*n].name;
                format!("{collection}: {}{below}", titled(type_name))
            }
            About::Action(generation, n, ..) => {
                let type_name = &generation.descriptor().repository_types[*n].name;
                format!("{collection}: {}", titled(type_name))
            }
            About::Content(_, table) => {
                format!("{collection}: {}", titled(&table.content_type.plural))
            }
        }
    }

    /// The path as the document has it, and the parameters in it.
    pub(crate) fn path(&self, root: Root, style: Style) -> (String, Vec<Value>) {
        let mut parameters = Vec::new();
        let mut path = String::from(root.path());
        for segment in self.path.trim_start_matches('/').split_inclusive('/') {
            let bare = segment.trim_end_matches('/');
            let variable = bare
                .strip_prefix('{')
                .and_then(|bare| bare.strip_suffix('}'));
            match variable {
                None => path.push_str(segment),
                Some(variable) => match (self.word(variable), variable) {
                    (Some(word), _) => {
                        path.push_str(word);
                        path.push('/');
                    }
                    (None, "number") if style == Style::Href => {
                        // The version's path stands for the repository's too.
                        parameters.clear();
                        path = self.href_parameter("repository_version", &mut parameters);
                    }
                    (None, "assignment" | "member") if style == Style::Href => {
                        // So does the path of what belongs to a user or a group.
                        parameters.clear();
                        let name = self.belonging(variable);
                        path = self.href_parameter(name, &mut parameters);
                    }
                    (None, "id") if style == Style::Href => {
                        let name = self.singular();
                        path = self.href_parameter(&name, &mut parameters);
                    }
                    (None, "id") => {
                        let name = format!("{}_pk", self.resource_name(&self.singular()));
                        path.extend(["{", name.as_str(), "}/"]);
                        parameters.push(parameter(&name, &json!({"type": "string"})));
                    }
                    (None, other) => {
                        let schema = if other == "number" {
                            json!({"type": "integer", "minimum": 0})
                        } else {
                            json!({"type": "string"})
                        };
                        path.extend(["{", other, "}/"]);
                        parameters.push(parameter(other, &schema));
                    }
                },
            }
        }
        (path, parameters)
    }

    fn href_parameter(&self, resource: &str, parameters: &mut Vec<Value>) -> String {
        let name = format!("{}_href", self.resource_name(resource));
        parameters.push(parameter(&name, &json!({"type": "string"})));
        format!("{{{name}}}")
    }

    /// What belongs to one of the collection, as Pulp's parameters call it.
    fn belonging(&self, variable: &str) -> &'static str {
        match (variable, self.path.starts_with("/users/")) {
            ("assignment", true) => "auth_users_user_role",
            ("assignment", false) => "groups_group_role",
            _ => "groups_user",
        }
    }

    /// What one of the collection is called: `repository`, `task_group`.
    fn singular(&self) -> String {
        let collection = self.path.trim_matches('/').split('/').next();
        let collection = collection.unwrap_or_default().replace('-', "_");
        match collection.as_str() {
            "users" => "auth_user".to_owned(),
            other => match other.strip_suffix("ies") {
                Some(stem) => format!("{stem}y"),
                None => other.strip_suffix('s').unwrap_or(other).to_owned(),
            },
        }
    }

    /// The name of a resource as Pulp's parameters have it: `file_file_repository`.
    fn resource_name(&self, resource: &str) -> String {
        match &self.about {
            About::Host => resource.to_owned(),
            About::Plugin(generation) => format!("{}_{resource}", generation.name()),
            About::Type(generation, kind, n) => {
                let plugin = generation.name();
                let one = &declared::types(generation.descriptor(), *kind)[*n];
                format!("{plugin}_{}_{resource}", own_words(plugin, one))
            }
            About::Action(generation, n, ..) => {
                let plugin = generation.name();
                let one = &generation.descriptor().repository_types[*n];
                format!("{plugin}_{}_{resource}", own_words(plugin, one))
            }
            About::Content(generation, table) => {
                let content_type = &table.content_type;
                let name = &content_type.name;
                // Pulp's names are those of its models, of which we may know the letters only.
                let joined = name.replace('_', "");
                let words = if content_type.model_words.contains('_') {
                    content_type.model_words.clone()
                } else if content_type.model == joined {
                    name.clone()
                } else if content_type.model == format!("{joined}content") {
                    format!("{name}_content")
                } else {
                    content_type.model.clone()
                };
                format!("{}_{words}", generation.name())
            }
            About::Task(plugin, type_name, _) => format!("{plugin}_{type_name}_{resource}"),
        }
    }

    /// The settings or fields that a plugin adds to an answer.
    pub(crate) fn shown_by_plugin(&self) -> Map<String, Value> {
        if let Some(table) = self.content_type() {
            return shown_of_unit(table);
        }
        let mut properties = self.taken_by_plugin();
        properties.remove(TOKEN);
        properties
    }

    /// The settings that a plugin adds to a request.
    pub(crate) fn taken_by_plugin(&self) -> Map<String, Value> {
        let Some(one) = self.resource_type() else {
            return Map::new();
        };
        let mut properties = match translate(&one.config).get_mut("properties") {
            Some(Value::Object(properties)) => std::mem::take(properties),
            _ => Map::new(),
        };
        if one.takes_token {
            let token = json!({"type": "string", "nullable": true, "writeOnly": true,
                "description": "What opens the upstream's doors; never shown."});
            properties.insert(TOKEN.to_owned(), token);
        }
        properties
    }

    /// The settings without which a plugin lets nothing be made.
    pub(crate) fn required_by_plugin(&self) -> Vec<Value> {
        let required = self
            .resource_type()
            .and_then(|one| one.config["required"].as_array().cloned());
        required.unwrap_or_default()
    }
}

/// The fields of a unit, and what the host knows of its artifacts.
fn shown_of_unit(table: &TypeTable) -> Map<String, Value> {
    let content_type = &table.content_type;
    let mut properties = Map::new();
    match content_type.artifacts {
        ArtifactCount::None => {}
        ArtifactCount::One => {
            let artifact = json!({"type": "string", "format": "uri-reference", "nullable": true,
                "description": "The stored file; null while it is upstream."});
            properties.insert("artifact".to_owned(), artifact);
        }
        ArtifactCount::Many => {
            let artifacts = json!({"type": "object",
                "additionalProperties": {"type": "string", "nullable": true},
                "description": "The stored files by their paths."});
            properties.insert("artifacts".to_owned(), artifacts);
        }
    }
    let fields = translate(&content_type.schema);
    let is_hidden = |name: &str| {
        let mut fields = content_type.fields.iter();
        let mut aliases = content_type.aliases.iter();
        fields.any(|field| field.is_hidden && field.name == name)
            || aliases.any(|alias| alias.name == name)
    };
    let properties_of_type = fields["properties"].as_object().into_iter().flatten();
    for (name, property) in properties_of_type.filter(|(name, _)| !is_hidden(name)) {
        let mut property = property.clone();
        // A type that came to the plugin later says nothing of units from before.
        property["nullable"] = true.into();
        properties.insert(name.clone(), property);
    }
    if content_type.artifacts == ArtifactCount::One {
        for name in ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"] {
            properties.entry(name).or_insert_with(|| {
                json!({"type": "string", "nullable": true,
                    "description": format!("The {name} digest of the file, where it is known.")})
            });
        }
    }
    properties
}

/// A parameter in a path.
fn parameter(name: &str, schema: &Value) -> Value {
    json!({"name": name, "in": "path", "required": true, "schema": schema})
}

/// `file` for the type `file` of the plugin `file`, and `file_git` for its `git`; what the type
/// says in `x-model`, where it says something.
fn own_words(plugin: &str, one: &ResourceType) -> String {
    let said = one.config.get("x-model").and_then(Value::as_str);
    match said {
        Some(words) => words.to_owned(),
        None if plugin == one.name => plugin.to_owned(),
        None => format!("{plugin}_{}", one.name),
    }
}

/// `FileGit` for `file_git`.
fn camel(words: &str) -> String {
    words.split(['_', '-']).map(capital).collect()
}

/// `Task-Groups` for `task-groups`.
fn titled(words: &str) -> String {
    words
        .split_inclusive(['_', '-'])
        .map(capital)
        .collect::<Vec<_>>()
        .concat()
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_pulp_writes_them() {
        assert_eq!(titled("task-groups"), "Task-Groups");
        assert_eq!(titled("repository_versions"), "Repository_Versions");
        let one = |name: &str, config| ResourceType {
            name: name.to_owned(),
            title: String::new(),
            config,
            takes_token: false,
            login: None,
        };
        assert_eq!(camel(&own_words("file", &one("git", json!({})))), "FileGit");
        assert_eq!(own_words("file", &one("file", json!({}))), "file");
        let role = one("role", json!({"x-model": "role"}));
        assert_eq!(own_words("ansible", &role), "role");
    }
}
