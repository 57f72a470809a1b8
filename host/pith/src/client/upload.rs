//! `pith upload`: files become content, in chunks that survive an interruption.

mod chunks;
mod note;
mod whole;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use serde_json::{Map, Value, json};

use super::connection::Server;
use super::wait::Waiting;
use super::{Common, content, reference};

/// What to upload.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The content type, such as `file/files`, or a plugin that has only one.
    #[arg(long = "type", default_value = "file", value_name = "TYPE")]
    content_type: String,
    /// The repository that the content is added to.
    #[arg(long, value_name = "REPOSITORY")]
    repository: Option<String>,
    /// Where the file lies in the repository; the file's name, if none is given.
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// Another field of the unit.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = reference::parse_pair)]
    fields: Vec<(String, String)>,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    ensure!(
        arguments.path.is_none() || arguments.files.len() == 1,
        "--path is for one file; several keep their names"
    );
    let server = arguments.common.server()?;
    let path = content::path_of(&server, &arguments.content_type).await?;
    let unit_type = type_of(&server, &path).await?;
    let repository = match &arguments.repository {
        Some(name) => Some(reference::find_href(&server, "repositories", name).await?),
        None => None,
    };
    let output = arguments.common.output;
    let mut worst = ExitCode::SUCCESS;
    for file in &arguments.files {
        let fields = fields(&arguments, file)?;
        let Some(upload) = chunks::send(&server, file).await? else {
            let mut fields = fields;
            if let Some(repository) = &repository {
                fields.insert("repository".to_owned(), repository.as_str().into());
            }
            let bar = chunks::bar(file, std::fs::metadata(file)?.len());
            let accepted = whole::send(&server, &path, file, &fields, &bar).await?;
            bar.finish();
            let code = arguments.waiting.follow(&server, output, &accepted).await?;
            if code != ExitCode::SUCCESS {
                worst = code;
            }
            continue;
        };
        let mut order = json!({
            "upload_id": upload.id,
            "unit_type_id": unit_type,
            "unit_key": Value::Object(fields),
        });
        if let Some(repository) = &repository {
            order["repository"] = repository.as_str().into();
        }
        let accepted = server.post("import_upload", &order).await?;
        let code = arguments.waiting.follow(&server, output, &accepted).await?;
        if code == ExitCode::SUCCESS {
            upload.note.forget();
        } else {
            worst = code;
        }
    }
    Ok(worst)
}

/// `file.file` of `content/file/files/`, from what the plugin says of itself.
async fn type_of(server: &Server, path: &str) -> anyhow::Result<String> {
    let mut words = path.trim_end_matches('/').rsplit('/');
    let (Some(plural), Some(plugin)) = (words.next(), words.next()) else {
        bail!("{path:?} names no content type");
    };
    // The server takes a plural where only one plugin has it, and full names always.
    let component = server.get(&format!("components/{plugin}/")).await.ok();
    let names = component
        .as_ref()
        .and_then(|component| component["content_types"].as_array());
    let full = names
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .find(|name| {
            let short = name.rsplit('.').next().unwrap_or_default();
            plural == short || plural.trim_end_matches('s') == short
        });
    Ok(full.unwrap_or(plural).to_owned())
}

fn fields(arguments: &Arguments, file: &std::path::Path) -> anyhow::Result<Map<String, Value>> {
    let mut fields = Map::new();
    for (name, value) in &arguments.fields {
        fields.insert(name.clone(), reference::value_of(value));
    }
    let plugin = arguments.content_type.split(['/', '.']).next();
    if let Some(path) = &arguments.path {
        fields.insert("relative_path".to_owned(), path.as_str().into());
    } else if plugin == Some("file") && !fields.contains_key("relative_path") {
        let name = file
            .file_name()
            .and_then(|name| name.to_str())
            .with_context(|| format!("{} has no name that a client can read", file.display()))?;
        fields.insert("relative_path".to_owned(), name.into());
    }
    Ok(fields)
}
