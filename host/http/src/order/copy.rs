//! The order to copy units from versions into repositories.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pith_content::Code;
use pith_db::Connection;
use pith_db::content_type::TypeTable;
use pith_db::repository::Repository;
use pith_db::unit_filter;
use pith_db::version::{self, Version};
use pith_model::descriptor::Descriptor;
use pith_model::reference::{Kind, Reference, typed_prn};
use pith_model::task::Lock;
use pith_plugin::{Generation, order as plugin_order};
use pith_tasks::work::{Copy, CopyLine, Work};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::body::Fields;
use crate::context::Context;
use crate::declared;
use crate::error::{Error, Result};
use crate::form::{Form, Given};
use crate::lookup;
use crate::order::units::Units;
use crate::order::{Order, permit};

/// What stands for all content types.
const ALL: &str = "all";

/// The most lines of one copy.
const MOST_LINES: usize = 1_000;

/// The schema of what a client gives.
pub(crate) fn schema() -> Value {
    let reference = |description: &str| json!({"type": "string", "description": description});
    let content = json!({"type": "array", "items": {"type": "string"},
        "description": "Units of content; all that `type` chooses if it is not given."});
    let base = json!({"type": "integer", "minimum": 0,
        "description": "The number of the destination's version to start from; 0 is empty."});
    json!({"type": "object", "properties": {
        "config": {"type": "array", "description": "Lines, which appear together.", "items": {
            "type": "object",
            "required": ["source_repo_version", "dest_repo"],
            "properties": {
                "source_repo_version": reference("The version, or the repository, to copy from."),
                "dest_repo": reference("The repository to copy into."),
                "dest_base_version": base,
                "content": content,
            },
        }},
        "source_repository": reference("The short form of one line: what to copy from."),
        "destination_repository": reference("The short form of one line: where to copy to."),
        "dest_base_version": base,
        "content": content,
        "type": {"type": "string", "default": ALL, "description": "A content type, or `all`."},
        "filter": {"description": "What units must fulfill to be chosen: an expression for \
            the one `type`, or an object with an expression for each type."},
        "dependency_solving": {"type": "boolean",
            "description": "Whether what the units need comes along too; true if it is not \
                given, for plugins that can tell."},
        "dependency_upgrade": {"type": "boolean", "default": false,
            "description": "Whether the newest of what they need comes, also where the \
                destination has something older that would do."},
        "dry_run": {"type": "boolean", "default": false,
            "description": "Say what would be done, and do nothing."},
    }})
}

/// A line with what is needed to lock it.
struct Resolved {
    line: CopyLine,
    source: String,
    destination: String,
}

/// Builds it; `parameters` are what the task shows.
pub(crate) async fn build(
    context: &Context,
    plugin: &str,
    mut form: Form,
    mut parameters: Map<String, Value>,
) -> Result<Order> {
    let app = &*context.app;
    let generation = declared::generation(app, plugin)?;
    let only = types(&mut form, generation.descriptor());
    let filters = filters(app, &mut form, &generation, only.as_deref()).await?;
    let resolves = generation.abilities().resolve;
    if !resolves {
        form.refuse("dependency_solving", &Value::Bool(false));
        form.refuse("dependency_upgrade", &Value::Bool(false));
    }
    let resolve = form.boolean("dependency_solving").unwrap_or(resolves);
    let upgrade = form.boolean("dependency_upgrade").unwrap_or(false);
    if upgrade && !resolve {
        form.wrong(
            "dependency_upgrade",
            "It wants 'dependency_solving', which is off.",
        );
    }
    let dry_run = form.boolean("dry_run").unwrap_or(false);
    let lines = lines(context, plugin, &mut form).await?;
    form.finish()?;

    let mut locks = Vec::with_capacity(2 * lines.len());
    for one in &lines {
        locks.push(Lock::shared(one.source.as_str()));
        locks.push(if dry_run {
            Lock::shared(one.destination.as_str())
        } else {
            Lock::exclusive(one.destination.as_str())
        });
    }
    parameters.entry("type").or_insert_with(|| Value::from(ALL));
    Ok(Order {
        name: format!("pulp_{plugin}.app.tasks.copy.copy_content"),
        plugin: plugin.to_owned(),
        type_name: "copies".to_owned(),
        plugin_version: Some(generation.version().to_owned()),
        parameters,
        work: Work::Copy(Copy {
            lines: lines.into_iter().map(|one| one.line).collect(),
            only,
            filters,
            dry_run,
            resolve,
            upgrade,
        }),
        locks,
    })
}

