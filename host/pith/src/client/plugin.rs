//! `pith plugin …`: checks a plugin here, and loads, lists and removes those of a server.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use bytes::Bytes;
use clap::{Args, Subcommand};
use pith_plugin::components::limits_by_name;
use pith_plugin::{Cache, Engine, Generation, Limits, Loader, Refused};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Common;
use super::table::{Output, plain};

/// What to do with plugins.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Lead a component through the gates here, without a server, and show what it is.
    Check {
        /// The component.
        file: PathBuf,
    },
    /// List the plugins of the server.
    List,
    /// Show a plugin of the server.
    Show {
        /// Its name.
        name: String,
    },
    /// Load a component into the server, or reload it.
    Add {
        /// The component.
        file: PathBuf,
    },
    /// Put a plugin out of service, until it is enabled.
    Disable {
        /// Its name.
        name: String,
    },
    /// Put a plugin into service again.
    Enable {
        /// Its name.
        name: String,
    },
    /// Remove a plugin that was loaded into the server.
    Remove {
        /// Its name.
        name: String,
    },
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let output = arguments.common.output;
    let verb = match arguments.verb {
        Verb::Check { file } => return check(&file, output).await,
        other => other,
    };
    let server = arguments.common.server()?;
    match verb {
        Verb::Check { .. } => {}
        Verb::List => {
            let (rows, count) = server.list("components/", &[], 1000).await?;
            let columns = [
                ("NAME", "name"),
                ("VERSION", "version"),
                ("STATUS", "status"),
                ("GENERATION", "generation"),
                ("ABILITIES", "abilities"),
                ("ORIGIN", "origin"),
                ("PROBLEM", "problem.reason"),
            ];
            output.rows(&rows, count, &columns);
        }
        Verb::Show { name } => {
            output.resource(&server.get(&format!("components/{name}/")).await?);
        }
        Verb::Add { file } => {
            let bytes = std::fs::read(&file)
                .with_context(|| format!("{} cannot be read", file.display()))?;
            let digest = hex::encode(Sha256::digest(&bytes));
            let path = format!("components/?digest=sha256:{digest}");
            let answer = server.post_body(&path, "application/wasm", bytes).await?;
            let shown = answer.success()?;
            let sentence = format!(
                "plugin {} {} is {} as generation {}",
                plain(&shown["name"]),
                plain(&shown["version"]),
                plain(&shown["status"]),
                plain(&shown["generation"])
            );
            output.said(&sentence, &shown);
        }
        Verb::Disable { name } => enable(&server, output, &name, false).await?,
        Verb::Enable { name } => enable(&server, output, &name, true).await?,
        Verb::Remove { name } => {
            server.delete(&format!("components/{name}/")).await?;
            output.said(&format!("plugin {name} is removed"), &json!({}));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn enable(
    server: &super::connection::Server,
    output: Output,
    name: &str,
    enabled: bool,
) -> anyhow::Result<()> {
    let path = format!("components/{name}/");
    let change = json!({ "enabled": enabled });
    let shown = server
        .send_document(reqwest::Method::PATCH, &path, &change)
        .await?;
    let sentence = format!("plugin {name} is {}", plain(&shown["status"]));
    output.said(&sentence, &shown);
    Ok(())
}

/// The same gates as in a server but for the last, which needs its content.
async fn check(file: &Path, output: Output) -> anyhow::Result<ExitCode> {
    let bytes =
        std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    // A check wants no terabyte of address space, and what it compiles is not kept.
    let engine = Engine::on_demand()?;
    let folder = tempfile::tempdir().context("there is no place for compiled code")?;
    let cache = Cache::open(folder.path(), &engine)?;
    let loader = Loader::new(engine, cache)?;
    let source = file.display().to_string();
    match loader
        .load(&source, Bytes::from(bytes), Limits::default())
        .await
    {
        Ok(generation) => {
            if output.json {
                output.said("", &described(&generation));
            } else {
                tell(&generation);
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(refused) => {
            let Refused { gate, reason, .. } = &refused;
            if output.json {
                output.said("", &json!({"gate": gate.as_str(), "reason": reason}));
            } else {
                eprintln!("pith: {refused}");
            }
            Ok(ExitCode::FAILURE)
        }
    }
}

fn abilities(generation: &Generation) -> Vec<&'static str> {
    let abilities = generation.abilities();
    [
        ("sync", abilities.sync),
        ("upload", abilities.upload),
        ("publish", abilities.publish),
        ("serve", abilities.serve),
        ("resolve", abilities.resolve),
    ]
    .into_iter()
    .filter_map(|(name, has)| has.then_some(name))
    .collect()
}

fn described(generation: &Generation) -> Value {
    let descriptor = generation.descriptor();
    let resources = |types: &[pith_plugin::ResourceType]| -> Vec<Value> {
        let types = types.iter();
        types
            .map(|one| json!({"name": one.name, "title": one.title, "schema": one.config}))
            .collect()
    };
    let content: Vec<Value> = descriptor
        .content_types
        .iter()
        .map(|one| {
            json!({
                "name": one.full_name(&descriptor.name), "title": one.title,
                "plural": one.plural, "natural_key": one.natural_key,
                "repository_key": one.repository_key, "indexed": one.indexed,
                "schema": one.schema,
            })
        })
        .collect();
    let tasks: Vec<Value> = descriptor
        .task_types
        .iter()
        .map(|one| json!({"name": one.name, "title": one.title, "schema": one.params}))
        .collect();
    json!({
        "name": descriptor.name,
        "version": descriptor.version,
        "title": descriptor.title,
        "digest": format!("sha256:{}", generation.digest()),
        "abilities": abilities(generation),
        "imports": generation.imports(),
        "content_types": content,
        "repository_types": resources(&descriptor.repository_types),
        "remote_types": resources(&descriptor.remote_types),
        "publication_types": resources(&descriptor.publication_types),
        "distribution_types": resources(&descriptor.distribution_types),
        "entity_types": resources(&descriptor.entity_types),
        "task_types": tasks,
        "limits": limits_by_name(generation.limits()),
    })
}

fn tell(generation: &Generation) {
    let described = described(generation);
    println!(
        "{} {} ({}) passes all gates",
        plain(&described["name"]),
        plain(&described["version"]),
        plain(&described["title"])
    );
    for (title, field) in [
        ("digest", "digest"),
        ("abilities", "abilities"),
        ("imports", "imports"),
    ] {
        println!("  {title:<12} {}", plain(&described[field]));
    }
    for (title, field) in [
        ("content", "content_types"),
        ("repository", "repository_types"),
        ("remote", "remote_types"),
        ("publication", "publication_types"),
        ("distribution", "distribution_types"),
        ("entity", "entity_types"),
        ("task", "task_types"),
    ] {
        for one in described[field].as_array().into_iter().flatten() {
            let fields = one["schema"]["properties"]
                .as_object()
                .into_iter()
                .flatten();
            let fields: Vec<&str> = fields.map(|(name, _)| name.as_str()).collect();
            println!(
                "  {title:<12} {}: {}",
                plain(&one["name"]),
                fields.join(", ")
            );
        }
    }
    let limits = described["limits"].as_object().into_iter().flatten();
    let limits: Vec<String> = limits
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    println!("  {:<12} {}", "limits", limits.join(", "));
}
