//! `pith repository|remote|distribution …`: lists, shows, makes, changes, deletes.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::connection::Server;
use super::table::Output;
use super::{Common, reference, wait};

/// Fields whose values may be names of other resources, and where these are.
const REFERENCES: &[(&str, &str)] = &[("repository", "repositories"), ("remote", "remotes")];

/// What to do with resources of one kind.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb<C: Args> {
    /// List them.
    List {
        /// A filter of the API, such as `name__contains=a`.
        #[arg(long = "filter", value_name = "NAME=VALUE", value_parser = reference::parse_pair)]
        filters: Vec<(String, String)>,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Show one.
    Show {
        /// Its name or href.
        name: String,
    },
    /// Make one.
    Create(Create<C>),
    /// Change one.
    Update {
        /// Its name or href.
        name: String,
        /// What becomes what; null takes a setting back.
        #[arg(long = "set", required = true, value_name = "NAME=VALUE", value_parser = reference::parse_pair)]
        settings: Vec<(String, String)>,
    },
    /// Delete one.
    Delete {
        /// Its name or href.
        name: String,
    },
    /// List the versions of a repository.
    #[command(hide = true)]
    Versions {
        /// Its name or href.
        name: String,
    },
}

/// What to make.
#[derive(Debug, Args)]
pub(crate) struct Create<C: Args> {
    /// Its name.
    name: String,
    /// The plugin, and its type where that has another name: `file`, `file/file`.
    #[arg(long, default_value = "file", value_name = "PLUGIN[/TYPE]")]
    plugin: String,
    #[command(flatten)]
    own: C,
    /// Another setting.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = reference::parse_pair)]
    settings: Vec<(String, String)>,
}

/// What a new resource is given by flags of its own.
trait Own {
    fn fill(self, document: &mut Map<String, Value>);
}

/// A repository's.
#[derive(Debug, Args)]
pub(crate) struct NewRepository {
    /// What it is for.
    #[arg(long)]
    description: Option<String>,
    /// The remote that it is synced from.
    #[arg(long)]
    remote: Option<String>,
    /// Publish every new version.
    #[arg(long)]
    autopublish: bool,
}

impl Own for NewRepository {
    fn fill(self, document: &mut Map<String, Value>) {
        put(document, "description", self.description);
        put(document, "remote", self.remote);
        if self.autopublish {
            document.insert("autopublish".to_owned(), true.into());
        }
    }
}

/// A remote's.
#[derive(Debug, Args)]
pub(crate) struct NewRemote {
    /// Where the content is.
    #[arg(long = "from", value_name = "URL")]
    from: String,
    /// When files are fetched: `immediate`, `on_demand` or `streamed`.
    #[arg(long)]
    policy: Option<String>,
}

impl Own for NewRemote {
    fn fill(self, document: &mut Map<String, Value>) {
        put(document, "url", Some(self.from));
        put(document, "policy", self.policy);
    }
}

/// A distribution's.
#[derive(Debug, Args)]
pub(crate) struct NewDistribution {
    /// The path below which it is served; its name, if none is given.
    #[arg(long, value_name = "PATH")]
    base_path: Option<String>,
    /// The repository that it serves.
    #[arg(long)]
    repository: Option<String>,
}

impl Own for NewDistribution {
    fn fill(self, document: &mut Map<String, Value>) {
        let name = document["name"].as_str().map(str::to_owned);
        put(document, "base_path", self.base_path.or(name));
        put(document, "repository", self.repository);
    }
}

fn put(document: &mut Map<String, Value>, name: &str, value: Option<String>) {
    if let Some(value) = value {
        document.insert(name.to_owned(), value.into());
    }
}

/// `pith repository`
#[derive(Debug, Args)]
pub(crate) struct Repositories {
    #[command(subcommand)]
    verb: Verb<NewRepository>,
    #[command(flatten)]
    common: Common,
}

/// `pith remote`
#[derive(Debug, Args)]
pub(crate) struct Remotes {
    #[command(subcommand)]
    verb: Verb<NewRemote>,
    #[command(flatten)]
    common: Common,
}