/// The short name of the content type that a client means by its name, its plural or its
/// full name.
pub(crate) fn content_type(descriptor: &Descriptor, word: &str) -> Option<String> {
    let word = word
        .strip_prefix(descriptor.name.as_str())
        .and_then(|rest| rest.strip_prefix('.'))
        .unwrap_or(word);
    descriptor
        .content_types
        .iter()
        .find(|one| one.name == word || one.plural == word)
        .map(|one| one.name.clone())
}

/// The types to choose from; none for all.
fn types(form: &mut Form, descriptor: &Descriptor) -> Option<Vec<String>> {
    let word = form.text("type")?;
    if word == ALL {
        return None;
    }
    if let Some(name) = content_type(descriptor, &word) {
        return Some(vec![name]);
    }
    let known: Vec<&str> = descriptor
        .content_types
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    form.wrong(
        "type",
        format!(
            "There is no content type {word:?}. Types are: {ALL}, {}.",
            known.join(", ")
        ),
    );
    None
}

/// An expression for each type: given as such, or as a text for the one `type`.
async fn filters(
    app: &App,
    form: &mut Form,
    generation: &Arc<Generation>,
    only: Option<&[String]>,
) -> Result<Map<String, Value>> {
    let descriptor = generation.descriptor();
    let given = match (form.take("filter"), only) {
        (None | Some(Value::Null), _) => return Ok(Map::new()),
        (Some(Value::String(text)), Some([name])) => {
            Map::from_iter([(name.clone(), Value::String(text))])
        }
        (Some(Value::String(_)), _) => {
            form.wrong(
                "filter",
                "A text needs one 'type' that it is for; give an object with a text for each type.",
            );
            return Ok(Map::new());
        }
        (Some(Value::Object(map)), _) => map,
        (Some(_), _) => {
            form.wrong(
                "filter",
                "Expected a text, or an object with a text for each type.",
            );
            return Ok(Map::new());
        }
    };
    let mut filters = Map::new();
    for (word, text) in given {
        let name = content_type(descriptor, &word)
            .filter(|name| only.is_none_or(|only| only.contains(name)));
        let (Some(name), Some(text)) = (name, text.as_str()) else {
            form.wrong(
                "filter",
                format!("{word}: expected the name of a chosen content type, and a text for it."),
            );
            continue;
        };
        let table = app.types.by_name(&format!("{}.{name}", descriptor.name));
        if let Some(table) = table
            && let Err(message) = check(app, generation, &table, text).await?
        {
            form.wrong("filter", format!("{word}: {message}"));
        }
        filters.insert(name, text.into());
    }
    Ok(filters)
}

/// What is wrong with a filter, if anything is.
async fn check(
    app: &App,
    generation: &Arc<Generation>,
    table: &TypeTable,
    text: &str,
) -> Result<Result<(), String>> {
    let asked = unit_filter::asked(table, text);
    let keys = match plugin_order::keys(generation, &app.database, table, &asked).await {
        Ok(keys) => keys,
        Err(error) if error.code == Code::Invalid => {
            return Ok(Err(error.message.into_owned()));
        }
        Err(error) => return Err(error.into()),
    };
    Ok(unit_filter::condition(table, text, &keys, app.database.dialect()).map(drop))
}

/// The lines that a client gives, in the long form or in the short one.
async fn lines(context: &Context, plugin: &str, form: &mut Form) -> Result<Vec<Resolved>> {
    let short = [
        "source_repository",
        "source_repo_version",
        "destination_repository",
        "dest_repo",
        "dest_base_version",
        "content",
    ];
    let mut given: Map<String, Value> = Map::new();
    for name in short {
        if let Some(value) = form.take(name) {
            given.insert(name.to_owned(), value);
        }
    }
    let is_short = !given.is_empty();
    let config = match (form.list("config"), given.is_empty()) {
        (Some(config), true) => config,
        (Some(_), false) => {
            form.wrong_together("Give either 'config' or the fields of one line, but not both.");
            return Ok(Vec::new());
        }
        (None, false) => vec![Value::Object(given)],
        (None, true) => {
            if !form.is_wrong() {
                form.wrong("config", "This field is required.");
            }
            return Ok(Vec::new());
        }
    };
    if config.is_empty() || config.len() > MOST_LINES {
        form.wrong("config", format!("Expected 1 to {MOST_LINES} lines."));
        return Ok(Vec::new());
    }
    let mut resolved = Vec::with_capacity(config.len());
    for (at, line) in config.into_iter().enumerate() {
        let Value::Object(map) = line else {
            form.wrong("config", format!("Line {}: expected an object.", at + 1));
            continue;
        };
        let fields = Fields {
            map,
            textual: is_short && form.is_textual(),
        };
        let taken = Taker { context, plugin }.line(fields.into()).await?;
        match taken {
            Ok(line) => resolved.push(line),
            Err(error) => {
                for (name, messages) in error.field_errors() {
                    for message in messages {
                        if is_short {
                            form.wrong(name.as_str(), message);
                        } else {
                            let message = format!("Line {}, {name}: {message}", at + 1);
                            form.wrong("config", message);
                        }
                    }
                }
            }
        }
    }
    check_bases(form, &resolved);
    Ok(resolved)
}

