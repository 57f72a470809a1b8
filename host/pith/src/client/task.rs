//! `pith task …`: looks at tasks, waits for them, calls them off.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::json;

use super::{Common, wait};

/// What to do with tasks.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List tasks, the newest first.
    List {
        /// Only those in this state: waiting, running, completed, failed, canceled.
        #[arg(long)]
        state: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Show a task.
    Show {
        /// Its href, or its UUID.
        task: String,
    },
    /// Wait until a task is over, and fail if it did.
    Wait {
        /// Its href, or its UUID.
        task: String,
    },
    /// Call a task off.
    Cancel {
        /// Its href, or its UUID.
        task: String,
    },
}

fn path(task: &str) -> String {
    if task.starts_with('/') {
        task.to_owned()
    } else {
        format!("tasks/{task}/")
    }
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let server = arguments.common.server()?;
    let output = arguments.common.output;
    match arguments.verb {
        Verb::List { state, limit } => {
            let mut filters = vec![("ordering".to_owned(), "-pulp_created".to_owned())];
            filters.extend(state.map(|state| ("state".to_owned(), state)));
            let (rows, count) = server.list("tasks/", &filters, limit.max(1)).await?;
            let columns = [
                ("STATE", "state"),
                ("NAME", "name"),
                ("CREATED", "pulp_created"),
                ("TASK", "pulp_href"),
                ("ERROR", "error.description"),
            ];
            output.rows(&rows, count, &columns);
        }
        Verb::Show { task } => output.resource(&server.get(&path(&task)).await?),
        Verb::Wait { task } => {
            let task = wait::until_over(&server, &path(&task)).await?;
            return Ok(wait::tell(output, &task));
        }
        Verb::Cancel { task } => {
            let order = json!({"state": "canceled"});
            let path = path(&task);
            let document = server.send_document(Method::PATCH, &path, &order).await?;
            output.said("the task is called off", &document);
        }
    }
    Ok(ExitCode::SUCCESS)
}