/// `pith distribution`
#[derive(Debug, Args)]
pub(crate) struct Distributions {
    #[command(subcommand)]
    verb: Verb<NewDistribution>,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn repositories(arguments: Repositories) -> anyhow::Result<ExitCode> {
    let columns = [
        ("NAME", "name"),
        ("LATEST VERSION", "latest_version_href"),
        ("DESCRIPTION", "description"),
    ];
    run("repositories", &columns, &arguments.common, arguments.verb).await
}

pub(super) async fn remotes(arguments: Remotes) -> anyhow::Result<ExitCode> {
    let columns = [
        ("NAME", "name"),
        ("POLICY", "policy"),
        ("URL", "url"),
        ("HREF", "pulp_href"),
    ];
    run("remotes", &columns, &arguments.common, arguments.verb).await
}

pub(super) async fn distributions(arguments: Distributions) -> anyhow::Result<ExitCode> {
    let columns = [
        ("NAME", "name"),
        ("BASE PATH", "base_path"),
        ("URL", "base_url"),
        ("HREF", "pulp_href"),
    ];
    run("distributions", &columns, &arguments.common, arguments.verb).await
}

async fn run<C: Args + Own>(
    collection: &str,
    columns: &[(&str, &str)],
    common: &Common,
    verb: Verb<C>,
) -> anyhow::Result<ExitCode> {
    let server = common.server()?;
    let output = common.output;
    match verb {
        Verb::List { filters, limit } => {
            let path = format!("{collection}/");
            let (rows, count) = server.list(&path, &filters, limit.max(1)).await?;
            output.rows(&rows, count, columns);
        }
        Verb::Show { name } => {
            output.resource(&reference::find(&server, collection, &name).await?);
        }
        Verb::Create(create) => {
            let (plugin, kind) = match create.plugin.split_once('/') {
                Some((plugin, kind)) => (plugin, kind),
                None => (create.plugin.as_str(), create.plugin.as_str()),
            };
            let path = format!("{collection}/{plugin}/{kind}/");
            let mut document = Map::from_iter([("name".to_owned(), Value::from(create.name))]);
            create.own.fill(&mut document);
            take_settings(&mut document, &create.settings);
            resolve(&server, &mut document).await?;
            let made = server.post(&path, &Value::Object(document)).await?;
            return finish(&server, output, made, "made").await;
        }
        Verb::Update { name, settings } => {
            let href = reference::find_href(&server, collection, &name).await?;
            let mut document = Map::new();
            take_settings(&mut document, &settings);
            resolve(&server, &mut document).await?;
            let document = Value::Object(document);
            let changed = server
                .send_document(Method::PATCH, &href, &document)
                .await?;
            return finish(&server, output, changed, "changed").await;
        }
        Verb::Delete { name } => {
            let href = reference::find_href(&server, collection, &name).await?;
            let deleted = server.delete(&href).await?;
            return finish(&server, output, deleted, "deleted").await;
        }
        Verb::Versions { name } => {
            let href = reference::find_href(&server, collection, &name).await?;
            let path = format!("{href}versions/");
            let (rows, count) = server.list(&path, &[], 1000).await?;
            let columns = [
                ("NUMBER", "number"),
                ("CREATED", "pulp_created"),
                ("CONTENT", "content_summary.present"),
            ];
            output.rows(&rows, count, &columns);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn take_settings(document: &mut Map<String, Value>, settings: &[(String, String)]) {
    for (name, value) in settings {
        document.insert(name.clone(), reference::value_of(value));
    }
}

/// Names of other resources become their hrefs.
async fn resolve(server: &Server, document: &mut Map<String, Value>) -> anyhow::Result<()> {
    for (field, collection) in REFERENCES {
        if let Some(Value::String(text)) = document.get(*field) {
            let href = reference::find_href(server, collection, text).await?;
            document.insert((*field).to_owned(), href.into());
        }
    }
    Ok(())
}

/// Some changes are done at once, some by a task; people want to know how it ended.
async fn finish(
    server: &Server,
    output: Output,
    answer: Value,
    done: &str,
) -> anyhow::Result<ExitCode> {
    if let Some(task) = answer["task"].as_str() {
        let task = wait::until_over(server, task).await?;
        return Ok(wait::tell(output, &task));
    }
    let sentence = match answer["pulp_href"].as_str() {
        Some(href) => format!("{done} {href}"),
        None => done.to_owned(),
    };
    let document = if answer.is_null() { json!({}) } else { answer };
    output.said(&sentence, &document);
    Ok(ExitCode::SUCCESS)
}
