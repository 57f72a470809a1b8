//! Waits for a task and shows how far it is.

use std::collections::HashMap;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::Value;

use super::connection::Server;
use super::table::{Output, plain};

/// The first pause between two looks; each next one is longer.
const FIRST: Duration = Duration::from_millis(50);

/// The longest, so that a task that takes hours costs the server nothing.
const LONGEST: Duration = Duration::from_secs(1);

/// Whether to wait.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Waiting {
    /// Wait until the task is over, and fail if it does: what happens anyway.
    #[arg(long, conflicts_with = "background")]
    wait: bool,
    /// Print the task and do not wait for it.
    #[arg(long)]
    background: bool,
}

impl Waiting {
    /// Follows the task that an answer names, as wished; the exit code says how it ended.
    pub(super) async fn follow(
        self,
        server: &Server,
        output: Output,
        accepted: &Value,
    ) -> anyhow::Result<ExitCode> {
        let task = accepted["task"]
            .as_str()
            .context("the server's answer names no task")?;
        if self.background {
            output.said(task, accepted);
            return Ok(ExitCode::SUCCESS);
        }
        let task = until_over(server, task).await?;
        Ok(tell(output, &task))
    }
}

/// Says how a task ended.
pub(super) fn tell(output: Output, task: &Value) -> ExitCode {
    let name = plain(&task["name"]);
    let state = plain(&task["state"]);
    if output.json {
        output.said("", task);
    } else if state == "completed" {
        println!("{name} completed");
        for created in task["created_resources"].as_array().into_iter().flatten() {
            println!("made {}", plain(created));
        }
    } else {
        let why = plain(&task["error"]["description"]);
        eprintln!(
            "pith: {name} {state}{}{why}",
            if why.is_empty() { "" } else { ": " }
        );
    }
    if state == "completed" {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Waits until a task is over, with a bar for each thing that it reports.
pub(super) async fn until_over(server: &Server, task: &str) -> anyhow::Result<Value> {
    let mut bars = Bars::default();
    let mut pause = FIRST;
    loop {
        let document = server.get(task).await?;
        bars.show(&document);
        let state = document["state"].as_str().unwrap_or_default();
        if !matches!(state, "waiting" | "running" | "canceling") {
            bars.end();
            return Ok(document);
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = tokio::signal::ctrl_c() => {
                bars.end();
                anyhow::bail!(
                    "the task goes on; `pith task wait {task}` waits for it again and \
                     `pith task cancel {task}` calls it off"
                );
            }
        }
        pause = (pause * 3 / 2).min(LONGEST);
    }
}

/// A bar for each progress report. Hidden by itself where standard error is no terminal.
#[derive(Default)]
struct Bars {
    all: MultiProgress,
    by_code: HashMap<String, ProgressBar>,
}

impl Bars {
    fn show(&mut self, task: &Value) {
        for report in task["progress_reports"].as_array().into_iter().flatten() {
            let code = plain(&report["code"]);
            let (done, total) = (
                report["done"].as_u64().unwrap_or(0),
                report["total"].as_u64(),
            );
            let all = &self.all;
            let bar = self
                .by_code
                .entry(code)
                .or_insert_with(|| all.add(new_bar(total)));
            if let Some(total) = total
                && bar.length() != Some(total)
            {
                bar.set_style(style(true));
                bar.set_length(total);
            }
            bar.set_message(plain(&report["message"]));
            bar.set_position(done);
        }
    }

    fn end(&self) {
        for bar in self.by_code.values() {
            bar.abandon();
        }
    }
}

fn new_bar(total: Option<u64>) -> ProgressBar {
    let bar = match total {
        Some(total) => ProgressBar::new(total),
        None => ProgressBar::no_length(),
    };
    bar.with_style(style(total.is_some()))
}

fn style(has_end: bool) -> ProgressStyle {
    let template = if has_end {
        "{msg:30!} {wide_bar} {pos}/{len}"
    } else {
        "{msg:30!} {spinner} {pos}"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