/// Lines with one destination make one version, which starts from one version.
fn check_bases(form: &mut Form, lines: &[Resolved]) {
    let mut bases: BTreeMap<i64, BTreeSet<Option<i64>>> = BTreeMap::new();
    for one in lines {
        let bases = bases.entry(one.line.destination).or_default();
        bases.insert(one.line.base_version);
    }
    if bases.values().any(|bases| bases.len() > 1) {
        form.wrong(
            "config",
            "Lines with the same 'dest_repo' must have the same 'dest_base_version'.",
        );
    }
}

struct Taker<'a> {
    context: &'a Context,
    plugin: &'a str,
}

impl Taker<'_> {
    /// Takes one line; the inner error is what is wrong with its fields.
    async fn line(&self, mut form: Form) -> Result<Result<Resolved>> {
        form.alias("source_repo_version", "source_repository");
        form.alias("dest_repo", "destination_repository");
        form.require("source_repo_version");
        form.require("dest_repo");
        let plugin = self.plugin;
        let (app, access) = (&*self.context.app, self.context.access()?);
        let mut connection = app.database.read().await?;
        let source = self.source(&mut connection, &mut form).await?;
        let destination =
            lookup::repository(&mut connection, access, &mut form, "dest_repo", plugin).await?;
        if let Given::This(destination) = &destination {
            permit(&mut connection, access, destination, "modify").await?;
        }
        let base = match form.nullable_integer("dest_base_version", 0) {
            Given::This(number) => Some(number),
            Given::Absent | Given::Null => None,
        };
        let given = match form.take("content") {
            None | Some(Value::Null) => None,
            Some(list) => {
                form.put("content".to_owned(), list);
                form.list("content")
            }
        };
        let mut units = Units {
            app,
            access,
            plugin,
            connection: &mut connection,
        };
        let content = match &given {
            Some(given) => Some(units.resolve(&mut form, "content", given).await?),
            None => None,
        };
        if let (Given::This(destination), Some(number)) = (&destination, base)
            && version::by_number(&mut connection, destination.id, number)
                .await?
                .is_none()
        {
            form.wrong(
                "dest_base_version",
                format!("The destination has no version {number}."),
            );
        }
        let (Some((repository, version)), Given::This(destination)) = (source, destination) else {
            return Ok(Err(form.into_error()));
        };
        if let Err(error) = form.finish() {
            return Ok(Err(error));
        }
        Ok(Ok(Resolved {
            source: prn(&repository),
            destination: prn(&destination),
            line: CopyLine {
                source: repository.id.0,
                source_version: version.map(|version| version.number),
                destination: destination.id.0,
                base_version: base,
                content,
            },
        }))
    }

    /// The repository to copy from, and its version if one is named.
    async fn source(
        &self,
        connection: &mut Connection,
        form: &mut Form,
    ) -> Result<Option<(Repository, Option<Version>)>> {
        const FIELD: &str = "source_repo_version";
        let access = self.context.access()?;
        let text = form.peek(FIELD).and_then(Value::as_str).unwrap_or_default();
        let kind = Reference::parse(text).map(|reference| reference.kind);
        if kind == Some(Kind::Repository) {
            let found = lookup::repository(connection, access, form, FIELD, self.plugin).await?;
            return Ok(found.value().map(|repository| (repository, None)));
        }
        let found = lookup::version(connection, access, form, FIELD, self.plugin).await?;
        let Given::This(version) = found else {
            return Ok(None);
        };
        let repository = pith_db::repository::by_id(connection, version.repository)
            .await?
            .ok_or_else(Error::not_found)?;
        Ok(Some((repository, Some(version))))
    }
}

fn prn(repository: &Repository) -> String {
    typed_prn(
        Kind::Repository,
        &repository.plugin,
        &repository.type_name,
        repository.uuid,
    )
}
